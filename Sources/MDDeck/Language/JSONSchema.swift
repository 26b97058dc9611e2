/// The deck's description as a JSON Schema (draft 2020-12), for editors.
///
/// It accepts what the parser accepts, save for what JSON Schema cannot say: whether files are there, the range of
/// a quantity written with a unit, and contradictions between sections.
package enum JSONSchema {
  /// The schema of a deck; with a purpose, its top-level sections are required.
  package static func render(_ schema: DeckSchema, for purpose: Purpose? = nil) -> String {
    json(schema, for: purpose).rendered() + "\n"
  }

  package static func json(_ schema: DeckSchema, for purpose: Purpose?) -> JSON {
    .object(
      [
        ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
        ("title", .string("Faultline deck")),
      ] + members(.object(schema.root(for: purpose))))
  }

  private static func members(_ kind: DeckKind) -> [(String, JSON)] {
    switch kind {
    case .boolean: return [("type", .string("boolean"))]
    case .integer(let range):
      var members: [(String, JSON)] = [("type", .string("integer"))]
      if range.lowerBound > Int.min { members.append(("minimum", .integer(range.lowerBound))) }
      if range.upperBound < Int.max { members.append(("maximum", .integer(range.upperBound))) }
      return members
    case .quantity(let dimension, let given):
      let range = given.within(dimension)
      var number: [(String, JSON)] = [("type", .string("number"))]
      if let lower = range.lower {
        number.append((range.includesLower ? "minimum" : "exclusiveMinimum", .number(lower)))
      }
      if let upper = range.upper { number.append(("maximum", .number(upper))) }
      if dimension.units.isEmpty { return number }
      let units = dimension.spellings.joined(separator: "|").replacing("^", with: "\\^")
      let text: [(String, JSON)] = [
        ("type", .string("string")), ("pattern", .string("^\\s*\(DecimalText.pattern)\\s*(\(units))\\s*$")),
      ]
      return [("anyOf", .array([.object(number), .object(text)]))]
    case .string: return [("type", .string("string")), ("minLength", .integer(1))]
    case .path(.outputName):
      return [("type", .string("string")), ("pattern", .string("^[^/]+$")), ("not", enumeration([".", ".."]))]
    case .path: return [("type", .string("string")), ("minLength", .integer(1))]
    case .enumeration(let words): return [("type", .string("string")), ("enum", .array(words.map(JSON.string)))]
    case .list(let item, let count):
      return [
        ("type", .string("array")), ("items", .object(members(item))), ("minItems", .integer(count.lowerBound)),
        ("maxItems", .integer(count.upperBound)),
      ]
    case .map(let item, _, let maximum):
      return [
        ("type", .string("object")), ("additionalProperties", .object(members(item))),
        ("maxProperties", .integer(maximum)),
      ]
    case .either(let kinds): return [("anyOf", .array(kinds.map { .object(members($0)) }))]
    case .object(let object): return members(object)
    }
  }

  private static func enumeration(_ words: [String]) -> JSON { .object([("enum", .array(words.map(JSON.string)))]) }

  private static func members(_ object: DeckObject) -> [(String, JSON)] {
    var members: [(String, JSON)] = [
      ("type", .string("object")), ("description", .string(object.doc)),
      ("properties", .object(object.keys.map { ($0.name, property($0)) })),
    ]
    let required = object.keys.filter { if case .required = $0.presence { true } else { false } }
    if !required.isEmpty { members.append(("required", .array(required.map { .string($0.name) }))) }
    members.append(("additionalProperties", .boolean(false)))
    if !object.rules.isEmpty { members.append(("allOf", .array(object.rules.map(rule)))) }
    return members
  }

  private static func property(_ key: DeckKey) -> JSON {
    let unit = key.kind.unit.map { " Unit: \($0)." } ?? ""
    var all: [(String, JSON)] = [("description", .string(key.doc + unit))]
    all += members(key.kind).filter { $0.0 != "description" }
    if case .defaults(let text) = key.presence, let node = try? DeckNode.parse(text, file: "") {
      all.append(("default", JSON(node)))
    }
    return .object(all)
  }

  private static func rule(_ rule: DeckObject.Rule) -> JSON {
    let one = rule.keys.map { JSON.object([("required", .array([.string($0)]))]) }
    switch rule.count {
    case .exactlyOne: return .object([("oneOf", .array(one))])
    case .atLeastOne: return .object([("anyOf", .array(one))])
    case .atMostOne:
      let none = JSON.object([("not", .object([("anyOf", .array(one))]))])
      return .object([("oneOf", .array(one + [none]))])
    }
  }
}

extension DeckKind {
  /// The default unit of the numbers inside, if they all have the same.
  var unit: String? {
    switch self {
    case .quantity(let dimension, _): dimension.defaultUnit
    case .list(let kind, _): kind.unit
    case .either(let kinds): Set(kinds.map(\.unit)).count == 1 ? kinds[0].unit : nil
    default: nil
    }
  }
}
