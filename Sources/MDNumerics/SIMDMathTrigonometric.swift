/// sin x and cos x of four numbers, to 2·10⁻¹⁶ of absolute error for |x| ≤ 1000.
///
/// x = nπ + y with |y| ≤ π/2, then the Taylor series of both in y² and the sign (−1)ⁿ.
@inlinable @inline(__always)
public func sineAndCosine(_ x: SIMD4<Double>) -> (sine: SIMD4<Double>, cosine: SIMD4<Double>) {
  typealias V = SIMD4<Double>
  // Adding 1.5·2⁵² rounds to an integer, whose parity is then the lowest bit.
  let shifter = V(repeating: 6_755_399_441_055_744)
  let shifted = shifter.addingProduct(x, V(repeating: 0.318_309_886_183_790_67))
  let n = shifted - shifter
  // π in two parts: 3.14… rounded, and what it lacks.
  var y = x.addingProduct(n, V(repeating: -3.141_592_653_589_793_1))
  y = y.addingProduct(n, V(repeating: -1.224_646_799_147_353_2e-16))
  let sign = unsafeBitCast(shifted, to: SIMD4<UInt64>.self) &<< 63
  let square = y * y

  var s = V(repeating: 1.957_294_106_339_126e-20)  // 1/21!
  s = V(repeating: -8.220_635_246_624_329_5e-18).addingProduct(square, s)
  s = V(repeating: 2.811_457_254_345_520_6e-15).addingProduct(square, s)
  s = V(repeating: -7.647_163_731_819_816_5e-13).addingProduct(square, s)
  s = V(repeating: 1.605_904_383_682_161_4e-10).addingProduct(square, s)
  s = V(repeating: -2.505_210_838_544_172e-8).addingProduct(square, s)
  s = V(repeating: 2.755_731_922_398_589_3e-6).addingProduct(square, s)
  s = V(repeating: -1.984_126_984_126_984_1e-4).addingProduct(square, s)
  s = V(repeating: 8.333_333_333_333_333_3e-3).addingProduct(square, s)
  s = V(repeating: -0.166_666_666_666_666_66).addingProduct(square, s)
  s = y.addingProduct(y * square, s)

  var c = V(repeating: -8.896_791_392_450_574e-22)  // −1/22!
  c = V(repeating: 4.110_317_623_312_165e-19).addingProduct(square, c)
  c = V(repeating: -1.561_920_696_858_622_5e-16).addingProduct(square, c)
  c = V(repeating: 4.779_477_332_387_385e-14).addingProduct(square, c)
  c = V(repeating: -1.147_074_559_772_972_5e-11).addingProduct(square, c)
  c = V(repeating: 2.087_675_698_786_81e-9).addingProduct(square, c)
  c = V(repeating: -2.755_731_922_398_589e-7).addingProduct(square, c)
  c = V(repeating: 2.480_158_730_158_73e-5).addingProduct(square, c)
  c = V(repeating: -1.388_888_888_888_889e-3).addingProduct(square, c)
  c = V(repeating: 4.166_666_666_666_666_4e-2).addingProduct(square, c)
  c = V(repeating: -0.5).addingProduct(square, c)
  c = V(repeating: 1).addingProduct(square, c)

  let sBits = unsafeBitCast(s, to: SIMD4<UInt64>.self) ^ sign
  let cBits = unsafeBitCast(c, to: SIMD4<UInt64>.self) ^ sign
  return (unsafeBitCast(sBits, to: V.self), unsafeBitCast(cBits, to: V.self))
}
