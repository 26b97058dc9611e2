import Foundation

/// Colours that people with any colour vision can tell apart.
package enum Palette {
  /// For kinds: the eight of Okabe and Ito (2008), without the black.
  package static let kinds: [SIMD3<UInt8>] = [
    SIMD3(0, 114, 178), SIMD3(230, 159, 0), SIMD3(0, 158, 115), SIMD3(213, 94, 0), SIMD3(204, 121, 167), SIMD3(86, 180, 233),
    SIMD3(240, 228, 66), SIMD3(140, 140, 140),
  ]

  /// The colour of the n-th kind; beyond eight they come again, lighter and lighter.
  package static func kind(_ n: Int) -> SIMD3<UInt8> {
    let base = kinds[n % kinds.count]
    let light = Double(n / kinds.count % 4) * 0.22
    return mixed(base, SIMD3(255, 255, 255), light)
  }

  /// Stops of a scale from dark violet over green to yellow whose lightness grows evenly, so that it can be read in grey.
  private static let stops: [SIMD3<UInt8>] = [
    SIMD3(68, 1, 84), SIMD3(70, 50, 126), SIMD3(54, 92, 141), SIMD3(39, 127, 142), SIMD3(31, 161, 135), SIMD3(74, 193, 109),
    SIMD3(160, 218, 57), SIMD3(253, 231, 37),
  ]

  /// The scale at `x` from 0 to 1; what is beyond has the colour of the end.
  package static func scale(_ x: Double) -> SIMD3<UInt8> { between(stops, x) }

  private static func between(_ stops: [SIMD3<UInt8>], _ x: Double) -> SIMD3<UInt8> {
    let t = min(max(x.isFinite ? x : 1, 0), 1) * Double(stops.count - 1)
    let k = min(Int(t), stops.count - 2)
    return mixed(stops[k], stops[k + 1], t - Double(k))
  }

  /// From blue over nearly white to red, as many shades on either side of zero; told apart with any colour vision.
  private static let sides: [SIMD3<UInt8>] = [
    SIMD3(0, 68, 130), SIMD3(0, 114, 178), SIMD3(120, 180, 220), SIMD3(236, 234, 228), SIMD3(244, 178, 122), SIMD3(213, 94, 0), SIMD3(140, 45, 0),
  ]

  /// The scale of numbers with a sign, at `x` from 0 to 1; 0.5 is zero.
  package static func signed(_ x: Double) -> SIMD3<UInt8> { between(sides, x) }

  static func mixed(_ a: SIMD3<UInt8>, _ b: SIMD3<UInt8>, _ share: Double) -> SIMD3<UInt8> {
    var out = SIMD3<UInt8>()
    for c in 0..<3 { out[c] = UInt8((Double(a[c]) + share * (Double(b[c]) - Double(a[c]))).rounded()) }
    return out
  }

  package static func hexadecimal(_ c: SIMD3<UInt8>) -> String { String(format: "#%02x%02x%02x", c.x, c.y, c.z) }
}
