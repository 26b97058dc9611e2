import MDCore

/// An unordered pair of species names, the key of pair parameters.
package struct SpeciesPair: Hashable, Sendable, CustomStringConvertible {
  package let first: String
  package let second: String

  package init(_ a: String, _ b: String) {
    first = min(a, b)
    second = max(a, b)
  }

  package var description: String { "\(first)–\(second)" }
}

/// One value for each pair of the run's species, element [a · count + b], symmetric.
struct SpeciesPairTable<Value> {
  let count: Int
  private(set) var values: [Value]

  /// `value` is asked once for each unordered pair.
  init(_ species: [String], _ value: (Int, Int) throws -> Value) rethrows {
    count = species.count
    var half: [[Value]] = []
    for a in species.indices { half.append(try (0...a).map { try value(a, $0) }) }
    values = species.indices.flatMap { a in species.indices.map { b in half[max(a, b)][min(a, b)] } }
  }

  subscript(a: Int, b: Int) -> Value { values[a * count + b] }
}

/// `name` in `list`, or an error that says what there is.
func require(_ name: String, in list: [String], _ what: String, at location: SourceLocation?) throws -> Int {
  guard let index = list.firstIndex(of: name) else {
    throw FaultlineError(
      .input, "\(what) has nothing for species \(name)", hint: "it has \(list.joined(separator: ", "))", at: location)
  }
  return index
}
