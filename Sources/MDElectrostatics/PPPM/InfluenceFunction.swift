import Foundation
import MDCore
import MDNumerics

/// The influence function G(n): the mesh potential is φ̂ = G ρ̂, the mesh energy E = ½ Σ_n G |ρ̂|².
///
/// Forces are the exact gradient of E. Among all G, the one whose forces have the least mean square error over
/// all places of two charges in the cell is, with aliases ν = n + N∘m, k = 2π ν·(a*, b*, c*) and the transform ŵ of
/// the spline,
///
///     G = 4πC/V · Σ_m ŵ² e^(−k²/4α²) / [Σ_m ŵ² · Σ_m ŵ² k²],  G(0) = 0
///
/// (R. W. Hockney, J. W. Eastwood, Computer Simulation Using Particles, section 8-3-3, for analytic differentiation:
/// V. Ballenegger, J. J. Cerdà, C. Holm, J. Chem. Theory Comput. 8, 936 (2012)). Under a strain mesh coordinates and
/// ŵ stay, so the virial of the mesh energy is exactly
///
///     W = ½ Σ_n |ρ̂|² (G 1 − Σ_ab t_ab a*_a ⊗ a*_b),
///     t_ab = 4π² G [Σ ŵ² e^(−k²/4α²) ν_a ν_b / (2α² Σ ŵ² e^(−k²/4α²)) + 2 Σ ŵ² ν_a ν_b / Σ ŵ² k²].
///
/// Gaussians are summed over the aliases |ν_a| ≤ 3N_a/2, other sums over 61 along each axis.
final class InfluenceFunction {
  let fft: DistributedFFT
  /// eV/e², in the order of the spectrum.
  let values = AlignedBuffer<Double>()
  /// t_xx, t_yy, t_zz, t_xy, t_xz, t_yz one after the other, `count` each, Å²·eV/e².
  let tensors = AlignedBuffer<Double>()
  let count: Int
  private(set) var hasTensors = false
  private let axes: [[AliasSums]]
  private var cell: PeriodicCell
  private var alpha = 0.0

  init(_ fft: DistributedFFT, order: Int, cell: PeriodicCell) {
    self.fft = fft
    self.cell = cell
    let mesh = fft.blocks.mesh
    axes = (0..<3).map { AliasSums.table(points: mesh[$0], order: order) }
    count = mesh.x * fft.spectrumYs.count * fft.spectrumZs.count
    values.reserve(max(count, 1))
  }

  /// The other half of the spectrum: how often a component stands for itself and its conjugate.
  @inline(__always)
  func multiplicity(_ z: Int) -> Double { z == 0 || 2 * z == fft.blocks.mesh.z ? 1 : 2 }

  /// Computes G for a cell; the tensors t wait until `fillTensors`. Returns this rank's part of the sums that
  /// `SelfInteraction` needs.
  func fill(_ cell: PeriodicCell, splitting: Double) -> ShiftedSums {
    self.cell = cell
    alpha = splitting
    hasTensors = false
    var sums = ShiftedSums()
    forEachRow { row in
      let (g, _) = row.evaluate(values.pointer + row.offset, nil)
      sums.add(row, g)
    }
    return sums
  }

  /// Computes the tensors t of the present cell; returns this rank's part of their sums, in their order.
  func fillTensors() -> [ShiftedSums] {
    tensors.reserve(max(6 * count, 1))
    hasTensors = true
    var sums = [ShiftedSums](repeating: ShiftedSums(), count: 6)
    forEachRow { row in
      let (_, t) = row.evaluate(values.pointer + row.offset, (tensors.pointer + row.offset, count))
      for k in 0..<6 { sums[k].add(row, t[k]) }
    }
    return sums
  }

  private func forEachRow(_ body: (InfluenceRow) -> Void) {
    let zs = fft.spectrumZs
    guard !zs.isEmpty else { return }
    axes[2].withUnsafeBufferPointer { z in
      var offset = 0
      for x in axes[0] {
        for y in fft.spectrumYs {
          body(
            InfluenceRow(
              x: x, y: axes[1][y], zs: UnsafeBufferPointer(rebasing: z[zs]), firstZ: zs.lowerBound,
              meshZ: fft.blocks.mesh.z, offset: offset, cell: cell, alpha: alpha))
          offset += zs.count
        }
      }
    }
  }

  /// spectrum → G · spectrum.
  func apply() {
    let data = fft.spectrum.pointer
    let g = values.pointer
    for k in 0..<count {
      data[2 * k] *= g[k]
      data[2 * k + 1] *= g[k]
    }
  }

  /// spectrum → t · `source`, component `index` of the tensors.
  func apply(tensor index: Int, to source: UnsafePointer<Double>) {
    let data = fft.spectrum.pointer
    let t = tensors.pointer + index * count
    for k in 0..<count {
      data[2 * k] = source[2 * k] * t[k]
      data[2 * k + 1] = source[2 * k + 1] * t[k]
    }
  }

  /// Σ_n Re(ā b) times (G 1 − Σ_ab t_ab a*_a ⊗ a*_b) over this rank's part of the spectrum.
  func virial(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>) -> Matrix3 {
    let zs = fft.spectrumZs
    var total = [Double](repeating: 0, count: 7)
    let g = UnsafePointer(values.pointer)
    let t = UnsafePointer(tensors.pointer)
    var (s, xx, yy, zz, xy, xz, yz) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    var k = 0
    while k < count {
      for z in zs {
        let e = multiplicity(z) * (a[2 * k] * b[2 * k] + a[2 * k + 1] * b[2 * k + 1])
        s += e * g[k]
        xx += e * t[k]
        yy += e * t[count + k]
        zz += e * t[2 * count + k]
        xy += e * t[3 * count + k]
        xz += e * t[4 * count + k]
        yz += e * t[5 * count + k]
        k += 1
      }
    }
    total = [xx, yy, zz, xy, xz, yz]
    return s * Matrix3.identity - cartesian(total)
  }

  /// Σ_ab t_ab a*_a ⊗ a*_b.
  func cartesian(_ t: [Double]) -> Matrix3 {
    let m = Matrix3(Vector3(t[0], t[3], t[4]), Vector3(t[3], t[1], t[5]), Vector3(t[4], t[5], t[2]))
    return cell.reciprocal.transpose * m * cell.reciprocal
  }
}

/// A row of the spectrum along z: the sums over aliases for one n_x and n_y.
struct InfluenceRow {
  let x: AliasSums
  let y: AliasSums
  let zs: UnsafeBufferPointer<AliasSums>
  let firstZ: Int
  let meshZ: Int
  let offset: Int
  let cell: PeriodicCell
  let alpha: Double

  @inline(__always)
  func multiplicity(_ k: Int) -> Double { firstZ + k == 0 || 2 * (firstZ + k) == meshZ ? 1 : 2 }

  /// Sums along the row of g, weighed by Σŵ², Σŵŵ₁, Σŵŵ₂ of z (`AliasSums.sum0`, `shifted1`, `shifted2`).
  typealias Moments = SIMD4<Double>

  /// Writes G, and the six t at `out` + k·stride; returns their moments.
  func evaluate(
    _ g: UnsafeMutablePointer<Double>, _ t: (out: UnsafeMutablePointer<Double>, stride: Int)?
  ) -> (Moments, [Moments]) {
    let factor = 4 * Double.pi * Units.coulomb / cell.volume
    let width = 1 / (4 * alpha * alpha)
    let r = cell.reciprocal
    let (rxx, ryy, rzz) = (dot(r.x, r.x), dot(r.y, r.y), dot(r.z, r.z))
    let (rxy, rxz, ryz) = (dot(r.x, r.y), dot(r.x, r.z), dot(r.y, r.z))
    let four = 4 * Double.pi * Double.pi
    // Along z, k²/4α² = c₀ + c₁ν + c₂ν² for each pair of aliases of x and y that matters at all.
    let c2 = four * width * rzz
    var pairs = InlinePairs()
    for a in 0..<4 where x.nearWeights[a] > 0 {
      for b in 0..<4 where y.nearWeights[b] > 0 {
        let (nx, ny) = (x.near[a], y.near[b])
        let c0 = four * width * (nx * nx * rxx + ny * ny * ryy + 2 * nx * ny * rxy)
        let c1 = 2 * four * width * (nx * rxz + ny * ryz)
        if c0 - c1 * c1 / (4 * c2) < 45 {
          pairs.append(nx, ny, x.nearWeights[a] * y.nearWeights[b], c0, c1)
        }
      }
    }
    var moments = Moments.zero
    var tMoments = t == nil ? [] : [Moments](repeating: .zero, count: 6)
    let xy = x.sum0 * y.sum0
    // Σ ŵ² ν_a ν_b of x and y, to be multiplied by those of z.
    let p = rxx * x.sum2 * y.sum0 + ryy * x.sum0 * y.sum2 + 2 * rxy * x.sum1 * y.sum1
    let q = 2 * (rxz * x.sum1 * y.sum0 + ryz * x.sum0 * y.sum1)
    for (k, z) in zs.enumerated() {
      var e0 = 0.0
      var (exx, eyy, ezz, exy, exz, eyz) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
      for i in 0..<pairs.count {
        let pair = pairs[i]
        for l in 0..<4 {
          let nz = z.near[l]
          let exponent = pair.c0 + (pair.c1 + c2 * nz) * nz
          guard exponent < 45, z.nearWeights[l] > 0 else { continue }
          let e = pair.weight * z.nearWeights[l] * exp(-exponent)
          e0 += e
          if t != nil {
            exx += e * pair.x * pair.x
            eyy += e * pair.y * pair.y
            ezz += e * nz * nz
            exy += e * pair.x * pair.y
            exz += e * pair.x * nz
            eyz += e * pair.y * nz
          }
        }
      }
      let k2 = four * (p * z.sum0 + q * z.sum1 + rzz * xy * z.sum2)
      let isZero = x.frequency == 0 && y.frequency == 0 && z.frequency == 0
      let value = isZero || e0 == 0 ? 0 : factor * e0 / (xy * z.sum0 * k2)
      g[k] = value
      let weight = multiplicity(k) * Moments(z.sum0, z.shifted1, z.shifted2, 0)
      moments += value * weight
      if let t {
        let a = value == 0 ? 0 : four * value * 2 * width / e0
        let b = value == 0 ? 0 : four * value * 2 / k2
        let all = (
          a * exx + b * x.sum2 * y.sum0 * z.sum0, a * eyy + b * x.sum0 * y.sum2 * z.sum0,
          a * ezz + b * xy * z.sum2, a * exy + b * x.sum1 * y.sum1 * z.sum0,
          a * exz + b * x.sum1 * y.sum0 * z.sum1, a * eyz + b * x.sum0 * y.sum1 * z.sum1
        )
        withUnsafeBytes(of: all) { raw in
          let list = raw.bindMemory(to: Double.self)
          for c in 0..<6 {
            t.out[c * t.stride + k] = list[c]
            tMoments[c] += list[c] * weight
          }
        }
      }
    }
    return (moments, tMoments)
  }
}

/// Up to sixteen pairs of aliases along x and y.
private struct InlinePairs {
  struct Pair {
    var x: Double, y: Double, weight: Double, c0: Double, c1: Double
  }
  private(set) var count = 0
  private var xs = SIMD16<Double>.zero
  private var ys = SIMD16<Double>.zero
  private var weights = SIMD16<Double>.zero
  private var c0s = SIMD16<Double>.zero
  private var c1s = SIMD16<Double>.zero

  mutating func append(_ x: Double, _ y: Double, _ weight: Double, _ c0: Double, _ c1: Double) {
    xs[count] = x
    ys[count] = y
    weights[count] = weight
    c0s[count] = c0
    c1s[count] = c1
    count += 1
  }

  @inline(__always)
  subscript(i: Int) -> Pair { Pair(x: xs[i], y: ys[i], weight: weights[i], c0: c0s[i], c1: c1s[i]) }
}
