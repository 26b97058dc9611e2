import MDCore
import MDNumerics

/// A validated value: numbers in internal units, paths resolved, defaults filled in.
///
/// The accessors trap when the value is of another kind than asked for: that is a disagreement between the
/// schema and the code that reads it, never the user's mistake.
package struct DeckValue: Sendable {
  package enum Content: Sendable {
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([DeckValue])
    case section(DeckSection)
  }

  package let content: Content
  package let location: SourceLocation

  package var boolean: Bool {
    guard case .boolean(let value) = content else { mismatch("a boolean") }
    return value
  }

  package var integer: Int {
    guard case .integer(let value) = content else { mismatch("an integer") }
    return value
  }

  /// A quantity in the default unit of its dimension.
  package var double: Double {
    guard case .number(let value) = content else { mismatch("a quantity") }
    return value
  }

  /// Text, a word of an enumeration or a resolved path.
  package var string: String {
    guard case .string(let value) = content else { mismatch("text") }
    return value
  }

  package var list: [DeckValue] {
    guard case .list(let value) = content else { mismatch("a list") }
    return value
  }

  package var section: DeckSection {
    guard case .section(let value) = content else { mismatch("a section") }
    return value
  }

  package var isText: Bool { if case .string = content { true } else { false } }
  package var isList: Bool { if case .list = content { true } else { false } }
  package var strings: [String] { list.map(\.string) }
  package var doubles: [Double] { list.map(\.double) }
  package var integers: [Int] { list.map(\.integer) }

  package var vector: Vector3 {
    let numbers = doubles
    guard numbers.count == 3 else { mismatch("three numbers") }
    return Vector3(numbers[0], numbers[1], numbers[2])
  }

  package var integerVector: SIMD3<Int> {
    let numbers = integers
    guard numbers.count == 3 else { mismatch("three integers") }
    return SIMD3(numbers[0], numbers[1], numbers[2])
  }

  private func mismatch(_ wanted: String) -> Never {
    preconditionFailure("\(location): the schema does not make this \(wanted)")
  }
}

/// A validated section (or map): `section.double("cutoff")` for keys that are required or have a default,
/// `section["charge"]?.double` for optional ones.
package struct DeckSection: Sendable {
  package struct Entry: Sendable {
    package let name: String
    /// Of the key; of the section for a default.
    package let location: SourceLocation
    package let value: DeckValue
    /// False for a value filled in by default.
    package let isGiven: Bool
  }

  /// The key that the section stands under.
  package let name: String
  package let location: SourceLocation
  package let entries: [Entry]

  package subscript(_ key: String) -> DeckValue? { entries.first { $0.name == key }?.value }

  /// Whether the deck itself has this key.
  package func gives(_ key: String) -> Bool { entries.contains { $0.name == key && $0.isGiven } }

  private func value(_ key: String) -> DeckValue {
    guard let value = self[key] else {
      preconditionFailure("\(location): the schema does not promise `\(key)` in `\(name)`")
    }
    return value
  }

  package func boolean(_ key: String) -> Bool { value(key).boolean }
  package func integer(_ key: String) -> Int { value(key).integer }
  package func double(_ key: String) -> Double { value(key).double }
  /// A quantity where a word may stand in its place; nil for the word.
  package func number(_ key: String) -> Double? { value(key).isText ? nil : value(key).double }
  package func string(_ key: String) -> String { value(key).string }
  /// A path: absolute for input files.
  package func path(_ key: String) -> String { value(key).string }
  package func list(_ key: String) -> [DeckValue] { value(key).list }
  package func strings(_ key: String) -> [String] { value(key).strings }
  package func doubles(_ key: String) -> [Double] { value(key).doubles }
  package func integers(_ key: String) -> [Int] { value(key).integers }
  package func vector(_ key: String) -> Vector3 { value(key).vector }
  package func integerVector(_ key: String) -> SIMD3<Int> { value(key).integerVector }
  package func section(_ key: String) -> DeckSection { value(key).section }
  /// Numbers of a list, or the one that stands in its place.
  package func list(orOne key: String) -> [Double] {
    let value = value(key)
    return value.isList ? value.doubles : [value.double]
  }
  /// 0, 1, 2 for x, y, z.
  package func axis(_ key: String) -> Int { ["x", "y", "z"].firstIndex(of: string(key))! }

  /// Which key of a choice the deck gives, for example ("langevin", its section).
  package func choice(among keys: [String]) -> (name: String, value: DeckValue)? {
    entries.first { $0.isGiven && keys.contains($0.name) }.map { ($0.name, $0.value) }
  }

  /// The only key of a section made by `DeckObject.choice`.
  package var choice: (name: String, value: DeckValue) {
    guard let only = choice(among: entries.map(\.name)) else {
      preconditionFailure("\(location): `\(name)` is not a choice")
    }
    return only
  }

  /// Where the value of a key stands, or the section if the deck does not give it.
  package func location(of key: String) -> SourceLocation {
    entries.first { $0.name == key && $0.isGiven }?.value.location ?? location
  }

  /// An error about a key that only later stages can find: "`cutoff` is larger than …".
  package func error(_ key: String, _ message: String, hint: String? = nil) -> FaultlineError {
    FaultlineError(.input, "`\(key)` \(message)", hint: hint, at: location(of: key))
  }
}
