import Foundation
import MDCore
import MDNumerics

/// Ewald's sum, term by term as textbooks have it, to rounding.
///
///     E = C/2 Σ' qᵢqⱼ erfc(αr)/r + (2πC/V) Σ_{k≠0} e^(−k²/4α²)/k² |S(k)|² − Cα/√π Σ qᵢ² − πC/(2Vα²) (Σ qᵢ)²
///
/// Gaussian charges of widths σ interact as erf(r/√2γ)/r, γ² = σᵢ² + σⱼ², and with themselves as q²/(2√π σ). A cell
/// with a charge has a uniform background, so that the mean of the potential is zero: for Gaussians this adds
/// (2πC/V) Σ qᵢ Σ qᵢσᵢ².
public struct PlainEwald: Sendable {
  public var charges: [Double]
  /// 0 for points.
  public var widths: [Double]
  public var alpha: Double
  /// Of the pairs, Å; as far as they matter if nil.
  public var reach: Double?

  public init(_ charges: [Double], widths: [Double]? = nil, alpha: Double = 0.55, reach: Double? = nil) {
    self.charges = charges
    self.widths = widths ?? charges.map { _ in 0 }
    self.alpha = alpha
    self.reach = reach
  }

  /// Of periodic cells; of open ones the sum over pairs.
  public func evaluate(_ structure: Structure) -> ModelResult {
    let q = charges
    let isOpen = structure.box.periodic == .none
    let c = SI.coulomb
    let screening = isOpen ? 0 : alpha
    func phi(_ i: Int, _ j: Int, _ r: Dual) -> Dual {
      let gamma = (2 * (widths[i] * widths[i] + widths[j] * widths[j])).squareRoot()
      let point = isOpen ? Dual(1) / r : Dual.erfc(screening * r) / r
      return (c * q[i] * q[j]) * (gamma > 0 ? point - Dual.erfc(r / gamma) / r : point)
    }
    let reach = reach ?? (isOpen ? 1e9 : max(6.2 / alpha, 12 * (widths.max() ?? 0)))
    var result = PairSum.evaluate(structure, reach: reach, phi)
    for i in q.indices where widths[i] > 0 {
      let own = c * q[i] * q[i] / (2 * Double.pi.squareRoot() * widths[i])
      result.energy += own
      result.energies[i] += own
    }
    if !isOpen { addWaves(structure, to: &result) }
    return result
  }

  private func addWaves(_ structure: Structure, to result: inout ModelResult) {
    let q = charges
    let (c, v) = (SI.coulomb, structure.box.volume)
    let reciprocal = 2 * Double.pi * structure.box.inverse.transpose  // rows are 2π times the dual vectors
    let farthest = 12.4 * alpha
    let cell = structure.box.cell
    let limits = (0..<3).map { Int((farthest * cell[$0].length / (2 * .pi)).rounded(.up)) }
    for a in -limits[0]...limits[0] {
      for b in -limits[1]...limits[1] {
        for d in -limits[2]...limits[2] where (a, b, d) != (0, 0, 0) {
          let k = Double(a) * reciprocal.x + Double(b) * reciprocal.y + Double(d) * reciprocal.z
          let k2 = k.squaredLength
          guard k2 < farthest * farthest else { continue }
          let g = 2 * .pi * c / v * exp(-k2 / (4 * alpha * alpha)) / k2
          let phases = structure.positions.map { dot(k, $0) }
          var (re, im) = (0.0, 0.0)
          for (charge, phase) in zip(q, phases) {
            re += charge * cos(phase)
            im += charge * sin(phase)
          }
          let energy = g * (re * re + im * im)
          result.energy += energy
          result.virial += energy * (.identity - (2 / k2 + 1 / (2 * alpha * alpha)) * Matrix3.outer(k, k))
          for i in q.indices {
            let (co, si) = (cos(phases[i]), sin(phases[i]))
            result.energies[i] += g * q[i] * (re * co + im * si)
            result.forces[i] += (2 * g * q[i] * (re * si - im * co)) * k
          }
        }
      }
    }
    let total = q.reduce(0, +)
    let spread = zip(q, widths).reduce(0) { $0 + $1.0 * $1.1 * $1.1 }
    for i in q.indices {
      let background =
        .pi * c / v * q[i] * (total * widths[i] * widths[i] + spread - total / (2 * alpha * alpha))
      let own = background - c * alpha / Double.pi.squareRoot() * q[i] * q[i]
      result.energy += own
      result.energies[i] += own
      result.virial += background * Matrix3.identity
    }
  }
}

/// Small dense problems.
public enum DenseMath {
  /// Solves a x = b by elimination with pivots.
  public static func solve(_ a: [[Double]], _ b: [Double]) -> [Double] {
    var (a, b) = (a, b)
    let n = b.count
    for k in 0..<n {
      let pivot = (k..<n).max { abs(a[$0][k]) < abs(a[$1][k]) }!
      a.swapAt(k, pivot)
      b.swapAt(k, pivot)
      for i in (k + 1)..<max(n, k + 1) {
        let f = a[i][k] / a[k][k]
        guard f != 0 else { continue }
        for j in k..<n { a[i][j] -= f * a[k][j] }
        b[i] -= f * b[k]
      }
    }
    var x = b
    for k in stride(from: n - 1, through: 0, by: -1) {
      for j in (k + 1)..<max(n, k + 1) { x[k] -= a[k][j] * x[j] }
      x[k] /= a[k][k]
    }
    return x
  }
}
