import ArgumentParser
import MDSimulation

/// Options that running and resuming share.
struct RunOptions: ParsableArguments {
  @Option(
    name: .customLong("max-time"),
    help: "End at a step boundary with a checkpoint after this wall time (3h50m, 90m, 1:30:00 or seconds).",
    transform: Duration.seconds)
  var maxTime: Double?

  @Option(name: .customLong("max-steps"), help: "End with a checkpoint after this many steps of this start.")
  var maxSteps: Int?

  @Option(
    name: .customLong("ended-job"),
    help: ArgumentHelp(
      "A job that is over for certain: a run directory that it left locked is taken over.", valueName: "job"))
  var endedJob: String?

  var limits: RunLimits {
    RunLimits(seconds: maxTime, steps: maxSteps)
  }

  /// What the start is given besides its deck.
  func job(output: String? = nil, overwrite: Bool = false) -> RunJob.Options {
    RunJob.Options(output: output, overwrite: overwrite, endedJob: endedJob, limits: limits)
  }

  mutating func validate() throws {
    if let maxSteps, maxSteps < 1 { throw ValidationError("--max-steps must be at least 1") }
  }
}

/// Values given beside a deck.
struct DeckOptions: ParsableArguments {
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "Puts a value in place of what the deck has there, for example stages.0.dynamics.steps=400 (repeatable).",
      valueName: "key=value"))
  var settings: [String] = []
}

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a deck from its structure to its last stage, or each run of its scan.")

  @Argument(help: "The deck, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var deck: String

  @Option(name: [.short, .long], help: "The run directory, instead of the deck's output.directory.")
  var output: String?

  @Flag(help: "Replace what an earlier run left in the run directory.")
  var overwrite = false

  @OptionGroup var values: DeckOptions
  @OptionGroup var options: RunOptions

  func run() throws {
    Launch.parallel(deck) { communicator, log in
      StopRequest.install()
      return Launch.code(
        try RunJob.start(
          deck: deck, settings: values.settings, options.job(output: output, overwrite: overwrite),
          communicator: communicator, log: log))
    }
  }
}

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Continue a run from its last checkpoint, on any number of ranks.")

  @Argument(
    help: ArgumentHelp("A run directory (its newest checkpoint is taken) or a checkpoint file.", valueName: "run"),
    completion: .directory)
  var source: String

  @Flag(
    name: .customLong("accept-changed-files"),
    help: "Go on although a potential's file is not the one that the run was written with.")
  var acceptChangedFiles = false

  @Option(
    help: ArgumentHelp(
      "More of the last stage of a finished run: steps, or a time such as 10ps.", valueName: "steps"),
    transform: ResumeCommand.extension)
  var extend: RunExtension?

  private static func `extension`(_ text: String) throws -> RunExtension {
    guard let found = RunExtension(text) else {
      throw ValidationError("'\(text)' is neither a number of steps nor a time with its unit; write 5000 or 10ps")
    }
    return found
  }

  @OptionGroup var options: RunOptions

  func run() throws {
    Launch.parallel(source) { communicator, log in
      StopRequest.install()
      var job = options.job()
      job.acceptChangedFiles = acceptChangedFiles
      return Launch.code(try RunJob.resume(from: source, extend: extend, job, communicator: communicator, log: log))
    }
  }
}

extension Launch {
  static func code(_ outcome: RunOutcome) -> Int32 {
    switch outcome {
    case .finished: Code.finished
    case .stopped: Code.stopped
    }
  }
}
