import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDSimulation
import MDTestSupport
import Testing

/// Copies of a slab along its normal: they must be so far away that what the correction for layers leaves is below the
/// accuracy, and farther than the slab is wide.
@Suite struct SlabGapTests {
  struct Slab: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var structure: Structure
    /// The longest lateral period, Å.
    let length: Double
    /// What its atoms occupy along the normal, Å.
    let width: Double
  }

  private static func slab(
    _ name: String, _ cell: Matrix3, _ places: [Vector3], _ charges: [Double], length: Double, origin: Vector3 = .zero
  ) -> Slab {
    var s = Structure(
      box: Box(cell: cell, origin: origin, periodic: Periodicity(true, true, false)), species: ["Na", "Cl"],
      types: charges.map { $0 > 0 ? 0 : 1 }, positions: places.map { $0 + origin })
    s.charges = charges
    let z = places.map(\.z)
    return Slab(testDescription: name, structure: s, length: length, width: z.max()! - z.min()!)
  }

  /// Stripes of charge on a flat layer, whose lateral wave is as strong as it can be.
  static let domains: Slab = {
    var (places, charges): ([Vector3], [Double]) = ([], [])
    for x in 0..<12 {
      for y in 0..<4 {
        places.append(Vector3(2.5 * Double(x), 2.5 * Double(y), 1))
        charges.append(x < 6 ? 1 : -1)
      }
    }
    return slab("domains", Matrix3(diagonal: Vector3(30, 10, 3)), places, charges, length: 30)
  }()

  /// A layer of rock salt, one of whose ions is 44 Å away.
  static let evaporated: Slab = {
    var (places, charges): ([Vector3], [Double]) = ([Vector3(0, 0, 3), Vector3(0, 0, 47)], [1, -1])
    for x in 0..<4 {
      for y in 0..<4 {
        for z in 0..<2 where !(x == 0 && y == 0) {
          places.append(2.82 * Vector3(Double(x), Double(y), Double(z)) + Vector3(0, 0, 3))
          charges.append((x + y + z).isMultiple(of: 2) ? 1 : -1)
        }
      }
    }
    return slab("evaporated ion", Matrix3(diagonal: Vector3(11.28, 11.28, 12)), places, charges, length: 11.28)
  }()

  /// Charges without order in a hexagonal cell with an origin of its own, and a normal that the third vector leans
  /// from.
  static let hexagonal: Slab = {
    var random = SplitMix64(seed: 3)
    let cell = Matrix3(Vector3(14, 0, 0), Vector3(-7, 14 * 0.75.squareRoot(), 0), Vector3(2, 1, 6))
    let places = (0..<24).map { _ in 0.5 * (random.vector() + 1) * cell }
    return slab(
      "hexagonal", cell, places, (0..<24).map { $0.isMultiple(of: 2) ? 1 : -1 }, length: 14 * 0.75.squareRoot(),
      origin: Vector3(5, -3, 40))
  }()

  /// The same lattice with rows that are longer than they need to be, at an angle of 7°.
  static let longRows: Slab = {
    var slab = hexagonal
    let cell = slab.structure.box.cell
    slab.structure.box.setCell(Matrix3(2 * cell.x + cell.y, 5 * cell.x + 2 * cell.y, cell.z))
    slab.testDescription = "hexagonal, long rows"
    return slab
  }()

  static let slabs = [domains, evaporated, hexagonal]

  static func potential(
    _ method: String, accuracy: Double, factor: Double?, _ communicator: any Communicator
  ) throws -> CoulombPotential {
    let options = LongRangeOptions(accuracy: accuracy, cutoff: 6, slabFactor: factor)
    return try CoulombPotential(
      solver: BoundarySolver(
        method == "pppm"
          ? PPPMSolver(options, communicator: communicator) : EwaldSolver(options, communicator: communicator),
        open: DirectSolver(cutoff: 6, communicator: communicator)),
      cutoff: 6, species: ["Na", "Cl"], communicator: communicator)
  }

  /// Copies eight lateral periods away: e^(−16π) is left.
  static func factor(_ slab: Slab, gap: Double) -> Double {
    (slab.width + gap * slab.length) / slab.structure.box.heights[2]
  }

  static func vectors(_ x: [Double]) -> [Vector3] {
    stride(from: 0, to: x.count, by: 3).map { Vector3(x[$0], x[$0 + 1], x[$0 + 2]) }
  }

  /// Whatever rows the lattice is given by. Not with a mesh: at 11° its error was 2.4 times that asked for.
  @Test(arguments: slabs.map { ($0, "pppm") } + (slabs + [longRows]).map { ($0, "ewald") })
  func chosenHeight(_ slab: Slab, method: String) throws {
    let whole = try RankedRun.results(slab.structure, ranks: 1) {
      try Self.potential("ewald", accuracy: 1e-11, factor: Self.factor(slab, gap: 8), $0)
    }
    for ranks in [1, 2] {
      let own = try RankedRun.results(slab.structure, ranks: ranks) {
        try Self.potential(method, accuracy: 1e-6, factor: nil, $0)
      }
      let error = Samples.forceError(Self.vectors(own.forces), Self.vectors(whole.forces))
      #expect(error < 1e-6 * Units.coulomb, "\(error)")
      #expect(abs(own.energy - whole.energy) < 1e-5 * Double(slab.structure.count))
    }
  }

  @Test(arguments: ["pppm", "ewald"], [1, 3]) func tooWide(method: String, ranks: Int) throws {
    let error = #expect(throws: FaultlineError.self) {
      _ = try RankedRun.results(Self.evaporated.structure, ranks: ranks) {
        try Self.potential(method, accuracy: 1e-5, factor: 3, $0)
      }
    }
    #expect(error?.kind == .input && error?.isCollective == true)
    #expect(error?.message.contains("atoms 1 and 2 are 44.0 Å apart along the slab's normal") == true)
    #expect(error?.message.contains("is 36.0 Å high") == true)
  }

  /// What is called the copies' force is the difference that a taller cell makes.
  @Test(arguments: [domains, hexagonal, longRows], [0.5, 0.8, 1.5]) func imageForces(_ slab: Slab, gap: Double) throws {
    func forces(_ gap: Double) throws -> (forces: [Vector3], images: Double) {
      let potential = try Self.potential(
        "ewald", accuracy: 1e-12, factor: Self.factor(slab, gap: gap), LoopbackCommunicator())
      let system = BruteForceSystem(slab.structure, reach: 6)
      let result = try system.evaluate([potential], want: .energy)
      return (result.forces, potential.solver.imageError(of: system.atoms.charge!.pointer, on: system.atoms.view))
    }
    let (near, far) = (try forces(gap), try forces(8))
    let difference = Samples.forceError(near.forces, far.forces)
    // Waves of more than three times the smallest are left out: e^(−6πg/L) and less of the others.
    #expect(abs(near.images / difference - 1) < 0.02, "\(near.images), \(difference)")
    #expect(far.images < 1e-15)
  }

  struct Verdict: Sendable {
    var gap: Double
    var says: String?
    var stops = false
  }

  /// Above the accuracy a warning, above ten times that the end; and no word where the bound alone is too large.
  @Test(arguments: [
    Verdict(gap: 1, says: "is enough", stops: true), Verdict(gap: 2.1, says: "times the accuracy asked for"),
    Verdict(gap: 2.5),
  ]) func verdict(_ verdict: Verdict) throws {
    let slab = Self.domains
    let potential = try Self.potential(
      "ewald", accuracy: 1e-6, factor: Self.factor(slab, gap: verdict.gap), LoopbackCommunicator())
    let system = BruteForceSystem(slab.structure, reach: 6)
    _ = try system.evaluate([potential], want: .energy)
    guard !verdict.stops else {
      let error = #expect(throws: FaultlineError.self) { _ = try potential.notes(for: system.atoms.view) }
      #expect(error?.description.contains(verdict.says ?? "") == true)
      return
    }
    let notes = try potential.notes(for: system.atoms.view)
    let warnings = notes.filter { $0.hasPrefix("warning: ") }
    #expect(warnings.count == (verdict.says == nil ? 0 : 1), "\(notes)")
    #expect(warnings.allSatisfy { $0.contains(verdict.says ?? "") })
    #expect(try potential.warnings(for: system.atoms.view) == warnings)
    #expect(notes.contains { $0.contains("slab in a periodic cell of") && $0.contains("force error below") })
  }

  /// An ion is drawn out of a layer, 44 Å in 44 steps: a height that is chosen grows along, a given one ends the run.
  @Test(arguments: ["coulomb", "qeq"]) func run(_ family: String) throws {
    func run(_ factor: String) throws -> (log: [String], energies: [Double], last: RunSummary) {
      let deck = try SlabDeck(family, factor: factor)
      defer { deck.remove() }
      return try deck.run()
    }
    let (log, energies, summary) = try run("")
    #expect(log.contains { $0.contains("the cell has changed; sums over charges") })
    #expect(log.filter { $0.contains("(chosen)") }.count > 1)
    #expect(summary.warnings.isEmpty)
    let wide = try run("slab_factor: 12,")
    #expect(energies.count == 45 && wide.energies.count == 45)
    // 1e-5 · 14.4 eV/Å over some ångström, for 32 atoms.
    for (a, b) in zip(energies, wide.energies) { #expect(abs(a - b) < 2e-3, "\(a - b)") }
    let error = #expect(throws: FaultlineError.self) { _ = try run("slab_factor: 3,") }
    #expect(error?.kind == .run)
    #expect(
      error?.message.contains("Å apart along the slab's normal") == true
        || error?.message.contains("slab's copies exert on it") == true, "\(String(describing: error))")
  }
}

/// A run on one rank in a folder of its own.
struct SlabDeck {
  let folder: String

  init(_ family: String, factor: String) throws {
    folder = NSTemporaryDirectory() + "faultline-slab-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var lines = ["32", "Lattice=\"11.28 0 0 0 11.28 0 0 0 12\" Properties=species:S:1:pos:R:3 pbc=\"T T F\""]
    for x in 0..<4 {
      for y in 0..<4 {
        for z in 0..<2 {
          let r = 2.82 * Vector3(Double(x), Double(y), Double(z)) + Vector3(0, 0, x + y == 0 && z == 1 ? 3.4 : 3)
          lines.append("\((x + y + z).isMultiple(of: 2) ? "Na" : "Cl") \(r.x) \(r.y) \(r.z)")
        }
      }
    }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: folder + "/slab.extxyz", atomically: true, encoding: .utf8)
    let qeq = """
      qeq: {parameters: {Na: {electronegativity: 2.8, hardness: 4.6, width: 1.0}, \
      Cl: {electronegativity: 8.3, hardness: 7.0, width: 0.9}}, charges: {\(factor) accuracy: 1e-5, tolerance: 1e-7}}
      """
    try """
    structure: {file: {path: slab.extxyz}}
    species: \(family == "qeq" ? "{}" : "{Na: {charge: 1}, Cl: {charge: -1}}")
    groups:
      rest: {select: {species: [Na, Cl], region: {z: [0, 5.9]}}, frozen: true}
      ion: {select: {region: {z: [5.9, 7]}}, velocity: [0, 0, 1000]}
    potential:
      - \(family == "qeq" ? qeq : "coulomb: {\(factor) cutoff: 8}")
    stages: [{dynamics: {steps: 44, timestep: 0.001}}]
    output: {directory: \(folder)/run, thermo: {every: 1}}
    """.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }

  private final class Lines: @unchecked Sendable {
    var lines: [String] = []
  }

  func run() throws -> (log: [String], energies: [Double], last: RunSummary) {
    let lines = Lines()
    let simulation = try Simulation.start(
      deck: folder + "/deck.yaml", output: nil, overwrite: false, communicator: LoopbackCommunicator(),
      log: RunLog(isTerminal: false) { lines.lines.append($0) })
    _ = try simulation.run(limits: RunLimits())
    let rows = CSVTable.rows(try String(contentsOfFile: folder + "/run/thermo.csv", encoding: .utf8))
    let summary = try JSONDecoder().decode(
      RunSummary.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/run/run.json")))
    return (lines.lines, rows.map { $0["potential_energy"] ?? .nan }, summary)
  }
}
