import CZlib
import MDCore

/// A picture of pixels with red, green, blue and opacity, row by row from the top.
package struct PixelImage: Sendable {
  package let width: Int
  package let height: Int
  /// Four bytes a pixel; colours are not multiplied by the opacity.
  package var bytes: [UInt8]

  package init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    bytes = [UInt8](repeating: 0, count: 4 * width * height)
  }

  package subscript(x: Int, y: Int) -> SIMD4<UInt8> {
    get {
      let k = 4 * (y * width + x)
      return SIMD4(bytes[k], bytes[k + 1], bytes[k + 2], bytes[k + 3])
    }
    set {
      let k = 4 * (y * width + x)
      for c in 0..<4 { bytes[k + c] = newValue[c] }
    }
  }

  /// The picture in front of a colour that lets nothing through.
  package func over(_ background: SIMD3<UInt8>) -> PixelImage {
    var out = self
    for k in stride(from: 0, to: bytes.count, by: 4) {
      let alpha = Int(bytes[k + 3])
      for c in 0..<3 { out.bytes[k + c] = UInt8((Int(bytes[k + c]) * alpha + Int(background[c]) * (255 - alpha) + 127) / 255) }
      out.bytes[k + 3] = 255
    }
    return out
  }

  /// The picture in steps of eight of each colour and of thirty-two of the opacity: half as large a file.
  package func coarse() -> PixelImage {
    var out = self
    for k in bytes.indices { out.bytes[k] = k % 4 == 3 ? UInt8(min((Int(bytes[k]) + 16) / 32 * 32, 255)) : bytes[k] & 0xF8 | 4 }
    return out
  }

  /// The file of Portable Network Graphics (ISO/IEC 15948).
  package func png() throws -> [UInt8] {
    PortableNetworkGraphics.head(self)
      + PortableNetworkGraphics.chunk("IDAT", try PortableNetworkGraphics.data(self, Part(x: 0, y: 0, width: width, height: height)))
      + PortableNetworkGraphics.chunk("IEND", [])
  }
}

/// The pieces of such files: eight bits a sample, each row as differences from the row above.
enum PortableNetworkGraphics {
  /// The signature and the header.
  static func head(_ image: PixelImage) -> [UInt8] {
    [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", number(image.width) + number(image.height) + [8, 6, 0, 0, 0])
  }

  /// The points of a rectangle, compressed.
  static func data(_ image: PixelImage, _ part: PixelImage.Part) throws -> [UInt8] {
    let (bytes, row) = (image.bytes, 4 * part.width)
    var raw = [UInt8]()
    raw.reserveCapacity((row + 1) * part.height)
    for y in 0..<part.height {
      raw.append(2)
      let first = 4 * ((part.y + y) * image.width + part.x)
      for k in 0..<row {
        let above = y > 0 ? bytes[first - 4 * image.width + k] : 0
        raw.append(bytes[first + k] &- above)
      }
    }
    var size = compressBound(uLong(raw.count))
    var packed = [UInt8](repeating: 0, count: Int(size))
    guard compress2(&packed, &size, raw, uLong(raw.count), 6) == Z_OK else {
      throw FaultlineError(.run, "there is not enough memory to compress a picture of \(part.width) × \(part.height) pixels")
    }
    packed.removeLast(packed.count - Int(size))
    return packed
  }

  static func number(_ n: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: n >> (24 - 8 * $0)) } }

  static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    return number(data.count) + body + number(Int(crc32(0, body, uInt(body.count))))
  }
}
