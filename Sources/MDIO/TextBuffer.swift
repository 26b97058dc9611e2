import Glibc
import MDNumerics

/// Bytes of text under construction: numbers are written into it without any `String` in between.
package struct TextBuffer: ~Copyable {
  private var base: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  package private(set) var count = 0

  package init(capacity: Int = 1 << 20) {
    self.capacity = max(capacity, 256)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
  package mutating func removeAll() { count = 0 }

  @inline(__always)
  private mutating func reserve(_ more: Int) {
    if count + more > capacity { grow(more) }
  }

  private mutating func grow(_ more: Int) {
    let larger = max(2 * capacity, count + more)
    let new = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    new.update(from: base, count: count)
    base.deallocate()
    base = new
    capacity = larger
  }

  package mutating func append(byte: UInt8) {
    reserve(1)
    base[count] = byte
    count += 1
  }

  package mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append($0) }
  }

  package mutating func append(_ bytes: Field) {
    guard let from = bytes.baseAddress else { return }
    reserve(bytes.count)
    (base + count).update(from: from, count: bytes.count)
    count += bytes.count
  }

  package mutating func append<I: BinaryInteger>(_ value: I) {
    reserve(24)
    var magnitude = UInt64(value.magnitude)
    if value < 0 {
      base[count] = 0x2D
      count += 1
    }
    var width = 1
    var power: UInt64 = 10
    while width < 20, magnitude >= power {
      width += 1
      if width < 20 { power &*= 10 }
    }
    for k in stride(from: width - 1, through: 0, by: -1) {
      let q = magnitude / 10
      base[count + k] = 0x30 + UInt8(truncatingIfNeeded: magnitude &- q &* 10)
      magnitude = q
    }
    count += width
  }

  /// The number with so many significant digits; with 17, as `%.17g` prints it, reading it back gives the same bits.
  ///
  /// x = m·2ᵉ, so x·10ᵏ = m·5ᵏ·2ᵉ⁺ᵏ. With k ≤ 55 the product m·5ᵏ fits in 181 bits and the 17 digits come from
  /// one exact shift with the remainder deciding the rounding; numbers outside 10⁻³⁸ … 10¹⁷ go to the C library.
  package mutating func append(_ value: Double, _ precision: Int = 17) {
    reserve(40)
    let magnitude = value.magnitude
    if magnitude == 0 {
      if value.sign == .minus { append(byte: 0x2D) }
      append(byte: 0x30)
      return
    }
    guard magnitude >= 1e-38, magnitude < 1e17 else { return appendSlowly(value, precision) }
    if value < 0 { append(byte: 0x2D) }
    var (digits, exponent) = Decimal17.digits(magnitude)
    var significant = 17
    if precision < 17 {
      let unit = Decimal17.powersOfTen[17 - precision]
      digits = (digits + unit / 2) / unit
      significant = precision
      if digits == Decimal17.powersOfTen[precision] {
        digits /= 10
        exponent += 1
      }
    }
    while digits % 10 == 0, significant > 1 {
      digits /= 10
      significant -= 1
    }
    if exponent < -4 || exponent >= precision {
      place(digits, significant, pointAfter: 1)
      append(byte: 0x65)
      append(byte: exponent < 0 ? 0x2D : 0x2B)
      exponent = abs(exponent)
      if exponent < 10 { append(byte: 0x30) }
      append(exponent)
    } else if exponent < 0 {
      append("0.")
      for _ in 0..<(-exponent - 1) { append(byte: 0x30) }
      place(digits, significant, pointAfter: significant)
    } else {
      place(digits, significant, pointAfter: exponent + 1)
      if exponent + 1 > significant { for _ in 0..<(exponent + 1 - significant) { append(byte: 0x30) } }
    }
  }

  /// Writes `width` digits with a point after the first `whole` of them, if any follow.
  private mutating func place(_ digits: UInt64, _ width: Int, pointAfter whole: Int) {
    var rest = digits
    let point = whole < width ? 1 : 0
    var k = width - 1
    while k >= 0 {
      let q = rest / 10
      base[count + k + (k >= whole ? point : 0)] = 0x30 + UInt8(truncatingIfNeeded: rest &- q &* 10)
      rest = q
      k -= 1
    }
    if point == 1 { base[count + whole] = 0x2E }
    count += width + point
  }

  private mutating func appendSlowly(_ value: Double, _ precision: Int) {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { place in
      let n = withVaList([Int32(precision), value]) { vsnprintf(place.baseAddress, 64, "%.*g", $0) }
      for k in 0..<Int(n) { append(byte: UInt8(bitPattern: place[k])) }
    }
  }
}

extension TextBuffer {
  /// A blank and a number.
  package mutating func appendField(_ value: Double, _ precision: Int = 17) {
    append(byte: 0x20)
    append(value, precision)
  }

  package mutating func appendField<I: BinaryInteger>(_ value: I) {
    append(byte: 0x20)
    append(value)
  }

  /// A blank and a number, three times.
  package mutating func appendSpaced(_ v: Vector3, _ precision: Int = 17) {
    appendField(v.x, precision)
    appendField(v.y, precision)
    appendField(v.z, precision)
  }

  /// Hands the text over to a file when there is much of it.
  package mutating func spill(into file: OutputFile) throws {
    guard count > 1 << 19 else { return }
    try file.write(bytes)
    removeAll()
  }
}

/// Seventeen decimal digits of a double, exactly rounded (half to even).
private enum Decimal17 {
  /// 5⁰ … 5⁵⁵: all that fit in 128 bits.
  static let fives: [UInt128] = (0...55).map { k in (0..<k).reduce(UInt128(1)) { p, _ in p * 5 } }
  static let powersOfTen: [UInt64] = (0...17).map { k in (0..<k).reduce(UInt64(1)) { p, _ in p * 10 } }
  static let lower: UInt64 = 10_000_000_000_000_000
  static let upper: UInt64 = 100_000_000_000_000_000

  /// For 10⁻³⁸ ≤ x < 10¹⁷: the integer d of 17 digits and the exponent X with x ≈ d·10^(X − 16).
  static func digits(_ x: Double) -> (UInt64, Int) {
    let bits = x.bitPattern
    let m = (bits & 0xF_FFFF_FFFF_FFFF) | 0x10_0000_0000_0000
    let e = Int(bits >> 52) - 1075
    // ⌊log₁₀ x⌋ to within one: 315653 / 2²⁰ is log₁₀ 2.
    var exponent = ((e + 52) * 315653) >> 20
    var d = scaled(m, e, 16 - exponent)
    if d >= upper {
      exponent += 1
      d = scaled(m, e, 16 - exponent)
    }
    if d == upper {
      exponent += 1
      d = lower
    }
    return (d, exponent)
  }

  /// m·2ᵉ·10ᵏ to the nearest integer.
  private static func scaled(_ m: UInt64, _ e: Int, _ k: Int) -> UInt64 {
    let five = fives[k]
    let low = m.multipliedFullWidth(by: UInt64(truncatingIfNeeded: five))
    let high = m.multipliedFullWidth(by: UInt64(truncatingIfNeeded: five >> 64))
    let top = (UInt128(high.high) << 64 | UInt128(high.low)) + UInt128(low.high)
    let bottom = low.low
    let shift = -(e + k)
    if shift <= 0 { return bottom << UInt64(-shift) }
    if shift < 64 {
      // The result fits in 64 bits, so `top` has at most `shift` bits.
      let all = top << 64 | UInt128(bottom)
      return rounded(all, shift, sticky: false)
    }
    if shift == 64 { return rounded(top << 1 | UInt128(bottom >> 63), 1, sticky: bottom << 1 != 0) }
    return rounded(top, shift - 64, sticky: bottom != 0)
  }

  private static func rounded(_ value: UInt128, _ shift: Int, sticky: Bool) -> UInt64 {
    let kept = UInt64(truncatingIfNeeded: value >> UInt128(shift))
    let rest = value & ((UInt128(1) << UInt128(shift)) - 1)
    let half = UInt128(1) << UInt128(shift - 1)
    if rest > half || (rest == half && (sticky || kept & 1 == 1)) { return kept + 1 }
    return kept
  }
}
