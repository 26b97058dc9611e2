import MDCore
import MDNumerics

extension Domain {
  /// Bricks with equal numbers of atoms along each axis: the cuts are quantiles of the atoms' fractional
  /// coordinates, from histograms summed over all ranks. Collective; all ranks get the same cuts.
  ///
  /// The grid is chosen for the part of the cell that atoms occupy, so a vacuum is not divided.
  /// - Parameter minimumWidth: no brick gets thinner than this, Å, as far as the cell allows
  ///   (the halo's width keeps ghosts within one hop).
  package static func balanced(
    box: Box, atoms: AtomStore, communicator: any Communicator, grid: SIMD3<Int>? = nil, halo: Double = 0,
    minimumWidth: Double = 0
  ) throws -> Domain {
    let bins = max(1024, 64 * communicator.size)
    var histogram = [Int64](repeating: 0, count: 3 * bins)
    for i in 0..<atoms.localCount {
      let s = box.fractional(atoms.position[i])
      for k in 0..<3 {
        let t = box.periodic[k] ? s[k] - s[k].rounded(.down) : s[k]
        // Beyond an open end counts as the end; NaN does too (migration reports it).
        let bin = t > 0 ? Int(min(t * Double(bins), Double(bins - 1))) : 0
        histogram[k * bins + bin] += 1
      }
    }
    histogram.withUnsafeMutableBufferPointer { communicator.allReduce($0, .sum) }
    let parts = (0..<3).map { Array(histogram[($0 * bins)..<(($0 + 1) * bins)]) }

    var occupied = box.heights
    for k in 0..<3 {
      let first = parts[k].firstIndex { $0 > 0 } ?? 0
      let last = parts[k].lastIndex { $0 > 0 } ?? (bins - 1)
      occupied[k] *= Double(last - first + 1) / Double(bins)
    }
    let grid =
      grid ?? bestGrid(ranks: communicator.size, extents: occupied, periodic: box.periodic, halo: halo)
    let cuts = (0..<3).map { k in
      quantiles(of: parts[k], pieces: grid[k], minimumWidth: minimumWidth / box.heights[k])
    }
    return try Domain(
      box: box, ranks: communicator.size, rank: communicator.rank, grid: grid, cuts: cuts, halo: halo)
  }

  /// Planes from 0 to 1 with equal shares of the histogram between them, none closer than `minimumWidth`
  /// (or an even share, whichever is less).
  static func quantiles(of histogram: [Int64], pieces: Int, minimumWidth: Double) -> [Double] {
    let bins = histogram.count
    let total = histogram.reduce(0, +)
    let least = min(max(minimumWidth, 0.5 / Double(bins)), 1 / Double(pieces))
    var cuts = [0.0]
    var bin = 0
    var below: Int64 = 0
    for piece in 1..<max(pieces, 1) {
      let wanted = Double(total) * Double(piece) / Double(pieces)
      while bin < bins, Double(below + histogram[bin]) < wanted {
        below += histogram[bin]
        bin += 1
      }
      let inside = bin < bins && histogram[bin] > 0 ? (wanted - Double(below)) / Double(histogram[bin]) : 0
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
