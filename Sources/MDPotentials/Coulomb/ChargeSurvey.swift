import MDCore
import MDNumerics

extension ChargeStatistics {
  /// Sums over the charges of all ranks, and ⟨ρ⟩ = Σ_b (Σ_b q²)²/v_b / Σq² over bins b about 5 Å wide: the density of
  /// Σq² averaged over charges. Collective.
  init(_ atoms: AtomView, charges: UnsafePointer<Double>, box: Box, communicator: any Communicator) {
    var sums = [Double(atoms.localCount), 0, 0]
    var low = [Double](repeating: .infinity, count: 6)
    for i in 0..<atoms.localCount {
      sums[1] += charges[i]
      sums[2] += charges[i] * charges[i]
      let s = box.fractional(atoms.positions[i])
      for k in 0..<3 {
        low[k] = min(low[k], s[k])
        low[3 + k] = min(low[3 + k], -s[k])
      }
    }
    communicator.sum(&sums)
    low.withUnsafeMutableBufferPointer { communicator.allReduce($0, .minimum) }

    // Bins over the cell; along open axes over what atoms occupy.
    var start = Vector3.zero
    var extent = Vector3(1, 1, 1)
    var counts = SIMD3<Int>(1, 1, 1)
    for k in 0..<3 {
      if !box.periodic[k], low[k].isFinite {
        start[k] = low[k]
        extent[k] = max(-low[3 + k] - low[k], 1 / box.heights[k])
      }
      counts[k] = min(max(Int(extent[k] * box.heights[k] / 5), 1), 64)
    }
    var bins = [Double](repeating: 0, count: counts.x * counts.y * counts.z)
    for i in 0..<atoms.localCount {
      let s = (box.fractional(atoms.positions[i]) - start) / extent
      var place = 0
      for k in 0..<3 {
        let t = box.periodic[k] ? s[k] - s[k].rounded(.down) : s[k]
        place = place * counts[k] + min(max(Int(t * Double(counts[k])), 0), counts[k] - 1)
      }
      bins[place] += charges[i] * charges[i]
    }
    communicator.sum(&bins)
    let bin = box.volume * extent.x * extent.y * extent.z / Double(bins.count)
    let crowd = bins.reduce(0) { $0 + $1 * $1 }
    self.init(
      count: Int(sums[0]), sum: sums[1], squares: sums[2],
      occupiedVolume: crowd > 0 ? sums[2] * sums[2] / crowd * bin : box.volume)
  }
}
