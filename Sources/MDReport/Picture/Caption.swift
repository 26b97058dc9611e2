import Foundation
import MDCore
import MDIO

/// The line below a picture of points: what its colours mean, with the unit, and the time of the frame.
package struct Caption: Sendable {
  private let legend: AtomColours.Legend
  private let key: AtomColours.Key
  private let clock: String
  private let ink: SIMD3<UInt8>

  /// - Parameter background: what is behind the picture; nil if nothing is.
  package init(_ colours: AtomColours, clock: String, on background: SIMD3<UInt8>?) {
    (legend, key, self.clock) = (colours.legend, colours.key, clock)
    let isDark = background.map { Int($0.x) + Int($0.y) + Int($0.z) < 384 }
    ink = isDark.map { $0 ? SIMD3(225, 228, 232) : SIMD3(40, 44, 50) } ?? SIMD3(120, 126, 134)
  }

  /// The time of a frame: that of its header, else its step. Nothing where it says neither.
  /// - Parameter decimals: of picoseconds, the same throughout a film; as many as it takes if none are told.
  package static func clock(_ frame: ExtXYZFrame, decimals: Int? = nil) -> String {
    func number(_ key: String) -> Double? { frame[key]?.numbers.flatMap { $0.count == 1 && $0[0].isFinite ? $0[0] : nil } }
    if let time = number("time") { return (decimals.map { String(format: "%.*f", $0, time) } ?? String(format: "%.6g", time)) + " ps" }
    return number("step").map { "step \(Int($0))" } ?? ""
  }

  /// Decimals with which frames so far apart have different times: two digits of the time between them.
  package static func decimals(between first: ExtXYZFrame, and second: ExtXYZFrame) -> Int {
    func time(_ frame: ExtXYZFrame) -> Double { frame["time"]?.numbers?.first ?? 0 }
    let apart = abs(time(second) - time(first))
    return apart > 0 ? min(max(0, 1 - Int(log10(apart).rounded(.down))), 6) : 3
  }

  /// The picture with the line below it.
  package func under(_ image: PixelImage) -> PixelImage {
    let size = max(1, image.width / 420)
    let line = (PointLetters.height + 4) * size
    var out = image.taller(by: line)
    let top = image.height + 2 * size
    let end = image.width - 4 * size - out.width(of: clock, size)
    out.write(clock, x: end, y: top, size: size, ink)
    var x = 4 * size
    func advance(_ text: String) -> Int { out.width(of: text, size) + 2 * size }
    let title = key.title
    out.write(title, x: x, y: top, size: size, ink)
    x += advance(title) + 2 * size
    switch legend {
    case .kinds(let kinds):
      for (k, kind) in kinds.enumerated() {
        let wide = 9 * size + advance(kind.name) + 2 * size
        // Of many kinds the colours tell nothing one by one.
        if k == 12 || x + wide > end - 8 * size {
          out.write("…", x: x, y: top, size: size, ink)
          break
        }
        out.fill(x: x, y: top, width: 7 * size, height: 7 * size, kind.colour)
        out.write(kind.name, x: x + 9 * size, y: top, size: size, ink)
        x += wide
      }
    case .scale(let range, let unit, _, _):
      let (low, high) = (Figure.brief(range.lowerBound), Figure.brief(range.upperBound) + (unit.isEmpty ? "" : " \(unit)"))
      let bar = max(24 * size, min(image.width / 5, end - x - advance(low) - advance(high) - 8 * size))
      out.write(low, x: x, y: top, size: size, ink)
      x += advance(low)
      for k in 0..<bar { out.fill(x: x + k, y: top, width: 1, height: 7 * size, key.shade((Double(k) + 0.5) / Double(bar))) }
      out.write(high, x: x + bar + 2 * size, y: top, size: size, ink)
    }
    return out
  }
}

extension PixelImage {
  /// With so many rows more at the bottom, of the colour that the corner has (nothing where it is open).
  fileprivate func taller(by rows: Int) -> PixelImage {
    var out = PixelImage(width: width, height: height + rows)
    let corner = self[0, 0]
    out.bytes.replaceSubrange(0..<bytes.count, with: bytes)
    for y in height..<(height + rows) { for x in 0..<width { out[x, y] = corner } }
    return out
  }

  fileprivate func width(of text: String, _ size: Int) -> Int { PointLetters.advance * size * text.count }

  fileprivate mutating func fill(x: Int, y: Int, width wide: Int, height high: Int, _ colour: SIMD3<UInt8>) {
    for row in max(0, y)..<max(0, min(y + high, height)) {
      for column in max(0, x)..<max(0, x, min(x + wide, width)) { self[column, row] = SIMD4(colour.x, colour.y, colour.z, 255) }
    }
  }

  fileprivate mutating func write(_ text: String, x: Int, y: Int, size: Int, _ colour: SIMD3<UInt8>) {
    for (k, letter) in text.enumerated() {
      for (column, bits) in PointLetters.columns(of: letter).enumerated() {
        for row in 0..<8 where bits >> UInt8(row) & 1 == 1 {
          fill(x: x + (PointLetters.advance * k + column) * size, y: y + row * size, width: size, height: size, colour)
        }
      }
    }
  }
}
