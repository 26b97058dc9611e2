import CLanes

// More specialised than the standard library's methods of the same names, which go lane by lane: these are one
// instruction each, whatever the size of the function around them.
extension SIMD4 where Scalar == Double {
  /// self + a·b, rounded once.
  @inlinable @inline(__always)
  public func addingProduct(_ a: Self, _ b: Self) -> Self { lanes_fma(a, b, self) }

  @inlinable @inline(__always)
  public mutating func addProduct(_ a: Self, _ b: Self) { self = lanes_fma(a, b, self) }

  /// With the same b in every lane.
  @inlinable @inline(__always)
  public mutating func addProduct(_ a: Self, _ b: Double) { self = lanes_fma(a, Self(repeating: b), self) }

  /// self − a·b, rounded once.
  @inlinable @inline(__always)
  public func subtractingProduct(_ a: Self, _ b: Self) -> Self { lanes_fnma(a, b, self) }

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

/// One bit a lane, the first lowest: whether it is negative (as a number: −0 is not).
@inlinable @inline(__always)
public func negativeBits(_ a: SIMD4<Double>) -> Int { Int(lanes_negative_bits(a)) }

/// 1 if any lane of a equals that of b, else 0.
@inlinable @inline(__always)
public func anyEqual(_ a: SIMD4<Double>, _ b: SIMD4<Double>) -> Int { lanes_any_equal(a, b) }

/// The columns of the four-by-four matrix with these rows.
@inlinable @inline(__always)
public func transpose(
  _ a: SIMD4<Double>, _ b: SIMD4<Double>, _ c: SIMD4<Double>, _ d: SIMD4<Double>
) -> (SIMD4<Double>, SIMD4<Double>, SIMD4<Double>, SIMD4<Double>) {
  let ab0 = lanes_interleave_even(a, b)
  let ab1 = lanes_interleave_odd(a, b)
  let cd0 = lanes_interleave_even(c, d)
  let cd1 = lanes_interleave_odd(c, d)
  return (
    lanes_low_halves(ab0, cd0), lanes_low_halves(ab1, cd1), lanes_high_halves(ab0, cd0), lanes_high_halves(ab1, cd1)
  )
}

/// The columns of the eight-by-eight matrix with these rows go to memory, one after the other.
@inlinable @inline(__always)
public func storeTransposed(
  _ a: SIMD8<Double>, _ b: SIMD8<Double>, _ c: SIMD8<Double>, _ d: SIMD8<Double>, _ e: SIMD8<Double>,
  _ f: SIMD8<Double>, _ g: SIMD8<Double>, _ h: SIMD8<Double>, _ out: UnsafeMutablePointer<SIMD8<Double>>
) {
  let (ab0, ab1) = (lanes8_interleave_even(a, b), lanes8_interleave_odd(a, b))
  let (cd0, cd1) = (lanes8_interleave_even(c, d), lanes8_interleave_odd(c, d))
  let (ef0, ef1) = (lanes8_interleave_even(e, f), lanes8_interleave_odd(e, f))
  let (gh0, gh1) = (lanes8_interleave_even(g, h), lanes8_interleave_odd(g, h))
  // Columns 0 and 4, 2 and 6, 1 and 5, 3 and 7 of the upper and of the lower four rows.
  let (u04, u26) = (lanes8_even_pairs(ab0, cd0), lanes8_odd_pairs(ab0, cd0))
  let (u15, u37) = (lanes8_even_pairs(ab1, cd1), lanes8_odd_pairs(ab1, cd1))
  let (l04, l26) = (lanes8_even_pairs(ef0, gh0), lanes8_odd_pairs(ef0, gh0))
  let (l15, l37) = (lanes8_even_pairs(ef1, gh1), lanes8_odd_pairs(ef1, gh1))
  out[0] = lanes8_low_halves(u04, l04)
  out[1] = lanes8_low_halves(u15, l15)
  out[2] = lanes8_low_halves(u26, l26)
  out[3] = lanes8_low_halves(u37, l37)
  out[4] = lanes8_high_halves(u04, l04)
  out[5] = lanes8_high_halves(u15, l15)
  out[6] = lanes8_high_halves(u26, l26)
  out[7] = lanes8_high_halves(u37, l37)
}

/// The sums over the lanes of each.
@inlinable @inline(__always)
public func sums(
  _ a: SIMD4<Double>, _ b: SIMD4<Double>, _ c: SIMD4<Double>, _ d: SIMD4<Double>
) -> SIMD4<Double> {
  let ab = lanes_interleave_even(a, b) + lanes_interleave_odd(a, b)
  let cd = lanes_interleave_even(c, d) + lanes_interleave_odd(c, d)
  return lanes_low_halves(ab, cd) + lanes_high_halves(ab, cd)
}
