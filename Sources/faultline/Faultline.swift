import ArgumentParser
import MDSimulation

/// The command line. It alone prints and exits; everything else throws.
struct Faultline: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "faultline",
    abstract: "Molecular dynamics of solids and their defects with machine-learned and classical potentials.",
    discussion: """
      Start it alone or under mpirun: mpirun -n 2 faultline run inputs/mo-grain-boundary.yaml

      Exit codes: 0 finished; 75 stopped at a step boundary with a checkpoint (a signal, or --max-time: \
      resume it); 65 something is wrong with the deck or a file it names; 70 trouble during the run; 64 usage.
      """,
    version: faultlineVersion,
    subcommands: [
      RunCommand.self, CheckCommand.self, ResumeCommand.self, EvaluateCommand.self, AnalyzeCommand.self, ReportCommand.self, DrawCommand.self, BuildCommand.self, CharacterizeCommand.self,
      BenchCommand.self, SchemaCommand.self,
    ])
}

@main
enum Main {
  static func main() {
    do {
      var command = try Faultline.parseAsRoot()
      try command.run()
    } catch {
      // Usage errors and --help: every rank meets them before MPI starts, one of them speaks.
      if Launch.environmentRank == 0 { Faultline.exit(withError: error) }
      Launch.leave(Faultline.exitCode(for: error).rawValue)
    }
  }
}
