import Foundation
import MDCore
import MDNumerics

/// What the energy of a 4G potential leaves out of the Coulomb energy of its charges:
///
///     ½ qᵀS q = −C Σᵢ qᵢ²/(2√π σᵢ) + C Σ_{i<j} qᵢqⱼ (f(rᵢⱼ) − 1) erf(rᵢⱼ/√2γᵢⱼ)/rᵢⱼ
///
/// with the screening function f. Reads a full list and writes to the rank's own atoms only.
struct ScreenedCharges {
  let screening: ScreeningFunction?
  /// σ by species.
  let widths: [Double]
  /// C.
  let coulomb: Double

  var cutoff: Double { screening?.outer ?? 0 }

  /// Adds S q to the potential.
  func addPotential(
    _ q: UnsafePointer<Double>, _ context: ForceContext, to potential: UnsafeMutablePointer<Double>
  ) {
    let atoms = context.atoms
    for i in 0..<atoms.localCount {
      potential[i] -= coulomb * q[i] / (Double.pi.squareRoot() * widths[Int(atoms.species[i])])
    }
    pairs(context) { i, j, _, value, _ in potential[i] += value * q[j] }
  }

  /// Adds the forces of ½ qᵀS q at fixed charges; returns the virial.
  func addForces(_ q: UnsafePointer<Double>, _ context: ForceContext) -> Matrix3 {
    let atoms = context.atoms
    let perAtom = context.want.contains(.atomVirial) ? atoms.virials : nil
    var virial = Matrix3.zero
    pairs(context) { i, j, d, _, slope in
      let f = q[i] * q[j] * slope * d
      atoms.forces[i] -= f
      guard !context.want.isEmpty else { return }
      let w = Matrix3.outer(d, 0.5 * f)
      virial += w
      if let perAtom { GaussianChargeMatrix.add(w, to: perAtom, i) }
    }
    return virial
  }

  /// Gives i, j, rⱼ − rᵢ, the element of S and −(its slope)/r of every pair, from both sides.
  @inline(__always)
  private func pairs(
    _ context: ForceContext, _ body: (_ i: Int, _ j: Int, _ d: Vector3, _ value: Double, _ slope: Double) -> Void
  ) {
    guard let screening else { return }
    let atoms = context.atoms
    let list = context.neighbors(.full)
    let limit = screening.outer * screening.outer
    let scale = 2 / Double.pi.squareRoot()
    for i in 0..<list.rowCount {
      let a = widths[Int(atoms.species[i])]
      for k in list.starts[i]..<list.starts[i + 1] {
        let j = Int(list.indices[k])
        let d = atoms.positions[j] - atoms.positions[i]
        let r2 = d.squaredLength
        guard r2 < limit else { continue }
        let b = widths[Int(atoms.species[j])]
        let beta = 1 / (2 * (a * a + b * b)).squareRoot()
        let r = r2.squareRoot()
        let (lack, rise) = screening.lackAndSlope(r)
        let phi = erf(beta * r) / r
        let phiSlope = (scale * beta * exp(-beta * beta * r2) - phi) / r
        body(i, j, d, coulomb * lack * phi, -coulomb * (rise * phi + lack * phiSlope) / r)
      }
    }
  }
}
