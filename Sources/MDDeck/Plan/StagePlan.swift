import MDCore
import MDNumerics

/// One stage of a run.
public struct StagePlan: Sendable {
  /// What the stage does.
  public enum Work: Sendable {
    case minimize(MinimizePlan)
    case dynamics(DynamicsPlan)
  }

  /// Unique: what the deck says, or "dynamics 2" for the second stage.
  public var name: String
  public var work: Work
  public var location: SourceLocation

  /// Most steps that it can take.
  public var stepLimit: Int {
    switch work {
    case .minimize(let plan): plan.maxSteps.multipliedReportingOverflow(by: (plan.increments?.count ?? 0) + 1).partialValue
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
          increments: nil, location: location)), location: location)
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
public struct MinimizePlan: Sendable {
  /// Of the registry of minimisers.
  public var method: String
  /// Largest force component on any atom, eV/Å.
  public var forceTolerance: Double
  /// Change of the energy in each of ten steps, eV for each atom.
  public var energyTolerance: Double?
  public var maxSteps: Int
  /// At the start, ps.
  public var timestep: Double
  /// nil: the cell is fixed.
  public var cell: RelaxedCellPlan?
  /// nil: no loading.
  public var increments: IncrementsPlan?
  /// Of the stage.
  public var location: SourceLocation
}

/// Quasi-static loading, `minimize.increments` of the deck.
public struct IncrementsPlan: Sendable {
  /// In Voigt's order.
  public var component: Int
  /// Of an increment.
  public var strain: Double
  public var count: Int
  public var isPure: Bool
  /// Of the deck, for what observers must know.
  public var section: DeckSection
}

/// What of the cell is relaxed along with the atoms.
public struct RelaxedCellPlan: Sendable {
  /// Of the names of shapes.
  public var shape: String
  /// To be reached, bar, positive in tension.
  public var stress: Matrix3
  /// bar.
  public var tolerance: Double
}

/// A piece of dynamics, `dynamics` of the deck.
public struct DynamicsPlan: Sendable {
  public var steps: Int
  /// ps.
  public var timestep: Double
  /// nil: constant energy.
  public var thermostat: EntryPlan?
  /// nil: the cell is nobody's but the loads'.
  public var barostat: EntryPlan?
  /// What changes the cell.
  public var loads: [EntryPlan]
  /// Whether the structure's cell is that of grain boundaries that repeat along their normal.
  public var hasBoundaries: Bool
  /// Whether the velocity of the centre of mass is taken off at the start; nil if the deck does not say.
  public var removeDrift: Bool?
}
