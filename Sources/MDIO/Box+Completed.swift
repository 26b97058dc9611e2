import MDCore
import MDNumerics

extension Box {
  /// A box whose missing (zero) vectors along open axes are replaced by ones that span the atoms with a margin of 1 Å.
  package static func completed(
    _ given: Matrix3, origin: Vector3, periodic: Periodicity, around positions: [Vector3], margin: Double = 1
  ) throws -> Box {
    var cell = given
    let missing = (0..<3).filter { cell[$0] == .zero }
    if let k = missing.first(where: { periodic[$0] }) {
      throw FaultlineError(
        .input, "axis \(["a", "b", "c"][k]) is periodic but has no cell vector",
        hint: "give the lattice or open the axis")
    }
    for k in missing {
      // Perpendicular to the vectors that are there, as far as there are any.
      let others = (0..<3).filter { $0 != k }.map { cell[$0] }
      var direction = cross(others[0], others[1])
      if direction == .zero {
        let axes = [Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)]
        let one = others[0] == .zero ? others[1] : others[0]
        direction = one == .zero ? axes[k] : axes[k] - (dot(axes[k], one) / one.squaredLength) * one
        if direction.length < 1e-6 { direction = cross(one, axes[(k + 1) % 3]) }
      }
      cell[k] = direction / direction.length
    }
    let volume = abs(cell.determinant)
    guard volume > 1e-10 * cell.x.length * cell.y.length * cell.z.length, volume.isFinite else {
      throw FaultlineError(.input, "the cell has no volume", hint: "its three vectors must not lie in a plane")
    }
    guard !missing.isEmpty else { return Box(cell: cell, origin: origin, periodic: periodic) }
    var start = origin
    let unit = Box(cell: cell, origin: origin, periodic: periodic)
    var low = Vector3(repeating: .infinity)
    var high = -low
    for r in positions {
      let s = unit.fractional(r)
      low = pointwiseMin(low, s)
      high = pointwiseMax(high, s)
    }
    for k in missing {
      let (from, to) = positions.isEmpty ? (0, 0) : (low[k], high[k])
      start += (from - margin) * cell[k]
      cell[k] *= to - from + 2 * margin
    }
    return Box(cell: cell, origin: start, periodic: periodic)
  }
}
