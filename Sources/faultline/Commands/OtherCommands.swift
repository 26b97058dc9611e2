import ArgumentParser
import Foundation
import MDSimulation

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "The dry run: find every mistake before the queue does, and estimate memory, time and output.")

  @Argument(help: "The deck, a YAML file.", completion: .file(extensions: ["yaml", "yml"]))
  var deck: String

  @Option(help: "Number of ranks that the job will use (default: those it is started with).")
  var ranks: Int?

  @Option(help: "How many of them a node has: what messages between nodes take is reckoned.")
  var ranksPerNode: Int?

  @Option(name: [.short, .long], help: "The run directory, instead of the deck's output.directory.")
  var output: String?

  @OptionGroup var values: DeckOptions

  func validate() throws {
    if let ranks, !(1...1_000_000).contains(ranks) {
      throw ValidationError("--ranks must be from 1 to 1,000,000")
    }
    if let ranksPerNode, !(1...1_000_000).contains(ranksPerNode) {
      throw ValidationError("--ranks-per-node must be from 1 to 1,000,000")
    }
  }

  func run() throws {
    Launch.parallel(deck) { communicator, log in
      try DryRun.run(
        deck: deck, settings: values.settings, output: output, ranks: ranks, perNode: ranksPerNode,
        communicator: communicator, log: log)
      return Launch.Code.finished
    }
  }
}

struct BuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Build or convert the deck's structure and write it to a file, or print its table.")

  @Argument(help: "A deck; only its structure section is needed.", completion: .file(extensions: ["yaml", "yml"]))
  var deck: String

  @Option(name: [.short, .long], help: "The file: .xyz/.extxyz, .data/.lmp (LAMMPS) or POSCAR/.vasp. Without it the structure is described only.")
  var output: String?

  @OptionGroup var values: DeckOptions

  func run() throws {
    Launch.parallel(deck) { communicator, log in
      try StructureJob.run(
        deck: deck, settings: values.settings, output: output, communicator: communicator, log: log)
      return Launch.Code.finished
    }
  }
}

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure whole NVE steps of the built-in cases: time and memory an atom, seconds a phase.")

  @Argument(help: "Cases to run (default: all). 'list' names them.")
  var cases: [String] = []

  @Option(help: "Repeats of each case; the median is printed with the spread.")
  var repeats = 3

  @Option(help: "Steps of each repeat (default: about three seconds).")
  var steps: Int?

  @Option(help: "Write the figures to this JSON file too.")
  var json: String?

  func validate() throws {
    if repeats < 1 { throw ValidationError("--repeats must be at least 1") }
    if let steps, steps < 1 { throw ValidationError("--steps must be at least 1") }
  }

  func run() throws {
    Launch.parallel { communicator, log in
      try Benchmark.run(
        cases: cases, repeats: repeats, steps: steps, json: json, communicator: communicator, log: log)
      return Launch.Code.finished
    }
  }
}

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Print the deck's JSON Schema for editors.")

  @Flag(help: "Print the deck reference (Markdown) instead.")
  var markdown = false

  func run() throws {
    guard Launch.environmentRank == 0 else { return }
    let text = markdown ? Registry.deckReference() : Registry.jsonSchema()
    try? FileHandle.standardOutput.write(contentsOf: Data((text.hasSuffix("\n") ? text : text + "\n").utf8))
  }
}
