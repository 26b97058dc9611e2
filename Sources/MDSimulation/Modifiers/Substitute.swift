import MDCore
import MDDeck
import MDNumerics
import MDStructures

extension ModifierEntry {
  /// Site disorder: atoms of one species become others, or none, at a composition.
  static let substitute = ModifierEntry(
    "substitute",
    "Puts other species on sites of one, at random, in exact proportions. What the parts leave of 1 stays as it is.",
    [
      .required("species", .string, "The species whose sites are taken."),
      .required(
        "composition", .map(.number(NumberRange(from: 0, to: 1)), of: "species", maximum: 100),
        "Parts of the sites by the species that they get; `vacancy` takes the atom out."),
      selection, compensation,
    ],
    example: "species: Na, composition: {Cl: 0.02, vacancy: 0.03}"
  ) { section, structure, setting in
    let name = section.string("species")
    let parts = section.section("composition").entries.map { ($0.name, $0.value.double) }
    let sum = parts.reduce(0) { $0 + $1.1 }
    guard sum <= 1 + 1e-9 else {
      throw section.error("composition", "sums to \(RunLog.fixed(sum, 6))", hint: "at most 1")
    }
    let type = structure.species.firstIndex(of: name).map { Int32($0) }
    let sites = places(section, structure).filter { structure.types[$0] == type }
    guard !sites.isEmpty else {
      throw section.error("species", "\(name) has no atoms here", hint: "there are " + structure.species.joined(separator: ", "))
    }
    let before = charge(structure, setting.charges)
    let counts = Structure.counts(sites.count, parts: parts.map(\.1))
    var order = structure.shuffled(sites, setting.draw)[...]
    var gone: [Int] = []
    for ((new, _), count) in zip(parts, counts) {
      let chosen = order.prefix(count)
      order = order.dropFirst(count)
      if new == "vacancy" {
        gone += chosen
      } else {
        let k = structure.type(of: new)
        for i in chosen { structure.types[i] = k }
      }
    }
    structure.remove(gone)
    let list = zip(parts, counts).map { "\($1) \($0.0)" }.joined(separator: ", ")
    return "\(list) on \(sites.count) sites of \(name)" + (try compensate(section, &structure, from: before, setting))
  }
}
