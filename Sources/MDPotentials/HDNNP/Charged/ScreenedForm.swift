import MDNumerics
import MDPotentialFiles

/// C (f(r) − 1) erf(r/√2γ)/r with a screening function f, and −d/dr of it over r, in four lanes.
struct ScreenedForm {
  private let core: ScreeningFunction.Core
  private let inner: Lanes
  private let scale: Lanes
  private let strength: Lanes

  init(_ screening: ScreeningFunction, coulomb: Double) {
    core = screening.core
    inner = Lanes(repeating: screening.inner)
    scale = Lanes(repeating: 1 / (screening.outer - screening.inner))
    strength = Lanes(repeating: -coulomb)
  }

  /// 1 − f and its slope in x = (r − inner)/(outer − inner); 1 and 0 below the inner radius, 0 beyond the outer.
  @inline(__always)
  private func lack(_ r: Lanes) -> (value: Lanes, slope: Lanes) {
    let x = (r - inner) * scale
    let y = x.replacing(with: 0, where: x .< Lanes.zero)
    let z = y.replacing(with: 1, where: y .> Lanes(repeating: 1))
    return switch core {
    case .cosine: ScreeningFunction.cosine(z)
    case .polynomial1: ScreeningFunction.polynomial1(z)
    case .polynomial2: ScreeningFunction.polynomial2(z)
    case .polynomial3: ScreeningFunction.polynomial3(z)
    case .polynomial4: ScreeningFunction.polynomial4(z)
    }
  }

  /// - Parameters:
  ///   - inverse: 1/r.
  ///   - erfc: erfc(r/√2γ).
  @inline(__always)
  func value(_ r: Lanes, _ inverse: Lanes, erfc: Lanes) -> Lanes {
    lack(r).value * (Lanes(repeating: 1) - erfc) * inverse * strength
  }

  /// - Parameters:
  ///   - beta: 1/√2γ.
  ///   - gaussian: e^(−r²/2γ²).
  @inline(__always)
  func slope(_ r: Lanes, _ inverse: Lanes, _ beta: Lanes, erfc: Lanes, gaussian: Lanes) -> Lanes {
    let lack = lack(r)
    let phi = (Lanes(repeating: 1) - erfc) * inverse
    let phiSlope = (gaussian * beta * Lanes(repeating: 2 / Double.pi.squareRoot()) - phi) * inverse
    return (lack.slope * scale * phi + lack.value * phiSlope) * inverse * (strength * Lanes(repeating: -1))
  }
}
