import MDCore
import MDDeck

/// A thermostat as decks name it: its keys, and how it is made from them.
package struct ThermostatEntry: Sendable {
  /// All that there are, in the order of the reference.
  package static let all: [ThermostatEntry] = [.noseHoover, .langevin, .rescale]

  /// What a thermostat is made for besides its own keys.
  package struct Setting {
    /// The target: `temperature` over the stage.
    package let target: TemperatureRamp
    /// Time constant, ps.
    package let damping: Double
    /// Of the run.
    package let seed: UInt64
  }

  package let entry: DeckEntry
  private let make: @Sendable (DeckSection, Setting) throws -> any Thermostat

  /// Every thermostat has a target and a time constant; `keys` are those of its own.
  ///
  /// - Parameters:
  ///   - damping: what its time constant means.
  ///   - startsFromRest: whether it heats atoms that stand still; one that scales velocities does not.
  init(
    _ name: String, _ doc: String, damping: String, keys: [DeckKey] = [], startsFromRest: Bool = false,
    example: String, make: @escaping @Sendable (DeckSection, Setting) throws -> any Thermostat
  ) {
    let common = [
      DeckKey.required(
        "temperature", .temperatureOrRamp, "Target, or [start, end] of a linear ramp over the stage."),
      .defaulted("damping", .quantity(.time, .positive.plausibly(1e-3...50)), "0.1", damping),
    ]
    entry = DeckEntry(
      name: name, schema: DeckObject(doc, common + keys, example: "stages:\n  - dynamics: {steps: 1000, \(example)}")
    ) { section, context in
      guard let stage = context.stage else { return }
      Self.check(section.double("damping"), stage.dynamics.timestep, section, &context)
      if stage.isAtRest, !startsFromRest {
        context.warn(
          stage.section.error(
            "thermostat", "scales velocities, but the atoms are at rest when the stage begins",
            hint: "give `velocities`, which are drawn once, or heat with `langevin`"))
      }
    }
    self.make = make
  }

  private static func check(
    _ damping: Double, _ timestep: Double, _ section: DeckSection, _ context: inout DeckContext
  ) {
    let hint = "about 100 time steps is usual"
    if damping < timestep {
      context.refuse(
        section.error(
          "damping", "is \(plain(damping)) ps, shorter than the time step (\(plain(timestep)) ps)", hint: hint))
    } else if damping < 10 * timestep {
      context.warn(section.error("damping", "is less than 10 time steps", hint: hint))
    }
  }

  /// The thermostat of a deck for `steps` steps after `firstStep`.
  /// - Throws: an input error if a temperature is not positive.
  package static func make(_ plan: EntryPlan, firstStep: Int, steps: Int, seed: UInt64) throws -> any Thermostat {
    guard let found = all.first(where: { $0.entry.name == plan.name }) else {
      preconditionFailure("the deck's schema is made of these thermostats")
    }
    let target = plan.section.list(orOne: "temperature")
    let ramp = try TemperatureRamp(
      from: target[0], to: target[target.count - 1], firstStep: firstStep, lastStep: firstStep + steps)
    return try found.make(
      plan.section, Setting(target: ramp, damping: plan.section.double("damping"), seed: seed))
  }
}
