import MDCore
import MDNumerics

/// Intervals of the fractional coordinates along one or two vectors of the cell, `bins` along each.
struct CellIntervals {
  let axes: [Int]
  let bins: Int

  /// All of them.
  var count: Int { axes.reduce(1) { n, _ in n * bins } }

  /// The place of a point along the axes, in intervals.
  @inline(__always)
  func place(_ s: Vector3) -> SIMD2<Double> {
    Double(bins) * SIMD2(s[axes[0]], axes.count > 1 ? s[axes[1]] : 0)
  }

  /// The number of the interval with these numbers along the axes. Periodic axes go around; beyond the ends of open ones the
  /// outermost interval stands for all that is there.
  @inline(__always)
  func number(_ a: Int, _ b: Int, _ periodic: SIMD2<Int>) -> Int {
    @inline(__always) func into(_ k: Int, _ isPeriodic: Bool) -> Int {
      guard k < 0 || k >= bins else { return k }
      return isPeriodic ? k - bins * Int((Double(k) / Double(bins)).rounded(.down)) : min(max(k, 0), bins - 1)
    }
    let first = into(a, periodic.x == 1)
    return axes.count > 1 ? first * bins + into(b, periodic.y == 1) : first
  }

  /// 1 where an axis is periodic.
  func periodicity(_ box: Box) -> SIMD2<Int> {
    SIMD2(box.periodic[axes[0]] ? 1 : 0, axes.count > 1 && box.periodic[axes[1]] ? 1 : 0)
  }

  @inline(__always)
  func number(at p: SIMD2<Double>, _ periodic: SIMD2<Int>) -> Int {
    number(Int(p.x.rounded(.down)), Int(p.y.rounded(.down)), periodic)
  }

  /// The intervals that a straight line from p to p + d goes through, each with the part of the line that is in it: from
  /// wall to wall (Amanatides, Woo 1987). The parts add up to 1.
  @inline(__always)
  func walk(from p: SIMD2<Double>, by d: SIMD2<Double>, _ periodic: SIMD2<Int>, _ body: (_ interval: Int, _ part: Double) -> Void) {
    var cell = SIMD2(Int(p.x.rounded(.down)), Int(p.y.rounded(.down)))
    let planar = axes.count > 1
    @inline(__always) func wall(_ k: Int) -> Double {
      if d[k] > 0 { return (Double(cell[k] + 1) - p[k]) / d[k] }
      return d[k] < 0 ? (Double(cell[k]) - p[k]) / d[k] : .infinity
    }
    var next = SIMD2(wall(0), planar ? wall(1) : .infinity)
    var done = 0.0
    while true {
      let k = next.x <= next.y ? 0 : 1
      let end = min(max(next[k], done), 1)
      if end > done { body(number(cell.x, cell.y, periodic), end - done) }
      done = end
      guard done < 1 else { return }
      cell[k] += d[k] > 0 ? 1 : -1
      next[k] = wall(k)
    }
  }
}
