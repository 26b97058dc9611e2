import Foundation

/// The mean of a series and its standard error by blocking (H. Flyvbjerg, H. G. Petersen, J. Chem. Phys. 91, 461, 1989).
package enum BlockAverage {
  /// One level: what the error would be if means of so many values were independent.
  package struct Level: Sendable, Equatable {
    package var size: Int
    package var blocks: Int
    package var error: Double
    /// Its own standard error, error/√(2(n − 1)).
    package var uncertainty: Double
  }

  /// Means of 1, 2, 4, … values, down to two blocks; an odd value at the end is left out.
  package static func levels(_ series: [Double]) -> [Level] {
    var x = series
    var levels: [Level] = []
    var size = 1
    while x.count >= 2 {
      let n = Double(x.count)
      let mean = x.reduce(0, +) / n
      var squares = 0.0
      for value in x { squares += (value - mean) * (value - mean) }
      let error = (squares / (n * (n - 1))).squareRoot()
      let uncertainty = error / (2 * (n - 1)).squareRoot()
      levels.append(Level(size: size, blocks: x.count, error: error, uncertainty: uncertainty))
      let half = x.count / 2
      for k in 0..<half { x[k] = 0.5 * (x[2 * k] + x[2 * k + 1]) }
      x.removeLast(x.count - half)
      size *= 2
    }
    return levels
  }

  /// The level whose error is taken: the first of blocks so long that B³ > 2 n (σ_B/σ₁)⁴, by which blocks have become
  /// independent and are still many (U. Wolff, Comput. Phys. Commun. 156, 143, 2004, for the optimum; the criterion as
  /// in R. M. Lee et al., Phys. Rev. E 83, 066706, 2011). nil if the series is too short for it.
  package static func best(_ levels: [Level]) -> Int? {
    guard let first = levels.first, first.error > 0 else { return levels.isEmpty ? nil : 0 }
    let n = Double(first.blocks)
    return levels.firstIndex { level in
      let ratio = level.error / first.error
      let b = Double(level.size)
      return b * b * b > 2 * n * ratio * ratio * ratio * ratio
    }
  }

  /// How many values at the start belong to equilibration: the cut d ≤ n/2 with the least (squared) standard error of
  /// the mean of the rest as if its values were independent, Σ (x − x̄)²/(n − d)² (K. P. White, Simulation 69, 323, 1997:
  /// the marginal standard error rule), on means of five values.
  package static func equilibration(_ series: [Double]) -> Int {
    let group = 5
    let n = series.count / group
    guard n >= 4 else { return 0 }
    let x = (0..<n).map { k in series[(group * k)..<(group * (k + 1))].reduce(0, +) / Double(group) }
    // From the end, so that a cut costs nothing.
    var best = (cut: 0, value: Double.infinity)
    var mean = 0.0
    var squares = 0.0
    var values = [Double](repeating: .infinity, count: n)
    for (count, k) in stride(from: n - 1, through: 0, by: -1).enumerated() {
      let m = Double(count + 1)
      let delta = x[k] - mean
      mean += delta / m
      squares += delta * (x[k] - mean)
      values[k] = squares / (m * m)
    }
    for k in 0...(n / 2) where values[k] < best.value { best = (k, values[k]) }
    return best.cut * group
  }

  package struct Result: Sendable {
    package var mean: Double
    /// Standard error; NaN where the series is too short for one.
    package var error: Double
    /// Values that were cut off, and that were used.
    package var cut: Int
    package var used: Int
    /// (error/error of independent values)²: values an independent one counts.
    package var inefficiency: Double

    /// As many independent values have the same error; 0 if that is not known.
    package var independent: Int { inefficiency.isFinite ? Int(Double(used) / inefficiency) : 0 }
  }

  /// Mean and error of what is left after equilibration.
  package static func average(_ series: [Double], cut: Int? = nil) -> Result {
    let cut = cut ?? equilibration(series)
    let rest = Array(series[min(cut, series.count)...])
    let mean = rest.isEmpty ? .nan : rest.reduce(0, +) / Double(rest.count)
    let levels = levels(rest)
    guard let k = best(levels), let first = levels.first else {
      return Result(mean: mean, error: .nan, cut: cut, used: rest.count, inefficiency: .nan)
    }
    let ratio = first.error > 0 ? levels[k].error / first.error : 1
    return Result(
      mean: mean, error: levels[k].error, cut: cut, used: rest.count, inefficiency: max(1, ratio * ratio))
  }
}
