extension Communicator {
  /// The rows of all ranks on rank 0, in the order of ranks; none elsewhere. Collective.
  package func gather(_ rows: [Double]) -> [Double] {
    let counts = allGather(MemoryLayout<Double>.stride * rows.count)
    let none = [Int](repeating: 0, count: size)
    var (sends, receives, offsets) = (none, none, none)
    sends[0] = counts[rank]
    if isRoot {
      receives = counts
      for r in 1..<max(size, 1) { offsets[r] = offsets[r - 1] + counts[r - 1] }
    }
    var all = [Double](repeating: 0, count: receives.reduce(0, +) / MemoryLayout<Double>.stride)
    rows.withUnsafeBytes { mine in
      all.withUnsafeMutableBytes { allToAll(mine, counts: sends, offsets: none, into: $0, counts: receives, offsets: offsets) }
    }
    return all
  }

  /// The same on every rank. Collective.
  package func gatherEverywhere(_ rows: [Double]) -> [Double] {
    let bytes = broadcast(gather(rows).withUnsafeBytes { [UInt8]($0) })
    return bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
  }
}
