import Foundation
import MDCore
import MDNumerics

/// A rotation that brings a lattice of any of the fourteen kinds into coincidence with itself: rational in its own basis.
///
/// About the lattice vector v every such rotation has tan(θ/2) = (n/m)·V·|v| with whole m and n, V the volume of the cell.
/// With the metric G of integers, Δ = det G and w = Δ·vGv it takes the lattice vector x to
///   [(m² − n²w) x + 2n²Δ (xGv) v + 2mn (v × x)·adj G] / (m² + n²w),
/// × of components. For cubic lattices it is Ranganathan's generating function (Acta Cryst. 21, 197 (1966)); in general
/// M. A. Fortes, Acta Cryst. A 39, 351 (1983).
package struct LatticeRotation: Sendable {
  /// R of rows: x ↦ x·numerators/denominator, in the lattice's basis. It turns crystal 1 into crystal 2.
  package let numerators: IntegerMatrix
  package let denominator: Int
  /// Degrees, above 0 and up to 180.
  package let angle: Double
  package let axis: IntegerVector
  package let coincidence: CoincidenceLattice
  private let metric: LatticeMetric
  /// tan(θ/2) is n/m times the volume and the axis' length.
  private let quotient: (n: Int, m: Int)

  /// The inverse density of coincidence sites.
  package var sigma: Int { coincidence.indices.0 }

  /// nil where the numbers leave the range of integers.
  init?(_ m: Int, _ n: Int, axis v: IntegerVector, _ metric: LatticeMetric) {
    let delta = metric.determinant
    let square = metric.product(v, v)
    let w = delta * square
    guard let norm = Self.norm(m, n, w), norm < 1 << 50 else { return nil }
    let adjugate = metric.gram.adjugate
    var rows: [IntegerVector] = []
    for k in 0..<3 {
      var x = IntegerVector.zero
      x[k] = 1
      let along = 2 * n * n * delta * metric.product(x, v)
      rows.append((m * m - n * n * w) * x + along * v + 2 * m * n * (cross(v, x) * adjugate))
    }
    let all = IntegerMatrix(rows[0], rows[1], rows[2])
    let common = greatestCommonDivisor(all.divisor, norm)
    numerators = all / common
    denominator = norm / common
    angle = 2 * atan2(Double(n) * Double(w).squareRoot(), Double(m)) * 180 / .pi
    axis = v
    self.metric = metric
    quotient = (n, m)
    coincidence = CoincidenceLattice(numerators, over: denominator)
  }

  private static func norm(_ m: Int, _ n: Int, _ w: Int) -> Int? {
    let (square, isTooLarge) = (n * n).multipliedReportingOverflow(by: w)
    let (sum, isTooMuch) = square.addingReportingOverflow(m * m)
    return isTooLarge || isTooMuch ? nil : sum
  }

  /// All coincidence rotations about the lattice vector `axis` with 1 < Σ ≤ `limit`, by Σ and then by angle.
  ///
  /// A common divisor of the numerators and of m² + n²w divides 4m² and 4n²w, and so is at most 4w: m² + n²w ≤ 4wΣ.
  package static func about(_ axis: IntegerVector, _ metric: LatticeMetric, sigma limit: Int) -> [LatticeRotation] {
    let v = axis.primitive
    let w = metric.determinant * metric.product(v, v)
    var found: [LatticeRotation] = []
    var seen: Set<[Int]> = []
    let most = 4 * Double(w) * Double(limit)
    var n = 1
    while Double(n * n) * Double(w) <= most {
      let last = Int((most - Double(n * n) * Double(w)).squareRoot())
      for m in 0...max(last, 0) where greatestCommonDivisor(m, n) == 1 {
        // What divides all is known before the matrix is made.
        guard let norm = norm(m, n, w), norm / greatestCommonDivisor(norm, 4 * w) <= limit else { continue }
        guard let one = LatticeRotation(m, n, axis: v, metric), one.denominator <= limit, one.sigma > 1, one.sigma <= limit,
          seen.insert(one.numerators.rows.flatMap { [$0.x, $0.y, $0.z] } + [one.denominator]).inserted
        else { continue }
        found.append(one)
      }
      n += 1
    }
    return found.sorted { ($0.sigma, $0.angle) < ($1.sigma, $1.angle) }
  }

  /// The same angle the other way round.
  package var inverse: LatticeRotation? { LatticeRotation(quotient.m, quotient.n, axis: -axis, metric) }

  /// Whether the plane `h` is perpendicular to the axis.
  package func isTwist(_ h: IntegerVector) -> Bool { cross(axis * metric.gram, h) == .zero }

  /// The plane `h` of crystal 1 in indices of crystal 2.
  package func plane(ofSecond h: IntegerVector) -> IntegerVector { numerators.applied(to: h).primitive }

  /// The direction `u` of crystal 1 in indices of crystal 2: u·R⁻¹ with R⁻¹ = G Rᵀ G⁻¹.
  package func direction(ofSecond u: IntegerVector) -> IntegerVector {
    (u * metric.gram * numerators.transpose * metric.gram.adjugate).primitive
  }

  /// The planes of crystal 1 that contain the axis and whose mirror takes crystal 1 to crystal 2: symmetric tilt boundaries.
  ///
  /// Half-turns about a twofold axis t of the lattice, perpendicular to the rotation's, and then about a normal n make a
  /// rotation by 2∠(t, n): n lies along t + tR, or, for θ = 180°, along v × t.
  ///
  /// - Parameter operations: the point group of the lattice.
  package func symmetricTiltPlanes(_ operations: [CrystalSymmetry.Operation]) -> [IntegerVector] {
    var planes: [IntegerVector] = []
    for operation in operations {
      let o = IntegerMatrix(operation.matrix[0], operation.matrix[1], operation.matrix[2])
      // Half-turns: proper, of order two.
      guard o.determinant == 1, o != .identity, o * o == .identity,
        let t = (0..<3).map({ o[$0] + IntegerMatrix.identity[$0] }).first(where: { $0 != .zero })?.primitive,
        metric.product(t, axis) == 0
      else { continue }
      let turned = t * numerators
      let n = denominator * t + turned
      let h = n == .zero ? cross(axis, t) : n * metric.gram
      let plane = h.primitive
      if !planes.contains(plane), !planes.contains(-plane) { planes.append(plane) }
    }
    return planes.sorted { ($0.squaredLength, -$0.x, -$0.y, -$0.z) < ($1.squaredLength, -$1.x, -$1.y, -$1.z) }
  }
}

/// The vectors that two lattices have in common, and those that differences of their vectors make, by the Smith form.
///
/// With b = (M/d)·a of the two bases and U M V = D, the bases U b and V⁻¹ a are parallel, the i-th vectors in the proportion
/// D_i/d = p_i/q_i: Π p_i cells of the first lattice, and Π q_i of the second, make one of the coincidence lattice; the DSC lattice
/// has the vectors (V⁻¹ a)_i/q_i (H. Grimmer, Acta Cryst. A 32, 783 (1976)).
package struct CoincidenceLattice: Sendable {
  /// Rows: vectors of the coincidence lattice in the first lattice's basis, and the same vectors in the second's.
  package let first: IntegerMatrix
  package let second: IntegerMatrix
  /// How many cells of the first and of the second lattice make one of the coincidence lattice.
  package let indices: (Int, Int)
  /// Rows of the DSC lattice: numerators over denominators, in the first lattice's basis.
  package let displacements: (rows: IntegerMatrix, denominators: IntegerVector)

  /// The second lattice's basis is `numerators`/`denominator` times the first's.
  package init(_ numerators: IntegerMatrix, over denominator: Int) {
    let (left, diagonal, right) = numerators.smithForm()
    let parallel = right.unimodularInverse
    var (p, q) = (IntegerVector.zero, IntegerVector.zero)
    for k in 0..<3 {
      let common = greatestCommonDivisor(diagonal[k], denominator)
      (p[k], q[k]) = (diagonal[k] / common, denominator / common)
    }
    first = IntegerMatrix(p.x * parallel[0], p.y * parallel[1], p.z * parallel[2])
    second = IntegerMatrix(q.x * left[0], q.y * left[1], q.z * left[2])
    indices = (p.x * p.y * p.z, q.x * q.y * q.z)
    displacements = (parallel, q)
  }
}
