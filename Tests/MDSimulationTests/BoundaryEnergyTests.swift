import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDParallel
import MDSimulation
import Testing

/// γ and what stands beside it in run.json, against energies and pressures that `evaluate` and thermo.csv give.
@Suite("Boundary energy") struct BoundaryEnergyTests {
  final class Lines: @unchecked Sendable {
    var lines: [String] = []
  }

  private static func folder() throws -> String {
    let folder = NSTemporaryDirectory() + "faultline-boundary-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }

  private static func boundary(
    _ lattice: String, _ constant: Double, _ species: String, _ more: String = "", _ extra: String = ""
  ) -> String {
    """
    structure:
      grain_boundary: {kind: tilt, lattice: \(lattice), constant: \(constant), species: [\(species)],
        axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0], thickness: 9\(more)}\(extra)
    stages: [{minimize: {cell: fixed, max_steps: 60, force_tolerance: 0.05}}]
    analysis: {boundary_energy: {}}
    """
  }

  /// What run.json has of a boundary.
  private struct Entry: Decodable {
    var energyJoulePerSquareMetre: Double
    var referenceEnergyPerAtom: Double
    var atoms: Int
    var removedAtoms: Int?
    var normalPressure: Double?
    var referencePressure: Double?

    enum CodingKeys: String, CodingKey {
      case energyJoulePerSquareMetre = "energy_J_per_m2"
      case referenceEnergyPerAtom = "reference_eV_per_atom"
      case atoms
      case removedAtoms = "atoms_removed"
      case normalPressure = "normal_pressure_bar"
      case referencePressure = "reference_pressure_bar"
    }
  }

  private struct Results: Decodable {
    var boundary_energy: [Entry]
  }

  /// run.json, what it has of boundaries, and the log.
  private func run(
    _ deck: String, ranks: Int = 1
  ) throws -> (summary: RunSummary, energies: [Entry], log: [String]) {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try (deck + "\noutput: {directory: \(folder)/run}\n").write(
      toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    let lines = Lines()
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let simulation = try Simulation.start(
        deck: folder + "/deck.yaml", output: nil, overwrite: false, communicator: communicator,
        log: RunLog(isTerminal: false, emit: communicator.isRoot ? { lines.lines.append($0) } : nil))
      _ = try simulation.run(limits: RunLimits())
    }
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/run/run.json"))
    return (
      try JSONDecoder().decode(RunSummary.self, from: data),
      try JSONDecoder().decode(Results.self, from: data).boundary_energy, lines.lines
    )
  }

  /// Energy (eV) and virial (eV) of one cell of the crystal by `evaluate`.
  private func crystal(_ potential: String, _ header: String, _ atoms: [String]) throws -> (Double, Matrix3) {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try potential.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    try (["\(atoms.count)", header] + atoms + [""]).joined(separator: "\n").write(
      toFile: folder + "/in.extxyz", atomically: true, encoding: .utf8)
    try Evaluation.run(
      deck: folder + "/deck.yaml", frames: folder + "/in.extxyz", output: folder + "/out.extxyz",
      communicator: LoopbackCommunicator(), log: RunLog(isTerminal: false, emit: nil))
    let frame = try #require(try ExtXYZReader(folder + "/out.extxyz").next())
    return (frame["energy"]?.numbers?.first ?? .nan, Matrix3(frame["virial"]?.numbers ?? []))
  }

  /// A constant that is 1 % too small, and a cell without room for the boundary.
  @Test(arguments: [1, 2]) func pressures(ranks: Int) throws {
    let potential = "potential: [{eam: {parameters: zhou2004}}]"
    let constant = 3.58
    let deck = Self.boundary("fcc", constant, "Cu", ", expansion: -0.6") + "\n" + potential
    let (summary, energies, log) = try run(deck, ranks: ranks)
    let entry = try #require(energies.first)
    let a = "\(constant)"
    let half = "\(constant / 2)"
    let (energy, virial) = try crystal(
      potential, "Lattice=\"\(a) 0 0 0 \(a) 0 0 0 \(a)\" Properties=species:S:1:pos:R:3",
      ["Cu 0 0 0", "Cu 0 \(half) \(half)", "Cu \(half) 0 \(half)", "Cu \(half) \(half) 0"])
    #expect(abs(entry.referenceEnergyPerAtom - energy / 4) < 1e-9)
    let pressure = virial.trace / 3 / (constant * constant * constant) * Units.energyPerVolumeToBar
    #expect(abs(try #require(entry.referencePressure) / pressure - 1) < 1e-9)
    let last = try #require(summary.finalThermo)
    #expect(entry.atoms == summary.atoms)
    let excess = last.potentialEnergy - Double(summary.atoms) * energy / 4
    let gamma = excess / (2 * last.lengths[0] * last.lengths[1]) * Units.energyPerAreaToJoulePerSquareMetre
    #expect(abs(entry.energyJoulePerSquareMetre - gamma) < 1e-6)
    // At rest, so that the pressure has no kinetic part.
    #expect(abs(try #require(entry.normalPressure) - last.pressureTensor[2]) < 1)
    #expect(pressure > 20_000 && last.pressureTensor[2] > 20_000)
    let warnings = summary.warnings.map(\.message)
    #expect(warnings.count == 2)
    #expect(warnings.contains { $0.contains("`constant` is too small") && $0.contains("kbar") })
    #expect(warnings.contains { $0.contains("left under") && $0.contains("`cell: normal` relaxes it") })
    #expect(log.contains { $0.contains("grain-boundary energy") && $0.contains("kbar along the normal") })
    // And before anything starts.
    #expect(log.first { $0.contains("`constant` is too small") }?.contains("warning") == true)
  }

  /// Expansions that are compared have one number of atoms, which the log and run.json tell.
  @Test func removed() throws {
    let potential = "\npotential: [{eam: {parameters: zhou2004}}]"
    let runs = try ["", ", expansion: -0.3"].map {
      try run(Self.boundary("fcc", 3.615, "Cu", $0 + ", overlap: 2.2", "\n  replicate: [1, 2, 1]") + potential)
    }
    let entries = runs.map { $0.energies[0] }
    #expect(entries[0].atoms == entries[1].atoms && entries[0].removedAtoms == entries[1].removedAtoms)
    #expect((entries[0].removedAtoms ?? 0) > 0 && (entries[0].removedAtoms ?? 1).isMultiple(of: 2))
    #expect(runs[0].log.contains { $0.contains("\(entries[0].removedAtoms ?? 0) removed") })
  }

  static let charged = """

    potential:
      - qeq:
          parameters:
            Na: {electronegativity: 2.8, hardness: 4.6, width: 1.0}
            Cl: {electronegativity: 8.3, hardness: 7.0, width: 0.9}
          charges: {accuracy: 1e-7, tolerance: 1e-8, CHARGES}
      - born_mayer_huggins:
          cutoff: 6
          pairs:
            - {species: [Na, Na], a: 0.2637, sigma: 2.340, rho: 0.317, c: 1.0486, d: 0.4993}
            - {species: [Na, Cl], a: 0.2110, sigma: 2.755, rho: 0.317, c: 6.9906, d: 8.6758}
            - {species: [Cl, Cl], a: 0.1582, sigma: 3.170, rho: 0.317, c: 72.4022, d: 145.4285}
    """

  /// The crystal has the bicrystal's charge an atom, not its charge.
  @Test func totalCharge() throws {
    let deck = Self.boundary("rocksalt", 5.64, "Na, Cl", "")
    let (summary, energies, _) = try run(deck + Self.charged.replacingOccurrences(of: "CHARGES", with: "total: 1"))
    let entry = try #require(energies.first)
    var atoms: [String] = []
    for k in 0..<8 {
      let (x, y, z) = (k & 1, (k >> 1) & 1, k >> 2)
      let r = 2.82 * Vector3(Double(x), Double(y), Double(z))
      atoms.append("\((x + y + z).isMultiple(of: 2) ? "Na" : "Cl") \(r.x) \(r.y) \(r.z)")
    }
    let share = 8.0 / Double(summary.atoms)
    let (energy, _) = try crystal(
      Self.charged.replacingOccurrences(of: "CHARGES", with: "total: 0"),
      "Lattice=\"5.64 0 0 0 5.64 0 0 0 5.64\" Properties=species:S:1:pos:R:3 total_charge=\(share)", atoms)
    #expect(abs(entry.referenceEnergyPerAtom - energy / 8) < 1e-6)
    let neutral = try run(deck + Self.charged.replacingOccurrences(of: "CHARGES", with: "total: 0")).energies
    let difference = entry.energyJoulePerSquareMetre - neutral[0].energyJoulePerSquareMetre
    // With the whole charge on one cell this was several J/m².
    #expect(abs(difference) < 0.2, "\(difference)")
  }

  @Test(arguments: [
    ("fixed", "fixed: [{group: low, charge: 0.5}]"), ("fragments", "fragments: [{group: low, total: 0}]"),
    ("constant_potential", "constant_potential: [{group: low, potential: 1}, {group: high, potential: 0}]"),
    ("net_charge", "coulomb"),
  ]) func refused(_ key: String, _ charges: String) throws {
    let groups = """

      groups:
        low: {select: {fractional_region: {z: [0, 0.2]}}}
        high: {select: {fractional_region: {z: [0.5, 0.7]}}}
      """
    let potential =
      charges == "coulomb"
      ? "\nspecies: {Na: {charge: 1}, Cl: {charge: -1}}\npotential: [{coulomb: {net_charge: 1}}]"
      : Self.charged.replacingOccurrences(of: "CHARGES", with: charges)
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let deck = Self.boundary("rocksalt", 5.64, "Na, Cl") + groups + potential
    try (deck + "\noutput: {directory: \(folder)/run}\n").write(
      toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    for start in [true, false] {
      let error = #expect(throws: (any Error).self) {
        let (communicator, log) = (LoopbackCommunicator(), RunLog(isTerminal: false, emit: nil))
        if start {
          _ = try Simulation.start(
            deck: folder + "/deck.yaml", output: nil, overwrite: false, communicator: communicator, log: log)
        } else {
          try DryRun.run(
            deck: folder + "/deck.yaml", output: nil, ranks: nil, communicator: communicator, log: log)
        }
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("`\(key)` leaves `boundary_energy` without a perfect crystal"))
    }
    #expect(!FileManager.default.fileExists(atPath: folder + "/run"))
  }
}
