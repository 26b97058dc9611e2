/// What may stand at a place in the deck. The parser, the JSON Schema and the reference all read this.
package indirect enum DeckKind: Sendable {
  case boolean
  case integer(ClosedRange<Int>)
  /// A number in the dimension's default unit, or text with a unit.
  case quantity(PhysicalDimension, NumberRange)
  /// Text, not empty.
  case string
  case enumeration([String])
  case path(PathRole)
  case list(DeckKind, count: ClosedRange<Int>)
  /// Names of the user's choice, each with a value of this kind; `of` says what the names are.
  case map(DeckKind, of: String, maximum: Int)
  case object(DeckObject)
  case either([DeckKind])
}

/// How a path is understood.
package enum PathRole: Sendable {
  /// A file that must be there; relative paths start at the deck's folder.
  case input
  /// A folder that must be there; relative paths start at the deck's folder.
  case inputDirectory
  /// A folder to write to; relative paths start where the program is started.
  case outputDirectory
  /// A plain file name inside the run's folder.
  case outputName
}

extension DeckKind {
  /// A plain number.
  package static func number(_ range: NumberRange) -> DeckKind { .quantity(.dimensionless, range) }
  /// Three of a kind, for example [x, y, z].
  package static func vector(_ kind: DeckKind) -> DeckKind { .list(kind, count: 3...3) }
  /// A number of steps: sums over all stages stay far below the range of integers.
  package static var steps: DeckKind { .integer(1...1_000_000_000_000) }
  /// How many of something along an axis: copies, cells, ranks.
  package static var copies: DeckKind { .integer(1...1_000_000) }
  /// A temperature, or [start, end] of a linear ramp.
  package static var temperatureOrRamp: DeckKind {
    let temperature = DeckKind.quantity(.temperature, .positive.plausibly(0.001...50_000))
    return .either([temperature, .list(temperature, count: 2...2)])
  }
}

/// A section: its keys and how they go together.
package struct DeckObject: Sendable {
  /// Rules between keys.
  package struct Rule: Sendable {
    package enum Count: Sendable { case exactlyOne, atMostOne, atLeastOne }
    package var count: Count
    package var keys: [String]

    package init(_ count: Count, of keys: [String]) {
      self.count = count
      self.keys = keys
    }
  }

  package var doc: String
  package var keys: [DeckKey]
  package var rules: [Rule]
  /// YAML that starts at the top of a deck, for the reference. Checked by the tests.
  package var example: String?

  package init(_ doc: String, _ keys: [DeckKey], rules: [Rule] = [], example: String? = nil) {
    self.doc = doc
    self.keys = keys
    self.rules = rules
    self.example = example
  }

  /// A section that holds exactly one of these keys, for example `thermostat: {langevin: {…}}`.
  package static func choice(_ doc: String, _ keys: [DeckKey], example: String? = nil) -> DeckObject {
    DeckObject(doc, keys, rules: [.init(.exactlyOne, of: keys.map(\.name))], example: example)
  }

  package func key(_ name: String) -> DeckKey? { keys.first { $0.name == name } }
}

/// A key of a section.
package struct DeckKey: Sendable {
  package enum Presence: Sendable {
    case required
    case optional
    /// The default as it would be written in a deck.
    case defaults(to: String)
  }

  package var name: String
  package var kind: DeckKind
  package var presence: Presence
  package var doc: String

  package static func required(_ name: String, _ kind: DeckKind, _ doc: String) -> DeckKey {
    DeckKey(name: name, kind: kind, presence: .required, doc: doc)
  }

  package static func optional(_ name: String, _ kind: DeckKind, _ doc: String) -> DeckKey {
    DeckKey(name: name, kind: kind, presence: .optional, doc: doc)
  }

  package static func defaulted(_ name: String, _ kind: DeckKind, _ value: String, _ doc: String) -> DeckKey {
    DeckKey(name: name, kind: kind, presence: .defaults(to: value), doc: doc)
  }
}

extension DeckKind {
  /// What is expected, in words: "a length > 0 (Å)".
  package var phrase: String {
    switch self {
    case .boolean: return "true or false"
    case .integer(let range):
      switch (range.lowerBound, range.upperBound) {
      case (Int.min, Int.max): return "an integer"
      case (_, Int.max): return "an integer ≥ \(range.lowerBound)"
      case (Int.min, _): return "an integer ≤ \(range.upperBound)"
      default: return "an integer from \(plain(Double(range.lowerBound))) to \(plain(Double(range.upperBound)))"
      }
    case .quantity(let dimension, let range):
      return dimension.name + (range.phrase.map { " \($0)" } ?? "")
        + (dimension.defaultUnit.map { " (\($0))" } ?? "")
    case .string: return "text"
    case .enumeration(let values): return values.count == 1 ? values[0] : "one of " + values.joined(separator: ", ")
    case .path(.input): return "the path of a file"
    case .path(.inputDirectory), .path(.outputDirectory): return "the path of a folder"
    case .path(.outputName): return "a file name"
    case .list(let kind, let count):
      if count.lowerBound == count.upperBound { return "a list of \(count.lowerBound), each \(kind.phrase)" }
      return "a list" + (count.lowerBound > 0 ? " of at least \(count.lowerBound)" : "") + ", each \(kind.phrase)"
    case .map(let kind, let names, _): return "a section of \(names), each with \(kind.phrase)"
    case .object(let object):
      let names = object.keys.map(\.name).joined(separator: ", ")
      let isChoice = object.rules.first.map { $0.count == .exactlyOne && $0.keys.count == object.keys.count } ?? false
      return isChoice ? "a section with one of \(names)" : "a section with the keys \(names)"
    case .either(let kinds): return kinds.map(\.phrase).joined(separator: ", or ")
    }
  }
}
