import MDNumerics

/// A straight line y = c + s·x through values whose errors belong together, by generalised least squares.
package struct LineFit: Sendable {
  /// The slope is Σ w y and the intercept Σ u y.
  package let slopeWeights: [Double]
  package let interceptWeights: [Double]
  /// Of the slope, if the covariance is that of the values.
  package let slopeVariance: Double

  /// β = (Xᵀ Σ⁻¹ X)⁻¹ Xᵀ Σ⁻¹ y. nil if there are fewer than two values or Σ is not positive definite.
  package init?(x: [Double], covariance: [[Double]]) {
    let n = x.count
    guard n >= 2, covariance.count == n else { return nil }
    let solver = CholeskySolver()
    solver.resize(n)
    for i in 0..<n { for j in 0...i { solver.elements[n * i + j] = covariance[i][j] } }
    guard (try? solver.factorize()) != nil else { return nil }
    let ones = solver.solve([Double](repeating: 1, count: n))
    let xs = solver.solve(x)
    let a = ones.reduce(0, +)
    let b = xs.reduce(0, +)
    let c = zip(x, xs).reduce(0) { $0 + $1.0 * $1.1 }
    let determinant = a * c - b * b
    guard determinant > 0 else { return nil }
    slopeWeights = (0..<n).map { (a * xs[$0] - b * ones[$0]) / determinant }
    interceptWeights = (0..<n).map { (c * ones[$0] - b * xs[$0]) / determinant }
    slopeVariance = a / determinant
  }

  package func slope(_ y: [Double]) -> Double { zip(slopeWeights, y).reduce(0) { $0 + $1.0 * $1.1 } }
  package func intercept(_ y: [Double]) -> Double { zip(interceptWeights, y).reduce(0) { $0 + $1.0 * $1.1 } }
}
