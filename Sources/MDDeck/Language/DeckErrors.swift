import MDCore

/// Everything found wrong in a deck, in the order of the text.
package struct DeckErrors: Error, Sendable, CustomStringConvertible {
  package private(set) var errors: [FaultlineError]

  package init(_ errors: [FaultlineError]) {
    self.errors = errors.enumerated().sorted { a, b in
      let (p, q) = (a.element.location, b.element.location)
      return (p?.line ?? 0, p?.column ?? 0, a.offset) < (q?.line ?? 0, q?.column ?? 0, b.offset)
    }.map(\.element)
  }

  /// One error a line.
  package var description: String { errors.map(\.description).joined(separator: "\n") }

  /// All of them as a single error, for callers that know only those.
  package var joined: FaultlineError {
    if let only = errors.first, errors.count == 1 { return only }
    return FaultlineError(.input, description)
  }
}
