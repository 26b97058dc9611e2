import MDCore
import MDNumerics

/// Empty space in the cell.
extension DistributedSystem {
  /// The longest empty stretch along each cell vector, measured between faces, Å: along a periodic one round the cell, along
  /// an open one everything beyond the outermost atoms (all but what they occupy). Within 0.1 Å. Collective.
  func emptiness() -> Vector3 {
    var result = Vector3.zero
    for axis in 0..<3 {
      let height = box.heights[axis]
      let count = min(max(Int((height / 0.1).rounded(.up)), 1), 1_000_000)
      var occupied = [Int64](repeating: 0, count: count)
      for i in 0..<atoms.localCount {
        var s = box.fractional(atoms.position[i])[axis]
        if box.periodic[axis] { s -= s.rounded(.down) }
        occupied[min(max(Int(s * Double(count)), 0), count - 1)] = 1
      }
      occupied.withUnsafeMutableBufferPointer { communicator.allReduce($0, .maximum) }
      let places = occupied.indices.filter { occupied[$0] != 0 }
      guard let first = places.first, let last = places.last else {
        result[axis] = height
        continue
      }
      let around = first + count - last - 1
      let inside = zip(places, places.dropFirst()).map { $1 - $0 - 1 }.max() ?? 0
      let longest = box.periodic[axis] ? max(around, inside) : around
      result[axis] = Double(longest) * height / Double(count)
    }
    return result
  }

  /// Axes of the cell along which matter ends: open ones, and those with more empty space than forces reach. Collective.
  func surfaceAxes() -> [Int] {
    let empty = emptiness()
    return (0..<3).filter { !box.periodic[$0] || empty[$0] > max(cutoff, 3) }
  }

  /// The volume between surfaces: of the cell, less what is empty along the axes where matter ends, Å³. Collective.
  func matterVolume() -> Double {
    let empty = emptiness()
    return surfaceAxes().reduce(box.volume) { $0 * max(1 - empty[$1] / box.heights[$1], 0) }
  }
}
