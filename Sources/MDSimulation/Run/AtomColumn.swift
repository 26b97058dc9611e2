import MDCore
import MDDeck
import MDIO

/// A column of trajectories besides number, species and position.
struct AtomColumn: Sendable {
  let name: DeckName
  /// As files have it.
  let file: TrajectoryColumn
  /// What it needs computed.
  let want: Want
  /// Where it is; nil where nothing gives it.
  let storage: @Sendable (AtomStore) -> ColumnStorage?

  private init(
    _ name: String, _ doc: String, as file: TrajectoryColumn, want: Want = [],
    storage: @escaping @Sendable (AtomStore) -> ColumnStorage?
  ) {
    self.name = DeckName(name, doc)
    self.file = file
    self.want = want
    self.storage = storage
  }

  /// A number an atom that some potentials keep under the column's name.
  private init(ofPotentials name: String, _ doc: String, want: Want = []) {
    self.init(name, doc, as: .init(name, .scalars(1)), want: want) { $0.column(named: name) }
  }

  static let all: [AtomColumn] =
    [
      .init("velocities", "in Å/ps", as: .init("velo", .vector)) { $0.velocity.storage },
      .init("forces", "in eV/Å", as: .init("forces", .vector)) { $0.force.storage },
      .init("energies", "in eV", as: .init("energies", .scalars(1)), want: .atomEnergy) { $0.needEnergy().storage },
      .init("virials", "in eV", as: .init("virials", .tensor), want: .atomVirial) { $0.needVirial().storage },
      .init("charges", "in e", as: .init("charges", .scalars(1))) { $0.charge?.storage },
      .init(ofPotentials: "electronegativity", "in V"),
      .init(
        "born_charges", "in e, nine an atom, xx, xy …: the first index is the dipole's",
        as: .init("born_charges", .tensor), want: .bornCharges
      ) { $0.column(named: "born_charges") },
      .init("images", "of the cell", as: .init("image", .scalars(3))) { $0.image.storage },
      .init("groups", "as bits", as: .init("groups", .scalars(1))) { $0.groups.storage },
    ]
    + Assessment.allCases.map {
      .init(ofPotentials: $0.column, "of potentials that judge themselves", want: .assessment)
    }

  /// The column of a deck.
  static func named(_ name: String) -> AtomColumn {
    guard let found = all.first(where: { $0.name.name == name }) else {
      preconditionFailure("the deck's schema is made of these columns")
    }
    return found
  }

  /// Its place; throws a collective input error if neither the structure nor a potential gives it.
  func storage(in atoms: AtomStore, for plan: TrajectoryPlan) throws -> ColumnStorage {
    if let found = storage(atoms) { return found }
    let reason =
      name.name == "charges"
      ? ", but neither the structure nor a potential has charges" : ", which none of the potentials gives"
    throw FaultlineError(
      .input, "a trajectory has the column `\(name.name)`\(reason)", at: plan.location, isCollective: true)
  }
}
