/// Gaussian noise for four atoms abreast, a lane an atom: the hot kernel of Langevin dynamics.
extension CounterRandom {
  public typealias Lanes = SIMD4<Double>
  @usableFromInline typealias Words = SIMD4<UInt64>

  /// Three independent standard normal numbers for each of `count` ids, as `gaussians` gives them: x[i], y[i], z[i].
  /// The arrays are aligned for four doubles and have room for `count` rounded up to a multiple of four.
  public static func fillGaussians(
    seed: UInt64, stream: RandomStream, step: Int, ids: UnsafePointer<Int64>, count: Int,
    x: UnsafeMutablePointer<Double>, y: UnsafeMutablePointer<Double>, z: UnsafeMutablePointer<Double>
  ) {
    let last = count - 1
    for i in stride(from: 0, to: count, by: 4) {
      let four = SIMD4(ids[i], ids[min(i + 1, last)], ids[min(i + 2, last)], ids[min(i + 3, last)])
      let noise = gaussians(seed: seed, stream: stream, ids: four, step: step)
      UnsafeMutableRawPointer(x + i).storeBytes(of: noise.x, as: Lanes.self)
      UnsafeMutableRawPointer(y + i).storeBytes(of: noise.y, as: Lanes.self)
      UnsafeMutableRawPointer(z + i).storeBytes(of: noise.z, as: Lanes.self)
    }
  }

  /// Three independent standard normal numbers (x, y, z) for each of four ids. A lane's numbers depend on its own id
  /// alone. They are Box–Muller pairs of the 32-bit words of one Philox block, so |x| stays below 6.8, beyond which
  /// lies one normal number in 10¹¹.
  @inlinable @inline(__always)
  public static func gaussians(
    seed: UInt64, stream: RandomStream, ids: SIMD4<Int64>, step: Int
  ) -> (x: Lanes, y: Lanes, z: Lanes) {
    let words = blocks(counter: counter(stream: stream, id: 0, step: step), key: key(seed), ids: ids)
    let (cosine, sine) = circlePoint(words.1)
    let first = radius(words.0)
    return (first * cosine, first * sine, radius(words.2) * circlePoint(words.3).cosine)
  }

  /// `Philox.block` in four lanes whose counters begin with the ids; words in the lower halves.
  @inlinable @inline(__always)
  static func blocks(
    counter: SIMD4<UInt32>, key: SIMD2<UInt32>, ids: SIMD4<Int64>
  ) -> (Words, Words, Words, Words) {
    let low = Words(repeating: 0xFFFF_FFFF)
    let half = Words(repeating: 32)
    let bits = Words(truncatingIfNeeded: ids)
    var c0 = bits & low
    var c1 = bits &>> half
    var c2 = Words(repeating: UInt64(counter.z))
    var c3 = Words(repeating: UInt64(counter.w))
    var (k0, k1) = (key.x, key.y)
    for _ in 0..<10 {
      let p0 = (c0 & low) &* Words(repeating: Philox.multiplier0)
      let p1 = (c2 & low) &* Words(repeating: Philox.multiplier1)
      c0 = (p1 &>> half) ^ c1 ^ Words(repeating: UInt64(k0))
      c1 = p1 & low
      c2 = (p0 &>> half) ^ c3 ^ Words(repeating: UInt64(k1))
      c3 = p0 & low
      k0 = k0 &+ Philox.weyl0
      k1 = k1 &+ Philox.weyl1
    }
    return (c0, c1, c2, c3)
  }

  /// Words below 2⁵² as doubles: they become the fraction of a number in [2⁵², 2⁵³).
  @inlinable @inline(__always)
  static func double(_ words: Words) -> Lanes {
    unsafeBitCast(words | Words(repeating: 0x4330_0000_0000_0000), to: Lanes.self) - Lanes(repeating: 0x1p52)
  }

  /// √(−2 ln u), u = (word + ½)/2³².
  ///
  /// With u = m 2^e and m in [√½, √2), ln u = e ln 2 + 2 artanh s, s = (m − 1)/(m + 1); s² < 0.03, so ten terms of the
  /// series s + s³/3 + … give full precision.
  @inlinable @inline(__always)
  static func radius(_ word: Words) -> Lanes {
    let u = (double(word) + Lanes(repeating: 0.5)) * Lanes(repeating: 0x1p-32)
    let bits = unsafeBitCast(u, to: Words.self)
    let shift = Words(repeating: 52)
    let one = Words(repeating: 0x3FF0_0000_0000_0000)
    let rootHalf = Words(repeating: 0x3FE6_A09E_667F_3BCD)
    let exponent = (bits &+ (one &- rootHalf)) &>> shift  // e + 1023
    let m = unsafeBitCast(bits &- (exponent &<< shift) &+ one, to: Lanes.self)
    let e = double(exponent) - Lanes(repeating: 1023)
    let s = (m - Lanes(repeating: 1)) / (m + Lanes(repeating: 1))
    let s2 = s * s
    var sum = Lanes(repeating: 1.0 / 19)
    sum = Lanes(repeating: 1.0 / 17) + sum * s2
    sum = Lanes(repeating: 1.0 / 15) + sum * s2
    sum = Lanes(repeating: 1.0 / 13) + sum * s2
    sum = Lanes(repeating: 1.0 / 11) + sum * s2
    sum = Lanes(repeating: 1.0 / 9) + sum * s2
    sum = Lanes(repeating: 1.0 / 7) + sum * s2
    sum = Lanes(repeating: 1.0 / 5) + sum * s2
    sum = Lanes(repeating: 1.0 / 3) + sum * s2
    sum = Lanes(repeating: 1) + sum * s2
    let logarithm = e * Lanes(repeating: 0.693147180559945309417) + sum * (s + s)
    return squareRoot(logarithm * Lanes(repeating: -2))
  }

  /// √x for normal x > 0 to two units in the last place: four Newton steps for 1/√x from half the exponent. The lanes'
  /// own `squareRoot` is compiled lane by lane, and takes the arithmetic before it along.
  @inlinable @inline(__always)
  static func squareRoot(_ x: Lanes) -> Lanes {
    let guess = Words(repeating: 0x5FE6_EB50_C7B5_37A9) &- (unsafeBitCast(x, to: Words.self) &>> Words(repeating: 1))
    var y = unsafeBitCast(guess, to: Lanes.self)
    let halfX = x * Lanes(repeating: 0.5)
    let threeHalves = Lanes(repeating: 1.5)
    y = y * (threeHalves - halfX * (y * y))
    y = y * (threeHalves - halfX * (y * y))
    y = y * (threeHalves - halfX * (y * y))
    y = y * (threeHalves - halfX * (y * y))
    return x * y
  }

  /// A point of the unit circle: the upper thirty bits choose the angle x within a quarter about 0, the lower two the
  /// quarter. Taylor series for |x| ≤ π/4.
  @inlinable @inline(__always)
  static func circlePoint(_ word: Words) -> (cosine: Lanes, sine: Lanes) {
    let x =
      (double(word &>> Words(repeating: 2)) - Lanes(repeating: 0x1p29 - 0.5))
      * Lanes(repeating: 1.57079632679489661923 * 0x1p-30)
    let x2 = x * x
    var c = Lanes(repeating: 1.0 / 20_922_789_888_000)
    c = Lanes(repeating: -1.0 / 87_178_291_200) + c * x2
    c = Lanes(repeating: 1.0 / 479_001_600) + c * x2
    c = Lanes(repeating: -1.0 / 3_628_800) + c * x2
    c = Lanes(repeating: 1.0 / 40_320) + c * x2
    c = Lanes(repeating: -1.0 / 720) + c * x2
    c = Lanes(repeating: 1.0 / 24) + c * x2
    c = Lanes(repeating: -0.5) + c * x2
    c = Lanes(repeating: 1) + c * x2
    var s = Lanes(repeating: -1.0 / 1_307_674_368_000)
    s = Lanes(repeating: 1.0 / 6_227_020_800) + s * x2
    s = Lanes(repeating: -1.0 / 39_916_800) + s * x2
    s = Lanes(repeating: 1.0 / 362_880) + s * x2
    s = Lanes(repeating: -1.0 / 5040) + s * x2
    s = Lanes(repeating: 1.0 / 120) + s * x2
    s = Lanes(repeating: -1.0 / 6) + s * x2
    s = x + s * x2 * x

    // Bit 0 swaps the coordinates, bit 1 turns by π; a swap alone is a reflection, and as uniform as a turn.
    let swap = Words.zero &- (word & Words(repeating: 1))
    let sign = (word & Words(repeating: 2)) &<< Words(repeating: 62)
    let (cosine, sine) = (unsafeBitCast(c, to: Words.self), unsafeBitCast(s, to: Words.self))
    let exchange = (cosine ^ sine) & swap
    return (
      unsafeBitCast(cosine ^ exchange ^ sign, to: Lanes.self), unsafeBitCast(sine ^ exchange ^ sign, to: Lanes.self)
    )
  }
}
