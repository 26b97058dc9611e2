import MDCore
import MDParallel

/// Bricks that follow the atoms, with `decomposition: {balance: true}`.
///
/// Planes are moved at rebuilds only, to whichever of three sets makes the fullest rank emptiest: those that are there,
/// quantiles of the atoms' coordinates (`Domain.balanced`), even ones. The grid stays. Whether they move depends on
/// where the atoms are, on the planes that are there, and, amid steps, on how full the fullest rank was when they were
/// weighed last. A checkpoint's rebuild weighs them whatever they were before, and so does the rebuild of a run that is
/// resumed from it: the same atoms and the planes just chosen leave everything as it is. So both go on alike.
extension DistributedSystem {
  /// Bricks that have moved: atoms of the fullest rank over the mean.
  package struct Balancing: Equatable, Sendable {
    package var before: Double
    package var after: Double
  }

  /// Amid steps planes are weighed anew when the fullest rank has so many times the atoms that it had then.
  static let tolerance = 1.1
  /// What new planes must bring to be taken: the fullest rank has at most this part of its atoms.
  static let worthwhile = 0.95

  /// Chooses new planes for atoms that are with their owners, where that is due and pays. What it did, nil if nothing.
  /// Collective: the same on every rank. The atoms have to migrate afterwards.
  func moveBricks(amidSteps: Bool) throws -> Balancing? {
    let fullest = communicator.maximum(atoms.localCount)
    if amidSteps, Double(fullest) <= Self.tolerance * Double(fullestWhenWeighed) { return nil }
    let reach = halo + skin
    let others = [
      try Domain.balanced(
        box: box, atoms: atoms, communicator: communicator, grid: domain.grid, halo: reach, minimumWidth: reach),
      try Domain(box: box, ranks: communicator.size, rank: communicator.rank, grid: domain.grid, halo: reach),
    ]
    let (best, count) = zip(others, fullestRanks(of: others)).min { $0.1 < $1.1 }!
    guard Double(count) <= Self.worthwhile * Double(fullest) else {
      fullestWhenWeighed = fullest
      return nil
    }
    fullestWhenWeighed = count
    divide(best)
    let mean = Double(totalCount) / Double(communicator.size)
    return Balancing(before: Double(fullest) / mean, after: Double(count) / mean)
  }

  /// Atoms of the fullest rank with each of these domains. Collective.
  private func fullestRanks(of domains: [Domain]) -> [Int] {
    let ranks = communicator.size
    var counts = [Int64](repeating: 0, count: domains.count * ranks)
    for i in 0..<atoms.localCount {
      let s = box.fractional(atoms.position[i])
      for (k, domain) in domains.enumerated() { counts[k * ranks + domain.owner(of: s)] += 1 }
    }
    counts.withUnsafeMutableBufferPointer { communicator.allReduce($0, .sum) }
    return domains.indices.map { Int(counts[($0 * ranks)..<(($0 + 1) * ranks)].max() ?? 0) }
  }
}
