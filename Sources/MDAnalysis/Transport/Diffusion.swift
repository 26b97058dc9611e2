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
    + "diffusion; lags from the first from which the slope is the same early and late (exponent of growth 1 within two standard "
    + "errors) up to a block; error by jackknife over blocks"

  /// Fewer lags cannot be told from a curve.
  static let fewestLags = 6
  /// Of exponents that say something.
  private static let largestError = 0.25

  /// - Parameters:
  ///   - curve: the mean squared displacement at each of the windows' lags from sums, Å²; NaN where there is none.
  ///   - dimensions: axes that it is the sum over.
  ///   - interval: between samples, ps.
  ///   - atoms: how many move, for the independent error.
  ///   - first: the first lag that may be used, in samples.
  package static func fit(
    _ sums: BlockedSums, _ windows: TauWindows, dimensions: Int, interval: Double, atoms: Double,
    first: Int = 1, curve: @escaping ([Double]) -> [Double]
  ) -> Diffusion {
    guard sums.counts.count >= BlockedSums.fewestBlocks else {
      return Diffusion(outcome: .tooShort("\(sums.samples) samples, \(BlockedSums.fewestBlocks) are the fewest"))
    }
    let all = curve(sums.total)
    let usable = windows.lags.indices.filter { (first...max(first, sums.length)).contains(windows.lags[$0]) && all[$0].isFinite && all[$0] > 0 }
    guard usable.count >= fewestLags else {
      return Diffusion(
        outcome: .tooShort(
          "\(sums.samples) samples allow lags up to \(sums.length) samples; \(fewestLags) lags are the fewest: run longer, or "
            + "look more often"))
    }
    for start in 0...(usable.count - fewestLags) {
      let chosen = Array(usable[start...])
      guard grows(sums, windows, chosen, curve), let line = line(windows, chosen, interval) else { continue }
      let factor = 1 / (2 * Double(dimensions))
      let d = sums.estimate { sums in
        let y = curve(sums)
        return factor * line.slope(chosen.map { y[$0] })
      }
      // Atoms in a cage go nowhere, however straight the line: half of the way at the end must be gained over the window.
      let last = all[chosen[chosen.count - 1]]
      guard d.value > 3 * d.error, last - all[chosen[0]] > 0.5 * last else { continue }
      let scale = 2 * d.value * interval
      let variance = line.slopeVariance * scale * scale * Double(dimensions) / (Double(sums.samples) * max(atoms, 1))
      return Diffusion(
        outcome: .coefficient(d), window: windows.lags[chosen[0]]...windows.lags[chosen[chosen.count - 1]],
        independentError: factor * variance.squareRoot())
    }
    let atEnd = exponent(sums, windows, Array(usable.suffix(fewestLags)), curve)
    return Diffusion(outcome: .notDiffusive(exponent: atEnd))
  }

  private static func line(_ windows: TauWindows, _ chosen: [Int], _ interval: Double) -> LineFit? {
    LineFit(x: chosen.map { Double(windows.lags[$0]) * interval }, covariance: windows.covariance(of: chosen))
  }

  /// Whether the displacement grows evenly: with slopes s₁ of the earlier and s₂ of the later half of the lags, around the
  /// times t₁ and t₂, the exponent 1 + ln(s₂/s₁)/ln(t₂/t₁) is 1. What atoms rattle in their cages, a constant, does not
  /// count.
  private static func grows(
    _ sums: BlockedSums, _ windows: TauWindows, _ chosen: [Int], _ curve: @escaping ([Double]) -> [Double]
  ) -> Bool {
    let half = chosen.count / 2
    let (early, late) = (Array(chosen[...half]), Array(chosen[half...]))
    guard let first = line(windows, early, 1), let second = line(windows, late, 1) else { return false }
    func middle(_ part: [Int]) -> Double {
      0.5 * (log(Double(windows.lags[part[0]])) + log(Double(windows.lags[part[part.count - 1]])))
    }
    let apart = middle(late) - middle(early)
    let exponent = sums.estimate { sums in
      let y = curve(sums)
      let slopes = (first.slope(early.map { y[$0] }), second.slope(late.map { y[$0] }))
      return slopes.0 > 0 && slopes.1 > 0 ? 1 + log(slopes.1 / slopes.0) / apart : .nan
    }
    return abs(exponent.value - 1) <= 2 * exponent.error && exponent.error < largestError
  }

  /// d ln⟨r²⟩/d ln t over some lags.
  private static func exponent(
    _ sums: BlockedSums, _ windows: TauWindows, _ chosen: [Int], _ curve: @escaping ([Double]) -> [Double]
  ) -> Estimate {
    let lags = chosen.map { Double(windows.lags[$0]) }
    let covariance = windows.covariance(of: chosen)
    let relative = covariance.indices.map { i in covariance.indices.map { j in covariance[i][j] / (lags[i] * lags[j]) } }
    guard let powers = LineFit(x: lags.map { log($0) }, covariance: relative) else { return Estimate(.nan) }
    return sums.estimate { sums in
      let y = curve(sums)
      return powers.slope(chosen.map { log(max(y[$0], 1e-300)) })
    }
  }
}
