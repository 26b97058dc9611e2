import MDCore
import MDNumerics

/// What a thermostat that scales velocities acts on.
struct ThermalMotion {
  /// Σ m (v − V)² of the thermostatted atoms of all ranks, eV.
  var twiceKinetic: Double
  /// V, the velocity of the centre of mass where it is no thermal motion, else 0; Å/ps.
  var drift: Vector3
}

extension Thermostat {
  /// Collective, one reduction.
  func thermalMotion(_ context: DynamicsContext) -> ThermalMotion {
    let masses = context.energyMasses.pointer
    guard conservesMomentum, context.counts.thermostatted == context.counts.all else {
      let twice = VelocityKernels.twiceKineticEnergy(
        context.atoms.view, energyMasses: masses, immobile: context.motion.outsideThermostat)
      return ThermalMotion(twiceKinetic: context.communicator.sum(twice), drift: .zero)
    }
    let (twice, momentum, mass) = VelocityKernels.moments(context.atoms.view, energyMasses: masses)
    var sums = [twice, momentum.x, momentum.y, momentum.z, mass]
    context.communicator.sum(&sums)
    let total = Vector3(sums[1], sums[2], sums[3])
    let drift = (1 / sums[4]) * total
    return ThermalMotion(twiceKinetic: max(sums[0] - dot(total, drift), 0), drift: drift)
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
