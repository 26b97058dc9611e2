/// Where things stand in the arrays of the SNAP kernels, for one 2J. All angular momenta are doubled integers.
struct SNAPIndexing {
  let twojmax: Int
  /// First element of U^j: element (mb, ma) stands at `uStart[j] + mb·(j + 1) + ma`.
  let uStart: [Int]
  /// Complex numbers of all U^j: Σ (j + 1)².
  let uCount: Int
  /// First Gegenbauer value of an l: C_jl stands at `radialStart[l] + j − l`.
  let radialStart: [Int]
  let radialCount: Int
  /// First hyperspherical sum of an l: (j, l, slot) stands at `sumStart[l] + slot·(2J + 1 − l) + j − l`, where the
  /// slot is 0 for m = 0, 2m − 1 for cos mφ and 2m for sin mφ. Solid harmonics stand at l² + slot.
  let sumStart: [Int]

  var sumCount: Int { uCount }
  var harmonicCount: Int { (twojmax + 1) * (twojmax + 1) }

  init(twojmax: Int) {
    self.twojmax = twojmax
    uStart = (0...twojmax).map { j in (0..<j).reduce(0) { $0 + ($1 + 1) * ($1 + 1) } }
    uCount = uStart[twojmax] + (twojmax + 1) * (twojmax + 1)
    radialStart = (0...twojmax).map { l in (0..<l).reduce(0) { $0 + twojmax + 1 - $1 } }
    radialCount = (twojmax + 1) * (twojmax + 2) / 2
    sumStart = (0...twojmax).map { l in (0..<l).reduce(0) { $0 + (2 * $1 + 1) * (twojmax + 1 - $1) } }
  }

  func u(_ j: Int, _ mb: Int, _ ma: Int) -> Int { uStart[j] + mb * (j + 1) + ma }
  func sum(_ j: Int, _ l: Int, _ slot: Int) -> Int { sumStart[l] + slot * (twojmax + 1 - l) + j - l }

  /// The elements from which symmetry gives the others, U[j − mb, j − ma] = (−1)^(mb + ma) U[mb, ma]*:
  /// all with 2mb < j and, where 2mb = j, those with 2ma ≤ j.
  static func isIndependent(_ j: Int, _ mb: Int, _ ma: Int) -> Bool { 2 * mb < j || (2 * mb == j && 2 * ma <= j) }
}

/// Clebsch–Gordan coefficients ⟨j₁ m₁ j₂ m₂ | j m₁+m₂⟩ in the Condon–Shortley convention, by Racah's sum
/// (Varshalovich, Moskalev and Khersonskii, eq. 8.2.1(3)). All arguments are doubled.
package func clebschGordan(_ j1: Int, _ m1: Int, _ j2: Int, _ m2: Int, _ j: Int) -> Double {
  let m = m1 + m2
  guard abs(m) <= j, abs(m1) <= j1, abs(m2) <= j2, j >= abs(j1 - j2), j <= j1 + j2, (j1 + j2 + j) % 2 == 0 else {
    return 0
  }
  func factorial(_ twice: Int) -> Double { (0...max(twice / 2, 1)).dropFirst().reduce(1.0) { $0 * Double($1) } }
  var sum = 0.0
  let first = max(0, max((j2 - j - m1) / 2, (j1 - j + m2) / 2))
  let last = min((j1 + j2 - j) / 2, min((j1 - m1) / 2, (j2 + m2) / 2))
  for z in stride(from: first, through: last, by: 1) {
    let k = 2 * z
    let below =
      factorial(k) * factorial(j1 + j2 - j - k) * factorial(j1 - m1 - k) * factorial(j2 + m2 - k)
      * factorial(j - j2 + m1 + k) * factorial(j - j1 - m2 + k)
    sum += (z % 2 == 0 ? 1 : -1) / below
  }
  let triangle =
    factorial(j1 + j2 - j) * factorial(j1 - j2 + j) * factorial(j2 - j1 + j) / factorial(j1 + j2 + j + 2)
  let powers =
    factorial(j1 + m1) * factorial(j1 - m1) * factorial(j2 + m2) * factorial(j2 - m2) * factorial(j + m)
    * factorial(j - m) * Double(j + 1)
  return sum * (triangle * powers).squareRoot()
}
