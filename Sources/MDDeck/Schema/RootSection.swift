extension DeckSchema {
  static func root(_ parts: DeckParts) -> DeckObject {
    let family = DeckObject.choice(
      """
      Interatomic potentials. Energies, forces and virials of all entries are added up, so that a short-ranged \
      repulsion is one more entry. Species are matched by name.
      """,
      parts.potentials.map { .optional($0.name, .object($0.schema), $0.schema.doc) })
    return DeckObject(
      """
      A deck is one YAML document. Quantities are plain numbers in the unit of the table, or text with a unit: \
      `1 fs`, `2.5 nm`, `300 K`. Unknown keys are errors. A number far from what its key has as a rule is taken with a \
      warning. Paths of input files start at the deck's folder.
      """,
      [
        .optional("title", .string, "A line for the log and the report."),
        .defaulted(
          "seed", .integer(0...Int.max), "1",
          "Seed of every random number; the same deck with the same seed gives the same run."),
        .optional("structure", .object(structure(parts)), "Where the atoms come from."),
        .optional(
          "species", .map(.object(speciesEntry), of: "species", maximum: 1000),
          "Properties of species whose names are not elements, or whose mass is not the standard one."),
        .optional("potential", .list(.object(family), count: 1...100), "Interatomic potentials, added up."),
        .optional(
          "groups", .map(.object(group), of: "groups", maximum: 32),
          "Named sets of atoms that are held, moved or left out of the thermostat."),
        .optional("velocities", .object(velocities), "Random velocities at the start."),
        .defaulted("neighbors", .object(neighbors), "{}", "Neighbour lists."),
        .defaulted("decomposition", .object(decomposition), "{}", "How the cell is divided among ranks."),
        .optional("stages", .list(.object(stage(parts)), count: 1...1000), "What is done, one after the other."),
        .optional(
          "tasks", .list(.object(task(parts)), count: 1...1000),
          "In place of stages: numbers that the crystal of `structure` is known by. It is brought to its equilibrium at 0 K first."),
        .optional(
          "search", .object(search),
          "In place of stages: the state of the grain boundary of `structure` with the lowest energy, from many starts."),
        .defaulted("analysis", .object(analysis(parts)), "{}", "Quantities computed on the way."),
        .defaulted("output", .object(output(parts)), "{}", "What is written, and where."),
        .defaulted(
          "scan",
          .map(
            .list(.either([.boolean, .integer(Int.min...Int.max), .number(.any), .string]), count: 1...ScanPlan.largest),
            of: "keys", maximum: 20), "{}",
          "Values that keys take, as `--set` names them: a run of each combination in a folder of its own, and a table of "
            + "results. `scan: {structure.lattice.constant: [3.60, 3.62, 3.64]}`"),
      ],
      rules: [.init(.atMostOne, of: ["stages", "tasks", "search"])],
      example: """
        structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [10, 10, 10]}}
        potential:
          - eam: {parameters: zhou2004}
        velocities: {temperature: 300 K}
        stages:
          - dynamics: {steps: 10000, timestep: 1 fs}
        """)
  }

  static let speciesEntry = DeckObject(
    "One species. Names that are chemical symbols need no entry.",
    [
      .optional(
        "mass", .quantity(.mass, .positive.plausibly(0.5...400)),
        "Mass of an atom; the element's standard weight if absent."),
      .optional("element", .string, "Chemical symbol, for a name that is none; gives mass and atomic number."),
      .optional(
        "charge", .quantity(.charge, .any.plausibly(1e-6...20)),
        "Charge of every atom of the species for the potential `coulomb`; overrides charges in the structure."),
      .optional(
        "charge_width", .quantity(.length, .positive.plausibly(0.01...10)),
        "σ of a Gaussian charge ∝ e^(−r²/2σ²); a point charge if absent."),
    ],
    example: """
      species:
        Fe_up: {element: Fe}
        D: {element: H, mass: 2.014}
        Na: {charge: 1}
      """)

  static let group = DeckObject(
    """
    One group. An atom belongs to it if it meets every criterion of `select` in the initial structure; \
    it stays a member wherever it goes.
    """,
    [
      .required("select", .object(selection), "Which atoms."),
      .defaulted("frozen", .boolean, "false", "Whether the atoms stay where they are."),
      .optional(
        "velocity", .vector(.quantity(.velocity, .any.plausibly(1e-9...100))),
        "Moves the atoms at this constant velocity [vx, vy, vz]; forces on them are ignored."),
      .defaulted("thermostat", .boolean, "true", "Whether thermostats act on the atoms."),
    ],
    rules: [],
    example: """
      groups:
        bottom: {select: {region: {z: [0, 5]}}, frozen: true}
        grip: {select: {region: {z: [95, 100]}}, velocity: [0, 0, 0.1]}
      """)

  package static let selection = DeckObject(
    "Criteria; an atom must meet all that are given.",
    [
      .optional("species", .list(.string, count: 1...1000), "Species by name."),
      .optional("region", .object(region("Å", .quantity(.length, .any))), "A box in Cartesian coordinates."),
      .optional(
        "fractional_region", .object(region("fractions of the cell vectors", .number(.any))),
        "A box in fractional coordinates, 0 to 1 across the cell."),
      .optional("sphere", .object(sphere), "A ball."),
      .optional("cylinder", .object(cylinder), "A cylinder without ends."),
      .optional("ids", .list(.integer(1...1_000_000_000_000_000), count: 2...2), "Atom numbers [first, last], both included, from 1."),
      .optional("grain", .integer(0...1_000_000_000), "Grain that a builder put the atom in, from 0."),
      .optional(
        "held", .boolean,
        "Whether the structure's file holds the atom in place: selective dynamics of a POSCAR, constraints of ASE."),
    ],
    rules: [.init(.atLeastOne, of: ["species", "region", "fractional_region", "sphere", "cylinder", "ids", "grain", "held"])],
    example: """
      groups:
        upper_oxygen: {select: {species: [O], fractional_region: {z: [0.5, 1]}}, thermostat: false}
      """)

  private static func region(_ unit: String, _ kind: DeckKind) -> DeckObject {
    let keys = ["x", "y", "z"]
    return DeckObject(
      "Bounds [low, high) by axis, in \(unit); an axis without bounds is not looked at.",
      keys.map { .optional($0, .list(kind, count: 2...2), "Low and high bound along \($0).") },
      rules: [.init(.atLeastOne, of: keys)])
  }

  private static let center = DeckKey.required("center", .vector(.quantity(.length, .any)), "Its centre [x, y, z].")
  private static let radius = DeckKey.required("radius", .quantity(.length, .positive), "Its radius.")
  private static let sphere = DeckObject(
    "A ball; of a centre in a periodic cell the nearest image counts.", [center, radius])
  private static let cylinder = DeckObject(
    "A cylinder without ends along a Cartesian axis; of a centre in a periodic cell the nearest image counts.",
    [.required("axis", .enumeration(["x", "y", "z"]), "Its direction."), center, radius],
    example: """
      groups:
        core: {select: {cylinder: {axis: z, center: [50, 50, 0], radius: 1 nm}}}
      """)

  static let velocities = DeckObject(
    "Velocities drawn from the Maxwell–Boltzmann distribution at the start of the first dynamics stage, scaled to the "
      + "exact temperature, or to twice of it for a crystal.",
    [
      .required("temperature", .quantity(.temperature, .nonNegative.plausibly(0.001...50_000)), "Temperature of the mobile atoms."),
      .defaulted("zero_momentum", .boolean, "true", "Whether the total momentum of the mobile atoms is removed."),
      .defaulted(
        "of_crystal", .boolean, "false",
        "For atoms at their sites of rest: draws at twice the temperature, half of which the vibrations take as potential "
          + "energy within some tenths of a picosecond, so that the temperature then is the one asked."),
    ],
    example: "velocities: {temperature: 300 K}")

  static let neighbors = DeckObject(
    "Lists are built with the potentials' cutoff and the skin, and again once an atom has moved half the skin.",
    [
      .defaulted(
        "skin", .quantity(.length, .positive.plausibly(0.01...10)), "1.0",
        "Distance beyond the cutoff. A larger skin rebuilds less often but makes more ghosts and pairs.")
    ],
    example: "neighbors: {skin: 1.5 Å}")

  static let decomposition = DeckObject(
    "Every rank owns a brick of the cell in fractional coordinates.",
    [
      .optional(
        "grid", .vector(.copies),
        "Ranks along the cell vectors; their product is the number of ranks. Chosen by least surface if absent."),
      .defaulted(
        "balance", .either([.boolean, .enumeration(["atoms", "time"])]), "false",
        "Whether brick boundaries move to even out the atoms (true is the same as atoms) or the time that forces take."),
      .defaulted(
        "latency", .quantity(.time, .positive.plausibly(1e5...1e9)), "1.5 µs",
        "Of a message, for what `check --ranks-per-node` reckons."),
      .defaulted(
        "bandwidth", .number(.positive.plausibly(0.1...1000)), "10",
        "GB/s that a node's link carries, for what `check --ranks-per-node` reckons."),
    ],
    example: "decomposition: {grid: [1, 1, 4]}")

  private static func task(_ parts: DeckParts) -> DeckObject {
    DeckObject.choice("One task.", parts.tasks.map { .optional($0.name, .object($0.schema), $0.schema.doc) })
  }

  /// Regions and instruments, if there are any.
  private static func measurements(_ parts: DeckParts) -> [DeckKey] {
    guard !parts.instruments.isEmpty else { return [] }
    let instrument = DeckObject.choice(
      "One observer of structure, transport or profiles in stages of dynamics. It writes NAME.csv and an entry of "
        + "results.json.", parts.instruments.map { .optional($0.name, .object($0.schema), $0.schema.doc) })
    let region = DeckObject.choice(
      "One region.", parts.regions.map { .optional($0.name, .object($0.schema), $0.schema.doc) },
      example: """
        analysis:
          regions:
            gb: {boundary: {crystal: bcc, width: 10}}
            grains: {bulk: {away_from: gb, distance: 8}}
          measure:
            - cna: {}
            - profile: {along: c, quantities: [density, stress]}
        """)
    return [
      .optional(
        "regions", .map(.object(region), of: "regions", maximum: 100), "Parts of space that observers can be about (`of`)."),
      .optional("measure", .list(.object(instrument), count: 1...100), "Observers of structure, transport and profiles."),
    ]
  }

  private static func analysis(_ parts: DeckParts) -> DeckObject {
    DeckObject(
      "Quantities computed on the way: written to the log and to run.json, or to tables of their own and to results.json.",
      parts.observers.map { .optional($0.name, .object($0.schema), $0.schema.doc) } + measurements(parts),
      example: """
        analysis: {boundary_energy: {}}
        stages:
          - minimize: {force_tolerance: 0.001}
        """)
  }
}
