import MDCore
import MDDeck
import MDNumerics

/// A barostat as decks name it: its keys, and how the integrator is made from them.
package struct BarostatEntry: Sendable {
  /// All that there are, in the order of the reference.
  package static let all: [BarostatEntry] = [.rescale, .mtk]

  /// What a barostat is made for besides its own keys.
  package struct Setting {
    package let thermostat: (any Thermostat)?
    package let seed: UInt64
  }

  package let entry: DeckEntry
  private let make: @Sendable (PressureCoupling, Setting) throws -> any CellCoupled

  init(
    _ name: String, _ doc: String, needsThermostat: Bool = false, example: String,
    make: @escaping @Sendable (PressureCoupling, Setting) throws -> any CellCoupled
  ) {
    let pressure = DeckKind.quantity(.pressure, .any.plausibly(1e-6...1e8))
    let ramp = DeckKind.either([pressure, .list(pressure, count: 2...2)])
    let stress = DeckObject(
      "Cauchy's stress, positive in tension: constant, or [start, end] of a ramp; components that are not given are 0.",
      Voigt.names.map { .optional($0, ramp, "Component \($0).") })
    entry = DeckEntry(
      name: name,
      schema: DeckObject(
        doc,
        [
          .optional(
            "pressure", ramp, "Target, or [start, end] of a linear ramp over the stage; 0 if nothing is given."),
          .optional("stress", .object(stress), "Target in place of a pressure."),
          .optional(
            "cell", .enumeration(CellShape.allCases.filter(\.isSymmetric).map(\.rawValue)),
            "What of the cell changes, as in `minimize`. If absent: `normal` for grain boundaries that repeat along "
              + "their normal, `full` with a `stress`, else `isotropic`."),
          .defaulted(
            "damping", .quantity(.time, .positive.plausibly(0.01...1000)), "1 ps",
            "Time constant τ; at least 100 time steps."),
          .optional(
            "modulus", .quantity(.pressure, .positive.plausibly(1e2...1e8)),
            "Bulk modulus, in place of what straining the cell finds; other stiffnesses keep their proportion to it. Liquids that flow "
              + "are softer than that strain finds them, water some four times, and the cell follows as much more slowly."),
        ],
        rules: [.init(.atMostOne, of: ["pressure", "stress"])],
        example: """
          stages:
            - dynamics: {steps: 1000, thermostat: {nose_hoover: {temperature: 300}}, \(example)}
          """)
    ) { section, context in
      guard let stage = context.stage else { return }
      Self.check(section.double("damping"), stage.dynamics.timestep, section, &context)
      if needsThermostat, stage.dynamics.thermostat == nil {
        context.refuse(
          stage.section.error(
            "barostat", "\(name) needs a thermostat", hint: "its noise has a temperature; `mtk` works without"))
      }
    }
    self.make = make
  }

  private static func check(
    _ damping: Double, _ timestep: Double, _ section: DeckSection, _ context: inout DeckContext
  ) {
    guard damping < 100 * timestep * (1 - 1e-9) else { return }
    context.refuse(
      section.error(
        "damping", "is \(plain(damping)) ps, less than 100 time steps of \(plain(timestep)) ps",
        hint: "a cell that follows faster than sound crosses it blows up; 1 ps is usual"))
  }

  /// The integrator of a deck for `steps` steps after `firstStep`.
  /// - Throws: an input error if the cell cannot change as asked.
  package static func make(
    _ plan: EntryPlan, box: Box, hasBoundaries: Bool, firstStep: Int, steps: Int, thermostat: (any Thermostat)?,
    seed: UInt64
  ) throws -> any CellCoupled {
    guard let found = all.first(where: { $0.entry.name == plan.name }) else {
      preconditionFailure("the deck's schema is made of these barostats")
    }
    let shape = shape(of: plan.section, hasBoundaries: hasBoundaries)
    let components = CellComponents(shape, box: box)
    try components.refuseOpenAxes(box, wanting: "`cell: \(shape.rawValue)`", at: plan.location)
    let ramp = StressRamp(
      from: Voigt.stress(in: plan.section), to: Voigt.stress(in: plan.section, end: 1), firstStep: firstStep, lastStep: firstStep + steps)
    return try found.make(
      PressureCoupling(
        components, target: ramp, damping: plan.section.double("damping"),
        modulus: plan.section["modulus"].map { $0.double / Units.energyPerVolumeToBar }),
      Setting(thermostat: thermostat, seed: seed))
  }

  /// The integrator for components that a `load` leaves to stresses.
  package static func make(
    stresses: [Int: (start: Double, end: Double)], _ section: DeckSection, firstStep: Int, steps: Int,
    thermostat: (any Thermostat)?, seed: UInt64
  ) throws -> any CellCoupled {
    let name = section["barostat"]?.string ?? (thermostat == nil ? "mtk" : "rescale")
    guard let found = all.first(where: { $0.entry.name == name }) else {
      preconditionFailure("the deck's schema is made of these barostats")
    }
    let owned = stresses.keys.sorted()
    let ramp = StressRamp(
      from: Voigt.matrix { stresses[$0]?.start }, to: Voigt.matrix { stresses[$0]?.end }, firstStep: firstStep,
      lastStep: firstStep + steps)
    return try found.make(
      PressureCoupling(
        CellComponents(basis: owned.map(CellComponents.voigt)), target: ramp, damping: section.double("damping")),
      Setting(thermostat: thermostat, seed: seed))
  }

  package static func shape(of section: DeckSection, hasBoundaries: Bool) -> CellShape {
    if let name = section["cell"]?.string, let shape = CellShape(rawValue: name) { return shape }
    return hasBoundaries ? .normal : section["stress"] != nil ? .full : .isotropic
  }
}
