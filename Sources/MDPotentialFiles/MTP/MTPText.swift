import Foundation
import MDCore

/// Goes through the text of a moment tensor potential: keys, `=`, numbers in braces. Knows the line for errors. Lines
/// may be megabytes long.
struct MTPText {
  private let bytes: [UInt8]
  private let file: String
  private(set) var place = 0
  private var line = 1

  init(_ bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  func error(_ message: String, hint: String? = nil) -> FaultlineError {
    FaultlineError(.input, message, hint: hint, at: SourceLocation(file: file, line: line))
  }

  private mutating func skipSpace() {
    while place < bytes.count, bytes[place] <= 32 {
      if bytes[place] == UInt8(ascii: "\n") { line += 1 }
      place += 1
    }
  }

  private mutating func next(_ character: Character) -> Bool {
    skipSpace()
    guard place < bytes.count, bytes[place] == character.asciiValue else { return false }
    place += 1
    return true
  }

  private mutating func expect(_ character: Character) throws {
    guard next(character) else {
      throw error(
        place < bytes.count
          ? "`\(character)` is needed, not “\(token)”" : "the file ends where `\(character)` is needed")
    }
  }

  private var token: String {
    let end = bytes[place...].firstIndex { $0 <= 32 || $0 == 44 || $0 == 125 } ?? bytes.count
    return String(decoding: bytes[place..<min(end, place + 40)], as: UTF8.self)
  }

  /// Passes over a line that begins with `#`.
  mutating func skipsComment() -> Bool {
    skipSpace()
    guard place < bytes.count, bytes[place] == UInt8(ascii: "#") else { return false }
    place = bytes[place...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    return true
  }

  /// A word of letters, digits and underscores.
  mutating func word(_ what: String) throws -> String {
    skipSpace()
    guard place < bytes.count else { throw error("the file ends where \(what) is needed") }
    let end = bytes[place...].firstIndex { !($0 == 95 || ($0 >= 48 && $0 <= 57) || ($0 | 32 >= 97 && $0 | 32 <= 122)) }
      ?? bytes.count
    guard end > place else { throw error("\(what) is needed, not “\(token)”") }
    defer { place = end }
    return String(decoding: bytes[place..<end], as: UTF8.self)
  }

  /// What stands behind `key =` on its line.
  mutating func line(after key: String) throws -> String {
    try expect("=")
    let end = bytes[place...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    defer { place = end }
    return String(decoding: bytes[place..<end], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  mutating func number() throws -> Double {
    skipSpace()
    let end = bytes[place...].firstIndex { $0 <= 32 || $0 == 44 || $0 == 125 } ?? bytes.count
    guard let value = Double(String(decoding: bytes[place..<end], as: UTF8.self)), value.isFinite else {
      throw error(place < bytes.count ? "“\(token)” is not a finite number" : "the file ends where a number is needed")
    }
    place = end
    return value
  }

  /// A whole number that is not negative.
  mutating func integer() throws -> Int {
    skipSpace()
    var end = place
    var value = 0
    while end < bytes.count, bytes[end] >= 48, bytes[end] <= 57, end - place < 10 {
      value = 10 * value + Int(bytes[end]) - 48
      end += 1
    }
    guard end > place, end == bytes.count || bytes[end] <= 32 || bytes[end] == 44 || bytes[end] == 125 else {
      throw error("“\(place < bytes.count ? token : "")” is not a whole number")
    }
    place = end
    return value
  }

  mutating func number(after key: String) throws -> Double {
    try expect("=")
    return try number()
  }

  mutating func count(after key: String, _ allowed: ClosedRange<Int>) throws -> Int {
    try expect("=")
    let value = try integer()
    guard allowed.contains(value) else {
      throw error("\(key) is \(value)", hint: "\(allowed.lowerBound) to \(allowed.upperBound) is allowed")
    }
    return value
  }

  /// `{a, b, …}` of exactly `count` elements.
  mutating func braced<T>(count: Int, _ element: (inout MTPText) throws -> T) throws -> [T] {
    try expect("{")
    var values: [T] = []
    // A file cannot hold more elements than bytes.
    values.reserveCapacity(min(count, bytes.count))
    for k in 0..<count {
      if k > 0 {
        guard next(",") else { throw error("\(k) elements stand where \(count) are needed") }
      }
      values.append(try element(&self))
    }
    guard next("}") else { throw error("`}` is needed after \(count) elements") }
    return values
  }

  mutating func list<T>(after key: String, count: Int, _ element: (inout MTPText) throws -> T) throws -> [T] {
    try expect("=")
    return try braced(count: count, element)
  }

  /// `a-b`, unless a key or the end comes.
  mutating func pair() throws -> (String, String)? {
    skipSpace()
    guard place < bytes.count, bytes[place] >= 48, bytes[place] <= 57 else { return nil }
    let first = try word("a type")
    try expect("-")
    return (first, try word("a type"))
  }
}
