import Foundation
import MDPotentialFiles

/// F_m(ρ) and its slope (Bochkarev et al. 2022, eq. 6 and the text below it for the shifted form). With a = |ρ|:
///
///     shifted and scaled   m = 1: ρ; else with q = 1/m: x = q^{q/(1−q)} e^{−a}, y = q^{1/(1−q)} e^{−a},
///                          F = sgn ρ ((x + a)^m − y): linear at 0, |ρ|^m far from it
///     Finnis and Sinclair  a^m, joined to a straight line at 0: G = e^{−(ua)³}, u = 10⁶, λ = u^{1−m},
///                          F = sgn ρ ((1 − G) a^m + λ G a)
struct ACEEmbedding {
  private let form: ACEFile.EmbeddingForm
  private let exponent: Double
  private let xFactor: Double
  private let yFactor: Double

  init(_ form: ACEFile.EmbeddingForm, _ exponent: Double) {
    self.form = form
    self.exponent = exponent
    let q = 1 / exponent
    let isLinear = exponent == 1
    xFactor = isLinear ? 0 : pow(q, q / (1 - q))
    yFactor = isLinear ? 0 : pow(q, 1 / (1 - q))
  }

  func callAsFunction(_ rho: Double) -> (value: Double, slope: Double) {
    let a = abs(rho)
    let sign = rho < 0 ? -1.0 : 1.0
    switch form {
    case .shiftedScaled:
      if exponent == 1 { return (rho, 1) }
      let e = exp(-a)
      let (x, y) = (xFactor * e, yFactor * e)
      let power = pow(x + a, exponent - 1)
      return (sign * (power * (x + a) - y), y + exponent * (1 - x) * power)
    case .finnisSinclair:
      let u = 1e6
      let lambda = pow(u, 1 - exponent)
      guard a > 1e-10 else { return (lambda * rho, lambda) }
      let cube = u * a * u * a * u * a
      let g = cube > 30 ? 0 : exp(-cube)
      let power = pow(a, exponent)
      let change = g == 0 ? 0 : -3 * cube / a * g
      return (
        sign * ((1 - g) * power + lambda * g * a),
        (1 - g) * exponent * power / a - change * power + lambda * (g + change * a)
      )
    }
  }
}
