/// Where a run stands.
struct Clock: Codable, Equatable, Sendable {
  /// Steps since the start of the run, minimisation and dynamics alike.
  var step = 0
  /// ps of dynamics.
  var time = 0.0
  /// The stage that runs, from 0, and the steps done in it.
  var stage = 0
  var stepInStage = 0
}

/// When a run must end besides its deck's end.
package struct RunLimits: Sendable {
  /// Wall time since the program started, s.
  package var seconds: Double?
  /// Steps of this start of the program.
  package var steps: Int?

  package init(seconds: Double? = nil, steps: Int? = nil) {
    self.seconds = seconds
    self.steps = steps
  }
}

package enum RunOutcome: Equatable, Sendable {
  /// The deck's last stage is done.
  case finished
  /// Ended at a step boundary with a checkpoint; why.
  case stopped(String)
}
