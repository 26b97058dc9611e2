import MDCore

/// Something that a deck chooses by name: a potential, a thermostat, a load, an observer.
package struct DeckEntry: Sendable {
  /// Finds what the entry's section contradicts elsewhere in the deck, without any engine.
  package typealias Check = @Sendable (_ section: DeckSection, _ context: inout DeckContext) -> Void

  /// As it stands in the deck, for example "eam".
  package var name: String
  package var schema: DeckObject
  package var check: Check

  package init(name: String, schema: DeckObject, check: @escaping Check = { _, _ in }) {
    self.name = name
    self.schema = schema
    self.check = check
  }
}

/// What an entry's check sees of the deck, and what it found.
package struct DeckContext {
  /// The whole deck.
  package let deck: DeckSection
  package let plan: RunPlan
  /// The stage that the entry is part of; nil outside of stages.
  package internal(set) var stage: StageContext?
  package internal(set) var errors: [FaultlineError] = []
  package internal(set) var warnings: [FaultlineError] = []

  /// A stage of dynamics.
  package struct StageContext {
    package let dynamics: DynamicsPlan
    /// Whether the atoms stand still when the stage begins.
    package let isAtRest: Bool
    /// Of the stage.
    package let section: DeckSection
  }

  package mutating func refuse(_ error: FaultlineError) { errors.append(error) }
  package mutating func warn(_ warning: FaultlineError) { warnings.append(warning) }
}

/// A value that a deck chooses from a list.
package struct DeckName: Sendable {
  package var name: String
  package var doc: String

  package init(_ name: String, _ doc: String) {
    self.name = name
    self.doc = doc
  }
}

/// All that decks can choose by name: the registries of the program, as the deck sees them.
package struct DeckParts: Sendable {
  package var potentials: [DeckEntry]
  package var thermostats: [DeckEntry]
  package var barostats: [DeckEntry]
  /// Keys of a stage of dynamics that change its cell.
  package var loads: [DeckEntry]
  /// Values of `minimize.method`, the default first.
  package var minimizers: [DeckName]
  /// Values of `cell` where cells change.
  package var cellShapes: [DeckName]
  /// Keys of `analysis`.
  package var observers: [DeckEntry]
  /// Items of `tasks`.
  package var tasks: [DeckEntry]
  /// Items of `structure.modify`.
  package var modifiers: [DeckEntry]
  /// Columns of thermo.csv.
  package var thermoColumns: [DeckName]
  /// Columns of trajectories.
  package var atomColumns: [DeckName]

  package init(
    potentials: [DeckEntry], thermostats: [DeckEntry], barostats: [DeckEntry], loads: [DeckEntry],
    minimizers: [DeckName], cellShapes: [DeckName], observers: [DeckEntry], tasks: [DeckEntry] = [],
    modifiers: [DeckEntry] = [], thermoColumns: [DeckName], atomColumns: [DeckName]
  ) {
    self.potentials = potentials
    self.thermostats = thermostats
    self.barostats = barostats
    self.loads = loads
    self.minimizers = minimizers
    self.cellShapes = cellShapes
    self.observers = observers
    self.tasks = tasks
    self.modifiers = modifiers
    self.thermoColumns = thermoColumns
    self.atomColumns = atomColumns
  }

  /// Columns as the reference lists them: "name: what it is" a sentence each.
  static func sentence(_ names: [DeckName]) -> String {
    names.map { "`\($0.name)` \($0.doc)" }.joined(separator: "; ")
  }
}
