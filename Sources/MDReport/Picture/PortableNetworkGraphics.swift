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

  /// The file of Portable Network Graphics (ISO/IEC 15948): eight bits a sample, each row as differences from the row above.
  package func png() throws -> [UInt8] {
    let row = 4 * width
    var raw = [UInt8]()
    raw.reserveCapacity((row + 1) * height)
    for y in 0..<height {
      raw.append(2)
      for k in 0..<row {
        let above = y > 0 ? bytes[(y - 1) * row + k] : 0
        raw.append(bytes[y * row + k] &- above)
      }
    }
    var size = compressBound(uLong(raw.count))
    var packed = [UInt8](repeating: 0, count: Int(size))
    guard compress2(&packed, &size, raw, uLong(raw.count), 6) == Z_OK else {
      throw FaultlineError(.run, "there is not enough memory to compress a picture of \(width) × \(height) pixels")
    }
    packed.removeLast(packed.count - Int(size))
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + Self.chunk("IHDR", Self.number(width) + Self.number(height) + [8, 6, 0, 0, 0]) + Self.chunk("IDAT", packed)
      + Self.chunk("IEND", [])
  }

  private static func number(_ n: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: n >> (24 - 8 * $0)) } }

  private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    return number(data.count) + body + number(Int(crc32(0, body, uInt(body.count))))
  }
}
