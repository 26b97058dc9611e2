import MDCore
import MDDeck
import MDDynamics
import MDNumerics

/// What later stages would stumble over, found before the first step.
enum Rehearsal {
  /// Throws every mistake at once. Collective.
  static func run(_ plan: RunPlan, _ system: DistributedSystem, _ groups: GroupTable) throws {
    var mistakes = Mistakes()
    mistakes.note(
      try motion(
        plan, system.atoms, system.box, masses: system.masses, groups, communicator: system.communicator))
    mistakes.note(assessments(plan, system))
    for case let potential as any ChargeEquilibrating in system.potentials {
      _ = try mistakes.attempt { try potential.checkConstraints(system.atoms.view, box: system.box) }
    }
    for trajectory in plan.output.trajectories {
      for column in trajectory.columns {
        _ = try mistakes.attempt { _ = try TrajectoryOutput.storage(column, trajectory, system.atoms) }
      }
    }
    let present = system.species.filter { !system.unusedSpecies.contains($0) }
    for trajectory in plan.output.trajectories + (plan.analysis.watch.map { [RunOutputs.selectionPlan($0)] } ?? []) {
      _ = try mistakes.attempt {
        try TrajectoryOutput.refuseUnnamedTypes(trajectory, plan.mlipTypes, species: present)
      }
    }
    try mistakes.refuse()
  }

  /// What is wrong with groups, velocities and stages; no potential is needed to find it. Collective.
  static func motion(
    _ plan: RunPlan, _ atoms: AtomStore, _ box: Box, masses: [Double], _ groups: GroupTable,
    communicator: any Communicator
  ) throws -> [FaultlineError] {
    var errors = groups.empty(plan.groups, atoms, box: box, communicator)
    let context = try DynamicsContext(
      atoms: atoms, masses: masses, timestep: 1, motion: groups.motion, communicator: communicator)
    if let velocities = plan.velocities, velocities.temperature > 0, plan.hasDynamics {
      let mobile = context.counts.mobile
      if mobile == 0 || (mobile == 1 && velocities.zeroMomentum) {
        errors.append(
          FaultlineError(
            .input, "no atom can carry the thermal motion of \(velocities.temperature) K",
            hint: mobile == 0
              ? "all are frozen or driven: leave some free, or `velocities` out"
              : "a single free atom cannot have both zero momentum and a temperature", at: velocities.location,
            isCollective: true))
      }
    }
    for stage in plan.stages {
      func refuse(_ message: String, _ hint: String) {
        errors.append(
          FaultlineError(
            .input, "stage '\(stage.name)': \(message)", hint: hint, at: stage.location, isCollective: true))
      }
      switch stage.work {
      case .minimize where context.counts.mobile == 0:
        refuse("nothing to relax: all atoms are frozen or driven", "leave some atoms free")
      case .minimize: break
      case .dynamics(let dynamics):
        if let thermostat = dynamics.thermostat,
          context.thermostattedDegreesOfFreedom(momentumConserved: thermostat.kind != .langevin) == 0
        {
          refuse("the thermostat has no degree of freedom to act on", "leave some atoms free and in the thermostat")
        }
        if let deform = dynamics.deform, !box.periodic[deform.axis] {
          refuse(
            "the cell is open along \(["x", "y", "z"][deform.axis])",
            "move a group at a `velocity` to pull along an open axis")
        }
      }
    }
    return errors
  }

  /// What is asked for of potentials that do not say how far they may be trusted.
  private static func assessments(_ plan: RunPlan, _ system: DistributedSystem) -> [FaultlineError] {
    let known = system.assessments
    let asked =
      (plan.output.thermo.isDefault ? [] : plan.output.thermo.columns.compactMap(\.assessment))
      + (plan.analysis.watch.map { Array($0.stop.keys) + Array($0.select?.limits.keys ?? [:].keys) } ?? [])
    return Set(asked).filter { !known.contains($0) }.sorted { $0.rawValue < $1.rawValue }.map { missing in
      FaultlineError(
        .input, "`\(missing.rawValue)` is asked for, which none of the potentials gives",
        hint: known.isEmpty
          ? "hdnnp gives extrapolations, and with a committee force_deviation and energy_deviation, "
            + "charge_deviation if it has charges; mtp gives grade if its file has an active set"
          : "they give " + known.map(\.rawValue).sorted().joined(separator: ", "),
        at: plan.analysis.watch?.location, isCollective: true)
    }
  }
}
