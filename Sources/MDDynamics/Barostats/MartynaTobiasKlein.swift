import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Constant stress by the equations of Martyna, Tobias and Klein: the strain components of the cell are particles of mass
/// Q_k = V₀ M_k τ² with the measured moduli M_k, so that each oscillates with a period of about 2πτ,
///
///     ṙ = v + ε̇ r,   v̇ = f/m − (ε̇ + tr ε̇/N_f) v,   Q_k ë_k = G_k − Q_k ė_k ξ̇,
///     G_k = (Σ m v ⊗ v + W + V S + (Σ m v²/N_f + c k_B T)·1) : B_k,   ε̇ = Σ ė_k B_k,
///
/// with N_f degrees of freedom, c = 1 where the drift of the centre of mass is left out of them, else 0 (so that volumes
/// are distributed as V^N e^(−PV/k_BT) with all N atoms, as with `CellRescaling`), S the stress asked for and ξ a chain of Nosé and Hoover of the cell's own, at the
/// thermostat's temperature; without a thermostat there is none, and the enthalpy is constant. ε̇ is symmetric: the cell
/// does not rotate. Conserved: K + U − ∫ V S : dε − c k_B T ln V + Σ ½ Q_k ė_k² and what thermostat and chain hold.
///
/// G. J. Martyna, D. J. Tobias, M. L. Klein, J. Chem. Phys. 101, 4177 (1994); the factorised propagator is that of
/// T.-Q. Yu et al., Chem. Phys. 370, 294 (2010), and W. Shinoda et al., Phys. Rev. B 69, 134103 (2004).
///
/// Frozen and driven atoms are carried along with the cell; their velocities stay.
package final class MartynaTobiasKlein: CellCoupled {
  package let name = "Martyna–Tobias–Klein"
  package let thermostat: (any Thermostat)?
  package private(set) var coupling: PressureCoupling

  private struct State: Codable {
    /// Σ m v ⊗ v and W of all ranks at the last step, eV.
    var kinetic: [Double]
    var virial: [Double]
    /// ė_k, 1/ps, and Q_k, eV·ps².
    var rates: [Double]
    var masses: [Double]
    var chain: ChainVariables
    /// −∫ V S : dε, eV.
    var work = 0.0
    var coupling: PressureCoupling.State
    var thermostat: Data?
  }
  private var kinetic = Matrix3.zero
  private var virial = Matrix3.zero
  private var rates: [Double] = []
  private var masses: [Double] = []
  private var chain = ChainVariables(length: MartynaTobiasKlein.length)
  private var work = 0.0
  private static let length = 3

  package init(_ coupling: PressureCoupling, thermostat: (any Thermostat)?) {
    self.coupling = coupling
    self.thermostat = thermostat
  }

  private func temperature(_ step: Int) -> Double? { thermostat?.target.temperature(at: step) }

  package func learn(_ context: DynamicsContext, box: Box, probe: StrainProbe) throws -> String {
    let state = KineticState(context, momentumConserved: conservesMomentum(context))
    try coupling.learn(
      context, box: box, temperature: temperature(context.step) ?? state.temperature, probe: probe)
    masses = coupling.moduli.map { box.volume * $0 * coupling.damping * coupling.damping }
    return coupling.phrase
  }

  package func begin(_ context: DynamicsContext, box: Box, from data: Data?) throws {
    context.imposeVelocities()
    guard let data else {
      try thermostat?.begin(context, from: nil)
      rates = coupling.moduli.map { _ in 0 }
      chain = ChainVariables(length: Self.length)
      work = 0
      measure(context)
      return
    }
    let state = try StateCoding.decode(State.self, kind: name, from: data)
    let count = coupling.components.count
    try StateCoding.require(
      state.kinetic.count == 9 && state.virial.count == 9 && state.rates.count == count && state.masses.count == count
        && state.masses.allSatisfy { $0 > 0 && $0.isFinite } && state.chain.isSound(length: Self.length)
        && (state.kinetic + state.virial + state.rates + [state.work]).allSatisfy(\.isFinite)
        && (state.thermostat == nil) == (thermostat == nil), kind: name, "rates \(state.rates)")
    (kinetic, virial) = (Matrix3(state.kinetic), Matrix3(state.virial))
    (rates, masses, chain, work) = (state.rates, state.masses, state.chain, state.work)
    try coupling.restore(state.coupling, kind: name)
    try thermostat?.begin(context, from: state.thermostat)
  }

  package func firstHalf(_ context: DynamicsContext, box: inout Box) throws {
    thermostat?.beforeStep(context)
    propagateChain(context)
    // The thermostat has changed the velocities.
    if thermostat != nil { measureKinetic(context) }
    push(context, volume: box.volume)
    kick(context)
    guard let thermostat, thermostat.actsAmidDrift else { return try drift(context, &box, context.timestep) }
    try drift(context, &box, 0.5 * context.timestep)
    thermostat.amidDrift(context)
    try drift(context, &box, 0.5 * context.timestep)
  }

  package func secondHalf(_ context: DynamicsContext, box: inout Box) throws {
    kick(context)
    measure(context)
    push(context, volume: box.volume)
    propagateChain(context)
    thermostat?.afterStep(context)
  }

  /// Half a step of the cell's velocities.
  private func push(_ context: DynamicsContext, volume: Double) {
    let freedom = max(context.degreesOfFreedom(momentumConserved: conservesMomentum(context)), 1)
    let stress = coupling.target(at: context.step).stress
    let share = kinetic.trace / Double(freedom) + driftShare(context)
    let force = coupling.components.project(kinetic + virial + volume * stress + share * .identity)
    for k in rates.indices { rates[k] += 0.5 * context.timestep * force[k] / masses[k] }
  }

  /// c k_B T, eV.
  private func driftShare(_ context: DynamicsContext) -> Double {
    guard let temperature = temperature(context.step),
      context.excludesDrift(momentumConserved: conservesMomentum(context))
    else { return 0 }
    return Units.boltzmann * temperature
  }

  /// Half a step of the atoms' velocities under forces and the cell's drag.
  private func kick(_ context: DynamicsContext) {
    let freedom = max(context.degreesOfFreedom(momentumConserved: conservesMomentum(context)), 1)
    let strainRate = coupling.components.matrix(rates)
    let half = 0.5 * context.timestep
    let drag = half * (strainRate + (strainRate.trace / Double(freedom)) * .identity)
    VelocityKernels.kick(
      context.atoms.view, inverseMasses: context.inverseMasses.pointer, keep: (-1 * drag).exponential,
      push: half * ((-0.5 * drag).exponential * (0.5 * drag).sinhOverArgument), immobile: context.motion.immobile)
  }

  /// Positions and the cell over a time.
  private func drift(_ context: DynamicsContext, _ box: inout Box, _ time: Double) throws {
    let strain = time * coupling.components.matrix(rates)
    guard strain.norm < 0.25 else {
      throw FaultlineError(
        .run, "the barostat strains the cell by \(String(format: "%.3g", strain.norm)) in step \(context.step)",
        hint: "relax the structure first (`minimize` with the same `cell`), or give a longer `damping`",
        isCollective: true)
    }
    let volume = box.volume
    try Deformation.apply(strain.exponential, context, box: &box, blame: "the barostat has")
    let carry = time * ((0.5 * strain).exponential * (0.5 * strain).sinhOverArgument)
    let (positions, velocities) = (context.atoms.position.pointer, context.atoms.velocity.pointer)
    for i in 0..<context.atoms.localCount { positions[i] += velocities[i] * carry }
    let target = coupling.target(at: context.step)
    work += target.pressure * (box.volume - volume)
    work -= 0.5 * (box.volume + volume) * target.deviator.contracted(with: strain)
    work -= driftShare(context) * log(box.volume / volume)
  }

  /// Half a step of the cell's own thermostat.
  private func propagateChain(_ context: DynamicsContext) {
    guard let temperature = temperature(context.step) else { return }
    let kT = Units.boltzmann * temperature
    chain.setMasses(
      (0..<Self.length).map { ($0 == 0 ? Double(rates.count) : 1) * kT * coupling.damping * coupling.damping })
    var twice = twiceCellKinetic
    let factor = chain.propagate(
      context.timestep, twiceKinetic: &twice, freedom: Double(rates.count), kT: kT)
    for k in rates.indices { rates[k] *= factor }
  }

  private var twiceCellKinetic: Double { zip(masses, rates).reduce(0) { $0 + $1.0 * $1.1 * $1.1 } }

  private func measureKinetic(_ context: DynamicsContext) {
    var sums = VelocityKernels.kineticTensor(
      context.atoms.view, energyMasses: context.energyMasses.pointer, immobile: context.motion.immobile)
    context.communicator.sum(&sums)
    kinetic = VelocityKernels.tensor(sums)
  }

  private func measure(_ context: DynamicsContext) {
    var sums =
      VelocityKernels.kineticTensor(
        context.atoms.view, energyMasses: context.energyMasses.pointer, immobile: context.motion.immobile)
      + context.tally.virial.elements
    context.communicator.sum(&sums)
    kinetic = VelocityKernels.tensor(sums)
    virial = Matrix3(Array(sums[6...]))
  }

  package func bathEnergy(_ context: DynamicsContext) -> Double {
    0.5 * twiceCellKinetic + work + (thermostat == nil ? 0 : chain.energy) + (thermostat?.bathEnergy(context) ?? 0)
  }

  package func state(_ context: DynamicsContext) throws -> Data {
    try StateCoding.encode(
      State(
        kinetic: kinetic.elements, virial: virial.elements, rates: rates, masses: masses, chain: chain, work: work,
        coupling: coupling.state, thermostat: try thermostat?.state(context)), kind: name)
  }
}

extension BarostatEntry {
  static let mtk = BarostatEntry(
    "mtk",
    "Martyna, Tobias and Klein (1994): the cell as a particle with chains of its own; deterministic where the thermostat "
      + "is, and constant enthalpy without one. Far from equilibrium it rings with a period of about 2πτ.",
    example: "barostat: {mtk: {pressure: [0, 1 GPa], cell: axes}}"
  ) { coupling, setting in MartynaTobiasKlein(coupling, thermostat: setting.thermostat) }
}
