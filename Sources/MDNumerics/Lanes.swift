import CLanes

/// Four doubles: one register of AVX2.
public typealias Lanes = SIMD4<Double>
/// Eight doubles: one register of AVX-512, two of AVX2.
public typealias Lanes8 = SIMD8<Double>

/// As many doubles as one register of the instruction set holds, four (AVX2) or eight (AVX-512): kernels whose lanes
/// are atoms take so many at a time. `CLanes.h` decides.
public typealias AtomLanes = clanes_of_atoms
/// The atoms in the lanes of an `AtomLanes`.
public typealias AtomIndices = clanes_of_indices

/// What is the same for four and eight lanes. Only what is one instruction for each, never what the standard library
/// does lane by lane.
public protocol LaneVector: SIMD where Scalar == Double {
  mutating func addProduct(_ a: Self, _ b: Self)
  func sum() -> Double
}
extension SIMD4<Double>: LaneVector {}
extension SIMD8<Double>: LaneVector {}

extension SIMD8 where Scalar == Double {
  /// self + a·b, rounded once.
  @inlinable @inline(__always)
  public func addingProduct(_ a: Self, _ b: Self) -> Self { lanes8_fma(a, b, self) }

  @inlinable @inline(__always)
  public mutating func addProduct(_ a: Self, _ b: Self) { self = lanes8_fma(a, b, self) }

  /// With the same b in every lane.
  @inlinable @inline(__always)
  public mutating func addProduct(_ a: Self, _ b: Double) { self = lanes8_fma(a, Self(repeating: b), self) }

  /// self − a·b, rounded once.
  @inlinable @inline(__always)
  public func subtractingProduct(_ a: Self, _ b: Self) -> Self { lanes8_fnma(a, b, self) }

  @inlinable @inline(__always)
  public func squareRoot() -> Self { lanes8_sqrt(self) }

  @inlinable @inline(__always)
  public func sum() -> Double { lanes8_sum(self) }
}

/// a/b as one instruction: in large functions the standard library's division stays lane by lane.
@inlinable @inline(__always)
public func quotient(_ a: Lanes, _ b: Lanes) -> Lanes { clanes_divide(a, b) }
@inlinable @inline(__always)
public func quotient(_ a: Lanes8, _ b: Lanes8) -> Lanes8 { lanes8_divide(a, b) }

@inlinable @inline(__always)
public func reciprocal(_ x: Lanes) -> Lanes { clanes_divide(Lanes(repeating: 1), x) }
@inlinable @inline(__always)
public func reciprocal(_ x: Lanes8) -> Lanes8 { lanes8_divide(Lanes8(repeating: 1), x) }

/// Rows of four numbers, one a lane, `stride` rows apart, as columns: the first three of each. (The fourth number of a
/// position is padding.)
@inlinable @inline(__always)
public func columns(_ rows: UnsafePointer<Lanes>, stride: Int) -> (x: Lanes, y: Lanes, z: Lanes) {
  let t = transpose(rows[0], rows[stride], rows[2 &* stride], rows[3 &* stride])
  return (t.0, t.1, t.2)
}
@inlinable @inline(__always)
public func columns(_ rows: UnsafePointer<Lanes>, stride: Int) -> (x: Lanes8, y: Lanes8, z: Lanes8) {
  let (a, b, c) = columns(rows, stride: stride) as (Lanes, Lanes, Lanes)
  let (d, e, f) = columns(rows + 4 &* stride, stride: stride) as (Lanes, Lanes, Lanes)
  return (Lanes8(lowHalf: a, highHalf: d), Lanes8(lowHalf: b, highHalf: e), Lanes8(lowHalf: c, highHalf: f))
}

/// The reverse: calls `body` with each lane's number and its x, y, z, 0.
@inlinable @inline(__always)
public func forEachRow(_ x: Lanes, _ y: Lanes, _ z: Lanes, _ body: (Int, Lanes) -> Void) {
  let t = transpose(x, y, z, .zero)
  body(0, t.0)
  body(1, t.1)
  body(2, t.2)
  body(3, t.3)
}
@inlinable @inline(__always)
public func forEachRow(_ x: Lanes8, _ y: Lanes8, _ z: Lanes8, _ body: (Int, Lanes) -> Void) {
  forEachRow(x.lowHalf, y.lowHalf, z.lowHalf, body)
  forEachRow(x.highHalf, y.highHalf, z.highHalf) { body($0 &+ 4, $1) }
}

/// Every `stride`-th of some numbers, one a lane.
@inlinable @inline(__always)
public func strided(_ p: UnsafePointer<Int32>, _ stride: Int) -> SIMD4<Int32> {
  SIMD4(p[0], p[stride], p[2 &* stride], p[3 &* stride])
}
@inlinable @inline(__always)
public func strided(_ p: UnsafePointer<Int32>, _ stride: Int) -> SIMD8<Int32> {
  SIMD8(lowHalf: strided(p, stride), highHalf: strided(p + 4 &* stride, stride))
}

/// sin x and cos x of eight numbers, see the function of four.
@inlinable @inline(__always)
public func sineAndCosine(_ x: Lanes8) -> (sine: Lanes8, cosine: Lanes8) {
  let (low, high) = (sineAndCosine(x.lowHalf), sineAndCosine(x.highHalf))
  return (Lanes8(lowHalf: low.sine, highHalf: high.sine), Lanes8(lowHalf: low.cosine, highHalf: high.cosine))
}

/// tanh x of eight numbers, see the function of four.
@inlinable @inline(__always)
public func hyperbolicTangent(_ x: Lanes8) -> Lanes8 {
  Lanes8(lowHalf: hyperbolicTangent(x.lowHalf), highHalf: hyperbolicTangent(x.highHalf))
}
