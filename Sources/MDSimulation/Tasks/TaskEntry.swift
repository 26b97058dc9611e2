import MDCore
import MDDeck
import MDNumerics

/// A task as decks name it: a number that a crystal is known by, how it is asked for and computed.
struct TaskEntry: Sendable {
  /// All that there are, in the order of the reference.
  static let all: [TaskEntry] = [
    .equationOfState, .elastic, .phases, .vacancy, .surface, .gammaLine, .gammaSurface, .separation,
  ]

  let entry: DeckEntry
  /// Computes it. Collective.
  let run: @Sendable (DeckSection, Crystal) throws -> TaskResult

  init(
    _ name: String, _ doc: String, _ keys: [DeckKey], example: String, check: @escaping DeckEntry.Check = { _, _ in },
    run: @escaping @Sendable (DeckSection, Crystal) throws -> TaskResult
  ) {
    let label = DeckKey.optional("name", .string, "Of its table and in run.json; the task's own name if absent.")
    entry = DeckEntry(
      name: name, schema: DeckObject(doc, [label] + keys, example: "tasks:\n  - \(name): {\(example)}"), check: check)
    self.run = run
  }

  // What several tasks' keys may be.

  static let plane = DeckKey.required(
    "plane", .vector(.integer(-20...20)), "Miller indices (h, k, l) with respect to the deck's cell.")
  static let thickness = DeckKey.defaulted(
    "thickness", .quantity(.length, .positive.plausibly(5...1000)), "30",
    "Least thickness of the slab; it has whole periods of the crystal.")
  static let vacuum = DeckKey.defaulted(
    "vacuum", .quantity(.length, .positive.plausibly(5...1000)), "15",
    "Empty space between the slab and its next image; at least the potential's cutoff.")
  static let tolerance = DeckKey.defaulted(
    "force_tolerance", .quantity(.force, .positive.plausibly(1e-10...1)), "1e-5",
    "Largest force component on any atom that may move, where atoms are relaxed.")
  static func cut(_ doc: String) -> DeckKey {
    .defaulted("cut", .integer(0...1000), "0", doc + " 0 is the widest gap between atomic planes, 1 the next wide one.")
  }
}

/// What a task found.
struct TaskResult: Codable {
  /// For the log; the first line says the result.
  var lines: [String]
  var warnings: [String] = []
  var table: TaskTable?
  /// Its entry in run.json: numbers by names that end in their units.
  var numbers: [String: JSONNumber]

  /// Tables are files of their own by the time a result is kept.
  enum CodingKeys: String, CodingKey { case lines, warnings, numbers }
}

/// A number of run.json, a list or a section of them.
enum JSONNumber: Codable {
  case number(Double)
  case count(Int)
  case flag(Bool)
  case text(String)
  case list([JSONNumber])
  case section([String: JSONNumber])

  static func list(_ numbers: [Double]) -> JSONNumber { .list(numbers.map(JSONNumber.number)) }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let value): try container.encode(value)
    case .count(let value): try container.encode(value)
    case .flag(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    case .section(let values): try container.encode(values)
    }
  }

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let count = try? value.decode(Int.self) {
      self = .count(count)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([JSONNumber].self) {
      self = .list(list)
    } else {
      self = .section(try value.decode([String: JSONNumber].self))
    }
  }
}

/// A table that is written as comma-separated values.
struct TaskTable {
  var columns: [Figure]
  var rows: [[Double]]

  init(_ columns: [(name: String, unit: String)], _ rows: [[Double]]) {
    self.columns = columns.map { Figure($0.name, unit: $0.unit, digits: 12) }
    self.rows = rows
  }
}
