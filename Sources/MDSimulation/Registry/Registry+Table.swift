import MDCore
import MDDeck
import MDPotentialFiles
import MDPotentials

extension Registry.Family {
  static let table = Registry.Family(
    "table",
    DeckObject(
      """
      Pair interactions from files of LAMMPS `pair_style table`: between two rows the cubic with both energies and \
      both forces. Pairs that are not given do not interact.
      """,
      [
        .required(
          "pairs",
          .list(
            .object(
              DeckObject(
                "The table of one pair of species.",
                [
                  .required("species", .list(.string, count: 2...2), "The two species, in either order."),
                  .required("file", .path(.input), "The file."),
                  .required("keyword", .string, "The section of the file."),
                  .optional("cutoff", .quantity(.length, .positive), "Where it ends; the last row if absent."),
                ])), count: 1...10_000), "Tables by pair of species."),
        .defaulted(
          "truncation", .enumeration(["cut", "shifted"]), "cut",
          "At the cutoff: plain cut, or energy shifted to zero."),
      ],
      example: """
        potential:
          - table: {pairs: [{species: [Ar, Kr], file: rare.table, keyword: AR_KR}]}
        """)
  ) { section, plan, species, _ in
    var tables: [SpeciesPair: TabulatedPair] = [:]
    for value in section.list("pairs") {
      let pair = value.section
      let names = pair.strings("species")
      // A misspelt name would be a pair that does not interact.
      for name in names where !species.contains(name) && plan.element(of: name) == nil {
        throw pair.error("species", "names \(name), which is no species of the structure and no element")
      }
      let table = try TabulatedPair(
        TableFile.read(pair.path("file"), keyword: pair.string("keyword")), cutoff: pair["cutoff"]?.double)
      guard tables.updateValue(table, forKey: SpeciesPair(names[0], names[1])) == nil else {
        throw pair.error("species", "gives the pair \(names[0])–\(names[1]) a second time")
      }
    }
    return try PairPotential(
      tables: tables, truncation: section.string("truncation") == "shifted" ? .shifted : .cut, species: species)
  }
}
