import Foundation
import MDNumerics
import MDPotentialFiles

/// What the kernels need of a file, found once: polynomials in x instead of Chebyshev's, and the invariants as sums
/// over real harmonics (`UnitHarmonics`).
struct NEPPlan {
  /// q of an n: Σ weight · Y². One a harmonic, for its degree l.
  let squares: [Double]
  struct Cubic {
    /// Places of harmonics.
    var a, b, c: Int32
    var weight: Double
  }
  /// The terms of each invariant of three factors; empty for q₁₁₁₁.
  let cubics: [[Cubic]]
  /// Of pair (centre · T + neighbour): for k and then n, the coefficient of (x − origin)^k in ½ Σ_k c (T_k + 1), n padded with
  /// zeros.
  let angular: [Double]
  /// Of pair, for n and then k: the coefficient of (x − origin)^k (`radialPowers`) and of T_k (`radialSums`).
  let radialPowers: [Double]
  let radialSums: [Double]
  /// The number of angular functions with the padding.
  let width: Int

  /// The numbers of angular functions that kernels are made for.
  private static let widths = [4, 5, 6, 7, 8, 9, 11, 13, 31]

  /// - Parameter origin: polynomials are in powers of x − origin.
  init(_ file: NEPFile, origin: Double) {
    let width = Self.widths.first { $0 >= file.angularCount } ?? 31
    self.width = width
    let harmonics = UnitHarmonics.count(file.degree)
    squares = (0..<harmonics).map { place in
      let (l, m) = Self.degrees(place)
      return (m == 0 ? 1 : 2) * Self.square(l, m)
    }
    cubics = file.invariants.map { $0 == .q1111 ? [] : Self.cubic($0.degrees) }
    let pairs = file.elements.count * file.elements.count
    let powers = Self.chebyshevPowers(max(file.radialBasis, file.angularBasis), origin: origin)
    func shifted(_ c: ArraySlice<Double>) -> [Double] {
      // ½ Σ c_k (T_k + 1): the ones go to T₀.
      var own = c.map { $0 / 2 }
      own[0] += own.reduce(0, +)
      return own
    }
    func monomials(_ c: [Double]) -> [Double] {
      c.indices.map { power in c.indices.reduce(0) { $0 + c[$1] * powers[$1][power] } }
    }
    var angular: [Double] = [], sums: [Double] = [], radial: [Double] = []
    for pair in 0..<pairs {
      let (n, k) = (file.angularCount, file.angularBasis)
      let rows = (0..<n).map { row in
        let first = (pair * n + row) * k
        return monomials(shifted(file.angularCoefficients[first..<(first + k)]))
      }
      for power in 0..<k { angular += (0..<width).map { $0 < n ? rows[$0][power] : 0 } }
      for row in 0..<file.radialCount {
        let first = (pair * file.radialCount + row) * file.radialBasis
        let own = shifted(file.radialCoefficients[first..<(first + file.radialBasis)])
        sums += own
        radial += monomials(own)
      }
    }
    self.angular = angular
    radialSums = sums
    radialPowers = radial
  }

  /// The powers of x − origin in T₀ … T_{count−1}.
  static func chebyshevPowers(_ count: Int, origin: Double) -> [[Double]] {
    var all = [[1.0], [origin, 1.0]].map { $0 + Array(repeating: 0, count: max(count, 2) - $0.count) }
    while all.count < count {
      let (last, before) = (all[all.count - 1], all[all.count - 2])
      all.append(before.indices.map { 2 * origin * last[$0] + ($0 > 0 ? 2 * last[$0 - 1] : 0) - before[$0] })
    }
    return all
  }

  /// l and m of a place among the harmonics; m < 0 is a sine.
  static func degrees(_ place: Int) -> (l: Int, m: Int) {
    var l = 1
    while (l + 1) * (l + 1) - 1 <= place { l += 1 }
    let slot = place - (l * l - 1)
    return (l, slot == 0 ? 0 : (slot % 2 == 1 ? (slot + 1) / 2 : -slot / 2))
  }

  /// The square of what makes Y_lm orthonormal: (2l + 1)/4π (l − |m|)! (l + |m|)!.
  private static func square(_ l: Int, _ m: Int) -> Double {
    Double(2 * l + 1) / (4 * .pi) * factorial(l - abs(m)) * factorial(l + abs(m))
  }

  private static func factorial(_ n: Int) -> Double { n < 2 ? 1 : Double(n) * factorial(n - 1) }

  /// Σ (a b c; m₁ m₂ m₃) A A A over real harmonics. With the phase of Condon and Shortley A_m = (−1)ᵐ N (C + iS) and
  /// A_−m = N (C − iS) for m > 0.
  private static func cubic(_ degrees: [Int]) -> [Cubic] {
    /// The place of cosine and sine, and the factors of both, of A_lm.
    func parts(_ l: Int, _ m: Int) -> [(place: Int, factor: (Double, Double))] {
      let norm = square(l, m).squareRoot()
      let first = l * l - 1
      if m == 0 { return [(first, (norm, 0))] }
      let sign = m > 0 && m % 2 != 0 ? -1.0 : 1
      let cosine = first + 2 * abs(m) - 1
      return [(cosine, (sign * norm, 0)), (cosine + 1, (0, m > 0 ? sign * norm : -norm))]
    }
    var terms: [SIMD3<Int32>: Double] = [:]
    for m1 in -degrees[0]...degrees[0] {
      for m2 in -degrees[1]...degrees[1] where abs(m1 + m2) <= degrees[2] {
        let m3 = -m1 - m2
        let w = wigner3j(degrees[0], degrees[1], degrees[2], m1, m2, m3)
        guard w != 0 else { continue }
        for p in parts(degrees[0], m1) {
          for q in parts(degrees[1], m2) {
            for r in parts(degrees[2], m3) {
              let both = product(p.factor, q.factor)
              let all = product(both, r.factor)
              guard all.0 != 0 else { continue }
              let key = [p.place, q.place, r.place].sorted().map { Int32($0) }
              terms[SIMD3(key[0], key[1], key[2]), default: 0] += w * all.0
            }
          }
        }
      }
    }
    return terms.filter { abs($0.value) > 1e-14 }.map { Cubic(a: $0.key.x, b: $0.key.y, c: $0.key.z, weight: $0.value) }
      .sorted { ($0.a, $0.b, $0.c) < ($1.a, $1.b, $1.c) }
  }

  private static func product(_ a: (Double, Double), _ b: (Double, Double)) -> (Double, Double) {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
  }

  /// Wigner's 3j symbol by Racah's formula.
  static func wigner3j(_ a: Int, _ b: Int, _ c: Int, _ m1: Int, _ m2: Int, _ m3: Int) -> Double {
    guard m1 + m2 + m3 == 0, c >= abs(a - b), c <= a + b, abs(m1) <= a, abs(m2) <= b, abs(m3) <= c else { return 0 }
    let triangle = factorial(a + b - c) * factorial(a - b + c) * factorial(-a + b + c) / factorial(a + b + c + 1)
    let sides =
      factorial(a + m1) * factorial(a - m1) * factorial(b + m2) * factorial(b - m2) * factorial(c + m3)
      * factorial(c - m3)
    var sum = 0.0
    for t in 0...(a + b + c) {
      let places = [t, c - b + t + m1, c - a + t - m2, a + b - c - t, a - t - m1, b - t + m2]
      guard places.allSatisfy({ $0 >= 0 }) else { continue }
      sum += (t % 2 == 0 ? 1 : -1) / places.map(factorial).reduce(1, *)
    }
    return ((a - b - m3) % 2 == 0 ? 1 : -1) * (triangle * sides).squareRoot() * sum
  }
}
