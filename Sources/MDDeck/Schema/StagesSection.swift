extension DeckSchema {
  static let stage = DeckObject.choice(
    "One stage: a minimisation or a piece of dynamics.",
    [
      .optional("minimize", .object(minimize), "Moves atoms to a minimum of the energy."),
      .optional("dynamics", .object(dynamics), "Moves atoms in time."),
    ])

  private static let name = DeckKey.optional(
    "name", .string, "A name for the log; minimize or dynamics and a number if absent.")

  /// From hundredths of what light atoms need to an order of magnitude above what heavy ones allow, ps.
  private static let plausibleStep = NumberRange.positive.plausibly(1e-5...0.01)

  static let minimize = DeckObject(
    "Relaxes atoms in a fixed cell. It ends when the tolerances are met or the steps are used up.",
    [
      name,
      .defaulted("method", .enumeration(["fire"]), "fire", "FIRE 2.0 (Guénolé et al. 2020)."),
      .defaulted(
        "force_tolerance", .quantity(.force, .positive.plausibly(1e-10...1)), "0.001", "Largest force component on any atom at the end."),
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

  static let dynamics = DeckObject(
    "Velocity Verlet: constant energy, or constant temperature with a thermostat; the cell may be pulled.",
    [
      name,
      .required("steps", .steps, "Number of steps."),
      .defaulted("timestep", .quantity(.time, plausibleStep), "0.001", "Time step."),
      .optional("thermostat", .object(thermostat), "Keeps the temperature; constant energy if absent."),
      .optional("deform", .object(deform), "Stretches the cell."),
      .optional(
        "remove_drift", .boolean,
        "Whether the velocity of the centre of mass is taken off at the stage's start. If absent it is, where all "
          + "atoms are mobile, unless `velocities` has `zero_momentum: false`."),
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

  static let thermostat = DeckObject.choice(
    "Exactly one thermostat.",
    [
      .optional(
        "nose_hoover", .object(noseHoover),
        "Nosé–Hoover chains (Martyna, Klein, Tuckerman 1992): canonical, deterministic."),
      .optional("langevin", .object(langevin), "Langevin dynamics (BAOAB): friction and noise on every atom."),
      .optional(
        "rescale", .object(rescale), "Stochastic velocity rescaling (Bussi, Donadio, Parrinello 2007): canonical."),
    ])

  private static let temperature = DeckKey.required(
    "temperature", .temperatureOrRamp, "Target, or [start, end] of a linear ramp over the stage.")
  private static func damping(_ doc: String) -> DeckKey {
    .defaulted("damping", .quantity(.time, .positive.plausibly(1e-3...50)), "0.1", doc)
  }

  static let noseHoover = DeckObject(
    "Nosé–Hoover chains.",
    [
      temperature, damping("Time constant τ; the temperature oscillates with a period of about 2πτ."),
      .defaulted("chain", .integer(1...20), "3", "Number of thermostats in the chain."),
    ],
    example: """
      stages:
        - dynamics: {steps: 1000, thermostat: {nose_hoover: {temperature: 300, chain: 3}}}
      """)
  static let langevin = DeckObject(
    "Langevin dynamics.", [temperature, damping("Time constant τ, the inverse of the friction coefficient.")],
    example: """
      stages:
        - dynamics: {steps: 1000, thermostat: {langevin: {temperature: 300, damping: 1 ps}}}
      """)
  static let rescale = DeckObject(
    "Stochastic velocity rescaling.", [temperature, damping("Time constant τ with which the kinetic energy relaxes.")],
    example: """
      stages:
        - dynamics: {steps: 1000, thermostat: {rescale: {temperature: [300, 600]}}}
      """)

  static let deform = DeckObject(
    "Stretches the cell at a constant engineering strain rate: L(t) = L(0)·(1 + rate·t). Atoms move along.",
    [
      .required("axis", .enumeration(["x", "y", "z"]), "Cartesian axis that is stretched."),
      .required("rate", .quantity(.rate, NumberRange.any.plausibly(1e-9...0.1)), "Engineering strain rate; negative compresses."),
    ],
    example: """
      stages:
        - dynamics: {steps: 1000, deform: {axis: z, rate: 1e9 /s}}
      """)
}
