import CLanes

// More specialised than the standard library's methods of the same names, which go lane by lane: these are one
// instruction each, whatever the size of the function around them.
extension SIMD4 where Scalar == Double {
  /// self + a·b, rounded once.
  @inlinable @inline(__always)
  public func addingProduct(_ a: Self, _ b: Self) -> Self { lanes_fma(a, b, self) }

  @inlinable @inline(__always)
  public mutating func addProduct(_ a: Self, _ b: Self) { self = lanes_fma(a, b, self) }

  /// self − a·b, rounded once.
  @inlinable @inline(__always)
  public func subtractingProduct(_ a: Self, _ b: Self) -> Self { lanes_fnma(a, b, self) }

  @inlinable @inline(__always)
  public mutating func subtractProduct(_ a: Self, _ b: Self) { self = lanes_fnma(a, b, self) }

  @inlinable @inline(__always)
  public func squareRoot() -> Self { lanes_sqrt(self) }

  @inlinable @inline(__always)
  public func sum() -> Double { lanes_sum(self) }

  /// The greater of each pair of lanes; a lane that is not a number gives way to the other.
  @inlinable @inline(__always)
  public func maximum(_ other: Self) -> Self { lanes_max(self, other) }

  @inlinable @inline(__always)
  public func minimum(_ other: Self) -> Self { lanes_min(self, other) }
}

/// 1 if any lane of a is less than that of b, else 0.
@inlinable @inline(__always)
public func anyLess(_ a: SIMD4<Double>, _ b: SIMD4<Double>) -> Int { lanes_any_less(a, b) }
