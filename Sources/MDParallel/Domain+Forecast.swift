import MDCore
import MDNumerics

// What ghosts will take, reckoned from places of atoms and cuts of the cell before any is made.
extension Domain {
  /// On how many ranks an atom will be, counted with its images: Π over axes of the bricks that it or an image of it is
  /// in or within `width` (fractions of the axis) of. `s` is wrapped where periodic. The number may be beyond the
  /// range of integers.
  package func copies(of s: Vector3, width: Vector3) -> Double {
    var product = 1.0
    for axis in 0..<3 {
      let planes = cuts[axis]
      var sum = 0.0
      for c in 0..<grid[axis] {
        let low = planes[c] - width[axis]
        let high = planes[c + 1] + width[axis]
        if periodic[axis] {
          // Whole numbers m with low ≤ s + m < high.
          sum += (high - s[axis]).rounded(.up) - (low - s[axis]).rounded(.up)
        } else {
          let isAbove = c == 0 || s[axis] >= low
          let isBelow = c == grid[axis] - 1 || s[axis] < high
          sum += isAbove && isBelow ? 1 : 0
        }
      }
      product *= sum
    }
    return product
  }

  /// How many bricks away along an axis ghosts come from: what `width` (fractions) spans of the thinnest bricks, or
  /// all there are along an open axis. Infinite or no number for a cell without height.
  package func hops(axis: Int, width: Double) -> Double {
    let planes = cuts[axis]
    let thinnest = zip(planes, planes.dropFirst()).map { $1 - $0 }.min() ?? 1
    let spanned = (width / thinnest).rounded(.up)
    return periodic[axis] ? spanned : min(spanned, Double(grid[axis] - 1))
  }
}
