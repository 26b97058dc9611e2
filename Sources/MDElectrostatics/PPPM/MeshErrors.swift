import Foundation
import MDCore
import MDNumerics

/// The root-mean-square error of mesh forces on charges without order, eV/Å.
///
/// With the best influence function the mean square error of the force between two unit charges over all their
/// places in the cell is
///
///     Q = (4πC/V)² Σ_n {Σ_m e_m²/k_m² − [Σ_m ŵ_m² e_m]² / (Σ_m ŵ_m² · Σ_m ŵ_m² k_m²)},  e = e^(−k²/4α²)
///
/// (Hockney & Eastwood 8-3-3; `InfluenceFunction` for the symbols), hence ΔF = Σq² √(Q/N) for N charges that fill the
/// cell, and √(V/V') more if they fill the part V' of it, since errors belong to near pairs. A charge's force on
/// itself is no part of it: the solver takes it out. Differences are formed so that no digits are lost, however
/// small the error is.
enum MeshErrors {
  /// Frequencies along each axis: all of a small mesh, a sample of a larger one.
  private static let sample = 20

  static func forces(
    splitting alpha: Double, mesh: SIMD3<Int>, order: Int, cell: PeriodicCell, _ charges: ChargeStatistics
  ) -> Double {
    var axes: [[AliasSums]] = []
    var weight = 1.0
    for a in 0..<3 {
      let n = mesh[a]
      if n <= sample {
        axes.append(AliasSums.table(points: n, order: order))
      } else {
        axes.append(
          (0..<sample).map { j in
            let f = (Double(j) + 0.5) / Double(sample) - 0.5
            return AliasSums(frequency: f * Double(n), points: n, order: order)
          })
        weight *= Double(n) / Double(sample)
      }
    }
    let r = cell.reciprocal
    let metric = Metric(
      xx: dot(r.x, r.x), yy: dot(r.y, r.y), zz: dot(r.z, r.z), xy: dot(r.x, r.y), xz: dot(r.x, r.z),
      yz: dot(r.y, r.z))
    var sum = 0.0
    // k and −k have the same error.
    for x in axes[0] where x.frequency >= 0 {
      let half = x.frequency == 0 || 2 * x.frequency == Double(mesh.x) ? 1.0 : 2.0
      for y in axes[1] {
        for z in axes[2] where !(x.frequency == 0 && y.frequency == 0 && z.frequency == 0) {
          sum += half * square(x, y, z, metric, alpha)
        }
      }
    }
    let q = (4 * Double.pi * Units.coulomb / cell.volume)
    let meanSquare = q * q * weight * max(sum, 0) * cell.volume / min(charges.occupiedVolume, cell.volume)
    return charges.squares * (meanSquare / Double(max(charges.count, 1))).squareRoot()
  }

  /// a*_i · a*_j.
  private struct Metric {
    var xx: Double, yy: Double, zz: Double, xy: Double, xz: Double, yz: Double
  }

  /// {…} of one n, without the factor of 4π² in k².
  private static func square(
    _ x: AliasSums, _ y: AliasSums, _ z: AliasSums, _ m: Metric, _ alpha: Double
  ) -> Double {
    let four = 4 * Double.pi * Double.pi
    let width = four / (4 * alpha * alpha)
    func norm(_ a: Double, _ b: Double, _ c: Double) -> Double {
      m.xx * a * a + m.yy * b * b + m.zz * c * c + 2 * (m.xy * a * b + m.xz * a * c + m.yz * b * c)
    }
    let main = x.main * y.main * z.main
    let k2 = norm(x.frequency, y.frequency, z.frequency)
    let e = exp(-width * k2)
    // Sums over all aliases but n itself: (A + a)(B + b)(C + c) − ABC.
    func rest(_ a: (Double, Double), _ b: (Double, Double), _ c: (Double, Double)) -> Double {
      a.1 * (b.0 + b.1) * (c.0 + c.1) + a.0 * b.1 * (c.0 + c.1) + a.0 * b.0 * c.1
    }
    func s0(_ s: AliasSums) -> (Double, Double) { (s.main, s.rest0) }
    func s1(_ s: AliasSums) -> (Double, Double) { (s.main * s.frequency, s.rest1) }
    func s2(_ s: AliasSums) -> (Double, Double) { (s.main * s.frequency * s.frequency, s.rest2) }
    let rest0 = rest(s0(x), s0(y), s0(z))
    let rest2 =
      m.xx * rest(s2(x), s0(y), s0(z)) + m.yy * rest(s0(x), s2(y), s0(z)) + m.zz * rest(s0(x), s0(y), s2(z))
      + 2 * (m.xy * rest(s1(x), s1(y), s0(z)) + m.xz * rest(s1(x), s0(y), s1(z)) + m.yz * rest(s0(x), s1(y), s1(z)))
    // Other aliases' Gaussians.
    var others = 0.0
    var squares = 0.0
    for a in 0..<4 where x.nearWeights[a] > 0 {
      for b in 0..<4 where y.nearWeights[b] > 0 {
        for c in 0..<4 where z.nearWeights[c] > 0 {
          let isMain = x.near[a] == x.frequency && y.near[b] == y.frequency && z.near[c] == z.frequency
          guard !isMain else { continue }
          let l2 = norm(x.near[a], y.near[b], z.near[c])
          guard width * l2 < 60 else { continue }
          let f = exp(-width * l2)
          others += x.nearWeights[a] * y.nearWeights[b] * z.nearWeights[c] * f
          squares += f * f / l2
        }
      }
    }
    let denominator = (main + rest0) * (main * k2 + rest2)
    let lost = e * e / k2 * (main * rest2 + rest0 * main * k2 + rest0 * rest2) / denominator
    let gained = (2 * main * e * others + others * others) / denominator
    return (lost + squares - gained) / four
  }
}
