import Foundation
import MDAnalysis
import MDCore
import MDDeck

/// Looks at a run while it goes on: says ahead what it needs of a step, fills columns of thermo.csv, keeps what it knows
/// in checkpoints, and sums up at the end of a stage. Methods are called by every rank.
protocol Observer: AnyObject {
  /// Its key in the deck's `analysis`, of its section in checkpoints and of its results in run.json.
  var name: String { get }
  /// Columns that it can fill in this run.
  var columns: [Figure] { get }
  /// Frames that it may ask to keep: their file.
  var keeps: TrajectoryPlan? { get }

  /// A table of its own, one for the run, that it gives rows for.
  var table: ObserverTable? { get }

  /// Finds before the first step what cannot work, and says what the log should have. Collective.
  func rehearse() throws -> [String]
  /// What it needs the forces of a step for; nil where it does not look. Asked ahead of the step.
  func wants(_ look: Look) -> Want?
  /// Looks at a step for which it wanted something. `tally` is this rank's. Collective.
  func observe(_ look: Look, _ engine: Engine, _ tally: Tally) throws -> Observation
  /// Whether it measures something when this stage has ended.
  func measures(atEndOf stage: StageDriver) -> Bool
  /// Measures, and sums up what it saw since it was asked last. Collective.
  func sumUp(_ engine: Engine) throws -> StageReport

  /// Tables and numbers of all that it has seen, for results.json, under names. Collective.
  func reports() -> [(name: String, report: Report)]
  /// What run.json has of it, under its name.
  var results: (any Encodable)? { get }
  /// Its section of a checkpoint, JSON, the same on every rank; nil where there is nothing to keep.
  func state() throws -> Data?
  /// Goes on from such a section, taken when the clock stood at `clock`.
  /// - Throws: an input error if no run writes such a state.
  func restore(_ section: CheckpointSectionReader, clock: Clock) throws
}

extension Observer {
  var columns: [Figure] { [] }
  var keeps: TrajectoryPlan? { nil }
  var table: ObserverTable? { nil }
  func rehearse() throws -> [String] { [] }
  func wants(_ look: Look) -> Want? { nil }
  func observe(_ look: Look, _ engine: Engine, _ tally: Tally) throws -> Observation { Observation() }
  func measures(atEndOf stage: StageDriver) -> Bool { false }
  func sumUp(_ engine: Engine) throws -> StageReport { StageReport() }
  func reports() -> [(name: String, report: Report)] { [] }
  var results: (any Encodable)? { nil }
  func state() throws -> Data? { nil }
  func restore(_ section: CheckpointSectionReader, clock: Clock) throws {}
}

/// What is written of a step.
struct Look {
  var step: Int
  /// Whether a row of thermo.csv is.
  var isRow: Bool
  /// Whether a frame is whose header speaks of the system.
  var isFrame: Bool
  /// Whether it is the configuration that a stage begins with, and no step.
  var isStart = false
  /// The stage that the step is of.
  var stage: StageDriver?
}

/// A file of comma-separated values besides thermo.csv; the columns behind step and stage.
struct ObserverTable {
  var file: String
  var columns: [Figure]
}

/// What an observer saw at a step.
struct Observation {
  enum Action: Equatable {
    case nothing
    /// Keep the structure; the words say why.
    case keep(String)
    /// End the run as failed, with the structure and a checkpoint; why, and what the user can do.
    case stop(String, hint: String)
    /// End the stage here; why.
    case endStage(String)
  }

  /// By the names of its columns.
  var values: [String: Double] = [:]
  /// Of its table.
  var row: [Double]?
  var action = Action.nothing
}

/// What an observer says at the end of a stage.
struct StageReport {
  /// For the log.
  var lines: [String] = []
  /// For the log and run.json.
  var warnings: [String] = []
}

/// An observer as decks name it.
struct ObserverEntry: Sendable {
  /// All that there are, in the order of the reference.
  static let all: [ObserverEntry] = [.boundaryEnergy, .watch, .averages, .crack]

  /// What an observer is made of besides its keys.
  struct Setting {
    let plan: RunPlan
    let system: DistributedSystem
    /// What the builder knows of grain boundaries; nil when a run is resumed.
    let geometry: BoundaryEnergy.Geometry?
  }

  let entry: DeckEntry
  /// Columns that it fills in one run or another.
  let columns: [DeckName]
  /// Whether it is there without its key, too.
  let isStanding: Bool
  let make: @Sendable (DeckSection?, Setting) throws -> any Observer

  init(
    _ name: String, _ schema: DeckObject, columns: [DeckName] = [], isStanding: Bool = false,
    check: @escaping DeckEntry.Check = { _, _ in },
    make: @escaping @Sendable (DeckSection?, Setting) throws -> any Observer
  ) {
    entry = DeckEntry(name: name, schema: schema, check: check)
    self.columns = columns
    self.isStanding = isStanding
    self.make = make
  }
}

/// The observers of a run: thermo first, then those of the deck.
struct Observers {
  let thermo: ThermoObserver
  let all: [any Observer]

  init(_ setting: ObserverEntry.Setting) throws {
    thermo = ThermoObserver(setting.plan.output.thermo, setting.system)
    let others = try ObserverEntry.all.compactMap { entry -> (any Observer)? in
      let given = setting.plan.analysis.first { $0.name == entry.entry.name }
      return given != nil || entry.isStanding ? try entry.make(given?.section, setting) : nil
    }
    let loading = LoadingObserver.isNeeded(setting.plan) ? [LoadingObserver(setting, groups: setting.plan.groups)] : []
    let crack = CrackObserver.isNeeded(setting.plan) ? [try CrackObserver(nil, setting)] : []
    let measuring = setting.plan.measures.isEmpty ? [] : [try MeasurementObserver(setting)]
    all = [thermo] + others + loading + crack + measuring
  }

  /// Throws every mistake at once; returns what the log should have. Collective.
  func rehearse() throws -> [String] {
    var mistakes = Mistakes()
    var notes: [String] = []
    for observer in all { notes += try mistakes.attempt { try observer.rehearse() } ?? [] }
    _ = try mistakes.attempt { try thermo.refuseColumns(besides: Set(all.flatMap(\.columns).map(\.name))) }
    try mistakes.refuse()
    return notes
  }

  /// The columns of thermo.csv in their order.
  var columns: [Figure] { thermo.order(all.flatMap(\.columns)) }

  func wants(_ look: Look) -> Want {
    all.reduce(into: Want()) { $0.formUnion($1.wants(look) ?? []) }
  }

  /// What those that look have seen.
  struct Sight {
    /// Of thermo.csv, by the names of the columns.
    var values: [String: Double]
    /// Of tables, by the names of the observers.
    var rows: [String: [Double]]
    /// What is asked for.
    var actions: [(observer: any Observer, action: Observation.Action)]
  }

  /// Collective.
  func observe(_ look: Look, _ engine: Engine, _ tally: Tally) throws -> Sight {
    var values: [String: Double] = [:]
    var rows: [String: [Double]] = [:]
    var actions: [(any Observer, Observation.Action)] = []
    for observer in all where observer.wants(look) != nil {
      let seen = try observer.observe(look, engine, tally)
      values.merge(seen.values) { $1 }
      if let row = seen.row { rows[observer.name] = row }
      if seen.action != .nothing { actions.append((observer, seen.action)) }
    }
    return Sight(values: values, rows: rows, actions: actions)
  }
}
