import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Stochastic velocity rescaling: after each step the kinetic energy K of g degrees of freedom is propagated by
///
///     dK = (K̄ − K) dt/τ + 2 √(K K̄ / g) dW/√τ,   K̄ = g k_B T/2,
///
/// exactly, and the velocities (relative to V, as of `ThermalMotion`) are scaled by α with
///
///     α² = c + (1 − c) K̄/(g K) Σ_{i=1}^{g} Rᵢ² + 2 R₁ √(c (1 − c) K̄/(g K)),   c = e^(−Δt/τ),
///     sign α = sign(R₁ + √(c g K/((1 − c) K̄))),
///
/// R standard normal numbers. Canonical, and gentle on the dynamics: one scalar is changed. Conserved: the energy
/// less the kinetic energy that the thermostat put in. If all atoms are at rest there is nothing to scale, and
/// the thermostat does nothing. G. Bussi, D. Donadio, M. Parrinello, J. Chem. Phys. 126, 014101 (2007), equations
/// (A7) and (A8). One reduction a step.
package final class VelocityRescaling: Thermostat {
  package let name = "stochastic velocity rescaling"
  package let summary = "stochastic rescaling"
  package let target: TemperatureRamp
  /// τ, ps.
  package let damping: Double
  package let seed: UInt64

  private var freedom = 0
  /// Kinetic energy that the thermostat put in, eV.
  private var heat = 0.0

  /// Throws if `damping` is not positive.
  package init(target: TemperatureRamp, damping: Double, seed: UInt64) throws {
    guard damping > 0 && damping.isFinite else {
      throw FaultlineError(
        .input, "velocity rescaling with damping \(damping) ps", hint: "the damping time is positive",
        isCollective: true)
    }
    self.target = target
    self.damping = damping
    self.seed = seed
  }

  package func begin(_ context: DynamicsContext, from state: Data?) throws {
    freedom = try thermostatFreedom(context)
    heat = try state.map { try StateCoding.decodeHeat(kind: name, from: $0) } ?? 0
  }

  package func afterStep(_ context: DynamicsContext) {
    let motion = thermalMotion(context)
    let kinetic = 0.5 * motion.twiceKinetic
    guard kinetic > 0 else { return }
    var random = CounterRandom(seed: seed, stream: .velocityRescaling, step: context.step)
    let first = random.gaussian()
    let others = random.sumOfSquaredGaussians(freedom - 1)
    let c = exp(-context.timestep / damping)
    // K̄/(g K)
    let ratio = 0.5 * Units.boltzmann * target.temperature(at: context.step) / kinetic
    let squared =
      c + (1 - c) * ratio * (first * first + others) + 2 * first * (c * (1 - c) * ratio).squareRoot()
    let magnitude = max(squared, 0).squareRoot()
    let factor = first + (c / ((1 - c) * ratio)).squareRoot() < 0 ? -magnitude : magnitude
    VelocityKernels.scale(
      context.atoms.view, by: factor, about: motion.drift, immobile: context.motion.outsideThermostat)
    heat += (factor * factor - 1) * kinetic
  }

  package func bathEnergy(_ context: DynamicsContext) -> Double { -heat }

  package func state(_ context: DynamicsContext) throws -> Data { try StateCoding.encode([heat], kind: name) }
}

extension ThermostatEntry {
  static let rescale = ThermostatEntry(
    "rescale", "Stochastic velocity rescaling (Bussi, Donadio, Parrinello 2007): canonical.",
    damping: "Time constant τ with which the kinetic energy relaxes.",
    example: "thermostat: {rescale: {temperature: [300, 600]}}"
  ) { _, setting in
    try VelocityRescaling(target: setting.target, damping: setting.damping, seed: setting.seed)
  }
}
