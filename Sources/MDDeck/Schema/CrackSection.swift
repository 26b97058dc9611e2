/// Cracks and what loads them.
extension DeckSchema {
  private static let indices = DeckKind.vector(.integer(-20...20))
  private static let length = DeckKind.quantity(.length, .positive.plausibly(5...1e5))
  package static let stressIntensity = DeckKind.quantity(.stressIntensity, .any.plausibly(1e-4...100))

  /// What examples of keys about cracks are about.
  package static let crackExample = """
    structure:
      crack:
        of: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}
        plane: [1, 1, 1]
        front: [1, -1, 0]
        radius: 60
        elastic: [170, 123, 76]
        k: 0.2
    """

  static let crack = DeckObject(
    """
    A sharp crack: a cylinder or a bar of crystal around a straight front, displaced by the elastic field of the crack's tip in \
    this very crystal. The front is along z, which is periodic; the crack plane has the normal y; the crack is open at small x \
    and runs along x, plane normal × front. The outer ring is the group `crack_ring`: it is held.
    """,
    [
      .required("of", .object(crystalSource), "The crystal."),
      .required("plane", .vector(.integer(-20...20)), "Miller indices (h, k, l) of the crack plane."),
      .required("front", indices, "Direction [u, v, w] of the front, in that plane."),
      .optional("radius", length, "Of a cylinder."),
      .optional("size", .list(length, count: 2...2), "Lengths of a bar along x and y."),
      .defaulted(
        "ring", length, "12",
        "Thickness of the outer ring that follows the elastic field; at least the potential's cutoff, twice that where an atom's "
          + "energy depends on more than pairs."),
      .defaulted("repeat", .copies, "1", "Periods of the crystal along the front."),
      .defaulted(
        "cut", .integer(0...1000), "0",
        "Which gap between atomic planes is the crack's: 0 the widest, 1 the next wide one."),
      .defaulted(
        "tip", .list(.quantity(.length, .any), count: 2...2), "[0, 0]", "x and y of the tip from the middle of the body."),
      .defaulted(
        "slit", .quantity(.length, .nonNegative.plausibly(0.1...100)), "0",
        "Height of a slit that is cut out along the crack, so that its faces do not feel each other; 0 leaves all atoms."),
      .defaulted(
        "elastic",
        .either([.enumeration(["measured"]), .list(.number(.any), count: 3...36)]), "measured",
        "Elastic constants, GPa: those of this deck's potential at 0 K; or C₁₁, C₁₂, C₄₄ of a cubic crystal, or C_ij row by row, along "
          + "the axes of the crystal's cell."),
      .optional(
        "surface_energy", .either([.enumeration(["measured"]), .quantity(.surfaceEnergy, .positive.plausibly(0.01...100))]),
        "γ of the crack's faces, for Griffith's K_G at which G = 2γ: `measured` relaxes a slab; unknown if absent."),
      .optional(
        "emission", .object(emission),
        "A slip system, for Rice's K at which a dislocation leaves the tip, beside Griffith's."),
      .defaulted(
        "mode", .vector(.number(.any)), "[1, 0, 0]",
        "Proportions of K_I (opening), K_II (sliding) and K_III (tearing); all K below are along it."),
      .optional("k", stressIntensity, "K that the structure is built with."),
      .optional("of_griffith", .number(.any.plausibly(0.01...10)), "The same in units of K_G; needs `surface_energy`."),
    ],
    rules: [.init(.exactlyOne, of: ["radius", "size"]), .init(.exactlyOne, of: ["k", "of_griffith"])],
    example: """
      structure:
        crack:
          of: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}
          plane: [1, 1, 1]
          front: [1, -1, 0]
          radius: 60
          elastic: [170, 123, 76]
          surface_energy: 1.3 J/m²
          of_griffith: 0.9
      """)

  private static let emission = DeckObject(
    "A plane that has the crack's front in it, and how atoms slip on it.",
    [
      .required("plane", indices, "Miller indices (h, k, l) of the slip plane."),
      .required(
        "displacement", .vector(.number(NumberRange(from: -100, to: 100))),
        "Where the γ-line ends, in fractions of the cell's vectors, as in the task `gamma_line`: the slip's direction."),
      .defaulted(
        "unstable_energy", .either([.enumeration(["measured"]), .quantity(.surfaceEnergy, .positive.plausibly(0.001...100))]), "measured",
        "γ_us, the highest energy of that line: computed at 41 points with atoms relaxed along the normal, or given."),
    ],
    example: """
      structure:
        crack:
          of: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}
          plane: [0, 0, 1]
          front: [1, 1, 0]
          radius: 60
          elastic: [170, 123, 76]
          surface_energy: 1.3 J/m²
          emission: {plane: [1, -1, 1], displacement: [0.166667, -0.166667, -0.333333], unstable_energy: 0.16 J/m²}
          of_griffith: 0.9
      """)

  private static func load(_ what: String) -> [DeckKey] {
    [
      .optional(
        "k", .either([stressIntensity, .list(stressIntensity, count: 2...2)]), "K \(what), along the structure's `mode`."),
      .optional(
        "of_griffith", .either([.number(.any), .list(.number(.any), count: 2...2)]),
        "The same in units of K_G; needs the structure's `surface_energy`."),
      .defaulted(
        "follow", .boolean, "false",
        "Whether the field's centre is brought to the tip as broken bonds showed it last; else it stays where it is."),
    ]
  }
  private static let oneLoad = DeckObject.Rule(.exactlyOne, of: ["k", "of_griffith"])

  /// A load of dynamics.
  package static let kField = DeckObject(
    "Holds the ring of `structure.crack` in the elastic field of K. Writes crack.csv.", load("held, or [start, end] of a ramp over the stage"),
    rules: [oneLoad],
    example: crackExample + "\nstages:\n  - dynamics: {steps: 10000, k_field: {k: [0.2, 0.6]}}")

  static let kIncrements = DeckObject(
    "Quasi-static loading of `structure.crack`: from K to K in equal increments, all atoms displaced by the field of each and "
      + "relaxed, with a row of crack.csv for each. A decreasing K unloads.",
    load("[start, end]") + [.required("count", .integer(1...1_000_000), "Number of increments; the start is relaxed too.")],
    rules: [oneLoad],
    example: crackExample + "\nstages:\n  - minimize: {k_increments: {k: [0.2, 0.6], count: 40}}")

  static let kPath = DeckObject(
    "From equilibrium to equilibrium of `structure.crack`, where the atoms, the place of the ring's field and K are unknown: a curve that climbs to "
      + "K₊, at which the crack advances, goes on through unstable states to K₋, and so on, with a row of crack.csv for each point.",
    [
      .optional("k", stressIntensity, "K at which it is relaxed first, along the structure's `mode`; the path begins nearby."),
      .optional("of_griffith", .number(.any.plausibly(0.01...10)), "The same in units of K_G; needs the structure's `surface_energy`."),
      .required("points", .integer(1...100_000), "Points on the path."),
      .defaulted(
        "step", .quantity(.length, .positive.plausibly(1e-3...5)), "0.25",
        "Largest distance between points: 1 Å of the place is as far as 1 % of K. It is halved where the path is lost."),
      .defaulted("direction", .enumeration(["advance", "retreat"]), "advance", "Which way the crack goes from the start."),
    ],
    rules: [oneLoad],
    example: crackExample.replacing("radius: 60", with: "radius: 60\n    ring: 24")
      + "\nstages:\n  - minimize: {force_tolerance: 1e-5, k_path: {k: 0.3, points: 60}}")
}
