extension DeckSchema {
  static func stage(_ parts: DeckParts) -> DeckObject {
    DeckObject.choice(
      "One stage: a minimisation or a piece of dynamics.",
      [
        .optional("minimize", .object(minimize(parts)), "Moves atoms to a minimum of the energy."),
        .optional("dynamics", .object(dynamics(parts)), "Moves atoms in time."),
      ])
  }

  private static let name = DeckKey.optional(
    "name", .string, "A name for the log; minimize or dynamics and a number if absent.")

  /// From hundredths of what light atoms need to an order of magnitude above what heavy ones allow, ps.
  private static let plausibleStep = NumberRange.positive.plausibly(1e-5...0.01)

  private static func minimize(_ parts: DeckParts) -> DeckObject {
    DeckObject(
      "Relaxes atoms, and the cell with them. It ends when the tolerances are met or the steps are used up.",
      [
        name,
        .defaulted(
          "method", .enumeration(parts.minimizers.map(\.name)), parts.minimizers[0].name,
          parts.minimizers.count == 1 ? parts.minimizers[0].doc : DeckParts.sentence(parts.minimizers) + "."),
        .defaulted(
          "force_tolerance", .quantity(.force, .positive.plausibly(1e-10...1)), "0.001",
          "Largest force component on any atom at the end."),
        .optional(
          "energy_tolerance", .quantity(.energy, .positive.plausibly(1e-15...0.01)),
          "Also ends when the energy changed by less than this, for each atom, in each of ten steps."),
        .optional(
          "cell", .enumeration(["fixed"] + parts.cellShapes.map(\.name)),
          "What of the cell is relaxed: " + DeckParts.sentence(parts.cellShapes)
            + "; `fixed` nothing. If absent, `normal` for grain boundaries that repeat along their normal, `out_of_plane` for "
            + "such interfaces, `fixed` elsewhere."),
        .optional(
          "pressure", .quantity(.pressure, .any.plausibly(1e-6...1e8)),
          "That the relaxed components are to come to; 0 if neither it nor `stress` is given."),
        .optional("stress", .object(stress), "That they are to come to, in place of a pressure."),
        .defaulted(
          "stress_tolerance", .quantity(.pressure, .positive.plausibly(1e-6...1e5)), "1 bar",
          "Largest difference from it at the end, where the cell is relaxed."),
        .defaulted(
          "max_steps", .steps, "10000",
          "Most steps, for each increment if there are such: each is one computation of forces."),
        .optional("increments", .object(increments), "Strains the cell step by step and relaxes at each."),
        .optional("k_increments", .object(kIncrements), "Loads a crack step by step and relaxes at each."),
        .optional("k_path", .object(kPath), "Follows the equilibria of a crack, stable or not, by numerical continuation."),
        .defaulted(
          "timestep", .quantity(.time, plausibleStep), "0.001",
          "Time step at the start of `fire`, which adapts it; others have none."),
      ],
      rules: [.init(.atMostOne, of: ["pressure", "stress"]), .init(.atMostOne, of: ["increments", "k_increments", "k_path"])],
      example: """
        stages:
          - minimize: {force_tolerance: 0.001, max_steps: 5000}
          - minimize: {cell: full, pressure: 1 GPa}
        """)
  }

  /// Six components, positive in tension.
  static let stress = DeckObject(
    "Cauchy's stress, positive in tension; components that are not given are 0.",
    Voigt.names.map {
      .optional($0, .quantity(.pressure, .any.plausibly(1e-6...1e8)), "Component \($0).")
    })

  /// What the stress of a load is of.
  package static let stressVolume = DeckKey.optional(
    "volume", .enumeration(["cell", "matter"]),
    "What the stress is of: the cell, or the matter between the outermost atoms along axes with empty space. Must be given "
      + "where there is such; `cell` elsewhere.")

  package static let stopWhen = DeckObject(
    "About the component that is loaded, of several the first with a rate.",
    [
      .optional("strain", .number(.positive.plausibly(1e-6...10)), "Engineering strain at which it ends."),
      .optional("stress", .quantity(.pressure, .positive.plausibly(1e-3...1e7)), "Stress at which it ends."),
      .optional(
        "stress_drop", .number(NumberRange(from: 0, to: 1, includesLower: false)),
        "Part of the highest stress so far by which it must have fallen."),
      .defaulted(
        "after_strain", .number(.nonNegative), "0.01", "A fall of the stress counts from this strain on: noise may be before."),
    ], rules: [.init(.atLeastOne, of: ["strain", "stress", "stress_drop"])])

  private static let increments = DeckObject(
    "Quasi-static loading: relaxed, strained by an increment, relaxed, and so on, with a row of loading.csv for each.",
    [
      .required("component", .enumeration(Voigt.names), "What is strained."),
      .required(
        "strain", .number(NumberRange.any.plausibly(1e-6...0.1)),
        "Engineering strain of an increment; of shear the change of the angle."),
      .required("count", .integer(1...1_000_000), "Number of increments."),
      .defaulted("shear", .enumeration(["simple", "pure"]), "simple", "Of yz, xz, xy, as in `load`."),
      stressVolume,
      .optional("stop_when", .object(stopWhen), "Ends the stage before all increments are made."),
    ],
    example: """
      stages:
        - minimize: {cell: in_plane, increments: {component: zz, strain: 0.002, count: 100, stop_when: {stress_drop: 0.3}}}
      """)

  private static func dynamics(_ parts: DeckParts) -> DeckObject {
    let thermostat = DeckObject.choice(
      "Exactly one thermostat.", parts.thermostats.map { .optional($0.name, .object($0.schema), $0.schema.doc) })
    let barostat = DeckObject.choice(
      "Exactly one barostat. It measures how stiff the cell is before the first step. Frozen and driven atoms are carried "
        + "along with the cell.",
      parts.barostats.map { .optional($0.name, .object($0.schema), $0.schema.doc) })
    return DeckObject(
      "Velocity Verlet: constant energy, or constant temperature with a thermostat; constant pressure with a barostat; the "
        + "cell may be pulled.",
      [
        name,
        .required("steps", .steps, "Number of steps."),
        .defaulted("timestep", .quantity(.time, plausibleStep), "0.001", "Time step."),
        .optional("thermostat", .object(thermostat), "Keeps the temperature; constant energy if absent."),
        .optional("barostat", .object(barostat), "Keeps the pressure or the stress; the cell's size is fixed if absent."),
      ] + parts.loads.map { .optional($0.name, .object($0.schema), $0.schema.doc) } + [
        .optional(
          "remove_drift", .boolean,
          "Whether the velocity of the centre of mass is taken off at the stage's start. If absent it is, where all "
            + "atoms are mobile, unless `velocities` has `zero_momentum: false`.")
      ],
      example: """
        stages:
          - dynamics:
              name: heat
              steps: 20000
              timestep: 1 fs
              thermostat: {langevin: {temperature: [10, 300], damping: 0.1}}
          - dynamics:
              name: pull
              steps: 100000
              thermostat: {nose_hoover: {temperature: 300}}
              deform: {axis: x, rate: 1e9 /s}
        """)
  }
}
