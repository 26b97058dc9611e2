import Foundation

/// A number with its standard error, both in the same unit.
package struct Estimate: Sendable, Equatable {
  package var value: Double
  /// NaN where there are too few blocks for one.
  package var error: Double
  /// Blocks, or independent values, that the error is from.
  package var blocks: Int

  package init(_ value: Double, error: Double = .nan, blocks: Int = 0) {
    self.value = value
    self.error = error
    self.blocks = blocks
  }

  /// Half the width of the interval that holds the true value 95 times of 100 if blocks are independent.
  package var halfInterval: Double { error * StudentT.quantile95(blocks - 1) }

  /// Of two estimates of one number with errors from different premises the one that promises less.
  package static func wider(_ a: Estimate, _ b: Estimate) -> Estimate { b.halfInterval > a.halfInterval || a.error.isNaN ? b : a }
}

extension BlockedSums {
  /// Fewer blocks give no error.
  package static let fewestBlocks = 4

  /// Functions of the sums, with errors of the jackknife over blocks: with θ_b of all blocks but b and their mean θ̄,
  /// σ² = (B − 1)/B Σ (θ_b − θ̄)². A last block that is less than half full counts with the one before it.
  package func estimates(_ function: ([Double]) -> [Double]) -> [Estimate] {
    let total = total
    let values = function(total)
    var groups = counts.indices.map { [$0] }
    if groups.count > 1, let last = counts.last, 2 * last < length {
      groups.removeLast()
      groups[groups.count - 1].append(counts.count - 1)
    }
    let n = groups.count
    guard n >= Self.fewestBlocks else { return values.map { Estimate($0, blocks: n) } }
    var sums = [Double](repeating: 0, count: values.count)
    var squares = sums
    for group in groups {
      var rest = total
      for b in group { for k in 0..<width { rest[k] -= self.values[b * width + k] } }
      for (k, x) in function(rest).enumerated() {
        // Relative to the value itself, so that little is lost.
        let d = x - values[k]
        sums[k] += d
        squares[k] += d * d
      }
    }
    return values.indices.map { k in
      let mean = sums[k] / Double(n)
      let variance = Double(n - 1) / Double(n) * max(squares[k] - Double(n) * mean * mean, 0)
      return Estimate(values[k], error: variance.squareRoot(), blocks: n)
    }
  }

  package func estimate(_ function: ([Double]) -> Double) -> Estimate { estimates { [function($0)] }[0] }
}

/// Student's t distribution.
package enum StudentT {
  /// The t that |t| stays below 95 times of 100. Solves ∫ by the incomplete beta function's continued fraction.
  package static func quantile95(_ degrees: Int) -> Double {
    guard degrees >= 1 else { return .nan }
    var (low, high) = (1.0, 13.0)
    for _ in 0..<60 {
      let t = 0.5 * (low + high)
      if tail(t, Double(degrees)) > 0.05 { low = t } else { high = t }
    }
    return 0.5 * (low + high)
  }

  /// The chance of |t| above `t`: I_x(ν/2, 1/2) with x = ν/(ν + t²).
  package static func tail(_ t: Double, _ degrees: Double) -> Double {
    let x = degrees / (degrees + t * t)
    let (a, b) = (0.5 * degrees, 0.5)
    let beta: Double = lgamma(a) + lgamma(b) - lgamma(a + b)
    let front: Double = exp(a * log(x) + b * log(1 - x) - beta)
    if x < (a + 1) / (a + b + 2) { return front * fraction(x, a, b) / a }
    return 1 - front * fraction(1 - x, b, a) / b
  }

  /// Lentz's method (Numerical Recipes, section 6.4, describes the fraction).
  private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    var c = 1.0
    var d = 1 / (1 - (a + b) * x / (a + 1))
    var h = d
    for k in 1...300 {
      let m = Double(k)
      let twice: Double = a + 2 * m
      let below: Double = m * (b - m) * x
      let even: Double = below / ((twice - 1) * twice)
      d = 1 / (1 + even * d)
      c = 1 + even / c
      h *= d * c
      let above: Double = (a + m) * (a + b + m) * x
      let odd: Double = -above / (twice * (twice + 1))
      d = 1 / (1 + odd * d)
      c = 1 + odd / c
      h *= d * c
      if abs(d * c - 1) < 1e-14 { break }
    }
    return h
  }
}
