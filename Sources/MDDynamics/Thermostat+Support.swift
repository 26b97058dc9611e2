import MDCore

extension Thermostat {
  /// Σ m v² of the thermostatted atoms of all ranks, eV (collective).
  func twiceThermostattedKineticEnergy(_ context: DynamicsContext) -> Double {
    context.communicator.sum(
      VelocityKernels.twiceKineticEnergy(
        context.atoms.view, energyMasses: context.energyMasses.pointer,
        immobile: context.motion.outsideThermostat))
  }

  /// The degrees of freedom to act on; throws if there are none.
  func thermostatFreedom(_ context: DynamicsContext) throws -> Int {
    let freedom = context.thermostattedDegreesOfFreedom(momentumConserved: conservesMomentum)
    guard freedom > 0 else {
      throw FaultlineError(
        .input, "the \(name) thermostat has no degree of freedom to act on",
        hint: "some atoms must be neither frozen nor driven nor excluded from the thermostat",
        isCollective: true)
    }
    return freedom
  }
}
