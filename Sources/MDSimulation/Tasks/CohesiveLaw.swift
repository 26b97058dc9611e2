import Foundation

/// The universal relation of binding between surfaces (J. H. Rose, J. Ferrante and J. R. Smith, Phys. Rev. Lett. 47, 675,
/// 1981): energy W(δ) = W∞ [1 − (1 + δ/l) e^(−δ/l)] and traction T = W∞ δ/l² e^(−δ/l), with its peak W∞/(e l) at δ = l.
struct CohesiveLaw {
  /// J/m².
  var work: Double
  /// Å.
  var length: Double
  /// Root mean square of the residuals, J/m².
  var deviation: Double

  /// GPa: 1 J/m² over 1 Å is 10 GPa.
  var peak: Double { 10 * work / (M_E * length) }

  /// Fitted to energies (J/m²) at openings δ ≥ 0 (Å) by least squares in l, with the work of separation given.
  init(openings: [Double], energies: [Double], work: Double) {
    self.work = work
    let points = zip(openings, energies).filter { $0.0 >= 0 }
    func squares(_ l: Double) -> Double {
      points.reduce(0) { sum, p in
        let x = p.0 / l
        let r = work * (1 - (1 + x) * exp(-x)) - p.1
        return sum + r * r
      }
    }
    // The sum of squares has one minimum between these lengths: golden sections.
    var (low, high) = (0.05, 5.0)
    let golden = (5.0.squareRoot() - 1) / 2
    for _ in 0..<80 {
      let (a, b) = (high - golden * (high - low), low + golden * (high - low))
      if squares(a) < squares(b) { high = b } else { low = a }
    }
    length = 0.5 * (low + high)
    deviation = (squares(length) / Double(max(points.count, 1))).squareRoot()
  }
}
