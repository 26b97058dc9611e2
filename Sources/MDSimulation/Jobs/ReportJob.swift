import Foundation
import MDCore
import MDDeck
import MDIO
import MDReport

/// `faultline report`, and the page that a run writes of itself.
package enum ReportJob {
  package static let name = "report.html"

  /// The page of these run directories, or of one folder that holds all. Collective; rank 0 does it.
  package static func run(_ paths: [String], output: String?, communicator: any Communicator, log: RunLog) throws {
    try communicator.agree {
      guard communicator.isRoot else { return }
      let page = try ReportPage(paths)
      let place = output ?? (paths.count == 1 ? RunDirectory(paths[0]).file(name) : name)
      try page.write(to: place)
      log.line("\(place): \(RunLog.bytes(page.html.utf8.count)), \(RunLog.counted(page.figures, "number"))")
    }
  }

  /// Does the work of a plan, and then writes its page if the plan asks for it, also when the run has failed. Collective.
  static func after(
    _ plan: RunPlan, communicator: any Communicator, log: RunLog, _ work: () throws -> RunOutcome
  ) throws -> RunOutcome {
    guard plan.output.report else { return try work() }
    func page() throws {
      try write([plan.output.directory], in: plan.output.directory, communicator: communicator, log: log)
    }
    do {
      let outcome = try work()
      try page()
      return outcome
    } catch let error as FaultlineError where error.isCollective && error.kind == .run {
      try page()
      throw error
    }
  }

  /// A page that cannot be made is no reason to call a run failed: the log says it.
  static func write(_ paths: [String], in directory: String, communicator: any Communicator, log: RunLog) throws {
    try communicator.agree {
      guard communicator.isRoot else { return }
      do {
        try ReportPage(paths).write(to: RunDirectory(directory).file(name))
        log.line("  report: \(RunDirectory(directory).file(name))")
      } catch {
        log.line("  warning: the report could not be written: \(error)")
      }
    }
  }
}

/// `faultline draw`: a frame as a picture.
package enum DrawJob {
  package struct Options: Sendable {
    package var output: String
    /// From 0, or from the end; nil for the one that says most of its file.
    package var frame: Int?
    package var types: [String]?
    package var picture: AtomPicture.Options
    /// The frame that displacements are counted from.
    package var reference: Int
    /// What is behind the atoms of a PNG; nothing if absent.
    package var background: SIMD3<UInt8>?
    /// Whether a PNG has the time and what colours mean below it.
    package var hasCaption: Bool

    package init(
      output: String, frame: Int?, types: [String]?, picture: AtomPicture.Options, reference: Int, background: SIMD3<UInt8>?,
      hasCaption: Bool
    ) {
      (self.output, self.frame, self.types) = (output, frame, types)
      (self.picture, self.reference, self.background, self.hasCaption) = (picture, reference, background, hasCaption)
    }
  }

  /// Collective; rank 0 does it.
  package static func run(_ path: String, _ options: Options, communicator: any Communicator, log: RunLog) throws {
    try communicator.agree {
      guard communicator.isRoot else { return }
      let frame = try FrameChoice.frame(path, number: options.frame ?? FrameChoice.usual(path), types: options.types)
      var options = options
      if options.picture.colour == AtomColours.displacement {
        options.picture.reference = try FrameChoice.frame(path, number: options.reference, types: options.types)
      }
      let picture = try AtomPicture(frame, options.picture)
      if options.output.hasSuffix(".svg") {
        try AtomicFile.write(try picture.svg(), to: options.output)
      } else {
        var image = options.background.map(picture.image.over) ?? picture.image
        if options.hasCaption { image = Caption(picture.colours, clock: Caption.clock(frame), on: options.background).under(image) }
        try image.png().withUnsafeBytes { try AtomicFile.write($0, to: options.output) }
      }
      log.line(
        "\(options.output): \(RunLog.counted(picture.atoms, "atom")), \(picture.image.width) × \(picture.image.height) points, "
          + "\(RunLog.fixed(picture.scale, 2)) points an Å")
      log.line("  " + words(picture.colours))
    }
  }

  static func words(_ colours: AtomColours) -> String {
    switch colours.legend {
    case .kinds(let kinds):
      let shown = kinds.prefix(8).map { "\($0.name) \(Palette.hexadecimal($0.colour))" }.joined(separator: ", ")
      return "\(colours.title): \(shown)\(kinds.count > 8 ? ", …" : "")"
    case .scale(let range, let unit, let least, let most):
      func number(_ x: Double) -> String { String(format: "%.5g", x) }
      let (low, high) = colours.key.isSigned ? ("blue", "red") : ("violet", "yellow")
      return "\(colours.title) from \(number(range.lowerBound)) (\(low)) to \(number(range.upperBound)) \(unit) (\(high)); "
        + "all atoms: \(number(least)) to \(number(most))"
    }
  }
}
