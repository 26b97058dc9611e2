import MDCore
import MDNumerics

/// The cell of non-identical displacements (CNID) of two crystals that meet in a plane: the lattice that the in-plane
/// translations of both generate together, their 2-D DSC lattice.
///
/// A relative displacement by a translation of either crystal leaves the interface what it was, so all that differ lie in
/// one cell of this lattice (R. C. Pond, W. Bollmann, Phil. Trans. R. Soc. A 292, 449 (1979)). It is finer than the
/// lattice of coincidence C, the translations that both have, by the factor
/// [C : CNID] = [C : A]·[C : B] / [C : A ∩ B], A and B the lattices of the crystals.
///
/// Everything is whole numbers: vectors of the plane are counted in parts of the edges of the common cell.
package struct NonidenticalDisplacements: Sendable {
  /// The edges of the cell that both crystals share, Å; they span the plane.
  package let edges: (SIMD2<Double>, SIMD2<Double>)
  /// Two short vectors that span the cell of non-identical displacements, in parts of the edges: (p, q) is
  /// (p·edges.0 + q·edges.1)/denominator. Right-handed if the edges are.
  package let basis: (SIMD2<Int>, SIMD2<Int>)
  package let denominator: Int
  /// How many of these cells the common cell holds.
  package let count: Int

  /// - Parameters:
  ///   - edges: of the common cell, Å, in the plane.
  ///   - lower, upper: how the edges are made of the crystals' primitive in-plane vectors: rows (i, j) of whole numbers,
  ///     edge = i·a₁ + j·a₂. Where crystals are strained to fit, of the strained vectors.
  /// - Throws: an input error for rows or edges that do not span the plane, and for numbers too large to be exact.
  package init(
    edges: (SIMD2<Double>, SIMD2<Double>), lower: (SIMD2<Int>, SIMD2<Int>), upper: (SIMD2<Int>, SIMD2<Int>)
  ) throws {
    let area = edges.0.x * edges.1.y - edges.0.y * edges.1.x
    guard area.isFinite, abs(area) > 1e-9 else {
      throw FaultlineError(.input, "the edges of an interface's cell do not span a plane")
    }
    let (m, n) = (try Self.determinant(lower), try Self.determinant(upper))
    let (common, isTooLarge) = (m / greatestCommonDivisor(m, n)).multipliedReportingOverflow(by: n)
    guard !isTooLarge, common < Self.largest else { throw Self.tooLarge }
    // a₁, a₂ in parts of the edges: the rows of the inverse matrix, adj(M)/det M.
    var generators: [SIMD2<Int>] = [SIMD2(common, 0), SIMD2(0, common)]
    for (rows, size) in [(lower, m), (upper, n)] {
      let sign = rows.0.x * rows.1.y - rows.0.y * rows.1.x < 0 ? -1 : 1
      let factor = sign * (common / size)
      generators.append(SIMD2(factor * rows.1.y, -factor * rows.0.y))
      generators.append(SIMD2(-factor * rows.1.x, factor * rows.0.x))
    }
    let (p, q) = Self.span(generators)
    denominator = common
    count = common / p.x * (common / q.y)
    self.edges = edges
    basis = Self.reduced(p, q, edges, isRightHanded: area > 0)
  }

  /// The vectors of the cell, Å.
  package var vectors: (SIMD2<Double>, SIMD2<Double>) { (cartesian(basis.0), cartesian(basis.1)) }

  /// Å².
  package var area: Double {
    let (p, q) = vectors
    return abs(p.x * q.y - p.y * q.x)
  }

  /// A displacement in fractions of the cell's vectors, in fractions of the common cell's edges.
  package func ofEdges(_ fractions: SIMD2<Double>) -> SIMD2<Double> {
    let d = Double(denominator)
    return SIMD2(
      (fractions.x * Double(basis.0.x) + fractions.y * Double(basis.1.x)) / d,
      (fractions.x * Double(basis.0.y) + fractions.y * Double(basis.1.y)) / d)
  }

  /// The other way round.
  package func ofCell(_ fractions: SIMD2<Double>) -> SIMD2<Double> {
    let d = Double(denominator)
    let determinant = Double(basis.0.x * basis.1.y - basis.0.y * basis.1.x)
    return SIMD2(
      d * (fractions.x * Double(basis.1.y) - fractions.y * Double(basis.1.x)) / determinant,
      d * (fractions.y * Double(basis.0.x) - fractions.x * Double(basis.0.y)) / determinant)
  }

  // MARK: Whole numbers

  /// Beyond it products of two might not fit.
  private static let largest = 1 << 30
  private static let tooLarge = FaultlineError(
    .input, "the common cell of the two crystals is too large for exact displacements")

  /// |det|; not zero.
  private static func determinant(_ rows: (SIMD2<Int>, SIMD2<Int>)) throws -> Int {
    let parts = [rows.0.x, rows.0.y, rows.1.x, rows.1.y]
    guard parts.allSatisfy({ abs($0) < largest }) else { throw tooLarge }
    let size = abs(rows.0.x * rows.1.y - rows.0.y * rows.1.x)
    guard size > 0 else { throw FaultlineError(.input, "the edges of an interface's cell do not span a plane") }
    return size
  }

  /// The lattice that whole vectors of the plane generate, as (a, b), (0, c): Hermite's normal form. They span the plane.
  static func span(_ generators: [SIMD2<Int>]) -> (SIMD2<Int>, SIMD2<Int>) {
    var rest = generators
    // Euclid on the first coordinates, which leaves one vector with their common divisor.
    while rest.count(where: { $0.x != 0 }) > 1 {
      let k = rest.indices.filter { rest[$0].x != 0 }.min { abs(rest[$0].x) < abs(rest[$1].x) }!
      for i in rest.indices where i != k { rest[i] = rest[i] &- (rest[i].x / rest[k].x) &* rest[k] }
    }
    let first = rest.first { $0.x != 0 }!
    let height = rest.filter { $0.x == 0 }.reduce(0) { greatestCommonDivisor($0, $1.y) }
    let sign = first.x < 0 ? -1 : 1
    let lean = ((sign * first.y) % height + height) % height
    return (SIMD2(sign * first.x, lean), SIMD2(0, height))
  }

  /// Short vectors of the same lattice (Gauss), right-handed like the edges, in the first half of the plane.
  private static func reduced(
    _ p: SIMD2<Int>, _ q: SIMD2<Int>, _ edges: (SIMD2<Double>, SIMD2<Double>), isRightHanded: Bool
  ) -> (SIMD2<Int>, SIMD2<Int>) {
    func real(_ v: SIMD2<Int>) -> SIMD2<Double> { Double(v.x) * edges.0 + Double(v.y) * edges.1 }
    func product(_ a: SIMD2<Int>, _ b: SIMD2<Int>) -> Double { (real(a) * real(b)).sum() }
    var (a, b) = (p, q)
    while true {
      if product(b, b) < product(a, a) * (1 - 1e-12) { swap(&a, &b) }
      let n = Int((product(a, b) / product(a, a)).rounded(.toNearestOrAwayFromZero))
      // Of two vectors of one length either may be taken: rounding must not decide.
      let shorter = b &- n &* a
      guard n != 0, product(shorter, shorter) < product(b, b) * (1 - 1e-9) else { break }
      b = shorter
    }
    func positive(_ v: SIMD2<Int>) -> SIMD2<Int> { v.x < 0 || (v.x == 0 && v.y < 0) ? 0 &- v : v }
    a = positive(a)
    if a.x * b.y - a.y * b.x < 0 { b = 0 &- b }
    return (a, b)
  }

  private func cartesian(_ v: SIMD2<Int>) -> SIMD2<Double> {
    (Double(v.x) * edges.0 + Double(v.y) * edges.1) / Double(denominator)
  }
}
