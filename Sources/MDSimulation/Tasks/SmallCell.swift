import MDCore
import MDDeck
import MDNumerics
import MDParallel

/// The energy of one structure as a function of all its positions and its cell, with the deck's potentials on all ranks.
///
/// Every rank holds all positions and gets all forces, in the order of the structure: for cells of up to some thousand
/// atoms, in which minimisers and finite differences are written as they stand in textbooks.
final class SmallCell {
  /// What a structure's atoms and cell give.
  struct State {
    /// eV.
    var energy: Double
    /// eV/Å.
    var forces: [Vector3]
    /// −W/V, positive in tension, eV/Å³.
    var stress: Matrix3
    var volume: Double
  }

  let system: DistributedSystem
  let species: [String]
  let types: [Int32]
  var count: Int { types.count }
  /// Å, not wrapped.
  private(set) var positions: [Vector3]
  private(set) var box: Box
  /// Of the cell that it began with, Å³.
  let firstVolume: Double
  /// Positions when lists were made, and this rank's atoms then.
  private var listed: [Vector3] = []
  private var local: [(index: Int, position: Vector3)] = []

  /// Collective. `structure` is the same on every rank.
  init(_ structure: Structure, plan: RunPlan, communicator: any Communicator) throws {
    system = try SystemFactory.make(
      communicator.isRoot ? structure : nil, plan: plan, communicator: communicator)
    species = structure.species
    types = structure.types
    positions = structure.positions
    box = structure.box
    firstVolume = box.volume
    try rebuild()
  }

  /// Of the present positions. Collective.
  func state(_ want: Want = []) throws -> State {
    let tally = try system.compute(want.union([.energy, .virial]), step: 0)
    let atoms = system.atoms
    var sums = [tally.energy] + tally.virial.elements + [Double](repeating: 0, count: 3 * count)
    for i in 0..<atoms.localCount {
      let (k, f) = (10 + 3 * (Int(atoms.id[i]) - 1), atoms.force[i])
      (sums[k], sums[k + 1], sums[k + 2]) = (f.x, f.y, f.z)
    }
    system.communicator.sum(&sums)
    guard sums.allSatisfy(\.isFinite) else {
      throw FaultlineError(
        .run, "the energy of a structure of \(count) atoms is not a number",
        hint: "atoms that are too close, or outside the potential's range", isCollective: true)
    }
    return State(
      energy: sums[0],
      forces: (0..<count).map { Vector3(sums[10 + 3 * $0], sums[11 + 3 * $0], sums[12 + 3 * $0]) },
      stress: (-1 / box.volume) * Matrix3(Array(sums[1..<10])), volume: box.volume)
  }

  /// Each atom's share of the present energy, eV. Collective.
  func atomEnergies() throws -> [Double] {
    _ = try system.compute([.energy, .virial, .atomEnergy], step: 0)
    let atoms = system.atoms
    guard let energy = atoms.energy else { preconditionFailure("energies that were asked for are there") }
    var all = [Double](repeating: 0, count: count)
    for i in 0..<atoms.localCount { all[Int(atoms.id[i]) - 1] = energy[i] }
    system.communicator.sum(&all)
    return all
  }

  /// Moves the atoms. Collective; every rank gives the same positions.
  func move(to new: [Vector3]) throws {
    positions = new
    let reach = system.skin / 2
    let farthest = zip(new, listed).map { ($0 - $1).squaredLength }.max() ?? 0
    guard farthest < 0.98 * reach * reach else { return try rebuild() }
    for (i, atom) in local.enumerated() {
      system.atoms.position[i] = atom.position + (new[atom.index] - listed[atom.index])
    }
    system.refresh()
  }

  /// Another cell with the atoms at these places in it. Collective.
  func set(_ cell: Matrix3, _ new: [Vector3]) throws {
    box.setCell(cell)
    positions = new
    try rebuild()
  }

  /// r ↦ r·F for atoms and cell (origin at zero). Collective.
  func deform(_ gradient: Matrix3) throws { try set(box.cell * gradient, positions.map { $0 * gradient }) }

  private func rebuild() throws {
    system.box = box
    let atoms = system.atoms
    for i in 0..<atoms.localCount {
      atoms.position[i] = positions[Int(atoms.id[i]) - 1]
      atoms.image[i] = .zero
      // Wherever it has been: the way to another brick is found from a place in the cell.
      box.wrap(&atoms.position[i], image: &atoms.image[i])
    }
    try system.rebuild()
    listed = positions
    local = (0..<atoms.localCount).map { (Int(atoms.id[$0]) - 1, atoms.position[$0]) }
  }
}
