import MDNumerics

/// Which pairs of samples give a displacement: windows whose length grows with the lag, so that memory is O(log T)
/// (D. Dubbeldam, D. C. Ford, D. E. Ellis, R. Q. Snurr, Mol. Simul. 35, 1084, 2009).
///
/// Level l keeps the last `points` of every mˡ-th sample, m = points/2. Level 0 gives all lags below `points`, each level
/// above it the lags k·mˡ, 2 ≤ k < points. So `levels: 1` is the plain average over all origins.
package struct TauWindows: Sendable, Equatable {
  package let points: Int
  package let levels: Int
  /// In samples, ascending.
  package let lags: [Int]
  /// mˡ.
  package let strides: [Int]

  package init(points: Int, levels: Int) {
    precondition(points >= 4 && points % 2 == 0 && levels >= 1, "an even number of points")
    self.points = points
    self.levels = levels
    let m = points / 2
    strides = (0..<levels).map { l in (0..<l).reduce(1) { s, _ in s * m } }
    lags = strides.enumerated().flatMap { l, s in ((l == 0 ? 1 : 2)..<points).map { $0 * s } }
  }

  /// Levels that take sample n (from 0).
  package func due(_ n: Int) -> Int { strides.prefix { n % $0 == 0 }.count }

  /// Where a level keeps sample n.
  @inline(__always)
  package func slot(_ n: Int, level: Int) -> Int { n / strides[level] % points }

  /// The place among `lags` of the lag k·mˡ.
  package func index(level: Int, _ k: Int) -> Int { level == 0 ? k - 1 : (points - 1) + (level - 1) * (points - 2) + k - 2 }

  /// What lags a level gives at sample n: k from the first to the last for which there is an origin.
  package func steps(level: Int, at n: Int) -> ClosedRange<Int>? {
    let last = min(points - 1, n / strides[level])
    let first = level == 0 ? 1 : 2
    return last >= first ? first...last : nil
  }

  /// The covariance of mean squared displacements of free diffusion along one axis, up to a common factor: with
  /// overlap(a) the time that two windows share, cov ∝ 2/T Σ overlap²·stride over all distances of their starts. Windows
  /// of lags i ≤ j in a run much longer than j; for fine steps the sum is (τ_i² τ_j − τ_i³/3).
  ///
  /// The true covariance is this times (2 D)² over as many axes and atoms as are averaged, over the number of samples.
  package func covariance(of chosen: [Int]) -> [[Double]] {
    chosen.map { i in chosen.map { j in Self.covariance(lags[i], stride(of: i), lags[j], stride(of: j)) } }
  }

  private func stride(of index: Int) -> Int {
    index < points - 1 ? 1 : strides[1 + (index - (points - 1)) / (points - 2)]
  }

  private static func covariance(_ a: Int, _ strideA: Int, _ b: Int, _ strideB: Int) -> Double {
    let step = min(strideA, strideB)
    let (short, long) = (Double(min(a, b)), Double(max(a, b)))
    if (a + b) / step > 4096 { return 2 * (short * short * long - short * short * short / 3) }
    var sum = 0.0
    // Window 1 starts at `at`, window 2 at 0.
    var at = -(a / step) * step
    while at < b {
      let overlap = Double(min(at + a, b) - max(at, 0))
      if overlap > 0 { sum += overlap * overlap }
      at += step
    }
    return 2 * sum * Double(step)
  }
}
