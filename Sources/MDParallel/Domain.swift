import MDCore
import MDNumerics

/// The brick of one rank: a box in fractional coordinates, cut from the cell by planes parallel to its faces.
///
/// Ranks form a grid (`Bricks`). A brick holds lower ≤ s < upper. Along open axes the outermost bricks reach to infinity.
package struct Domain: Equatable, Sendable {
  package let ranks: Int
  package let rank: Int
  /// All ranks' bricks; the same on every rank.
  package let bricks: Bricks
  package let coordinates: SIMD3<Int>
  package let periodic: Periodicity
  /// This rank's brick; infinite at the ends of open axes.
  package let lower: Vector3
  package let upper: Vector3

  package var grid: SIMD3<Int> { bricks.grid }
  /// Planes, for each axis of a tensor product: see `Bricks.lists`.
  package var cuts: [[Double]] { bricks.lists }

  /// - Parameters:
  ///   - grid: ranks along each axis; nil takes the grid with the smallest halo.
  ///   - cuts: planes an axis (`grid[k] + 1` ascending numbers from 0 to 1); nil cuts evenly.
  ///   - halo: width of the ghost layer that the choice of the grid assumes, Å.
  /// - Throws: a collective input error if `grid` or `cuts` do not fit.
  package init(
    box: Box, ranks: Int, rank: Int, grid: SIMD3<Int>? = nil, cuts: [[Double]]? = nil, halo: Double = 0
  ) throws {
    let grid = grid ?? Self.bestGrid(ranks: ranks, extents: box.heights, periodic: box.periodic, halo: halo)
    guard grid.x > 0, grid.y > 0, grid.z > 0, grid.x * grid.y * grid.z == ranks else {
      throw FaultlineError(
        .input, "a process grid of \(grid.x) x \(grid.y) x \(grid.z) does not make \(ranks) ranks",
        hint: "the product of the three numbers must be the number of ranks", isCollective: true)
    }
    let cuts = cuts ?? (0..<3).map { k in (0...grid[k]).map { Double($0) / Double(grid[k]) } }
    for k in 0..<3 {
      let c = cuts[k]
      guard c.count == grid[k] + 1, c.first == 0, c.last == 1, zip(c, c.dropFirst()).allSatisfy({ $0 < $1 })
      else {
        throw FaultlineError(
          .input, "the cuts along axis \(["a", "b", "c"][k]) do not divide it into \(grid[k]) bricks",
          hint: "give \(grid[k] + 1) ascending numbers from 0 to 1", isCollective: true)
      }
    }
    self.init(bricks: Bricks(cuts: cuts), rank: rank, periodic: box.periodic)
  }

  package init(bricks: Bricks, rank: Int, periodic: Periodicity) {
    ranks = bricks.count
    self.rank = rank
    self.bricks = bricks
    self.periodic = periodic
    coordinates = bricks.place(of: rank)
    var (lower, upper) = bricks.bounds(of: rank)
    for k in 0..<3 where !periodic[k] {
      if coordinates[k] == 0 { lower[k] = -.infinity }
      if coordinates[k] == bricks.grid[k] - 1 { upper[k] = .infinity }
    }
    self.lower = lower
    self.upper = upper
  }

  /// The same bricks, numbered so that ranks of a node have a compact part of the cell, if all nodes have as many and their ranks
  /// follow one another. Collective.
  package func byNodes(_ box: Box, halo: Double, communicator: any Communicator) -> Domain {
    let first = communicator.allGather(communicator.firstOnNode())
    let perNode = first.firstIndex { $0 != first[0] } ?? ranks
    guard first.indices.allSatisfy({ first[$0] == $0 - $0 % perNode }) else { return self }
    let block = Self.bestBlock(perNode: perNode, grid: grid, extents: box.heights, periodic: periodic, halo: halo)
    return Domain(bricks: bricks.blocked(block), rank: rank, periodic: periodic)
  }

  /// Of the blocks of `perNode` bricks that fill the grid, the one with the smallest ghost volume towards other nodes; (1, 1, 1) if
  /// there is none.
  package static func bestBlock(
    perNode: Int, grid: SIMD3<Int>, extents: Vector3, periodic: Periodicity, halo: Double
  ) -> SIMD3<Int> {
    var best = SIMD3(1, 1, 1)
    var least = Double.infinity
    for x in 1...grid.x where grid.x % x == 0 {
      for y in 1...grid.y where grid.y % y == 0 {
        let z = perNode / (x * y)
        guard z > 0, x * y * z == perNode, grid.z % z == 0 else { continue }
        let block = SIMD3(x, y, z)
        let nodes = Vector3(grid / block)
        let sides = extents / nodes
        // An axis that nodes do not divide has no other node behind its faces.
        let grown = sides + Vector3(repeating: 2 * halo).replacing(with: 0, where: nodes .== 1)
        let ghosts = grown.x * grown.y * grown.z - sides.x * sides.y * sides.z
        if ghosts < least * (1 - 1e-12) { (best, least) = (block, ghosts) }
      }
    }
    return best
  }

  /// Whether the point lies in this rank's brick.
  @inline(__always)
  package func contains(_ s: Vector3) -> Bool {
    s.x >= lower.x && s.y >= lower.y && s.z >= lower.z && s.x < upper.x && s.y < upper.y && s.z < upper.z
  }

  /// The rank whose brick holds the point with these fractional coordinates (wrapped where periodic).
  package func owner(of s: Vector3) -> Int { bricks.owner(of: s) }

  package func rank(at place: SIMD3<Int>) -> Int { bricks.rank(at: place) }

  /// Along an axis of a tensor product, the place in the grid of a fractional coordinate (wrapped into [0, 1) if periodic).
  package func coordinate(of s: Double, axis: Int) -> Int {
    Bricks.interval(of: s, in: bricks.planes(axis: axis, at: coordinates))
  }

  /// Of a tensor product, the next rank along an axis, up (`step` = 1) or down (−1), and how many cells a point going that
  /// way leaves behind (so −`crossing` whole cell vectors are added to it); nil beyond an open end.
  package func neighbor(axis: Int, step: Int) -> (rank: Int, crossing: Int)? {
    var place = coordinates
    place[axis] += step
    var crossing = 0
    if place[axis] < 0 || place[axis] >= grid[axis] {
      guard periodic[axis] else { return nil }
      crossing = step
      place[axis] -= step * grid[axis]
    }
    return (rank(at: place), crossing)
  }

  /// Of a tensor product, how many bricks away along `axis` the brick at `coordinate` must look, up or down, to see `width`
  /// (a fraction of the axis) beyond its face; counts repeated passages through a periodic cell.
  func hops(axis: Int, coordinate: Int, step: Int, width: Double) -> Int {
    let planes = bricks.planes(axis: axis, at: coordinates)
    let n = grid[axis]
    var reached = 0.0
    var at = coordinate
    var count = 0
    while reached < width {
      at += step
      if at < 0 || at >= n {
        guard periodic[axis] else { break }
        at -= step * n
      }
      count += 1
      reached += planes[at + 1] - planes[at]
    }
    return count
  }

  /// The grid whose bricks have the smallest ghost volume Π(lₖ + 2w) − Π lₖ, lₖ = extentₖ / gridₖ, with w the
  /// halo width (at least a thousandth of the longest extent, so that without one the surface decides).
  ///
  /// Ghosts are copied without messages along an axis that is not divided, which counts half.
  static func bestGrid(ranks: Int, extents: Vector3, periodic: Periodicity, halo: Double) -> SIMD3<Int> {
    let w = max(halo, extents.max() * 1e-3)
    var best = SIMD3(1, 1, ranks)
    var least = Double.infinity
    for x in 1...ranks where ranks % x == 0 {
      for y in 1...(ranks / x) where (ranks / x) % y == 0 {
        let grid = SIMD3(x, y, ranks / x / y)
        var inner = 1.0
        var outer = 1.0
        for k in 0..<3 {
          let l = extents[k] / Double(grid[k])
          inner *= l
          outer *= l + (grid[k] > 1 ? 2 * w : periodic[k] ? w : 0)
        }
        // A hair's breadth, so that rounding does not choose between equal grids.
        if outer - inner < least * (1 - 1e-12) {
          least = outer - inner
          best = grid
        }
      }
    }
    return best
  }
}
