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
    let factor = 0.5 * (1 + 2.0.squareRoot())
    return (0..<view.localCount).map { i in
      if let species, view.species[i] != species { return .other }
      nearest.find(i, list, view, of: species)
      guard nearest.count >= 12 else { return .other }
      let mean = (0..<12).reduce(0) { $0 + nearest.squares[$1].squareRoot() } / 12
      let close = ofTwelve(nearest.vectors, cutoff: factor * mean)
      if close != .other || nearest.count < 14 { return close }
      let first = (0..<8).reduce(0) { $0 + nearest.squares[$1].squareRoot() } * 2 / 3.0.squareRoot()
      let second = (8..<14).reduce(0) { $0 + nearest.squares[$1].squareRoot() }
      return ofFourteen(nearest.vectors, cutoff: factor * (first + second) / 14)
    }
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
    var (n421, n422, n555) = (0, 0, 0)
    for signature in signatures(vectors, 12, cutoff) {
      switch signature {
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
    var (n444, n666) = (0, 0)
    for signature in signatures(vectors, 14, cutoff) {
      switch signature {
      case (4, 4, 4): n444 += 1
      case (6, 6, 6): n666 += 1
      default: return .other
      }
    }
    return n444 == 6 && n666 == 8 ? .bcc : .other
  }

  /// Of each neighbour: how many others are neighbours of both, bonds among these, and bonds of the longest chain of them.
  static func signatures(_ vectors: [Vector3], _ n: Int, _ cutoff: Double) -> [(Int, Int, Int)] {
    var bonds = [UInt32](repeating: 0, count: n)
    let square = cutoff * cutoff
    for a in 0..<n {
      for b in 0..<a where (vectors[a] - vectors[b]).squaredLength <= square {
        bonds[a] |= 1 << UInt32(b)
        bonds[b] |= 1 << UInt32(a)
      }
    }
    return (0..<n).map { k in
      let common = bonds[k]
      var ends: [UInt32] = []
      for a in 0..<n where common >> UInt32(a) & 1 == 1 {
        let above = bonds[a] & common & ~((UInt32(2) << UInt32(a)) &- 1)
        for b in 0..<n where above >> UInt32(b) & 1 == 1 { ends.append(1 << UInt32(a) | 1 << UInt32(b)) }
      }
      return (common.nonzeroBitCount, ends.count, longestChain(ends))
    }
  }

  /// Bonds in the largest set of bonds that hang together.
  private static func longestChain(_ bonds: [UInt32]) -> Int {
    var left = bonds
    var longest = 0
    while let seed = left.popLast() {
      var atoms = seed
      var size = 1
      var grew = true
      while grew {
        grew = false
        for k in left.indices.reversed() where left[k] & atoms != 0 {
          atoms |= left[k]
          left.remove(at: k)
          size += 1
          grew = true
        }
      }
      longest = max(longest, size)
    }
    return longest
  }
}
