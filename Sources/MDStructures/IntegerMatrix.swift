import MDNumerics

/// A 3 × 3 matrix of integers, by rows: bases of sublattices in terms of a lattice's own basis.
package struct IntegerMatrix: Sendable, Equatable {
  package var rows: [IntegerVector]

  package init(_ x: IntegerVector, _ y: IntegerVector, _ z: IntegerVector) { rows = [x, y, z] }

  package static let identity = IntegerMatrix([1, 0, 0], [0, 1, 0], [0, 0, 1])

  package subscript(_ row: Int) -> IntegerVector {
    get { rows[row] }
    set { rows[row] = newValue }
  }

  package var determinant: Int { dot(rows[0], cross(rows[1], rows[2])) }
  package var real: Matrix3 { Matrix3(rows[0].real, rows[1].real, rows[2].real) }
  package var transpose: IntegerMatrix {
    IntegerMatrix(
      IntegerVector(rows[0].x, rows[1].x, rows[2].x), IntegerVector(rows[0].y, rows[1].y, rows[2].y),
      IntegerVector(rows[0].z, rows[1].z, rows[2].z))
  }
  /// A · adj A = det A · I.
  package var adjugate: IntegerMatrix {
    IntegerMatrix(cross(rows[1], rows[2]), cross(rows[2], rows[0]), cross(rows[0], rows[1])).transpose
  }
  /// The greatest common divisor of all elements.
  package var divisor: Int { rows.reduce(0) { greatestCommonDivisor($0, $1.divisor) } }

  package static func * (v: IntegerVector, m: IntegerMatrix) -> IntegerVector {
    v.x * m.rows[0] + v.y * m.rows[1] + v.z * m.rows[2]
  }
  package static func * (a: IntegerMatrix, b: IntegerMatrix) -> IntegerMatrix {
    IntegerMatrix(a.rows[0] * b, a.rows[1] * b, a.rows[2] * b)
  }
  package static func * (k: Int, m: IntegerMatrix) -> IntegerMatrix {
    IntegerMatrix(k * m.rows[0], k * m.rows[1], k * m.rows[2])
  }
  package static func / (m: IntegerMatrix, k: Int) -> IntegerMatrix {
    let rows = m.rows.map { IntegerVector($0.x / k, $0.y / k, $0.z / k) }
    return IntegerMatrix(rows[0], rows[1], rows[2])
  }

  /// A · h for a column h: how the indices of a plane change with the basis.
  package func applied(to h: IntegerVector) -> IntegerVector {
    IntegerVector(dot(rows[0], h), dot(rows[1], h), dot(rows[2], h))
  }

  /// The inverse of a matrix of determinant ±1.
  package var unimodularInverse: IntegerMatrix {
    let sign = determinant
    precondition(abs(sign) == 1, "a change of basis")
    return sign * adjugate
  }

  /// The Smith normal form U A V = D with unimodular U and V and D diagonal, not negative, each element a divisor of the next
  /// (H. J. S. Smith, Phil. Trans. R. Soc. London 151, 293 (1861)). A must not be singular.
  package func smithForm() -> (left: IntegerMatrix, diagonal: IntegerVector, right: IntegerMatrix) {
    var (m, u, v) = (self, Self.identity, Self.identity)
    func swapColumns(_ m: inout IntegerMatrix, _ i: Int, _ j: Int) {
      for r in 0..<3 { (m[r][i], m[r][j]) = (m[r][j], m[r][i]) }
    }
    for k in 0..<3 {
      while true {
        // The smallest element becomes the pivot: it shrinks from round to round until it divides its row and column.
        var pivot: (row: Int, column: Int, size: Int)?
        for i in k..<3 {
          for j in k..<3 where m[i][j] != 0 && abs(m[i][j]) < pivot?.size ?? .max { pivot = (i, j, abs(m[i][j])) }
        }
        guard let pivot else { break }
        if pivot.row != k {
          m.rows.swapAt(k, pivot.row)
          u.rows.swapAt(k, pivot.row)
        }
        if pivot.column != k {
          swapColumns(&m, k, pivot.column)
          swapColumns(&v, k, pivot.column)
        }
        var isClean = true
        for i in (k + 1)..<3 {
          let q = m[i][k] / m[k][k]
          m[i] = m[i] - q * m[k]
          u[i] = u[i] - q * u[k]
          if m[i][k] != 0 { isClean = false }
        }
        for j in (k + 1)..<3 {
          let q = m[k][j] / m[k][k]
          for r in 0..<3 {
            m[r][j] -= q * m[r][k]
            v[r][j] -= q * v[r][k]
          }
          if m[k][j] != 0 { isClean = false }
        }
        guard isClean else { continue }
        guard let row = (k..<3).first(where: { i in (k..<3).contains { m[i][$0] % m[k][k] != 0 } }) else { break }
        m[k] = m[k] + m[row]
        u[k] = u[k] + u[row]
      }
      if m[k][k] < 0 {
        m[k] = -m[k]
        u[k] = -u[k]
      }
    }
    return (u, IntegerVector(m[0].x, m[1].y, m[2].z), v)
  }

  /// Another basis of the lattice of the rows whose first two vectors have no height over the plane `h` (v·h = 0) and whose
  /// third has the least height there is, above zero. Euclid's algorithm on the heights.
  package func basis(onPlane h: IntegerVector) -> IntegerMatrix {
    var vectors = rows
    while true {
      vectors.sort { abs(dot($0, h)) < abs(dot($1, h)) }
      guard let lowest = vectors.firstIndex(where: { dot($0, h) != 0 }), lowest < 2 else { break }
      for k in (lowest + 1)..<3 {
        vectors[k] = vectors[k] - (dot(vectors[k], h) / dot(vectors[lowest], h)) * vectors[lowest]
      }
    }
    return IntegerMatrix(vectors[0], vectors[1], dot(vectors[2], h) < 0 ? -vectors[2] : vectors[2])
  }
}

/// The smallest integers in proportion to `v`, to within `tolerance` of the largest component; nil if there are none up to
/// `limit`.
package func integers(inProportionTo v: Vector3, limit: Int = 1000, tolerance: Double = 1e-6) -> IntegerVector? {
  let largest = max(abs(v.x), abs(v.y), abs(v.z))
  guard largest > 0, largest.isFinite else { return nil }
  for n in 1...limit {
    let scaled = (Double(n) / largest) * v
    let near = scaled.rounded(.toNearestOrEven)
    guard (scaled - near).length < tolerance * Double(n) else { continue }
    return IntegerVector(Int(near.x), Int(near.y), Int(near.z)).primitive
  }
  return nil
}
