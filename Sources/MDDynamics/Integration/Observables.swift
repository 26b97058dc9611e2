import MDCore
import MDNumerics

/// Kinetic sums over the mobile atoms of all ranks. Frozen and driven atoms do not count: their motion is not thermal.
package struct KineticState: Sendable, Equatable {
  /// Σ m v ⊗ v, eV.
  package let tensor: Matrix3
  /// Σ m (v − V) ⊗ (v − V), eV, with the velocity V of the centre of mass where it is no thermal motion (see
  /// `DynamicsContext.excludesDrift`), else V = 0.
  package let thermal: Matrix3
  /// Σ m v, g/mol · Å/ps.
  package let momentum: Vector3
  /// Σ m, g/mol.
  package let mass: Double
  package let count: Int
  /// See `DynamicsContext.degreesOfFreedom`.
  package let degreesOfFreedom: Int

  /// K = ½ Σ m v², eV; drift included, so that the total energy is constant where nothing acts from outside.
  package var energy: Double { 0.5 * tensor.trace }
  /// T = Σ m (v − V)² / (g k_B), K; 0 without degrees of freedom.
  package var temperature: Double {
    degreesOfFreedom > 0 ? thermal.trace / (Double(degreesOfFreedom) * Units.boltzmann) : 0
  }

  /// Nothing moves.
  package static let atRest = KineticState()

  private init() {
    (tensor, thermal, momentum, mass, count, degreesOfFreedom) = (.zero, .zero, .zero, 0, 0, 0)
  }

  /// Measures the atoms (collective, one reduction). `momentumConserved` is the integrator's `conservesMomentum`.
  package init(_ context: DynamicsContext, momentumConserved: Bool) {
    let atoms = context.atoms.view
    let (velocities, species, groups) = (atoms.velocities, atoms.species, atoms.groups)
    let masses = context.energyMasses.pointer
    let immobile = context.motion.immobile
    var (diagonal, sides, momentum) = (Vector3.zero, Vector3.zero, Vector3.zero)
    var (mass, count) = (0.0, 0.0)
    for i in 0..<atoms.localCount where groups[i] & immobile == 0 {
      let m = masses[Int(species[i])]
      let v = velocities[i]
      let p = m * v
      momentum += p
      diagonal.addProduct(p, v)
      sides.addProduct(p, Vector3(v.y, v.z, v.x))  // xy, yz, zx
      mass += m
      count += 1
    }
    var sums = [
      diagonal.x, diagonal.y, diagonal.z, sides.x, sides.y, sides.z, momentum.x, momentum.y, momentum.z, mass, count,
    ]
    context.communicator.sum(&sums)
    tensor = Matrix3(
      Vector3(sums[0], sums[3], sums[5]), Vector3(sums[3], sums[1], sums[4]), Vector3(sums[5], sums[4], sums[2]))
    let total = Vector3(sums[6], sums[7], sums[8])
    let excludesDrift = context.excludesDrift(momentumConserved: momentumConserved) && sums[9] > 0
    thermal = excludesDrift ? tensor - (1 / sums[9]) * Matrix3.outer(total, total) : tensor
    let unit = 1 / Units.massVelocitySquaredToEnergy
    self.momentum = unit * Vector3(sums[6], sums[7], sums[8])
    self.mass = unit * sums[9]
    self.count = Int(sums[10])
    degreesOfFreedom = context.degreesOfFreedom(momentumConserved: momentumConserved)
  }

  /// P = (Σ m (v − V) ⊗ (v − V) + W)/volume, bar, with the virial W = Σ r ⊗ f of all ranks in eV; positive under
  /// compression.
  package func pressure(virial: Matrix3, volume: Double) -> Matrix3 {
    (Units.energyPerVolumeToBar / volume) * (thermal + virial)
  }
}
