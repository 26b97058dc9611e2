import MDCore
import MDDynamics
import MDNumerics

extension ThermoRow {
  /// Measures the system (collective). `tally` is this rank's energy and virial at this step. In a relaxation
  /// velocities are the minimiser's tool and not motion: the atoms count as at rest.
  static func sample(
    _ context: DynamicsContext, tally: Tally, box: Box, stage: Int, time: Double, integrator: any Integrator,
    isDynamics: Bool
  ) -> ThermoRow {
    let kinetic =
      isDynamics ? KineticState(context, momentumConserved: integrator.conservesMomentum(context)) : .atRest
    let communicator = context.communicator
    var sums = [tally.energy] + tally.virial.elements
    communicator.sum(&sums)
    let virial = Matrix3(Array(sums[1...]))
    let p = kinetic.pressure(virial: virial, volume: box.volume)
    let total = sums[0] + kinetic.energy
    return ThermoRow(
      step: context.step, time: time, stage: stage, temperature: kinetic.temperature, potentialEnergy: sums[0],
      kineticEnergy: kinetic.energy, totalEnergy: total, conserved: total + integrator.bathEnergy(context),
      pressure: p.trace / 3, pressureTensor: [p.x.x, p.y.y, p.z.z, p.y.z, p.x.z, p.x.y], volume: box.volume,
      lengths: [box.cell.x.length, box.cell.y.length, box.cell.z.length],
      largestForce: communicator.maximum(largestForce(context)), virial: virial)
  }

  /// On this rank, over mobile atoms; infinite if a force is not a number.
  private static func largestForce(_ context: DynamicsContext) -> Double {
    let atoms = context.atoms.view
    let immobile = context.motion.immobile
    var largest = 0.0
    for i in 0..<atoms.localCount where atoms.groups[i] & immobile == 0 {
      let f = atoms.forces[i]
      let m = max(abs(f.x), abs(f.y), abs(f.z))
      if !(m <= largest) { largest = m.isNaN ? .infinity : m }
    }
    return largest
  }
}
