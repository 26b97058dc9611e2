import Foundation
import MDCore
import MDDeck
import MDDynamics
import MDNumerics

/// What a checkpoint keeps of the stage that it was taken in.
struct StageState: Codable, Equatable, Sendable {
  var integrator: Data
  var loading: Data?
  /// The step before the stage's first.
  var firstStep: Int
  /// F of all deformation since then, and the cell that it began from; nine numbers each.
  var gradient: [Double]
  var firstCell: [Double]
  /// Whether the stage has been ended before its steps were done.
  var isEnded: Bool
  /// Of structures with a crack.
  var crack: CrackRing.State?
}

/// How the last stage ended, kept so that a finished run can be extended.
struct StageEnd: Codable, Equatable, Sendable {
  var state: StageState
  /// Done in it.
  var steps: Int
}

/// One stage of the deck at work: integrator, thermostat, loading, and what the log says of it.
final class StageDriver {
  let steps: Int
  /// Its place in the run, from 0.
  let number: Int
  /// F of all deformation since the stage began.
  var gradient = Matrix3.identity
  private var firstCell: Matrix3
  /// Whether it ends before its steps are done.
  var isEnded = false
  let integrator: any Integrator
  private(set) var loading: Loading?
  /// What loads a crack in dynamics.
  private(set) var ramp: CrackRamp?
  private let crack: CrackRing?
  var context: DynamicsContext
  /// The absolute step before the stage's first.
  let firstStep: Int
  /// Short, for the progress line.
  let label: String
  private(set) var note = ""
  private let plan: StagePlan
  private let seed: UInt64
  private let minimizer: (any Minimizer)?

  var isDynamics: Bool { minimizer == nil }
  /// Whether it ends here.
  var isConverged: Bool { minimizer?.isOver ?? false }
  /// Whether it is a relaxation that has met its tolerances.
  var isAtTolerances: Bool { minimizer?.isConverged ?? false }

  init(
    _ plan: StagePlan, system: DistributedSystem, groups: GroupTable, clock: Clock, firstStep: Int?, seed: UInt64,
    crack: CrackRing? = nil
  ) throws {
    self.plan = plan
    self.seed = seed
    self.crack = crack
    let first = firstStep ?? clock.step
    self.firstStep = first
    steps = plan.stepLimit
    number = clock.stage
    firstCell = system.box.cell
    label = plan.name
    let timestep: Double
    switch plan.work {
    case .minimize(let minimize):
      let engine = try MinimizerEntry.make(minimize, box: system.box, atoms: system.totalCount, crack: crack)
      minimizer = engine
      integrator = engine
      timestep = minimize.timestep
    case .dynamics(let dynamics):
      minimizer = nil
      timestep = dynamics.timestep
      let thermostat = try dynamics.thermostat.map {
        try ThermostatEntry.make($0, firstStep: first, steps: dynamics.steps, seed: seed)
      }
      let loads = try LoadEntry.loading(dynamics.loads, box: system.box, step: first)
      loading = loads.loading
      ramp = loads.crack.map { CrackRamp($0, of: crack, first: first, steps: dynamics.steps) }
      if let barostat = dynamics.barostat {
        let coupled = try BarostatEntry.make(
          barostat, box: system.box, hasBoundaries: dynamics.hasBoundaries, firstStep: first, steps: dynamics.steps,
          thermostat: thermostat, seed: seed)
        try loading?.refuseComponents(of: coupled.coupling.components, at: barostat.location)
        integrator = coupled
      } else if let section = loads.section {
        let coupled = try BarostatEntry.make(
          stresses: loads.stresses, section, firstStep: first, steps: dynamics.steps, thermostat: thermostat, seed: seed)
        try loading?.refuseComponents(of: coupled.coupling.components, at: plan.location)
        integrator = coupled
      } else {
        integrator = VelocityVerlet(thermostat: thermostat)
      }
    }
    context = try DynamicsContext(
      atoms: system.atoms, masses: system.masses, timestep: timestep, step: clock.step, motion: groups.motion,
      communicator: system.communicator)
  }

  /// Draws velocities if `draws` says so and the deck has a section for them, and takes off the drift of all atoms.
  /// Returns what the log says of it.
  func prepareVelocities(_ velocities: VelocitiesPlan?, draws: Bool) throws -> [String] {
    guard case .dynamics(let dynamics) = plan.work else { return [] }
    var notes: [String] = []
    if draws, let velocities {
      try VelocityInitialization.maxwellBoltzmann(
        temperature: velocities.ofCrystal ? 2 * velocities.temperature : velocities.temperature, seed: seed, zeroMomentum: velocities.zeroMomentum,
        momentumConserved: integrator.conservesMomentum(context), context)
      let temperature = RunLog.fixed(velocities.temperature, 1)
      notes.append(
        velocities.ofCrystal
          ? "velocities drawn at twice \(temperature) K: vibrations of the crystal take half as potential energy"
          : "velocities drawn at \(temperature) K")
    } else {
      context.imposeVelocities()
    }
    // A total momentum that the deck asks to keep is kept.
    let removes = dynamics.removeDrift ?? (velocities?.zeroMomentum ?? true)
    if removes, context.counts.mobile == context.counts.all {
      // Rounding leaves some 1e-30 of the kinetic energy, a mesh of charges up to 1e-12 in a long run.
      let drift = VelocityInitialization.removeMomentum(context, unlessBelow: 1e-12)
      if drift != .zero { notes.append("drift of \(String(format: "%.3g", drift.length)) Å/ps removed") }
    }
    return notes
  }

  /// Whether this step ends at one equilibrium of quasi-static loading or of a crack's path; nil for other stages.
  var isAtIncrement: Bool? { (minimizer as? any Incremental)?.isAtIncrement }
  /// Whether it follows the equilibria of a crack, stable or not.
  var isOnCrackPath: Bool { minimizer is CrackPath }

  /// Whether the cell may be sheared, so that its vectors must be chosen anew now and then.
  var shears: Bool {
    let sheared = (integrator as? any CellCoupled).map { $0.coupling.components.shears } ?? false
    return sheared || loading?.shears ?? false
  }

  /// Engineering strain of the cell since the stage began, along the axis that it is pulled along; nil if it is not.
  var strain: Double? {
    guard let loading, let axis = loading.axis else { return nil }
    return loading.strain(at: context.step, timestep: context.timestep)[axis][axis]
  }

  // MARK: Checkpoints

  func state() throws -> StageState {
    StageState(
      integrator: try integrator.state(context), loading: try loading?.state(), firstStep: firstStep,
      gradient: gradient.elements, firstCell: firstCell.elements, isEnded: isEnded, crack: crack?.state)
  }

  /// Starts the integrator, afresh or as a checkpoint left it. Forces are known.
  func begin(box: Box, from state: StageState?) throws {
    try integrator.begin(context, box: box, from: state?.integrator)
    if let state {
      (gradient, firstCell, isEnded) = (Matrix3(state.gradient), Matrix3(state.firstCell), state.isEnded)
    }
    guard let state, let loading else { return }
    guard let data = state.loading else {
      throw FaultlineError(.input, "the checkpoint holds no loading for stage '\(plan.name)'", isCollective: true)
    }
    try loading.restore(data, step: context.step)
  }

  // MARK: What the log says

  var summary: String {
    switch plan.work {
    case .minimize(let m):
      let cell = m.cell.flatMap { CellShape(rawValue: $0.shape) }.map { ", with \($0.phrase)" } ?? ", in a fixed cell"
      return "\(plan.name)\(cell), \(integrator.name) to \(m.forceTolerance) eV/Å, at most "
        + RunLog.counted(m.maxSteps, "step")
    case .dynamics(let d):
      var text = "\(plan.name), \(RunLog.counted(d.steps, "step")) of \(RunLog.fixed(d.timestep * 1000, 2)) fs"
      let coupled = integrator as? any CellCoupled
      if let thermostat = coupled?.thermostat ?? (integrator as? VelocityVerlet)?.thermostat {
        let (start, end) = (thermostat.target.start, thermostat.target.end)
        text += ", \(thermostat.summary) " + (start == end ? "\(start) K" : "\(start) → \(end) K")
      } else {
        text += coupled == nil ? ", constant energy" : ", constant enthalpy"
      }
      if let coupled { text += ", \(coupled.barostatSummary)" }
      if let pull { text += ", \(pull)" }
      if let ramp { text += ", \(ramp.summary)" }
      return text
    }
  }

  /// "pulled along x at 0.001 /ps", if the cell is.
  var pull: String? { loading?.summary }

  /// Takes the progress line's note from a thermo row.
  func report(_ row: ThermoRow) {
    note =
      isDynamics
      ? "T \(RunLog.fixed(row.temperature, 1)) K  E \(RunLog.fixed(row.totalEnergy, 3)) eV"
      : "E \(RunLog.fixed(row.potentialEnergy, 4)) eV  fmax \(RunLog.fixed(row.largestForce, 4)) eV/Å"
  }

  var ending: String { minimizer?.outcome ?? "done" }
}
