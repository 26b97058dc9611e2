import MDCore
import MDNumerics

extension Domain {
  /// Of the ways to cut the cell for a grid, the one whose fullest rank has least work: even planes, quantiles of the atoms along
  /// each axis, and staggered planes, whose rows have quantiles of their own. Collective; all ranks get the same.
  ///
  /// Staggered bricks, which have more neighbours, are taken where they leave the fullest rank at most 95 % of what others do.
  /// - Parameters:
  ///   - grid: nil chooses it for the part of the cell that atoms occupy, so that a vacuum is not divided.
  ///   - halo: the ghosts' width, Å; no brick gets thinner, as far as the cell allows.
  ///   - block: of the bricks' numbers: see `Bricks`.
  ///   - present: what is there already: others must leave the fullest rank at most 95 % of it.
  ///   - weight: the work for each atom of this rank, in any unit.
  package static func best(
    box: Box, atoms: AtomStore, communicator: any Communicator, grid: SIMD3<Int>? = nil, halo: Double,
    present: Domain? = nil, block: SIMD3<Int> = SIMD3(1, 1, 1), weight: Double = 1
  ) throws -> Balance {
    let quantiles = try balanced(
      box: box, atoms: atoms, communicator: communicator, grid: grid, halo: halo, minimumWidth: halo, weight: weight)
    let even = try Domain(box: box, ranks: communicator.size, rank: communicator.rank, grid: quantiles.grid, halo: halo)
    func numbered(_ domain: Domain) -> Domain {
      Domain(bricks: domain.bricks.blocked(block), rank: communicator.rank, periodic: box.periodic)
    }
    func loads(_ domains: [Domain]) -> [Double] {
      Self.loads(of: domains, box: box, atoms: atoms, communicator: communicator, weight: weight)
    }
    var domains = [even, quantiles].map(numbered) + [present].compactMap { $0 }
    var fullest = loads(domains)
    var best = fullest[1] < fullest[0] ? 1 : 0
    func pays(_ new: Int, beside old: Int) -> Bool { fullest[new] <= worthwhile * fullest[old] }
    // No bricks are better than the mean.
    if worthwhile * fullest[best] >= 1 {
      let staggered = orders(of: quantiles.grid).map {
        numbered(
          Domain.staggered(
            box: box, atoms: atoms, communicator: communicator, grid: quantiles.grid, axes: $0, minimumWidth: halo,
            weight: weight))
      }
      let first = domains.count
      domains += staggered
      fullest += loads(staggered)
      let lightest = (first..<domains.count).min { fullest[$0] < fullest[$1] }
      if let lightest, pays(lightest, beside: best) { best = lightest }
    }
    let there = present == nil ? 0 : 2
    if present != nil, !pays(best, beside: there) { best = there }
    return Balance(domain: domains[best], fullest: fullest[best], before: fullest[there])
  }

  /// Bricks and how even they are.
  package struct Balance: Sendable {
    package var domain: Domain
    /// Work of the fullest rank over the mean; `before` with the bricks that were there, or even ones.
    package var fullest: Double
    package var before: Double
  }

  /// What other bricks must bring to be taken: the fullest rank has at most this part of its work.
  static let worthwhile = 0.95

  /// Work of the fullest rank over the mean with each of these domains. Collective.
  private static func loads(
    of domains: [Domain], box: Box, atoms: AtomStore, communicator: any Communicator, weight: Double
  ) -> [Double] {
    if domains.isEmpty { return [] }
    let ranks = communicator.size
    var sums = [Double](repeating: 0, count: domains.count * ranks)
    for i in 0..<atoms.localCount {
      let s = box.fractional(atoms.position[i])
      for (k, domain) in domains.enumerated() { sums[k * ranks + domain.owner(of: s)] += weight }
    }
    communicator.sum(&sums)
    let mean = max(sums[0..<ranks].reduce(0, +) / Double(ranks), .leastNormalMagnitude)
    return domains.indices.map { (sums[($0 * ranks)..<(($0 + 1) * ranks)].max() ?? 0) / mean }
  }

  /// Bricks with equal work along each axis: the cuts are quantiles of the atoms' fractional
  /// coordinates, from histograms summed over all ranks. Collective; all ranks get the same cuts.
  ///
  /// The grid is chosen for the part of the cell that atoms occupy, so a vacuum is not divided.
  /// - Parameter minimumWidth: no brick gets thinner than this, Å, as far as the cell allows
  ///   (the halo's width keeps ghosts within one hop).
  package static func balanced(
    box: Box, atoms: AtomStore, communicator: any Communicator, grid: SIMD3<Int>? = nil, halo: Double = 0,
    minimumWidth: Double = 0, weight: Double = 1
  ) throws -> Domain {
    // 64 for a brick; more than some thousand bricks along an axis nobody wants.
    let bins = max(1024, grid.map { 64 * $0.max() } ?? min(64 * communicator.size, 65_536))
    let rows = (0..<3).map { axis in
      histograms(box: box, atoms: atoms, communicator: communicator, axis: axis, bins: bins, weight: weight)[0]
    }
    var occupied = box.heights
    for k in 0..<3 {
      let first = rows[k].firstIndex { $0 > 0 } ?? 0
      let last = rows[k].lastIndex { $0 > 0 } ?? (bins - 1)
      occupied[k] *= Double(last - first + 1) / Double(bins)
    }
    let grid =
      grid ?? bestGrid(ranks: communicator.size, extents: occupied, periodic: box.periodic, halo: halo)
    let cuts = (0..<3).map { k in
      quantiles(of: rows[k], pieces: grid[k], minimumWidth: minimumWidth / box.heights[k])
    }
    return try Domain(
      box: box, ranks: communicator.size, rank: communicator.rank, grid: grid, cuts: cuts, halo: halo)
  }

  /// Bricks with equal work in each row: layers along the first axis, in each of them columns along the second, in each of those
  /// pieces along the third, all by quantiles of the atoms there. Collective; all ranks get the same.
  static func staggered(
    box: Box, atoms: AtomStore, communicator: any Communicator, grid: SIMD3<Int>, axes: SIMD3<Int>,
    minimumWidth: Double, weight: Double = 1
  ) -> Domain {
    /// Planes along an axis, a set for each of `rows`, which says where an atom belongs.
    func cuts(_ axis: Int, _ bins: Int, _ rows: Int, _ row: (Vector3) -> Int) -> [[Double]] {
      histograms(
        box: box, atoms: atoms, communicator: communicator, axis: axis, bins: max(bins, 64 * grid[axis]), rows: rows,
        row: row, weight: weight
      ).map { quantiles(of: $0, pieces: grid[axis], minimumWidth: minimumWidth / box.heights[axis]) }
    }
    func place(_ s: Vector3, _ axis: Int, _ planes: [Double]) -> Int {
      let t = box.periodic[axis] ? s[axis] - s[axis].rounded(.down) : s[axis]
      return Bricks.interval(of: t, in: planes)
    }
    let layers = cuts(axes.x, 1024, 1) { _ in 0 }[0]
    let columns = cuts(axes.y, 512, grid[axes.x]) { place($0, axes.x, layers) }
    let pieces = cuts(axes.z, 256, grid[axes.x] * grid[axes.y]) { s in
      let layer = place(s, axes.x, layers)
      return layer * grid[axes.y] + place(s, axes.y, columns[layer])
    }
    let bricks = Bricks(axes: axes, layers: layers, columns: columns, pieces: pieces)
    return Domain(bricks: bricks, rank: communicator.rank, periodic: box.periodic)
  }

  /// Orders of axes that make different staggered bricks: an axis that is not divided makes no layers or columns.
  static func orders(of grid: SIMD3<Int>) -> [SIMD3<Int>] {
    let divided = (0..<3).filter { grid[$0] > 1 }
    let others = (0..<3).filter { grid[$0] == 1 }
    switch divided.count {
    case 2:
      return [[others[0], divided[0], divided[1]], [others[0], divided[1], divided[0]]]
    case 3:
      return [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    default: return []
    }
  }

  /// Histograms of the atoms' fractional coordinates along an axis, one for each row. Collective.
  private static func histograms(
    box: Box, atoms: AtomStore, communicator: any Communicator, axis: Int, bins: Int, rows: Int = 1,
    row: (Vector3) -> Int = { _ in 0 }, weight: Double
  ) -> [[Double]] {
    var sums = [Double](repeating: 0, count: rows * bins)
    for i in 0..<atoms.localCount {
      let s = box.fractional(atoms.position[i])
      let t = box.periodic[axis] ? s[axis] - s[axis].rounded(.down) : s[axis]
      // Beyond an open end counts as the end; NaN does too (migration reports it).
      let bin = t > 0 ? Int(min(t * Double(bins), Double(bins - 1))) : 0
      sums[row(s) * bins + bin] += weight
    }
    communicator.sum(&sums)
    return (0..<rows).map { Array(sums[($0 * bins)..<(($0 + 1) * bins)]) }
  }

  /// Planes from 0 to 1 with equal shares of the histogram between them, none closer than `minimumWidth`
  /// (or an even share, whichever is less).
  static func quantiles(of histogram: [Double], pieces: Int, minimumWidth: Double) -> [Double] {
    let bins = histogram.count
    let total = histogram.reduce(0, +)
    let least = min(max(minimumWidth, 0.5 / Double(bins)), 1 / Double(pieces))
    var cuts = [0.0]
    var bin = 0
    var below = 0.0
    for piece in 1..<max(pieces, 1) {
      let wanted = total * Double(piece) / Double(pieces)
      while bin < bins, below + histogram[bin] < wanted {
        below += histogram[bin]
        bin += 1
      }
      let inside = bin < bins && histogram[bin] > 0 ? (wanted - below) / histogram[bin] : 0
      let cut = total > 0 ? (Double(bin) + inside) / Double(bins) : Double(piece) / Double(pieces)
      cuts.append(cut)
    }
    cuts.append(1)
    // Push up from below, then down from above: both ends stay in place.
    for k in 1..<max(pieces, 1) { cuts[k] = max(cuts[k], cuts[k - 1] + least) }
    for k in stride(from: pieces - 1, to: 0, by: -1) { cuts[k] = min(cuts[k], cuts[k + 1] - least) }
    return strictly(cuts)
  }

  /// Even cuts if rounding left two planes together.
  private static func strictly(_ cuts: [Double]) -> [Double] {
    let n = cuts.count - 1
    return zip(cuts, cuts.dropFirst()).allSatisfy { $0 < $1 } ? cuts : (0...n).map { Double($0) / Double(n) }
  }
}
