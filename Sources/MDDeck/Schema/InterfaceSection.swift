/// Interfaces of two crystals, and tables of what there is.
extension DeckSchema {
  private static let direction = DeckKind.vector(.integer(-1000...1000))
  private static let pairOfDirections = DeckKind.list(direction, count: 2...2)
  private static let fraction = DeckKind.number(NumberRange(from: 0, to: 0.5).plausibly(1e-6...0.2))

  /// One cell of a crystal: what crystals of interfaces and tables are given by.
  static let crystalSource = DeckObject.choice(
    "A crystal: one cell of it. Indices of planes and directions are those of this cell.",
    [
      .optional("lattice", .object(namedCell), "A named lattice."),
      .optional("crystal", .object(anyCell), "Any cell and basis."),
      .optional("file", .object(structureFile), "A cell from a file."),
    ])

  private static let area = DeckKey.defaulted(
    "max_area", .number(.positive.plausibly(1...1e5)), "400", "Largest area of a common cell, Å².")
  private static let strain = DeckKey.defaulted(
    "max_strain", fraction, "0.03", "Largest principal strain of a crystal that takes all of it.")
  private static let strainTo = DeckKey.defaulted(
    "strain_to", .enumeration(["lower", "upper", "both"]), "upper", "Which crystal is strained to fit the other; `both` share it.")

  static let interface = DeckObject(
    """
    An interface of two crystals: a grain boundary, a twin, a heterointerface. It lies in the xy plane, the first edge of \
    its cell along x. The log says Σ, planes, cells, strain, terminations, what was removed.
    """,
    [
      .required("lower", .object(crystalSource), "The crystal below."),
      .optional("upper", .object(crystalSource), "The crystal above; the lower one if absent."),
      .optional(
        "relation", .object(relation), "How they lie to each other; left out only where `search.family.miller` has the planes."),
      area, strain, strainTo,
      .defaulted(
        "thickness",
        .either([
          .quantity(.length, .positive.plausibly(5...5000)), .list(.quantity(.length, .positive.plausibly(5...5000)), count: 2...2),
        ]), "40", "Least thickness of the crystals, or [lower, upper]."),
      .defaulted("repeat", .list(.copies, count: 2...2), "[1, 1]", "Copies of the common cell along its edges."),
      .defaulted("rectangular", .boolean, "false", "Whether the smallest rectangle is taken, not the smallest cell."),
      .defaulted(
        "free_surfaces", .boolean, "false",
        "One interface between free surfaces, rather than two in a cell that repeats along the normal."),
      .optional(
        "vacuum", .quantity(.length, .positive.plausibly(1...1000)),
        "Empty space beyond the free surfaces, in all; 20 Å if absent."),
      .defaulted(
        "termination", .integer(0...1_000_000), "0", "Which of the terminations, from 0; the log of `build` and `check` lists them."),
      .defaulted(
        "shift", .list(.number(NumberRange(from: -1e5, to: 1e5)), count: 2...2), "[0, 0]",
        "Rigid shift of the upper crystal in the plane, in fractions of the cell of non-identical displacements."),
      .defaulted(
        "expansion", .quantity(.length, .any.plausibly(1e-4...10)), "0",
        "Additional distance at each interface; negative brings the crystals together. It changes no number of atoms."),
      .optional(
        "overlap", .quantity(.length, .nonNegative.plausibly(0.1...10)),
        "Atoms closer than this before the expansion are too close; 0 keeps all, 0.7 of the shorter nearest-neighbour distance "
          + "if absent."),
      .defaulted(
        "remove", .enumeration(["atoms", "formula_units"]), "atoms",
        "Of two atoms too close: `atoms` leaves one, in the middle of two of a species; `formula_units` takes out one with "
          + "the others of its formula unit."),
      .defaulted(
        "neutral", .boolean, "false",
        "Whether the cell must be neutral: by the charges in `species`, or else by the crystals' proportions."),
    ],
    example: """
      structure:
        interface:
          lower: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}
          upper: {lattice: {type: fcc, constant: 3.52, species: [Ni]}}
          relation: {parallel: {planes: [[1, 1, 1], [1, 1, 1]], directions: [[1, -1, 0], [1, -1, 0]]}}
          max_area: 2000
          strain_to: both
      """)

  private static let relation = DeckObject.choice(
    "One of four ways to say how two crystals lie to each other.",
    [
      .optional("coincidence", .object(coincidence), coincidence.doc),
      .optional("rotation", .object(rotation), rotation.doc),
      .optional("parallel", .object(parallel), parallel.doc),
      .optional("match", .object(chosenMatch), chosenMatch.doc),
    ])

  private static let coincidence = DeckObject(
    "A coincidence rotation of one lattice about an axis, and the plane of the boundary in the lower crystal.",
    [
      .required("axis", direction, "Rotation axis [u, v, w]."),
      .required("sigma", .integer(1...100_000), "Σ, cells of the lower lattice in one of the coincidence lattice."),
      .required("plane", direction, "Boundary plane (h, k, l): any; tilt, twist or mixed."),
      .optional(
        "angle", .number(NumberRange(from: 0, to: 180)),
        "Degrees, of several rotations with this Σ; if absent the one that makes the plane a symmetric tilt boundary, or the "
          + "smallest."),
    ],
    example: """
      structure:
        interface:
          lower: {lattice: {type: bcc, constant: 3.165, species: [Mo]}}
          relation: {coincidence: {axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]}}
      """)

  private static let rotation = DeckObject(
    "The upper crystal's axes turned from the lower one's; its plane is the one of small indices that comes nearest.",
    [
      .required("axis", direction, "Rotation axis [u, v, w] of the lower crystal."),
      .required("angle", .number(NumberRange(from: -180, to: 180)), "Degrees."),
      .required("plane", direction, "Boundary plane (h, k, l) of the lower crystal."),
    ])

  private static let parallel = DeckObject(
    "A plane and a direction of the lower crystal along those of the upper one.",
    [
      .required("planes", pairOfDirections, "(h, k, l) of the lower and of the upper crystal."),
      .required("directions", pairOfDirections, "[u, v, w] in these planes."),
    ])

  private static let chosenMatch = DeckObject(
    "One of the matches of two planes, as `structure.match` lists them.",
    [
      .required("planes", pairOfDirections, "(h, k, l) of the lower and of the upper crystal."),
      .defaulted("number", .integer(0...1_000_000), "0", "Its number in the list; 0 has the least area."),
    ])

  static let enumeration = DeckObject(
    "A table of coincidence rotations, which `build` and `check` print: Σ, angle, planes of symmetric tilt boundaries.",
    [
      .optional("of", .object(crystalSource), "The crystal; cubic if absent."),
      .required("axis", direction, "Rotation axis [u, v, w]."),
      .defaulted("sigma_max", .integer(1...2000), "51", "The largest Σ."),
      .defaulted(
        "max_strain", fraction, "0.01",
        "Largest strain to a lattice that is in exact coincidence, where squares of axial ratios are not rational."),
    ],
    example: """
      structure:
        enumerate: {axis: [0, 0, 1], sigma_max: 29}
      """)

  static let match = DeckObject(
    """
    A table of the cells that planes of two crystals have in common, which `build` and `check` print: area, strain and \
    its energy, one of each kind by symmetry; marked where no other has both less area and less energy.
    """,
    [
      .required("lower", .object(crystalSource), "The crystal below."),
      .required("upper", .object(crystalSource), "The crystal above."),
      .defaulted(
        "miller", .either([.integer(1...4), .list(pairOfDirections, count: 1...1000)]), "1",
        "Pairs of planes [[h, k, l], [h, k, l]], or the largest index of all forms of planes."),
      area, strain, strainTo,
      .optional(
        "elastic", .list(.list(.number(.any.plausibly(0.01...5000)), count: 3...36), count: 2...2),
        "Elastic constants of the lower and the upper crystal, GPa: [C11, C12, C44] of a cubic one along its axes, or all 36, row by "
          + "row, in Voigt's notation."),
      .defaulted("show", .integer(1...100_000), "10", "Rows of each pair of planes."),
    ],
    example: """
      structure:
        match:
          lower: {lattice: {type: diamond, constant: 5.431, species: [Si]}}
          upper: {lattice: {type: diamond, constant: 5.658, species: [Ge]}}
          miller: [[[1, 0, 0], [1, 0, 0]]]
          max_area: 120
          max_strain: 0.045
      """)
}
