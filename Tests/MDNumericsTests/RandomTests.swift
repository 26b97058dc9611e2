import Foundation
import MDNumerics
import Testing

@Suite("Counter-based random numbers")
struct RandomTests {
  /// The known answers that the authors publish with Random123 (file kat_vectors, philox4x32 with 10 rounds).
  static let knownAnswers: [([UInt32], [UInt32], [UInt32])] = [
    ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
    (
      [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
      [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    ),
    (
      [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
      [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    ),
  ]

  @Test("Philox 4x32-10 gives the published answers", arguments: knownAnswers)
  func knownAnswer(counter: [UInt32], key: [UInt32], expected: [UInt32]) {
    #expect(Philox.block(counter: SIMD4(counter), key: SIMD2(key)) == SIMD4(expected))
  }

  @Test("The name alone decides the numbers")
  func named() {
    func first(_ seed: UInt64, _ stream: RandomStream, _ id: Int64, _ step: Int) -> [UInt64] {
      var random = CounterRandom(seed: seed, stream: stream, id: id, step: step)
      return (0..<8).map { _ in random.bits() }
    }
    let base = first(7, .langevin, 12, 345)
    #expect(first(7, .langevin, 12, 345) == base)
    let others = [
      first(8, .langevin, 12, 345), first(7 + 1 << 40, .langevin, 12, 345), first(7, .velocities, 12, 345),
      first(7, .langevin, 13, 345), first(7, .langevin, 12 + 1 << 33, 345), first(7, .langevin, 12, 346),
      first(7, .langevin, 12, 345 + 1 << 35),
    ]
    #expect(Set(others.flatMap { $0 } + base).count == 64)
  }

  @Test("Uniform numbers fill (0, 1) evenly")
  func uniform() {
    // Kolmogorov–Smirnov: √N D exceeds 1.95 with probability 1e-3; the seed is fixed.
    let samples = sample { $0.uniform() }
    #expect(samples.allSatisfy { $0 > 0 && $0 < 1 })
    #expect(kolmogorovSmirnov(samples) { $0 } < 1.95)
  }

  @Test("Gaussians follow the normal distribution, also across atoms and steps")
  func gaussian() {
    for make in [{ (i: Int) in (Int64(1), i) }, { (i: Int) in (Int64(i), 1) }] {
      let samples = (0..<100_000).map { i in
        let (id, step) = make(i)
        var random = CounterRandom(seed: 5, stream: .langevin, id: id, step: step)
        return random.gaussianVector()
      }
      for axis in 0..<3 {
        #expect(kolmogorovSmirnov(samples.map { $0[axis] }) { 0.5 * erfc(-$0 / 2.0.squareRoot()) } < 1.95)
      }
      // Correlations of components and of neighbours: standard error 1/√N = 0.0032.
      let n = Double(samples.count)
      #expect(abs(samples.reduce(0) { $0 + $1.x * $1.y } / n) < 0.013)
      #expect(abs(samples.reduce(0) { $0 + $1.y * $1.z } / n) < 0.013)
      #expect(abs(zip(samples, samples.dropFirst()).reduce(0) { $0 + $1.0.x * $1.1.x } / n) < 0.013)
    }
  }

  @Test("Four lanes give what Box and Muller prescribe for each id's own Philox block")
  func lanes() {
    let (seed, step) = (UInt64(0x1234_5678_9ABC), 77 + 1 << 33)
    var all: [[Double]] = [[], [], []]
    for first in stride(from: 0, to: 100_000, by: 4) {
      // The last lane repeats an id of another group, to see that lanes do not mix.
      let ids = SIMD4(Int64(first), Int64(first + 1), Int64(first + 2) + 1 << 40, 5)
      let random = CounterRandom.gaussians(seed: seed, stream: .langevin, ids: ids, step: step)
      for lane in 0..<4 {
        let found = Vector3(random.x[lane], random.y[lane], random.z[lane])
        let id = UInt64(ids[lane])
        let word = Philox.block(
          counter: SIMD4(
            UInt32(truncatingIfNeeded: id), UInt32(id >> 32), UInt32(truncatingIfNeeded: step),
            UInt32(step >> 32) << 24 | 2 << 16),
          key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)))
        func radius(_ w: UInt32) -> Double { (-2 * log((Double(w) + 0.5) / 0x1p32)).squareRoot() }
        func angle(_ w: UInt32) -> (Double, Double) {
          let x = (Double(w >> 2) + 0.5 - 0x1p29) / 0x1p30 * .pi / 2
          let sign: Double = w & 2 == 0 ? 1 : -1
          return w & 1 == 0 ? (sign * cos(x), sign * sin(x)) : (sign * sin(x), sign * cos(x))
        }
        let expected = Vector3(
          radius(word.x) * angle(word.y).0, radius(word.x) * angle(word.y).1, radius(word.z) * angle(word.w).0)
        #expect((found - expected).length < 4e-15)
        if lane < 3 { for axis in 0..<3 { all[axis].append(found[axis]) } }
      }
    }
    for axis in 0..<3 { #expect(kolmogorovSmirnov(all[axis]) { 0.5 * erfc(-$0 / 2.0.squareRoot()) } < 1.95) }
  }

  @Test("Noise for a list of ids is the noise of each id", arguments: [1, 4, 7, 256])
  func filled(count: Int) {
    let ids = (0..<count).map { Int64($0 * $0 + 3) }
    let noise = AlignedBuffer<Double>(capacity: 3 * 256)
    let (x, y, z) = (noise.pointer, noise.pointer + 256, noise.pointer + 512)
    CounterRandom.fillGaussians(
      seed: 9, stream: .langevin, step: 4, ids: ids, count: count, x: x, y: y, z: z)
    for (i, id) in ids.enumerated() {
      let alone = CounterRandom.gaussians(seed: 9, stream: .langevin, ids: SIMD4(repeating: id), step: 4)
      #expect(Vector3(x[i], y[i], z[i]) == Vector3(alone.x[0], alone.y[0], alone.z[0]))
    }
  }

  @Test("Gamma numbers have mean and variance k", arguments: [0.5, 1, 2.5, 40, 15_000])
  func gamma(shape: Double) {
    let samples = sample { $0.gamma(shape: shape) }
    let n = Double(samples.count)
    let mean = samples.reduce(0, +) / n
    let variance = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
    // Standard errors: √(k/N), and k √((2 + 6/k)/N) from the fourth moment; four of them.
    #expect(abs(mean - shape) < 4 * (shape / n).squareRoot())
    #expect(abs(variance - shape) < 4 * shape * ((2 + 6 / shape) / n).squareRoot())
    // Third central moment 2k: tells a gamma distribution from a normal one where they differ.
    if shape < 3 {
      let third = samples.reduce(0) { $0 + pow($1 - mean, 3) } / n
      #expect(abs(third - 2 * shape) < 0.15 * 2 * shape)
    }
  }

  @Test("Sums of squared Gaussians have the chi-squared distribution's moments", arguments: [0, 1, 2, 7])
  func chiSquared(n: Int) {
    let samples = sample { $0.sumOfSquaredGaussians(n) }
    let mean = samples.reduce(0, +) / Double(samples.count)
    #expect(abs(mean - Double(n)) <= 4 * (2 * Double(n) / Double(samples.count)).squareRoot())
  }

  private func sample(_ draw: (inout CounterRandom) -> Double) -> [Double] {
    (0..<100_000).map { i in
      var random = CounterRandom(seed: 99, stream: .structures, id: Int64(i % 1000), step: i / 1000)
      return draw(&random)
    }
  }

  /// √N times the largest distance between the empirical and the given distribution function.
  private func kolmogorovSmirnov(_ samples: [Double], _ distribution: (Double) -> Double) -> Double {
    let n = Double(samples.count)
    var worst = 0.0
    for (k, x) in samples.sorted().enumerated() {
      let p = distribution(x)
      worst = max(worst, abs(p - Double(k) / n), abs(p - Double(k + 1) / n))
    }
    return worst * n.squareRoot()
  }
}
