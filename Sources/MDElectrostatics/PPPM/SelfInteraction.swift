import Foundation
import MDCore
import MDNumerics

/// Sums Σ_n g(n) Π_a Σ_m ŵ(ν_a) ŵ(ν_a + l_a N_a) over the spectrum, for shifts l that are 0, or 1 or 2 along one axis.
struct ShiftedSums {
  var none = 0.0
  var one = Vector3.zero
  var two = Vector3.zero

  init() {}

  mutating func add(_ row: InfluenceRow, _ moments: InfluenceRow.Moments) {
    let (x, y) = (row.x, row.y)
    none += x.sum0 * y.sum0 * moments[0]
    one += Vector3(x.shifted1 * y.sum0 * moments[0], x.sum0 * y.shifted1 * moments[0], x.sum0 * y.sum0 * moments[1])
    two += Vector3(x.shifted2 * y.sum0 * moments[0], x.sum0 * y.shifted2 * moments[0], x.sum0 * y.sum0 * moments[2])
  }

  /// Sums over all ranks.
  static func reduce(_ sums: [ShiftedSums], _ communicator: any Communicator) -> [ShiftedSums] {
    var all = sums.flatMap { [$0.none, $0.one.x, $0.one.y, $0.one.z, $0.two.x, $0.two.y, $0.two.z] }
    communicator.sum(&all)
    return sums.indices.map { k in
      var s = ShiftedSums()
      s.none = all[7 * k]
      s.one = Vector3(all[7 * k + 1], all[7 * k + 2], all[7 * k + 3])
      s.two = Vector3(all[7 * k + 4], all[7 * k + 5], all[7 * k + 6])
      return s
    }
  }
}

/// What a charge does to itself on the mesh, and what it should.
///
/// The mesh energy holds ½ Σ q² u(t), where u, the potential that a unit charge at mesh coordinate t makes at its own
/// place, has the period of the mesh:
///
///     u(t) = U₀ + Σ_axes [2U₁ cos 2πt + 2U₂ cos 4πt] + …,  U_l = Σ_n G Σ_m ŵ(ν) ŵ(ν + lN).
///
/// In truth it is a constant, the potential ξ of the charge's periodic images and of its own Gaussian. So the
/// solver adds ½ Σ q² [ξ − u(t)] with the terms written: forces stay the exact gradient of an energy, lose the force
/// of a charge on itself, which is as large as all other errors of the mesh together (V. Ballenegger et al. 2012,
/// section 3; the terms left out are smaller than 1/50 of it), and the mean energy loses its offset.
struct SelfInteraction {
  /// ξ − U₀, eV/e².
  var constant: Double
  /// 2U₁ and 2U₂.
  var first: Vector3
  var second: Vector3
  /// −∂/∂ε of the above, eV/e²; nil until needed.
  var virials: Virials?

  struct Virials {
    var constant: Matrix3
    /// For each axis.
    var first: [Matrix3]
    var second: [Matrix3]
  }

  init(_ sums: ShiftedSums, exact: Double) {
    constant = exact - sums.none
    first = 2 * sums.one
    second = 2 * sums.two
  }

  /// `values` are the sums of G, `tensors` those of t (see `InfluenceFunction`).
  static func virials(
    _ values: ShiftedSums, _ tensors: [ShiftedSums], exact: Matrix3, _ influence: InfluenceFunction
  ) -> Virials {
    func of(_ value: Double, _ component: (ShiftedSums) -> Double) -> Matrix3 {
      value * Matrix3.identity - influence.cartesian(tensors.map(component))
    }
    return Virials(
      constant: exact - of(values.none) { $0.none },
      first: (0..<3).map { a in of(2 * values.one[a]) { 2 * $0.one[a] } },
      second: (0..<3).map { a in of(2 * values.two[a]) { 2 * $0.two[a] } })
  }

  /// ξ = 4πC/V Σ_{k≠0} e^(−k²/4α²)/k², the potential of a Gaussian charge and all its images (with background) at its
  /// centre, and −∂ξ/∂ε. By Ewald's device with a splitting β of its own,
  ///
  ///     ξ/C = 4π/V Σ_{k≠0} e^(−k²/4β²)/k² + Σ_{R≠0} [erfc(βR) − erfc(αR)]/R + 2(α − β)/√π − π/V (1/β² − 1/α²),
  ///
  /// with some hundred terms whatever α is.
  static func exact(_ cell: PeriodicCell, splitting alpha: Double) -> (value: Double, virial: Matrix3) {
    let beta = min(alpha, Double.pi.squareRoot() / cbrt(cell.volume))
    let identity = Matrix3.identity
    var value = 2 * (alpha - beta) / Double.pi.squareRoot()
    var virial = Matrix3.zero
    let background = Double.pi / cell.volume * (1 / (beta * beta) - 1 / (alpha * alpha))
    value -= background
    virial += (-background) * identity
    let width = 1 / (4 * beta * beta)
    forEachVector(cell.reciprocal, within: beta * 6.5 / .pi) { n in
      let k = 2 * Double.pi * n
      let k2 = k.squaredLength
      let term = 4 * Double.pi / cell.volume * exp(-k2 * width) / k2
      value += term
      virial += term * (identity - 2 * (1 / k2 + width) * Matrix3.outer(k, k))
    }
    forEachVector(cell.cell, within: 6.5 / beta) { r in
      let d = r.length
      func gaussian(_ a: Double) -> Double { 2 * a / Double.pi.squareRoot() * exp(-a * a * d * d) }
      let term = (erfc(beta * d) - erfc(alpha * d)) / d
      let slope = -(term + gaussian(beta) - gaussian(alpha)) / d
      value += term
      virial += (-slope / d) * Matrix3.outer(r, r)
    }
    return (Units.coulomb * value, Units.coulomb * virial)
  }

  /// All nonzero sums of whole multiples of the rows that are no longer than `reach`.
  private static func forEachVector(_ rows: Matrix3, within reach: Double, _ body: (Vector3) -> Void) {
    let dual = rows.inverse.transpose
    let n = (0..<3).map { Int(reach * dual[$0].length) }
    for i in -n[0]...n[0] {
      for j in -n[1]...n[1] {
        for l in -n[2]...n[2] where !(i == 0 && j == 0 && l == 0) {
          let v = Double(i) * rows.x + Double(j) * rows.y + Double(l) * rows.z
          if v.squaredLength <= reach * reach { body(v) }
        }
      }
    }
  }
}
