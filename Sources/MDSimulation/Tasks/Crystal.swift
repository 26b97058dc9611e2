import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// A crystal in equilibrium with the deck's potentials, and the ranks to compute on: what tasks start from.
struct Crystal {
  let plan: RunPlan
  let communicator: any Communicator
  /// The deck's cell at 0 K and no pressure.
  let unitCell: UnitCell
  /// eV an atom.
  let energy: Double

  /// Å³ an atom.
  var atomicVolume: Double { unitCell.volume / Double(unitCell.sites.count) }
  /// The lengths of the cell vectors, Å.
  var lengths: [Double] { (0..<3).map { unitCell.cell[$0].length } }
  /// The potentials' reach, Å.
  let cutoff: Double

  /// A structure of this crystal's species ready to be computed. Collective.
  func cell(of structure: Structure) throws -> SmallCell {
    try SmallCell(structure, plan: plan, communicator: communicator)
  }

  /// One cell of the crystal. Collective.
  func one(_ unitCell: UnitCell) throws -> SmallCell { try cell(of: CrystalBlock(unitCell).build()) }

  // MARK: Finding it

  /// The crystal of the deck's structure with its own lattice constants. Collective.
  init(_ plan: RunPlan, communicator: any Communicator) throws {
    let (plan, _) = try EquilibriumLattice.resolved(plan, communicator: communicator)
    let given = try Self.unitCell(of: plan, communicator)
    try self.init(given, plan, communicator: communicator)
  }

  /// That of a cell near equilibrium. Collective.
  /// - Throws: a run error if no equilibrium is found near it.
  init(_ given: UnitCell, _ plan: RunPlan, communicator: any Communicator) throws {
    self.plan = plan
    self.communicator = communicator
    let cell = try SmallCell(try CrystalBlock(given).build(), plan: plan, communicator: communicator)
    let state = try Equilibrium.find(cell, try given.primitive().cell.pointGroup())
    let inverse = cell.box.cell.inverse
    unitCell = try UnitCell(
      cell: cell.box.cell, sites: zip(given.sites, cell.positions).map { UnitCell.Site($1 * inverse, $0.species) })
    energy = state.energy / Double(cell.count)
    cutoff = cell.system.cutoff
  }

  /// The cell that the deck gives: of a lattice, of a crystal, or a file with one cell. Collective.
  static func unitCell(of plan: RunPlan, _ communicator: any Communicator) throws -> UnitCell {
    switch plan.structure?.source {
    case .lattice(let lattice):
      guard let type = LatticeType(rawValue: lattice.type.rawValue) else {
        preconditionFailure("the deck's lattices are those of the builders")
      }
      guard let constant = lattice.constant else { preconditionFailure("the plan's lattice has been resolved") }
      return try type.unitCell(a: constant, c: lattice.c, species: lattice.species)
    case .crystal(let crystal):
      return try UnitCell(cell: crystal.cell, sites: crystal.basis.map { UnitCell.Site($0.position, $0.species) })
    case .file:
      var cell: Carried?
      try communicator.agree {
        guard communicator.isRoot, let read = try StructureFactory.read(plan) else { return }
        guard read.box.periodic.isFull else {
          throw FaultlineError(
            .input, "the file's structure is open along an axis", hint: "tasks need one cell of a crystal",
            at: plan.structure?.location)
        }
        guard read.count <= 1000 else {
          throw FaultlineError(
            .input, "the file's structure has \(read.count) atoms", hint: "tasks need one cell of a crystal, at most 1000 atoms",
            at: plan.structure?.location)
        }
        cell = Carried(read)
      }
      guard let found = try Broadcast.value(cell, communicator) else { preconditionFailure("rank 0 has read it") }
      return try found.unitCell()
    default: preconditionFailure("the deck's check lets tasks through for crystals only")
    }
  }

  /// A cell on its way to other ranks.
  private struct Carried: Codable {
    var cell: [Double]
    var positions: [[Double]]
    var species: [String]

    init(_ structure: Structure) {
      cell = structure.box.cell.elements
      positions = structure.positions.map { r in
        let s = structure.box.fractional(r)
        return [s.x, s.y, s.z]
      }
      species = structure.types.map { structure.species[Int($0)] }
    }

    func unitCell() throws -> UnitCell {
      try UnitCell(
        cell: Matrix3(cell), sites: zip(positions, species).map { UnitCell.Site(Vector3($0[0], $0[1], $0[2]), $1) })
    }
  }
}
