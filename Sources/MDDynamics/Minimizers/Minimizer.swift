import MDCore
import MDDeck

/// Moves atoms to a minimum of the energy, and knows when it is there.
public protocol Minimizer: Integrator {
  /// Whether there is no more to gain: at the tolerances, or where the search is given up.
  var isOver: Bool { get }
  /// How it ended, or stands, in a few words for the log.
  var outcome: String { get }
}

/// A minimiser as decks name it, `minimize.method`.
public struct MinimizerEntry: Sendable {
  /// All that there are, the default first.
  public static let all: [MinimizerEntry] = [.fire]

  public let name: DeckName
  private let make: @Sendable (MinimizePlan) throws -> any Minimizer

  init(_ name: String, _ doc: String, make: @escaping @Sendable (MinimizePlan) throws -> any Minimizer) {
    self.name = DeckName(name, doc)
    self.make = make
  }

  public static func make(_ plan: MinimizePlan) throws -> any Minimizer {
    guard let found = all.first(where: { $0.name.name == plan.method }) else {
      preconditionFailure("the deck's schema is made of these minimisers")
    }
    return try found.make(plan)
  }
}
