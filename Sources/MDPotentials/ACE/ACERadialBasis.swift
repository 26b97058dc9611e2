import Foundation
import MDPotentialFiles

/// The radial basis g_k of a bond, k = 1 … K (Lysogorskiy et al. 2021, section 3.3; Bochkarev et al. 2022; SBessel:
/// Kocer et al., J. Chem. Phys. 150, 154102 (2019)), and its slopes. With T_k the Chebyshev polynomials:
///
///     ChebExpCos   x = 1 − 2 (e^(−λr/r_c) − e^(−λ))/(1 − e^(−λ)), g₁ = f, g_k = ½(1 − T_{k−1}(x)) f,
///                  f = ½(1 + cos πr/r_c), in the last δ before r_c also ½(1 + cos π(r − r_c + δ)/δ)
///     ChebPow      x = 1 − 2 (1 − r/r_c)^λ, g_k = ½(1 − T_k(x))
///     ChebLinear   x = 1 − r/r_c, g_k = ½(1 − T_k(x)), which does not vanish at r_c
///     SBessel      orthogonal combinations of spherical Bessel functions j₀ with two vanishing slopes at r_c
struct ACERadialBasis {
  private let form: ACEFile.RadialForm
  private let lambda: Double
  let cutoff: Double
  private let width: Double
  let count: Int

  init(_ bond: ACEFile.Bond) {
    form = bond.form
    lambda = bond.parameter
    cutoff = bond.cutoff
    width = bond.cutoffWidth
    count = bond.basisCount
  }

  /// Where the last part of the functions begins, Å: what is smooth on either side of it is not across it.
  var edge: Double {
    form == .chebyshevExponential && width > 0 && width < cutoff ? cutoff - width : cutoff
  }

  /// Fills g_k and g_k′ at r ≤ r_c.
  func evaluate(_ r: Double, _ values: inout [Double], _ slopes: inout [Double]) {
    switch form {
    case .chebyshevExponential:
      let e = exp(-lambda * r / cutoff)
      let span = 1 - exp(-lambda)
      let x = 1 - 2 * (e - exp(-lambda)) / span
      chebyshev(x, 2 * lambda / cutoff * e / span, first: 0, &values, &slopes)
      // ½(1 − T₀) would be 0.
      values[0] = 1
      slopes[0] = 0
      let angle = Double.pi / cutoff
      multiply(0.5 + 0.5 * cos(angle * r), -0.5 * angle * sin(angle * r), &values, &slopes)
      if r > edge {
        let angle = Double.pi / width
        let phase = angle * (r - edge)
        multiply(0.5 + 0.5 * cos(phase), -0.5 * angle * sin(phase), &values, &slopes)
      }
    case .chebyshevPower:
      let rest = max(1 - r / cutoff, 0)
      chebyshev(
        1 - 2 * pow(rest, lambda), 2 * lambda / cutoff * pow(rest, lambda - 1), first: 1, &values, &slopes)
    case .chebyshevLinear:
      chebyshev(1 - r / cutoff, -1 / cutoff, first: 1, &values, &slopes)
    case .sphericalBessel:
      bessel(r, &values, &slopes)
    }
  }

  /// ½(1 − T_k(x)), k from `first` on.
  private func chebyshev(
    _ x: Double, _ change: Double, first: Int, _ values: inout [Double], _ slopes: inout [Double]
  ) {
    // T_k′ = k U_{k−1}.
    var (t, tNext) = (1.0, x)
    var (u, uNext) = (0.0, 1.0)
    for k in 0..<(count + first) {
      if k >= first {
        values[k - first] = 0.5 - 0.5 * t
        slopes[k - first] = -0.5 * Double(k) * u * change
      }
      (t, tNext) = (tNext, 2 * x * tNext - t)
      (u, uNext) = (uNext, 2 * x * uNext - u)
    }
  }

  private func multiply(_ f: Double, _ slope: Double, _ values: inout [Double], _ slopes: inout [Double]) {
    for k in 0..<count {
      slopes[k] = slopes[k] * f + values[k] * slope
      values[k] *= f
    }
  }

  private func bessel(_ r: Double, _ values: inout [Double], _ slopes: inout [Double]) {
    func sinc(_ n: Int) -> (value: Double, slope: Double) {
      let a = Double(n) * .pi / cutoff
      let y = a * r
      // The series where the quotient loses digits.
      if abs(y) < 1e-2 {
        let z = y * y
        return (1 - z / 6 * (1 - z / 20 * (1 - z / 42)), -a * y / 3 * (1 - z / 10 * (1 - z / 28)))
      }
      return (sin(y) / y, a * (cos(y) - sin(y) / y) / y)
    }
    var d = 1.0
    var next = sinc(1)
    for n in 0..<count {
      let (p, q) = (Double(n + 1), Double(n + 2))
      let one = next
      next = sinc(n + 2)
      let factor =
        (n % 2 == 0 ? 1.0 : -1.0) * 2.0.squareRoot() * .pi / pow(cutoff, 1.5) * p * q / (p * p + q * q).squareRoot()
      let f = factor * (one.value + next.value)
      let slope = factor * (one.slope + next.slope)
      if n == 0 {
        (values[0], slopes[0]) = (f, slope)
        continue
      }
      let k = Double(n)
      let e = k * k * q * q / (4 * p * p * p * p + 1)
      let mix = (e / d).squareRoot()
      let norm = 1 / (1 - e / d).squareRoot()
      values[n] = (f + mix * values[n - 1]) * norm
      slopes[n] = (slope + mix * slopes[n - 1]) * norm
      d = 1 - e / d
    }
  }
}
