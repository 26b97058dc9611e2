import Foundation
import MDCore
import MDDeck
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
package final class NoseHooverChain: Thermostat {
  package let name = "Nosé–Hoover chain"
  package var summary: String { "\(name) of \(length)" }
  package let target: TemperatureRamp
  /// τ, ps: the period of the thermostat's oscillation is of the order of 2πτ.
  package let damping: Double
  package let length: Int

  private struct State: Codable {
    var variables: ChainVariables
    var twiceKinetic = 0.0
    /// See `ThermalMotion`, x, y, z.
    var drift = [0.0, 0, 0]
  }
  private var chain: State
  private var freedom = 0

  /// Throws if `damping` or `length` is not positive.
  package init(target: TemperatureRamp, damping: Double, length: Int = 3) throws {
    guard damping > 0 && damping.isFinite && length > 0 else {
      throw FaultlineError(
        .input, "a Nosé–Hoover chain of length \(length) with damping \(damping) ps",
        hint: "both are positive", isCollective: true)
    }
    self.target = target
    self.damping = damping
    self.length = length
    chain = State(variables: ChainVariables(length: length))
  }

  package func begin(_ context: DynamicsContext, from state: Data?) throws {
    freedom = try thermostatFreedom(context)
    if let state {
      chain = try decode(state)
      return
    }
    chain = State(variables: ChainVariables(length: length))
    chain.variables.setMasses(masses(target.temperature(at: context.step)))
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

  package func beforeStep(_ context: DynamicsContext) {
    chain.variables.setMasses(masses(target.temperature(at: context.step)))
    propagate(context)
  }

  package func afterStep(_ context: DynamicsContext) {
    measure(context)
    propagate(context)
  }

  /// Half a step of the chain; scales the velocities.
  private func propagate(_ context: DynamicsContext) {
    let kT = Units.boltzmann * target.temperature(at: context.step)
    var twiceKinetic = chain.twiceKinetic
    let factor = chain.variables.propagate(
      context.timestep, twiceKinetic: &twiceKinetic, freedom: Double(freedom), kT: kT)
    chain.twiceKinetic = twiceKinetic
    VelocityKernels.scale(
      context.atoms.view, by: factor, about: Vector3(chain.drift[0], chain.drift[1], chain.drift[2]),
      immobile: context.motion.outsideThermostat)
  }

  package func bathEnergy(_ context: DynamicsContext) -> Double { chain.variables.energy }

  package func state(_ context: DynamicsContext) throws -> Data { try StateCoding.encode(chain, kind: name) }

  private func decode(_ state: Data) throws -> State {
    let restored = try StateCoding.decode(State.self, kind: name, from: state)
    guard restored.variables.velocities.count == length, restored.drift.count == 3 else {
      throw FaultlineError(
        .input, "the checkpoint holds a Nosé–Hoover chain of length \(restored.variables.velocities.count), not \(length)",
        hint: "resume with the deck that wrote the checkpoint", isCollective: true)
    }
    try StateCoding.require(
      restored.variables.isSound(length: length) && restored.twiceKinetic >= 0, kind: name,
      "masses \(restored.variables.masses), twice the kinetic energy \(restored.twiceKinetic)")
    return restored
  }
}

extension ThermostatEntry {
  static let noseHoover = ThermostatEntry(
    "nose_hoover", "Nosé–Hoover chains (Martyna, Klein, Tuckerman 1992): canonical, deterministic.",
    damping: "Time constant τ; the temperature oscillates with a period of about 2πτ.",
    keys: [.defaulted("chain", .integer(1...20), "3", "Number of thermostats in the chain.")],
    example: "thermostat: {nose_hoover: {temperature: 300, chain: 3}}"
  ) { section, setting in
    try NoseHooverChain(target: setting.target, damping: setting.damping, length: section.integer("chain"))
  }
}
