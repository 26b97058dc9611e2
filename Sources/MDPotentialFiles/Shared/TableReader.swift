import Foundation
import MDCore

/// Reads text files of a few headed lines and many numbers as LAMMPS's readers of potentials do, and knows the line
/// and column for errors: comments (from `#` on) and blank lines are passed over, a header may run over several lines,
/// a table begins on a line of its own, and what follows its last number on that line is passed over.
struct TableReader {
  struct Word {
    var text: String
    /// From 1, in bytes.
    var line: Int
    var column: Int
    /// For messages.
    var shown: Substring { text.prefix(40) }
  }

  private let bytes: [UInt8]
  private let file: String
  private var place = 0
  /// Of `place`, from 1.
  private var lineNumber = 1
  private var lineStart = 0

  private static let newline = UInt8(ascii: "\n")
  private static let comment = UInt8(ascii: "#")

  init(bytes: [UInt8], file: String) {
    // strtod stops at the zero.
    self.bytes = bytes + [0]
    self.file = file
  }

  private var count: Int { bytes.count - 1 }

  func error(_ message: String, hint: String? = nil, at word: Word? = nil) -> FaultlineError {
    FaultlineError(
      .input, message, hint: hint,
      at: SourceLocation(file: file, line: word?.line ?? lineNumber, column: word?.column))
  }

  /// The next line as it is, comments and all.
  mutating func line(_ what: String) throws -> String {
    guard place < count else { throw error("the file ends before \(what)", hint: "is it truncated?") }
    let end = bytes[place..<count].firstIndex(of: Self.newline) ?? count
    let text = String(decoding: bytes[place..<end], as: UTF8.self)
    place = end
    startNextLine()
    return text
  }

  /// The words of the next line, and of as many more as it takes to have `wanted`.
  mutating func words(_ wanted: Int, _ what: String) throws -> [Word] {
    var words: [Word] = []
    while words.count < wanted {
      guard skipToWord() else {
        throw error(
          words.isEmpty ? "the file ends before \(what)" : "the file ends in \(what)", hint: "is it truncated?")
      }
      repeat { words.append(takeWord()) } while skipSpaceInLine()
      startNextLine()
    }
    return words
  }

  /// A table, from the next line on.
  mutating func numbers(_ n: Int, _ what: String) throws -> [Double] {
    var values: [Double] = []
    // A header may promise more numbers than the file has bytes for.
    values.reserveCapacity(min(n, (count - place) / 2 + 1))
    while values.count < n {
      guard skipToWord() else {
        throw error("the file ends in \(what), number \(values.count + 1) of \(n)", hint: "is it truncated?")
      }
      values.append(try number { "\(what), number \(values.count + 1) of \(n)" })
    }
    while place < count, bytes[place] != Self.newline { place += 1 }
    startNextLine()
    return values
  }

  /// The first word that is left, if any.
  mutating func rest() -> Word? {
    skipToWord() ? takeWord() : nil
  }

  func number(_ word: Word, _ what: String) throws -> Double {
    guard let value = Double(word.text), Self.isPlain(word.text.utf8) else {
      throw error("\(what): “\(word.shown)” is not a number", at: word)
    }
    guard value.isFinite else { throw error("\(what): “\(word.shown)” is not a finite number", at: word) }
    return value
  }

  func positive(_ word: Word, _ what: String) throws -> Double {
    let value = try number(word, what)
    guard value > 0 else { throw error("\(what) is \(word.shown)", hint: "it must be positive", at: word) }
    return value
  }

  func integer(_ word: Word, _ what: String, _ allowed: ClosedRange<Int>) throws -> Int {
    guard let n = Int(word.text) ?? Double(word.text).flatMap({ Int(exactly: $0) }), allowed.contains(n) else {
      throw error(
        "\(what) is “\(word.shown)”",
        hint: "a whole number from \(allowed.lowerBound) to \(allowed.upperBound) is needed", at: word)
    }
    return n
  }

  private mutating func number(_ what: () -> String) throws -> Double {
    let (value, length) = bytes.withUnsafeBufferPointer { all -> (Double, Int) in
      all.withMemoryRebound(to: CChar.self) { text in
        var end: UnsafeMutablePointer<CChar>?
        let start = text.baseAddress! + place
        let value = strtod(start, &end)
        return (value, end.map { UnsafePointer($0) - start } ?? 0)
      }
    }
    let after = bytes[place + length]
    guard length > 0, after <= 32 || after == Self.comment, Self.isPlain(bytes[place..<place + length]) else {
      let word = takeWord()
      let isNumber = Double(word.text) != nil && !word.text.contains { "xX".contains($0) }
      throw error("\(what()): “\(word.shown)” is not a \(isNumber ? "finite " : "")number", at: word)
    }
    guard value.isFinite else {
      let word = takeWord()
      throw error("\(what()): “\(word.shown)” is not a finite number", at: word)
    }
    place += length
    return value
  }

  /// Decimal digits alone: `inf`, `nan` and hexadecimal numbers are names in a table.
  private static func isPlain(_ text: some Sequence<UInt8>) -> Bool {
    text.allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
  }

  /// The word here, which is passed.
  private mutating func takeWord() -> Word {
    let start = place
    while place < count, bytes[place] > 32, bytes[place] != Self.comment { place += 1 }
    return Word(
      text: String(decoding: bytes[start..<place], as: UTF8.self), line: lineNumber,
      column: start - lineStart + 1)
  }

  /// To the next word of any line; false at the end of the file.
  private mutating func skipToWord() -> Bool {
    while !skipSpaceInLine() {
      guard place < count else { return false }
      startNextLine()
    }
    return true
  }

  /// To the next word of this line; false, and at its end, if there is none.
  private mutating func skipSpaceInLine() -> Bool {
    while place < count, bytes[place] <= 32, bytes[place] != Self.newline { place += 1 }
    if place < count, bytes[place] == Self.comment {
      while place < count, bytes[place] != Self.newline { place += 1 }
    }
    return place < count && bytes[place] != Self.newline
  }

  private mutating func startNextLine() {
    guard place < count else { return }
    place += 1
    lineNumber += 1
    lineStart = place
  }
}
