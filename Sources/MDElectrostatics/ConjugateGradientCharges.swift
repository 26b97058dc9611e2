import Foundation
import MDCore
import MDNumerics

/// Charges by conjugate gradients among those of the right total, preconditioned with the diagonal D of the matrix.
///
/// A direction z has no total if it is D⁻¹(r − ν 1) with ν = Σ r/D / Σ 1/D: the preconditioner of the constrained
/// problem itself (N. I. M. Gould, M. E. Hribar, J. Nocedal, SIAM J. Sci. Comput. 23, 1376 (2001)). Two reductions an
/// iteration.
public final class ConjugateGradientCharges: ChargeSolver {
  public let name = "conjugate gradients"
  /// Root-mean-square of the residual at which charges are good enough, eV/e.
  public let tolerance: Double
  public let mostIterations: Int

  private let communicator: any Communicator
  private let directions = AlignedBuffer<Double>()
  private let products = AlignedBuffer<Double>()
  private let inverse = AlignedBuffer<Double>()
  private var inverseSum = 0.0
  private var total = 0

  public init(tolerance: Double, mostIterations: Int = 500, communicator: any Communicator) {
    self.tolerance = tolerance
    self.mostIterations = mostIterations
    self.communicator = communicator
  }

  public func prepare(_ matrix: any ChargeMatrix) throws {
    let n = matrix.count
    for buffer in [directions, products, inverse] { buffer.reserve(max(n, 1)) }
    let diagonal = matrix.diagonal
    var sums = [0.0, Double(n)]
    for i in 0..<n {
      inverse.pointer[i] = 1 / diagonal[i]
      sums[0] += inverse.pointer[i]
    }
    communicator.sum(&sums)
    inverseSum = sums[0]
    total = Int(sums[1])
  }

  /// Of the residual, centred by ν.
  private struct Sums {
    var squares: Double
    /// rᵀ D⁻¹ r.
    var product: Double
    var shift: Double
  }

  /// Takes ν off the residual.
  private func center(_ r: UnsafeMutablePointer<Double>, _ n: Int) -> Sums {
    let d = inverse.pointer
    var sums = [0.0, 0.0, 0.0, 0.0]
    for i in 0..<n {
      let u = r[i] * d[i]
      sums[0] += u
      sums[1] += u * r[i]
      sums[2] += r[i]
      sums[3] += r[i] * r[i]
    }
    communicator.sum(&sums)
    let shift = sums[0] / inverseSum
    for i in 0..<n { r[i] -= shift }
    return Sums(
      squares: max(0, sums[3] - 2 * shift * sums[2] + Double(total) * shift * shift),
      product: sums[1] - sums[0] * shift, shift: shift)
  }

  public func solve(
    _ matrix: any ChargeMatrix, _ b: UnsafePointer<Double>, total charge: Double,
    charges q: UnsafeMutablePointer<Double>, residual r: UnsafeMutablePointer<Double>
  ) throws -> ChargeSolution {
    let n = matrix.count
    let (p, y, d) = (directions.pointer, products.pointer, inverse.pointer)
    // The guess gets the right total.
    var sum = 0.0
    for i in 0..<n { sum += q[i] }
    let lack = (charge - communicator.sum(sum)) / inverseSum
    for i in 0..<n { q[i] += lack * d[i] }
    try matrix.multiply(q, into: y)
    for i in 0..<n { r[i] = -b[i] - y[i] }
    // Once to be rid of a multiplier that is large beside the residual, once to measure.
    var multiplier = center(r, n).shift
    var sums = center(r, n)
    multiplier += sums.shift
    var iterations = 1
    // A number, whatever was there: 0 times it must be 0.
    for i in 0..<n { p[i] = 0 }
    var last = 0.0
    func rms(_ sums: Sums) -> Double { (sums.squares / Double(max(total, 1))).squareRoot() }
    while !(rms(sums) <= tolerance) {
      guard iterations < mostIterations, sums.squares.isFinite else {
        throw failure(iterations, rms(sums), "")
      }
      let beta = last == 0 ? 0 : sums.product / last
      last = sums.product
      for i in 0..<n { p[i] = r[i] * d[i] + beta * p[i] }
      try matrix.multiply(p, into: y)
      iterations += 1
      var curvature = 0.0
      for i in 0..<n { curvature += p[i] * y[i] }
      curvature = communicator.sum(curvature)
      guard curvature > 0 else {
        throw failure(iterations, rms(sums), "; the energy has no minimum (curvature \(curvature) eV)")
      }
      let step = sums.product / curvature
      for i in 0..<n {
        q[i] += step * p[i]
        r[i] -= step * y[i]
      }
      sums = center(r, n)
      multiplier += sums.shift
    }
    return ChargeSolution(iterations: iterations, residual: rms(sums), multiplier: multiplier)
  }

  private func failure(_ iterations: Int, _ residual: Double, _ more: String) -> FaultlineError {
    FaultlineError(
      .run,
      "the charges did not converge: residual \(residual) eV/e after \(iterations) iterations, asked for "
        + "\(tolerance)\(more)",
      hint: "look for atoms on top of one another; in the deck: a larger `tolerance`, a smaller `accuracy`, "
        + "`method: direct`",
      isCollective: true)
  }
}
