import MDCore

/// A film as Animated PNG (Portable Network Graphics, third edition): `acTL` says how many frames there are, `fcTL` before each
/// how long it stands and where, and all but the first are in `fdAT`, which are data like `IDAT` behind a number. Programs that
/// know nothing of it show the first frame. Of later frames only the rectangle that changes is there.
package struct AnimatedPicture {
  private var shown: PixelImage?
  private var chunks: [UInt8] = []
  /// Of `fcTL` and `fdAT` together.
  private var sequence = 0
  package private(set) var frames = 0
  private let rate: Int

  /// - Parameter rate: frames a second, 1 to 100.
  package init(rate: Int) { self.rate = rate }

  /// Adds a frame as large as the first.
  package mutating func append(_ image: PixelImage) throws {
    if let shown, (shown.width, shown.height) != (image.width, image.height) {
      throw FaultlineError(.run, "a film's pictures are \(shown.width) × \(shown.height) points, and one is \(image.width) × \(image.height)")
    }
    let part = shown.map { image.changed(from: $0) } ?? PixelImage.Part(x: 0, y: 0, width: image.width, height: image.height)
    func number(_ n: Int) -> [UInt8] { PortableNetworkGraphics.number(n) }
    // Each stands as it is in place of what was there, for 1/rate s.
    chunks += PortableNetworkGraphics.chunk(
      "fcTL", number(sequence) + number(part.width) + number(part.height) + number(part.x) + number(part.y) + [0, 1, 0, UInt8(rate), 0, 0])
    let data = try PortableNetworkGraphics.data(image, part)
    if frames == 0 {
      chunks += PortableNetworkGraphics.chunk("IDAT", data)
      sequence += 1
    } else {
      chunks += PortableNetworkGraphics.chunk("fdAT", number(sequence + 1) + data)
      sequence += 2
    }
    frames += 1
    shown = image
  }

  /// The file; it plays again and again.
  package var file: [UInt8] {
    guard let shown else { return [] }
    return PortableNetworkGraphics.head(shown)
      + PortableNetworkGraphics.chunk("acTL", PortableNetworkGraphics.number(frames) + PortableNetworkGraphics.number(0)) + chunks
      + PortableNetworkGraphics.chunk("IEND", [])
  }
}

extension PixelImage {
  /// A rectangle of points.
  struct Part {
    var x: Int
    var y: Int
    var width: Int
    var height: Int
  }

  /// The least rectangle outside of which both are the same; one point where they are the same altogether.
  func changed(from other: PixelImage) -> Part {
    var (left, right, top, bottom) = (width, -1, height, -1)
    for y in 0..<height {
      let row = 4 * width * y
      guard bytes[row..<(row + 4 * width)] != other.bytes[row..<(row + 4 * width)] else { continue }
      (top, bottom) = (min(top, y), y)
      let first = (0..<width).first { self[$0, y] != other[$0, y] }!, last = (0..<width).last { self[$0, y] != other[$0, y] }!
      (left, right) = (min(left, first), max(right, last))
    }
    return right < 0 ? Part(x: 0, y: 0, width: 1, height: 1) : Part(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
  }
}
