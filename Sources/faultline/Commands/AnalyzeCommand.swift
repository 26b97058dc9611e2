import ArgumentParser
import Foundation
import MDDeck
import MDSimulation

struct AnalyzeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "analyze",
    abstract: "The observers of a deck (analysis.measure) on a trajectory that exists.",
    discussion: "Every frame is looked at, whatever `every` says. Works under mpirun too.")

  @Argument(help: "Frames: extended XYZ, LAMMPS dump (.dump, .lammpstrj) or .cfg of MLIP (plain or .gz).")
  var trajectory: String

  @Argument(help: "A deck; only its analysis section (and groups, species) is needed.", completion: .file(extensions: ["yaml", "yml"]))
  var deck: String

  @Option(name: [.short, .long], help: "The folder for NAME.csv and results.json.")
  var output = "analysis"

  @Option(help: "Time between frames with its unit, for example \"0.1 ps\", where frames have no time.")
  var interval: String?

  @Option(help: "Species of types 1, 2, … of a dump without elements, for example Na,Cl.")
  var types: String?

  @Flag(help: "Replace results that are there.")
  var overwrite = false

  @OptionGroup var values: DeckOptions

  private var time: Double? { interval.flatMap { PhysicalDimension.time.value(of: $0) } }

  func validate() throws {
    guard interval != nil else { return }
    guard let time, time > 0, time.isFinite else { throw ValidationError("--interval must be a time such as \"0.1 ps\"") }
  }

  func run() throws {
    Launch.parallel(deck) { communicator, log in
      try Analysis.run(
        deck: deck, settings: values.settings, frames: trajectory, output: output,
        .init(
          interval: time, types: types?.split(separator: ",").map { String($0).trimmingCharacters(in: .whitespaces) },
          overwrite: overwrite), communicator: communicator, log: log)
      return Launch.Code.finished
    }
  }
}
