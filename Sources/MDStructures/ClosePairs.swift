import MDCore
import MDNumerics

/// Two atoms and the vector from the first to the nearest image of the second, Å.
struct ClosePair {
  let first: Int
  let second: Int
  let separation: Vector3
}

/// All pairs closer than `distance` (Å) among the atoms `candidates`, each image of a pair once; linear time by a
/// grid of cells. Images of one atom with itself are left out.
func closePairs(
  in box: Box, _ positions: [Vector3], among candidates: [Int], closerThan distance: Double
) -> [ClosePair] {
  guard distance > 0, candidates.count > 1 else { return [] }
  var lower = Vector3(repeating: .infinity)
  var upper = Vector3(repeating: -.infinity)
  for i in candidates {
    let s = box.fractional(positions[i])
    lower = pointwiseMin(lower, s)
    upper = pointwiseMax(upper, s)
  }
  var start = Vector3.zero
  var extent = Vector3(1, 1, 1)
  for k in 0..<3 where !box.periodic[k] {
    start[k] = lower[k]
    extent[k] = max(upper[k] - lower[k], 1e-9)
  }
  // Cells no smaller than the distance, and no more of them than a few an atom.
  let most = Double(4 * candidates.count)
  var bins = SIMD3<Int>.zero
  for k in 0..<3 { bins[k] = max(1, Int(min(extent[k] * box.heights[k] / distance, 1024))) }
  while Double(bins.x) * Double(bins.y) * Double(bins.z) > most {
    let widest = (0..<3).max { bins[$0] < bins[$1] }!
    bins[widest] = (bins[widest] + 1) / 2
  }
  // How many cells away a neighbour may be: more than one only when the whole box is thinner than the distance.
  var reach = SIMD3<Int>.zero
  for k in 0..<3 { reach[k] = Int((distance * Double(bins[k]) / (extent[k] * box.heights[k])).rounded(.up)) }

  func home(_ r: Vector3) -> (bin: SIMD3<Int>, wrapped: Vector3) {
    var s = box.fractional(r)
    var bin = SIMD3<Int>.zero
    for k in 0..<3 {
      if box.periodic[k] { s[k] -= s[k].rounded(.down) }
      bin[k] = min(max(Int((s[k] - start[k]) / extent[k] * Double(bins[k])), 0), bins[k] - 1)
    }
    return (bin, box.cartesian(s))
  }
  func number(_ bin: SIMD3<Int>) -> Int { (bin.x * bins.y + bin.y) * bins.z + bin.z }

  var wrapped: [Vector3] = []
  var homes: [SIMD3<Int>] = []
  var heads = [Int32](repeating: -1, count: bins.x * bins.y * bins.z)
  var next: [Int32] = []
  for (k, i) in candidates.enumerated() {
    let (bin, r) = home(positions[i])
    wrapped.append(r)
    homes.append(bin)
    next.append(heads[number(bin)])
    heads[number(bin)] = Int32(k)
  }
  var pairs: [ClosePair] = []
  for k in candidates.indices {
    for x in -reach.x...reach.x {
      for y in -reach.y...reach.y {
        for z in -reach.z...reach.z {
          var bin = homes[k] &+ SIMD3(x, y, z)
          var cells = Vector3.zero
          var outside = false
          for axis in 0..<3 where bin[axis] < 0 || bin[axis] >= bins[axis] {
            guard box.periodic[axis] else {
              outside = true
              break
            }
            let n = Int((Double(bin[axis]) / Double(bins[axis])).rounded(.down))
            bin[axis] -= n * bins[axis]
            cells[axis] = Double(n)
          }
          if outside { continue }
          let origin = wrapped[k] - cells * box.cell
          var other = Int(heads[number(bin)])
          while other >= 0 {
            let separation = wrapped[other] - origin
            if other > k, separation.squaredLength < distance * distance {
              pairs.append(ClosePair(first: candidates[k], second: candidates[other], separation: separation))
            }
            other = Int(next[other])
          }
        }
      }
    }
  }
  return pairs
}

extension Structure {
  /// Makes one atom of every two that are closer than `distance` (Å), closest pairs first, until none is left:
  /// atoms of one species become one at the middle between them, which keeps a mirror plane a mirror plane; of
  /// two species the atom that comes later (that of the later grain) goes. Returns the atoms removed by species.
  ///
  /// Only atoms among `candidates` (all unless given) are looked at. The removal takes linear time and renumbers
  /// what follows; `ids` are kept.
  @discardableResult
  package mutating func removeOverlaps(closerThan distance: Double, among candidates: [Int]? = nil) -> [Int] {
    merge(closerThan: distance, among: candidates).removed
  }

  /// As `removeOverlaps`; also returns which atoms (by their new places) stand in the middle of others now, and the former
  /// places of those that went.
  mutating func merge(
    closerThan distance: Double, among candidates: [Int]?
  ) -> (removed: [Int], middles: Set<Int>, gone: [Int]) {
    var remaining = candidates ?? Array(0..<count)
    var gone: Set<Int> = []
    var moved: Set<Int> = []
    while true {
      let pairs = closePairsInOrder(among: remaining, closerThan: distance)
      if pairs.isEmpty { break }
      var touched: Set<Int> = []
      for pair in pairs where !touched.contains(pair.first) && !touched.contains(pair.second) {
        let (kept, lost) = pair.first < pair.second ? (pair.first, pair.second) : (pair.second, pair.first)
        touched.formUnion([kept, lost])
        gone.insert(lost)
        guard types[kept] == types[lost] else { continue }
        positions[kept] += (kept == pair.first ? 0.5 : -0.5) * pair.separation
        moved.insert(kept)
      }
      remaining.removeAll { gone.contains($0) }
    }
    var removed = Array(repeating: 0, count: species.count)
    for i in gone { removed[Int(types[i])] += 1 }
    var middles: Set<Int> = []
    if !gone.isEmpty {
      for (place, i) in (0..<count).filter({ !gone.contains($0) }).enumerated() where moved.contains(i) {
        middles.insert(place)
      }
      keepAtoms { !gone.contains($0) }
    }
    return (removed, middles, gone.sorted())
  }

  /// Closest first; equal distances, to within rounding, in the order of the atoms.
  func closePairsInOrder(among chosen: [Int], closerThan distance: Double) -> [ClosePair] {
    closePairs(in: box, positions, among: chosen, closerThan: distance).sorted {
      let a = ($0.separation.length * 1e6).rounded()
      let b = ($1.separation.length * 1e6).rounded()
      return a != b ? a < b : ($0.first, $0.second) < ($1.first, $1.second)
    }
  }

  /// Drops the atoms for which `isKept` is false.
  package mutating func keepAtoms(_ isKept: (Int) -> Bool) {
    let order = (0..<count).filter(isKept)
    types = order.map { types[$0] }
    positions = order.map { positions[$0] }
    velocities = velocities.map { all in order.map { all[$0] } }
    images = images.map { all in order.map { all[$0] } }
    ids = ids.map { all in order.map { all[$0] } }
    charges = charges.map { all in order.map { all[$0] } }
    grains = grains.map { all in order.map { all[$0] } }
    held = held.map { all in order.map { all[$0] } }
    crystalSites = crystalSites.map { all in order.map { all[$0] } }
  }
}
