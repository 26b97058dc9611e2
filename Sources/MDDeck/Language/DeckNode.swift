import Foundation
import MDCore
import Yams

/// A YAML document as nodes that know where they stand.
///
/// Scalars are read by the core schema of YAML 1.2: only `true` and `false` are booleans, so that the species
/// N and Y stay text. Merge keys (`<<`) are resolved; keys given in the mapping win over merged ones.
package struct DeckNode: Sendable {
  package indirect enum Content: Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([DeckNode])
    case mapping([Entry])
  }

  package struct Entry: Sendable {
    package var key: String
    package var location: SourceLocation
    package var value: DeckNode
  }

  package var content: Content
  package var location: SourceLocation
  /// A scalar as it is written, without quotes.
  package var text: String = ""

  /// Parses one YAML document. `file` stands in the errors' locations. Throws syntax errors and repeated keys.
  package static func parse(_ yaml: String, file: String) throws(DeckErrors) -> DeckNode {
    // Editors of other systems begin a file with a byte order mark.
    let yaml = yaml.hasPrefix("\u{FEFF}") ? String(yaml.unicodeScalars.dropFirst()) : yaml
    let root: Node?
    do {
      // Without Yams' own rules of types (YAML 1.1, by regular expressions): ours are below.
      root = try Yams.compose(yaml: yaml, .basic)
    } catch let error as YamlError {
      throw DeckErrors([syntaxError(error, yaml: yaml, file: file)])
    } catch {
      throw DeckErrors([FaultlineError(.input, "not YAML: \(error)", at: SourceLocation(file: file))])
    }
    let start = SourceLocation(file: file, line: 1, column: 1)
    guard let root else { return DeckNode(content: .mapping([]), location: start) }
    var reader = NodeReader(file: file, start: start)
    let node = reader.read(root)
    if !reader.errors.isEmpty { throw DeckErrors(reader.errors) }
    return node
  }

  /// The same node as if it stood at `place`: for defaults, which stand nowhere in the deck.
  func moved(to place: SourceLocation) -> DeckNode {
    var copy = self
    copy.location = place
    switch content {
    case .list(let items): copy.content = .list(items.map { $0.moved(to: place) })
    case .mapping(let entries):
      copy.content = .mapping(
        entries.map { Entry(key: $0.key, location: place, value: $0.value.moved(to: place)) })
    default: break
    }
    return copy
  }
}

/// Turns Yams nodes into deck nodes.
private struct NodeReader {
  let file: String
  let start: SourceLocation
  var errors: [FaultlineError] = []
  /// Aliases can blow a small text up without bound.
  private var count = 0
  private static let maximumCount = 100_000

  init(file: String, start: SourceLocation) {
    self.file = file
    self.start = start
  }

  private func location(_ node: Node) -> SourceLocation {
    node.mark.map { SourceLocation(file: file, line: $0.line, column: $0.column) } ?? start
  }

  mutating func read(_ node: Node) -> DeckNode {
    let place = location(node)
    count += 1
    if count == Self.maximumCount {
      errors.append(
        FaultlineError(.input, "the deck has more than \(Self.maximumCount) values", at: place))
    }
    guard count < Self.maximumCount else { return DeckNode(content: .null, location: place) }
    switch node {
    case .scalar(let scalar):
      let isPlain = scalar.style == .plain || scalar.style == .any
      let content = isPlain ? resolve(scalar.string) : .string(scalar.string)
      return DeckNode(content: content, location: place, text: scalar.string)
    case .sequence(let sequence):
      return DeckNode(content: .list(sequence.map { read($0) }), location: place)
    case .mapping(let mapping):
      return DeckNode(content: .mapping(entries(mapping)), location: place)
    case .alias:
      errors.append(FaultlineError(.input, "an alias that was not resolved", at: place))
      return DeckNode(content: .null, location: place)
    }
  }

  private mutating func entries(_ mapping: Node.Mapping) -> [DeckNode.Entry] {
    var own: [DeckNode.Entry] = []
    var merged: [DeckNode.Entry] = []
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key else {
        errors.append(
          FaultlineError(
            .input, "a key must be a word", hint: "lists and sections cannot be keys", at: location(key)))
        continue
      }
      let node = read(value)
      guard scalar.string == "<<", scalar.style == .plain else {
        own.append(DeckNode.Entry(key: scalar.string, location: location(key), value: node))
        continue
      }
      switch node.content {
      case .mapping(let entries): merged += entries
      case .list(let items):
        for case .mapping(let entries) in items.map(\.content) { merged += entries }
      default:
        errors.append(
          FaultlineError(
            .input, "`<<` merges a section", hint: "write `<<: *name` after `&name`", at: node.location))
      }
    }
    for entry in merged where !own.contains(where: { $0.key == entry.key }) { own.append(entry) }
    return own
  }

  /// The core schema of YAML 1.2 (section 10.3.2), without octal and hexadecimal numbers.
  private func resolve(_ text: String) -> DeckNode.Content {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .boolean(true)
    case "false", "False", "FALSE": return .boolean(false)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .number(.infinity)
    case "-.inf", "-.Inf", "-.INF": return .number(-.infinity)
    case ".nan", ".NaN", ".NAN": return .number(.nan)
    default: break
    }
    guard let (number, length) = DecimalText.prefix(of: text), length == text.utf8.count else { return .string(text) }
    return Int(text).map { .integer($0) } ?? .number(number)
  }
}

/// DecimalText numbers as people write them: `-1`, `.5`, `2.`, `1e-3`.
enum DecimalText {
  /// The number that `text` starts with and its length in bytes; nil if it does not start with one.
  static func prefix(of text: String) -> (value: Double, length: Int)? {
    let bytes = Array(text.utf8)
    var at = 0
    func skipDigits() -> Int {
      let first = at
      while at < bytes.count, (48...57).contains(bytes[at]) { at += 1 }
      return at - first
    }
    if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
    var digits = skipDigits()
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      at += 1
      digits += skipDigits()
    }
    guard digits > 0 else { return nil }
    let mantissaEnd = at
    if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
      at += 1
      if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
      if skipDigits() == 0 { at = mantissaEnd }  // "1 eV", not an exponent
    }
    guard let value = Double(String(decoding: bytes[..<at], as: UTF8.self)) else { return nil }
    return (value, at)
  }

  /// The pattern of these numbers for JSON Schema.
  static let pattern = #"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"#
}
