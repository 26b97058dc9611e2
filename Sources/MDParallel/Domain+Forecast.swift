import MDCore
import MDNumerics

// What ghosts will take, reckoned from places of atoms and cuts of the cell before any is made.
extension Domain {
  /// On how many ranks an atom will be, counted with its images: Π over axes of the bricks that it or an image of it is
  /// in or within `width` (fractions of the axis) of. `s` is wrapped where periodic. The number may be beyond the
  /// range of integers.
  package func copies(of s: Vector3, width: Vector3) -> Double { bricks.copies(of: s, width: width, periodic: periodic) }

  /// How many bricks away along an axis ghosts come from: what `width` (fractions) spans of the thinnest bricks, or
  /// all there are along an open axis. Infinite or no number for a cell without height. Ghosts of staggered bricks come at once,
  /// from however far.
  package func hops(axis: Int, width: Double) -> Double {
    let spanned = (width / bricks.thinnest(axis: axis)).rounded(.up)
    return periodic[axis] ? spanned : min(spanned, Double(grid[axis] - 1))
  }
}
