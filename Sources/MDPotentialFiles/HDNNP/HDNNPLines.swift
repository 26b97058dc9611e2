import Foundation
import MDCore

/// The lines of a text file that are not empty, cut into words, without comments (from # or ! on).
struct HDNNPLines {
  struct Line {
    /// From 1.
    var number: Int
    var words: [Substring]
  }

  let file: String
  let lines: [Line]

  /// - Parameter missing: what to say when there is no such file.
  init(file: String, missing: String, hint: String? = nil) throws {
    self.file = file
    guard let data = FileManager.default.contents(atPath: file) else {
      throw FaultlineError(.input, missing, hint: hint, at: SourceLocation(file: file))
    }
    let text = String(decoding: data, as: UTF8.self)
    var found: [Line] = []
    for (k, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let content = line.prefix { $0 != "#" && $0 != "!" }
      let words = content.split(whereSeparator: \.isWhitespace)
      if !words.isEmpty { found.append(Line(number: k + 1, words: words)) }
    }
    lines = found
  }

  func error(_ message: String, _ line: Line?, hint: String? = nil) -> FaultlineError {
    FaultlineError(.input, message, hint: hint, at: SourceLocation(file: file, line: line?.number))
  }

  /// A finite number, also with Fortran's exponent D.
  func number(_ word: Substring, _ what: @autoclosure () -> String, _ line: Line) throws -> Double {
    let plain = String(word.map { $0 == "d" || $0 == "D" ? "e" : $0 })
    guard let value = Double(plain), value.isFinite, plain.contains(where: \.isNumber) else {
      throw error("\(what()): \(word) is not a finite number", line)
    }
    return value
  }

  func integer(_ word: Substring, _ what: String, _ allowed: ClosedRange<Int>, _ line: Line) throws -> Int {
    guard let value = Int(word), allowed.contains(value) else {
      throw error(
        "\(what): \(word) will not do", line,
        hint: "a whole number from \(allowed.lowerBound) to \(allowed.upperBound) is needed")
    }
    return value
  }
}
