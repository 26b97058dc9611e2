extension DeckSchema {
  static let polycrystal = DeckObject(
    """
    Grains that fill a periodic cell of any shape: Laguerre–Voronoi cells of seeds, each with the crystal in its own orientation. \
    Ranks share the grains out; the atoms are the same on any number of them.
    """,
    [
      .required("of", .object(crystalSource), "The crystal of all grains."),
      .required(
        "cell",
        .either([
          .vector(.quantity(.length, .positive.plausibly(5...1e5))), .vector(.vector(.quantity(.length, .any))),
        ]), "Edges of a rectangular cell, or three cell vectors as rows."),
      .optional("grains", .integer(1...100_000), "How many, at random."),
      .optional("seeds", .list(.object(seed), count: 1...100_000), "Or one by one."),
      .optional(
        "spread", .number(NumberRange(from: 0, to: 1)),
        "Deviation of ln d of the diameters, which then have a log-normal distribution (0: all alike); seeds are moved and weighted to "
          + "that end. As seeds fall if absent."),
      .optional("texture", .object(texture), "A common direction of the grains; at random if absent."),
      .defaulted(
        "columns", .boolean, "false",
        "Whether grains are columns along z: needs a texture along z; the cell's height becomes whole periods."),
      .optional(
        "overlap", .quantity(.length, .nonNegative.plausibly(0.1...10)),
        "Of atoms of two grains closer than this one is left, that of the grain with the smaller number; 0.7 nearest-neighbour "
          + "distances if absent."),
      .defaulted(
        "remove", .enumeration(["atoms", "formula_units"]), "atoms",
        "`formula_units` leaves each grain whole formula units, by taking out more atoms at its surface."),
    ],
    rules: [.init(.exactlyOne, of: ["grains", "seeds"])],
    example: """
      structure:
        polycrystal:
          of: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}
          cell: [80, 80, 80]
          grains: 6
          spread: 0.2
      """)

  private static let seed = DeckObject(
    "A grain.",
    [
      .required("at", .vector(.number(.any)), "Its seed, fractions of the cell."),
      .defaulted("weight", .number(.any), "0", "Of the seed in the diagram, Å²: more of it is a larger grain."),
      .optional("axis", .vector(.number(.any)), "Cartesian axis about which the crystal is turned; at random, or by the texture, if absent."),
      .defaulted("angle", .number(NumberRange(from: -360, to: 360)), "0", "By how much, degrees."),
    ])

  private static let texture = DeckObject(
    "A fibre texture.",
    [
      .required("direction", .vector(.integer(-100...100)), "Direction [u, v, w] of the crystal that is common."),
      .defaulted("along", .enumeration(["x", "y", "z"]), "z", "The axis that it is along."),
      .defaulted(
        "spread", .number(NumberRange(from: 0, to: 90)), "0", "Deviation of the tilt from it, degrees, of the normal distribution."),
    ])
}
