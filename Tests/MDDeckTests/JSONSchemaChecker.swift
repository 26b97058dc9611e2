import Foundation
import MDDeck
import Testing

/// Holds a YAML node against a JSON Schema: the keywords that the renderer uses, and no others.
struct JSONSchemaChecker {
  /// Keywords that say nothing about validity.
  private static let annotations: Set<String> = ["$schema", "title", "description", "default"]

  static func accepts(_ node: DeckNode, _ schema: JSON) -> Bool {
    guard case .object(let members) = schema else {
      if case .boolean(let verdict) = schema { return verdict }
      Issue.record("a schema is an object or a boolean")
      return false
    }
    return members.allSatisfy { keyword, value in
      annotations.contains(keyword) || accepts(node, keyword, value, members)
    }
  }

  private static func accepts(
    _ node: DeckNode, _ keyword: String, _ value: JSON, _ siblings: [(String, JSON)]
  ) -> Bool {
    switch keyword {
    case "type": return value.string == "number" && typeName(node) == "integer" || typeName(node) == value.string
    case "enum": return value.items.contains { $0.string == text(node) }
    case "minimum": return number(node).map { $0 >= value.double } ?? true
    case "maximum": return number(node).map { $0 <= value.double } ?? true
    case "exclusiveMinimum": return number(node).map { $0 > value.double } ?? true
    case "minLength": return text(node).map { $0.unicodeScalars.count >= Int(value.double) } ?? true
    case "pattern":
      return text(node).map { $0.range(of: value.string!, options: .regularExpression) != nil } ?? true
    case "items": return list(node).map { $0.allSatisfy { accepts($0, value) } } ?? true
    case "minItems": return list(node).map { $0.count >= Int(value.double) } ?? true
    case "maxItems": return list(node).map { $0.count <= Int(value.double) } ?? true
    case "properties":
      return entries(node).allSatisfy { entry in value[entry.key].map { accepts(entry.value, $0) } ?? true }
    case "required":
      return !isSection(node) || value.items.allSatisfy { key in entries(node).contains { $0.key == key.string } }
    case "maxProperties": return entries(node).count <= Int(value.double)
    case "additionalProperties":
      let known = siblings.first { $0.0 == "properties" }?.1
      return entries(node).allSatisfy { known?[$0.key] != nil || accepts($0.value, value) }
    case "anyOf": return value.items.contains { accepts(node, $0) }
    case "oneOf": return value.items.filter { accepts(node, $0) }.count == 1
    case "allOf": return value.items.allSatisfy { accepts(node, $0) }
    case "not": return !accepts(node, value)
    default:
      Issue.record("the checker does not know the keyword \(keyword)")
      return false
    }
  }

  private static func typeName(_ node: DeckNode) -> String {
    switch node.content {
    case .null: "null"
    case .boolean: "boolean"
    case .integer: "integer"
    // JSON has no infinities; a number without a fraction is an integer.
    case .number(let value): !value.isFinite ? "none" : value.rounded() == value ? "integer" : "number"
    case .string: "string"
    case .list: "array"
    case .mapping: "object"
    }
  }

  private static func number(_ node: DeckNode) -> Double? {
    switch node.content {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  private static func text(_ node: DeckNode) -> String? {
    if case .string(let text) = node.content { text } else { nil }
  }
  private static func list(_ node: DeckNode) -> [DeckNode]? {
    if case .list(let items) = node.content { items } else { nil }
  }
  private static func isSection(_ node: DeckNode) -> Bool { if case .mapping = node.content { true } else { false } }
  private static func entries(_ node: DeckNode) -> [DeckNode.Entry] {
    if case .mapping(let entries) = node.content { entries } else { [] }
  }
}

extension JSON {
  subscript(_ key: String) -> JSON? {
    if case .object(let members) = self { members.first { $0.0 == key }?.1 } else { nil }
  }
  var items: [JSON] { if case .array(let items) = self { items } else { [] } }
  var string: String? { if case .string(let text) = self { text } else { nil } }
  var double: Double {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: .nan
    }
  }
}
