import ArgumentParser
import MDReport
import MDSimulation

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "One page about a run, or about several side by side: answers, checks, charts, pictures.",
    discussion: """
      The page is one HTML file that needs neither network nor scripts. Runs that failed or still go on have one too. \
      A deck's `output: {report: true}` makes `run` write it at its end.
      """)

  @Argument(help: "Run directories; that of a scan stands for all its runs.", completion: .directory)
  var runs: [String]

  @Option(name: [.short, .long], help: "The page (default: report.html in the run directory, or here if there are several).")
  var output: String?

  func run() throws {
    Launch.parallel(runs.first) { communicator, log in
      try ReportJob.run(runs, output: output, communicator: communicator, log: log)
      return Launch.Code.finished
    }
  }
}

struct DrawCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw", abstract: "A picture of a structure: shaded atoms, the cell, what is far fades.",
    discussion: """
      An SVG says what its colours mean and has a bar of length; of a PNG the terminal says it. Positions are wrapped \
      into the cell.
      """)

  @Argument(help: "A trajectory (extended XYZ, LAMMPS dump, .cfg; plain or .gz) or a structure (POSCAR, LAMMPS data, CIF).")
  var frames: String

  @Option(name: [.short, .long], help: "The picture, .png or .svg.")
  var output = "picture.png"

  @Option(help: "Which frame, from 0, or from the end with -1.")
  var frame = -1

  @Option(help: "element, grain, or a column of numbers such as energies (default: grains if there are several, else elements, else energies).")
  var colour: String?

  @Option(help: "Along which axis one looks: x, y, z, or corner (default: across the shortest edge of the cell).")
  var view: View.Name?

  @Option(parsing: .singleValue, help: "Only atoms between two planes, in Å: z=10:20 (repeatable).")
  var slice: [Slice] = []

  @Option(help: "Points along the longer side, 64 to 8000.")
  var size = 1200

  @Option(help: "Behind the atoms of a PNG: white, black or none.")
  var background = Background.white

  @Option(help: "Species of types 1, 2, … of frames without elements, for example Na,Cl.")
  var types: String?

  enum Background: String, ExpressibleByArgument, CaseIterable {
    case white, black, none

    var colour: SIMD3<UInt8>? {
      switch self {
      case .white: SIMD3(255, 255, 255)
      case .black: SIMD3(0, 0, 0)
      case .none: nil
      }
    }
  }

  func validate() throws {
    guard output.hasSuffix(".png") || output.hasSuffix(".svg") else { throw ValidationError("--output must end in .png or .svg") }
    guard (64...8000).contains(size) else { throw ValidationError("--size must be from 64 to 8000") }
  }

  func run() throws {
    Launch.parallel(frames) { communicator, log in
      try DrawJob.run(
        frames,
        .init(
          output: output, frame: frame, types: types?.split(separator: ",").map(String.init),
          picture: .init(view: view, colour: colour, slices: slice, size: size), background: background.colour),
        communicator: communicator, log: log)
      return Launch.Code.finished
    }
  }
}

extension View.Name: ExpressibleByArgument {}

extension Slice: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
