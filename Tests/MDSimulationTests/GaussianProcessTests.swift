import Foundation
import MDCore
import MDSimulation
import Testing

/// Regression by a Gaussian process, against formulas written out.
@Suite("Gaussian process") struct GaussianProcessTests {
  private static func kernel(_ a: Double, _ b: Double) -> Double { exp(-0.5 * (a - b) * (a - b) / 0.09) }

  /// Of one point: mean k y/(1 + s²), variance 1 − k²/(1 + s²), log p = −½ y²/(1 + s²) − ½ log 2π(1 + s²).
  @Test func onePoint() throws {
    let process = try GaussianProcess([0.4], [1.7], noise: 0.25, kernel: Self.kernel)
    let k = Self.kernel(0.4, 0.6)
    let (mean, variance) = process.predict(0.6)
    #expect(abs(mean - k * 1.7 / 1.25) < 1e-12 && abs(variance - (1 - k * k / 1.25)) < 1e-12)
    #expect(abs(process.evidence - (-0.5 * 1.7 * 1.7 / 1.25 - 0.5 * log(2 * Double.pi * 1.25))) < 1e-12)
  }

  /// Of three, with the inverse of the covariance by cofactors.
  @Test func threePoints() throws {
    let (x, y) = ([0.1, 0.45, 0.9], [0.3, -1.0, 0.6])
    let s = 0.04
    var m = [[Double]](repeating: [0, 0, 0], count: 3)
    for i in 0..<3 { for j in 0..<3 { m[i][j] = Self.kernel(x[i], x[j]) + (i == j ? s : 0) } }
    func minor(_ i: Int, _ j: Int) -> Double {
      let (r, c) = ((0..<3).filter { $0 != i }, (0..<3).filter { $0 != j })
      return (m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]]) * ((i + j) % 2 == 0 ? 1 : -1)
    }
    let determinant = (0..<3).reduce(0) { $0 + m[0][$1] * minor(0, $1) }
    func inverse(_ i: Int, _ j: Int) -> Double { minor(j, i) / determinant }
    let process = try GaussianProcess(x, y, noise: s, kernel: Self.kernel)
    for at in [0.0, 0.3, 0.5, 1.4] {
      let k = x.map { Self.kernel($0, at) }
      var (mean, explained) = (0.0, 0.0)
      for i in 0..<3 { for j in 0..<3 {
        mean += k[i] * inverse(i, j) * y[j]
        explained += k[i] * inverse(i, j) * k[j]
      } }
      let found = process.predict(at)
      #expect(abs(found.mean - mean) < 1e-10 && abs(found.variance - (1 - explained)) < 1e-10)
    }
    var fit = 0.0
    for i in 0..<3 { for j in 0..<3 { fit += y[i] * inverse(i, j) * y[j] } }
    #expect(abs(process.evidence - (-0.5 * fit - 0.5 * log(determinant) - 1.5 * log(2 * Double.pi))) < 1e-10)
  }

  /// Against E[max(b − f, 0)] by quadrature.
  @Test(arguments: [(0.0, 1.0, 0.3), (1.2, 0.25, 0.0), (-2.0, 0.5, 0.1), (0.3, 1e-30, 0.5), (0.7, 1e-30, 0.5)])
  func improvement(_ mean: Double, _ variance: Double, _ best: Double) {
    let found = GaussianProcess<Double>.expectedImprovement(mean: mean, variance: variance, best: best)
    let deviation = variance.squareRoot()
    var sum = 0.0
    let n = 200_000
    for k in 0..<n {
      let z = -10 + 20 * (Double(k) + 0.5) / Double(n)
      sum += max(0, best - mean - deviation * z) * exp(-0.5 * z * z) * 20 / Double(n)
    }
    #expect(abs(found - sum / (2 * Double.pi).squareRoot()) < 1e-8)
  }

  @Test func noCovariance() {
    #expect(throws: FaultlineError.self) {
      try GaussianProcess([0.1, 0.2], [1, 2], noise: 1e-3) { a, b in a == b ? 1 : 2 }
    }
  }

  /// Good and Turing, and Chao's bias-corrected estimate, of numbers worked out by hand.
  @Test func estimates() throws {
    let none = SearchStatistics.estimate(counts: [])
    #expect(none == nil)
    let plain = try #require(SearchStatistics.estimate(counts: [5, 3, 2]))
    #expect(plain.newState == 0 && plain.unseen == 0 && plain.lower == 0)
    let open = try #require(SearchStatistics.estimate(counts: [4, 2, 1, 1, 1]))
    #expect(abs(open.newState - 3.0 / 9) < 1e-12 && abs(open.unseen - 1.5) < 1e-12 && abs(open.lower - 0.25) < 1e-12)
  }
}
