import MDCore
import MDDeck

/// More of the last stage of a run that is finished.
package enum RunExtension: Equatable, Sendable {
  case steps(Int)
  /// ps.
  case time(Double)

  /// "5000", or a time with its unit: "10 ps". nil for anything else.
  package init?(_ text: String) {
    if let steps = Int(text), steps > 0 {
      self = .steps(steps)
    } else if Double(text) == nil, let time = PhysicalDimension.time.value(of: text), time > 0, time.isFinite {
      self = .time(time)
    } else {
      return nil
    }
  }

  /// What makes the deck's last stage longer by as much.
  /// - Parameters:
  ///   - clock: of the run's last checkpoint.
  ///   - end: how the last stage ended, as that checkpoint has it.
  ///   - run: how the user names the run.
  /// - Throws: a collective input error if the run is not finished, or cannot be made longer.
  func settings(_ plan: RunPlan, _ clock: Clock, _ end: StageEnd?, run: String) throws -> [String] {
    func refuse(_ message: String, hint: String) -> FaultlineError {
      FaultlineError(.input, message, hint: hint, isCollective: true)
    }
    guard clock.stage == plan.stages.count, let stage = plan.stages.last else {
      throw refuse(
        "the run is not finished: it stands at step \(clock.step)",
        hint: "'faultline resume \(run)' without --extend brings it to its end")
    }
    guard let end else {
      throw refuse(
        "the last checkpoint does not say how the last stage ended",
        hint: "it was written by an older version of the program; start a new run from its last frame")
    }
    let last = plan.stages.count - 1
    switch stage.work {
    case .dynamics(let dynamics):
      let sections = [dynamics.thermostat, dynamics.barostat].compactMap { $0?.section } + dynamics.loads.map(\.section)
      if let ramp = sections.lazy.compactMap(Self.ramp).first {
        throw refuse(
          "`\(ramp)` of the last stage, '\(stage.name)', is a ramp, which more steps would stretch",
          hint: "a stage after it keeps what the ramp ends with: add one to the deck and start anew")
      }
      return ["stages.\(last).dynamics.steps=\(end.steps + (try steps(of: dynamics.timestep)))"]
    case .minimize:
      guard case .steps(let more) = self else {
        throw refuse(
          "the last stage, '\(stage.name)', is a relaxation, which has no time", hint: "--extend with a number of steps")
      }
      return ["stages.\(last).minimize.max_steps=\(end.steps + more)"]
    }
  }

  /// The first key of a section, or of those in it, that goes from one number to another over the stage.
  private static func ramp(in section: DeckSection) -> String? {
    for entry in section.entries {
      switch entry.value.content {
      case .section(let inner): if let found = ramp(in: inner) { return found }
      case .list(let items):
        if items.count == 2, case .number(let start) = items[0].content, case .number(let end) = items[1].content, start != end {
          return entry.name
        }
      default: break
      }
    }
    return nil
  }

  private func steps(of timestep: Double) throws -> Int {
    switch self {
    case .steps(let steps): return steps
    case .time(let time):
      let steps = (time / timestep).rounded()
      guard steps >= 1, steps <= 1e12 else {
        throw FaultlineError(
          .input, "--extend of \(plain(time)) ps is \(plain(steps)) steps of \(plain(timestep)) ps",
          hint: "1 to 1e12 steps", isCollective: true)
      }
      return Int(steps)
    }
  }
}
