import MDNumerics

/// How a cell is cut into bricks, one for each rank of a grid, in fractional coordinates from 0 to 1.
///
/// The axis `axes.x` is cut by planes through the whole cell, each of the layers between them along `axes.y` by planes of its
/// own, and each of these columns along `axes.z`. Where all layers have the same planes and all columns too, bricks are a tensor
/// product: neighbours along an axis are the same for all (`isTensor`). A brick holds lower ≤ s < upper.
///
/// Ranks are numbered along z first, then y, then x: rank (x·grid.y + y)·grid.z + z has the place (x, y, z) of the grid. With
/// blocks, those of one block of `block` bricks come one after the other, and blocks in that order, too: launchers fill node after
/// node, so a node's ranks have a compact part of the cell.
public struct Bricks: Equatable, Sendable {
  public let grid: SIMD3<Int>
  /// The order in which axes are cut; (0, 1, 2) for a tensor product.
  public let axes: SIMD3<Int>
  public let isTensor: Bool
  /// Bricks along each axis of a block of ranks that follow one another; divides the grid.
  public private(set) var block = SIMD3(1, 1, 1)
  /// Planes along `axes.x`; along `axes.y` for each layer; along `axes.z` for each column, layer by layer. A tensor product has
  /// one layer's and one column's.
  private let layers: [Double]
  private let columns: [[Double]]
  private let pieces: [[Double]]

  /// A tensor product of planes for each axis, ascending from 0 to 1.
  public init(cuts: [[Double]]) {
    self.init(axes: SIMD3(0, 1, 2), layers: cuts[0], columns: [cuts[1]], pieces: [cuts[2]], isTensor: true)
  }

  /// Staggered bricks. Those whose planes are the same everywhere become a tensor product.
  /// - Parameters:
  ///   - columns: planes along `axes.y` for each layer.
  ///   - pieces: planes along `axes.z` for each column, layer by layer.
  public init(axes: SIMD3<Int>, layers: [Double], columns: [[Double]], pieces: [[Double]]) {
    if columns.allSatisfy({ $0 == columns[0] }), pieces.allSatisfy({ $0 == pieces[0] }) {
      var cuts = [layers, layers, layers]
      cuts[axes.y] = columns[0]
      cuts[axes.z] = pieces[0]
      cuts[axes.x] = layers
      self.init(cuts: cuts)
    } else {
      self.init(axes: axes, layers: layers, columns: columns, pieces: pieces, isTensor: false)
    }
  }

  private init(axes: SIMD3<Int>, layers: [Double], columns: [[Double]], pieces: [[Double]], isTensor: Bool) {
    self.axes = axes
    self.layers = layers
    self.columns = columns
    self.pieces = pieces
    self.isTensor = isTensor
    var grid = SIMD3<Int>.zero
    grid[axes.x] = layers.count - 1
    grid[axes.y] = columns[0].count - 1
    grid[axes.z] = pieces[0].count - 1
    self.grid = grid
  }

  /// One brick.
  public static let single = Bricks(cuts: [[0, 1], [0, 1], [0, 1]])

  public var count: Int { grid.x * grid.y * grid.z }

  /// The same bricks, numbered block by block, where blocks fill the grid.
  public func blocked(_ block: SIMD3<Int>) -> Bricks {
    guard all(block .> 0), all(grid % block .== 0) else { return self }
    var bricks = self
    bricks.block = block
    return bricks
  }

  public func rank(at place: SIMD3<Int>) -> Int {
    let inner = Self.number(of: place % block, in: block)
    return Self.number(of: place / block, in: grid / block) * block.x * block.y * block.z + inner
  }

  public func place(of rank: Int) -> SIMD3<Int> {
    let (outer, inner) = rank.quotientAndRemainder(dividingBy: block.x * block.y * block.z)
    return Self.place(outer, in: grid / block) &* block &+ Self.place(inner, in: block)
  }

  private static func number(of place: SIMD3<Int>, in grid: SIMD3<Int>) -> Int {
    (place.x * grid.y + place.y) * grid.z + place.z
  }

  private static func place(_ number: Int, in grid: SIMD3<Int>) -> SIMD3<Int> {
    SIMD3(number / (grid.y * grid.z), number / grid.z % grid.y, number % grid.z)
  }

  /// The planes along an axis on both sides of a place of the grid and all others of its row.
  public func planes(axis: Int, at place: SIMD3<Int>) -> [Double] {
    if axis == axes.x { return layers }
    if axis == axes.y { return columns(place[axes.x]) }
    return pieces(place[axes.x], place[axes.y])
  }

  private func columns(_ layer: Int) -> [Double] { columns[isTensor ? 0 : layer] }

  private func pieces(_ layer: Int, _ column: Int) -> [Double] {
    pieces[isTensor ? 0 : layer * grid[axes.y] + column]
  }

  /// The brick of a rank, within 0 … 1.
  public func bounds(of rank: Int) -> (lower: Vector3, upper: Vector3) {
    let place = place(of: rank)
    var (lower, upper) = (Vector3.zero, Vector3.zero)
    for axis in 0..<3 {
      let planes = planes(axis: axis, at: place)
      lower[axis] = planes[place[axis]]
      upper[axis] = planes[place[axis] + 1]
    }
    return (lower, upper)
  }

  /// The rank whose brick holds a point; points beyond the ends belong to the outermost bricks.
  public func owner(of s: Vector3) -> Int {
    var place = SIMD3<Int>.zero
    place[axes.x] = Self.interval(of: s[axes.x], in: layers)
    place[axes.y] = Self.interval(of: s[axes.y], in: columns(place[axes.x]))
    place[axes.z] = Self.interval(of: s[axes.z], in: pieces(place[axes.x], place[axes.y]))
    return rank(at: place)
  }

  /// k with planes[k] ≤ s < planes[k + 1].
  public static func interval(of s: Double, in planes: [Double]) -> Int {
    var low = 0
    var high = planes.count - 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if s >= planes[middle] { low = middle } else { high = middle }
    }
    return low
  }

  /// Least distance of two planes along an axis.
  public func thinnest(axis: Int) -> Double {
    let sets = axis == axes.x ? [layers] : axis == axes.y ? columns : pieces
    return sets.reduce(1) { least, planes in zip(planes, planes.dropFirst()).reduce(least) { min($0, $1.1 - $1.0) } }
  }
}

extension Bricks {
  /// A brick that another must see, moved by whole cell vectors.
  public struct Neighbor: Equatable, Sendable {
    public var rank: Int
    public var shift: SIMD3<Int>
  }

  /// Bricks that see a part of a rank's brick moved by `shift`, within `width` (fractions of each axis) of their faces, each with
  /// each such shift; the rank itself with a shift other than 0.
  public func receivers(from rank: Int, within width: Vector3, periodic: Periodicity) -> [Neighbor] {
    neighbors(of: rank, width, periodic) { mine, other, n, w in Self.meets(mine, moved: n, other, within: w) }
  }

  /// Bricks of which a rank sees a part, moved by `shift`, within `width` of its own: the other side of `receivers`.
  public func senders(to rank: Int, within width: Vector3, periodic: Periodicity) -> [Neighbor] {
    neighbors(of: rank, width, periodic) { mine, other, n, w in Self.meets(other, moved: n, mine, within: w) }
  }

  /// Whether a range, moved by n, meets another one widened by w: one expression for both sides, which must agree to the last
  /// bit.
  private static func meets(_ a: (Double, Double), moved n: Int, _ b: (Double, Double), within w: Double) -> Bool {
    a.1 + Double(n) > b.0 - w && a.0 + Double(n) < b.1 + w
  }

  private func neighbors(
    of rank: Int, _ width: Vector3, _ periodic: Periodicity,
    _ meet: ((Double, Double), (Double, Double), Int, Double) -> Bool
  ) -> [Neighbor] {
    let place = place(of: rank)
    var found: [Neighbor] = []
    /// Intervals of a row of planes that meet the rank's own, with all shifts.
    func each(_ axis: Int, _ planes: [Double], _ body: (Int, Int) -> Void) {
      let own = self.planes(axis: axis, at: place)
      let mine = range(own, place[axis], periodic[axis])
      let w = width[axis]
      let most = periodic[axis] ? Int((1 + w).rounded(.up)) : 0
      for k in 0..<(planes.count - 1) {
        let other = range(planes, k, periodic[axis])
        for n in -most...most where meet(mine, other, n, w) { body(k, n) }
      }
    }
    each(axes.x, layers) { i, first in
      each(axes.y, columns(i)) { j, second in
        each(axes.z, pieces(i, j)) { k, third in
          var (place, shift) = (SIMD3<Int>.zero, SIMD3<Int>.zero)
          (place[axes.x], place[axes.y], place[axes.z]) = (i, j, k)
          (shift[axes.x], shift[axes.y], shift[axes.z]) = (first, second, third)
          let other = self.rank(at: place)
          if other != rank || shift != .zero { found.append(Neighbor(rank: other, shift: shift)) }
        }
      }
    }
    // In one order on both sides, whichever way round they look: by rank, then by shift.
    return found.sorted {
      ($0.rank, $0.shift.x, $0.shift.y, $0.shift.z) < ($1.rank, $1.shift.x, $1.shift.y, $1.shift.z)
    }
  }

  /// An interval; the outermost of an open axis have no end.
  private func range(_ planes: [Double], _ k: Int, _ isPeriodic: Bool) -> (Double, Double) {
    (k == 0 && !isPeriodic ? -.infinity : planes[k], k == planes.count - 2 && !isPeriodic ? .infinity : planes[k + 1])
  }

  /// In how many bricks, each widened by `width` (fractions of the axis) on all sides, a point and its images are. `s` is wrapped
  /// where periodic. The number may be beyond the range of integers.
  public func copies(of s: Vector3, width: Vector3, periodic: Periodicity) -> Double {
    func each(_ axis: Int, _ planes: [Double], _ inner: (Int) -> Double) -> Double {
      var sum = 0.0
      for k in 0..<(planes.count - 1) {
        let (low, high) = range(planes, k, periodic[axis])
        // Whole numbers m with low − w ≤ s + m < high + w.
        let images =
          periodic[axis]
          ? (high + width[axis] - s[axis]).rounded(.up) - (low - width[axis] - s[axis]).rounded(.up)
          : s[axis] >= low - width[axis] && s[axis] < high + width[axis] ? 1 : 0
        if images > 0 { sum += images * inner(k) }
      }
      return sum
    }
    return each(axes.x, layers) { i in each(axes.y, columns(i)) { j in each(axes.z, pieces(i, j)) { _ in 1 } } }
  }
}

extension Bricks {
  /// All planes, for checkpoints: a tensor product's for each axis; of bricks that are staggered or numbered by blocks the order
  /// of axes and the block, then the layers', the columns' and the pieces' planes.
  public var lists: [[Double]] {
    let order = [axes.x, axes.y, axes.z, block.x, block.y, block.z].map { Double($0) }
    if !isTensor { return [order, layers] + columns + pieces }
    if block == SIMD3(1, 1, 1) { return [layers, columns[0], pieces[0]] }
    let rows = Array(repeating: pieces[0], count: grid.x * grid.y)
    return [order, layers] + Array(repeating: columns[0], count: grid.x) + rows
  }

  /// What `lists` gave; nil if it cannot be that of so many ranks.
  public init?(lists: [[Double]], ranks: Int) {
    func isRow(_ planes: [Double]) -> Bool {
      planes.count >= 2 && planes.count <= ranks + 1 && planes.first == 0 && planes.last == 1
        && zip(planes, planes.dropFirst()).allSatisfy { $0 < $1 }
    }
    if lists.count == 3 {
      guard lists.allSatisfy(isRow) else { return nil }
      self.init(cuts: lists)
    } else {
      guard lists.count > 3, lists[0].count == 6, lists[0].prefix(3).sorted() == [0, 1, 2],
        lists[0].suffix(3).allSatisfy({ $0 >= 1 && $0 <= Double(ranks) && $0 == $0.rounded() }), lists.dropFirst().allSatisfy(isRow) else { return nil }
      let first = lists[1].count - 1
      guard lists.count > 2 + first else { return nil }
      let columns = Array(lists[2..<(2 + first)])
      let pieces = Array(lists[(2 + first)...])
      let second = columns[0].count - 1
      guard pieces.count == first * second, columns.allSatisfy({ $0.count == columns[0].count }),
        pieces.allSatisfy({ $0.count == pieces[0].count })
      else { return nil }
      let order = lists[0].map { Int($0) }
      let bricks = Bricks(
        axes: SIMD3(order[0], order[1], order[2]), layers: lists[1], columns: columns, pieces: pieces)
      let block = SIMD3(order[3], order[4], order[5])
      self = bricks.blocked(block)
      guard self.block == block else { return nil }
    }
    guard count == ranks else { return nil }
  }
}
