import Foundation
import MDCore
import MDNumerics

/// Regression by a Gaussian process, after C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning
/// (2006), algorithm 2.1: with K = k(x_i, x_j) + s² δ_ij = L Lᵀ and α = K⁻¹ y
///
///     mean(x) = k(x)·α,   variance(x) = k(x, x) − k(x)·K⁻¹ k(x),
///     log p(y) = −½ y·α − Σ log L_ii − n/2 log 2π.
///
/// `y` is centred and scaled by whoever calls.
package struct GaussianProcess<Point> {
  package typealias Kernel = (Point, Point) -> Double

  private let points: [Point]
  private let kernel: Kernel
  private let solver = CholeskySolver()
  private let weights: [Double]
  /// log p(y).
  package let evidence: Double

  /// - Parameter noise: s², added to the kernel's diagonal; positive.
  /// - Throws: a run error if the kernel is no covariance of these points.
  package init(_ points: [Point], _ values: [Double], noise: Double, kernel: @escaping Kernel) throws {
    precondition(points.count == values.count && noise > 0, "a value for each point")
    self.points = points
    self.kernel = kernel
    let n = points.count
    solver.resize(n)
    for i in 0..<n {
      for j in 0...i { solver.elements[n * i + j] = kernel(points[i], points[j]) + (i == j ? noise : 0) }
    }
    do { try solver.factorize() } catch {
      throw FaultlineError(.run, "the covariance of \(n) trials of a search is not positive: \(error)")
    }
    weights = solver.solve(values)
    let logarithm = (0..<n).reduce(0) { [solver] in $0 + log(solver.elements[n * $1 + $1]) }
    let fit = zip(values, weights).reduce(0) { $0 + $1.0 * $1.1 }
    evidence = -0.5 * fit - logarithm - 0.5 * Double(n) * log(2 * Double.pi)
  }

  /// Mean and variance at a point.
  package func predict(_ x: Point) -> (mean: Double, variance: Double) {
    let row = points.map { kernel($0, x) }
    let solved = solver.solve(row)
    let mean = zip(row, weights).reduce(0) { $0 + $1.0 * $1.1 }
    let explained = zip(row, solved).reduce(0) { $0 + $1.0 * $1.1 }
    return (mean, max(0, kernel(x, x) - explained))
  }

  /// The improvement to be expected below `best`, E[max(best − f, 0)] (J. Mockus 1975; D. R. Jones et al., J. Glob. Optim.
  /// 13, 455 (1998)).
  package static func expectedImprovement(mean: Double, variance: Double, best: Double) -> Double {
    let deviation = variance.squareRoot()
    guard deviation > 1e-12 else { return max(0, best - mean) }
    let z = (best - mean) / deviation
    let density = exp(-0.5 * z * z) / (2 * Double.pi).squareRoot()
    return (best - mean) * 0.5 * erfc(-z / 2.0.squareRoot()) + deviation * density
  }
}
