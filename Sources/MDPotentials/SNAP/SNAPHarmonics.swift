import Foundation

/// The linear map from sums of hyperspherical harmonics to the Wigner matrices.
///
/// A neighbour is a point of the unit sphere in four dimensions, (w, q) = (cos θ₀, sin θ₀ r/r). The elements of
/// U^j are harmonics of degree 2j there, so they are combinations of
///
///     C_jl(w)·Y_lm(q),   C_jl = Gegenbauer polynomial C^(l+1)_{2j−l},   l = 0 … 2j,
///
/// where Y_lm is the regular solid harmonic |q|ˡ P_lm(cos β) e^{imφ} / (l + m)! (without the phase (−1)ᵐ), split into
/// its cosine and sine parts. Only |m| = |ma − mb| occurs in U_{mb,ma}. The map is sparse, found once by quadrature
/// (exact for polynomials of this degree), and used on sums over neighbours; its transpose brings the derivatives
/// with respect to U back to the harmonics.
struct SNAPHarmonicMap {
  /// One independent real number of U: `target` is 2·index for the real part, + 1 for the imaginary one.
  struct Row {
    var target: Int
    var sources: [Int]
    var factors: [Double]

    mutating func add(_ factor: Double, _ source: Int) {
      guard factor != 0 else { return }
      sources.append(source)
      factors.append(factor)
    }
  }
  let rows: [Row]

  init(_ indexing: SNAPIndexing) {
    let twojmax = indexing.twojmax
    let n = twojmax + 1
    let (nodes, weights) = Self.legendreRule(n)
    // Second-kind Chebyshev points of w, exact with the measure sin²θ₀ dθ₀ up to degree 2n − 1.
    let angles = (1...n).map { Double($0) * Double.pi / Double(n + 1) }
    var points: [Point] = []
    for angle in angles {
      for (x, weight) in zip(nodes, weights) {
        let s = sin(angle)
        points.append(
          Point(
            w: cos(angle), z: s * x, x: s * (1 - x * x).squareRoot(),
            weight: weight * s * s, twojmax: twojmax))
      }
    }

    var rows: [Row] = []
    for j in 0...twojmax {
      for mb in 0...(j / 2) {
        for ma in 0...j where SNAPIndexing.isIndependent(j, mb, ma) {
          let m = abs(ma - mb)
          let index = indexing.u(j, mb, ma)
          var real = Row(target: 2 * index, sources: [], factors: [])
          var imaginary = Row(target: 2 * index + 1, sources: [], factors: [])
          for l in stride(from: m, through: j, by: 1) {
            // The coefficient of C_jl Y_lm at φ = 0, a complex number.
            var norm = 0.0
            var re = 0.0
            var im = 0.0
            for p in points {
              let f = p.radial(j, l) * p.solid[l * l + max(2 * m - 1, 0)]
              norm += p.weight * f * f
              re += p.weight * f * p.wigner[index].re
              im += p.weight * f * p.wigner[index].im
            }
            // b carries e^{iφ} (times −i) into U_{mb,ma} with the sign of mb − ma: U(φ) = U(0)·e^{±imφ}.
            let turn = ma > mb ? -1.0 : 1.0
            // Factors that symmetry forbids are zero up to rounding; of normalised harmonics the others are about 0.1.
            if abs(re) < 1e-9 * norm.squareRoot() { re = 0 }
            if abs(im) < 1e-9 * norm.squareRoot() { im = 0 }
            let cosine = indexing.sum(j, l, max(2 * m - 1, 0))
            real.add(re / norm, cosine)
            imaginary.add(im / norm, cosine)
            if m > 0 {
              real.add(-turn * im / norm, indexing.sum(j, l, 2 * m))
              imaginary.add(turn * re / norm, indexing.sum(j, l, 2 * m))
            }
          }
          rows.append(real)
          rows.append(imaginary)
        }
      }
    }
    self.rows = rows
  }

  /// Gauss–Legendre nodes and weights on [−1, 1], by Newton's method.
  private static func legendreRule(_ n: Int) -> (nodes: [Double], weights: [Double]) {
    var nodes: [Double] = []
    var weights: [Double] = []
    for k in 0..<n {
      var x = cos(Double.pi * (Double(k) + 0.75) / (Double(n) + 0.5))
      var slope = 1.0
      for _ in 0..<50 {
        var p0 = 1.0
        var p1 = x
        for l in 1..<max(n, 1) {
          (p0, p1) = (p1, (Double(2 * l + 1) * x * p1 - Double(l) * p0) / Double(l + 1))
        }
        slope = n == 0 ? 1 : Double(n) * (x * p1 - p0) / (x * x - 1)
        let step = p1 / slope
        x -= step
        if abs(step) < 1e-16 { break }
      }
      nodes.append(x)
      weights.append(2 / ((1 - x * x) * slope * slope))
    }
    return (nodes, weights)
  }

  /// A quadrature point at φ = 0 with everything evaluated there.
  private struct Point {
    var weight: Double
    var solid: [Double]
    var wigner: [(re: Double, im: Double)]
    private var gegenbauer: [[Double]]

    init(w: Double, z: Double, x: Double, weight: Double, twojmax: Int) {
      self.weight = weight
      solid = solidHarmonics(x, 0, z, order: twojmax)
      wigner = wignerMatrices(w: w, x: x, y: 0, z: z, twojmax: twojmax)
      gegenbauer = (0...twojmax).map { l in
        var c = [1.0, 2 * Double(l + 1) * w]
        for n in stride(from: 2, through: twojmax - l, by: 1) {
          c.append((2 * w * Double(n + l) * c[n - 1] - Double(n + 2 * l) * c[n - 2]) / Double(n))
        }
        return c
      }
    }

    func radial(_ j: Int, _ l: Int) -> Double { gegenbauer[l][j - l] }
  }
}

/// U^j for j = 0 … 2J at a unit quaternion, element (mb, ma) at Σ_{i<j}(i + 1)² + mb·(j + 1) + ma, by the recursion of
/// Varshalovich, Moskalev and Khersonskii (4.8.2) with the Cayley–Klein parameters a = w − iz, b = y − ix.
package func wignerMatrices(w: Double, x: Double, y: Double, z: Double, twojmax: Int) -> [(re: Double, im: Double)] {
  let indexing = SNAPIndexing(twojmax: twojmax)
  var u = [(re: Double, im: Double)](repeating: (0, 0), count: indexing.uCount)
  u[0] = (1, 0)
  for j in stride(from: 1, through: twojmax, by: 1) {
    for mb in 0...(j / 2) {
      for ma in 0..<j {
        let below = u[indexing.u(j - 1, mb, ma)]
        // conj(a)·U and conj(b)·U, conj(a) = w + iz, conj(b) = y + ix.
        let stay = (Double(j - ma) / Double(j - mb)).squareRoot()
        let rise = (Double(ma + 1) / Double(j - mb)).squareRoot()
        u[indexing.u(j, mb, ma)].re += stay * (w * below.re - z * below.im)
        u[indexing.u(j, mb, ma)].im += stay * (w * below.im + z * below.re)
        u[indexing.u(j, mb, ma + 1)].re -= rise * (y * below.re - x * below.im)
        u[indexing.u(j, mb, ma + 1)].im -= rise * (y * below.im + x * below.re)
      }
    }
    for mb in 0...(j / 2) {
      for ma in 0...j {
        let value = u[indexing.u(j, mb, ma)]
        let sign: Double = (mb + ma) % 2 == 0 ? 1 : -1
        u[indexing.u(j, j - mb, j - ma)] = (sign * value.re, -sign * value.im)
      }
    }
  }
  return u
}
