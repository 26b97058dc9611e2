import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDParallel
import MDSimulation
import Testing

/// Structures that all ranks build together: the atoms of a run on any number of ranks are those that `faultline build` writes
/// on one, number by number.
@Suite("Structures built by each rank") struct StructureShareTests {
  struct Atom: Equatable, CustomStringConvertible {
    var id: Int64
    var species: String
    var place: Vector3
    var grain: Int
    var description: String { "\(id) \(species) \(place) of \(grain)" }
  }

  static let copper = "of: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}"
  static let ceria = "of: {lattice: {type: fluorite, constant: 5.41, species: [Ce, O]}}"

  static let structures = [
    "lattice: {type: fcc, constant: 3.615, species: [Cu], size: [5, 4, 7]}",
    "lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [3, 1, 2], vacuum: [0, 0, 11]}\n  periodic: [true, true, false]",
    "lattice: {type: bcc, constant: 3.17, species: [Mo], size: [2, 3, 2], orientation: [[1, 1, 1], [1, -1, 0], [1, 1, -2]]}",
    "lattice: {type: fcc, constant: 3.615, species: [Cu], size: [3, 2, 2]}\n  replicate: [2, 1, 3]",
    "crystal: {cell: [[4, 0, 0], [1, 4, 0], [0, 0.5, 5]], basis: [{species: Cu, position: [0, 0, 0]}, {species: Ni, position: [0.4, 0.5, 0.6]}], size: [3, 4, 3]}",
    "polycrystal: {\(copper), cell: [30, 34, 28], grains: 5}",
    "polycrystal: {\(copper), cell: [[30, 0, 0], [8, 28, 0], [-6, 7, 29]], grains: 4, spread: 0.2}",
    "polycrystal: {\(ceria), cell: [28, 28, 30], grains: 4, remove: formula_units}",
    "polycrystal: {\(copper), cell: [30, 30, 20], grains: 3, texture: {direction: [1, 1, 1], along: z}, columns: true}",
    "spherical_grain: {\(copper), size: [9, 8, 9], radius: 10, axis: [1, 1, 1], angle: 38.2}",
    "spherical_grain: {\(ceria), size: [5, 5, 6], radius: 9, axis: [1, 1, 0], angle: 50, remove: formula_units}",
    "polycrystal: {\(copper), cell: [22, 22, 22], grains: 2}\n  replicate: [1, 2, 2]",
    "polycrystal: {\(copper), cell: [30, 30, 30], grains: 3}\n  modify: [{vacancies: {fraction: 0.05}}]",
    "file: {path: FOLDER/numbered.extxyz}\n  replicate: [3, 2, 2]",
    "grain_boundary: {kind: tilt, lattice: bcc, constant: 3.1693, species: [Mo], axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], thickness: 9}\n  replicate: [1, 3, 1]",
  ]

  /// Numbers out of order and with gaps.
  static let numbered = """
    3
    Lattice="4 0 0 1 5 0 0 0 6" Properties=species:S:1:pos:R:3:id:I:1
    Cu 0.5 0.5 0.5 7
    Cu 2.5 2.0 3.5 2
    Cu 1.0 4.0 5.0 11

    """

  private final class Found: @unchecked Sendable {
    private let lock = NSLock()
    private var atoms: [Atom] = []
    func add(_ some: [Atom]) { lock.withLock { atoms += some } }
    var all: [Atom] { lock.withLock { atoms.sorted { $0.id < $1.id } } }
  }

  /// Of the engine that such a deck makes on so many ranks, by number.
  static func atoms(_ structure: String, folder: String, ranks: Int) throws -> [Atom] {
    let deck = """
      structure:
        \(structure.replacingOccurrences(of: "FOLDER", with: folder))
      """
    let plan = try RunPlan.parse(deck, file: folder + "/deck.yaml", schema: Registry.schema, purpose: .build)
    let found = Found()
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let engine = try Engine.make(plan, communicator: communicator)
      let (system, atoms) = (engine.system, engine.system.atoms)
      let grain = atoms.column(named: "grain") == nil ? nil : atoms.addColumn("grain")
      found.add(
        (0..<atoms.localCount).map { i in
          Atom(
            id: atoms.id[i], species: system.species[Int(atoms.species[i])],
            place: atoms.position[i] + Vector3(atoms.image[i]) * system.box.cell, grain: grain.map { Int($0[i]) } ?? -1)
        })
    }
    return found.all
  }

  @Test("1 = 2, 3, 4, 8 ranks, atom by atom", arguments: structures) func sameAtoms(_ structure: String) throws {
    let folder = NSTemporaryDirectory() + "faultline-shares-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Self.numbered.write(toFile: folder + "/numbered.extxyz", atomically: true, encoding: .utf8)
    let one = try Self.atoms(structure, folder: folder, ranks: 1)
    #expect(one.count > 30 && Set(one.map(\.id)).count == one.count)
    for ranks in [2, 3, 4, 8] {
      let many = try Self.atoms(structure, folder: folder, ranks: ranks)
      #expect(many == one, "\(ranks) ranks: \(many.count) of \(one.count) atoms")
    }

    // What `build` writes, which rank 0 has whole.
    let deck = folder + "/build.yaml"
    try "structure:\n  \(structure.replacingOccurrences(of: "FOLDER", with: folder))\n"
      .write(toFile: deck, atomically: true, encoding: .utf8)
    for ranks in [1, 3] {
      try LoopbackCommunicator.run(ranks: ranks) { communicator in
        try StructureJob.run(
          deck: deck, output: folder + "/built.extxyz", communicator: communicator, log: RunLog(isTerminal: false, emit: nil))
      }
      let built = try ExtXYZReader.frames(of: folder + "/built.extxyz")[0].structure
      let order = built.positions.indices.sorted { (built.ids?[$0] ?? Int64($0 + 1)) < (built.ids?[$1] ?? Int64($1 + 1)) }
      #expect(order.count == one.count)
      for (i, atom) in zip(order, one) {
        #expect((built.ids?[i] ?? Int64(i + 1)) == atom.id && built.species[Int(built.types[i])] == atom.species)
        #expect((built.positions[i] - atom.place).length < 1e-9)
        if let grains = built.grains { #expect(Int(grains[i]) == atom.grain) }
      }
    }
  }

  @Test("a structure that cannot be is one error on all ranks", arguments: [1, 3]) func refused(ranks: Int) throws {
    for (structure, part) in [
      ("lattice: {type: fcc, constant: 3.6, species: [Cu], size: [100000, 100000, 100000]}", "too many"),
      ("polycrystal: {\(Self.copper), cell: [90000, 90000, 90000], grains: 2}", "too many"),
      ("polycrystal: {\(Self.copper), cell: [30, 30, 30], grains: 2, overlap: 3}", "overlap distance"),
      ("spherical_grain: {\(Self.copper), size: [90000, 90000, 90000], radius: 20}", "too many"),
      ("spherical_grain: {\(Self.copper), size: [5, 5, 5], radius: 9}", "does not fit"),
      ("lattice: {type: fcc, constant: 3.6, species: [Cu]}\n  replicate: [90000, 90000, 90000]", "too many"),
    ] {
      let error = #expect(throws: FaultlineError.self) { _ = try Self.atoms(structure, folder: "/tmp", ranks: ranks) }
      #expect(error.map { "\($0)".contains(part) } == true, "\(error.map { "\($0)" } ?? "nothing")")
    }
  }
}
