import Foundation
import MDCore
import MDNumerics

/// Nosé–Hoover chains: canonical dynamics by M coupled thermostat variables η₁ … η_M,
///
///     v̇ᵢ = fᵢ/mᵢ − η̇₁ (vᵢ − V),   Q₁ η̈₁ = 2K − g k_B T − Q₁ η̇₁ η̇₂,
///     Q_k η̈_k = Q_{k−1} η̇²_{k−1} − k_B T − Q_k η̇_k η̇_{k+1},
///
/// with g degrees of freedom, V and 2K as of `ThermalMotion`, Q₁ = g k_B T τ², Q_k = k_B T τ². Conserved: K + U + Σ ½
/// Q_k η̇_k² + ∫ (g k_B T dη₁ + Σ_{k>1} k_B T dη_k), here also along a temperature ramp: when T, and with it Q,
/// changes, the jump of ½ Q_k η̇_k² is taken off the bath energy.
///
/// G. J. Martyna, M. L. Klein, M. Tuckerman, J. Chem. Phys. 97, 2635 (1992); the factorised propagator with
/// Suzuki–Yoshida weights is that of G. J. Martyna, M. E. Tuckerman, D. J. Tobias, M. L. Klein, Mol. Phys. 87,
/// 1117 (1996), appendix A. One reduction a step: the kinetic energy before a step is that after the last.
public final class NoseHooverChain: Thermostat {
  public let name = "Nosé–Hoover chain"
  public let target: TemperatureRamp
  /// τ, ps: the period of the thermostat's oscillation is of the order of 2πτ.
  public let damping: Double
  public let length: Int

  /// The third-order weights of M. Suzuki, Phys. Lett. A 146, 319 (1990), and H. Yoshida, ibid. 150, 262 (1990).
  private static let weights: [Double] = {
    let outer = 1 / (2 - 1.259921049894873164767)
    return [outer, 1 - 2 * outer, outer]
  }()

  private struct State: Codable {
    var chainVelocities: [Double]
    var masses: [Double]
    var work: Double
    var twiceKinetic: Double
    /// See `ThermalMotion`, x, y, z; nil in checkpoints of programs that knew none.
    var drift: [Double]?
  }
  private var chain = State(chainVelocities: [], masses: [], work: 0, twiceKinetic: 0, drift: [0, 0, 0])
  private var freedom = 0

  /// Throws if `damping` or `length` is not positive.
  public init(target: TemperatureRamp, damping: Double, length: Int = 3) throws {
    guard damping > 0 && damping.isFinite && length > 0 else {
      throw FaultlineError(
        .input, "a Nosé–Hoover chain of length \(length) with damping \(damping) ps",
        hint: "both are positive", isCollective: true)
    }
    self.target = target
    self.damping = damping
    self.length = length
  }

  public func begin(_ context: DynamicsContext, from state: Data?) throws {
    freedom = try thermostatFreedom(context)
    if let state {
      chain = try decode(state)
      return
    }
    chain = State(
      chainVelocities: Array(repeating: 0, count: length),
      masses: masses(target.temperature(at: context.step)), work: 0, twiceKinetic: 0, drift: [0, 0, 0])
    measure(context)
  }

  private func measure(_ context: DynamicsContext) {
    let motion = thermalMotion(context)
    chain.twiceKinetic = motion.twiceKinetic
    chain.drift = [motion.drift.x, motion.drift.y, motion.drift.z]
  }

  private func masses(_ temperature: Double) -> [Double] {
    let unit = Units.boltzmann * temperature * damping * damping
    return (0..<length).map { $0 == 0 ? Double(freedom) * unit : unit }
  }

  public func beforeStep(_ context: DynamicsContext) {
    let fresh = masses(target.temperature(at: context.step))
    for k in 0..<length {
      chain.work -= 0.5 * (fresh[k] - chain.masses[k]) * chain.chainVelocities[k] * chain.chainVelocities[k]
    }
    chain.masses = fresh
    propagate(context)
  }

  public func afterStep(_ context: DynamicsContext) {
    measure(context)
    propagate(context)
  }

  /// Half a step of the chain; scales the velocities.
  private func propagate(_ context: DynamicsContext) {
    let kT = Units.boltzmann * target.temperature(at: context.step)
    let g = Double(freedom)
    let last = length - 1
    var factor = 1.0
    var twiceKinetic = chain.twiceKinetic

    for weight in Self.weights {
      let half = 0.25 * weight * context.timestep  // half of the substep, which is weight · Δt/2
      func push(_ k: Int) {
        let drive =
          k == 0
          ? twiceKinetic - g * kT
          : chain.masses[k - 1] * chain.chainVelocities[k - 1] * chain.chainVelocities[k - 1] - kT
        let drag = k == last ? 1 : exp(-0.5 * half * chain.chainVelocities[k + 1])
        chain.chainVelocities[k] =
          (chain.chainVelocities[k] * drag + half * drive / chain.masses[k]) * drag
      }
      for k in stride(from: last, through: 0, by: -1) { push(k) }
      let scale = exp(-2 * half * chain.chainVelocities[0])
      factor *= scale
      twiceKinetic *= scale * scale
      for k in 0...last { chain.work += (k == 0 ? g : 1) * kT * 2 * half * chain.chainVelocities[k] }
      for k in 0...last { push(k) }
    }
    let drift = chain.drift ?? [0, 0, 0]
    VelocityKernels.scale(
      context.atoms.view, by: factor, about: Vector3(drift[0], drift[1], drift[2]),
      immobile: context.motion.outsideThermostat)
    chain.twiceKinetic = twiceKinetic
  }

  public func bathEnergy(_ context: DynamicsContext) -> Double {
    var energy = chain.work
    for (q, v) in zip(chain.masses, chain.chainVelocities) { energy += 0.5 * q * v * v }
    return energy
  }

  public func state(_ context: DynamicsContext) throws -> Data { try StateCoding.encode(chain, kind: name) }

  private func decode(_ state: Data) throws -> State {
    let restored = try StateCoding.decode(State.self, kind: name, from: state)
    guard restored.chainVelocities.count == length, restored.masses.count == length, restored.drift?.count ?? 3 == 3
    else {
      throw FaultlineError(
        .input, "the checkpoint holds a Nosé–Hoover chain of length \(restored.chainVelocities.count), not \(length)",
        hint: "resume with the deck that wrote the checkpoint", isCollective: true)
    }
    try StateCoding.require(
      restored.masses.allSatisfy { $0 > 0 } && restored.twiceKinetic >= 0, kind: name,
      "masses \(restored.masses), twice the kinetic energy \(restored.twiceKinetic)")
    return restored
  }
}
