import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials

/// SNAP as the papers state it, without any of the kernels' ideas: Wigner matrices from their generating polynomial,
/// the bispectrum as a sixfold sum. Slow, for clusters of a few atoms.
struct SNAPOracle {
  let model: SNAPModel

  /// Per-atom energies of a structure without periodic images; `elements` are indices into the model's.
  func energies(_ positions: [Vector3], _ elements: [Int]) -> [Double] {
    positions.indices.map { i in energy(i, positions, elements) }
  }

  private func energy(_ i: Int, _ positions: [Vector3], _ elements: [Int]) -> Double {
    let own = elements[i]
    let channels = model.channelCount
    var densities = (0..<channels).map { channel -> [[[Complex]]] in
      let present = channels == 1 || model.selfInAll || channel == own
      return (0...model.twojmax).map { j in
        (0...j).map { row in (0...j).map { Complex(present && $0 == row ? 1 : 0, 0) } }
      }
    }
    for k in positions.indices where k != i {
      let d = positions[k] - positions[i]
      let r = d.length
      let cutoff = model.cutoff(own, elements[k])
      guard r < cutoff else { continue }
      let weight = model.elements[elements[k]].weight * switching(r, own, elements[k])
      let angle = model.rfac0 * Double.pi * (r - model.rmin0) / (cutoff - model.rmin0)
      let n = d / Vector3(repeating: r)
      let a = Complex(cos(angle), -sin(angle) * n.z)
      let b = Complex(sin(angle) * n.y, -sin(angle) * n.x)
      let channel = channels == 1 ? 0 : elements[k]
      for j in 0...model.twojmax {
        let u = Self.wigner(j, a, b)
        for mb in 0...j {
          for ma in 0...j { densities[channel][j][mb][ma] = densities[channel][j][mb][ma] + weight * u[mb][ma] }
        }
      }
    }
    return energy(own, bispectrum(own, densities))
  }

  private func switching(_ r: Double, _ a: Int, _ b: Int) -> Double {
    var f = 1.0
    let cutoff = model.cutoff(a, b)
    if model.switches && r > model.rmin0 {
      f = 0.5 * (cos(Double.pi * (r - model.rmin0) / (cutoff - model.rmin0)) + 1)
    }
    if let p = model.elements[a].innerSwitch, let q = model.elements[b].innerSwitch {
      let (s, d) = (0.5 * (p.centre + q.centre), 0.5 * (p.halfWidth + q.halfWidth))
      if r <= s - d {
        f = 0
      } else if r < s + d {
        f *= 0.5 * (1 - cos(Double.pi / 2 + Double.pi / 2 * (r - s) / d))
      }
    }
    return f
  }

  /// Row mb holds the coefficients of (a* − b* t)^(j−mb) (b + a t)^mb in powers ma of t, times √(C(j, mb)/C(j, ma)).
  private static func wigner(_ j: Int, _ a: Complex, _ b: Complex) -> [[Complex]] {
    (0...j).map { mb in
      var polynomial = [Complex(1, 0)]
      for k in 0..<j {
        let (low, high) = k < mb ? (b, a) : (a.conjugate, -1 * b.conjugate)
        var next = [Complex](repeating: Complex(0, 0), count: polynomial.count + 1)
        for (power, c) in polynomial.enumerated() {
          next[power] = next[power] + c * low
          next[power + 1] = next[power + 1] + c * high
        }
        polynomial = next
      }
      return (0...j).map { ma in (binomial(j, mb) / binomial(j, ma)).squareRoot() * polynomial[ma] }
    }
  }

  private static func binomial(_ n: Int, _ k: Int) -> Double {
    (0..<k).reduce(1.0) { $0 * Double(n - $1) / Double($1 + 1) }
  }

  /// B_{j1 j2 j} = Σ U_j* ⟨j1 j2|j⟩ ⟨j1 j2|j⟩' U_j1 U_j2 for all triples of elements and of orders.
  private func bispectrum(_ own: Int, _ u: [[[[Complex]]]]) -> [Double] {
    var out: [Double] = []
    for e1 in u.indices {
      for e2 in u.indices {
        for e3 in u.indices {
          for t in model.triples {
            var b = 0.0
            for mb1 in 0...t.j1 {
              for mb2 in 0...t.j2 {
                let mub = 2 * mb1 - t.j1 + 2 * mb2 - t.j2
                guard abs(mub) <= t.j else { continue }
                let cb = clebschGordan(t.j1, 2 * mb1 - t.j1, t.j2, 2 * mb2 - t.j2, t.j)
                for ma1 in 0...t.j1 {
                  for ma2 in 0...t.j2 {
                    let mua = 2 * ma1 - t.j1 + 2 * ma2 - t.j2
                    guard abs(mua) <= t.j else { continue }
                    let ca = clebschGordan(t.j1, 2 * ma1 - t.j1, t.j2, 2 * ma2 - t.j2, t.j)
                    let product = u[e1][t.j1][mb1][ma1] * u[e2][t.j2][mb2][ma2]
                    b += ca * cb * (u[e3][t.j][(t.j + mub) / 2][(t.j + mua) / 2].conjugate * product).re
                  }
                }
              }
            }
            let isolated = u.count == 1 || model.selfInAll || (e1 == own && e2 == own && e3 == own)
            if model.normalises { b /= Double(t.j + 1) }
            if model.subtractsIsolated && isolated { b -= model.normalises ? 1 : Double(t.j + 1) }
            out.append(b)
          }
        }
      }
    }
    return out
  }

  private func energy(_ own: Int, _ b: [Double]) -> Double {
    let c = model.elements[own].coefficients
    var energy = c[0] + zip(c[1...], b).reduce(0) { $0 + $1.0 * $1.1 }
    guard model.isQuadratic else { return energy }
    var next = b.count + 1
    for i in b.indices {
      for j in i..<b.count {
        energy += (i == j ? 0.5 : 1) * c[next] * b[i] * b[j]
        next += 1
      }
    }
    return energy
  }
}

struct Complex {
  var re, im: Double
  init(_ re: Double, _ im: Double) {
    self.re = re
    self.im = im
  }
  var conjugate: Complex { Complex(re, -im) }
  static func + (a: Complex, b: Complex) -> Complex { Complex(a.re + b.re, a.im + b.im) }
  static func * (a: Complex, b: Complex) -> Complex { Complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re) }
  static func * (s: Double, a: Complex) -> Complex { Complex(s * a.re, s * a.im) }
}
