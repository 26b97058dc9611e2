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
      An SVG says what its colours mean and has a bar of length; a PNG has them and the time in a line below. Positions are \
      wrapped into the cell.

      Structures are those of common neighbour analysis; stresses are made of the column `virials`; displacements are counted \
      from the first frame of the file, or from --reference.

      With --film all frames are drawn, in one view and with one scale of colours: an animated PNG, which browsers play, or \
      numbered pictures in a folder.
      """)

  @Argument(help: "A trajectory (extended XYZ, LAMMPS dump, .cfg; plain or .gz) or a structure (POSCAR, LAMMPS data, CIF).")
  var frames: String

  @Option(name: [.short, .long], help: "The picture, .png or .svg (default: picture.png).")
  var output: String?

  @Option(help: "Which frame, from 0, or from the end (default: -1, the last; of a search's best.extxyz 0, the lowest state).")
  var frame: Int?

  @Option(help: "All frames, as an animated PNG (a name that ends in .png) or as numbered pictures in this folder.")
  var film: String?

  @Option(help: "Of a film: every n-th frame (default: 1).")
  var every: Int?

  @Option(help: "Of an animated PNG: frames a second, 1 to 100 (default: 10).")
  var rate: Int?

  @Option(help: "element, grain, structure, stress (or stress_xx …), displacement, or a column of numbers such as energies (default: grains if there are several, else elements, else energies).")
  var colour: String?

  @Option(help: "Of displacements: the frame that they are counted from (default: 0).")
  var reference: Int?

  @Flag(inversion: .prefixedNo, help: "A line below a PNG: what colours mean, and the time.")
  var caption = true

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
    if film == nil {
      let place = output ?? "picture.png"
      guard place.hasSuffix(".png") || place.hasSuffix(".svg") else { throw ValidationError("--output must end in .png or .svg") }
      guard every == nil, rate == nil else { throw ValidationError("--every and --rate are of a film: give --film, too") }
    } else {
      guard output == nil, frame == nil else { throw ValidationError("a film has its own place and all frames: no --output and no --frame beside --film") }
      guard (every ?? 1) > 0 else { throw ValidationError("--every must be 1 or more") }
      guard (1...100).contains(rate ?? 10) else { throw ValidationError("--rate must be from 1 to 100") }
      guard rate == nil || film?.hasSuffix(".png") == true else { throw ValidationError("--rate is of an animated PNG: pictures in a folder have none") }
    }
    guard reference == nil || colour == AtomColours.displacement else { throw ValidationError("--reference is of --colour displacement") }
    guard (64...8000).contains(size) else { throw ValidationError("--size must be from 64 to 8000") }
  }

  func run() throws {
    let picture = AtomPicture.Options(view: view, colour: colour, slices: slice, size: size)
    let species = types?.split(separator: ",").map(String.init)
    Launch.parallel(frames) { communicator, log in
      if let film {
        try FilmJob.run(
          frames, .init(output: film, every: every ?? 1, rate: rate ?? 10, types: species, picture: picture, reference: reference ?? 0,
            background: background.colour, hasCaption: caption),
          communicator: communicator, log: log)
      } else {
        try DrawJob.run(
          frames, .init(output: output ?? "picture.png", frame: frame, types: species, picture: picture, reference: reference ?? 0,
            background: background.colour, hasCaption: caption),
          communicator: communicator, log: log)
      }
      return Launch.Code.finished
    }
  }
}

extension View.Name: ExpressibleByArgument {}

extension Slice: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
