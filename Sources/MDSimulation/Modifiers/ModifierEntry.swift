import MDCore
import MDDeck
import MDDynamics
import MDNumerics
import MDStructures

/// A change of a structure as decks name it in `structure.modify`. They are made in the order of the list, on rank 0.
struct ModifierEntry: Sendable {
  /// All that there are, in the order of the reference.
  static let all: [ModifierEntry] = [.substitute, .vacancies, .delete, .notch, .displace, .rattle, .supercell, .rotate]

  /// What a change is told besides its section.
  struct Setting {
    /// Of random numbers: the deck's seed and the change's place in the list.
    var draw: Structure.Draw
    /// e, by species, where the deck says.
    var charges: [String: Double]
  }

  let entry: DeckEntry
  /// Changes the structure; what it returns is for the log.
  let apply: @Sendable (DeckSection, inout Structure, Setting) throws -> String

  init(
    _ name: String, _ doc: String, _ keys: [DeckKey], rules: [DeckObject.Rule] = [], example: String,
    apply: @escaping @Sendable (DeckSection, inout Structure, Setting) throws -> String
  ) {
    let deck = """
      structure:
        lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [4, 4, 4]}
        modify:
          - \(name): {\(example)}
      """
    entry = DeckEntry(name: name, schema: DeckObject(doc, keys, rules: rules, example: deck))
    self.apply = apply
  }

  // What several changes' keys may be.

  static let selection = DeckKey.optional("select", .object(DeckSchema.selection), "Which atoms; all if absent.")

  /// The places of the atoms that a section selects.
  static func places(_ section: DeckSection, _ structure: Structure) -> [Int] {
    guard let select = section["select"]?.section else { return Array(0..<structure.count) }
    let selection = GroupTable.selection(SelectionPlan(select), species: structure.species)
    return (0..<structure.count).filter { i in
      selection.contains(
        GroupSelection.Atom(
          id: structure.ids?[i] ?? Int64(i + 1), species: structure.types[i], position: structure.positions[i],
          grain: structure.grains?[i], isHeld: structure.held?[i] ?? false),
        in: structure.box)
    }
  }

  static let compensation = DeckKey.optional(
    "compensate", .string,
    "A species of which as many atoms are taken out at random as keep the charge; `species` must say the charges.")

  /// Takes out atoms of the species that `compensate` names until the charge is what it was; "" without that key.
  static func compensate(
    _ section: DeckSection, _ structure: inout Structure, from before: Double?, _ setting: Setting
  ) throws -> String {
    guard let name = section["compensate"]?.string else { return "" }
    guard let before, let now = charge(structure, setting.charges), let q = setting.charges[name] else {
      throw section.error("compensate", "needs the charge of every species", hint: "give `species: {\(name): {charge: …}}` and the others")
    }
    let exact = q == 0 ? .infinity : (now - before) / q
    let count = exact.rounded()
    guard abs(exact - count) < 1e-6, count >= 0 else {
      throw section.error(
        "compensate", "cannot make up for a charge of \(RunLog.fixed(now - before, 4)) e with atoms of \(name), \(RunLog.fixed(q, 4)) e each",
        hint: exact.isFinite && exact < 0 ? "taking \(name) out makes it worse" : "a number of atoms that fits, or another species")
    }
    let type = structure.species.firstIndex(of: name).map { Int32($0) }
    let places = structure.types.indices.filter { structure.types[$0] == type }
    guard Double(places.count) >= count else {
      throw section.error("compensate", "needs \(Int(count)) atoms of \(name), and there are \(places.count)")
    }
    // Not the numbers that chose the atoms of the change itself.
    let draw = Structure.Draw(seed: setting.draw.seed, number: setting.draw.number + 1 << 20)
    structure.remove(Array(structure.shuffled(places, draw).prefix(Int(count))))
    return ", \(Int(count)) \(name) taken out to keep the charge"
  }

  /// e; nil where a species has no charge.
  static func charge(_ structure: Structure, _ charges: [String: Double]) -> Double? {
    let own = structure.species.map { charges[$0] }
    var sum = 0.0
    for type in structure.types {
      guard let q = own[Int(type)] else { return nil }
      sum += q
    }
    return sum
  }
}

extension Structure {
  /// The deck's list of changes, one after the other.
  mutating func modify(_ plans: [EntryPlan], seed: UInt64, charges: [String: Double]) throws -> [String] {
    var notes: [String] = []
    for (number, plan) in plans.enumerated() {
      guard let entry = ModifierEntry.all.first(where: { $0.entry.name == plan.name }) else {
        preconditionFailure("the deck's changes are those of the registry")
      }
      do {
        let setting = ModifierEntry.Setting(draw: Draw(seed: seed, number: number), charges: charges)
        notes.append("\(plan.name): " + (try entry.apply(plan.section, &self, setting)))
      } catch var error as FaultlineError {
        error.kind = .input
        if error.location == nil { error.location = plan.location }
        throw error
      }
      guard count > 0 else {
        throw FaultlineError(.input, "`\(plan.name)` leaves no atom", at: plan.location)
      }
    }
    return notes
  }
}
