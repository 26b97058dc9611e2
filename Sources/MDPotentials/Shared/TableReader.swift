import Foundation
import MDCore

/// Reads text files of a few headed lines and many numbers, and knows the line for errors.
struct TableReader {
  private let bytes: [UInt8]
  private let file: String
  private var place = 0
  /// Of `place`, from 1.
  private var lineNumber = 1
  /// Where the token or line that was read last began.
  private var lastLine = 1

  init(bytes: [UInt8], file: String) {
    // strtod stops at the zero.
    self.bytes = bytes + [0]
    self.file = file
  }

  private var count: Int { bytes.count - 1 }

  /// True when only white space is left.
  var atEnd: Bool {
    mutating get {
      skipSpace()
      return place >= count
    }
  }

  /// An error here, or (`previous`) at what was read last.
  func error(_ message: String, hint: String? = nil, previous: Bool = false) -> FaultlineError {
    FaultlineError(
      .input, message, hint: hint, at: SourceLocation(file: file, line: previous ? lastLine : lineNumber))
  }

  /// The rest of the present line.
  mutating func line(_ what: String) throws -> String {
    guard place < count else { throw error("the file ends before \(what)") }
    lastLine = lineNumber
    let end = bytes[place..<count].firstIndex(of: 10) ?? count
    let text = String(decoding: bytes[place..<end], as: UTF8.self)
    place = min(end + 1, count)
    lineNumber += 1
    return text
  }

  mutating func number(_ what: @autoclosure () -> String) throws -> Double {
    skipSpace()
    lastLine = lineNumber
    guard place < count else { throw error("the file ends in \(what())", hint: "is it truncated?") }
    let (value, length) = bytes.withUnsafeBufferPointer { all -> (Double, Int) in
      all.withMemoryRebound(to: CChar.self) { text in
        var end: UnsafeMutablePointer<CChar>?
        let start = text.baseAddress! + place
        let value = strtod(start, &end)
        return (value, end.map { UnsafePointer($0) - start } ?? 0)
      }
    }
    let after = bytes[place + length]
    guard length > 0, after <= 32 else { throw error("\(what()): \(token) is not a number") }
    guard value.isFinite else { throw error("\(what()): \(token) is not a finite number") }
    place += length
    return value
  }

  mutating func numbers(_ n: Int, _ what: String) throws -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(n)
    for k in 0..<n { values.append(try number("\(what), number \(k + 1) of \(n)")) }
    return values
  }

  mutating func positive(_ what: String) throws -> Double {
    let value = try number(what)
    guard value > 0 else { throw error("\(what) is \(value)", hint: "it must be positive", previous: true) }
    return value
  }

  /// A line of numbers, as many as `names` has words.
  mutating func numbersOfLine(_ names: String) throws -> [Double] {
    let values = try line(names).split(whereSeparator: \.isWhitespace).map { Double($0) }
    let wanted = names.split(separator: " ").count
    guard values.count == wanted, values.allSatisfy({ $0?.isFinite == true }) else {
      throw error("\(wanted) numbers are needed here: \(names)", previous: true)
    }
    return values.map { $0! }
  }

  /// `value` as a whole number; it was read last.
  func count(_ value: Double, _ what: String, _ allowed: ClosedRange<Int>) throws -> Int {
    guard let n = Int(exactly: value), allowed.contains(n) else {
      throw error(
        "\(what) is \(value)", hint: "a whole number from \(allowed.lowerBound) to \(allowed.upperBound) is needed",
        previous: true)
    }
    return n
  }

  private var token: String {
    let end = bytes[place..<count].firstIndex { $0 <= 32 } ?? count
    return "“" + String(decoding: bytes[place..<min(end, place + 40)], as: UTF8.self) + "”"
  }

  private mutating func skipSpace() {
    while place < count, bytes[place] <= 32 {
      if bytes[place] == 10 { lineNumber += 1 }
      place += 1
    }
  }
}
