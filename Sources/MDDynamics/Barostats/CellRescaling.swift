import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Stochastic cell rescaling: the strain components e_k of the cell follow first-order dynamics towards the target stress,
///
///     de_k = G_k/(V₀ M_k τ) dt + √(2 k_B T/(V₀ M_k τ)) dW_k,
///     G_k = (Σ m v ⊗ v + W + V S + (1 + c) k_B T·1) : B_k,
///
/// with the measured moduli M_k of the cell of volume V₀ (so that each relaxes in the time τ), S the stress asked for, and
/// c = 1 where the drift of the centre of mass is left out of the motion, else 0. Positions are scaled by e^ε, velocities
/// by e^−ε. The stationary distribution is that of constant stress and temperature, V^(1+c) e^−(K + U − V S : ε)/k_B T over
/// strains. The noise does not depend on the present V (as it does not for √V in the first paper below), which keeps the
/// conserved quantity exact in the limit of short steps.
///
/// Mattia Bernetti, Giovanni Bussi, J. Chem. Phys. 153, 114107 (2020), whose isotropic equation this is for one
/// component; of several, V. Del Tatto et al., Appl. Sci. 12, 1139 (2022). Each change of the cell is made amid the drift
/// with the virial of the step before; the one that would lead back has that of the step after. The logarithm of their
/// probabilities' ratio times k_B T makes the conserved quantity.
///
/// Frozen and driven atoms are carried along with the cell; their velocities stay.
package final class CellRescaling: CellCoupled {
  package let name = "stochastic cell rescaling"
  package let thermostat: (any Thermostat)?
  package private(set) var coupling: PressureCoupling
  private let seed: UInt64

  private struct State: Codable {
    /// W of all ranks at the last forces, eV.
    var virial: [Double]
    /// What makes K + U + this constant, without the thermostat's part, eV.
    var bath = 0.0
    var coupling: PressureCoupling.State
    var thermostat: Data
  }
  private var virial = Matrix3.zero
  private var bath = 0.0

  /// What the second half must know of the change that the first half made.
  private struct Change {
    var steps: [Double]
    var noise: [Double]
    var kinetic: Matrix3
    var volume: Double
  }
  private var change: Change?

  package init(_ coupling: PressureCoupling, thermostat: any Thermostat, seed: UInt64) {
    self.coupling = coupling
    self.thermostat = thermostat
    self.seed = seed
  }

  private var temperature: TemperatureRamp {
    guard let thermostat else { preconditionFailure("made with a thermostat") }
    return thermostat.target
  }

  package func learn(_ context: DynamicsContext, box: Box, probe: StrainProbe) throws -> String {
    try coupling.learn(
      context, box: box, temperature: temperature.temperature(at: context.step), probe: probe)
    return coupling.phrase
  }

  package func begin(_ context: DynamicsContext, box: Box, from data: Data?) throws {
    context.imposeVelocities()
    guard let data else {
      try thermostat?.begin(context, from: nil)
      virial = sumVirial(context)
      bath = 0
      return
    }
    let state = try StateCoding.decode(State.self, kind: name, from: data)
    try StateCoding.require(
      state.virial.count == 9 && state.virial.allSatisfy(\.isFinite) && state.bath.isFinite, kind: name,
      "a virial \(state.virial)")
    (virial, bath) = (Matrix3(state.virial), state.bath)
    try coupling.restore(state.coupling, kind: name)
    try thermostat?.begin(context, from: state.thermostat)
  }

  private func sumVirial(_ context: DynamicsContext) -> Matrix3 {
    var sums = context.tally.virial.elements
    context.communicator.sum(&sums)
    return Matrix3(sums)
  }

  package func firstHalf(_ context: DynamicsContext, box: inout Box) throws {
    thermostat?.beforeStep(context)
    let view = context.atoms.view
    let positions = context.atoms.position.pointer
    let half = 0.5 * context.timestep
    VelocityKernels.kickAndDrift(
      view, positions: positions, inverseMasses: context.inverseMasses.pointer, kick: half, drift: half,
      immobile: context.motion.immobile)
    try rescale(context, &box)
    thermostat?.amidDrift(context)
    VelocityKernels.drift(view, positions: positions, duration: half)
  }

  private func rescale(_ context: DynamicsContext, _ box: inout Box) throws {
    let view = context.atoms.view
    var sums = VelocityKernels.kineticTensor(
      view, energyMasses: context.energyMasses.pointer, immobile: context.motion.immobile)
    context.communicator.sum(&sums)
    let kinetic = VelocityKernels.tensor(sums)
    let (means, amplitudes) = moments(context, kinetic: kinetic, volume: box.volume)
    let noise = means.indices.map { k in
      var random = CounterRandom(seed: seed, stream: .barostat, id: Int64(k), step: context.step)
      return random.gaussian()
    }
    let steps = means.indices.map { means[$0] + amplitudes[$0] * noise[$0] }
    let strain = coupling.components.matrix(steps)
    let volume = box.volume
    guard strain.norm < 0.25 else {
      throw FaultlineError(
        .run, "the barostat strains the cell by \(String(format: "%.3g", strain.norm)) in step \(context.step)",
        hint: "relax the structure first (`minimize` with the same `cell`), or give a longer `damping`",
        isCollective: true)
    }
    try Deformation.apply(strain.exponential, context, box: &box, blame: "the barostat has")
    let back = (-1 * strain).exponential
    VelocityKernels.transform(view, by: back, immobile: context.motion.immobile)
    change = Change(
      steps: steps, noise: noise, kinetic: back * kinetic * back, volume: volume)
  }

  /// Mean and standard deviation of the components' changes in a step.
  private func moments(
    _ context: DynamicsContext, kinetic: Matrix3, volume: Double
  ) -> (means: [Double], amplitudes: [Double]) {
    let kT = Units.boltzmann * temperature.temperature(at: context.step)
    let share = (context.excludesDrift(momentumConserved: conservesMomentum(context)) ? 2 : 1) * kT
    let stress = coupling.target(at: context.step).stress
    let force = coupling.components.project(kinetic + virial + volume * stress + share * .identity)
    let rates = coupling.moduli.map { context.timestep / (coupling.volume * $0 * coupling.damping) }
    return (zip(force, rates).map { $0 * $1 }, rates.map { (2 * kT * $0).squareRoot() })
  }

  package func secondHalf(_ context: DynamicsContext, box: inout Box) throws {
    VelocityKernels.kick(
      context.atoms.view, inverseMasses: context.inverseMasses.pointer, duration: 0.5 * context.timestep,
      immobile: context.motion.immobile)
    virial = sumVirial(context)
    if let change {
      let kT = Units.boltzmann * temperature.temperature(at: context.step)
      let c = context.excludesDrift(momentumConserved: conservesMomentum(context)) ? 1.0 : 0
      let (means, amplitudes) = moments(context, kinetic: change.kinetic, volume: box.volume)
      var ratio = 0.0
      for k in means.indices {
        let back = (-change.steps[k] - means[k]) / amplitudes[k]
        ratio += 0.5 * (back * back - change.noise[k] * change.noise[k])
      }
      let target = coupling.target(at: context.step)
      let strain = coupling.components.matrix(change.steps)
      bath += kT * (ratio - (1 + c) * log(box.volume / change.volume))
      bath += target.pressure * (box.volume - change.volume)
      bath -= 0.5 * (box.volume + change.volume) * target.deviator.contracted(with: strain)
    }
    change = nil
    thermostat?.afterStep(context)
  }

  package func bathEnergy(_ context: DynamicsContext) -> Double { bath + (thermostat?.bathEnergy(context) ?? 0) }

  package func state(_ context: DynamicsContext) throws -> Data {
    guard let thermostat else { preconditionFailure("made with a thermostat") }
    return try StateCoding.encode(
      State(virial: virial.elements, bath: bath, coupling: coupling.state, thermostat: thermostat.state(context)),
      kind: name)
  }
}

extension BarostatEntry {
  static let rescale = BarostatEntry(
    "rescale",
    "Stochastic cell rescaling (Bernetti and Bussi 2020; Del Tatto et al. 2022): first-order, the right fluctuations, "
      + "never rings. Needs a thermostat.",
    needsThermostat: true, example: "barostat: {rescale: {pressure: 0}}"
  ) { coupling, setting in
    guard let thermostat = setting.thermostat else {
      throw FaultlineError(
        .input, "the barostat `rescale` needs a thermostat", hint: "its noise has a temperature; `mtk` works without",
        isCollective: true)
    }
    return CellRescaling(coupling, thermostat: thermostat, seed: setting.seed)
  }
}
