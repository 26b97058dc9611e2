import Foundation
import MDCore
import MDDeck
import MDDynamics

/// What a checkpoint keeps of the stage that it was taken in.
struct StageState: Codable, Equatable, Sendable {
  var integrator: Data
  var loading: Data?
  /// The step and the time at which the stage began.
  var firstStep: Int
}

/// One stage of the deck at work: integrator, thermostat, loading, and what the log says of it.
final class StageDriver {
  let steps: Int
  let integrator: any Integrator
  private(set) var loading: Loading?
  var context: DynamicsContext
  /// The absolute step before the stage's first.
  let firstStep: Int
  /// Short, for the progress line.
  let label: String
  private(set) var note = ""
  private let plan: StagePlan
  private let fire: FIRE?

  var isDynamics: Bool { fire == nil }
  var isConverged: Bool { fire.map { $0.status != .running } ?? false }

  init(
    _ plan: StagePlan, system: DistributedSystem, groups: GroupTable, clock: Clock, firstStep: Int?, seed: UInt64
  ) throws {
    self.plan = plan
    let first = firstStep ?? clock.step
    self.firstStep = first
    steps = plan.stepLimit
    label = plan.name
    let timestep: Double
    switch plan.work {
    case .minimize(let minimize):
      var options = FIRE.Options(forceTolerance: minimize.forceTolerance)
      options.energyTolerance = minimize.energyTolerance
      let engine = try FIRE(options)
      fire = engine
      integrator = engine
      timestep = minimize.timestep
      loading = nil
    case .dynamics(let dynamics):
      fire = nil
      timestep = dynamics.timestep
      integrator = VelocityVerlet(
        thermostat: try dynamics.thermostat.map {
          try Self.thermostat($0, first: first, steps: dynamics.steps, seed: seed)
        })
      loading = try dynamics.deform.map {
        try Loading(axis: $0.axis, strainRate: $0.rate, box: system.box, step: first)
      }
    }
    context = try DynamicsContext(
      atoms: system.atoms, masses: system.masses, timestep: timestep, step: clock.step, motion: groups.motion,
      communicator: system.communicator)
  }

  private static func thermostat(
    _ plan: ThermostatPlan, first: Int, steps: Int, seed: UInt64
  ) throws -> any Thermostat {
    let ramp = try TemperatureRamp(from: plan.start, to: plan.end, firstStep: first, lastStep: first + steps)
    switch plan.kind {
    case .noseHoover(let chain):
      return try NoseHooverChain(target: ramp, damping: plan.damping, length: chain)
    case .langevin:
      return try Langevin(target: ramp, damping: plan.damping, seed: seed)
    case .rescale:
      return try VelocityRescaling(target: ramp, damping: plan.damping, seed: seed)
    }
  }

  /// Draws velocities at the first dynamics stage if the deck asks for them, and takes off the drift of all atoms.
  /// Returns what the log says of it.
  func prepareVelocities(_ run: RunPlan, isFirst: Bool) throws -> [String] {
    guard case .dynamics(let dynamics) = plan.work else { return [] }
    var notes: [String] = []
    if isFirst, let velocities = run.velocities {
      try VelocityInitialization.maxwellBoltzmann(
        temperature: velocities.temperature, seed: run.seed, zeroMomentum: velocities.zeroMomentum,
        momentumConserved: integrator.conservesMomentum(context), context)
      notes.append("velocities drawn at \(RunLog.fixed(velocities.temperature, 1)) K")
    } else {
      context.imposeVelocities()
    }
    // A total momentum that the deck asks to keep is kept.
    let removes = dynamics.removeDrift ?? (run.velocities?.zeroMomentum ?? true)
    if removes, context.counts.mobile == context.counts.all {
      // Rounding leaves some 1e-30 of the kinetic energy, a mesh of charges up to 1e-12 in a long run.
      let drift = VelocityInitialization.removeMomentum(context, unlessBelow: 1e-12)
      if drift != .zero { notes.append("drift of \(String(format: "%.3g", drift.length)) Å/ps removed") }
    }
    return notes
  }

  /// Engineering strain of the cell since the stage began, along the axis that it is pulled along; nil if it is not.
  var strain: Double? {
    guard case .dynamics(let dynamics) = plan.work, let axis = dynamics.deform?.axis, let loading else { return nil }
    return loading.strain(at: context.step, timestep: context.timestep)[axis][axis]
  }

  // MARK: Checkpoints

  func state() throws -> StageState {
    StageState(
      integrator: try integrator.state(context), loading: try loading?.state(), firstStep: firstStep)
  }

  /// Starts the integrator, afresh or as a checkpoint left it. Forces are known.
  func begin(box: Box, from state: StageState?) throws {
    try integrator.begin(context, box: box, from: state?.integrator)
    guard let state, let loading else { return }
    guard let data = state.loading else {
      throw FaultlineError(.input, "the checkpoint holds no loading for stage '\(plan.name)'", isCollective: true)
    }
    try loading.restore(data, box: box, step: context.step, timestep: context.timestep)
  }

  // MARK: What the log says

  var summary: String {
    switch plan.work {
    case .minimize(let m):
      return "\(plan.name), FIRE to \(m.forceTolerance) eV/Å, at most \(RunLog.counted(m.maxSteps, "step"))"
    case .dynamics(let d):
      var text = "\(plan.name), \(RunLog.counted(d.steps, "step")) of \(RunLog.fixed(d.timestep * 1000, 2)) fs"
      if let t = d.thermostat {
        let range = t.start == t.end ? "\(t.start) K" : "\(t.start) → \(t.end) K"
        text += ", \(name(t.kind)) \(range)"
      } else {
        text += ", constant energy"
      }
      if let pull { text += ", \(pull)" }
      return text
    }
  }

  /// "pulled along x at 0.001 /ps", if the cell is.
  var pull: String? {
    guard case .dynamics(let dynamics) = plan.work, let deform = dynamics.deform else { return nil }
    return "pulled along \(["x", "y", "z"][deform.axis]) at \(deform.rate) /ps"
  }

  private func name(_ kind: ThermostatPlan.Kind) -> String {
    switch kind {
    case .noseHoover(let chain): "Nosé–Hoover chain of \(chain)"
    case .langevin: "Langevin"
    case .rescale: "stochastic rescaling"
    }
  }

  /// Takes the progress line's note from a thermo row.
  func report(_ row: ThermoRow) {
    note =
      isDynamics
      ? "T \(RunLog.fixed(row.temperature, 1)) K  E \(RunLog.fixed(row.totalEnergy, 3)) eV"
      : "E \(RunLog.fixed(row.potentialEnergy, 4)) eV  fmax \(RunLog.fixed(row.largestForce, 4)) eV/Å"
  }

  var ending: String {
    guard let fire else { return "done" }
    let force = "largest force \(RunLog.fixed(fire.largestForce, 5)) eV/Å"
    return switch fire.status {
    case .forceConverged: "converged (\(force))"
    case .energyConverged: "converged in energy (\(force))"
    case .stalled: "stalled (\(force)): the forces no longer lower the energy"
    case .running: "not converged: the steps are used up (\(force))"
    }
  }
}
