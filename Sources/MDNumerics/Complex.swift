/// A complex number x + iy.
package struct Complex: Equatable, Sendable {
  package var x: Double
  package var y: Double

  @inline(__always) package init(_ x: Double, _ y: Double = 0) { (self.x, self.y) = (x, y) }

  @inline(__always) package static func + (a: Complex, b: Complex) -> Complex { Complex(a.x + b.x, a.y + b.y) }
  @inline(__always) package static func - (a: Complex, b: Complex) -> Complex { Complex(a.x - b.x, a.y - b.y) }
  @inline(__always) package static func * (a: Complex, b: Complex) -> Complex {
    Complex(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x)
  }
  @inline(__always) package static func * (s: Double, a: Complex) -> Complex { Complex(s * a.x, s * a.y) }
  @inline(__always) package static func / (a: Complex, b: Complex) -> Complex {
    let scale = 1 / (b.x * b.x + b.y * b.y)
    return Complex(scale * (a.x * b.x + a.y * b.y), scale * (a.y * b.x - a.x * b.y))
  }

  /// The root with a real part of at least 0; on the cut along the negative axis that of the side which `y`'s sign says.
  package var squareRoot: Complex {
    let modulus = (x * x + y * y).squareRoot()
    if modulus == 0 { return Complex(0) }
    // Of the two ways to each part the one without a difference of nearly equal numbers.
    if x >= 0 {
      let real = (0.5 * (modulus + x)).squareRoot()
      return Complex(real, 0.5 * y / real)
    }
    let imaginary = (0.5 * (modulus - x)).squareRoot()
    return Complex(0.5 * abs(y) / imaginary, y.sign == .minus ? -imaginary : imaginary)
  }
}

/// A column of three complex numbers, and a 3 × 3 matrix of them by its columns.
package struct ComplexVector: Equatable, Sendable {
  package var x: Complex
  package var y: Complex
  package var z: Complex

  package init(_ x: Complex, _ y: Complex, _ z: Complex) { (self.x, self.y, self.z) = (x, y, z) }
  package init(real: Vector3, imaginary: Vector3 = .zero) {
    self.init(Complex(real.x, imaginary.x), Complex(real.y, imaginary.y), Complex(real.z, imaginary.z))
  }

  package var real: Vector3 { Vector3(x.x, y.x, z.x) }
  package static func + (a: ComplexVector, b: ComplexVector) -> ComplexVector { .init(a.x + b.x, a.y + b.y, a.z + b.z) }
  package static func * (s: Complex, a: ComplexVector) -> ComplexVector { .init(s * a.x, s * a.y, s * a.z) }
}

package struct ComplexMatrix: Equatable, Sendable {
  package var columns: (ComplexVector, ComplexVector, ComplexVector)

  package init(_ a: ComplexVector, _ b: ComplexVector, _ c: ComplexVector) { columns = (a, b, c) }

  /// R + iS of real matrices that act on columns.
  package init(real r: Matrix3, imaginary s: Matrix3) {
    let (p, q) = (r.transpose, s.transpose)
    self.init(.init(real: p.x, imaginary: q.x), .init(real: p.y, imaginary: q.y), .init(real: p.z, imaginary: q.z))
  }

  package static func == (a: ComplexMatrix, b: ComplexMatrix) -> Bool { a.columns == b.columns }

  /// M v.
  package static func * (m: ComplexMatrix, v: ComplexVector) -> ComplexVector {
    v.x * m.columns.0 + v.y * m.columns.1 + v.z * m.columns.2
  }

  /// s M + t 1.
  package func scaled(_ s: Complex, plus t: Complex) -> ComplexMatrix {
    var m = ComplexMatrix(s * columns.0, s * columns.1, s * columns.2)
    m.columns.0.x = m.columns.0.x + t
    m.columns.1.y = m.columns.1.y + t
    m.columns.2.z = m.columns.2.z + t
    return m
  }

  /// M⁻¹ v by Cramer's rule.
  package func solve(_ v: ComplexVector) -> ComplexVector {
    func cross(_ a: ComplexVector, _ b: ComplexVector) -> ComplexVector {
      .init(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
    }
    func dot(_ a: ComplexVector, _ b: ComplexVector) -> Complex { a.x * b.x + a.y * b.y + a.z * b.z }
    let (a, b, c) = columns
    let (bc, ca, ab) = (cross(b, c), cross(c, a), cross(a, b))
    let scale = Complex(1) / dot(a, bc)
    return .init(scale * dot(v, bc), scale * dot(v, ca), scale * dot(v, ab))
  }
}
