import Foundation
import MDIO
import Testing

@Suite struct NumberTests {
  static func parse(_ text: String) -> Double? {
    Array(text.utf8).withUnsafeBufferPointer { NumberParser.double($0) }
  }

  static func text(_ x: Double, _ digits: Int = 17) -> String {
    var buffer = TextBuffer()
    buffer.append(x, digits)
    return String(decoding: buffer.bytes, as: UTF8.self)
  }

  /// Doubles of every magnitude, and what is special: ties, powers, limits.
  static let samples: [Double] = {
    var generator = Counter(state: 12345)
    var all: [Double] = [
      0, -0.0, 1, -1, 0.1, 1.0 / 3, 5e-5, 1e-4, 0.5, 123_456_789, 1e15, 1e16, 1e17, 1e18, 9.9999999999999995e22,
      2.5e-38,
      9_007_199_254_740_992, 99_999_999_999_999_984, 1e-38, 9.9e-39, Double.leastNonzeroMagnitude,
      2.2250738585072014e-308,
      1.7976931348623157e308, 0.3, 2.675, 1.0000000000000002, 8.5, 4503599627370496.5, 9.5367431640625e-07,
    ]
    for k in -30...30 { all.append(Foundation.pow(10, Double(k)).nextDown) }
    for k in -60...60 { all.append(Foundation.pow(2, Double(k))) }
    for _ in 0..<20_000 {
      let bits = generator.next()
      let any = Double(bitPattern: bits)
      if any.isFinite { all.append(any) }
      // Coordinates and forces: numbers near one, and with few digits.
      all.append((Double(bits >> 11) * 0x1p-53 - 0.5) * Foundation.pow(10, Double(bits % 24) - 12))
      all.append(Double(Int64(bits % 2_000_000) - 1_000_000) / 1000)
    }
    return all
  }()

  /// Half way between two doubles the even one is taken, above and below.
  @Test func halfWay() {
    #expect(Self.parse("9007199254740995.0") == 9_007_199_254_740_996)
    #expect(Self.parse("9007199254740993.0") == 9_007_199_254_740_992)
    #expect(Self.parse("-9007199254740995.0") == -9_007_199_254_740_996)
  }

  struct Counter {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// The C library is the reference.
  @Test func seventeenDigitsAreThoseOfPrintf() {
    var wrong: [String] = []
    for x in Self.samples where Self.text(x) != String(format: "%.17g", x) { wrong.append(Self.text(x)) }
    #expect(wrong.isEmpty, "\(wrong.prefix(5))")
  }

  @Test(arguments: [6, 9, 12]) func fewerDigitsAreThoseOfPrintf(_ digits: Int) {
    // Rounding from 17 digits differs from rounding once only where the digits cut off are 5000… or 4999…:
    // then the neighbour is as good.
    var wrong = 0
    let unit = Foundation.pow(10, Double(1 - digits))
    for x in Self.samples where Self.text(x, digits) != String(format: "%.\(digits)g", x) {
      wrong += 1
      #expect(abs(Self.parse(Self.text(x, digits))! - x) <= abs(x) * 0.5000001 * unit)
    }
    #expect(wrong < 20)
  }

  @Test func everyTextIsReadToTheNearestDouble() {
    var wrong: [String] = []
    for x in Self.samples {
      for text in [String(format: "%.17g", x), "\(x)", String(format: "%.6f", x), String(format: "%.24e", x)] {
        guard let expected = Double(text) else { continue }
        if expected.isFinite, Self.parse(text)?.bitPattern != expected.bitPattern { wrong.append(text) }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(5))")
  }

  @Test(arguments: [
    ("1", 1.0), ("+1.5", 1.5), ("-.5", -0.5), ("5.", 5), ("1e3", 1000), ("1D-2", 0.01),
    ("0000000000000000000000012", 12),
    ("0.00000000000000000000000000000012", 1.2e-31),
    ("123456789012345678901234567890", 123_456_789_012_345_677_877_719_597_056),
    ("9007199254740993", 9_007_199_254_740_992), ("9007199254740993.0000000000000001", 9_007_199_254_740_994),
  ]) func unusualNumbers(_ text: String, _ value: Double) { #expect(Self.parse(text) == value) }

  @Test(arguments: [
    "", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", "1,5", "0x10", "nan", "inf", "-Infinity", "1e400", "1 ", "1f",
  ])
  func whatIsNoNumber(_ text: String) { #expect(Self.parse(text) == nil) }

  @Test(
    arguments: [0, 7, -7, 10, 99, 100, Int64.max, Int64.min, 1_000_000_000_000_000_000, 4_999_999_999_999_999_999]
      as [Int64])
  func integersGoBothWays(_ value: Int64) {
    var buffer = TextBuffer()
    buffer.append(value)
    #expect(String(decoding: buffer.bytes, as: UTF8.self) == String(value))
    #expect(Array(String(value).utf8).withUnsafeBufferPointer { NumberParser.integer($0) } == value)
  }

  @Test(arguments: ["9223372036854775808", "-9223372036854775809", "1.0", "", "-", "1e3", "12a"])
  func whatIsNoInteger(_ text: String) {
    #expect(Array(text.utf8).withUnsafeBufferPointer { NumberParser.integer($0) } == nil)
  }
}
