import MDCore
import MDNumerics

/// The cell whose copies a reciprocal sum sees: the box itself, or for a slab a taller cell along its normal.
public struct PeriodicCell: Equatable, Sendable {
  /// Rows a, b, c (Å); positions are taken from `origin`.
  public let cell: Matrix3
  public let origin: Vector3
  public let volume: Double
  /// Rows a*, b*, c* without 2π: k = 2π (n₁a* + n₂b* + n₃c*), 1/Å.
  public let reciprocal: Matrix3
  /// The unit vector normal to a slab; nil if the box is periodic along all axes.
  public let normal: Vector3?
  /// Height of the cell along the normal, Å.
  public let height: Double
  /// The axis of the normal.
  public let openAxis: Int?

  /// - Parameter slabFactor: height of a slab's periodic cell over the height of the box.
  /// - Throws: a collective input error for a box that is periodic along one axis or none.
  public init(_ box: Box, slabFactor: Double) throws {
    try self.init(box, slabHeight: Self.openAxis(of: box).map { slabFactor * box.heights[$0] } ?? 0)
  }

  /// The axis along which the box is open, if it is a slab.
  static func openAxis(of box: Box) -> Int? {
    let open = (0..<3).filter { !box.periodic[$0] }
    return open.count == 1 ? open[0] : nil
  }

  /// - Parameter slabHeight: of a slab's periodic cell, Å.
  /// - Throws: a collective input error for a box that is periodic along one axis or none.
  public init(_ box: Box, slabHeight: Double) throws {
    var rows = box.cell
    var normal: Vector3?
    let open = (0..<3).filter { !box.periodic[$0] }
    if open.count == 1 {
      let axis = open[0]
      let n = cross(rows[(axis + 1) % 3], rows[(axis + 2) % 3])
      let unit = n / n.length
      rows[axis] = slabHeight * unit
      normal = unit
    } else if open.count > 1 {
      throw FaultlineError(
        .input, "a reciprocal sum needs a box that is periodic along three axes, or two (a slab)",
        hint: open.count == 2
          ? "periodicity along one axis alone is not offered; add vacuum and make the other axes periodic" : nil,
        isCollective: true)
    }
    cell = rows
    origin = box.origin
    volume = abs(rows.determinant)
    reciprocal = rows.inverse.transpose
    self.normal = normal
    height = open.count == 1 ? slabHeight : 0
    openAxis = open.count == 1 ? open[0] : nil
  }
}
