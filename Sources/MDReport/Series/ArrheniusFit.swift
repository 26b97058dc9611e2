import Foundation
import MDCore

/// ln y = ln A − E/(k T) through values with errors: least squares weighted by them.
///
/// With x = −1/(k T), σᵢ = (error of yᵢ)/yᵢ and the weights 1/σᵢ², the parameters (ln A, E) have the covariance (Xᵀ W X)⁻¹.
/// Errors are those of the values alone: they are not widened where χ² is large, and temperatures count as exact.
package struct ArrheniusFit: Sendable {
  package struct Point: Sendable {
    /// K.
    package var temperature: Double
    package var value: Double
    /// Standard error, in the unit of the value.
    package var error: Double

    package init(temperature: Double, value: Double, error: Double) {
      (self.temperature, self.value, self.error) = (temperature, value, error)
    }
  }

  /// E, eV.
  package let energy: Double
  package let energyError: Double
  /// ln A, A in the unit of the values.
  package let logPrefactor: Double
  package let logPrefactorError: Double
  /// Of ln A and E, eV.
  package let covariance: Double
  package let chiSquare: Double
  /// Values less the two parameters.
  package let freedom: Int

  /// nil where there are fewer than three values, one that is not positive or has no error, or all of one temperature.
  package init?(_ points: [Point]) {
    guard points.count >= 3, points.allSatisfy({ $0.temperature > 0 && $0.value > 0 && $0.error > 0 && $0.error.isFinite }) else { return nil }
    let x = points.map { -1 / (Units.boltzmann * $0.temperature) }
    let y = points.map { log($0.value) }
    let w = points.map { $0.value * $0.value / ($0.error * $0.error) }
    let sum = w.reduce(0, +)
    let (mx, my) = (zip(w, x).reduce(0) { $0 + $1.0 * $1.1 } / sum, zip(w, y).reduce(0) { $0 + $1.0 * $1.1 } / sum)
    // About the weighted mean, slope and height are independent.
    let spread = zip(w, x).reduce(0) { $0 + $1.0 * ($1.1 - mx) * ($1.1 - mx) }
    guard spread > 1e-12 * sum * mx * mx else { return nil }
    energy = points.indices.reduce(0) { $0 + w[$1] * (x[$1] - mx) * (y[$1] - my) } / spread
    logPrefactor = my - energy * mx
    energyError = (1 / spread).squareRoot()
    logPrefactorError = (1 / sum + mx * mx / spread).squareRoot()
    covariance = -mx / spread
    freedom = points.count - 2
    let (slope, height) = (energy, logPrefactor)
    chiSquare = points.indices.reduce(0) { $0 + w[$1] * pow(y[$1] - height - slope * x[$1], 2) }
  }

  /// ln y at a temperature, and its standard error.
  package func logValue(at temperature: Double) -> (value: Double, error: Double) {
    let x = -1 / (Units.boltzmann * temperature)
    let variance = logPrefactorError * logPrefactorError + 2 * x * covariance + x * x * energyError * energyError
    return (logPrefactor + energy * x, max(variance, 0).squareRoot())
  }

  /// How often χ² would be as large as this or larger if values lay on the line: Q(ν/2, χ²/2).
  package var probability: Double { Self.upperGamma(0.5 * Double(freedom), 0.5 * chiSquare) }

  /// The regularised incomplete gamma function Q(a, x) for a = n/2, by its recurrence from Q(½, x) = erfc √x or Q(1, x) = e⁻ˣ:
  /// Q(a + 1, x) = Q(a, x) + xᵃ e⁻ˣ/Γ(a + 1).
  package static func upperGamma(_ a: Double, _ x: Double) -> Double {
    guard x > 0 else { return 1 }
    var at = (2 * a).truncatingRemainder(dividingBy: 2) == 0 ? 1.0 : 0.5
    var q = at == 1 ? exp(-x) : erfc(x.squareRoot())
    while at < a - 0.25 {
      q += exp(at * log(x) - x - lgamma(at + 1))
      at += 1
    }
    return min(q, 1)
  }
}
