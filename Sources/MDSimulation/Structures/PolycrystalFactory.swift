import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// The deck's polycrystal at work.
enum PolycrystalFactory {
  /// This rank's share of the atoms, which are in the order of grains, and on rank 0 what is to be said of them. Collective.
  ///
  /// - Parameter admit: is asked before any atom is made.
  static func build(
    _ wanted: PolycrystalPlan, _ source: StructurePlan, _ plan: RunPlan, communicator: any Communicator,
    admit: StructureSize.Admission
  ) throws -> BuiltStructure {
    let crystal = try unitCell(of: wanted.crystal, source, plan, communicator)
    let part = StructurePart(communicator)
    let (polycrystal, error) = try communicator.agree {
      try StructureFactory.blaming(source) {
        let made = try prepared(wanted, crystal, seed: plan.seed)
        let atoms = made.0.cell.determinant / crystal.volume * Double(crystal.sites.count)
        try StructureSize.check(atoms: atoms, "the atoms of this polycrystal", part: part)
        try admit(Box(cell: made.0.cell), atoms)
        return made
      }
    }
    var built = BuiltStructure(structure: polycrystal.build(part: part))
    let total = communicator.sum(built.structure.count)
    if communicator.isRoot { built.notes = notes(total, polycrystal, crystal, error: error) }
    return built
  }

  /// Every rank needs the crystal; a file is read by rank 0 only.
  static func unitCell(
    of source: CrystalSource, _ structure: StructurePlan, _ plan: RunPlan, _ communicator: any Communicator
  ) throws -> UnitCell {
    guard case .file = source else {
      return try communicator.agree {
        try StructureFactory.blaming(structure) { try CrystalFactory.unitCell(source, types: plan.numberedTypes) }
      }
    }
    struct Cell: Codable {
      var rows: [Double]
      var species: [String]
      var positions: [[Double]]
    }
    var cell: Cell?
    try communicator.agree {
      guard communicator.isRoot else { return }
      let read = try StructureFactory.blaming(structure) { try CrystalFactory.unitCell(source, types: plan.numberedTypes) }
      cell = Cell(
        rows: read.cell.elements, species: read.sites.map(\.species),
        positions: read.sites.map { [$0.position.x, $0.position.y, $0.position.z] })
    }
    guard let all = try Broadcast.value(cell, communicator) else { preconditionFailure("rank 0 has the cell") }
    return try UnitCell(
      cell: Matrix3(all.rows),
      sites: zip(all.positions, all.species).map { UnitCell.Site(Vector3($0[0], $0[1], $0[2]), $1) })
  }

  /// Seeds, weights and orientations; and what the volumes are off from those asked, relative, nil where nothing was asked.
  static func prepared(_ plan: PolycrystalPlan, _ crystal: UnitCell, seed: UInt64) throws -> (Polycrystal, Double?) {
    var cell = plan.cell
    if plan.isColumnar {
      guard let texture = plan.texture, texture.spread == 0, texture.along == Vector3(0, 0, 1) else {
        throw FaultlineError(
          .input, "columns need a texture along z without a spread", hint: "`texture: {direction: [1, 1, 1], along: z}`")
      }
      let flat = [cell.x.z, cell.y.z, cell.z.x, cell.z.y].allSatisfy { abs($0) < 1e-9 }
      guard flat else { throw FaultlineError(.input, "columns need a cell with a and b in the xy plane and c along z") }
      let (primitive, vectors) = try crystal.primitive()
      guard let v = integers(inProportionTo: plan.realDirection * vectors.inverse) else {
        throw FaultlineError(.input, "the texture's direction is none of the lattice")
      }
      let period = (Vector3(Double(v.x), Double(v.y), Double(v.z)) * primitive.cell).length
      cell.z.z = period * max(1, (cell.z.z / period).rounded())
    }
    let places = plan.seeds.isEmpty ? Polycrystal.randomSeeds(plan.count, seed: seed) : plan.seeds.map(\.at)
    let grains = places.enumerated().map { g, place -> Polycrystal.Grain in
      let orientation: Matrix3
      if let given = plan.seeds.indices.contains(g) ? plan.seeds[g].rotation : nil {
        orientation = given.axis.length > 0 ? Matrix3(rotationAbout: given.axis, by: given.angle * .pi / 180) : .identity
      } else if let texture = plan.texture {
        orientation = Polycrystal.fibre(
          g, direction: plan.realDirection * crystal.cell, axis: texture.along, spread: texture.spread, seed: seed)
      } else {
        orientation = Polycrystal.randomOrientation(g, seed: seed)
      }
      return Polycrystal.Grain(
        seed: place, weight: plan.seeds.indices.contains(g) ? plan.seeds[g].weight : 0, orientation: orientation)
    }
    var polycrystal = try Polycrystal(
      crystal, cell: cell, grains: grains, overlap: plan.overlap, keepsFormulaUnits: plan.keepsFormulaUnits,
      isColumnar: plan.isColumnar)
    guard let spread = plan.spread else { return (polycrystal, nil) }
    let wanted = Polycrystal.logNormalVolumes(grains.count, spread: spread, seed: seed)
    let error = polycrystal.fit(volumes: wanted)
    return (polycrystal, error)
  }

  private static func notes(
    _ count: Int, _ polycrystal: Polycrystal, _ crystal: UnitCell, error: Double?
  ) -> [String] {
    let volumes = polycrystal.volumes
    let diameters = volumes.map { pow(6 * $0 / .pi, 1.0 / 3) }
    let mean = diameters.reduce(0, +) / Double(diameters.count)
    let perfect = polycrystal.cell.determinant / crystal.volume * Double(crystal.sites.count)
    var notes = [
      "polycrystal of \(RunLog.counted(volumes.count, "grain")) of \(crystal.formula), diameters "
        + "\(RunLog.fixed(diameters.min()!, 1)) to \(RunLog.fixed(diameters.max()!, 1)) Å, \(RunLog.fixed(mean, 1)) in the mean; "
        + "\(RunLog.fixed(100 * Double(count) / perfect, 2)) % of the crystal's density"
    ]
    if let error {
      notes.append("volumes are off by \(RunLog.fixed(100 * error, 2)) % (root mean square) from those asked")
      if error > 0.1 { notes.append("warning: these sizes do not fill the cell well: more grains or less spread do") }
    }
    if polycrystal.isColumnar { notes.append("columns of \(RunLog.fixed(polycrystal.cell.z.z, 4)) Å along z, whole periods") }
    return notes
  }
}
