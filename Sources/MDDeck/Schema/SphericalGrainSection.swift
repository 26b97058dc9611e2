extension DeckSchema {
  static let sphericalGrain = DeckObject(
    """
    A bicrystal with a boundary of every plane: a ball of the crystal, or of another one, that is turned about its centre, in whole cells \
    of the crystal, which repeat. Ranks share it out; the atoms are the same on any number of them.
    """,
    [
      .required("of", .object(crystalSource), "The crystal around the ball."),
      .optional("grain", .object(crystalSource), "The crystal of the ball; the same if absent."),
      .required("size", .vector(.copies), "Cells of the crystal."),
      .required(
        "radius", .quantity(.length, .positive.plausibly(3...1e5)), "Of the ball, which must not come near its own images."),
      .defaulted("center", .vector(.number(.any)), "[0.5, 0.5, 0.5]", "Of the ball, fractions of the cell."),
      .defaulted("axis", .vector(.number(.any)), "[0, 0, 1]", "Cartesian axis about which the ball's crystal is turned."),
      .defaulted("angle", .number(NumberRange(from: -360, to: 360)), "0", "By how much, degrees."),
      .optional(
        "overlap", .quantity(.length, .nonNegative.plausibly(0.1...10)),
        "Atoms of the crystal around that are closer than this to one of the ball go; 0.7 of the shorter nearest-neighbour distance if "
          + "absent."),
      .defaulted(
        "remove", .enumeration(["atoms", "formula_units"]), "atoms",
        "`formula_units` leaves both crystals whole formula units, by taking out more atoms at the ball's surface."),
    ],
    example: """
      structure:
        spherical_grain:
          of: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}
          size: [20, 20, 20]
          radius: 25
          axis: [1, 1, 1]
          angle: 38.2
      """)
}
