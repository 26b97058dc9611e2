import MDCore

/// A value given beside the deck: `--set stages.0.dynamics.steps=400`. It takes the place of what the deck has there and is
/// checked as if it stood in the deck; errors name it.
package struct DeckSetting: Sendable {
  /// As given: keys and numbers of items (from 0) from the top of the deck, joined by points; `=`; the value as YAML.
  package let text: String
  /// "stages.0.dynamics.steps".
  package let key: String
  private let steps: [String]
  private let value: DeckNode

  private var place: SourceLocation { SourceLocation(file: "--set \(text)") }

  /// - Throws: an input error if `text` is not KEY=VALUE, or VALUE no YAML.
  package init(_ text: String) throws(DeckErrors) {
    self.text = text
    let place = SourceLocation(file: "--set \(text)")
    guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
      throw DeckErrors([
        FaultlineError(
          .input, "no KEY=VALUE", hint: "for example --set stages.0.dynamics.steps=400", at: place, isCollective: true)
      ])
    }
    key = String(text[..<sign])
    steps = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !steps.contains("") else {
      throw DeckErrors([
        FaultlineError(
          .input, "`\(key)` has an empty step", hint: "keys and numbers of items, joined by points", at: place,
          isCollective: true)
      ])
    }
    value = try DeckNode.parse(scalarOrYAML: String(text[text.index(after: sign)...]), file: place.file)
      .moved(to: place)
  }

  /// Puts the value where it belongs. Sections that the deck does not have are made, items of lists are not.
  func apply(to root: inout DeckNode) throws(DeckErrors) { try put(steps[...], into: &root, path: "deck") }

  private func put(_ rest: ArraySlice<String>, into node: inout DeckNode, path: String) throws(DeckErrors) {
    guard let step = rest.first else {
      node = value
      return
    }
    let here = path == "deck" ? step : path + "." + step
    switch node.content {
    case .list(var items):
      guard let number = Int(step), items.indices.contains(number) else {
        throw refuse(
          "`\(path)` has no item \(step)", hint: items.isEmpty ? "it is empty" : "items 0 to \(items.count - 1)")
      }
      try put(rest.dropFirst(), into: &items[number], path: here)
      node.content = .list(items)
    case .mapping(var entries):
      if let index = entries.firstIndex(where: { $0.key == step }) {
        try put(rest.dropFirst(), into: &entries[index].value, path: here)
      } else {
        var made = DeckNode(content: .mapping([]), location: place)
        try put(rest.dropFirst(), into: &made, path: here)
        entries.append(DeckNode.Entry(key: step, location: place, value: made))
      }
      node.content = .mapping(entries)
    case .null:
      node = DeckNode(content: .mapping([]), location: place)
      try put(rest, into: &node, path: path)
    default:
      throw refuse("`\(path)` is \(node.text), a value and no section", hint: "`\(here)` cannot be there")
    }
  }

  private func refuse(_ message: String, hint: String) -> DeckErrors {
    DeckErrors([FaultlineError(.input, message, hint: hint, at: place, isCollective: true)])
  }
}

extension DeckNode {
  /// A deck with values given beside it put into it.
  static func parse(
    _ yaml: String, file: String, settings: [String]
  ) throws(DeckErrors) -> DeckNode {
    var root = try parse(yaml, file: file)
    for text in settings { try DeckSetting(text).apply(to: &root) }
    return root
  }

  /// A single value; no text at all is nothing (`null`).
  fileprivate static func parse(scalarOrYAML text: String, file: String) throws(DeckErrors) -> DeckNode {
    if text.allSatisfy(\.isWhitespace) { return DeckNode(content: .null, location: SourceLocation(file: file)) }
    return try parse(text, file: file)
  }

  /// A scalar as YAML that reads back as the same; nil for lists and sections.
  var scalarYAML: String? {
    switch content {
    case .list, .mapping: return nil
    case .string(let string):
      // Text that would be a number or a boolean without its quotes keeps them.
      if let plain = try? DeckNode.parse(string, file: location.file), case .string(string) = plain.content {
        return string
      }
      return "\"" + string.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    default: return text
    }
  }
}
