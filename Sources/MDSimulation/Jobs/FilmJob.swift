import Foundation
import MDCore
import MDIO
import MDReport

/// `faultline draw --film`: frames one after the other, with one view and one scale of colours, as an animated PNG or as numbered
/// pictures in a folder.
package enum FilmJob {
  package struct Options: Sendable {
    /// A file that ends in `.png`, or a folder.
    package var output: String
    /// Every n-th frame.
    package var every: Int
    /// Frames a second.
    package var rate: Int
    package var types: [String]?
    package var picture: AtomPicture.Options
    /// The frame that displacements are counted from.
    package var reference: Int
    package var background: SIMD3<UInt8>?
    /// Whether each frame has the time and what colours mean below it.
    package var hasCaption: Bool

    package init(
      output: String, every: Int, rate: Int, types: [String]?, picture: AtomPicture.Options, reference: Int, background: SIMD3<UInt8>?,
      hasCaption: Bool
    ) {
      (self.output, self.every, self.rate, self.types) = (output, every, rate, types)
      (self.picture, self.reference, self.background, self.hasCaption) = (picture, reference, background, hasCaption)
    }
  }

  /// Collective; rank 0 does it.
  package static func run(_ path: String, _ options: Options, communicator: any Communicator, log: RunLog) throws {
    try communicator.agree {
      guard communicator.isRoot else { return }
      let index = try FrameIndex(path, types: options.types)
      let numbers = Array(stride(from: 0, to: index.count, by: options.every))
      guard numbers.count > 1 else {
        throw FaultlineError(
          .input, "\(path) has \(RunLog.counted(index.count, "frame")), and a film of every \(options.every) needs two at least")
      }
      var options = options
      if options.picture.colour == AtomColours.displacement {
        options.picture.reference = try FrameChoice.frame(path, number: options.reference, types: options.types)
      }
      // All frames are looked at before the first is drawn, so that nothing leaves the picture or the scale.
      var scope = try PictureScope(try index.frame(0), options.picture)
      for number in numbers.dropFirst() { try scope.include(try index.frame(number), options.picture) }
      let isFile = options.output.hasSuffix(".png")
      if !isFile { try FileManager.default.createDirectory(atPath: options.output, withIntermediateDirectories: true) }
      let decimals = Caption.decimals(between: try index.frame(0), and: try index.frame(numbers[1]))
      var film = AnimatedPicture(rate: options.rate)
      var last: AtomPicture?
      for number in numbers {
        let frame = try index.frame(number)
        let picture = try AtomPicture(frame, options.picture, scope: scope)
        var image = options.background.map(picture.image.over) ?? picture.image
        if options.hasCaption {
          let clock = Caption.clock(frame, decimals: decimals)
          image = Caption(picture.colours, clock: clock.isEmpty ? "frame \(number)" : clock, on: options.background).under(image)
        }
        if isFile {
          try film.append(image)
        } else {
          let name = String(format: "%@/frame-%06d.png", options.output, number)
          try image.png().withUnsafeBytes { try AtomicFile.write($0, to: name) }
        }
        last = picture
      }
      if isFile { try film.file.withUnsafeBytes { try AtomicFile.write($0, to: options.output) } }
      guard let last else { return }
      log.line(
        "\(options.output): \(RunLog.counted(numbers.count, "frame")), \(last.image.width) × \(last.image.height) points, "
          + "\(RunLog.fixed(last.scale, 2)) points an Å" + (isFile ? ", \(options.rate) a second" : ""))
      log.line("  " + DrawJob.words(last.colours))
    }
  }
}
