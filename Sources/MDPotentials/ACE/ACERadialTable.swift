import Foundation
import MDNumerics
import MDPotentialFiles

/// Linear combinations of a bond's radial basis as polynomials of degree five, interval by interval.
///
/// Each agrees with the function and its slope at both ends of its interval, and with the function at two points
/// between, so that the whole is continuous to its first derivative, and slopes are those of the values. The intervals
/// are as long as `tolerance` lets them be.
///
/// Where the second envelope of ChebExpCos is narrow (0.01 Å as a rule), the cubics in steps of 0.001 Å by which pacemaker
/// tabulates are part of the potential: they are up to 10⁻⁶ eV/Å off the formula. There these are taken.
///
/// A lane is a function: the coefficients of powers 0 … 5 of r − (start of the interval) for as many functions as an
/// `AtomLanes` has lanes, group by group. The last interval is all zeros: for what is beyond the cutoff.
final class ACERadialTable {
  /// The functions, filled up with zeros to whole groups.
  let count: Int
  let groups: Int
  private let storage: AlignedBuffer<AtomLanes>
  var coefficients: UnsafePointer<AtomLanes> { UnsafePointer(storage.pointer) }
  /// Intervals of length `step` up to `edge`, and of `lastStep` from there to the cutoff.
  let step: Double
  let lastStep: Double
  let edge: Double
  let cutoff: Double
  let firstCount: Int
  let lastCount: Int

  /// The `AtomLanes` of an interval.
  var stride: Int { 6 * groups }
  var zero: Int { firstCount + lastCount }

  /// Å; and of the largest value of a function, how far it may be off.
  private static let longest = 0.03
  private static let shortest = 0.002
  private static let tolerance = 2e-11

  /// - Parameter rows: of each function its coefficients of g_k.
  init(_ bond: ACEFile.Bond, rows: [[Double]]) {
    let basis = ACERadialBasis(bond)
    let width = AtomLanes.scalarCount
    groups = max((rows.count + width - 1) / width, 1)
    count = groups * width
    let pieces = Pieces(basis, rows)
    cutoff = basis.cutoff
    let isTabulated = basis.edge < cutoff && cutoff - basis.edge < 100 * bond.tableStep
    if isTabulated {
      let all = (cutoff / bond.tableStep).rounded(.down)
      lastStep = cutoff / all
      let before = (basis.edge / lastStep).rounded(.down)
      edge = before * lastStep
      lastCount = Int(all - before)
    } else {
      edge = basis.edge
      lastStep = edge < cutoff ? pieces.step(from: edge, to: cutoff) : 1
      lastCount = edge < cutoff ? Int(((cutoff - edge) / lastStep).rounded()) : 0
    }
    step = pieces.step(from: 0, to: edge)
    firstCount = Int((edge / step).rounded())
    storage = AlignedBuffer(repeating: AtomLanes.zero, count: 6 * groups * (firstCount + lastCount + 1))
    let out = UnsafeMutableRawPointer(storage.pointer).assumingMemoryBound(to: Double.self)
    for interval in 0..<(firstCount + lastCount) {
      let isLast = interval >= firstCount
      let start = isLast ? edge + Double(interval - firstCount) * lastStep : Double(interval) * step
      let all = pieces.polynomials(start, isLast ? lastStep : step, isCubic: isLast && isTabulated)
      for (f, c) in all.enumerated() {
        for k in 0..<6 { out[((interval * groups + f / width) * 6 + k) * width + f % width] = c[k] }
      }
    }
  }

  /// Makes the polynomials.
  private final class Pieces {
    private let basis: ACERadialBasis
    private let rows: [[Double]]
    private var g: [Double]
    private var slopes: [Double]

    init(_ basis: ACERadialBasis, _ rows: [[Double]]) {
      self.basis = basis
      self.rows = rows
      g = Array(repeating: 0, count: basis.count)
      slopes = g
    }

    private func evaluate(_ r: Double) -> (values: [Double], slopes: [Double]) {
      basis.evaluate(min(r, basis.cutoff), &g, &slopes)
      return (
        rows.map { row in zip(row, g).reduce(0) { $0 + $1.0 * $1.1 } },
        rows.map { row in zip(row, slopes).reduce(0) { $0 + $1.0 * $1.1 } }
      )
    }

    /// Between the ends, where the error of t²(1 − t)²(t − a)(t − b) is smallest.
    private static let inner = [0.5 - 0.5 / 11.0.squareRoot(), 0.5 + 0.5 / 11.0.squareRoot()]

    func polynomials(_ start: Double, _ h: Double, isCubic: Bool = false) -> [[Double]] {
      let (first, last) = (evaluate(start), evaluate(start + h))
      let (a, b) = (Self.inner[0], Self.inner[1])
      let (atA, atB) = (evaluate(start + a * h).values, evaluate(start + b * h).values)
      return rows.indices.map { f in
        let (p, q) = (first.values[f], last.values[f])
        let (s, e) = (first.slopes[f] * h, last.slopes[f] * h)
        // The cubic by both ends, then what is missing at a and b.
        var c = [p, s, 3 * (q - p) - 2 * s - e, s + e - 2 * (q - p), 0, 0]
        if isCubic { return (0..<6).map { c[$0] / pow(h, Double($0)) } }
        func rest(_ t: Double, _ value: Double) -> Double {
          (value - (((c[3] * t + c[2]) * t + c[1]) * t + c[0])) / (t * t * (1 - t) * (1 - t))
        }
        let (atA, atB) = (rest(a, atA[f]), rest(b, atB[f]))
        let beta = (atB - atA) / (b - a)
        let alpha = atA - beta * a
        c[2] += alpha
        c[3] += beta - 2 * alpha
        c[4] = alpha - 2 * beta
        c[5] = beta
        return (0..<6).map { c[$0] / pow(h, Double($0)) }
      }
    }

    /// The longest step of equal ones that is accurate enough.
    func step(from start: Double, to end: Double) -> Double {
      var number = max(Int(((end - start) / ACERadialTable.longest).rounded(.up)), 4)
      let most = max(Int(((end - start) / ACERadialTable.shortest).rounded(.up)), 4)
      while true {
        let h = (end - start) / Double(number)
        if number >= most || error(start, h, number) < ACERadialTable.tolerance { return h }
        number = min(number + number / 4 + 1, most)
      }
    }

    /// The largest error over the largest value of each function.
    private func error(_ start: Double, _ h: Double, _ number: Int) -> Double {
      var largest = [Double](repeating: 1e-300, count: rows.count)
      var worst = [Double](repeating: 0, count: rows.count)
      for k in Swift.stride(from: 0, to: number, by: max(1, number / 40)) {
        let all = polynomials(start + Double(k) * h, h)
        for t in [0.15, 0.5] {
          let exact = evaluate(start + (Double(k) + t) * h).values
          let x = t * h
          for f in rows.indices {
            let c = all[f]
            let value = ((((c[5] * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x + c[0]
            largest[f] = max(largest[f], abs(exact[f]))
            worst[f] = max(worst[f], abs(value - exact[f]))
          }
        }
      }
      return zip(worst, largest).map { $0 / $1 }.max() ?? 0
    }
  }
}
