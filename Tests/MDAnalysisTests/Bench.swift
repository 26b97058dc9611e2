import Foundation
import MDAnalysis
import MDCore
import MDDeck
import MDNumerics
import MDTestSupport
import Testing

/// Instruments made from decks and fed with scenes, on one rank.
final class Bench {
  let communicator: any Communicator
  let atoms: AtomStore
  var box: Box
  let ghosts: any GhostCommunicator
  private let keep: AnyObject?
  private let lists = ListCache()
  let species: [String]
  let masses: [Double]
  var step = 0
  /// What instruments are told of the potentials.
  var potentials: [(name: String, pairForces: PairForceCoverage)] = []

  /// Atoms with all images within reach.
  init(_ structure: Structure, reach: Double, masses: [Double]? = nil, _ communicator: any Communicator) {
    let system = BruteForceSystem(structure, reach: reach)
    (atoms, box, ghosts, keep) = (system.atoms, system.box, system, system)
    self.communicator = communicator
    species = structure.species
    self.masses = masses ?? structure.species.map { _ in 1 }
  }

  /// Atoms without neighbours.
  init(count: Int, box: Box, _ communicator: any Communicator) {
    atoms = AtomStore(capacity: count)
    atoms.setLocalCount(count)
    for i in 0..<count {
      atoms.id[i] = Int64(i + 1)
      (atoms.species[i], atoms.groups[i]) = (0, 1)
      (atoms.position[i], atoms.velocity[i], atoms.image[i], atoms.shift[i]) = (.zero, .zero, .zero, .zero)
    }
    self.box = box
    self.communicator = communicator
    ghosts = NoGhosts()
    keep = nil
    (species, masses) = (["Ar"], [40])
  }

  private final class NoGhosts: GhostCommunicator {
    func forward(_ columns: [ColumnStorage]) {}
    func reverse(_ columns: [ColumnStorage]) {}
  }

  private var counts: [Int] {
    species.indices.map { s in (0..<atoms.localCount).filter { atoms.species[$0] == Int32(s) }.count }
  }

  func scene(time: Double? = nil) -> Scene {
    defer { step += 1 }
    return Scene(
      atoms: atoms, box: box, step: step, time: time ?? Double(step), species: species, masses: masses,
      totalCount: atoms.localCount, speciesCounts: counts, communicator: communicator, ghosts: ghosts, lists: lists)
  }

  static let schema = DeckSchema(
    DeckParts(
      potentials: [], thermostats: [], barostats: [], loads: [], minimizers: [DeckName("fire", "")],
      cellShapes: [DeckName("fixed", "")], observers: [], instruments: InstrumentEntry.all.map(\.entry),
      regions: RegionEntry.kinds, thermoColumns: [DeckName("time", "")],
      atomColumns: [DeckName("images", "")]))

  /// `text` is an item of `analysis.measure`, for example `rdf: {cutoff: 5}`.
  func instrument(_ text: String, regions: String = "{}", reach: Double = 6, groups: [String] = []) throws -> any Instrument {
    let deck = "analysis: {regions: \(regions), measure: [{\(text)}]}"
    let plan = try RunPlan.parse(deck, file: "bench.yaml", schema: Self.schema, purpose: .analyze)
    let item = try #require(plan.measures.first { _ in true })
    let entry = InstrumentEntry.named(item.name)
    entry.declare(item.section, item.measureName, atoms)
    let names = SelectionNames(
      species: species, groups: groups, regions: try RegionEntry.regions(plan.regions, reach: reach, species: species))
    return try entry.make(
      item.section,
      InstrumentSetting(
        name: item.measureName, names: names, atoms: atoms, masses: masses, speciesCounts: counts, box: box, reach: reach,
        hasVelocities: true, potentials: potentials, bornCharges: atoms.column(named: "born_charges")))
  }

  /// Runs `body` with a communicator of one rank.
  static func alone(_ body: (any Communicator) throws -> Void) throws { try body(SoloCommunicator()) }
}

/// Puts the atoms of a bench to unwrapped positions.
func place(_ positions: [Vector3], _ bench: Bench) {
  for (i, r) in positions.enumerated() {
    var (wrapped, image) = (r, SIMD3<Int32>.zero)
    bench.box.wrap(&wrapped, image: &image)
    (bench.atoms.position[i], bench.atoms.image[i]) = (wrapped, image)
  }
}

extension Report {
  /// A column of its first table (or of another) by name.
  func column(_ name: String, table: Int = 0) throws -> [Double] {
    let place = try #require(tables[table].columns.firstIndex { $0.name == name }, "\(tables[table].columns.map(\.name))")
    return tables[table].rows.map { $0[place] }
  }

  func number(_ name: String) throws -> Number {
    let found = numbers.first { $0.name == name }
    return try #require(found, "\(numbers.map(\.name))")
  }
}

/// Uniform atoms in a sheared cell.
func randomStructure(_ count: Int, seed: UInt64, periodic: Periodicity = .all, species: [String] = ["Na", "Cl"]) -> Structure {
  var random = Randoms(seed)
  let box = Box(
    cell: Matrix3(Vector3(9, 0.4, -0.3), Vector3(2.1, 8, 0.7), Vector3(-1.2, 1.9, 10)), origin: Vector3(1, -2, 0.5),
    periodic: periodic)
  var s = Structure(
    box: box, species: species, types: (0..<count).map { Int32($0 % 3 == 0 ? species.count - 1 : 0) },
    positions: (0..<count).map { _ in box.cartesian(random.vector()) })
  s.velocities = (0..<count).map { _ in random.vector() - Vector3(0.5, 0.5, 0.5) }
  return s
}

/// All vectors from one atom to another and its images, shorter than `reach`.
func images(_ s: Structure, _ i: Int, _ j: Int, reach: Double) -> [Vector3] {
  var found: [Vector3] = []
  let n = 3
  for a in -n...n { for b in -n...n { for c in -n...n {
    if (!s.box.periodic.a && a != 0) || (!s.box.periodic.b && b != 0) || (!s.box.periodic.c && c != 0) { continue }
    let d = s.positions[j] - s.positions[i] + Vector3(Double(a), Double(b), Double(c)) * s.box.cell
    if (i != j || a != 0 || b != 0 || c != 0) && d.length < reach { found.append(d) }
  } } }
  return found
}
