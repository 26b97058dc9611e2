import MDCore

/// Something that a deck chooses by name: a potential, a thermostat, a load, an observer.
public struct DeckEntry: Sendable {
  /// Finds what the entry's section contradicts elsewhere in the deck, without any engine.
  public typealias Check = @Sendable (_ section: DeckSection, _ context: inout DeckContext) -> Void

  /// As it stands in the deck, for example "eam".
  public var name: String
  public var schema: DeckObject
  public var check: Check

  public init(name: String, schema: DeckObject, check: @escaping Check = { _, _ in }) {
    self.name = name
    self.schema = schema
    self.check = check
  }
}

/// What an entry's check sees of the deck, and what it found.
public struct DeckContext {
  /// The whole deck.
  public let deck: DeckSection
  public let plan: RunPlan
  /// The stage that the entry is part of; nil outside of stages.
  public internal(set) var stage: StageContext?
  public internal(set) var errors: [FaultlineError] = []
  public internal(set) var warnings: [FaultlineError] = []

  /// A stage of dynamics.
  public struct StageContext {
    public let dynamics: DynamicsPlan
    /// Whether the atoms stand still when the stage begins.
    public let isAtRest: Bool
    /// Of the stage.
    public let section: DeckSection
  }

  public mutating func refuse(_ error: FaultlineError) { errors.append(error) }
  public mutating func warn(_ warning: FaultlineError) { warnings.append(warning) }
}

/// A value that a deck chooses from a list.
public struct DeckName: Sendable {
  public var name: String
  public var doc: String

  public init(_ name: String, _ doc: String) {
    self.name = name
    self.doc = doc
  }
}

/// All that decks can choose by name: the registries of the program, as the deck sees them.
public struct DeckParts: Sendable {
  public var potentials: [DeckEntry]
  public var thermostats: [DeckEntry]
  public var barostats: [DeckEntry]
  /// Keys of a stage of dynamics that change its cell.
  public var loads: [DeckEntry]
  /// Values of `minimize.method`, the default first.
  public var minimizers: [DeckName]
  /// Values of `cell` where cells change.
  public var cellShapes: [DeckName]
  /// Keys of `analysis`.
  public var observers: [DeckEntry]
  /// Items of `analysis.measure`, and kinds of `analysis.regions`.
  public var instruments: [DeckEntry]
  public var regions: [DeckEntry]
  /// Items of `tasks`.
  public var tasks: [DeckEntry]
  /// Columns of thermo.csv.
  public var thermoColumns: [DeckName]
  /// Columns of trajectories.
  public var atomColumns: [DeckName]

  public init(
    potentials: [DeckEntry], thermostats: [DeckEntry], barostats: [DeckEntry], loads: [DeckEntry],
    minimizers: [DeckName], cellShapes: [DeckName], observers: [DeckEntry], instruments: [DeckEntry] = [],
    regions: [DeckEntry] = [], tasks: [DeckEntry] = [],
    thermoColumns: [DeckName], atomColumns: [DeckName]
  ) {
    self.potentials = potentials
    self.thermostats = thermostats
    self.barostats = barostats
    self.loads = loads
    self.minimizers = minimizers
    self.cellShapes = cellShapes
    self.observers = observers
    self.instruments = instruments
    self.regions = regions
    self.tasks = tasks
    self.thermoColumns = thermoColumns
    self.atomColumns = atomColumns
  }

  /// Columns as the reference lists them: "name: what it is" a sentence each.
  static func sentence(_ names: [DeckName]) -> String {
    names.map { "`\($0.name)` \($0.doc)" }.joined(separator: "; ")
  }
}
