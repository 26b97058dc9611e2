import MDCore
import MDNumerics

/// A block of perfect crystal: the unit cell repeated, or a cubic crystal in another orientation.
public struct CrystalBlock: Sendable {
  public var unitCell: UnitCell
  /// Repetitions of the cell along its three vectors.
  public var size: SIMD3<Int>
  /// Crystal directions along x, y, z (cubic crystals): the cell is then the smallest rectangular one.
  public var orientation: [IntegerVector]?
  public var periodic: Periodicity
  /// Empty lengths added to the cell, Å.
  public var vacuum: Vector3

  public init(
    _ unitCell: UnitCell, size: SIMD3<Int> = SIMD3(1, 1, 1), orientation: [IntegerVector]? = nil,
    periodic: Periodicity = .all, vacuum: Vector3 = .zero
  ) {
    self.unitCell = unitCell
    self.size = size
    self.orientation = orientation
    self.periodic = periodic
    self.vacuum = vacuum
  }

  /// The atoms, in the order of cells and of the unit cell's sites. Throws when a size is below 1, the structure would have
  /// more atoms than `StructureSize` allows, or the orientation is not three orthogonal directions of a cubic crystal.
  public func build() throws -> Structure {
    guard size.x > 0, size.y > 0, size.z > 0 else {
      throw FaultlineError(
        .input, "a crystal cannot have \(size.x) × \(size.y) × \(size.z) cells", hint: "each number is at least 1")
    }
    try StructureSize.check(size, of: unitCell.sites.count)
    var structure: Structure
    if let orientation {
      guard orientation.count == 3 else {
        throw FaultlineError(.input, "an orientation is three directions, along x, y and z")
      }
      let crystal = try OrientedCrystal(unitCell, x: orientation[0], y: orientation[1], z: orientation[2])
      try StructureSize.check(
        atoms: unitCell.density * crystal.periods.x * crystal.periods.y * crystal.normalPeriod * Double(size.x)
          * Double(size.y) * Double(size.z), "\(size.x) × \(size.y) × \(size.z) cells of this orientation")
      let slab = Slab(crystal, bottom: 0, thickness: Double(size.z) * crystal.normalPeriod)
      structure = SlabStack([.init(slab)], edges: crystal.periods, repeats: SIMD2(size.x, size.y)).build()
      structure.grains = nil
    } else {
      structure = try Structure(
        box: Box(cell: unitCell.cell), species: unitCell.species, types: unitCell.types,
        positions: unitCell.sites.map { $0.position * unitCell.cell }
      ).replicated(size)
    }
    try structure.addVacuum(vacuum)
    structure.box.periodic = periodic
    return structure
  }
}
