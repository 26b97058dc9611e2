import Foundation
import MDAnalysis
import MDNumerics
import MDTestSupport
import Testing

@Suite("Blocks, errors and fits") struct StatisticsTests {
  private func normal(_ random: inout Randoms) -> Double {
    (-2 * log(1 - random.next())).squareRoot() * cos(2 * Double.pi * random.next())
  }

  @Test("blocks merge when all are full, and nothing is lost") func merging() {
    var sums = BlockedSums(width: 2, capacity: 4)
    for k in 0..<23 { sums.add([Double(k), 1]) }
    // 1 → 2 → 4 → 8 samples a block.
    #expect(sums.length == 8 && sums.counts == [8, 8, 7])
    #expect(sums.total == [253, 23] && sums.samples == 23)
    #expect(Array(sums.block(1)) == [92, 8])
    var other = BlockedSums(width: 2, capacity: 4)
    let isTaken = other.restore(sums.state, isRoot: true)
    #expect(isTaken && other == sums)
    let isTakenElsewhere = other.restore(sums.state, isRoot: false)
    #expect(isTakenElsewhere && other.total == [0, 0] && other.counts == sums.counts)
    var narrow = BlockedSums(width: 1, capacity: 4)
    let isTakenByAnother = narrow.restore(sums.state, isRoot: true)
    #expect(!isTakenByAnother)
  }

  @Test("the jackknife of a mean is its standard error") func jackknife() {
    var random = Randoms(5)
    var sums = BlockedSums(width: 1, capacity: 32)
    var x: [Double] = []
    for _ in 0..<20 {
      x.append(random.next())
      sums.add([x[x.count - 1]])
    }
    let mean = x.reduce(0, +) / 20
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 19
    // Without its block the rest has 19 samples.
    let found = sums.estimates { [$0[0] / 20] }[0]
    #expect(abs(found.value - mean) < 1e-14)
    // Of a sum over 20, deviations are those of one sample: (n − 1)/n Σ (x − x̄)²/n² = (n − 1)² s²/n³.
    #expect(abs(found.error * found.error - 19 * 19 * variance / 8000) < 1e-12)
    #expect(BlockedSums(width: 1).estimate { _ in 1 }.error.isNaN)
    // Of a ratio of sums: the mean itself, exactly the standard error.
    var pairs = BlockedSums(width: 2, capacity: 32)
    for value in x { pairs.add([value, 1]) }
    let ratio = pairs.estimate { $0[0] / $0[1] }
    #expect(abs(ratio.error - (variance / 20).squareRoot()) < 1e-13)
    #expect(abs(ratio.halfInterval / ratio.error - 2.093024) < 1e-5)
  }

  @Test("Student's t of tables", arguments: [(1, 12.7062), (2, 4.30265), (4, 2.77645), (10, 2.22814), (30, 2.04227)])
  func student(_ row: (Int, Double)) {
    #expect(abs(StudentT.quantile95(row.0) - row.1) < 1e-4)
  }

  @Test("blocking finds the error of a correlated series") func blocking() {
    // Over many series: AR(1) with φ = 0.9 has the variance (1 − φ²)⁻¹ (1 + φ)/(1 − φ)/n of its mean.
    let n = 4096
    let exact = (1 / (1 - 0.81) * 1.9 / 0.1 / Double(n)).squareRoot()
    var errors: [Double] = []
    var inside = 0
    for seed in 0..<60 {
      var random = Randoms(UInt64(seed + 1))
      var x = 0.0
      for _ in 0..<200 { x = 0.9 * x + normal(&random) }
      let series = (0..<n).map { _ -> Double in
        x = 0.9 * x + normal(&random)
        return x
      }
      let result = BlockAverage.average(series, cut: 0)
      errors.append(result.error)
      if abs(result.mean) < 2 * result.error { inside += 1 }
      let first = BlockAverage.levels(series)[0]
      let mean = series.reduce(0, +) / Double(n)
      let naive = (series.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n - 1) / Double(n)).squareRoot()
      #expect(abs(first.error - naive) < 1e-12 && first.blocks == n)
      #expect(abs(first.uncertainty - naive / (2 * Double(n - 1)).squareRoot()) < 1e-12)
    }
    let mean = errors.reduce(0, +) / 60
    #expect(abs(mean / exact - 1) < 0.12, "\(mean), \(exact)")
    #expect(inside >= 51, "\(inside) of 60 within two errors")
  }

  @Test("equilibration is cut where it ends") func equilibration() {
    var random = Randoms(9)
    let series = (0..<2000).map { k in 20 * exp(-Double(k) / 40) + normal(&random) }
    let cut = BlockAverage.equilibration(series)
    #expect((60...400).contains(cut), "\(cut)")
    let flat = (0..<2000).map { _ in normal(&random) }
    #expect(BlockAverage.equilibration(flat) < 500)
    #expect(abs(BlockAverage.average(series).mean) < 4 * BlockAverage.average(series).error)
  }

  @Test("a line by generalised least squares") func line() throws {
    let x = [1.0, 2, 4, 7]
    let covariance = x.map { a in x.map { b in min(a, b) + (a == b ? 0.3 : 0) } }
    let fit = try #require(LineFit(x: x, covariance: covariance))
    #expect(abs(fit.slope(x.map { 3 - 2 * $0 }) + 2) < 1e-12 && abs(fit.intercept(x.map { 3 - 2 * $0 }) - 3) < 1e-12)
    // No other unbiased slope has less variance: that of the weights is `slopeVariance`.
    func variance(_ w: [Double]) -> Double {
      w.indices.reduce(0) { s, i in w.indices.reduce(s) { $0 + w[i] * w[$1] * covariance[i][$1] } }
    }
    #expect(abs(variance(fit.slopeWeights) - fit.slopeVariance) < 1e-12)
    var random = Randoms(3)
    for _ in 0..<50 {
      // Changes that keep Σ w = 0 and Σ w x = 1.
      let (a, b) = (random.next() - 0.5, random.next() - 0.5)
      let null1 = [1.0, -1.5, 0.5, 0], null2 = [0, 1.0, -5.0 / 3, 2.0 / 3]
      let other = x.indices.map { fit.slopeWeights[$0] + a * null1[$0] + b * null2[$0] }
      #expect(variance(other) >= fit.slopeVariance)
    }
    #expect(LineFit(x: [1], covariance: [[1]]) == nil)
    #expect(LineFit(x: [1, 2], covariance: [[1, 2], [2, 1]]) == nil)
  }

  @Test("windows: lags in order, each with its place, and their covariance by simulation of none but sums")
  func windows() {
    let w = TauWindows(points: 8, levels: 3)
    #expect(w.lags == [1, 2, 3, 4, 5, 6, 7] + [2, 3, 4, 5, 6, 7].map { 4 * $0 } + [2, 3, 4, 5, 6, 7].map { 16 * $0 })
    for level in 0..<3 {
      for k in (level == 0 ? 1 : 2)..<8 { #expect(w.lags[w.index(level: level, k)] == k * w.strides[level]) }
    }
    #expect(w.due(0) == 3 && w.due(4) == 2 && w.due(6) == 1 && w.due(32) == 3)
    #expect(w.steps(level: 0, at: 3) == 1...3 && w.steps(level: 1, at: 7) == nil && w.steps(level: 1, at: 100) == 2...7)
    // cov of Σ_a (overlap)² over all pairs of windows in a long run, by counting.
    let chosen = [0, 2, 6, 8, 14]
    let covariance = w.covariance(of: chosen)
    let run = 16 * 400
    func stride(_ i: Int) -> Int { i < 7 ? 1 : i < 13 ? 4 : 16 }
    for (p, i) in chosen.enumerated() {
      for (q, j) in chosen.enumerated() {
        let (a, b) = (w.lags[i], w.lags[j])
        // From the middle of the run, so that ends do not matter.
        let start = run / 2
        var sum = 0.0
        let origins = Swift.stride(from: 0, to: run, by: stride(i))
        for other in Swift.stride(from: start, to: start + 16, by: stride(j)) {
          for origin in origins {
            let overlap = Double(min(origin + a, other + b) - max(origin, other))
            if overlap > 0 { sum += overlap * overlap }
          }
        }
        let expected = 2 * sum * Double(stride(i)) * Double(stride(j)) / 16
        #expect(abs(covariance[p][q] - expected) < 1e-9 * expected, "\(a), \(b)")
      }
    }
  }
}
