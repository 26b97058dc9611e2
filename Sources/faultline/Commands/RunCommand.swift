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

  mutating func validate() throws {
    if let maxSteps, maxSteps < 1 { throw ValidationError("--max-steps must be at least 1") }
  }
}

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a deck from its structure to its last stage.")

  @Argument(help: "The deck, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var deck: String

  @Option(name: [.short, .long], help: "The run directory, instead of the deck's output.directory.")
  var output: String?

  @Flag(help: "Replace what an earlier run left in the run directory.")
  var overwrite = false

  @OptionGroup var options: RunOptions

  func run() throws {
    Launch.parallel(deck) { communicator, log in
      StopRequest.install()
      let simulation = try Simulation.start(
        deck: deck, output: output, overwrite: overwrite, endedJob: options.endedJob, communicator: communicator,
        log: log)
      return Launch.code(try simulation.run(limits: options.limits))
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

  @OptionGroup var options: RunOptions

  func run() throws {
    Launch.parallel(source) { communicator, log in
      StopRequest.install()
      let simulation = try Simulation.resume(
        from: source, endedJob: options.endedJob, acceptChangedFiles: acceptChangedFiles,
        communicator: communicator, log: log)
      return Launch.code(try simulation.run(limits: options.limits))
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
