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
      "Relaxes atoms in a fixed cell. It ends when the tolerances are met or the steps are used up.",
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
        .defaulted("max_steps", .steps, "10000", "Most steps."),
        .defaulted("timestep", .quantity(.time, plausibleStep), "0.001", "Time step at the start; FIRE adapts it."),
      ],
      example: """
        stages:
          - minimize: {force_tolerance: 0.001, max_steps: 5000}
        """)
  }

  private static func dynamics(_ parts: DeckParts) -> DeckObject {
    let thermostat = DeckObject.choice(
      "Exactly one thermostat.", parts.thermostats.map { .optional($0.name, .object($0.schema), $0.schema.doc) })
    return DeckObject(
      "Velocity Verlet: constant energy, or constant temperature with a thermostat; the cell may be pulled.",
      [
        name,
        .required("steps", .steps, "Number of steps."),
        .defaulted("timestep", .quantity(.time, plausibleStep), "0.001", "Time step."),
        .optional("thermostat", .object(thermostat), "Keeps the temperature; constant energy if absent."),
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
