import Foundation
import MDDeck

/// run.json of what is no run of stages: tasks of a crystal, or a search.
struct WorkSummary: Encodable {
  var status = "running"
  var reason: String?
  let version = faultlineVersion
  let title: String?
  let deck: String
  let settings: [String]
  let started: String
  let ranks: Int
  /// Groups of ranks, and the method, of a search.
  var groups: Int?
  var method: String?
  let potentials: [String]
  let potentialFiles: [String]
  /// Of a search: the part of their time that ranks have spent on trials.
  var busy: Double?
  /// Tasks or trials that have ended, for programs that look how far a run got.
  var done = 0
  var seconds = 0.0
  var warnings: [String] = []
  var crystal: [String: JSONNumber] = [:]
  var tasks: [String: JSONNumber]?
  var search: [String: JSONNumber]?

  enum CodingKeys: String, CodingKey {
    case status, reason, version, title, deck, settings, started, ranks, groups, method, potentials, warnings, crystal, tasks
    case search
    case busy = "busy_fraction"
    case potentialFiles = "potential_files"
    case done = "steps_total"
    case seconds = "loop_seconds"
  }

  init(_ plan: RunPlan, ranks: Int) {
    (title, deck, settings, self.ranks) = (plan.title, plan.source.file, plan.source.settings, ranks)
    started = ISO8601DateFormatter().string(from: Date())
    potentials = plan.potential.map(\.name)
    potentialFiles = InputFiles.paths(plan)
  }
}
