import MDCore
import MDNumerics

/// Initial velocities of the mobile atoms.
package enum VelocityInitialization {
  /// Draws Maxwell–Boltzmann velocities, v = √(k_B T/m) R with R named by (seed, atom id, `context.step`); takes off
  /// the centre-of-mass velocity of the mobile atoms unless `zeroMomentum` is false; and scales so that the temperature
  /// is T exactly. Collective. Frozen and driven atoms get their prescribed velocities.
  ///
  /// The temperature is that of `KineticState` under dynamics that conserve the momentum or do not, which is what the
  /// first row of thermo.csv shows. Throws if T is negative, or positive with nothing to move.
  package static func maxwellBoltzmann(
    temperature: Double, seed: UInt64, zeroMomentum: Bool = true, momentumConserved: Bool = true,
    _ context: DynamicsContext
  ) throws {
    guard temperature >= 0 && temperature.isFinite else {
      throw FaultlineError(
        .input, "initial velocities at \(temperature) K", hint: "temperatures are not negative, in K",
        isCollective: true)
    }
    let atoms = context.atoms.view
    let immobile = context.motion.immobile
    let kT = Units.boltzmann * temperature
    for i in 0..<atoms.localCount where atoms.groups[i] & immobile == 0 {
      var random = CounterRandom(seed: seed, stream: .velocities, id: atoms.ids[i], step: context.step)
      let inverseMass = context.inverseMasses.pointer[Int(atoms.species[i])]
      atoms.velocities[i] = (kT * inverseMass).squareRoot() * random.gaussianVector()
    }
    context.imposeVelocities()
    if zeroMomentum { removeMomentum(context) }
    guard temperature > 0 else { return }
    let drawn = KineticState(context, momentumConserved: momentumConserved).temperature
    guard drawn > 0 else {
      throw FaultlineError(
        .input, "no atom can carry the thermal motion of \(temperature) K",
        hint: "some atoms must be free; a single atom cannot have both zero momentum and a temperature",
        isCollective: true)
    }
    VelocityKernels.scale(atoms, by: (temperature / drawn).squareRoot(), immobile: immobile)
  }

  /// Takes the velocity of their common centre of mass off the mobile atoms, and returns it (Å/ps). Collective. With
  /// `unlessBelow` only if the drift has more than this share of the kinetic energy; else the velocities keep their
  /// bits.
  @discardableResult
  package static func removeMomentum(_ context: DynamicsContext, unlessBelow share: Double = 0) -> Vector3 {
    let state = KineticState(context, momentumConserved: false)
    guard state.mass > 0 else { return .zero }
    let velocity = (1 / state.mass) * state.momentum
    let energy = 0.5 * Units.massVelocitySquaredToEnergy * dot(state.momentum, velocity)
    guard energy > share * state.energy else { return .zero }
    let atoms = context.atoms.view
    let immobile = context.motion.immobile
    for i in 0..<atoms.localCount where atoms.groups[i] & immobile == 0 { atoms.velocities[i] -= velocity }
    return velocity
  }
}
