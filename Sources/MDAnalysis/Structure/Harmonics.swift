import Foundation
import MDNumerics

/// Spherical harmonics and Wigner's 3j symbols of bond-orientational order.
package enum Harmonics {
  /// Y_lm(d/|d|), m = 0 … l, with the phase (−1)^m, as real and imaginary parts one after the other, added to `sums`.
  /// Y_l,−m = (−1)^m Y*_lm.
  package static func add(_ l: Int, _ d: Vector3, to sums: UnsafeMutablePointer<Double>) {
    let r = d.length
    let (x, y, z) = (d.x / r, d.y / r, d.z / r)
    // P̄_mm of sin^m θ without the sine, which (x + iy)^m brings.
    var diagonal = (1 / (4 * Double.pi)).squareRoot()
    var (re, im) = (1.0, 0.0)
    for m in 0...l {
      var (before, now) = (0.0, diagonal)
      if l > m {
        for n in (m + 1)...l {
          let (n2, m2) = (Double(n * n), Double(m * m))
          let a = ((4 * n2 - 1) / (n2 - m2)).squareRoot()
          let n1 = Double((n - 1) * (n - 1))
          let b = n - 1 > m ? ((n1 - m2) / (4 * n1 - 1)).squareRoot() : 0
          (before, now) = (now, a * (z * now - b * before))
        }
      }
      sums[2 * m] += now * re
      sums[2 * m + 1] += now * im
      diagonal *= -((2 * Double(m) + 3) / (2 * Double(m) + 2)).squareRoot()
      (re, im) = (re * x - im * y, re * y + im * x)
    }
  }

  /// √(4π/(2l + 1) Σ_m |q_m|²) of m = 0 … l.
  package static func length(_ l: Int, _ q: UnsafePointer<Double>) -> Double {
    (4 * Double.pi / Double(2 * l + 1) * norm(l, q)).squareRoot()
  }

  private static func norm(_ l: Int, _ q: UnsafePointer<Double>) -> Double {
    (0...l).reduce(0) { $0 + ($1 == 0 ? 1 : 2) * (q[2 * $1] * q[2 * $1] + q[2 * $1 + 1] * q[2 * $1 + 1]) }
  }

  /// ŵ_l = Σ_{m₁+m₂+m₃=0} (l l l; m₁ m₂ m₃) q_m₁ q_m₂ q_m₃ / (Σ|q_m|²)^{3/2}.
  package static func third(_ l: Int, _ q: UnsafePointer<Double>, _ symbols: [(Int, Int, Double)]) -> Double {
    func value(_ m: Int) -> (Double, Double) {
      let k = abs(m)
      let (re, im) = (q[2 * k], q[2 * k + 1])
      if m >= 0 { return (re, im) }
      return k % 2 == 0 ? (re, -im) : (-re, im)
    }
    var sum = 0.0
    for (m1, m2, symbol) in symbols {
      let (a, b, c) = (value(m1), value(m2), value(-m1 - m2))
      let (re, im) = (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
      sum += symbol * (re * c.0 - im * c.1)
    }
    let norm = norm(l, q)
    return norm > 0 ? sum / (norm * norm.squareRoot()) : 0
  }

  /// All (l l l; m₁ m₂ −m₁−m₂) that are not zero.
  package static func symbols(_ l: Int) -> [(Int, Int, Double)] {
    (-l...l).flatMap { m1 in
      (-l...l).compactMap { m2 in abs(m1 + m2) <= l ? (m1, m2, symbol(l, m1, m2)) : nil }
    }
  }

  /// Racah's formula for equal degrees.
  package static func symbol(_ l: Int, _ m1: Int, _ m2: Int) -> Double {
    let m3 = -m1 - m2
    func f(_ n: Int) -> Double { lgamma(Double(n) + 1) }
    let triangle = 3 * f(l) - f(3 * l + 1)
    let root = 0.5 * (triangle + f(l + m1) + f(l - m1) + f(l + m2) + f(l - m2) + f(l + m3) + f(l - m3))
    var sum = 0.0
    for t in 0...l {
      let all = [t, t + m1, t - m2, l - t, l - t - m1, l - t + m2]
      if all.contains(where: { $0 < 0 }) { continue }
      sum += (t % 2 == 0 ? 1 : -1) * exp(root - all.reduce(0) { $0 + f($1) })
    }
    return (m3 % 2 == 0 ? 1 : -1) * sum
  }
}
