import Foundation
import MDCore
import MDDeck

/// What is measured of scenes: adds up on its rank and is reduced only for output. Methods are called by every rank.
package protocol Instrument: AnyObject {
  /// Whether atoms' velocities are needed, and their charges.
  var needsVelocities: Bool { get }
  var needsCharges: Bool { get }
  /// Its sums, which are all that checkpoints keep if it says nothing else.
  var sums: BlockedSums { get set }
  /// Looks at a scene. Collective.
  func measure(_ scene: Scene) throws
  /// Tables and numbers of all that it has seen. Collective.
  func report(_ communicator: any Communicator) -> Report
  /// What a checkpoint keeps; leaves rank 0 alone with the sums. Collective.
  func state(_ communicator: any Communicator) throws -> Data
  /// Goes on from such a state. False if it is none.
  func restore(_ state: Data, isRoot: Bool) -> Bool
}

extension Instrument {
  package var needsVelocities: Bool { false }
  package var needsCharges: Bool { false }

  package func state(_ communicator: any Communicator) throws -> Data {
    sums.fold(communicator)
    return try JSONEncoder().encode(sums.state)
  }

  package func restore(_ state: Data, isRoot: Bool) -> Bool {
    guard let kept = try? JSONDecoder().decode(BlockedSums.State.self, from: state) else { return false }
    return sums.restore(kept, isRoot: isRoot)
  }
}

/// What an instrument has to say.
package struct Report: Sendable {
  /// NAME.csv, or NAME-suffix.csv.
  package struct Table: Sendable {
    package var suffix = ""
    package var columns: [Figure]
    package var rows: [[Double]]

    package init(suffix: String = "", columns: [Figure], rows: [[Double]]) {
      self.suffix = suffix
      self.columns = columns
      self.rows = rows
    }
  }

  /// A number for results.json.
  package struct Number: Sendable {
    package var name: String
    /// NaN where there is none; `note` says why.
    package var estimate: Estimate
    package var unit: String
    package var definition: String
    package var note: String?

    package init(_ name: String, _ estimate: Estimate, unit: String, _ definition: String, note: String? = nil) {
      self.name = name
      self.estimate = estimate
      self.unit = unit
      self.definition = definition
      self.note = note
    }
  }

  package var tables: [Table]
  package var numbers: [Number]
  /// Scenes that were looked at.
  package var samples: Int

  package init(tables: [Table], numbers: [Number], samples: Int) {
    self.tables = tables
    self.numbers = numbers
    self.samples = samples
  }

  package static let endings = ["", "dos", "van_hove", "grains", "atoms", "time", "distinct", "planes", "opening"]
}

/// What an instrument is made of besides its keys.
package struct InstrumentSetting {
  /// Of this one: of its files, and of its columns of atoms.
  package let name: String
  package let names: SelectionNames
  package let atoms: AtomStore
  package let masses: [Double]
  /// Atoms of each species over all ranks.
  package let speciesCounts: [Int]
  package let box: Box
  /// How far ghosts are known, Å.
  package let reach: Double
  /// Whether atoms have velocities.
  package let hasVelocities: Bool
  /// Names of the run's potentials, with how far their forces are told pair by pair.
  package let potentials: [(name: String, pairForces: PairForceCoverage)]
  /// Born charges of the atoms, nine numbers each, where a potential has them.
  package let bornCharges: ColumnStorage?

  package init(
    name: String, names: SelectionNames, atoms: AtomStore, masses: [Double], speciesCounts: [Int], box: Box, reach: Double,
    hasVelocities: Bool, potentials: [(name: String, pairForces: PairForceCoverage)] = [], bornCharges: ColumnStorage? = nil
  ) {
    self.name = name
    self.names = names
    self.atoms = atoms
    self.masses = masses
    self.speciesCounts = speciesCounts
    self.box = box
    self.reach = reach
    self.hasVelocities = hasVelocities
    self.potentials = potentials
    self.bornCharges = bornCharges
  }

  package var species: [String] { names.species }

  /// Refuses potentials that tell less of their forces.
  package func require(_ coverage: PairForceCoverage, _ section: DeckSection, _ what: String, at key: String? = nil) throws {
    let others = potentials.filter { $0.pairForces < coverage }.map(\.name)
    guard !others.isEmpty else { return }
    throw FaultlineError(
      .input, "the observer \(name) needs \(what), which \(others.joined(separator: ", ")) does not tell",
      at: key.map(section.location) ?? section.location, isCollective: true)
  }
}

/// An instrument as decks name it.
package struct InstrumentEntry: Sendable {
  package typealias Check = DeckEntry.Check

  /// All that there are, in the order of the reference.
  package static let all: [InstrumentEntry] = [
    .rdf, .structureFactor, .coordination, .angles, .polyhedra, .cna, .templates, .centrosymmetry, .steinhardt, .rings, .profile,
    .stress, .transport, .velocities, .rotation, .jumps, .heatFlux,
  ]

  package let entry: DeckEntry
  /// What must have been computed of a step that it looks at.
  package let wants: @Sendable (DeckSection) -> Want
  /// Whether it is about how things change in time.
  package let needsTime: Bool
  /// How far it looks for neighbours, as far as its keys say, Å.
  package let reach: @Sendable (DeckSection) -> Double
  /// Declares the columns of atoms that it keeps, before atoms are there.
  package let declare: @Sendable (_ section: DeckSection, _ name: String, _ atoms: AtomStore) -> Void
  package let make: @Sendable (DeckSection, InstrumentSetting) throws -> any Instrument

  /// - Parameter every: default steps between two looks.
  init(
    _ name: String, _ doc: String, every: String, _ keys: [DeckKey], rules: [DeckObject.Rule] = [], example: String,
    needsTime: Bool = false, check: @escaping Check = { _, _ in },
    wants: @escaping @Sendable (DeckSection) -> Want = { _ in [] }, reach: @escaping @Sendable (DeckSection) -> Double = { _ in 0 },
    declare: @escaping @Sendable (DeckSection, String, AtomStore) -> Void = { _, _, _ in },
    make: @escaping @Sendable (DeckSection, InstrumentSetting) throws -> any Instrument
  ) {
    let common: [DeckKey] = [
      .optional("name", .string, "Of NAME.csv and of its entry in results.json; that of the observer if absent."),
      .defaulted("of", .string, "all", "Which atoms: a group, a region of `analysis.regions`, a species, or `all`."),
      .defaulted("every", .steps, every, "Steps between two looks."),
      .defaulted("from", .integer(0...1_000_000_000_000), "0", "First step that is looked at."),
    ]
    entry = DeckEntry(
      name: name, schema: DeckObject(doc, common + keys, rules: rules, example: "analysis:\n  measure:\n" + example),
      check: check)
    self.wants = wants
    self.needsTime = needsTime
    self.reach = reach
    self.declare = declare
    self.make = make
  }

  package static func named(_ name: String) -> InstrumentEntry {
    guard let found = all.first(where: { $0.entry.name == name }) else {
      preconditionFailure("the deck's schema is made of these entries")
    }
    return found
  }

  /// Keys that several have.
  static func cutoff(_ doc: String) -> DeckKey {
    .required("cutoff", .quantity(.length, .positive.plausibly(1...30)), doc)
  }
  static let searchReach = DeckKey.optional(
    "reach", .quantity(.length, .positive.plausibly(2...30)),
    "How far neighbours are looked for; as far as the potential reaches if absent.")
  static func bins(_ count: String, _ doc: String) -> DeckKey { .defaulted("bins", .integer(1...100_000), count, doc) }
}

/// Columns and numbers of results in one pass: values with their errors side by side.
enum Columns {
  /// `name [unit]` and `name_error [unit]`.
  static func pair(_ name: String, _ unit: String) -> [Figure] {
    [Figure(name, unit: unit, digits: 12), Figure(name + "_error", unit: unit, digits: 4)]
  }
}
