import Foundation
import MDCore
import MDNumerics

/// Velocity Verlet,
///
///     v ← v + Δt/2 · f/m,   r ← r + Δt · v,   f ← f(r),   v ← v + Δt/2 · f/m,
///
/// W. C. Swope et al., J. Chem. Phys. 76, 637 (1982). Alone it samples NVE, is second-order, time-reversible and
/// symplectic, and needs no communication. With a thermostat it becomes the Trotter splitting that
/// `Thermostat` shows. Frozen and driven atoms keep their prescribed velocities.
package final class VelocityVerlet: Integrator {
  package let thermostat: (any Thermostat)?

  package init(thermostat: (any Thermostat)? = nil) { self.thermostat = thermostat }

  package var name: String { thermostat.map { "velocity Verlet with \($0.name)" } ?? "velocity Verlet" }
  /// A thermostat that acts on a part of the atoms gives them momentum.
  package func conservesMomentum(_ context: DynamicsContext) -> Bool {
    guard let thermostat else { return true }
    return thermostat.conservesMomentum && context.counts.thermostatted == context.counts.all
  }

  package func begin(_ context: DynamicsContext, box: Box, from state: Data?) throws {
    context.imposeVelocities()
    if let thermostat {
      try thermostat.begin(context, from: state)
    } else if let state {
      let nothing = try StateCoding.decode([Int].self, kind: "NVE", from: state)
      try StateCoding.require(nothing.isEmpty, kind: "NVE", "\(nothing)")
    }
  }

  package func firstHalf(_ context: DynamicsContext, box: inout Box) throws {
    thermostat?.beforeStep(context)
    let view = context.atoms.view
    let positions = context.atoms.position.pointer
    let dt = context.timestep
    guard let thermostat, thermostat.actsAmidDrift else {
      VelocityKernels.kickAndDrift(
        view, positions: positions, inverseMasses: context.inverseMasses.pointer, kick: 0.5 * dt, drift: dt,
        immobile: context.motion.immobile)
      return
    }
    VelocityKernels.kickAndDrift(
      view, positions: positions, inverseMasses: context.inverseMasses.pointer, kick: 0.5 * dt, drift: 0.5 * dt,
      immobile: context.motion.immobile)
    thermostat.amidDrift(context)
    VelocityKernels.drift(view, positions: positions, duration: 0.5 * dt)
  }

  package func secondHalf(_ context: DynamicsContext, box: inout Box) throws {
    VelocityKernels.kick(
      context.atoms.view, inverseMasses: context.inverseMasses.pointer, duration: 0.5 * context.timestep,
      immobile: context.motion.immobile)
    thermostat?.afterStep(context)
  }

  package func bathEnergy(_ context: DynamicsContext) -> Double { thermostat?.bathEnergy(context) ?? 0 }

  package func state(_ context: DynamicsContext) throws -> Data {
    try thermostat?.state(context) ?? StateCoding.encode([Int](), kind: "NVE")
  }
}
