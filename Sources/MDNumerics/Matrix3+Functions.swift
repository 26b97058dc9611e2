extension Matrix3 {
  /// A : B = Σ A_ij B_ij.
  public func contracted(with other: Matrix3) -> Double { dot(x, other.x) + dot(y, other.y) + dot(z, other.z) }

  /// (A + Aᵀ)/2.
  public var symmetricPart: Matrix3 { 0.5 * (self + transpose) }

  /// √(A : A).
  public var norm: Double { contracted(with: self).squareRoot() }

  /// e^A to rounding: the power series of A/2ⁿ with n such that its norm is below a half, squared n times.
  public var exponential: Matrix3 {
    var halvings = 0
    var scaled = self
    while scaled.norm > 0.5 && halvings < 60 {
      scaled = 0.5 * scaled
      halvings += 1
    }
    var (sum, term) = (Matrix3.identity, Matrix3.identity)
    for k in 1...16 {
      term = (1 / Double(k)) * (term * scaled)
      sum += term
    }
    for _ in 0..<halvings { sum = sum * sum }
    return sum
  }

  /// A⁻¹ sinh A by its power series, 1 + A²/6 + A⁴/120 + …; for norms up to about 2.
  public var sinhOverArgument: Matrix3 {
    let square = self * self
    var (sum, term) = (Matrix3.identity, Matrix3.identity)
    for k in 1...10 {
      term = (1 / Double(2 * k * (2 * k + 1))) * (term * square)
      sum += term
    }
    return sum
  }
}
