import MDCore
import MDNumerics

/// A block of perfect crystal: the unit cell repeated, or a cubic crystal in another orientation.
package struct CrystalBlock: Sendable {
  package var unitCell: UnitCell
  /// Repetitions of the cell along its three vectors.
  package var size: SIMD3<Int>
  /// Crystal directions along x, y, z (cubic crystals): the cell is then the smallest rectangular one.
  package var orientation: [IntegerVector]?
  package var periodic: Periodicity
  /// Empty lengths added to the cell, Å.
  package var vacuum: Vector3

  package init(
    _ unitCell: UnitCell, size: SIMD3<Int> = SIMD3(1, 1, 1), orientation: [IntegerVector]? = nil,
    periodic: Periodicity = .all, vacuum: Vector3 = .zero
  ) {
    self.unitCell = unitCell
    self.size = size
    self.orientation = orientation
    self.periodic = periodic
    self.vacuum = vacuum
  }

  /// The atoms, in the order of cells and of the unit cell's sites. Throws when a size is below 1, the structure would
  /// have more atoms than `StructureSize` allows, the orientation is not three orthogonal directions of a cubic crystal,
  /// or `admit` does, which is asked before any atom is made.
  ///
  /// - Parameter part: which of the atoms are made.
  package func build(part: StructurePart = .whole, admit: StructureSize.Admission = { _, _ in }) throws -> Structure {
    guard size.x > 0, size.y > 0, size.z > 0 else {
      throw FaultlineError(
        .input, "a crystal cannot have \(size.x) × \(size.y) × \(size.z) cells", hint: "each number is at least 1")
    }
    try StructureSize.check(size, of: unitCell.sites.count, part: part)
    var structure: Structure
    if let orientation {
      guard orientation.count == 3 else {
        throw FaultlineError(.input, "an orientation is three directions, along x, y and z")
      }
      let crystal = try OrientedCrystal(unitCell, x: orientation[0], y: orientation[1], z: orientation[2])
      let edges = Vector3(crystal.periods.x, crystal.periods.y, crystal.normalPeriod)
      let atoms =
        unitCell.density * edges.x * edges.y * edges.z * Double(size.x) * Double(size.y) * Double(size.z)
      try StructureSize.check(atoms: atoms, "\(size.x) × \(size.y) × \(size.z) cells of this orientation", part: part)
      try admit(outline(Matrix3(diagonal: edges)), atoms)
      let slab = Slab(crystal, bottom: 0, thickness: Double(size.z) * crystal.normalPeriod)
      let stack = SlabStack([.init(slab)], edges: crystal.periods, repeats: SIMD2(size.x, size.y))
      structure = stack.build(numbers: part.numbers(of: stack.atomCount))
      structure.grains = nil
    } else {
      let cells = Double(size.x) * Double(size.y) * Double(size.z)
      try admit(outline(unitCell.cell), cells * Double(unitCell.sites.count))
      structure = try Structure(
        box: Box(cell: unitCell.cell), species: unitCell.species, types: unitCell.types,
        positions: unitCell.sites.map { $0.position * unitCell.cell }
      ).replicated(size, part: part)
    }
    try structure.addVacuum(vacuum)
    structure.box.periodic = periodic
    return structure
  }

  /// The box of `size` such cells with the vacuum.
  private func outline(_ cell: Matrix3) throws -> Box {
    var empty = Structure(
      box: Box(cell: Matrix3(Double(size.x) * cell.x, Double(size.y) * cell.y, Double(size.z) * cell.z)),
      species: [], types: [], positions: [])
    try empty.addVacuum(vacuum)
    empty.box.periodic = periodic
    return empty.box
  }
}
