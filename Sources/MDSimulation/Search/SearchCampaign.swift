import Foundation
import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// The search of one boundary: which trial comes next, what ended trials say, and when it is over. It knows no ranks, clocks or
/// files.
///
/// Trial k is a function of the deck, of k and, with `bayes`, of the results of trials up to k − batch. The search is over at
/// the first K for which trials 1 … K meet a condition of `stop`, whatever else has ended: so neither the number of groups
/// nor the order in which they end changes anything.
final class SearchCampaign {
  typealias Start = BoundarySpace.Start

  let space: BoundarySpace
  private let search: SearchPlan
  private let seed: UInt64
  private let grid: [Start]
  /// Points of the grid that are like others.
  let skipped: Int
  private let bayes: BayesianProposal
  private(set) var results: [Int: TrialResult] = [:]
  private var starts: [Int: Start] = [:]
  private var handedOut: Set<Int> = []
  /// What its crystals have as surfaces, where that is asked: the work of adhesion hangs on it.
  private(set) var apart: TrialResult?

  init(_ space: BoundarySpace, _ search: SearchPlan, seed: UInt64) {
    self.space = space
    self.search = search
    self.seed = seed
    (grid, skipped) = search.method == .grid ? space.grid(search) : ([], 0)
    bayes = BayesianProposal(space)
  }

  /// The most trials that there can be.
  var limit: Int { search.method == .grid ? min(grid.count, search.trials) : search.trials }

  // MARK: What comes next

  enum Next {
    case trial(TrialOrder)
    /// Nothing before others have ended.
    case wait
    case over
  }

  func next() throws -> Next {
    if space.model.isHeterophase, apart == nil, !handedOut.contains(0) {
      handedOut.insert(0)
      return .trial(.crystalsApart(space.number))
    }
    if ending != nil { return .over }
    var trial = decided + 1
    while results[trial] != nil || handedOut.contains(trial) { trial += 1 }
    guard trial <= limit else { return .wait }
    guard let start = try start(of: trial) else { return .wait }
    handedOut.insert(trial)
    return .trial(TrialOrder(boundary: space.number, trial: trial, start: start))
  }

  /// nil if it hangs on results that are not there.
  private func start(of trial: Int) throws -> Start? {
    if let known = starts[trial] { return known }
    let start: Start
    switch search.method {
    case .grid: start = grid[trial - 1]
    case .random, .anneal: start = space.random(seed: seed, trial: trial)
    case .bayes:
      let last = trial - search.bayes.batch
      if trial <= search.bayes.initial {
        start = space.random(seed: seed, trial: trial)
      } else {
        guard last <= decided else { return nil }
        let known = (1..<max(last + 1, 1)).map { (results[$0]!.order.start, results[$0]!.energy) }
        guard known.contains(where: { $0.1 != nil }) else {
          start = space.random(seed: seed, trial: trial)
          break
        }
        // In the order of the trials: those between may have ended or not.
        let pending = try (max(last + 1, 1)..<trial).map { try self.start(of: $0)! }
        var random = CounterRandom(
          seed: seed, stream: .searchProposals, id: Int64(space.number), step: trial)
        start = try bayes.next(known: known, pending: pending, random: &random)
      }
    }
    starts[trial] = start
    return start
  }

  // MARK: What has ended

  func take(_ result: TrialResult) {
    let trial = result.order.trial
    handedOut.remove(trial)
    guard !result.order.isOfCrystalsApart else {
      apart = result
      return
    }
    starts[trial] = result.order.start
    results[trial] = result
    while ending == nil, let next = results[decided + 1] { decide(next) }
  }

  /// Trials 1 … decided have all ended.
  private(set) var decided = 0
  /// Why it is over.
  private(set) var ending: String?
  /// The trial with the lowest energy of those decided.
  private(set) var best: TrialResult?
  /// Of trials 1 … decided.
  private(set) var statistics = SearchStatistics()
  private var lastGain = 0

  private func decide(_ result: TrialResult) {
    decided += 1
    statistics.add(result)
    if let (energy, _) = result.state, energy < (best?.energy ?? .infinity) {
      // A state that was there already and came out a little lower is no news.
      if energy < (best?.energy ?? .infinity) - TrialResult.energyTolerance { lastGain = decided }
      best = result
    }
    if decided >= limit {
      ending = search.method == .grid && decided == grid.count ? "the grid is done" : "\(decided) trials are done"
    } else if search.method != .grid, best != nil, decided - lastGain >= search.unchanged {
      ending = "no lower energy in \(search.unchanged) trials"
    }
  }

  /// Those that count, in their order.
  var table: [TrialResult] { (1..<(decided + 1)).compactMap { results[$0] } }
}
