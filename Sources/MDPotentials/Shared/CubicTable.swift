import MDCore
import MDNumerics

/// A function on evenly spaced knots from 0, interpolated by the cubic that DYNAMO and LAMMPS use: values and
/// fourth-order difference slopes at the knots, continuous to the first derivative. So tables give the same
/// numbers here as there, to rounding.
///
/// A knot is (f, s) with s the slope per knot; one 256-bit load reads a whole interval.
struct CubicTable {
  /// Two numbers a knot, and one knot more than given.
  let knots: UnsafePointer<Double>
  private let storage: AlignedBuffer<Double>
  let count: Int
  let step: Double

  init(_ f: [Double], step: Double) {
    precondition(f.count >= 5, "five knots at least")
    let n = f.count
    let buffer = AlignedBuffer<Double>(capacity: 2 * (n + 1))
    for k in 0..<n {
      let slope: Double
      switch k {
      case 0: slope = f[1] - f[0]
      case 1: slope = 0.5 * (f[2] - f[0])
      case n - 2: slope = 0.5 * (f[n - 1] - f[n - 3])
      case n - 1: slope = f[n - 1] - f[n - 2]
      default: slope = ((f[k - 2] - f[k + 2]) + 8 * (f[k + 1] - f[k - 1])) / 12
      }
      buffer.pointer[2 * k] = f[k]
      buffer.pointer[2 * k + 1] = slope
    }
    buffer.pointer[2 * n] = f[n - 1]
    buffer.pointer[2 * n + 1] = 0
    storage = buffer
    knots = UnsafePointer(buffer.pointer)
    count = n
    self.step = step
  }

  /// Where `x` of the last knot is.
  var end: Double { Double(count - 1) * step }

  /// f and f′ at x; below the first knot the first cubic goes on, beyond the last a straight line.
  func callAsFunction(_ x: Double) -> (value: Double, slope: Double) {
    let p = x / step
    let m = max(0, min(Int(p), count - 2))
    let t = min(p - Double(m), 1)
    let c = CubicInterval(knots + 2 * m)
    let slope = c.slope(t) / step
    return (c.value(t) + (x > end ? slope * (x - end) : 0), slope)
  }
}

private struct CubicInterval {
  let f, s, c2, c3: Double

  init(_ knot: UnsafePointer<Double>) {
    let rise = knot[2] - knot[0]
    f = knot[0]
    s = knot[1]
    c2 = 3 * rise - 2 * knot[1] - knot[3]
    c3 = knot[1] + knot[3] - 2 * rise
  }

  func value(_ t: Double) -> Double { ((c3 * t + c2) * t + s) * t + f }
  func slope(_ t: Double) -> Double { (3 * c3 * t + 2 * c2) * t + s }
}

/// The knots below four distances in tables of one spacing, and the fractions of the way to the next.
struct KnotLanes {
  let m0, m1, m2, m3: Int
  let t: Lanes

  /// `position` = x / step, at least 0; beyond `last` it stays there.
  @inline(__always)
  init(_ position: Lanes, last: Double) {
    let top = Lanes(repeating: last)
    let p = position.replacing(with: top, where: position .> top)
    // Adding 3·2⁵¹ leaves the nearest whole number in the low bits; half less gives the knot below.
    // A tie may give the knot itself or the one before with t = 1: the same point of the curve.
    let magic = Lanes(repeating: 6_755_399_441_055_744)
    let shifted = (p - Lanes(repeating: 0.5)) + magic
    t = p - (shifted - magic)
    let bits = unsafeBitCast(shifted, to: SIMD4<UInt64>.self)
    m0 = Int(UInt32(truncatingIfNeeded: bits[0]))
    m1 = Int(UInt32(truncatingIfNeeded: bits[1]))
    m2 = Int(UInt32(truncatingIfNeeded: bits[2]))
    m3 = Int(UInt32(truncatingIfNeeded: bits[3]))
  }
}

/// Four intervals of one table: with the rise Δ over an interval and the slopes s, s′ at its ends (per knot),
///
///     f(t) = f + tΔ + t(1−t)²(s − Δ) − t²(1−t)(s′ − Δ),
///     df/dt = Δ + (1−t)(1−3t)(s − Δ) − t(2−3t)(s′ − Δ),
///
/// which is the cubic of `CubicTable` in the form with the shortest chain of dependent operations.
struct CubicLanes {
  let f, rise, below, above: Lanes

  @inline(__always)
  init(_ knots: UnsafePointer<Double>, _ at: KnotLanes) {
    let a = Self.row(knots, at.m0)
    let b = Self.row(knots, at.m1)
    let c = Self.row(knots, at.m2)
    let d = Self.row(knots, at.m3)
    f = Lanes(a[0], b[0], c[0], d[0])
    let slope = Lanes(a[1], b[1], c[1], d[1])
    let next = Lanes(a[2], b[2], c[2], d[2])
    let nextSlope = Lanes(a[3], b[3], c[3], d[3])
    rise = next - f
    below = slope - rise
    above = nextSlope - rise
  }

  @inline(__always)
  private static func row(_ knots: UnsafePointer<Double>, _ m: Int) -> Lanes {
    UnsafeRawPointer(knots + 2 &* m).loadUnaligned(as: Lanes.self)
  }

  @inline(__always)
  func value(_ t: Lanes) -> Lanes {
    let rest = 1 - t
    let both = t * rest
    return f.addingProduct(rise, t).addingProduct(below * rest - above * t, both)
  }

  /// Per knot.
  @inline(__always)
  func slope(_ t: Lanes) -> Lanes {
    let rest = 1 - t
    let u = rest * (rest - t - t)
    let v = t * (rest + rest - t)
    return rise.addingProduct(below, u) - above * v
  }
}
