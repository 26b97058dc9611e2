import MDCore
import MDDeck

/// `faultline run` and `faultline resume`: a deck is a single run of stages, or a scan of several.
package enum RunJob {
  /// What a start was given besides its deck.
  package struct Options: Sendable {
    /// In place of the deck's `output.directory`.
    package var output: String?
    /// Whether runs that are there are replaced.
    package var overwrite = false
    /// A job that is known to be over, so that what it has locked may be taken over.
    package var endedJob: String?
    /// Of `resume`: whether potentials' files may differ from those that the work was begun with.
    package var acceptChangedFiles = false
    package var limits = RunLimits()

    package init(output: String? = nil, overwrite: Bool = false, endedJob: String? = nil, limits: RunLimits = .init()) {
      self.output = output
      self.overwrite = overwrite
      self.endedJob = endedJob
      self.limits = limits
    }
  }

  /// Runs a deck with `settings` (KEY=VALUE) put into it. Collective.
  package static func start(
    deck: String, settings: [String] = [], _ options: Options, communicator: any Communicator, log: RunLog
  ) throws -> RunOutcome {
    let source = try DeckReading.source(deck, settings: settings, communicator: communicator)
    if let scan = try DeckReading.scan(source, communicator: communicator) {
      return try ScanRun(scan, of: source, options, communicator: communicator, log: log).start()
    }
    let plan = try DeckReading.plan(source, purpose: .run, communicator: communicator, log: log)
    return try start(plan, options, communicator: communicator, log: log)
  }

  /// Runs a plan. Collective.
  static func start(
    _ plan: RunPlan, _ options: Options, communicator: any Communicator, log: RunLog
  ) throws -> RunOutcome {
    var plan = plan
    if let output = options.output { plan.output.directory = output }
    if options.overwrite { plan.output.overwrite = true }
    return try ReportJob.after(plan, communicator: communicator, log: log) {
      if plan.search != nil { return try SearchRun.start(plan, options, communicator: communicator, log: log) }
      if !plan.tasks.isEmpty { return try TaskRun.run(plan, options, communicator: communicator, log: log) }
      return try Simulation.start(plan, endedJob: options.endedJob, communicator: communicator, log: log)
        .run(limits: options.limits)
    }
  }

  /// Continues what is in a run directory, or from a checkpoint. Collective.
  package static func resume(
    from path: String, extend: RunExtension? = nil, _ options: Options,
    communicator: any Communicator, log: RunLog
  ) throws -> RunOutcome {
    if let scan = try ScanRun.found(in: path, options, communicator: communicator, log: log) {
      guard extend == nil else {
        throw FaultlineError(
          .input, "\(path) is a scan, whose runs are extended one by one",
          hint: "for example 'faultline resume \(path)/\(ScanRun.name(0)) --extend …'", isCollective: true)
      }
      return try scan.resume()
    }
    if let tasks = try TaskRecord.found(
      in: path, acceptChangedFiles: options.acceptChangedFiles, communicator: communicator, log: log)
    {
      guard extend == nil else {
        throw FaultlineError(.input, "\(path) holds tasks, which have no steps to extend", isCollective: true)
      }
      return try ReportJob.after(tasks.plan, communicator: communicator, log: log) {
        try TaskRun.run(tasks.plan, resuming: tasks.record, options, communicator: communicator, log: log)
      }
    }
    if let search = try SearchRun.found(in: path, options, communicator: communicator, log: log) {
      guard extend == nil else {
        throw FaultlineError(
          .input, "\(path) is a search, which has no steps to extend", hint: "start one with another `search.stop`",
          isCollective: true)
      }
      return try ReportJob.after(search.plan, communicator: communicator, log: log) { try search.resume() }
    }
    let simulation = try Simulation.resume(
      from: path, extend: extend, endedJob: options.endedJob, acceptChangedFiles: options.acceptChangedFiles,
      communicator: communicator, log: log)
    return try ReportJob.after(simulation.plan, communicator: communicator, log: log) {
      try simulation.run(limits: options.limits)
    }
  }
}
