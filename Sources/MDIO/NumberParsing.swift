/// A field of a text file: bytes that stay valid until the next line is read.
package typealias Field = UnsafeBufferPointer<UInt8>

/// Numbers from bytes, correctly rounded, without copies: text files of 10⁷ atoms are read at the speed of the disk.
package enum NumberParser {
  /// 5⁰ … 5²⁷: all that fit in 63 bits.
  static let powersOfFive: [UInt64] = (0...27).map { k in (0..<k).reduce(UInt64(1)) { p, _ in p * 5 } }
  /// 10⁰ … 10²²: all that a double holds exactly.
  static let powersOfTen: [Double] = (0...22).map { k in (0..<k).reduce(1.0) { p, _ in p * 10 } }

  /// A decimal number with optional exponent (`e`, `E`, and Fortran's `d`, `D`). nil for anything else,
  /// also for `nan`, `inf` and numbers beyond the range of a double.
  package static func double(_ field: Field) -> Double? {
    var p = 0
    let n = field.count
    var negative = false
    if p < n, field[p] == 0x2B || field[p] == 0x2D {
      negative = field[p] == 0x2D
      p += 1
    }
    var mantissa: UInt64 = 0
    var digits = 0
    var exponent = 0
    var seen = false
    var overflow = false
    var fraction = false
    while p < n {
      let c = field[p]
      if c &- 0x30 < 10 {
        seen = true
        if digits < 19 {
          mantissa = mantissa &* 10 &+ UInt64(c &- 0x30)
          if mantissa != 0 { digits += 1 }
          if fraction { exponent -= 1 }
        } else {
          overflow = overflow || c != 0x30
          if !fraction { exponent += 1 }
        }
      } else if c == 0x2E, !fraction {
        fraction = true
      } else {
        break
      }
      p += 1
    }
    guard seen else { return nil }
    if p < n {
      guard [0x65, 0x45, 0x64, 0x44].contains(field[p]) else { return nil }
      let tail = Field(rebasing: field[(p + 1)...])
      guard let written = integer(tail), written.magnitude < 100_000 else { return nil }
      exponent += Int(written)
    }
    if mantissa == 0 { return negative ? -0.0 : 0 }
    guard !overflow else { return slow(field) }

    let magnitude: Double
    if mantissa < 1 << 53, exponent >= -22, exponent <= 22 {
      // Both factors are exact, so one operation rounds once (Clinger 1990).
      let m = Double(mantissa)
      magnitude = exponent < 0 ? m / powersOfTen[-exponent] : m * powersOfTen[exponent]
    } else if exponent < 0, exponent >= -27 {
      magnitude = quotient(mantissa, fives: -exponent)
    } else {
      return slow(field)
    }
    return negative ? -magnitude : magnitude
  }

  /// m / 10ᵏ, correctly rounded: m·2⁶⁴ or so over 5ᵏ as integers has at least 64 bits, and the remainder tells ties.
  private static func quotient(_ m: UInt64, fives k: Int) -> Double {
    let up = m.leadingZeroBitCount + 64
    let (q, r) = (UInt128(m) << UInt128(up)).quotientAndRemainder(dividingBy: UInt128(powersOfFive[k]))
    let drop = 128 - q.leadingZeroBitCount - 53
    var kept = UInt64(truncatingIfNeeded: q >> UInt128(drop))
    let rest = q & ((UInt128(1) << UInt128(drop)) - 1)
    let half = UInt128(1) << UInt128(drop - 1)
    if rest > half || (rest == half && (r != 0 || kept & 1 == 1)) { kept += 1 }
    return Double(sign: .plus, exponent: drop - up - k, significand: Double(kept))
  }

  private static func slow(_ field: Field) -> Double? {
    let text = String(decoding: field.map { $0 == 0x64 || $0 == 0x44 ? 0x65 : $0 }, as: UTF8.self)
    guard let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// A decimal integer within 64 bits.
  package static func integer(_ field: Field) -> Int64? {
    var p = 0
    let n = field.count
    var negative = false
    if p < n, field[p] == 0x2B || field[p] == 0x2D {
      negative = field[p] == 0x2D
      p += 1
    }
    guard p < n else { return nil }
    var value: Int64 = 0
    while p < n {
      let c = field[p] &- 0x30
      guard c < 10 else { return nil }
      let (product, tooBig) = value.multipliedReportingOverflow(by: 10)
      let digit = Int64(c)
      let (sum, over) = product.addingReportingOverflow(negative ? -digit : digit)
      guard !tooBig, !over else { return nil }
      value = sum
      p += 1
    }
    return value
  }

  /// `T`, `F`, `True`, `False` and their other cases, as in extended XYZ.
  package static func logical(_ field: Field) -> Bool? {
    switch String(decoding: field, as: UTF8.self) {
    case "T", "True", "TRUE", "true": true
    case "F", "False", "FALSE", "false": false
    default: nil
    }
  }
}
