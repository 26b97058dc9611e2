#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension CounterRandom {
  /// A number of the standard normal distribution.
  ///
  /// G. E. P. Box, M. E. Muller, Ann. Math. Stat. 29, 610 (1958): the pair √(−2 ln u) (cos 2πv, sin 2πv).
  public mutating func gaussian() -> Double {
    if let kept = spare {
      spare = nil
      return kept
    }
    let radius = (-2 * log(uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    spare = radius * sin(angle)
    return radius * cos(angle)
  }

  /// Three independent standard normal numbers.
  public mutating func gaussianVector() -> Vector3 { Vector3(gaussian(), gaussian(), gaussian()) }

  /// A number of the gamma distribution with density x^(k−1) e^(−x) / Γ(k), k = `shape` > 0.
  ///
  /// G. Marsaglia, W. W. Tsang, ACM Trans. Math. Softw. 26, 363 (2000); for k < 1, Γ(k + 1)-distributed
  /// times u^(1/k), their section 6.
  public mutating func gamma(shape: Double) -> Double {
    precondition(shape > 0, "the shape of a gamma distribution is positive")
    guard shape >= 1 else { return gamma(shape: shape + 1) * pow(uniform(), 1 / shape) }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = gaussian()
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      if log(uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
    }
  }

  /// The sum of the squares of `n` independent standard normal numbers (the χ² distribution).
  public mutating func sumOfSquaredGaussians(_ n: Int) -> Double {
    n == 0 ? 0 : 2 * gamma(shape: Double(n) / 2)
  }
}
