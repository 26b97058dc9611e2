import MDCore
import MDNumerics

extension Structure {
  /// Each atom as the image nearest to where it was in `start`, in the present cell.
  func followed(from start: Structure) -> [Vector3] {
    zip(positions, start.positions).map { now, then in
      let place = box.cartesian(start.box.fractional(then))
      var move = (now - place) * box.inverse
      move -= move.rounded(.toNearestOrEven)
      return place + move * box.cell
    }
  }

  /// How far atoms amid the grains of a bicrystal are from where the crystal there should have them, Å: the root of the mean
  /// square about their mean, of both grains the larger. Where a boundary has moved through a grain, or it has melted, this is
  /// some half of a nearest-neighbour distance.
  package func grainDisorder(from start: Structure) -> Double {
    guard let grains = start.grains else { return 0 }
    let now = followed(from: start)
    var worst = 0.0
    for grain in [Int32(0), 1] {
      let own = start.positions.indices.filter { grains[$0] == grain }
      let heights = own.map { start.positions[$0].z }
      guard let low = heights.min(), let high = heights.max() else { continue }
      let middle = 0.5 * (low + high)
      let near = own.filter { abs(start.positions[$0].z - middle) < 2.5 }
      let moves = near.map { now[$0] - box.cartesian(start.box.fractional(start.positions[$0])) }
      let mean = (1 / Double(max(moves.count, 1))) * moves.reduce(.zero, +)
      let square = moves.reduce(0) { $0 + ($1 - mean).squaredLength } / Double(max(moves.count, 1))
      worst = max(worst, square.squareRoot())
    }
    return worst
  }
}
