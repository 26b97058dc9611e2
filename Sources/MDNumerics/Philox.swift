/// Philox 4×32-10: a bijection of a 128-bit counter that looks random for every 64-bit key.
///
/// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
/// SC'11 (2011), section 3.3. There is no state: what names the event (atom, step, purpose) is the counter, so
/// a random number does not depend on which rank draws it, nor on how many were drawn before.
public enum Philox {
  @usableFromInline static let multiplier0: UInt64 = 0xD251_1F53
  @usableFromInline static let multiplier1: UInt64 = 0xCD9E_8D57
  /// The golden ratio and √3 − 1, as 32-bit fractions: what the key grows by from round to round.
  @usableFromInline static let weyl0: UInt32 = 0x9E37_79B9
  @usableFromInline static let weyl1: UInt32 = 0xBB67_AE85

  /// Four random words for a counter and a key.
  @inlinable @inline(__always)
  public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var (c0, c1, c2, c3) = (counter.x, counter.y, counter.z, counter.w)
    var (k0, k1) = (key.x, key.y)
    for _ in 0..<10 {
      let p0 = multiplier0 &* UInt64(c0)
      let p1 = multiplier1 &* UInt64(c2)
      (c0, c1, c2, c3) = (
        UInt32(truncatingIfNeeded: p1 &>> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 &>> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 = k0 &+ weyl0
      k1 = k1 &+ weyl1
    }
    return SIMD4(c0, c1, c2, c3)
  }
}

/// What random numbers are drawn for. Different streams of one seed are independent.
public struct RandomStream: Equatable, Sendable {
  public let number: UInt8
  public init(number: UInt8) { self.number = number }

  public static let velocities = RandomStream(number: 1)
  public static let langevin = RandomStream(number: 2)
  public static let velocityRescaling = RandomStream(number: 3)
  public static let structures = RandomStream(number: 4)
  public static let barostat = RandomStream(number: 5)
  /// What the trials of a search begin with, and which atoms they lack.
  public static let searchProposals = RandomStream(number: 6)
  public static let searchAtoms = RandomStream(number: 7)
}

/// Random numbers of one event, named by (seed, stream, id, step). Two generators with the same name give the
/// same numbers, on any rank and in any order of events.
///
/// The counter holds the id in 64 bits, the step in 40, the stream in 8 and the number of the block in 16;
/// the key holds the seed.
@frozen
public struct CounterRandom {
  @usableFromInline var counter: SIMD4<UInt32>
  @usableFromInline let key: SIMD2<UInt32>
  @usableFromInline var words = SIMD4<UInt32>.zero
  @usableFromInline var used = 4
  @usableFromInline var spare: Double?

  /// `id` is an atom's number, or 0 for what belongs to the system; `step` ≥ 0 is below 2⁴⁰.
  @inlinable @inline(__always)
  public init(seed: UInt64, stream: RandomStream, id: Int64 = 0, step: Int = 0) {
    counter = Self.counter(stream: stream, id: id, step: step)
    key = Self.key(seed)
  }

  @inlinable @inline(__always)
  static func counter(stream: RandomStream, id: Int64, step: Int) -> SIMD4<UInt32> {
    let atom = UInt64(bitPattern: id)
    let time = UInt64(bitPattern: Int64(step))
    return SIMD4(
      UInt32(truncatingIfNeeded: atom), UInt32(truncatingIfNeeded: atom &>> 32),
      UInt32(truncatingIfNeeded: time),
      (UInt32(truncatingIfNeeded: time &>> 32) & 0xFF) &<< 24 | UInt32(stream.number) &<< 16)
  }

  @inlinable @inline(__always)
  static func key(_ seed: UInt64) -> SIMD2<UInt32> {
    SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed &>> 32))
  }

  /// 64 random bits.
  @inlinable
  public mutating func bits() -> UInt64 {
    if used > 2 {
      words = Philox.block(counter: counter, key: key)
      counter.w = counter.w &+ 1
      used = 0
    }
    let low = UInt64(words[used])
    let high = UInt64(words[used + 1])
    used += 2
    return high &<< 32 | low
  }

  /// Uniform in the open interval (0, 1): the centres of 2⁵² equal parts.
  @inlinable
  public mutating func uniform() -> Double { (Double(bits() &>> 12) + 0.5) * 0x1p-52 }
}
