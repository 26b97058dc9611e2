import MDDeck
import MDTestSupport

/// Makes values that a kind allows, as JSON (which is YAML too).
struct DeckGenerator {
  var random: SplitMix64

  mutating func value(_ kind: DeckKind) -> JSON {
    switch kind {
    case .boolean: return .boolean(.random(using: &random))
    case .integer(let range):
      let low = max(range.lowerBound, -20)
      return .integer(.random(in: low...min(range.upperBound, low + 40), using: &random))
    case .quantity(let dimension, let range):
      // Halves are exact in decimal and binary.
      let low = range.lower ?? -8
      let steps = Int.random(in: 1...max(1, Int(2 * (min(range.upper ?? low + 8, low + 8) - low))), using: &random)
      let number = low + Double(steps) / 2
      // JSON Schema does not look at the range of a quantity with a unit; this one is inside.
      let unit = dimension.units.filter { dimension.magnitudes.contains(number * $0.numerator / $0.denominator) }
        .randomElement(using: &random)
      if number > 0, let unit, Bool.random(using: &random) { return .string("\(number) \(unit.name)") }
      return .number(number)
    case .string: return .string(["Cu", "O", "a name", "5", "true"].randomElement(using: &random)!)
    case .enumeration(let words): return .string(words.randomElement(using: &random)!)
    case .path(.input): return .string(someFile)
    case .path: return .string("file\(Int.random(in: 0...999, using: &random)).xyz")
    case .list(let item, let count):
      let n = Int.random(in: count.lowerBound...min(count.upperBound, max(3, count.lowerBound)), using: &random)
      return .array((0..<n).map { _ in value(item) })
    case .map(let item, _, _):
      return .object((0..<Int.random(in: 0...2, using: &random)).map { ("name\($0)", value(item)) })
    case .either(let kinds): return value(kinds.randomElement(using: &random)!)
    case .object(let object): return section(object)
    }
  }

  mutating func section(_ object: DeckObject) -> JSON {
    var names: [String] = []
    for key in object.keys {
      let isRequired = if case .required = key.presence { true } else { false }
      if isRequired || Bool.random(using: &random) { names.append(key.name) }
    }
    for rule in object.rules {
      let found = names.filter(rule.keys.contains)
      let keep = found.randomElement(using: &random) ?? rule.keys.randomElement(using: &random)!
      switch rule.count {
      case .atLeastOne: if found.isEmpty { names.append(keep) }
      case .exactlyOne: names = names.filter { !rule.keys.contains($0) } + [keep]
      case .atMostOne: names = names.filter { !rule.keys.contains($0) || $0 == keep }
      }
    }
    return .object(names.map { ($0, value(object.key($0)!.kind)) })
  }

  /// One change somewhere: another type, another number, a key that is gone, a key too many.
  mutating func mutated(_ json: JSON) -> JSON {
    switch json {
    case .object(var members):
      switch Int.random(in: 0...5, using: &random) {
      case 0 where members.last?.0 != "unknown": members.append(("unknown", .integer(1)))
      case 1 where !members.isEmpty: members.remove(at: .random(in: members.indices, using: &random))
      case 2...4 where !members.isEmpty:
        let index = Int.random(in: members.indices, using: &random)
        members[index].1 = mutated(members[index].1)
      default: return replacement()
      }
      return .object(members)
    case .array(var items):
      switch Int.random(in: 0...4, using: &random) {
      case 0: items.append(items.last ?? .integer(1))
      case 1 where !items.isEmpty: items.removeLast()
      case 2...3 where !items.isEmpty:
        let index = Int.random(in: items.indices, using: &random)
        items[index] = mutated(items[index])
      default: return replacement()
      }
      return .array(items)
    default: return replacement()
    }
  }

  private mutating func replacement() -> JSON {
    [
      .boolean(true), .integer(0), .integer(-7), .integer(1), .integer(1_000_000), .number(2.5), .number(0.5),
      .number(-0.5), .string(""), .string("nonsense"), .string("5 parsec"), .string("5"), .string("3 fs"),
      .string("2.5e-1 nm"), .string("fcc"), .string("z"), .array([]), .array([.integer(1), .integer(2)]),
      .array([.string("Cu")]), .object([]),
    ].randomElement(using: &random)!
  }
}
