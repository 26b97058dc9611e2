import MDDeck
import MDPotentialFiles
import MDPotentials

extension Registry.Family {
  static let ace = Registry.Family(
    "ace",
    DeckObject(
      """
      Atomic cluster expansion (Drautz 2019) from the files of pacemaker (`.yace`, `.yaml`, the old `.ace`), and \
      GRACE-FS from those of tensorpotential.
      """,
      [
        .optional("file", .path(.input), "The potential. Its elements are in the file."),
        .optional(
          "committee", .list(.path(.input), count: 2...100),
          "Files of several potentials: their mean counts, their spread is measured."),
        .optional(
          "active_set", .path(.input),
          "The inverse active set (`.asi`) of a `.yaml`, for extrapolation grades of atoms."),
        speciesKey,
      ],
      rules: [.init(.exactlyOne, of: ["file", "committee"])],
      example: """
        potential:
          - ace: {file: ../potentials/ace/CuNi-example.yaml, active_set: ../potentials/ace/CuNi-example.asi}
        """)
  ) { section, plan, species, _ in
    if section.gives("active_set"), !section.gives("file") {
      throw section.error("active_set", "is for a single `file`")
    }
    let elements = try elements(section, plan, species)
    let members = try (section["committee"].map(\.strings) ?? [section.path("file")]).map { path in
      try ACEPotential(
        ACEReader.read(path, activeSet: section["active_set"]?.string), elements: elements, species: species,
        path: path)
    }
    return members.count == 1 ? members[0] : PotentialCommittee("ace", members)
  }
}
