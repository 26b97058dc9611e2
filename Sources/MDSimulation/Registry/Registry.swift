import MDAnalysis
import MDCore
import MDDeck
import MDDynamics
import MDPotentials

/// The one place that knows every potential by name: its part of the deck and how it is made from it.
package enum Registry {
  /// The family's section, the deck, the run's species in the order of the atoms' species numbers, and the ranks that
  /// the potential works on (for those that talk to one another besides ghosts).
  typealias Maker = @Sendable (DeckSection, RunPlan, [String], any Communicator) throws -> any Potential

  struct Family: Sendable {
    let entry: DeckEntry
    let make: Maker

    init(
      _ name: String, _ schema: DeckObject,
      _ make: @escaping Maker
    ) {
      entry = DeckEntry(name: name, schema: schema)
      self.make = make
    }
  }

  static let families: [Family] = [
    .snap, .hdnnp, .mtp, .nep, .ace, .eam, .zbl, .lennardJones, .morse, .buckingham, .bornMayerHuggins, .table, .coulomb,
    .qeq,
  ]

  // What several families' keys may be.

  /// Of long-ranged sums: beyond 1e-14 is beyond double precision.
  static let accuracy = NumberRange(from: 1e-14, to: 1).plausibly(1e-12...0.01)
  /// Of pairs, Å.
  static let cutoff = NumberRange.positive.plausibly(1...50)
  /// Height of a slab's periodic cell over that of the box.
  static let slabFactor = NumberRange(from: 1, to: 1e4, includesLower: false).plausibly(1...100)
  /// V/Å.
  static let field = NumberRange.any.plausibly(1e-9...10)

  /// All that a deck can choose by name.
  package static let parts = DeckParts(
    potentials: families.map(\.entry), thermostats: ThermostatEntry.all.map(\.entry),
    barostats: BarostatEntry.all.map(\.entry), loads: LoadEntry.all.map(\.entry), minimizers: MinimizerEntry.all.map(\.name),
    cellShapes: CellShape.allCases.map { DeckName($0.rawValue, $0.doc) },
    observers: ObserverEntry.all.map(\.entry),
    instruments: InstrumentEntry.all.map(\.entry), regions: RegionEntry.kinds, tasks: TaskEntry.all.map(\.entry),
    modifiers: ModifierEntry.all.map(\.entry),
    thermoColumns: ThermoColumn.all.map { DeckName($0.figure.name, $0.doc) } + ObserverEntry.all.flatMap(\.columns),
    atomColumns: AtomColumn.all.map(\.name))
  package static let schema = DeckSchema(parts)
  package static func jsonSchema() -> String { JSONSchema.render(schema) }
  package static func deckReference() -> String { DeckReference.render(schema) }

  /// The deck's potentials for these species. Throws the mistakes of all of them at once; those
  /// without a place get that of the deck's entry.
  static func potentials(
    _ plan: RunPlan, species: [String], communicator: any Communicator
  ) throws -> [any Potential] {
    var errors: [FaultlineError] = []
    var all: [any Potential] = []
    for item in plan.potential {
      guard let family = families.first(where: { $0.entry.name == item.name }) else {
        preconditionFailure("the deck's schema is made of the registry's families")
      }
      do {
        all.append(try family.make(item.section, plan, species, communicator))
      } catch var error as FaultlineError {
        if error.location == nil { error.location = item.location }
        errors.append(error)
      }
    }
    if !errors.isEmpty { throw DeckErrors(errors).joined }
    let charged = all.indices.filter { all[$0] is any ChargeOwning }
    if charged.count > 1, charged.contains(where: { (all[$0] as? any ChargeOwning)?.choosesCharges ?? false }) {
      throw FaultlineError(
        .input, "`\(plan.potential[charged[1]].name)` is a second potential with charges of its own",
        hint: "one potential decides on the charges of the atoms, and has their Coulomb energy",
        at: plan.potential[charged[1]].location)
    }
    return absorbed(all)
  }

  /// Those that are left when each has absorbed what it can (point charges take the first pair potential beside them, so
  /// that the pairs are gone through once).
  private static func absorbed(_ potentials: [any Potential]) -> [any Potential] {
    var left = potentials
    for case let host as any Absorbing in potentials {
      left.removeAll { $0 !== host && host.absorb($0) }
    }
    return left
  }
}
