import Foundation
import MDCore

/// Reads the part of YAML that files of potentials are written in: maps and lists in block and in flow style, comments,
/// quoted and plain words; no tags, anchors or several documents. Files of 30 MB with lines of megabytes are read in a
/// second or two, which a general parser does not do: lists of numbers go straight into arrays.
struct YAMLText {
  private let bytes: [UInt8]
  private let file: String
  private var place = 0
  private var line = 1
  private var lineStart = 0
  private var depth = 0

  private static let newline = UInt8(ascii: "\n"), space = UInt8(ascii: " ")
  private static let comment = UInt8(ascii: "#"), colon = UInt8(ascii: ":"), comma = UInt8(ascii: ",")
  private static let open = UInt8(ascii: "["), close = UInt8(ascii: "]")
  private static let openMap = UInt8(ascii: "{"), closeMap = UInt8(ascii: "}")
  private static let quote = UInt8(ascii: "\""), apostrophe = UInt8(ascii: "'"), dash = UInt8(ascii: "-")

  /// The document of a file.
  static func read(_ bytes: [UInt8], file: String) throws -> YAMLNode {
    var text = YAMLText(bytes, file: file)
    return try text.document()
  }

  /// A finite decimal number.
  static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ (48...57).contains($0) || "+-.eE".utf8.contains($0) }), let value = Double(text),
      value.isFinite
    else { return nil }
    return value
  }

  private init(_ bytes: [UInt8], file: String) {
    // A zero at the end of the text, where strtod stops.
    self.bytes = bytes + [0]
    self.file = file
  }

  private var count: Int { bytes.count - 1 }
  private var isAtEnd: Bool { place >= count }
  private var column: Int { place - lineStart }

  private func error(_ message: String, hint: String? = nil) -> FaultlineError {
    FaultlineError(
      .input, message, hint: hint, at: SourceLocation(file: file, line: line, column: min(column, 1_000_000) + 1))
  }

  // MARK: Space

  private mutating func startNextLine() {
    place += 1
    line += 1
    lineStart = place
  }

  /// To the next character that is neither space nor comment, on whatever line.
  private mutating func skipSpace() {
    while place < count {
      let byte = bytes[place]
      if byte == Self.newline {
        startNextLine()
      } else if byte <= Self.space {
        place += 1
      } else if byte == Self.comment, place == 0 || bytes[place - 1] <= Self.space {
        while place < count, bytes[place] != Self.newline { place += 1 }
      } else {
        return
      }
    }
  }

  /// To the next character of this line; false at its end.
  private mutating func skipSpaceInLine() -> Bool {
    while place < count, bytes[place] <= Self.space, bytes[place] != Self.newline { place += 1 }
    if place < count, bytes[place] == Self.comment, place == 0 || bytes[place - 1] <= Self.space {
      while place < count, bytes[place] != Self.newline { place += 1 }
    }
    return place < count && bytes[place] != Self.newline
  }

  private func isSpace(_ k: Int) -> Bool { k >= count || bytes[k] <= Self.space }

  // MARK: Blocks

  private mutating func document() throws -> YAMLNode {
    skipSpace()
    if place + 3 <= count, bytes[place..<place + 3].allSatisfy({ $0 == Self.dash }), isSpace(place + 3) {
      place += 3
      skipSpace()
    }
    guard !isAtEnd else { throw error("the file is empty") }
    let node = try block()
    skipSpace()
    guard isAtEnd else { throw error("“\(token)” stands where nothing is expected", hint: "is the indentation right?") }
    return node
  }

  private var token: String {
    let end = bytes[place..<count].firstIndex { $0 <= Self.space } ?? count
    return String(decoding: bytes[place..<min(end, place + 40)], as: UTF8.self)
  }

  private mutating func block() throws -> YAMLNode {
    depth += 1
    defer { depth -= 1 }
    guard depth < 60 else { throw error("lists and maps are nested too deeply") }
    if isItem { return try sequence(column) }
    if isKey { return try mapping(column) }
    return try inline(column)
  }

  private var isItem: Bool { place < count && bytes[place] == Self.dash && isSpace(place + 1) }

  /// Whether a key and a colon stand here.
  private var isKey: Bool {
    var k = place
    var nesting = 0
    var quoted: UInt8 = 0
    while k < count, bytes[k] != Self.newline {
      let byte = bytes[k]
      if quoted != 0 {
        if byte == quoted { quoted = 0 }
      } else if (byte == Self.quote || byte == Self.apostrophe) && k == place {
        quoted = byte
      } else if byte == Self.open || byte == Self.openMap {
        nesting += 1
      } else if byte == Self.close || byte == Self.closeMap {
        nesting -= 1
      } else if nesting <= 0, byte == Self.colon, isSpace(k + 1) {
        return bytes[place] != Self.openMap
      } else if byte == Self.comment, k > place, bytes[k - 1] <= Self.space {
        return false
      }
      k += 1
    }
    return false
  }

  private mutating func sequence(_ own: Int) throws -> YAMLNode {
    let start = line
    var items: [YAMLNode] = []
    while !isAtEnd, column == own, isItem {
      let itemLine = line
      place += 1
      if skipSpaceInLine() {
        items.append(try block())
      } else {
        skipSpace()
        items.append(!isAtEnd && column > own ? try block() : YAMLNode(value: .empty, line: itemLine))
      }
      skipSpace()
    }
    return YAMLNode(value: .list(items), line: start)
  }

  private mutating func mapping(_ own: Int) throws -> YAMLNode {
    let start = line
    var entries: [YAMLNode.Entry] = []
    while !isAtEnd, column == own, !isItem {
      guard isKey else { throw error("“\(token)” stands where a key and `:` are needed") }
      let keyLine = line
      let key = try key()
      let value: YAMLNode
      if skipSpaceInLine() {
        value = try inline(own)
      } else {
        skipSpace()
        if !isAtEnd, column > own || (column == own && isItem) {
          value = try block()
        } else {
          value = YAMLNode(value: .empty, line: keyLine)
        }
      }
      entries.append(.init(key: key, line: keyLine, value: value))
      skipSpace()
    }
    guard isAtEnd || column <= own else { throw error("“\(token)” is indented more than the keys before it") }
    return YAMLNode(value: .map(entries), line: start)
  }

  /// A key, and moves behind its colon.
  private mutating func key() throws -> String {
    let first = bytes[place]
    let text: String
    if first == Self.quote || first == Self.apostrophe {
      text = try quoted()
    } else {
      let start = place
      var nesting = 0
      while place < count, nesting > 0 || bytes[place] != Self.colon || !isSpace(place + 1) {
        if bytes[place] == Self.open { nesting += 1 }
        if bytes[place] == Self.close { nesting -= 1 }
        guard bytes[place] != Self.newline else { throw error("`:` is needed behind a key") }
        place += 1
      }
      text = String(decoding: bytes[start..<place], as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }
    _ = skipSpaceInLine()
    guard place < count, bytes[place] == Self.colon else { throw error("`:` is needed behind a key") }
    place += 1
    return text
  }

  /// A value that begins on the line of its key, whose column is `own`.
  private mutating func inline(_ own: Int) throws -> YAMLNode {
    let start = line
    switch bytes[place] {
    case Self.open, Self.openMap:
      let node = try flow()
      guard !skipSpaceInLine() else { throw error("“\(token)” stands behind a list or map") }
      return node
    case Self.quote, Self.apostrophe:
      let text = try quoted()
      guard !skipSpaceInLine() else { throw error("“\(token)” stands behind a quoted text") }
      return YAMLNode(value: .text(text), line: start)
    case UInt8(ascii: "|"), UInt8(ascii: ">"):
      while place < count, bytes[place] != Self.newline { place += 1 }
      return YAMLNode(value: .text(indentedText(own)), line: start)
    case UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"), UInt8(ascii: "?"):
      throw error("“\(token)”: anchors, tags and keys of several lines are not supported")
    default:
      let begin = place
      while place < count, bytes[place] != Self.newline {
        if bytes[place] == Self.comment, bytes[place - 1] <= Self.space { break }
        place += 1
      }
      let text = String(decoding: bytes[begin..<place], as: UTF8.self).trimmingCharacters(in: .whitespaces)
      // Folded words go on in lines that are indented more.
      let rest = indentedText(own)
      return YAMLNode(value: .text(rest.isEmpty ? text : text + " " + rest), line: start)
    }
  }

  /// The lines that follow and are indented more than `own`, as one.
  private mutating func indentedText(_ own: Int) -> String {
    var parts: [String] = []
    while true {
      let (oldPlace, oldLine, oldStart) = (place, line, lineStart)
      skipSpace()
      guard !isAtEnd, line > oldLine, column > own else {
        (place, line, lineStart) = (oldPlace, oldLine, oldStart)
        return parts.joined(separator: " ")
      }
      let begin = place
      while place < count, bytes[place] != Self.newline { place += 1 }
      parts.append(String(decoding: bytes[begin..<place], as: UTF8.self).trimmingCharacters(in: .whitespaces))
    }
  }

  // MARK: Flow

  private mutating func quoted() throws -> String {
    let mark = bytes[place]
    place += 1
    var out: [UInt8] = []
    while place < count {
      let byte = bytes[place]
      if byte == mark {
        place += 1
        // '' is an apostrophe.
        guard mark == Self.apostrophe, place < count, bytes[place] == mark else {
          return String(decoding: out, as: UTF8.self)
        }
        out.append(mark)
        place += 1
      } else if byte == UInt8(ascii: "\\"), mark == Self.quote, place + 1 < count {
        out.append(bytes[place + 1])
        place += 2
      } else if byte == Self.newline {
        out.append(Self.space)
        startNextLine()
      } else {
        out.append(byte)
        place += 1
      }
    }
    throw error("a quoted text does not end")
  }

  private mutating func flow() throws -> YAMLNode {
    depth += 1
    defer { depth -= 1 }
    guard depth < 60 else { throw error("lists and maps are nested too deeply") }
    skipSpace()
    let start = line
    guard !isAtEnd else { throw error("the file ends in a list or map") }
    switch bytes[place] {
    case Self.open:
      if let numbers = numbers() { return YAMLNode(value: .numbers(numbers), line: start) }
      place += 1
      var items: [YAMLNode] = []
      while true {
        skipSpace()
        guard !isAtEnd else { throw error("the file ends in a list") }
        if bytes[place] == Self.close { break }
        items.append(try flow())
        try skipComma(Self.close, "`,` or `]`")
      }
      place += 1
      return YAMLNode(value: .list(items), line: start)
    case Self.openMap:
      place += 1
      var entries: [YAMLNode.Entry] = []
      while true {
        skipSpace()
        guard !isAtEnd else { throw error("the file ends in a map") }
        if bytes[place] == Self.closeMap { break }
        let keyLine = line
        let key = bytes[place] == Self.quote || bytes[place] == Self.apostrophe ? try quoted() : plain()
        guard !key.isEmpty else { throw error("“\(token)” stands where a key is needed") }
        skipSpace()
        guard place < count, bytes[place] == Self.colon else { throw error("`:` is needed behind `\(key.prefix(40))`") }
        place += 1
        skipSpace()
        let isEmpty = place < count && (bytes[place] == Self.comma || bytes[place] == Self.closeMap)
        entries.append(
          .init(key: key, line: keyLine, value: isEmpty ? YAMLNode(value: .empty, line: keyLine) : try flow()))
        try skipComma(Self.closeMap, "`,` or `}`")
      }
      place += 1
      return YAMLNode(value: .map(entries), line: start)
    case Self.quote, Self.apostrophe: return YAMLNode(value: .text(try quoted()), line: start)
    default:
      let text = plain()
      guard !text.isEmpty else { throw error("“\(token)” stands where a value is needed") }
      return YAMLNode(value: .text(text), line: start)
    }
  }

  /// Over a comma, or to the end mark.
  private mutating func skipComma(_ end: UInt8, _ needed: String) throws {
    skipSpace()
    guard place < count else { throw error("the file ends where \(needed) is needed") }
    if bytes[place] == Self.comma {
      place += 1
    } else if bytes[place] != end {
      throw error("\(needed) is needed, not “\(token)”")
    }
  }

  /// A word or several in a flow; lines are folded.
  private mutating func plain() -> String {
    var out: [UInt8] = []
    loop: while place < count {
      let byte = bytes[place]
      switch byte {
      case Self.comma, Self.close, Self.closeMap, Self.open, Self.openMap: break loop
      case Self.colon where isSpace(place + 1) || bytes[place + 1] == Self.open: break loop
      case Self.comment where bytes[place - 1] <= Self.space: break loop
      case Self.newline:
        out.append(Self.space)
        startNextLine()
      default:
        if byte > Self.space || out.last != Self.space { out.append(byte) }
        place += 1
      }
    }
    return String(decoding: out, as: UTF8.self).trimmingCharacters(in: .whitespaces)
  }

  /// A flow list of finite numbers alone; nil, and nothing is read, if it is another list.
  private mutating func numbers() -> [Double]? {
    let (oldPlace, oldLine, oldStart) = (place, line, lineStart)
    place += 1
    var values: [Double] = []
    while true {
      skipSpace()
      guard place < count else { break }
      if bytes[place] == Self.close {
        place += 1
        return values
      }
      guard let value = number() else { break }
      values.append(value)
      skipSpace()
      guard place < count else { break }
      if bytes[place] == Self.comma { place += 1 } else if bytes[place] != Self.close { break }
    }
    (place, line, lineStart) = (oldPlace, oldLine, oldStart)
    return nil
  }

  private mutating func number() -> Double? {
    var end = place
    while end < count, (bytes[end] >= 48 && bytes[end] <= 57) || Self.isSign(bytes[end]) { end += 1 }
    guard end > place, end >= count || bytes[end] <= Self.space || bytes[end] == Self.comma || bytes[end] == Self.close
    else { return nil }
    let (value, length) = bytes.withUnsafeBufferPointer { all -> (Double, Int) in
      all.withMemoryRebound(to: CChar.self) { text in
        var stop: UnsafeMutablePointer<CChar>?
        let start = text.baseAddress! + place
        let value = strtod(start, &stop)
        return (value, stop.map { UnsafePointer($0) - start } ?? 0)
      }
    }
    guard length == end - place, value.isFinite else { return nil }
    place = end
    return value
  }

  private static func isSign(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): true
    default: false
    }
  }
}
