import CLanes
import MDNumerics

/// Eight atoms abreast, one a lane: one register of AVX-512, two of AVX2.
typealias WideLanes = SIMD8<Double>

extension SIMD8 where Scalar == Double {
  /// self + a·b, rounded once.
  @inline(__always)
  func addingProduct(_ a: Self, _ b: Self) -> Self { lanes8_fma(a, b, self) }

  @inline(__always)
  mutating func addProduct(_ a: Self, _ b: Self) { self = lanes8_fma(a, b, self) }

  /// self + a·b with the same b in every lane.
  @inline(__always)
  mutating func addProduct(_ a: Self, _ b: Double) { self = lanes8_fma(a, Self(repeating: b), self) }

  @inline(__always)
  func squareRoot() -> Self { lanes8_sqrt(self) }

  @inline(__always)
  func sum() -> Double { lanes8_sum(self) }

  @inline(__always)
  static func / (a: Self, b: Self) -> Self { lanes8_divide(a, b) }
}
