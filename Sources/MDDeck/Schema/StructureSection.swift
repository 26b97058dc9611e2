extension DeckSchema {
  /// Where atoms may come from.
  static let sources = ["file", "lattice", "crystal", "grain_boundary", "interface", "polycrystal", "spherical_grain", "crack", "enumerate", "match"]

  static func structure(_ parts: DeckParts) -> DeckObject {
    let modifier = DeckObject.choice(
      "One change.", parts.modifiers.map { .optional($0.name, .object($0.schema), $0.schema.doc) })
    return DeckObject(
      "The atoms: from a file, or built.", sourceKeys + [
        .defaulted("replicate", .vector(.copies), "[1, 1, 1]", "Copies along the cell vectors."),
        .optional("periodic", .vector(.boolean), "Which cell vectors repeat; as the source says if absent."),
        .optional(
          "modify", .list(.object(modifier), count: 1...1000),
          "Changes of the structure, made in this order after the copies. Random ones depend on `seed` and on atoms' numbers only."),
      ],
      rules: [.init(.exactlyOne, of: sources)])
  }

  private static let sourceKeys: [DeckKey] = [
    .optional("file", .object(structureFile), "Reads a structure."),
    .optional("lattice", .object(lattice), "A crystal of a named lattice."),
    .optional("crystal", .object(crystal), "A crystal of any cell and basis."),
    .optional("grain_boundary", .object(grainBoundary), "A bicrystal of a cubic crystal."),
    .optional("interface", .object(interface), "Two crystals of any kind that meet in a plane."),
    .optional("polycrystal", .object(polycrystal), "Grains that fill a periodic cell."),
    .optional("spherical_grain", .object(sphericalGrain), "A ball of a crystal in another."),
    .optional("crack", .object(crack), "A crack in a crystal."),
    .optional("enumerate", .object(enumeration), "No structure, but a table of coincidence rotations."),
    .optional("match", .object(match), "No structure, but a table of cells that two crystals have in common."),
  ]

  static let structureFile = DeckObject(
    "A structure from a file; of several frames the last.",
    [
      .required("path", .path(.input), "The file."),
      .optional(
        "format", .enumeration(StructureFormat.allCases.map(\.rawValue)),
        "Its format; found from the name and the content if absent."),
      .optional(
        "species", .list(.string, count: 1...1000),
        "Names of the types 1, 2, … of a lammps-data file or dump that names no elements, or 0, 1, … of MLIP's .cfg; there "
          + "the `elements` of an `mtp` potential if absent."),
    ],
    example: "structure: {file: {path: slab.extxyz}, replicate: [2, 2, 1]}")

  /// Å.
  private static let plausibleConstant = NumberRange.positive.plausibly(1...100)

  private static let constant = DeckKind.either([
    .quantity(.length, plausibleConstant), .enumeration(["equilibrium"]),
  ])
  private static let constantDoc =
    "Lattice constant a; `equilibrium`: the one (and c) at which this deck's potential has the crystal at 0 K."
  private static let pressure = DeckKey.defaulted(
    "pressure", .quantity(.pressure, .any.plausibly(1e-6...1e8)), "0",
    "The pressure that the crystal is under, with `constant: equilibrium`.")

  private static let vacuum = DeckKey.defaulted(
    "vacuum", .vector(.quantity(.length, .nonNegative.plausibly(0.1...1000))), "[0, 0, 0]", "Empty space added along each axis.")
  private static let size = DeckKey.defaulted(
    "size", .vector(.copies), "[1, 1, 1]", "Number of cells along each axis.")

  /// The keys of a named lattice's cell.
  private static let latticeKeys: [DeckKey] = [
    .required("type", .enumeration(LatticeKind.allCases.map(\.rawValue)), "The lattice."),
    .required("constant", constant, constantDoc),
    pressure,
    .optional(
      "c", .quantity(.length, plausibleConstant),
      "Lattice constant c of hcp and wurtzite; √(8/3)·a if absent, the potential's with `equilibrium`."),
    .required(
      "species", .list(.string, count: 1...3),
      """
      Species of the sublattices: rocksalt [Na, Cl], cscl [Cs, Cl], zincblende and wurtzite [Zn, S], \
      fluorite [Ca, F], perovskite [A, B, X].
      """),
  ]

  static let namedCell = DeckObject("The conventional cell of a named lattice.", latticeKeys)

  static let lattice = DeckObject(
    "Conventional cells of a named lattice, or the smallest orthogonal cell in a given orientation.",
    latticeKeys + [
      size,
      .optional(
        "orientation", .vector(.vector(.integer(-1000...1000))),
        "Crystal directions along x, y, z: orthogonal, right-handed. Cubic lattices only."),
      vacuum,
    ],
    example: """
      structure:
        lattice:
          type: bcc
          constant: 3.165
          species: [Mo]
          size: [10, 10, 10]
          orientation: [[1, 1, 0], [-1, 1, 0], [0, 0, 1]]
      """)

  private static let cellKeys: [DeckKey] = [
    .required("cell", .vector(.vector(.quantity(.length, .any))), "Cell vectors a, b, c as rows."),
    .required("basis", .list(.object(site), count: 1...100_000), "The atoms of the cell."),
  ]

  static let anyCell = DeckObject("A cell and its basis.", cellKeys)

  static let crystal = DeckObject(
    "A crystal of any cell and basis.",
    cellKeys + [
      size,
      vacuum,
    ],
    example: """
      structure:
        crystal:
          cell: [[4.12, 0, 0], [0, 4.12, 0], [0, 0, 4.12]]
          basis:
            - {species: Cs, position: [0, 0, 0]}
            - {species: Cl, position: [0.5, 0.5, 0.5]}
          size: [8, 8, 8]
      """)

  private static let site = DeckObject(
    "One atom of the basis.",
    [
      .required("species", .string, "Its species."),
      .required("position", .vector(.number(NumberRange(from: -1e5, to: 1e5))), "Fractional coordinates."),
    ])

  static let grainBoundary = DeckObject(
    """
    A coincidence-site-lattice boundary. The boundary lies in the xy plane. A symmetric tilt boundary has mirrored \
    grains, the tilt axis along y and a plane that holds the axis; a twist boundary has its plane normal to the axis.
    """,
    [
      .required("kind", .enumeration(["tilt", "twist"]), "Symmetric tilt or twist."),
      .required("lattice", .enumeration(LatticeKind.cubic.map(\.rawValue)), "The lattice of both grains."),
      .required("constant", constant, constantDoc),
      pressure,
      .required("species", .list(.string, count: 1...3), "Species of the sublattices, as in `structure.lattice`."),
      .required("axis", .vector(.integer(-100...100)), "Rotation axis [u, v, w]."),
      .optional(
        "sigma", .integer(3...100_000),
        "Σ, the inverse density of coincidence sites; odd. Required, but for a `search` of a family of boundaries."),
      .optional("plane", .vector(.integer(-1000...1000)), "Boundary plane (h, k, l); required for tilt."),
      .defaulted(
        "repeat", .list(.copies, count: 2...2), "[1, 1]", "Copies of the in-plane period along x, y."),
      .defaulted(
        "thickness", .quantity(.length, .positive.plausibly(5...5000)), "40",
        "Least length of each grain along the normal."),
      .defaulted(
        "free_surfaces", .boolean, "false",
        "One boundary between free surfaces, rather than two in a cell that repeats along the normal."),
      .optional(
        "vacuum", .quantity(.length, .positive.plausibly(1...1000)),
        "Empty space beyond the free surfaces, in all; 20 Å if absent."),
      .defaulted(
        "shift", .list(.number(NumberRange(from: -1e5, to: 1e5)), count: 2...2), "[0, 0]",
        "Rigid shift of the upper grain in the plane, in fractions of the in-plane period."),
      .defaulted(
        "expansion", .quantity(.length, .any.plausibly(1e-4...10)), "0",
        "Additional distance between the grains at each boundary; negative brings them together. It changes no "
          + "number of atoms."),
      .optional(
        "overlap", .quantity(.length, .nonNegative.plausibly(0.1...10)),
        "Atoms closer than this before the expansion become one; 0 keeps all, 0.7 nearest-neighbour distances if "
          + "absent."),
    ],
    example: """
      structure:
        grain_boundary:
          kind: tilt
          lattice: bcc
          constant: 3.165
          species: [Mo]
          axis: [0, 0, 1]
          sigma: 5
          plane: [3, 1, 0]
          repeat: [2, 4]
          thickness: 40
          overlap: 1.5
      """)
}
