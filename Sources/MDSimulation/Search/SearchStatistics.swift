import Foundation
import MDDeck

/// The states that the trials of a search ended in, and how sure the lowest of them is.
package struct SearchStatistics: Sendable {
  package struct State: Sendable {
    /// The trial of lowest energy in it.
    var best: TrialResult
    /// Trials that ended in it, the first to find it first.
    package var trials: [Int]
  }

  /// In the order in which they were found.
  private var known: [State] = []
  /// Trials in all, and those that ended in a state.
  package private(set) var trials = 0
  package private(set) var found = 0
  /// Of each trial that found a state which an earlier one had found, that one.
  package private(set) var duplicates: [Int: Int] = [:]

  /// By energy.
  package var states: [State] { known.sorted { ($0.best.energy!, $0.trials[0]) < ($1.best.energy!, $1.trials[0]) } }

  /// The next trial, in the order of their numbers.
  mutating func add(_ result: TrialResult) {
    trials += 1
    guard result.state != nil else { return }
    found += 1
    if let k = known.firstIndex(where: { $0.best.isSameState(as: result) }) {
      duplicates[result.order.trial] = known[k].trials[0]
      known[k].trials.append(result.order.trial)
      if result.energy! < known[k].best.energy! { known[k].best = result }
    } else {
      known.append(State(best: result, trials: [result.order.trial]))
    }
  }

  /// What independent draws say of states that were not seen.
  package struct Estimate: Sendable, Equatable {
    /// The probability that one more trial ends in a state not seen yet: f₁/n, f₁ the states found once (I. J. Good,
    /// Biometrika 40, 237 (1953)).
    package var newState: Double
    /// How many states there are besides at least: f₁ (f₁ − 1)/(2 (f₂ + 1)) (A. Chao, Scand. J. Stat. 11, 265 (1984);
    /// bias-corrected).
    package var unseen: Double
    /// How many of them lie lower than the best, if how often a state is found says nothing of its energy: each unseen state
    /// is then the lowest of all S + 1 with a probability of 1/(S + 1).
    package var lower: Double
  }

  /// - Parameter counts: how often each state was found.
  package static func estimate(counts: [Int]) -> Estimate? {
    let n = counts.reduce(0, +)
    guard n > 0 else { return nil }
    let (once, twice) = (Double(counts.count { $0 == 1 }), Double(counts.count { $0 == 2 }))
    let unseen = once * (once - 1) / (2 * (twice + 1))
    return Estimate(newState: once / Double(n), unseen: unseen, lower: unseen / Double(counts.count + 1))
  }

  /// nil where trials are not independent of one another.
  func estimate(_ method: SearchPlan.Method) -> Estimate? {
    method == .bayes ? nil : Self.estimate(counts: states.map(\.trials.count))
  }

  /// A sentence for people.
  func sentence(_ method: SearchPlan.Method) -> String {
    guard let best = states.first else { return "no trial ended in a relaxed state" }
    let times = best.trials.count
    var text = "the lowest state was found \(times == 1 ? "once" : times == 2 ? "twice" : "\(times) times") in \(RunLog.counted(trials, "trial"))"
    guard let estimate = estimate(method) else {
      return text + "; proposals follow one another's results, so that nothing can be said of states that were not seen"
    }
    let draws = method == .grid ? "were the grid's points drawn at random" : "trials being independent"
    text += "; \(draws), one more ends in a new state with a probability of about \(RunLog.fixed(estimate.newState, 2)) "
      + "(Good and Turing)"
    if estimate.unseen > 0 {
      text += ", at least \(RunLog.fixed(estimate.unseen, 1)) more states are to be expected (Chao), and, if low states are "
        + "found no less easily than others, \(RunLog.fixed(estimate.lower, 1)) of them below this one"
    } else {
      text += ", and no states more are to be expected (Chao)"
    }
    return text
  }
}
