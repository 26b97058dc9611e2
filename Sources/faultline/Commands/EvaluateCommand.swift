import ArgumentParser
import MDSimulation

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Energies, forces and virials of given structures (single points).")

  @Argument(help: "A deck; only its potential section is needed.", completion: .file(extensions: ["yaml", "yml"]))
  var deck: String

  @Option(help: "Structures, one or more frames: extended XYZ, or .cfg of MLIP (plain or .gz).")
  var frames: String

  @Option(help: "Where the frames go with energy, virial, forces and per-atom energies added: extended XYZ, or .cfg.")
  var output: String

  @OptionGroup var values: DeckOptions

  func run() throws {
    Launch.parallel(deck) { communicator, log in
      try Evaluation.run(
        deck: deck, settings: values.settings, frames: frames, output: output, communicator: communicator, log: log)
      return Code.finished
    }
  }

  private typealias Code = Launch.Code
}
