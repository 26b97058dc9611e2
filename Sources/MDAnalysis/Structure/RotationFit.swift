import MDNumerics

/// A rotation as a unit quaternion q = (w, x, y, z).
package struct Quaternion: Sendable, Equatable {
  package var w, x, y, z: Double

  package init(w: Double, x: Double, y: Double, z: Double) { (self.w, self.x, self.y, self.z) = (w, x, y, z) }

  /// As a matrix for rows: v·matrix is the turned vector.
  package var matrix: Matrix3 {
    Matrix3(
      Vector3(1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)),
      Vector3(2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)),
      Vector3(2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)))
  }

  /// First `b`, then `a`.
  package static func * (a: Quaternion, b: Quaternion) -> Quaternion {
    Quaternion(
      w: a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, x: a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
      y: a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, z: a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w)
  }

  /// Of all q·g with the rotations g of a group, the one that turns least (w ≥ 0).
  package func reduced(_ group: [Quaternion]) -> Quaternion {
    var best = self
    for g in group {
      let other = self * g
      if abs(other.w) > abs(best.w) { best = other }
    }
    return best.w < 0 ? Quaternion(w: -best.w, x: -best.x, y: -best.y, z: -best.z) : best
  }
}

/// The rotation that brings points nearest to others: the largest eigenvalue λ = max Σ v·(R w) of Horn's symmetric matrix of
/// M = Σ w ⊗ v and its eigenvector (B. K. P. Horn, J. Opt. Soc. Am. A 4, 629, 1987), by Newton's method from above
/// (D. L. Theobald, Acta Cryst. A 61, 478, 2005).
package enum RotationFit {
  /// - Parameters:
  ///   - m: Σ w ⊗ v.
  ///   - bound: no less than λ, for example (Σ w² + Σ v²)/2.
  /// nil where points are on a line, so that more than one rotation is the best.
  package static func best(_ m: Matrix3, bound: Double) -> (rotation: Quaternion, sum: Double)? {
    let (xx, xy, xz) = (m.x.x, m.x.y, m.x.z)
    let (yx, yy, yz) = (m.y.x, m.y.y, m.y.z)
    let (zx, zy, zz) = (m.z.x, m.z.y, m.z.z)
    let k00 = xx + yy + zz, k01 = yz - zy, k02 = zx - xz, k03 = xy - yx
    let k11 = xx - yy - zz, k12 = xy + yx, k13 = zx + xz
    let k22 = yy - xx - zz, k23 = yz + zy
    let k33 = zz - xx - yy
    let square = m.contracted(with: m)
    let (c2, c1) = (-2 * square, -8 * m.determinant)
    let c0 = minors(k00, k01, k02, k03, k11, k12, k13, k22, k23, k33, row: 0).determinant
    var s = bound
    for _ in 0..<60 {
      let s2 = s * s
      let value = (s2 + c2) * s2 + c1 * s + c0
      let slope = 4 * s2 * s + 2 * c2 * s + c1
      guard slope > 0 else { break }
      let step = value / slope
      s -= step
      if abs(step) < 1e-13 * abs(s) { break }
    }
    // Rows of the adjugate of K − λ are multiples of the eigenvector; the longest is the most exact.
    var best = (q: SIMD4<Double>.zero, square: 0.0)
    for row in 0..<4 {
      let q = minors(k00 - s, k01, k02, k03, k11 - s, k12, k13, k22 - s, k23, k33 - s, row: row).row
      let length = (q * q).sum()
      if length > best.square { best = (q, length) }
    }
    guard best.square > 1e-20 * square * square * square else { return nil }
    let q = best.q / best.square.squareRoot()
    return (Quaternion(w: q[0], x: q[1], y: q[2], z: q[3]), s)
  }

  /// The cofactors of a row of a symmetric matrix, and its determinant.
  @inline(__always)
  private static func minors(
    _ a: Double, _ b: Double, _ c: Double, _ d: Double, _ e: Double, _ f: Double, _ g: Double, _ h: Double, _ i: Double,
    _ j: Double, row: Int
  ) -> (row: SIMD4<Double>, determinant: Double) {
    let m0 = SIMD4(a, b, c, d), m1 = SIMD4(b, e, f, g), m2 = SIMD4(c, f, h, i), m3 = SIMD4(d, g, i, j)
    // The other three rows, in their order.
    let (p, q, r) = row == 0 ? (m1, m2, m3) : row == 1 ? (m0, m2, m3) : row == 2 ? (m0, m1, m3) : (m0, m1, m2)
    func minor(_ x: Int, _ y: Int, _ z: Int) -> Double {
      p[x] * (q[y] * r[z] - q[z] * r[y]) - p[y] * (q[x] * r[z] - q[z] * r[x]) + p[z] * (q[x] * r[y] - q[y] * r[x])
    }
    let sign = row % 2 == 0 ? 1.0 : -1.0
    let cofactors = sign * SIMD4(minor(1, 2, 3), -minor(0, 2, 3), minor(0, 1, 3), -minor(0, 1, 2))
    let own = row == 0 ? m0 : row == 1 ? m1 : row == 2 ? m2 : m3
    return (cofactors, (own * cofactors).sum())
  }
}
