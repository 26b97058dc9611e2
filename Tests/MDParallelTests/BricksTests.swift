import MDCore
import MDNumerics
import MDParallel
import MDTestSupport
import Testing

/// Bricks of a tensor product and staggered ones.
@Suite struct BricksTests {
  static let all: [Bricks] =
    [
      Bricks(cuts: [[0, 0.3, 1], [0, 0.5, 0.6, 1], [0, 1]]),
      .random([2, 3, 4], [0, 1, 2], seed: 1), .random([3, 2, 2], [2, 0, 1], seed: 2),
      .random([1, 4, 3], [0, 2, 1], seed: 3), .random([4, 4, 1], [1, 0, 2], seed: 4),
      .random([2, 2, 3], [1, 2, 0], seed: 5),
      Bricks.random([2, 4, 2], [0, 1, 2], seed: 6).blocked([1, 2, 2]),
      Bricks(cuts: [[0, 0.3, 1], [0, 0.5, 1], [0, 0.2, 0.4, 1]]).blocked([2, 1, 3]),
    ]
  static let periodicities: [Periodicity] = [.all, .none, Periodicity(true, false, true)]

  /// Bricks fill the cell, each point in one, and their numbers are the ranks'.
  @Test(arguments: all) func eachPointHasOneOwner(_ bricks: Bricks) {
    let bounds = (0..<bricks.count).map { bricks.bounds(of: $0) }
    let volumes = bounds.map { (b) -> Double in
      let d = b.upper - b.lower
      return d.x * d.y * d.z
    }
    #expect(abs(volumes.reduce(0, +) - 1) < 1e-12 && volumes.allSatisfy { $0 > 0 })
    var randoms = Randoms(9)
    for _ in 0..<2000 {
      let s = randoms.vector()
      let holders = bounds.indices.filter { k in
        (0..<3).allSatisfy { s[$0] >= bounds[k].lower[$0] && s[$0] < bounds[k].upper[$0] }
      }
      #expect(holders == [bricks.owner(of: s)])
    }
    for rank in 0..<bricks.count { #expect(bricks.rank(at: bricks.place(of: rank)) == rank) }
    for axis in 0..<3 {
      let widths: [Double] = bounds.map { $0.upper[axis] - $0.lower[axis] }
      #expect(abs(bricks.thinnest(axis: axis) - widths.min()!) < 1e-15)
    }
  }

  /// Whom a brick sends to is who expects something of it, the same images in the same order; against a search of all.
  @Test(arguments: all, periodicities) func neighboursAgree(_ bricks: Bricks, _ periodic: Periodicity) {
    for width in [Vector3(0.05, 0.1, 0.15), Vector3(0.6, 0.3, 1.3), Vector3(repeating: 1e-9)] {
      for a in 0..<bricks.count {
        let out = bricks.receivers(from: a, within: width, periodic: periodic)
        for b in 0..<bricks.count {
          let there = bricks.senders(to: b, within: width, periodic: periodic).filter { $0.rank == a }.map(\.shift)
          #expect(out.filter { $0.rank == b }.map(\.shift) == there)
          #expect(Set(there).count == there.count)
          let mine = Domain(bricks: bricks, rank: a, periodic: periodic)
          let other = Domain(bricks: bricks, rank: b, periodic: periodic)
          var expected = 1
          for axis in 0..<3 {
            let most = periodic[axis] ? 3 : 0
            var images = 0
            for n in -most...most {
              let above: Bool = mine.upper[axis] + Double(n) > other.lower[axis] - width[axis]
              let below: Bool = mine.lower[axis] + Double(n) < other.upper[axis] + width[axis]
              images += above && below ? 1 : 0
            }
            expected *= images
          }
          // Not itself unmoved.
          if a == b { expected -= 1 }
          #expect(there.count == expected)
        }
      }
    }
  }

  @Test(arguments: all) func listsAreWhatTheySay(_ bricks: Bricks) {
    #expect(Bricks(lists: bricks.lists, ranks: bricks.count) == bricks)
    #expect(Bricks(lists: bricks.lists, ranks: bricks.count + 1) == nil)
    #expect(Bricks(lists: bricks.lists.dropLast(), ranks: bricks.count) == nil)
    for k in bricks.lists.indices {
      var lists = bricks.lists
      lists[k][lists[k].count / 2] = .nan
      #expect(Bricks(lists: lists, ranks: bricks.count) == nil)
      lists[k] = []
      #expect(Bricks(lists: lists, ranks: bricks.count) == nil)
    }
  }

  /// A node's ranks have a compact block, and fewer faces of bricks lead to other nodes.
  @Test func nodesHaveBlocks() {
    let grid = SIMD3(16, 16, 16)
    let block = Domain.bestBlock(
      perNode: 64, grid: grid, extents: Vector3(repeating: 160), periodic: .all, halo: 6)
    #expect(block == SIMD3(4, 4, 4))
    // Flat cells: nodes divide the long axes; nothing fits 7 ranks a node.
    #expect(
      Domain.bestBlock(perNode: 4, grid: SIMD3(8, 8, 1), extents: Vector3(80, 80, 30), periodic: .all, halo: 6)
        == SIMD3(2, 2, 1))
    #expect(
      Domain.bestBlock(perNode: 7, grid: grid, extents: Vector3(repeating: 160), periodic: .all, halo: 6) == SIMD3(1, 1, 1))
    let even = Bricks(cuts: (0..<3).map { k in (0...grid[k]).map { Double($0) / Double(grid[k]) } })
    func leaving(_ bricks: Bricks) -> Double {
      var (out, all) = (0, 0)
      for rank in 0..<bricks.count {
        let place = bricks.place(of: rank)
        #expect(bricks.rank(at: place) == rank)
        for axis in 0..<3 {
          var next = place
          next[axis] = (next[axis] + 1) % grid[axis]
          all += 1
          out += bricks.rank(at: next) / 64 != rank / 64 ? 1 : 0
        }
      }
      return Double(out) / Double(all)
    }
    #expect(leaving(even.blocked(block)) == 0.25 && leaving(even) == 1.25 / 3)
    // A block that does not fill the grid changes nothing.
    #expect(even.blocked([3, 1, 1]) == even && even.blocked([0, 1, 1]) == even && even.blocked([2, 2, 2]) != even)
  }

  /// Rows that all have the same planes are a tensor product, whatever was cut first.
  @Test func sameRowsAreATensorProduct() {
    let (x, y, z) = ([0, 0.2, 1.0], [0, 0.6, 1.0], [0, 0.1, 0.7, 1.0])
    let bricks = Bricks(axes: [2, 0, 1], layers: z, columns: [x, x, x], pieces: Array(repeating: y, count: 6))
    #expect(bricks.isTensor && bricks == Bricks(cuts: [x, y, z]))
    #expect(!Self.all[1].isTensor)
  }
}

extension Bricks: CustomTestStringConvertible {
  public var testDescription: String { "\(grid) cut along \(axes)" }
}
