import CLanes
import MDNumerics

/// Eight atoms abreast, one a lane, whatever the instruction set: two registers of AVX2 gain from it, too.
typealias WideLanes = Lanes8

extension SIMD8 where Scalar == Double {
  /// self + a·b with the same b in every lane.
  @inline(__always)
  mutating func addProduct(_ a: Self, _ b: Double) { self = lanes8_fma(a, Self(repeating: b), self) }

  @inline(__always)
  static func / (a: Self, b: Self) -> Self { lanes8_divide(a, b) }
}
