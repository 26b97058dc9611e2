import Foundation
import MDNumerics

/// How long atoms stay in a layer with faces that count as crossed for good once (P. Liu, E. Harder, B. J. Berne, J. Phys.
/// Chem. B 108, 6595, 2004).
package enum Survival {
  /// −ζ(1/2)/√(2π).
  private static let unseen = 0.5825971579390107

  /// The part of atoms, spread evenly over the thickness L at first, that has been inside at all samples up to `time`.
  ///
  /// Between samples Δt apart crossings go unseen, which is as if the faces were b = β √(2 D Δt) farther out, with
  /// β = −ζ(1/2)/√(2π) (M. Broadie, P. Glasserman, S. Kou, Math. Finance 7, 325, 1997), while atoms begin within L: with
  /// L' = L + 2b, Σ over odd n of 8/(nπ)² cos(nπ b/L') L'/L exp(−(nπ)² D t/L'²). For Δt = 0 it is that of the paper.
  package static func left(time: Double, diffusion d: Double, thickness: Double, interval: Double) -> Double {
    let beyond = unseen * (2 * d * interval).squareRoot()
    let length = thickness + 2 * beyond
    let x = d * time / (length * length)
    // Early on the faces know nothing of one another: each has its own error function, and the sum would need many terms.
    if x < 0.005 {
      let s = 2 * (d * time).squareRoot()
      guard s > 0 else { return 1 }
      let u = beyond / s
      let lost = exp(-u * u) / Double.pi.squareRoot() - u * erfc(u)
      return 1 - 2 * s * lost / thickness
    }
    var sum = 0.0
    for n in stride(from: 1, to: 60, by: 2) {
      let q = Double(n) * Double.pi
      let decay = 8 / (q * q) * exp(-q * q * x)
      sum += decay * cos(q * beyond / length) * length / thickness
      if decay < 1e-15 { break }
    }
    return sum
  }

  /// ∫ S dt from `time` on, ps, by the same sum.
  package static func remaining(after time: Double, diffusion d: Double, thickness: Double, interval: Double) -> Double {
    let beyond = unseen * (2 * d * interval).squareRoot()
    let length = thickness + 2 * beyond
    var sum = 0.0
    for n in stride(from: 1, to: 200, by: 2) {
      let q = Double(n) * Double.pi
      let rate = q * q * d / (length * length)
      let decay = 8 / (q * q * rate) * exp(-rate * time)
      sum += decay * cos(q * beyond / length) * length / thickness
      if decay < 1e-12 / rate { break }
    }
    return sum
  }

  /// The covariance of survivals that are found at some times, ps: over the time that all atoms together were inside.
  ///
  /// Found is Σ max(U − t, 0)/Σ U over stays of lengths U. Stays know nothing of one another, and of their lengths
  /// −S′(u) is the distribution, by S = E[max(U − t, 0)]/E[U]. So the products of what two times t ≤ s count have the mean
  /// g(t, s) = (s − t) S(s) + 2 ∫_s^∞ S du times E[U], and of the ratios to the sum of U the covariance is
  /// g(t, s) − S(t) g(0, s) − S(s) g(0, t) + S(t) S(s) g(0, 0).
  static func covariance(times: [Double], diffusion: Double, thickness: Double, interval: Double) -> [[Double]] {
    let t = [0] + times
    let s = [1] + times.map { left(time: $0, diffusion: diffusion, thickness: thickness, interval: interval) }
    let rest = t.map { remaining(after: $0, diffusion: diffusion, thickness: thickness, interval: interval) }
    func g(_ i: Int, _ j: Int) -> Double { (t[max(i, j)] - t[min(i, j)]) * s[max(i, j)] + 2 * rest[max(i, j)] }
    return (1..<t.count).map { i in
      (1..<t.count).map { j in g(i, j) - s[i] * g(0, j) - s[j] * g(0, i) + s[i] * s[j] * g(0, 0) }
    }
  }

  /// The D across the layer whose survival is nearest to the one found, by least squares, Å²/ps; with `weights`, the
  /// inverse of a covariance, by generalised ones. `times` in ps.
  package static func diffusion(
    _ survival: [Double], times: [Double], thickness: Double, interval: Double, weights: [[Double]]? = nil
  ) -> Double {
    func misfit(_ log: Double) -> Double {
      let d = exp(log)
      let e = zip(survival, times).map { $0 - left(time: $1, diffusion: d, thickness: thickness, interval: interval) }
      guard let weights else { return e.reduce(0) { $0 + $1 * $1 } }
      var sum = 0.0
      for (row, x) in zip(weights, e) { sum += x * zip(row, e).reduce(0) { $0 + $1.0 * $1.1 } }
      return sum
    }
    let last = times.last ?? 1
    var (low, high) = (log(1e-6 * thickness * thickness / last), log(1e3 * thickness * thickness / last))
    // The misfit has one valley, but flat ends: a coarse look first.
    let steps = 60
    let grid = (0...steps).map { low + (high - low) * Double($0) / Double(steps) }
    let best = grid.indices.min { misfit(grid[$0]) < misfit(grid[$1]) } ?? 0
    (low, high) = (grid[max(best - 1, 0)], grid[min(best + 1, steps)])
    let golden = 0.5 * (5.0.squareRoot() - 1)
    var (a, b) = (high - golden * (high - low), low + golden * (high - low))
    var (fa, fb) = (misfit(a), misfit(b))
    for _ in 0..<50 {
      if fa < fb {
        (high, b, fb) = (b, a, fa)
        a = high - golden * (high - low)
        fa = misfit(a)
      } else {
        (low, a, fa) = (a, b, fb)
        b = low + golden * (high - low)
        fb = misfit(b)
      }
    }
    return exp(0.5 * (low + high))
  }

  /// D across a layer from what survives, with what its error would be if atoms knew nothing of one another.
  struct Fit {
    let weights: [[Double]]
    /// Of D, over D.
    let relativeError: Double
    /// Stays that independent ones would count: the time inside over the mean time that is left of a stay.
    let stays: Double

    /// Generalised least squares with the covariance of the D of a first fit, once more with that of the second. `inside`
    /// is the time that all atoms together were in the layer, ps. nil where D is not told.
    init?(_ survival: [Double], times: [Double], thickness: Double, interval: Double, inside: Double) {
      var d = Survival.diffusion(survival, times: times, thickness: thickness, interval: interval)
      var found: [[Double]] = []
      for _ in 0..<2 {
        let covariance = Survival.covariance(times: times, diffusion: d, thickness: thickness, interval: interval)
        guard let inverse = Self.inverse(covariance) else { return nil }
        found = inverse
        d = Survival.diffusion(survival, times: times, thickness: thickness, interval: interval, weights: found)
      }
      weights = found
      stays = inside / Survival.remaining(after: 0, diffusion: d, thickness: thickness, interval: interval)
      // ∂S/∂ ln D.
      let step = 0.01
      let slopes = times.map { time in
        let ends = [exp(step), exp(-step)].map {
          Survival.left(time: time, diffusion: d * $0, thickness: thickness, interval: interval)
        }
        return (ends[0] - ends[1]) / (2 * step)
      }
      var information = 0.0
      for (row, x) in zip(found, slopes) { information += x * zip(row, slopes).reduce(0) { $0 + $1.0 * $1.1 } }
      guard information > 0, inside > 0 else { return nil }
      relativeError = 1 / (information * inside).squareRoot()
    }

    /// Neighbouring lags hardly differ: the diagonal is raised by a millionth so that rounding does not speak.
    private static func inverse(_ matrix: [[Double]]) -> [[Double]]? {
      let n = matrix.count
      let solver = CholeskySolver()
      solver.resize(n)
      for i in 0..<n { for j in 0...i { solver.elements[n * i + j] = matrix[i][j] * (i == j ? 1 + 1e-6 : 1) } }
      guard (try? solver.factorize()) != nil else { return nil }
      return (0..<n).map { k in solver.solve((0..<n).map { $0 == k ? 1 : 0 }) }
    }
  }
}
