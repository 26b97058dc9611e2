import MDCore
import MDNumerics

/// The part of the mesh that a rank's atoms touch: `start` ..< `start` + `length` mesh points along each axis, not
/// wrapped (so a point may stand there twice, or have copies in other ranks' windows: what atoms put there is summed).
///
/// An axis that is not divided is `whole`: atoms are wrapped into it, and it ends with p copies of its first points.
struct MeshWindow: Equatable {
  var start: SIMD3<Int>
  var length: SIMD3<Int>
  var isWhole: SIMDMask<SIMD3<Int>>

  /// The window of a rank: its brick, widened by the stray of atoms and the support of splines.
  ///
  /// Along the open axis of a slab the outermost bricks reach half into the vacuum on either side.
  init(_ decomposition: Decomposition, rank: Int, box: Box, cell: PeriodicCell, mesh: SIMD3<Int>, order: Int) {
    start = .zero
    length = .zero
    isWhole = SIMDMask(repeating: false)
    // Fractions of the box to fractions of the periodic cell: the identity, but for slabs.
    let toCell = box.cell * cell.cell.inverse
    let place = decomposition.bricks.place(of: rank)
    var (low, high) = decomposition.bricks.bounds(of: rank)
    for k in 0..<3 where !box.periodic[k] {
      let vacuum = 0.5 * (cell.height / box.heights[k] - 1)
      if place[k] == 0 { low[k] = -vacuum }
      if place[k] == decomposition.grid[k] - 1 { high[k] = 1 + vacuum }
    }
    let half = 0.5 * Double(order)
    for k in 0..<3 {
      var lower = 0.0
      var upper = 0.0
      for axis in 0..<3 {
        lower += min(low[axis] * toCell[axis][k], high[axis] * toCell[axis][k])
        upper += max(low[axis] * toCell[axis][k], high[axis] * toCell[axis][k])
      }
      let stray = decomposition.stray * cell.reciprocal[k].length + 1e-9
      let points = Double(mesh[k])
      start[k] = Int((points * (lower - stray) - half + 1).rounded(.down))
      length[k] = Int((points * (upper + stray) - half + 1).rounded(.down)) - start[k] + order
      if decomposition.grid[k] == 1 || length[k] >= mesh[k] + order {
        isWhole[k] = true
        start[k] = Int((1 - half).rounded(.down))
        length[k] = mesh[k] + order
      }
    }
  }

  /// Doubles from row to row: rows end with room for the eight lanes of the last spline.
  var rowPitch: Int { (length.z + 8 + 3) & ~3 }
  var planePitch: Int { length.y * rowPitch }
  var count: Int { length.x * planePitch + 8 }

  /// The window of every rank, in rank order.
  static func all(
    _ decomposition: Decomposition, box: Box, cell: PeriodicCell, mesh: SIMD3<Int>, order: Int
  ) -> [MeshWindow] {
    (0..<decomposition.bricks.count).map { rank in
      MeshWindow(decomposition, rank: rank, box: box, cell: cell, mesh: mesh, order: order)
    }
  }
}

extension MeshWindow {
  /// Adds what stands in the copies at the window's end to the points themselves. For a window whole along all axes.
  func fold(_ window: UnsafeMutablePointer<Double>, mesh: SIMD3<Int>) {
    for x in stride(from: length.x - 1, through: mesh.x, by: -1) {
      addRow(window + x * planePitch, to: window + (x - mesh.x) * planePitch, planePitch)
    }
    for x in 0..<mesh.x {
      let plane = window + x * planePitch
      for y in stride(from: length.y - 1, through: mesh.y, by: -1) {
        addRow(plane + y * rowPitch, to: plane + (y - mesh.y) * rowPitch, rowPitch)
      }
      for y in 0..<mesh.y {
        let row = plane + y * rowPitch
        for z in stride(from: length.z - 1, through: mesh.z, by: -1) { row[z - mesh.z] += row[z] }
      }
    }
  }

  /// Fills the copies at the window's end.
  func unfold(_ window: UnsafeMutablePointer<Double>, mesh: SIMD3<Int>) {
    for x in 0..<mesh.x {
      let plane = window + x * planePitch
      for y in 0..<mesh.y {
        let row = plane + y * rowPitch
        for z in mesh.z..<length.z { row[z] = row[z - mesh.z] }
      }
      for y in mesh.y..<length.y {
        (plane + y * rowPitch).update(from: plane + (y - mesh.y) * rowPitch, count: rowPitch)
      }
    }
    for x in mesh.x..<length.x {
      (window + x * planePitch).update(from: window + (x - mesh.x) * planePitch, count: planePitch)
    }
  }
}

/// target += source.
@inline(__always)
func addRow(_ source: UnsafePointer<Double>, to target: UnsafeMutablePointer<Double>, _ count: Int) {
  var k = 0
  while k &+ 4 <= count {
    let sum =
      UnsafeRawPointer(target + k).loadUnaligned(as: SIMD4<Double>.self)
      + UnsafeRawPointer(source + k).loadUnaligned(as: SIMD4<Double>.self)
    UnsafeMutableRawPointer(target + k).storeBytes(of: sum, as: SIMD4<Double>.self)
    k &+= 4
  }
  while k < count {
    target[k] += source[k]
    k &+= 1
  }
}
