import MDCore
import MDNumerics

/// One stage of a run.
package struct StagePlan: Sendable {
  /// What the stage does.
  package enum Work: Sendable {
    case minimize(MinimizePlan)
    case dynamics(DynamicsPlan)
  }

  /// Unique: what the deck says, or "dynamics 2" for the second stage.
  package var name: String
  package var work: Work
  package var location: SourceLocation

  /// Most steps that it can take.
  package var stepLimit: Int {
    switch work {
    case .minimize(let plan): plan.maxSteps.multipliedReportingOverflow(by: (plan.increments?.count ?? plan.crack?.count ?? plan.path?.points ?? 0) + 1).partialValue
    case .dynamics(let plan): plan.steps
    }
  }
}

extension StagePlan {
  /// A relaxation that no deck asks for, for engines in memory.
  ///
  /// - Parameters:
  ///   - cell: a name of a shape, nil for a fixed cell.
  ///   - stress: bar, positive in tension.
  ///   - forceTolerance: eV/Å.
  ///   - stressTolerance: bar.
  package static func relaxation(
    method: String = "lbfgs", cell: String?, stress: Matrix3 = .zero, forceTolerance: Double,
    stressTolerance: Double = 0.01, maxSteps: Int = 2000, location: SourceLocation = SourceLocation(file: "")
  ) -> StagePlan {
    StagePlan(
      name: "relaxation",
      work: .minimize(
        MinimizePlan(
          method: method, forceTolerance: forceTolerance, energyTolerance: nil, maxSteps: maxSteps, timestep: 0.001,
          cell: cell.map { RelaxedCellPlan(shape: $0, stress: stress, tolerance: stressTolerance) },
          increments: nil, crack: nil, path: nil, location: location)), location: location)
  }
}

extension StagePlan {
  /// Langevin dynamics that no deck asks for, in a fixed cell.
  ///
  /// - Parameters:
  ///   - temperature: at the start and at the end, K.
  ///   - timestep, damping: ps.
  package static func langevin(
    temperature: (Double, Double), steps: Int, timestep: Double, damping: Double = 0.1,
    location: SourceLocation = SourceLocation(file: "")
  ) -> StagePlan {
    func number(_ x: Double) -> DeckValue { DeckValue(content: .number(x), location: location) }
    func entry(_ name: String, _ value: DeckValue) -> DeckSection.Entry {
      DeckSection.Entry(name: name, location: location, value: value, isGiven: true)
    }
    let ramp = DeckValue(content: .list([number(temperature.0), number(temperature.1)]), location: location)
    let section = DeckSection(
      name: "langevin", location: location, entries: [entry("temperature", ramp), entry("damping", number(damping))])
    return StagePlan(
      name: "dynamics",
      work: .dynamics(
        DynamicsPlan(
          steps: steps, timestep: timestep, thermostat: EntryPlan(name: "langevin", section: section), barostat: nil,
          loads: [], hasBoundaries: true, removeDrift: true)), location: location)
  }
}

/// A relaxation, `minimize` of the deck.
package struct MinimizePlan: Sendable {
  /// Of the registry of minimisers.
  package var method: String
  /// Largest force component on any atom, eV/Å.
  package var forceTolerance: Double
  /// Change of the energy in each of ten steps, eV for each atom.
  package var energyTolerance: Double?
  package var maxSteps: Int
  /// At the start, ps.
  package var timestep: Double
  /// nil: the cell is fixed.
  package var cell: RelaxedCellPlan?
  /// nil: no loading.
  package var increments: IncrementsPlan?
  /// Quasi-static loading of a crack, `minimize.k_increments`.
  package var crack: CrackLoad?
  /// The equilibria of a crack, `minimize.k_path`.
  package var path: CrackPathPlan?
  /// Of the stage.
  package var location: SourceLocation
}

/// Quasi-static loading, `minimize.increments` of the deck.
package struct IncrementsPlan: Sendable {
  /// In Voigt's order.
  package var component: Int
  /// Of an increment.
  package var strain: Double
  package var count: Int
  package var isPure: Bool
  /// Of the deck, for what observers must know.
  package var section: DeckSection
}

/// What of the cell is relaxed along with the atoms.
package struct RelaxedCellPlan: Sendable {
  /// Of the names of shapes.
  package var shape: String
  /// To be reached, bar, positive in tension.
  package var stress: Matrix3
  /// bar.
  package var tolerance: Double
}

/// A piece of dynamics, `dynamics` of the deck.
package struct DynamicsPlan: Sendable {
  package var steps: Int
  /// ps.
  package var timestep: Double
  /// nil: constant energy.
  package var thermostat: EntryPlan?
  /// nil: the cell is nobody's but the loads'.
  package var barostat: EntryPlan?
  /// What changes the cell.
  package var loads: [EntryPlan]
  /// Whether the structure's cell is that of grain boundaries that repeat along their normal.
  package var hasBoundaries: Bool
  /// Whether the velocity of the centre of mass is taken off at the start; nil if the deck does not say.
  package var removeDrift: Bool?
}
