import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Langevin dynamics in the BAOAB splitting: between two half drifts the velocities go through the exact solution
/// of the Ornstein–Uhlenbeck process,
///
///     v ← c v + √((1 − c²) k_B T/m) R,   c = e^(−Δt/τ),
///
/// R three standard normal numbers named by (seed, atom id, step). Configurations are sampled with an error
/// that is small even for large Δt (exactly, for a harmonic oscillator); the kinetic energy at whole steps
/// is low by O(Δt²). The momentum is not conserved: all 3N degrees of freedom are thermal.
/// B. Leimkuhler, C. Matthews, Appl. Math. Res. Express 2013, 34 (2013). No communication.
package final class Langevin: Thermostat {
  package let name = "Langevin"
  package let conservesMomentum = false
  package let actsAmidDrift = true
  package let target: TemperatureRamp
  /// τ = 1/γ, ps.
  package let damping: Double
  package let seed: UInt64

  /// Kinetic energy that noise and friction put in on this rank, eV.
  private var heat = 0.0
  /// √((1 − c²) k_B T/m) by species, Å/ps.
  private let amplitudes = AlignedBuffer<Double>()
  /// Noise of a block of atoms at a time.
  private static let block = 256
  private let random = AlignedBuffer<Double>(capacity: 3 * Langevin.block)

  /// Throws if `damping` is not positive.
  package init(target: TemperatureRamp, damping: Double, seed: UInt64) throws {
    guard damping > 0 && damping.isFinite else {
      throw FaultlineError(
        .input, "a Langevin thermostat with damping \(damping) ps", hint: "the damping time is positive",
        isCollective: true)
    }
    self.target = target
    self.damping = damping
    self.seed = seed
  }

  package func begin(_ context: DynamicsContext, from state: Data?) throws {
    _ = try thermostatFreedom(context)
    let total = try state.map { try StateCoding.decodeHeat(kind: name, from: $0) } ?? 0
    heat = context.communicator.isRoot ? total : 0
  }

  package func amidDrift(_ context: DynamicsContext) {
    let atoms = context.atoms.view
    let (velocities, species, groups, ids) = (atoms.velocities, atoms.species, atoms.groups, atoms.ids)
    let masses = context.energyMasses.pointer
    let outside = context.motion.outsideThermostat
    let (seed, step) = (seed, context.step)
    let c = exp(-context.timestep / damping)
    let noise = (1 - c * c) * Units.boltzmann * target.temperature(at: step)
    amplitudes.reserve(context.masses.count)
    let amplitudes = amplitudes.pointer
    let (x, y, z) = (random.pointer, random.pointer + Self.block, random.pointer + 2 * Self.block)
    for kind in context.masses.indices { amplitudes[kind] = (noise / masses[kind]).squareRoot() }
    var gained = 0.0
    for first in stride(from: 0, to: atoms.localCount, by: Self.block) {
      let count = min(Self.block, atoms.localCount - first)
      CounterRandom.fillGaussians(
        seed: seed, stream: .langevin, step: step, ids: ids + first, count: count, x: x, y: y, z: z)
      for i in first..<(first + count) where groups[i] & outside == 0 {
        let kind = Int(species[i])
        let old = velocities[i]
        let new = c * old + amplitudes[kind] * Vector3(x[i - first], y[i - first], z[i - first])
        velocities[i] = new
        gained += masses[kind] * (new.squaredLength - old.squaredLength)
      }
    }
    heat += 0.5 * gained
  }

  /// Collective.
  package func bathEnergy(_ context: DynamicsContext) -> Double { -context.communicator.sum(heat) }

  /// Collective. The heat of all ranks is put on the first, as it will be after a restart.
  package func state(_ context: DynamicsContext) throws -> Data {
    let total = context.communicator.sum(heat)
    heat = context.communicator.isRoot ? total : 0
    return try StateCoding.encode([total], kind: name)
  }
}

extension ThermostatEntry {
  static let langevin = ThermostatEntry(
    "langevin", "Langevin dynamics (BAOAB): friction and noise on every atom.",
    damping: "Time constant τ, the inverse of the friction coefficient.", startsFromRest: true,
    example: "thermostat: {langevin: {temperature: 300, damping: 1 ps}}"
  ) { _, setting in
    try Langevin(target: setting.target, damping: setting.damping, seed: setting.seed)
  }
}
