import MDCore
import MDNumerics

/// The local structure of an atom.
package enum StructureType: String, Sendable, CaseIterable {
  case other, fcc, hcp, bcc, icosahedral
}

/// Common neighbour analysis: which neighbours of an atom are neighbours of one another (J. D. Honeycutt,
/// H. C. Andersen, J. Phys. Chem. 91, 4950, 1987), with one cutoff or with one of each atom's own (A. Stukowski,
/// Modelling Simul. Mater. Sci. Eng. 20, 045021, 2012).
package enum CommonNeighbors {
  /// Of the local atoms, with a cutoff of each atom's own: (1 + √2)/2 of the mean distance d of its nearest 12 (fcc, hcp,
  /// icosahedra), or with d of 14 (bcc), the first eight of which stand for d = 2r/√3 and the others for d = r.
  /// `reach` is how far neighbours are looked for. `of` a species its atoms alone are looked at, among themselves; others are
  /// `other`.
  package static func adaptive(_ scene: Scene, reach: Double, of species: Int32? = nil) -> [StructureType] {
    let list = scene.neighbors(within: reach)
    let view = scene.view
    var nearest = NearestNeighbors(capacity: 14)
    return (0..<view.localCount).map { i in
      if let species, view.species[i] != species { return .other }
      nearest.find(i, list, view, of: species)
      return adaptive(nearest)
    }
  }

  /// The same of some of the points of a box, which are there with all their images: for frames that no ranks share.
  package static func adaptive(_ points: [Vector3], in box: Box, reach: Double, of chosen: some Sequence<Int>) -> [StructureType] {
    let grid = PointGrid(points, in: box, reach: reach)
    var nearest = NearestNeighbors(capacity: 14)
    return chosen.map { i in
      nearest.clear()
      grid.visit(near: points[i]) { j, d in
        let square = d.squaredLength
        // The point itself, but not its images.
        if j != i || square > 1e-6 { nearest.offer(d, square, Int32(truncatingIfNeeded: j)) }
      }
      return adaptive(nearest)
    }
  }

  private static func adaptive(_ nearest: NearestNeighbors) -> StructureType {
    guard nearest.count >= 12 else { return .other }
    let factor = 0.5 * (1 + 2.0.squareRoot())
    let mean = (0..<12).reduce(0) { $0 + nearest.squares[$1].squareRoot() } / 12
    let close = ofTwelve(nearest.vectors, cutoff: factor * mean)
    if close != .other || nearest.count < 14 { return close }
    let first = (0..<8).reduce(0) { $0 + nearest.squares[$1].squareRoot() } * 2 / 3.0.squareRoot()
    let second = (8..<14).reduce(0) { $0 + nearest.squares[$1].squareRoot() }
    return ofFourteen(nearest.vectors, cutoff: factor * (first + second) / 14)
  }

  /// With one cutoff for all, which lies between the second and third shell of bcc or the first and second of fcc.
  package static func fixed(_ scene: Scene, cutoff: Double) -> [StructureType] {
    let list = scene.neighbors(within: cutoff)
    let view = scene.view
    var vectors: [Vector3] = []
    return (0..<view.localCount).map { i in
      let row = list.starts[i]..<list.starts[i + 1]
      guard row.count == 12 || row.count == 14 else { return .other }
      vectors.removeAll(keepingCapacity: true)
      for k in row { vectors.append(view.positions[Int(list.indices[k])] - view.positions[i]) }
      return row.count == 12 ? ofTwelve(vectors, cutoff: cutoff) : ofFourteen(vectors, cutoff: cutoff)
    }
  }

  private static func ofTwelve(_ vectors: [Vector3], cutoff: Double) -> StructureType {
    let bonds = bonds(vectors, 12, cutoff)
    var (n421, n422, n555) = (0, 0, 0)
    for k in 0..<12 {
      switch signature(k, bonds) {
      case (4, 2, 1): n421 += 1
      case (4, 2, 2): n422 += 1
      case (5, 5, 5): n555 += 1
      default: return .other
      }
    }
    if n421 == 12 { return .fcc }
    if n421 == 6, n422 == 6 { return .hcp }
    return n555 == 12 ? .icosahedral : .other
  }

  private static func ofFourteen(_ vectors: [Vector3], cutoff: Double) -> StructureType {
    let bonds = bonds(vectors, 14, cutoff)
    var (n444, n666) = (0, 0)
    for k in 0..<14 {
      switch signature(k, bonds) {
      case (4, 4, 4): n444 += 1
      case (6, 6, 6): n666 += 1
      default: return .other
      }
    }
    return n444 == 6 && n666 == 8 ? .bcc : .other
  }

  /// For each of the first n neighbours, n ≤ 16, a bit for each other that is closer to it than the cutoff.
  private static func bonds(_ vectors: [Vector3], _ n: Int, _ cutoff: Double) -> SIMD16<UInt32> {
    var bonds = SIMD16<UInt32>.zero
    let square = cutoff * cutoff
    for a in 0..<n {
      for b in 0..<a where (vectors[a] - vectors[b]).squaredLength <= square {
        bonds[a] |= 1 << UInt32(b)
        bonds[b] |= 1 << UInt32(a)
      }
    }
    return bonds
  }

  /// Of a neighbour: how many others are neighbours of both, bonds among these, and bonds of the most that hang together.
  private static func signature(_ k: Int, _ bonds: SIMD16<UInt32>) -> (Int, Int, Int) {
    let common = bonds[k]
    var rest = common
    var (all, longest) = (0, 0)
    while rest != 0 {
      var front = rest & (0 &- rest)
      var (seen, ends) = (UInt32(0), 0)
      while front != 0 {
        let a = front.trailingZeroBitCount
        seen |= 1 << UInt32(a)
        let theirs = bonds[a] & common
        ends += theirs.nonzeroBitCount
        front = (front | theirs) & ~seen
      }
      rest &= ~seen
      all += ends / 2
      longest = max(longest, ends / 2)
    }
    return (common.nonzeroBitCount, all, longest)
  }
}
