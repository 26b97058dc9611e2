import MDCore
import MDDeck
import MDIO
import MDPotentialFiles
import MDPotentials

extension Registry.Family {
  static let mtp = Registry.Family(
    "mtp",
    DeckObject(
      "Moment tensor potential (Shapeev 2016) from the files of MLIP-2 (`.mtp`) and MLIP-3 (`.almtp`).",
      [
        .optional("file", .path(.input), "The potential, of version 1.1.0."),
        .optional(
          "committee", .list(.path(.input), count: 2...100),
          "Files of several potentials for the same elements: their mean counts, their spread is measured."),
        .required(
          "elements", .list(.string, count: 1...118),
          "What the file's types are, in its order: the file does not say it, and a wrong order cannot be seen in it."),
        .optional(
          "active_set", .path(.input),
          "State of MLIP-2 (`.als`, `.mvs`) for extrapolation grades; an `.almtp` file has its own."),
        speciesKey,
      ],
      rules: [.init(.exactlyOne, of: ["file", "committee"])],
      example: """
        potential:
          - mtp: {file: ../potentials/mtp/CuNi-example.almtp, elements: [Cu, Ni]}
        """)
  ) { section, plan, species, _ in
    let types = section.strings("elements")
    if let twice = types.first(where: { name in types.filter { $0 == name }.count > 1 }) {
      throw section.error("elements", "names \(twice) twice")
    }
    if section.gives("active_set"), !section.gives("file") {
      throw section.error(
        "active_set", "is for a single `file`", hint: "give states of MLIP-2 as members of the committee")
    }
    let elements = try elements(section, plan, species)
    let members = try (section["committee"].map(\.strings) ?? [section.path("file")]).map {
      try MTPPotential(
        file: $0, activeSet: section["active_set"]?.string, types: types, elements: elements, species: species)
    }
    return members.count == 1 ? members[0] : PotentialCommittee("mtp", members)
  }
}

extension RunPlan {
  /// What the types of MLIP's files are, if an `mtp` potential says so.
  var mlipTypes: MLIPTypes? {
    numberedTypes.map { MLIPTypes($0, elements: species.compactMapValues(\.element)) }
  }
}
