import Foundation

/// Diffusion coefficients from mean squared displacements: which lags are diffusive, and the slope there.
package struct Diffusion: Sendable {
  package enum Outcome: Sendable {
    /// D in Å²/ps.
    case coefficient(Estimate)
    /// The slope of ln⟨r²⟩ against ln t over the last lags that could be used.
    case notDiffusive(exponent: Estimate)
    /// There are not enough lags or blocks; what would help.
    case tooShort(String)
  }

  package var outcome: Outcome
  /// First and last lag of the fit, in samples.
  package var window: ClosedRange<Int>?
  /// The error of D if atoms moved independently, from the covariance of the windows, Å²/ps.
  package var independentError: Double?

  package static let rule =
    "slope of the mean squared displacement over 2d, generalised least squares with the windows' covariance in free "
    + "diffusion; lags from the first from which the exponent of time is 1 within two standard errors up to half of a block; "
    + "error by jackknife over blocks"

  /// Fewer lags make no line.
  static let fewestLags = 4

  /// - Parameters:
  ///   - curve: the mean squared displacement at each of the windows' lags from sums, Å²; NaN where there is none.
  ///   - dimensions: axes that it is the sum over.
  ///   - interval: between samples, ps.
  ///   - atoms: how many move, for the independent error.
  package static func fit(
    _ sums: BlockedSums, _ windows: TauWindows, dimensions: Int, interval: Double, atoms: Double,
    curve: @escaping ([Double]) -> [Double]
  ) -> Diffusion {
    guard sums.counts.count >= BlockedSums.fewestBlocks else {
      return Diffusion(outcome: .tooShort("\(sums.samples) samples, \(BlockedSums.fewestBlocks) are the fewest"))
    }
    let all = curve(sums.total)
    let longest = max(sums.length / 2, 1)
    // The first block has no windows that begin before it.
    let usable = windows.lags.indices.filter { windows.lags[$0] <= longest && all[$0].isFinite && all[$0] > 0 }
    guard usable.count >= fewestLags else {
      return Diffusion(
        outcome: .tooShort(
          "\(sums.samples) samples allow lags up to \(longest) samples; \(fewestLags) lags are the fewest: run longer, or "
            + "look more often"))
    }
    var last: Estimate?
    for start in 0...(usable.count - fewestLags) {
      let chosen = Array(usable[start...])
      let lags = chosen.map { Double(windows.lags[$0]) }
      let covariance = windows.covariance(of: chosen)
      let relative = covariance.indices.map { i in covariance.indices.map { j in covariance[i][j] / (lags[i] * lags[j]) } }
      guard let powers = LineFit(x: lags.map { Foundation.log($0) }, covariance: relative) else { continue }
      let exponent = sums.estimate { sums in
        let y = curve(sums)
        return powers.slope(chosen.map { Foundation.log(max(y[$0], 1e-300)) })
      }
      last = exponent
      guard abs(exponent.value - 1) <= 2 * exponent.error, exponent.error < 0.25 else { continue }
      guard let line = LineFit(x: lags.map { $0 * interval }, covariance: covariance) else { continue }
      let factor = 1 / (2 * Double(dimensions))
      let d = sums.estimate { sums in
        let y = curve(sums)
        return factor * line.slope(chosen.map { y[$0] })
      }
      let scale = 2 * d.value * interval
      let variance = line.slopeVariance * scale * scale * Double(dimensions) / (Double(sums.samples) * max(atoms, 1))
      return Diffusion(
        outcome: .coefficient(d), window: windows.lags[chosen[0]]...windows.lags[chosen[chosen.count - 1]],
        independentError: factor * variance.squareRoot())
    }
    return Diffusion(outcome: .notDiffusive(exponent: last ?? Estimate(.nan)))
  }
}

/// How long atoms stay in a layer with faces that count as crossed for good once (P. Liu, E. Harder, B. J. Berne, J. Phys.
/// Chem. B 108, 6595, 2004).
package enum Survival {
  /// The part of atoms, spread evenly over the thickness at first, that is left: Σ over odd n of 8/(nπ)² exp(−(nπ)² x),
  /// x = D t/L².
  package static func left(_ x: Double) -> Double {
    // Few terms are left of the sum at late times; early, half of the way is better told by its complement.
    if x < 0.005 { return 1 - 4 * (x / Double.pi).squareRoot() }
    var sum = 0.0
    for n in stride(from: 1, to: 60, by: 2) {
      let q = Double(n) * Double.pi
      let term = 8 / (q * q) * exp(-q * q * x)
      sum += term
      if term < 1e-15 { break }
    }
    return sum
  }

  /// Crossings between samples go unseen: as if each face were β √(2 D Δt) farther out, β = −ζ(1/2)/√(2π) (M. Broadie,
  /// P. Glasserman, S. Kou, Math. Finance 7, 325, 1997).
  package static func thickness(_ thickness: Double, diffusion: Double, interval: Double) -> Double {
    thickness + 2 * 0.5825971579390107 * (2 * diffusion * interval).squareRoot()
  }

  /// The D across the layer whose survival is nearest to the one found, in the least squares sense, Å²/ps. `times` in ps.
  package static func diffusion(
    _ survival: [Double], times: [Double], thickness: Double, interval: Double
  ) -> Double {
    func misfit(_ log: Double) -> Double {
      let d = exp(log)
      let l = Self.thickness(thickness, diffusion: d, interval: interval)
      return zip(survival, times).reduce(0) { sum, point in
        let e = point.0 - left(d * point.1 / (l * l))
        return sum + e * e
      }
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
}
