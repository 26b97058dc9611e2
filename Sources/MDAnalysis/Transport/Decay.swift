import Foundation

/// The time that a correlation takes to decay.
package enum Decay {
  /// ∫ C dt from t = 0, where C is 1: between lags C is an exponential where it is positive (and a line where not), up to the
  /// lag `end`, behind which it goes on as an exponential from the last lag at which C was above 0.4 on.
  package static func integral(_ c: [Double], times: [Double], end: Int) -> Double {
    var area = 0.0
    var (before, at) = (1.0, 0.0)
    var half = (c: 1.0, t: 0.0)
    for k in 0...end {
      let ratio = before > 0 && c[k] > 0 ? before / c[k] : 1
      let mean = abs(ratio - 1) > 1e-6 ? (before - c[k]) / log(ratio) : 0.5 * (before + c[k])
      area += mean * (times[k] - at)
      (before, at) = (c[k], times[k])
      if c[k] > 0.4 { half = (c[k], times[k]) }
    }
    guard before > 0, before < half.c else { return area }
    return area + before * (at - half.t) / log(half.c / before)
  }

  /// The first lag at which C is below `low`; nil if it stays above.
  package static func end(_ c: [Double], low: Double) -> Int? { c.firstIndex { $0 < low } }
}
