import MDCore
import MDDeck
import MDDynamics
import MDNumerics

/// What later stages would stumble over, found before the first step.
enum Rehearsal {
  /// Throws every mistake at once; returns what the log should have. Collective.
  static func run(
    _ plan: RunPlan, _ system: DistributedSystem, _ groups: GroupTable, _ observers: Observers
  ) throws -> [String] {
    var mistakes = Mistakes()
    mistakes.note(
      try motion(
        plan, system.atoms, system.box, masses: system.masses, groups, communicator: system.communicator))
    for case let potential as any ChargeEquilibrating in system.potentials {
      _ = try mistakes.attempt { try potential.checkConstraints(system.atoms.view, box: system.box) }
    }
    for trajectory in plan.output.trajectories {
      for column in trajectory.columns {
        _ = try mistakes.attempt {
          _ = try AtomColumn.named(column).storage(in: system.atoms, for: trajectory)
        }
      }
    }
    mistakes.note(vacuum(plan, system))
    let present = system.species.filter { !system.unusedSpecies.contains($0) }
    for trajectory in plan.output.trajectories + observers.all.compactMap(\.keeps) {
      _ = try mistakes.attempt {
        try TrajectoryOutput.refuseUnnamedTypes(trajectory, plan.mlipTypes, species: present)
      }
    }
    let notes = try mistakes.attempt { try observers.rehearse() } ?? []
    try mistakes.refuse()
    return notes
  }

  /// Barostats must not close or widen empty space: there is nothing that would answer. Those of `load` too. Collective.
  private static func vacuum(_ plan: RunPlan, _ system: DistributedSystem) -> [FaultlineError] {
    let box = system.box
    let coupled = plan.stages.compactMap { stage -> (name: String, place: SourceLocation?, components: CellComponents)? in
      guard case .dynamics(let dynamics) = stage.work else { return nil }
      if let barostat = dynamics.barostat {
        let shape = BarostatEntry.shape(of: barostat.section, hasBoundaries: dynamics.hasBoundaries)
        return (stage.name, barostat.location, CellComponents(shape, box: box))
      }
      // What cannot be made has been noted by `motion`.
      guard let loads = try? LoadEntry.loading(dynamics.loads, box: box, step: 0), !loads.stresses.isEmpty else {
        return nil
      }
      return (stage.name, dynamics.loads.first?.location, CellComponents(basis: loads.stresses.keys.map(CellComponents.voigt)))
    }
    if coupled.isEmpty { return [] }
    let empty = system.surfaceAxes().filter { box.periodic[$0] }
    return coupled.compactMap { name, place, components in
      guard
        let axis = empty.first(where: { k in
          components.basis.contains { abs(dot(box.cell[k], box.cell[k] * $0)) > 1e-9 * box.cell[k].squaredLength }
        })
      else { return nil }
      return FaultlineError(
        .input,
        "stage '\(name)': the barostat would change the cell along \(["a", "b", "c"][axis]), where there is empty space",
        hint: "`cell: in_plane` for slabs, `fixed` for that component of a `load`, or open the axis with `periodic`",
        at: place, isCollective: true)
    }
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
      case .minimize(let minimize):
        do { _ = try MinimizerEntry.make(minimize, box: box, atoms: 1) } catch let error as FaultlineError {
          refuse(error.message, error.hint ?? "")
        }
      case .dynamics(let dynamics):
        if let plan = dynamics.thermostat {
          let thermostat = try ThermostatEntry.make(plan, firstStep: 0, steps: dynamics.steps, seed: 0)
          if context.thermostattedDegreesOfFreedom(momentumConserved: thermostat.conservesMomentum) == 0 {
            refuse("the thermostat has no degree of freedom to act on", "leave some atoms free and in the thermostat")
          }
        }
        do {
          let loads = try LoadEntry.loading(dynamics.loads, box: box, step: 0)
          guard let barostat = dynamics.barostat else { continue }
          let coupled = try BarostatEntry.make(
            barostat, box: box, hasBoundaries: dynamics.hasBoundaries, firstStep: 0, steps: dynamics.steps,
            thermostat: dynamics.thermostat.map { try ThermostatEntry.make($0, firstStep: 0, steps: 1, seed: 0) }, seed: 0)
          try loads.loading?.refuseComponents(of: coupled.coupling.components, at: barostat.location)
        } catch let error as FaultlineError {
          refuse(error.message, error.hint ?? "")
        }
      }
    }
    return errors
  }
}
