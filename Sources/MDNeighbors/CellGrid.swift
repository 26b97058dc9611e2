import MDCore
import MDNumerics

/// A grid of Cartesian cells over the bounding box of some atoms, bounded in size whatever their extent.
///
/// Along an axis with more cells than the memory allows, cell numbers are taken modulo `counts`: cells far
/// apart share a place. Each atom is still in one place, so a search that tests distances stays exact, and a
/// few atoms far away neither make the grid huge nor its cells coarse.
struct CellGrid {
  var origin: Vector3
  /// Cells per Å.
  var density: Vector3
  /// Places along each axis.
  var counts: SIMD3<Int>
  /// Cells of the bounding box along each axis; more than `counts` where places are shared.
  var extent: SIMD3<Int>

  var cellCount: Int { counts.x * counts.y * counts.z }

  /// - Parameters:
  ///   - size: cell size along each axis, Å.
  ///   - minimum: fewest places along an axis where places are shared.
  ///   - powersOfTwo: rounds counts up to powers of two.
  init(
    _ positions: UnsafePointer<Vector3>, _ count: Int, size: Vector3, minimum: SIMD3<Int>, limit: Int,
    powersOfTwo: Bool = false
  ) {
    var low = count > 0 ? positions[0] : .zero
    var high = low
    for i in 0..<count {
      low = pointwiseMin(low, positions[i])
      high = pointwiseMax(high, positions[i])
    }
    origin = low
    density = Vector3(repeating: 1) / size
    extent = .one
    counts = .one
    for k in 0..<3 {
      // Beyond 2⁵⁰ cells (or not a number) the numbers themselves lose meaning.
      let n = (high[k] - low[k]) * density[k]
      extent[k] = n < 0x1p50 ? Int(n) + 1 : 1 << 50
      counts[k] = extent[k]
      if powersOfTwo { while counts[k] & (counts[k] - 1) != 0 { counts[k] += counts[k] & -counts[k] } }
    }
    while Double(counts.x) * Double(counts.y) * Double(counts.z) > Double(limit) {
      var longest = 0
      for k in 1..<3 where counts[k] - minimum[k] > counts[longest] - minimum[longest] { longest = k }
      guard counts[longest] > minimum[longest] else { break }
      counts[longest] = max(counts[longest] / 2, minimum[longest])
    }
  }

  /// Cell numbers before sharing.
  @inline(__always)
  func cell(_ r: Vector3) -> SIMD3<Int> {
    let c = (r - origin) * density
    return SIMD3(Int(c.x), Int(c.y), Int(c.z))
  }

  /// The place of a cell number along an axis.
  @inline(__always)
  func place(_ cell: Int, axis: Int) -> Int {
    cell < counts[axis] && cell >= 0 ? cell : ((cell % counts[axis]) + counts[axis]) % counts[axis]
  }

  /// x runs fastest.
  @inline(__always)
  func index(_ cell: SIMD3<Int>) -> Int {
    (place(cell.z, axis: 2) * counts.y + place(cell.y, axis: 1)) * counts.x + place(cell.x, axis: 0)
  }
}
