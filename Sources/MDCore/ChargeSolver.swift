/// A symmetric matrix over the atoms of all ranks, positive definite among charges that add up to nothing: the Coulomb
/// interaction of charges and their hardness, eV/e². A rank holds the rows of its local atoms. Calls are collective.
public protocol ChargeMatrix: AnyObject {
  /// Rows of this rank.
  var count: Int { get }
  /// Positive numbers about as large as the diagonal, eV/e².
  var diagonal: UnsafePointer<Double> { get }
  /// For preconditioners that go by distance; nil if there are none to tell.
  var places: ChargePlaces? { get }
  /// y = A x on this rank's rows.
  func multiply(_ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>) throws
}

/// Where the charges of a matrix are, its rows being the local atoms in their order.
public struct ChargePlaces {
  public var atoms: AtomView
  public var system: LongRangeSystem
  /// About σ of the Gaussians, Å.
  public var width: Double
  /// e²/4πε over `Units.coulomb`.
  public var factor: Double

  public init(atoms: AtomView, system: LongRangeSystem, width: Double, factor: Double) {
    self.atoms = atoms
    self.system = system
    self.width = width
    self.factor = factor
  }
}

/// Which charges flow into one another: every row is in one of the pools 0 ..< count, which keep their totals, or its
/// charge is given and stays.
public struct ChargePools {
  public var count: Int
  /// The pool of each of this rank's rows, `given` where the charge stays; nil if all rows are in the only pool.
  public var members: UnsafePointer<Int32>?

  public static let given: Int32 = -1
  /// All charges flow into one another.
  public static var single: ChargePools { ChargePools(count: 1, members: nil) }

  public init(count: Int, members: UnsafePointer<Int32>?) {
    self.count = count
    self.members = members
  }
}

/// Finds the charges that minimise ½ qᵀA q + bᵀq under Σ_{i in p} qᵢ = Q_p for each pool p:
///
///     (A q)ᵢ + bᵢ + μ_p = 0 for i in p
///
/// with a Lagrange multiplier μ_p, eV/e, for each pool; rows whose charges are given have no equation. The
/// derivatives of whatever depends on the charges need the same once more: with g = ∂E/∂q the adjoint λ solves A λ +
/// g + ν_p = 0 in the same pools with totals of 0, is 0 where charges are given, and dE/dx = ∂E/∂x + λᵀ(∂A/∂x q +
/// ∂b/∂x).
public protocol ChargeSolver: AnyObject {
  /// As it stands in the log, for example "conjugate gradients".
  var name: String { get }
  /// Called when matrix or pools are others, before they are solved with. `pools` must hold until the last solution.
  /// Collective.
  func prepare(_ matrix: any ChargeMatrix, _ pools: ChargePools) throws
  /// Collective.
  /// - Parameters:
  ///   - b: of this rank's rows, eV/e.
  ///   - totals: Q_p, e; 0 for a pool without members.
  ///   - charges: a first guess, and the given charges; becomes q.
  ///   - residual: becomes r = −(A q + b + μ_p), eV/e; without multiplier where charges are given.
  /// - Throws: a collective run error with the numbers when the charges do not converge.
  func solve(
    _ matrix: any ChargeMatrix, _ b: UnsafePointer<Double>, totals: [Double], charges: UnsafeMutablePointer<Double>,
    residual: UnsafeMutablePointer<Double>
  ) throws -> ChargeSolution
}

public struct ChargeSolution: Sendable, Equatable {
  /// Products with the matrix.
  public var iterations: Int
  /// Root-mean-square of r over rows whose charges are found, eV/e.
  public var residual: Double
  /// μ_p, eV/e.
  public var multipliers: [Double]

  public init(iterations: Int, residual: Double, multipliers: [Double]) {
    self.iterations = iterations
    self.residual = residual
    self.multipliers = multipliers
  }
}

/// A potential that finds its charges itself, of a given total.
public protocol ChargeEquilibrating: ChargeOwning {
  /// Σq, e.
  var totalCharge: Double { get set }
  /// Whether the constraints on charges can be met by these atoms and this box: to be called once groups are
  /// assigned, so that mistakes are found before the first step.
  /// - Throws: a collective input error.
  func checkConstraints(_ atoms: AtomView, box: Box) throws
}

extension ChargeEquilibrating {
  public var choosesCharges: Bool { true }
}
