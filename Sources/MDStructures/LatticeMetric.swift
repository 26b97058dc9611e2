import MDCore
import MDNumerics

/// The lengths and angles of a lattice as integers: aᵢ·aⱼ = scale · Gᵢⱼ. Cubic lattices have such a G exactly, others where
/// squares of their axes are in rational proportion; of those that are not, one near by is taken, and the strain to it said.
package struct LatticeMetric: Sendable {
  /// G, without a common divisor.
  package let gram: IntegerMatrix
  /// Å².
  package let scale: Double
  /// The largest principal strain from the lattice to that of G.
  package let strain: Double

  package var determinant: Int { gram.determinant }

  package init(gram: IntegerMatrix, scale: Double = 1) {
    self.gram = gram / gram.divisor
    self.scale = scale * Double(gram.divisor)
    strain = 0
  }

  /// The simplest metric within `tolerance` (a strain) of the lattice of `cell` (rows, Å) that keeps its symmetry; nil if
  /// none has elements up to `limit` times the smallest.
  package init?(_ cell: Matrix3, tolerance: Double = 1e-6, limit: Int = 400) {
    guard let found = Self.candidates(cell, tolerance: tolerance, limit: limit, most: 1).first else { return nil }
    self = found
  }

  private init(_ gram: IntegerMatrix, _ scale: Double, _ strain: Double) {
    (self.gram, self.scale, self.strain) = (gram, scale, strain)
  }

  /// The simplest metrics within `tolerance`, at most so many, simple ones first.
  package static func candidates(_ cell: Matrix3, tolerance: Double, limit: Int = 400, most: Int) -> [LatticeMetric] {
    guard let group = try? UnitCell(cell: cell, sites: [.init(.zero, "A")]).pointGroup() else { return [] }
    let operations = group.map { IntegerMatrix($0.matrix[0], $0.matrix[1], $0.matrix[2]) }
    let metric = cell * cell.transpose
    let smallest = min(metric.x.x, metric.y.y, metric.z.z)
    var found: [LatticeMetric] = []
    for k in 1...limit where found.count < most {
      let s = smallest / Double(k)
      let rows = (0..<3).map { i in (1 / s) * metric[i] }
      let near = rows.map { $0.rounded(.toNearestOrEven) }
      // Elements beyond this would leave no room for products of four of them.
      guard near.allSatisfy({ max(abs($0.x), abs($0.y), abs($0.z)) < 1e4 }) else { break }
      let gram = IntegerMatrix(near[0].integer, near[1].integer, near[2].integer)
      guard gram.divisor == 1, gram.determinant > 0,
        operations.allSatisfy({ $0 * gram * $0.transpose == gram })
      else { continue }
      let best = Self.scale(gram, metric)
      let strain = Self.strain(from: cell, to: best * gram.real)
      if strain <= max(tolerance, 1e-9) { found.append(LatticeMetric(gram, best, strain)) }
    }
    return found
  }

  /// Least squares of the elements relative to the axes' lengths.
  private static func scale(_ gram: IntegerMatrix, _ metric: Matrix3) -> Double {
    var (above, below) = (0.0, 0.0)
    for i in 0..<3 {
      let g = Double(gram[i][i]) / metric[i][i]
      above += g
      below += g * g
    }
    return above / below
  }

  private static func strain(from cell: Matrix3, to metric: Matrix3) -> Double {
    let inverse = cell.inverse
    let right = inverse * metric * inverse.transpose
    let rows = (0..<3).map { [right[$0].x, right[$0].y, right[$0].z] }
    guard let values = SymmetricEigen(rows)?.values else { return .infinity }
    return values.map { abs(max($0, 0).squareRoot() - 1) }.max()!
  }

  /// u·v in units of `scale`.
  package func product(_ u: IntegerVector, _ v: IntegerVector) -> Int { dot(u * gram, v) }
}

extension Vector3 {
  /// Of whole numbers.
  var integer: IntegerVector { IntegerVector(Int(x), Int(y), Int(z)) }
}
