import MDNumerics

/// eˣ in four lanes, to about one unit in the last place for −708 ≤ x ≤ 709; x is clamped to that range.
///
/// x = n ln 2 + r with |r| ≤ ½ ln 2 (ln 2 in two parts, so that r is exact), the Taylor polynomial of degree 13
/// for eʳ (its remainder is below 5·10⁻¹⁸), and n added to the exponent.
@inline(__always)
func exponential(_ x: Lanes) -> Lanes {
  let low = Lanes(repeating: -708)
  let high = Lanes(repeating: 709)
  var x = x.replacing(with: low, where: x .< low)
  x = x.replacing(with: high, where: x .> high)
  // Adding 3·2⁵¹ rounds to the nearest whole number and leaves it in the low bits.
  let magic = Lanes(repeating: 6_755_399_441_055_744)
  let shifted = magic.addingProduct(x, Lanes(repeating: 1.4426950408889634))
  let n = shifted - magic
  let r = x.addingProduct(n, Lanes(repeating: -0.6931471803691238))
    .addingProduct(n, Lanes(repeating: -1.9082149292705877e-10))
  // Estrin's scheme: short chains of dependent operations, so that several arguments are under way at once.
  let r2 = r * r
  let r4 = r2 * r2
  let low4 = pair(1, 1, r).addingProduct(r2, pair(0.5, 1.0 / 6, r))
  let next4 = pair(1.0 / 24, 1.0 / 120, r).addingProduct(r2, pair(1.0 / 720, 1.0 / 5_040, r))
  let third4 = pair(1.0 / 40_320, 1.0 / 362_880, r).addingProduct(r2, pair(1.0 / 3_628_800, 1.0 / 39_916_800, r))
  let last2 = pair(1.0 / 479_001_600, 1.0 / 6_227_020_800, r)
  let e = low4.addingProduct(r4, next4).addingProduct(r4 * r4, third4.addingProduct(r4, last2))
  let exponent = unsafeBitCast(shifted, to: SIMD4<UInt64>.self) &<< 52
  return unsafeBitCast(unsafeBitCast(e, to: SIMD4<UInt64>.self) &+ exponent, to: Lanes.self)
}

/// eˣ in eight lanes, see above.
@inline(__always)
func exponential(_ x: Lanes8) -> Lanes8 {
  Lanes8(lowHalf: exponential(x.lowHalf), highHalf: exponential(x.highHalf))
}

/// a + b x.
@inline(__always)
func pair(_ a: Double, _ b: Double, _ x: Lanes) -> Lanes { Lanes(repeating: a).addingProduct(x, Lanes(repeating: b)) }
