import MDCore
import MDDeck
import MDNumerics
import MDStructures

extension ModifierEntry {
  static let vacancies = ModifierEntry(
    "vacancies", "Takes out atoms at random.",
    [
      .optional("species", .string, "Of this species; any if absent."),
      .optional("count", .integer(1...1_000_000_000), "How many."),
      .optional("fraction", .number(NumberRange(from: 0, to: 1)), "Or which part of them."),
      selection, compensation,
    ],
    rules: [.init(.exactlyOne, of: ["count", "fraction"])], example: "species: Na, fraction: 0.01"
  ) { section, structure, setting in
    var sites = places(section, structure)
    if let name = section["species"]?.string {
      let type = structure.species.firstIndex(of: name).map { Int32($0) }
      sites = sites.filter { structure.types[$0] == type }
      guard !sites.isEmpty else {
        throw section.error("species", "\(name) has no atoms here", hint: "there are " + structure.species.joined(separator: ", "))
      }
    }
    let count = section["count"]?.integer ?? Int((section.double("fraction") * Double(sites.count)).rounded())
    guard count <= sites.count else {
      throw section.error("count", "is \(count) of \(sites.count) atoms", hint: "at most as many as there are")
    }
    let before = charge(structure, setting.charges)
    structure.remove(Array(structure.shuffled(sites, setting.draw).prefix(count)))
    return "\(count) of \(sites.count) atoms taken out" + (try compensate(section, &structure, from: before, setting))
  }
}
