import MDCore
import MDNumerics

/// Bonds between atoms of one rank, ghosts included, and the shortest-path rings that they make.
///
/// A ring is a shortest-path ring if no two of its atoms are connected by fewer bonds than along the ring (D. S. Franzblau,
/// Phys. Rev. B 44, 4925 (1991)): shortcuts divide no such ring. That is a property of the ring alone, so each can be
/// found from any of its atoms; it is counted from the one with the least id.
struct BondGraph {
  private let ids: UnsafePointer<Int64>
  private let largest: Int
  /// Bonds of atom i are starts[i] ..< starts[i + 1].
  private var starts: [Int] = [0]
  private var partners: [Int32] = []
  /// Atoms closer than half a ring to some atoms, by that atom.
  private var known: [Int32: [Int32: Int]] = [:]

  /// Paths from one atom are too many where atoms are bonded to all around them.
  static let mostPaths = 200_000

  /// - Parameter isBond: whether atoms of these species may be bonded.
  init(_ view: AtomView, cutoff: Double, largest: Int, isBond: (Int32, Int32) -> Bool) {
    ids = view.ids
    self.largest = largest
    let points = (0..<view.count).map { view.positions[$0] }
    guard let first = points.first else { return }
    var (low, high) = (first, first)
    for r in points { (low, high) = (pointwiseMin(low, r), pointwiseMax(high, r)) }
    let around = Box(
      cell: Matrix3(diagonal: high - low + Vector3(repeating: cutoff)), origin: low - Vector3(repeating: 0.5 * cutoff),
      periodic: .none)
    let grid = PointGrid(points, in: around, reach: cutoff)
    for i in points.indices {
      grid.visit(near: points[i]) { j, _ in
        if j != i, isBond(view.species[i], view.species[j]) { partners.append(Int32(j)) }
      }
      starts.append(partners.count)
    }
  }

  private func bonds(_ i: Int32) -> ArraySlice<Int32> { partners[starts[Int(i)]..<starts[Int(i) + 1]] }

  /// Atoms within `depth` bonds, and how many it takes.
  private func ball(_ center: Int32, _ depth: Int) -> [Int32: Int] {
    var found: [Int32: Int] = [center: 0]
    var edge = [center]
    for d in stride(from: 1, through: depth, by: 1) {
      var next: [Int32] = []
      for i in edge {
        for j in bonds(i) where found[j] == nil {
          found[j] = d
          next.append(j)
        }
      }
      edge = next
    }
    return found
  }

  /// Calls `body` with each shortest-path ring through a local atom in which no id is less than its own. A ring that holds
  /// several images of that atom comes once for each of them. False if there are too many paths.
  mutating func visitRings(of root: Int32, _ body: (_ ring: [Int32]) -> Void) -> Bool {
    let depth = largest / 2
    let distances = ball(root, depth)
    let least = ids[Int(root)]
    // Shortest ways to each atom, from the root on, by atoms that no other atom of the ring may have been the root for.
    var ways: [Int32: [[Int32]]] = [root: [[root]]]
    var edge = [root]
    var count = 0
    for d in stride(from: 1, through: depth, by: 1) {
      var next: [Int32] = []
      for i in edge {
        for j in bonds(i) where distances[j] == d && ids[Int(j)] >= least {
          if ways[j] == nil { next.append(j) }
          let longer = ways[i]!.map { $0 + [j] }
          count += longer.count
          guard count <= Self.mostPaths else { return false }
          ways[j, default: []] += longer
        }
      }
      // Rings of 2d atoms: two ways to one atom. Of 2d + 1: ways to two that are bonded.
      for v in next {
        let own = ways[v]!
        for a in own.indices where 2 * d >= 4 {
          for b in 0..<a { close(own[a], own[b].dropLast(), body) }
        }
        guard 2 * d + 1 <= largest else { continue }
        for u in bonds(v) where u < v {
          for a in ways[u] ?? [] where a.count == d + 1 { for b in own { close(a, b[...], body) } }
        }
      }
      edge = next
    }
    return true
  }

  /// Closes two ways from the root to a ring, if they are apart and no two atoms have a shorter way.
  private mutating func close(_ a: [Int32], _ b: ArraySlice<Int32>, _ body: ([Int32]) -> Void) {
    guard !b.dropFirst().contains(where: a.contains) else { return }
    let ring = a + b.dropFirst().reversed()
    let half = ring.count / 2
    // Ways between atoms that are opposite hold all others.
    for k in ring.indices {
      let (i, j) = (ring[k], ring[(k + half) % ring.count])
      if known[i] == nil {
        if known.count > 4096 { known = [:] }
        known[i] = ball(i, largest / 2 - 1)
      }
      if let way = known[i]![j], way < half { return }
    }
    body(ring)
  }
}
