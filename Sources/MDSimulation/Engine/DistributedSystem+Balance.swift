import MDCore
import MDDeck
import MDParallel

/// Bricks that follow the atoms, with `decomposition: {balance: …}`.
///
/// Planes are moved at rebuilds only, to whichever set makes the fullest rank emptiest: those that are there, quantiles of the
/// atoms' coordinates, even ones, staggered ones (`Domain.best`). The grid stays. Whether they move depends on
/// where the atoms are, on the planes that are there, and, amid steps, on how full the fullest rank was when they were
/// weighed last. A checkpoint's rebuild weighs them whatever they were before, and so does the rebuild of a run that is
/// resumed from it: the same atoms and the planes just chosen leave everything as it is. So both go on alike. Not where
/// seconds are weighed, which are not the same twice.
extension DistributedSystem {
  /// Bricks that have moved: work of the fullest rank over the mean, by atoms or by seconds.
  package struct Balancing: Equatable, Sendable {
    package var before: Double
    package var after: Double
    package var bySeconds = false
  }

  /// Amid steps planes are weighed anew when the fullest rank has so many times the work that it had then.
  static let tolerance = 1.1
  /// Computations of forces that seconds are told by.
  private static let fewestComputations = 5

  /// Chooses new planes for atoms that are with their owners, where that is due and pays. What it did, nil if nothing.
  /// Collective: the same on every rank. The atoms have to migrate afterwards.
  func moveBricks(amidSteps: Bool) throws -> Balancing? {
    let bySeconds = balance == .time && computations >= Self.fewestComputations
    let count = Double(atoms.localCount)
    let work = bySeconds ? workSeconds : count
    let mean = communicator.sum(work) / Double(communicator.size)
    guard mean > 0 else { return nil }
    let fullest = communicator.maximum(work) / mean
    // Seconds differ by more than a little from time to time: bricks stay where they are even enough.
    if bySeconds, fullest <= Self.tolerance { return nil }
    if amidSteps, fullest <= Self.tolerance * fullestWhenWeighed { return nil }
    // A rank without atoms has no say.
    let weight = bySeconds && count > 0 ? work / count : 1
    let best = try Domain.best(
      box: box, atoms: atoms, communicator: communicator, grid: domain.grid, halo: halo + skin, present: domain,
      block: domain.bricks.block, weight: weight)
    fullestWhenWeighed = best.fullest
    computations = 0
    workSeconds = 0
    guard best.domain.bricks != domain.bricks else { return nil }
    divide(best.domain)
    return Balancing(before: best.before, after: best.fullest, bySeconds: bySeconds)
  }
}
