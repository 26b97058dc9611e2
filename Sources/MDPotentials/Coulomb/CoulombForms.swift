import MDCore
import MDNumerics

/// The real-space part of the interaction of two unit charges, without C: what `LongRangeSolver` leaves to pairs.
protocol CoulombForm: Sendable {
  /// φ (1/Å) and −φ′/r (1/Å³) for four squared distances.
  func evaluate(_ r2: Lanes) -> (energy: Lanes, force: Lanes)
}

/// Point charges: erfc(αr)/r − s with a shift s (`CoulombPotential.shift`) that forces do not know.
struct PointCoulomb: CoulombForm {
  private let alpha: Double
  private let slope: Double
  private let shift: Double

  init(splitting alpha: Double, shift: Double) {
    self.alpha = alpha
    self.shift = shift
    slope = 2 * alpha / Double.pi.squareRoot()
  }

  @inline(__always)
  func evaluate(_ r2: Lanes) -> (energy: Lanes, force: Lanes) {
    let r = positiveSquareRoot(r2)
    let w = reciprocal(r2)
    let (erfc, gaussian) = complementaryErrorFunction(r * alpha)
    let energy = erfc * (r * w)
    return (energy - shift, energy.addingProduct(gaussian, Lanes(repeating: slope)) * w)
  }
}

/// Gaussian charges of widths σᵢ, σⱼ, which interact as erf(r/√2γ)/r with γ² = σᵢ² + σⱼ²:
/// [erfc(αr) − erfc(r/√2γ)]/r − s.
struct GaussianCoulomb: CoulombForm {
  private let alpha: Double
  private let beta: Double
  private let slope: Double
  private let betaSlope: Double
  private let shift: Double

  /// Points where both widths are 0.
  init(splitting alpha: Double, widths a: Double, _ b: Double, shift: Double) {
    self.alpha = alpha
    self.shift = shift
    let gamma2 = a * a + b * b
    // 1/Å; so large that nothing is left of erfc at any distance that atoms have.
    beta = gamma2 > 0 ? min(1 / (2 * gamma2).squareRoot(), 1e3) : 1e3
    slope = 2 * alpha / Double.pi.squareRoot()
    betaSlope = 2 * beta / Double.pi.squareRoot()
  }

  @inline(__always)
  func evaluate(_ r2: Lanes) -> (energy: Lanes, force: Lanes) {
    let r = positiveSquareRoot(r2)
    let w = reciprocal(r2)
    let far = complementaryErrorFunction(r * alpha)
    let near = complementaryErrorFunction(r * beta)
    let energy = (far.erfc - near.erfc) * (r * w)
    let slopes = far.gaussian * slope - near.gaussian * betaSlope
    return (energy - shift, (energy + slopes) * w)
  }
}
