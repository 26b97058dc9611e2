import MDCore
import MDNumerics

extension Structure {
  /// Where atom i of `start` would be had the cell only become longer, Å. A cell that leans more than at the start has not
  /// sheared the crystals in it: they have slid.
  func place(of i: Int, in start: Structure) -> Vector3 {
    var r = start.positions[i]
    r.z = box.origin.z + (r.z - start.box.origin.z) * box.cell.z.z / start.box.cell.z.z
    return r
  }

  /// Each atom as the image nearest to where it was in `start`, in the present cell, whose a and b are those of `start`.
  func followed(from start: Structure) -> [Vector3] {
    positions.indices.map { i in
      let place = place(of: i, in: start)
      var move = (positions[i] - place) * box.inverse
      move -= move.rounded(.toNearestOrEven)
      return place + move * box.cell
    }
  }

  /// What atoms that move as one have moved, Å: each image as the first one's, since crystals slide by any part of the cell.
  func moves(of atoms: [Int], to now: [Vector3], from start: Structure) -> [Vector3] {
    guard let first = atoms.first.map({ now[$0] - place(of: $0, in: start) }) else { return [] }
    return atoms.map { i in
      var further = (now[i] - place(of: i, in: start) - first) * box.inverse
      further -= further.rounded(.toNearestOrEven)
      return first + further * box.cell
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
      let moves = moves(of: near, to: now, from: start)
      let mean = (1 / Double(max(moves.count, 1))) * moves.reduce(.zero, +)
      let square = moves.reduce(0) { $0 + ($1 - mean).squaredLength } / Double(max(moves.count, 1))
      worst = max(worst, square.squareRoot())
    }
    return worst
  }
}
