import MDCore
import MDDeck
import MDDynamics

/// What later stages would stumble over, found before the first step.
enum Rehearsal {
  /// Collective.
  static func run(_ plan: RunPlan, _ system: DistributedSystem, _ groups: GroupTable) throws {
    let context = try DynamicsContext(
      atoms: system.atoms, masses: system.masses, timestep: 1, motion: groups.motion,
      communicator: system.communicator)
    for stage in plan.stages {
      func refuse(_ message: String, _ hint: String) -> FaultlineError {
        FaultlineError(
          .input, "stage '\(stage.name)': \(message)", hint: hint, at: stage.location, isCollective: true)
      }
      switch stage.work {
      case .minimize where context.counts.mobile == 0:
        throw refuse("nothing to relax: all atoms are frozen or driven", "leave some atoms free")
      case .minimize: break
      case .dynamics(let dynamics):
        if let thermostat = dynamics.thermostat,
          context.thermostattedDegreesOfFreedom(momentumConserved: thermostat.kind != .langevin) == 0
        {
          throw refuse(
            "the thermostat has no degree of freedom to act on", "leave some atoms free and in the thermostat")
        }
        if let deform = dynamics.deform, !system.box.periodic[deform.axis] {
          throw refuse(
            "the cell is open along \(["x", "y", "z"][deform.axis])",
            "move a group at a `velocity` to pull along an open axis")
        }
      }
    }
    let known = system.assessments
    let asked =
      (plan.output.thermo.isDefault ? [] : plan.output.thermo.columns.compactMap(\.assessment))
      + (plan.analysis.watch.map { Array($0.stop.keys) + Array($0.select?.limits.keys ?? [:].keys) } ?? [])
    if let missing = asked.first(where: { !known.contains($0) }) {
      throw FaultlineError(
        .input, "`\(missing.rawValue)` is asked for, which none of the potentials gives",
        hint: known.isEmpty
          ? "hdnnp gives extrapolations, and with a committee force_deviation and energy_deviation, "
            + "charge_deviation if it has charges; mtp gives grade if its file has an active set"
          : "they give " + known.map(\.rawValue).sorted().joined(separator: ", "),
        at: plan.analysis.watch?.location, isCollective: true)
    }
    for case let potential as any ChargeEquilibrating in system.potentials {
      try potential.checkConstraints(system.atoms.view, box: system.box)
    }
    for trajectory in plan.output.trajectories {
      for column in trajectory.columns { _ = try TrajectoryOutput.storage(column, trajectory, system.atoms) }
    }
  }
}
