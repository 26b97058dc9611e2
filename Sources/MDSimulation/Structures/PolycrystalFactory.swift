import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// The deck's polycrystal at work: grains are shared out to the ranks, and rank 0 gets their atoms.
enum PolycrystalFactory {
  /// The atoms, in the order of grains, on rank 0, with what is to be said of them; nil elsewhere, and where the deck has no
  /// polycrystal. The same on any number of ranks. Collective.
  ///
  /// - Parameter admit: is asked on rank 0 before any atom is made.
  static func build(
    _ plan: RunPlan, communicator: any Communicator, admit: @escaping StructureSize.Admission = { _, _ in }
  ) throws -> BuiltStructure? {
    guard let source = plan.structure, case .polycrystal(let wanted) = source.source else { return nil }
    let crystal = try unitCell(of: wanted.crystal, source, plan, communicator)
    let (polycrystal, error) = try communicator.agree {
      try StructureFactory.blaming(source) { try prepared(wanted, crystal, seed: plan.seed) }
    }
    let volumes = polycrystal.volumes
    try communicator.agree {
      guard communicator.isRoot else { return }
      try StructureFactory.blaming(source) {
        let atoms = polycrystal.cell.determinant / crystal.volume * Double(crystal.sites.count)
        try StructureSize.check(atoms: atoms, "the atoms of this polycrystal")
        try admit(Box(cell: polycrystal.cell), atoms)
      }
    }
    let owners = owners(volumes, ranks: communicator.size)
    var own: [Int: (types: [Int32], positions: [Vector3])] = [:]
    for g in volumes.indices where owners[g] == communicator.rank { own[g] = polycrystal.atoms(of: g) }
    guard let structure = gathered(own, owners, polycrystal, crystal, communicator) else { return nil }
    return BuiltStructure(structure: structure, notes: notes(structure, polycrystal, volumes, crystal, error: error))
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

  /// Which rank makes which grain: the largest first, each to the rank that has least.
  private static func owners(_ volumes: [Double], ranks: Int) -> [Int] {
    var owners = [Int](repeating: 0, count: volumes.count)
    var load = [Double](repeating: 0, count: ranks)
    for g in volumes.indices.sorted(by: { (-volumes[$0], $0) < (-volumes[$1], $1) }) {
      let least = load.indices.min { load[$0] < load[$1] }!
      owners[g] = least
      load[least] += volumes[g]
    }
    return owners
  }

  private static func gathered(
    _ own: [Int: (types: [Int32], positions: [Vector3])], _ owners: [Int], _ polycrystal: Polycrystal, _ crystal: UnitCell,
    _ communicator: any Communicator
  ) -> Structure? {
    var counts = [Double](repeating: 0, count: owners.count)
    for (g, atoms) in own { counts[g] = Double(atoms.types.count) }
    communicator.sum(&counts)
    guard communicator.isRoot else {
      for g in owners.indices where owners[g] == communicator.rank {
        guard let atoms = own[g] else { continue }
        atoms.types.withUnsafeBytes { communicator.send($0, to: 0, tag: 1) }
        atoms.positions.withUnsafeBytes { communicator.send($0, to: 0, tag: 2) }
      }
      return nil
    }
    let total = Int(counts.reduce(0, +))
    var structure = Structure(
      box: Box(cell: polycrystal.cell), species: crystal.species, types: [], positions: [])
    structure.types.reserveCapacity(total)
    structure.positions.reserveCapacity(total)
    var grains: [Int32] = []
    grains.reserveCapacity(total)
    for g in owners.indices {
      let count = Int(counts[g])
      if let atoms = own[g] {
        structure.types += atoms.types
        structure.positions += atoms.positions
      } else {
        var types = [Int32](repeating: 0, count: count)
        var positions = [Vector3](repeating: .zero, count: count)
        _ = types.withUnsafeMutableBytes { communicator.receive(into: $0, from: owners[g], tag: 1) }
        _ = positions.withUnsafeMutableBytes { communicator.receive(into: $0, from: owners[g], tag: 2) }
        structure.types += types
        structure.positions += positions
      }
      grains += [Int32](repeating: Int32(g), count: count)
    }
    structure.grains = grains
    return structure
  }

  private static func notes(
    _ structure: Structure, _ polycrystal: Polycrystal, _ volumes: [Double], _ crystal: UnitCell, error: Double?
  ) -> [String] {
    let diameters = volumes.map { pow(6 * $0 / .pi, 1.0 / 3) }
    let mean = diameters.reduce(0, +) / Double(diameters.count)
    let perfect = polycrystal.cell.determinant / crystal.volume * Double(crystal.sites.count)
    var notes = [
      "polycrystal of \(RunLog.counted(volumes.count, "grain")) of \(crystal.formula), diameters "
        + "\(RunLog.fixed(diameters.min()!, 1)) to \(RunLog.fixed(diameters.max()!, 1)) Å, \(RunLog.fixed(mean, 1)) in the mean; "
        + "\(RunLog.fixed(100 * Double(structure.count) / perfect, 2)) % of the crystal's density"
    ]
    if let error {
      notes.append("volumes are off by \(RunLog.fixed(100 * error, 2)) % (root mean square) from those asked")
      if error > 0.1 { notes.append("warning: these sizes do not fill the cell well: more grains or less spread do") }
    }
    if polycrystal.isColumnar { notes.append("columns of \(RunLog.fixed(polycrystal.cell.z.z, 4)) Å along z, whole periods") }
    return notes
  }
}
