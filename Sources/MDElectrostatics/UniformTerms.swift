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
package struct UniformTerms {
  private let communicator: any Communicator
  private let selfFactor: Double
  private let background: Double
  private let slab: Double
  private let normal: Vector3
  private let origin: Vector3
  private let height: Double
  /// Of moments; allocated once.
  private let sums = AlignedBuffer<Double>(capacity: 6)

  package init(_ cell: PeriodicCell, splitting alpha: Double, communicator: any Communicator) {
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

  /// Moments of one set of charges, or of two with one reduction.
  private func moments(
    _ charges: UnsafePointer<Double>, _ other: UnsafePointer<Double>?, _ atoms: AtomView
  ) -> (Moments, Moments) {
    let (p, count) = (sums.pointer, other == nil ? 3 : 6)
    addUp(charges, atoms, to: p)
    if let other { addUp(other, atoms, to: p + 3) }
    communicator.allReduce(UnsafeMutableBufferPointer(start: p, count: count), .sum)
    let first = Moments(charge: p[0], dipole: p[1], second: p[2])
    return (first, other == nil ? first : Moments(charge: p[3], dipole: p[4], second: p[5]))
  }

  private func addUp(_ charges: UnsafePointer<Double>, _ atoms: AtomView, to sums: UnsafeMutablePointer<Double>) {
    var m = Moments()
    for i in 0..<atoms.localCount { m.charge += charges[i] }
    if slab != 0 {
      for i in 0..<atoms.localCount {
        let z = dot(atoms.positions[i] - origin, normal)
        m.dipole += charges[i] * z
        m.second += charges[i] * z * z
      }
    }
    sums[0] = m.charge
    sums[1] = m.dipole
    sums[2] = m.second
  }

  /// Adds the terms of φ = A q.
  package func addPotential(
    of charges: UnsafePointer<Double>, on atoms: AtomView, into potential: UnsafeMutablePointer<Double>
  ) {
    let m = moments(charges, nil, atoms).0
    for i in 0..<atoms.localCount {
      let z = dot(atoms.positions[i] - origin, normal)
      potential[i] += slab * m.slabPotential(z, height) - background * m.charge - selfFactor * charges[i]
    }
  }

  /// As `LongRangeSolver.addForces`.
  package func addForces(
    of charges: UnsafePointer<Double>, with other: UnsafePointer<Double>?, on atoms: AtomView, want: Want
  ) -> Tally {
    let (q, l) = moments(charges, other, atoms)
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
        w.add(to: virials + 9 * i)
      }
    }
    return Tally(energy: energy, virial: plain * Matrix3.identity + layered * dipoleVirial)
  }
}
