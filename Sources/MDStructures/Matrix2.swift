import Foundation

/// A 2 × 2 matrix of rows a and b: two vectors of a plane, or a map of them, r ↦ r·M.
package struct Matrix2: Sendable, Equatable {
  package var a: SIMD2<Double>
  package var b: SIMD2<Double>

  package init(_ a: SIMD2<Double>, _ b: SIMD2<Double>) { (self.a, self.b) = (a, b) }

  package static let identity = Matrix2(SIMD2(1, 0), SIMD2(0, 1))

  /// r ↦ r turned by `angle` (radians) from x to y.
  package init(rotation angle: Double) {
    let (c, s) = (cos(angle), sin(angle))
    self.init(SIMD2(c, s), SIMD2(-s, c))
  }

  package var determinant: Double { a.x * b.y - a.y * b.x }
  package var transpose: Matrix2 { Matrix2(SIMD2(a.x, b.x), SIMD2(a.y, b.y)) }
  package var inverse: Matrix2 {
    let d = 1 / determinant
    return Matrix2(SIMD2(d * b.y, -d * a.y), SIMD2(-d * b.x, d * a.x))
  }

  package static func * (v: SIMD2<Double>, m: Matrix2) -> SIMD2<Double> { v.x * m.a + v.y * m.b }
  package static func * (l: Matrix2, r: Matrix2) -> Matrix2 { Matrix2(l.a * r, l.b * r) }

  /// F = Q·P with a rotation Q by `angle` (radians) and a symmetric stretch P. F must not turn the plane over.
  package var polar: (angle: Double, stretch: Matrix2) {
    let angle = atan2(a.y - b.x, a.x + b.y)
    return (angle, Matrix2(rotation: -angle) * self)
  }

  /// Eigenvalues of a symmetric matrix, and the direction of the first (radians).
  private var spectrum: (Double, Double, Double) {
    let (mean, half) = (0.5 * (a.x + b.y), 0.5 * (a.x - b.y))
    // Rounding may leave the two apart.
    let off = 0.5 * (a.y + b.x)
    let radius = (half * half + off * off).squareRoot()
    return (mean + radius, mean - radius, 0.5 * atan2(off, half))
  }

  /// Of a symmetric matrix, the larger first.
  package var eigenvalues: (Double, Double) {
    let (first, second, _) = spectrum
    return (first, second)
  }

  /// Σ f(λ) v ⊗ v of a symmetric matrix.
  package func map(_ f: (Double) -> Double) -> Matrix2 {
    let (first, second, direction) = spectrum
    let (p, q) = (f(first), f(second))
    let (c, s) = (cos(direction), sin(direction))
    let off = (p - q) * c * s
    return Matrix2(SIMD2(p * c * c + q * s * s, off), SIMD2(off, p * s * s + q * c * c))
  }
}

/// A 2 × 2 matrix of integers by rows: two vectors in terms of a plane lattice's basis.
package struct IntegerMatrix2: Sendable, Hashable {
  package var a: SIMD2<Int>
  package var b: SIMD2<Int>

  package init(_ a: SIMD2<Int>, _ b: SIMD2<Int>) { (self.a, self.b) = (a, b) }

  package static let identity = IntegerMatrix2(SIMD2(1, 0), SIMD2(0, 1))

  package var determinant: Int { a.x * b.y - a.y * b.x }
  package var real: Matrix2 { Matrix2(SIMD2(Double(a.x), Double(a.y)), SIMD2(Double(b.x), Double(b.y))) }
  package var numbers: [Int] { [a.x, a.y, b.x, b.y] }

  package static func * (l: IntegerMatrix2, r: IntegerMatrix2) -> IntegerMatrix2 {
    IntegerMatrix2(l.a.x &* r.a &+ l.a.y &* r.b, l.b.x &* r.a &+ l.b.y &* r.b)
  }

  /// The Hermite normal form H = K·A of the lattice of the rows, H = [[p, r], [0, q]] with p, q > 0 and 0 ≤ r < q, and the
  /// unimodular K.
  package func hermiteForm() -> (form: IntegerMatrix2, change: IntegerMatrix2) {
    var (m, k) = (self, Self.identity)
    while m.b.x != 0 {
      let q = m.a.x / m.b.x
      (m.a, m.b) = (m.b, m.a &- q &* m.b)
      (k.a, k.b) = (k.b, k.a &- q &* k.b)
    }
    if m.a.x < 0 { (m.a, k.a) = (.zero &- m.a, .zero &- k.a) }
    if m.b.y < 0 { (m.b, k.b) = (.zero &- m.b, .zero &- k.b) }
    let r = m.a.y - m.b.y * Int((Double(m.a.y) / Double(m.b.y)).rounded(.down))
    let q = (m.a.y - r) / m.b.y
    m.a.y = r
    k.a = k.a &- q &* k.b
    return (m, k)
  }

  /// The Hermite normal forms of all sublattices of index `n`.
  package static func sublattices(ofIndex n: Int) -> [IntegerMatrix2] {
    (1...n).filter { n % $0 == 0 }.flatMap { p in
      (0..<(n / p)).map { IntegerMatrix2(SIMD2(p, $0), SIMD2(0, n / p)) }
    }
  }

  /// One point of each class of the lattice modulo the rows, in the lattice's basis.
  package var classes: [SIMD2<Int>] {
    let form = hermiteForm().form
    return (0..<form.a.x).flatMap { i in (0..<form.b.y).map { SIMD2(i, $0) } }
  }

  /// The basis of the same lattice (rows times `basis`) with short vectors, right-handed and with an angle of 60° to 90°, or to
  /// 120° where it must be (Gauss).
  package func reduced(in basis: Matrix2) -> IntegerMatrix2 {
    var m = self
    while true {
      var (p, q) = ((m.real * basis).a, (m.real * basis).b)
      if (q * q).sum() < (p * p).sum() * (1 - 1e-10) {
        (m.a, m.b) = (m.b, .zero &- m.a)
        (p, q) = (q, -p)
      }
      let n = Int(((p * q).sum() / (p * p).sum()).rounded(.toNearestOrEven))
      let shorter = q - Double(n) * p
      guard n != 0, (shorter * shorter).sum() < (q * q).sum() * (1 - 1e-10) else { break }
      m.b = m.b &- n &* m.a
    }
    if m.determinant < 0 { m.b = .zero &- m.b }
    return m
  }
}
