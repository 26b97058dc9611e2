import MDCore
import MDNumerics

/// Cells that are sheared.
extension DistributedSystem {
  /// Beyond a half by this a tilt is taken back, so that one at a half does not go to and fro.
  private static let hysteresis = 0.02

  /// Where a periodic cell vector leans over another by more than half of it, whole vectors are taken off: the lattice of
  /// copies stays, ghosts get fewer. Positions do not change; image counts follow, so unwrapped positions do not either.
  /// The same on every rank.
  func reduceCell() {
    for _ in 0..<4 {
      var changed = false
      for (from, by) in [(1, 0), (2, 1), (2, 0)] where box.periodic[from] && box.periodic[by] {
        let (long, short) = (box.cell[from], box.cell[by])
        let lean = dot(long, short) / short.squaredLength
        guard abs(lean) > 0.5 + Self.hysteresis else { continue }
        let count = lean.rounded()
        var cell = box.cell
        cell[from] = long - count * short
        box.setCell(cell)
        let images = atoms.image.pointer
        for i in 0..<atoms.localCount { images[i][by] += Int32(count) * images[i][from] }
        changed = true
      }
      if !changed { return }
    }
  }
}
