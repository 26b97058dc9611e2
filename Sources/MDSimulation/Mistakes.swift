import MDCore
import MDDeck

/// What is wrong in things that do not depend on one another, to be told all at once.
struct Mistakes {
  private(set) var errors: [FaultlineError] = []

  var isEmpty: Bool { errors.isEmpty }

  /// The result of `body`; nil if it failed, which is noted. Errors must be collective: one that a rank meets alone is
  /// thrown at once, since the others would go on without it.
  mutating func attempt<T>(_ body: () throws -> T) throws -> T? {
    do {
      return try body()
    } catch let error as FaultlineError where error.isCollective {
      errors.append(error)
      return nil
    }
  }

  mutating func note(_ found: [FaultlineError]) { errors += found }

  /// Throws what was noted, one mistake a line; a collective input error.
  func refuse() throws {
    guard !errors.isEmpty else { return }
    var error = DeckErrors(errors).joined
    error.isCollective = true
    throw error
  }
}
