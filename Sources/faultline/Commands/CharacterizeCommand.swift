import ArgumentParser
import MDSimulation

struct CharacterizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "characterize",
    abstract: "What a potential says of a crystal: a page with lattice constants, elastic constants, surfaces, faults.",
    discussion: """
      The deck has a structure and potentials; its tasks are done, or the usual ones for its lattice if it has none. A page \
      beside the potential's file with the same name and the ending .md is its card: runs repeat the card's warnings.
      """)

  @Argument(help: "A deck with structure and potential.", completion: .file(extensions: ["yaml", "yml"]))
  var deck: String

  @Option(name: [.short, .long], help: "The page, Markdown.")
  var output: String

  @Option(
    name: .customLong("max-time"), help: "End after the task that passes this wall time.", transform: Duration.seconds)
  var maxTime: Double?

  @OptionGroup var values: DeckOptions

  func run() throws {
    Launch.parallel(deck) { communicator, log in
      StopRequest.install()
      try PotentialCard.characterize(
        deck: deck, settings: values.settings, output: output, limits: RunLimits(seconds: maxTime),
        communicator: communicator, log: log)
      return Launch.Code.finished
    }
  }
}
