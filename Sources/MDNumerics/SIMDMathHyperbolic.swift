/// tanh x of four numbers, to two and a half units in the last place.
///
/// tanh|x| = t/(t + 2) with t = e^(2|x|) − 1. 2|x| = n ln 2 + r with |r| ≤ ½ ln 2, so t = 2ⁿ(eʳ − 1) + (2ⁿ − 1), where
/// eʳ − 1 is its Taylor series to r¹⁴ (the rest is below 10⁻¹⁸ of it): small x keep all their digits. Beyond |x| = 20
/// the result is ±1.
@inlinable @inline(__always)
public func hyperbolicTangent(_ x: SIMD4<Double>) -> SIMD4<Double> {
  typealias V = SIMD4<Double>
  let signBit = SIMD4<UInt64>(repeating: 1 << 63)
  let bits = unsafeBitCast(x, to: SIMD4<UInt64>.self)
  let sign = bits & signBit
  var u = unsafeBitCast(bits & ~signBit, to: V.self)
  u = u.replacing(with: V(repeating: 20), where: u .> V(repeating: 20))
  u += u
  // Adding 1.5·2⁵² rounds to an integer, which is then in the low bits.
  let shifter = V(repeating: 6_755_399_441_055_744)
  let shifted = shifter.addingProduct(u, V(repeating: 1.442_695_040_888_963_4))
  let n = shifted - shifter
  let r = u.addingProduct(n, V(repeating: -0.693_147_180_369_123_82))
    .addingProduct(n, V(repeating: -1.908_214_929_270_587_7e-10))

  // Even and odd powers apart: two short chains instead of a long one.
  let r2 = r * r
  var even = V(repeating: 1.147_074_559_772_972_5e-11)  // 1/14!
  even = V(repeating: 2.087_675_698_786_81e-9).addingProduct(r2, even)
  even = V(repeating: 2.755_731_922_398_589e-7).addingProduct(r2, even)
  even = V(repeating: 2.480_158_730_158_73e-5).addingProduct(r2, even)
  even = V(repeating: 1.388_888_888_888_889e-3).addingProduct(r2, even)
  even = V(repeating: 4.166_666_666_666_666_4e-2).addingProduct(r2, even)
  even = V(repeating: 0.5).addingProduct(r2, even)
  var odd = V(repeating: 1.605_904_383_682_161_4e-10)  // 1/13!
  odd = V(repeating: 2.505_210_838_544_172e-8).addingProduct(r2, odd)
  odd = V(repeating: 2.755_731_922_398_589_3e-6).addingProduct(r2, odd)
  odd = V(repeating: 1.984_126_984_126_984_1e-4).addingProduct(r2, odd)
  odd = V(repeating: 8.333_333_333_333_333_3e-3).addingProduct(r2, odd)
  odd = V(repeating: 0.166_666_666_666_666_66).addingProduct(r2, odd)
  let p = r.addingProduct(r2, even.addingProduct(r, odd))

  let exponent = unsafeBitCast(shifted, to: SIMD4<UInt64>.self) &<< 52
  let one = V(repeating: 1)
  let power = unsafeBitCast(unsafeBitCast(one, to: SIMD4<UInt64>.self) &+ exponent, to: V.self)
  let t = (power - one).addingProduct(power, p)
  let y = t / (t + V(repeating: 2))
  return unsafeBitCast(unsafeBitCast(y, to: SIMD4<UInt64>.self) | sign, to: V.self)
}
