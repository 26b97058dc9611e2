import ArgumentParser

/// Wall time on the command line.
enum Duration {
  /// A year and more is a mistake.
  private static let longest = 1000 * 86400.0
  private static let units: [(letter: Character, seconds: Double)] = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]

  /// Seconds of "3h50m", "1:30:00" (or "90:00"), "1-12:00:00" or "5400".
  static func seconds(_ text: String) throws -> Double {
    guard let seconds = number(Substring(text)) ?? clock(text) ?? units(text), seconds > 0, seconds <= longest else {
      throw ValidationError(
        "'\(text)' is no time; write 3h50m, 90m, 45s, 1:30:00, 1-12:00:00 (days) or seconds, up to 1000d")
    }
    return seconds
  }

  private static func isDigit(_ c: Character) -> Bool { c.isASCII && c.isNumber }

  /// Digits with or without a decimal point: no sign, no exponent, no "nan".
  private static func number(_ text: Substring) -> Double? {
    guard text.allSatisfy({ isDigit($0) || $0 == "." }) else { return nil }
    return Double(text)
  }

  /// Minutes and seconds, hours, minutes and seconds, or days before them.
  private static func clock(_ text: String) -> Double? {
    var rest = Substring(text)
    var days: Int?
    if let dash = rest.firstIndex(of: "-") {
      days = Int(rest[..<dash])
      rest = rest[rest.index(after: dash)...]
      if days == nil { return nil }
    }
    let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), days == nil || parts.count == 3,
      parts.allSatisfy({ !$0.isEmpty && $0.count < 10 && $0.allSatisfy(isDigit) })
    else { return nil }
    let values = parts.compactMap { Double($0) }
    // 1:99:00 is a slip of the pen; the first number may be large.
    guard values.dropFirst().allSatisfy({ $0 < 60 }), days == nil || values[0] < 24 else { return nil }
    return values.reduce(0) { $0 * 60 + $1 } + Double(days ?? 0) * 86400
  }

  /// Numbers with units, each unit once and the largest first.
  private static func units(_ text: String) -> Double? {
    var left = units[...]
    var total = 0.0
    var rest = Substring(text.lowercased())
    while !rest.isEmpty {
      let digits = rest.prefix { isDigit($0) || $0 == "." }
      rest = rest.dropFirst(digits.count)
      guard let value = number(digits), let letter = rest.popFirst(),
        let place = left.firstIndex(where: { $0.letter == letter })
      else { return nil }
      total += value * left[place].seconds
      left = left[(place + 1)...]
    }
    return total
  }
}
