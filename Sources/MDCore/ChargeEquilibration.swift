/// A symmetric matrix over the atoms of all ranks, positive definite among charges that add up to nothing: the Coulomb
/// interaction of charges and their hardness, eV/e². A rank holds the rows of its local atoms. Calls are collective.
public protocol ChargeMatrix: AnyObject {
  /// Rows of this rank.
  var count: Int { get }
  /// Positive numbers about as large as the diagonal, eV/e².
  var diagonal: UnsafePointer<Double> { get }
  /// y = A x on this rank's rows.
  func multiply(_ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>) throws
}

/// Finds the charges that minimise ½ qᵀA q + bᵀq under Σq = Q:
///
///     A q + b + μ 1 = 0,  1ᵀq = Q
///
/// with one Lagrange multiplier μ, eV/e. The derivatives of whatever depends on the charges need the same once more: with
/// g = ∂E/∂q the adjoint λ solves A λ + g + ν 1 = 0 under Σλ = 0, and dE/dx = ∂E/∂x + λᵀ(∂A/∂x q + ∂b/∂x).
public protocol ChargeSolver: AnyObject {
  /// As it stands in the log, for example "conjugate gradients".
  var name: String { get }
  /// Called when the matrix is another, before it is solved with. Collective.
  func prepare(_ matrix: any ChargeMatrix) throws
  /// Collective.
  /// - Parameters:
  ///   - b: of this rank's rows, eV/e.
  ///   - total: Q, e.
  ///   - charges: a first guess; becomes q.
  ///   - residual: becomes r = −(A q + b + μ 1), eV/e.
  /// - Throws: a collective run error with the numbers when the charges do not converge.
  func solve(
    _ matrix: any ChargeMatrix, _ b: UnsafePointer<Double>, total: Double, charges: UnsafeMutablePointer<Double>,
    residual: UnsafeMutablePointer<Double>
  ) throws -> ChargeSolution
}

public struct ChargeSolution: Sendable, Equatable {
  /// Products with the matrix.
  public var iterations: Int
  /// Root-mean-square of r, eV/e.
  public var residual: Double
  /// μ, eV/e.
  public var multiplier: Double

  public init(iterations: Int, residual: Double, multiplier: Double) {
    self.iterations = iterations
    self.residual = residual
    self.multiplier = multiplier
  }
}

/// A potential that finds its charges itself, of a given total.
public protocol ChargeEquilibrating: Potential {
  /// Σq, e.
  var totalCharge: Double { get set }
}
