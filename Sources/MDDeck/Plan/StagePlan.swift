import MDCore

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
    case .minimize(let plan): plan.maxSteps
    case .dynamics(let plan): plan.steps
    }
  }
}

/// A relaxation in a fixed cell, `minimize` of the deck.
public struct MinimizePlan: Sendable {
  public enum Method: String, Sendable { case fire }

  public var method: Method
  /// Largest force component on any atom, eV/Å.
  public var forceTolerance: Double
  /// Change of the energy in each of ten steps, eV for each atom.
  public var energyTolerance: Double?
  public var maxSteps: Int
  /// At the start, ps.
  public var timestep: Double
}

/// A piece of dynamics, `dynamics` of the deck.
public struct DynamicsPlan: Sendable {
  public var steps: Int
  /// ps.
  public var timestep: Double
  /// nil: constant energy.
  public var thermostat: ThermostatPlan?
  public var deform: DeformPlan?
  /// Whether the velocity of the centre of mass is taken off at the start; nil if the deck does not say.
  public var removeDrift: Bool?
}

/// What keeps the temperature; the formulas are those of the classes of MDDynamics.
public struct ThermostatPlan: Sendable {
  public enum Kind: Sendable, Equatable {
    case noseHoover(chain: Int)
    case langevin
    case rescale
  }

  public var kind: Kind
  /// K at the start and at the end of the stage, linear between; equal for a constant target.
  public var start: Double
  public var end: Double
  /// ps.
  public var damping: Double
}

/// Uniaxial strain, L(t) = L(0)·(1 + rate·t).
public struct DeformPlan: Sendable {
  /// Cartesian axis: 0, 1, 2 for x, y, z.
  public var axis: Int
  /// Engineering strain rate, 1/ps.
  public var rate: Double
}
