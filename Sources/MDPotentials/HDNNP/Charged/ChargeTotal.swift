import MDCore

/// Makes charges n from networks, which know nothing of their sum, add up to Q:
/// - shifted: q = n + (Q − Σn)/N;
/// - scaled, as RuNNer does at `enforce_totcharge 1` (for Q = 0): the positive ones by one factor and the others by
///   another, so that each kind gives half of what is too much. With their sums P and M
///
///       s₊ = ½ (1 + (Q − M)/P),  s₋ = ½ (1 + (Q − P)/M)
///
/// The second is continuous but not smooth where a charge changes its sign.
struct ChargeTotal {
  let scales: Bool
  let communicator: any Communicator

  /// Collective; returns Σn, e.
  /// - Throws: a collective run error if there is nothing to scale.
  func apply(
    _ n: UnsafePointer<Double>, _ count: Int, total: Double, to q: UnsafeMutablePointer<Double>
  ) throws -> Double {
    let sums = sums(n, nil, count)
    let sum = sums.positive + sums.negative
    guard scales else {
      let shift = (total - sum) / max(sums.atoms, 1)
      for i in 0..<count { q[i] = n[i] + shift }
      return sum
    }
    guard sums.positive > 0, sums.negative < 0 else {
      throw FaultlineError(
        .run, "the networks give all atoms charges of one sign, which enforce_totcharge 1 cannot scale to \(total) e",
        isCollective: true)
    }
    let (up, down) = factors(sums, total)
    for i in 0..<count { q[i] = n[i] * (n[i] > 0 ? up : down) }
    return sum
  }

  /// Turns ∂E/∂q into ∂E/∂n. Collective.
  func pullBack(_ slopes: UnsafeMutablePointer<Double>, of n: UnsafePointer<Double>, _ count: Int, total: Double) {
    guard scales else {
      var sums = [0.0, Double(count)]
      for i in 0..<count { sums[0] += slopes[i] }
      communicator.sum(&sums)
      let mean = sums[0] / max(sums[1], 1)
      for i in 0..<count { slopes[i] -= mean }
      return
    }
    let sums = sums(n, nil, count)
    let (p, m) = (sums.positive, sums.negative)
    let (up, down) = factors(sums, total)
    // Σ ∂E/∂q n of either kind goes with the change of its factor, by P and by M.
    let change = self.sums(n, slopes, count)
    let byPositive = -0.5 * (change.positive * (total - m) / (p * p) + change.negative / m)
    let byNegative = -0.5 * (change.positive / p + change.negative * (total - p) / (m * m))
    for i in 0..<count { slopes[i] = n[i] > 0 ? up * slopes[i] + byPositive : down * slopes[i] + byNegative }
  }

  private typealias Sums = (positive: Double, negative: Double, atoms: Double)

  private func factors(_ sums: Sums, _ total: Double) -> (up: Double, down: Double) {
    (0.5 * (1 + (total - sums.negative) / sums.positive), 0.5 * (1 + (total - sums.positive) / sums.negative))
  }

  /// Over all ranks, of n or of n·g, by the sign of n.
  private func sums(_ n: UnsafePointer<Double>, _ g: UnsafePointer<Double>?, _ count: Int) -> Sums {
    var sums = [0.0, 0.0, Double(count)]
    for i in 0..<count { sums[n[i] > 0 ? 0 : 1] += n[i] * (g?[i] ?? 1) }
    communicator.sum(&sums)
    return (sums[0], sums[1], sums[2])
  }
}
