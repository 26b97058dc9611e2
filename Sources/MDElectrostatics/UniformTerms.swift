import MDCore
import MDNumerics

/// What a reciprocal sum of Gaussian charges leaves out (see `LongRangeSolver`), for Ewald and mesh alike:
///
/// - each charge's own Gaussian, −2Cα/√π qᵢ in the potential;
/// - the neutralising background of a charged cell, −Cπ Q/(V α²);
/// - in a slab, the dipole of the layers: E = (2πC/V)[M² − Q R − Q²L²/12] with M = Σ q z, R = Σ q z², z along the
///   normal and L the height of the periodic cell. I.-C. Yeh, M. L. Berkowitz, J. Chem. Phys. 111, 3155 (1999);
///   with charge V. Ballenegger, A. Arnold, J. J. Cerdà, J. Chem. Phys. 131, 094107 (2009).
///
/// The slab term goes as L²/V, hence its virial E(1 − 2 n ⊗ n).
public struct UniformTerms {
  private let communicator: any Communicator
  private let selfFactor: Double
  private let background: Double
  private let slab: Double
  private let normal: Vector3
  private let origin: Vector3
  private let height: Double

  public init(_ cell: PeriodicCell, splitting alpha: Double, communicator: any Communicator) {
    self.communicator = communicator
    selfFactor = 2 * Units.coulomb * alpha / Double.pi.squareRoot()
    background = Units.coulomb * Double.pi / (cell.volume * alpha * alpha)
    slab = cell.normal == nil ? 0 : 4 * Double.pi * Units.coulomb / cell.volume
    normal = cell.normal ?? .zero
    height = cell.height
    origin = cell.origin
  }

  /// Q, M, R of a set of charges.
  private struct Moments {
    var charge = 0.0, dipole = 0.0, second = 0.0

    /// eV/e: the slab term's potential at z.
    @inline(__always)
    func slabPotential(_ z: Double, _ height: Double) -> Double {
      z * dipole - 0.5 * (charge * z * z + second) - charge * height * height / 12
    }
  }

  private func moments(_ sets: [UnsafePointer<Double>], _ atoms: AtomView) -> [Moments] {
    var sums = [Double](repeating: 0, count: 3 * sets.count)
    for (s, charges) in sets.enumerated() {
      for i in 0..<atoms.localCount {
        let z = dot(atoms.positions[i] - origin, normal)
        sums[3 * s] += charges[i]
        sums[3 * s + 1] += charges[i] * z
        sums[3 * s + 2] += charges[i] * z * z
      }
    }
    communicator.sum(&sums)
    return sets.indices.map { Moments(charge: sums[3 * $0], dipole: sums[3 * $0 + 1], second: sums[3 * $0 + 2]) }
  }

  /// Adds the terms of φ = A q.
  public func addPotential(
    of charges: UnsafePointer<Double>, on atoms: AtomView, into potential: UnsafeMutablePointer<Double>
  ) {
    let m = moments([charges], atoms)[0]
    for i in 0..<atoms.localCount {
      let z = dot(atoms.positions[i] - origin, normal)
      potential[i] += slab * m.slabPotential(z, height) - background * m.charge - selfFactor * charges[i]
    }
  }

  /// As `LongRangeSolver.addForces`.
  public func addForces(
    of charges: UnsafePointer<Double>, with other: UnsafePointer<Double>?, on atoms: AtomView, want: Want
  ) -> Tally {
    let sums = moments(other.map { [charges, $0] } ?? [charges], atoms)
    let q = sums[0]
    let l = sums.count > 1 ? sums[1] : q
    let lambda = other ?? charges
    // E = ½ qᵀ A q is half of the bilinear form with itself; the forces are then those of one of its halves.
    let half = other == nil ? 0.5 : 1
    let dipoleVirial = Matrix3.identity - 2 * Matrix3.outer(normal, normal)
    var energy = 0.0
    var plain = 0.0
    var layered = 0.0
    for i in 0..<atoms.localCount {
      let z = dot(atoms.positions[i] - origin, normal)
      if slab != 0 {
        let f = lambda[i] * (q.dipole - q.charge * z) + charges[i] * (l.dipole - l.charge * z)
        atoms.forces[i] -= half * slab * f * normal
      }
      guard !want.isEmpty else { continue }
      let own = -half * selfFactor * lambda[i] * charges[i]
      let uniform = -0.5 * half * background * (lambda[i] * q.charge + charges[i] * l.charge)
      let layer = 0.5 * half * slab
        * (lambda[i] * q.slabPotential(z, height) + charges[i] * l.slabPotential(z, height))
      energy += own + uniform + layer
      plain += uniform
      layered += layer
      if want.contains(.atomEnergy) { atoms.energies?[i] += own + uniform + layer }
      if want.contains(.atomVirial), let virials = atoms.virials {
        let w = uniform * Matrix3.identity + layer * dipoleVirial
        for (k, value) in w.elements.enumerated() { virials[9 * i + k] += value }
      }
    }
    return Tally(energy: energy, virial: plain * Matrix3.identity + layered * dipoleVirial)
  }
}
