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

  /// Computes G for a cell, and the tensors t if somebody wants virials. Returns this rank's part of the sums that
  /// `SelfInteraction` needs: of G, then of the six t.
  func fill(_ cell: PeriodicCell, splitting: Double, tensors wantsTensors: Bool) -> [ShiftedSums] {
    self.cell = cell
    alpha = splitting
    if wantsTensors { tensors.reserve(max(6 * count, 1)) }
    var sums = [ShiftedSums](repeating: ShiftedSums(), count: wantsTensors ? 7 : 1)
    let moments = AlignedBuffer<InfluenceRow.Moments>(capacity: 7)
    forEachRow { row in
      row.evaluate(
        values.pointer + row.offset, wantsTensors ? tensors.pointer + row.offset : nil, stride: count,
        moments.pointer)
      for k in sums.indices { sums[k].add(row, moments.pointer[k]) }
    }
    return sums
  }

  private func forEachRow(_ body: (InfluenceRow) -> Void) {
    let zs = fft.spectrumZs
    guard !zs.isEmpty else { return }
    let pairs = AlignedBuffer<AliasPair>(capacity: 16)
    axes[2].withUnsafeBufferPointer { z in
      var offset = 0
      for x in axes[0] {
        for y in fft.spectrumYs {
          body(
            InfluenceRow(
              x: x, y: axes[1][y], zs: UnsafeBufferPointer(rebasing: z[zs]), firstZ: zs.lowerBound,
              meshZ: fft.blocks.mesh.z, offset: offset, cell: cell, alpha: alpha, pairs: pairs.pointer))
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
    return s * Matrix3.identity - cartesian([xx, yy, zz, xy, xz, yz])
  }

  /// Σ_ab t_ab a*_a ⊗ a*_b.
  func cartesian(_ t: UnsafePointer<Double>) -> Matrix3 {
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
  /// Scratch for sixteen.
  let pairs: UnsafeMutablePointer<AliasPair>

  /// Aliases with smaller Gaussians than e^−45 are left out.
  private static let largestExponent = 45.0

  @inline(__always)
  func multiplicity(_ k: Int) -> Double { firstZ + k == 0 || 2 * (firstZ + k) == meshZ ? 1 : 2 }

  /// Sums along the row of g, weighed by Σŵ², Σŵŵ₁, Σŵŵ₂ of z (`AliasSums.sum0`, `shifted1`, `shifted2`).
  typealias Moments = SIMD4<Double>

  /// Writes G, and the six t at `t` + k·`stride`; gives the moments of G and, if there are, of the six t.
  func evaluate(
    _ g: UnsafeMutablePointer<Double>, _ t: UnsafeMutablePointer<Double>?, stride: Int,
    _ moments: UnsafeMutablePointer<Moments>
  ) {
    let factor = 4 * Double.pi * Units.coulomb / cell.volume
    let width = 1 / (4 * alpha * alpha)
    let r = cell.reciprocal
    let (rxx, ryy, rzz) = (dot(r.x, r.x), dot(r.y, r.y), dot(r.z, r.z))
    let (rxy, rxz, ryz) = (dot(r.x, r.y), dot(r.x, r.z), dot(r.y, r.z))
    let four = 4 * Double.pi * Double.pi
    // Along z, k²/4α² = c₀ + c₁ν + c₂ν² for each pair of aliases of x and y that matters at all.
    let c2 = four * width * rzz
    var count = 0
    for a in 0..<4 where x.nearWeights[a] > 0 {
      for b in 0..<4 where y.nearWeights[b] > 0 {
        let (nx, ny) = (x.near[a], y.near[b])
        let c0 = four * width * (nx * nx * rxx + ny * ny * ryy + 2 * nx * ny * rxy)
        let c1 = 2 * four * width * (nx * rxz + ny * ryz)
        guard c0 - c1 * c1 / (4 * c2) < Self.largestExponent else { continue }
        pairs[count] = AliasPair(x: nx, y: ny, weight: x.nearWeights[a] * y.nearWeights[b], c0: c0, c1: c1)
        count += 1
      }
    }
    moments.update(repeating: .zero, count: t == nil ? 1 : 7)
    let xy = x.sum0 * y.sum0
    // Σ ŵ² ν_a ν_b of x and y, to be multiplied by those of z.
    let p = rxx * x.sum2 * y.sum0 + ryy * x.sum0 * y.sum2 + 2 * rxy * x.sum1 * y.sum1
    let q = 2 * (rxz * x.sum1 * y.sum0 + ryz * x.sum0 * y.sum1)
    let isAxis = x.frequency == 0 && y.frequency == 0
    for k in zs.indices {
      let z = zs.baseAddress! + k
      let near = z.pointee.near
      var e0 = 0.0
      var (exx, eyy, ezz, exy, exz, eyz) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
      for i in 0..<count {
        let pair = pairs[i]
        let exponents = near * (near * c2 + Lanes(repeating: pair.c1)) + Lanes(repeating: pair.c0)
        for l in 0..<4 {
          guard exponents[l] < Self.largestExponent, z.pointee.nearWeights[l] > 0 else { continue }
          let nz = near[l]
          let e = pair.weight * z.pointee.nearWeights[l] * exp(0 - exponents[l])
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
      let (z0, z1, z2) = (z.pointee.sum0, z.pointee.sum1, z.pointee.sum2)
      let k2 = four * (p * z0 + q * z1 + rzz * xy * z2)
      let isZero = e0 == 0 || (isAxis && z.pointee.frequency == 0)
      let value = isZero ? 0 : factor * e0 / (xy * z0 * k2)
      g[k] = value
      let weight = multiplicity(k) * Moments(z0, z.pointee.shifted1, z.pointee.shifted2, 0)
      moments[0] += value * weight
      guard let t else { continue }
      let a = isZero ? 0 : four * value * 2 * width / e0
      let b = isZero ? 0 : four * value * 2 / k2
      func set(_ component: Int, _ value: Double) {
        t[component &* stride &+ k] = value
        moments[component &+ 1] += value * weight
      }
      set(0, a * exx + b * x.sum2 * y.sum0 * z0)
      set(1, a * eyy + b * x.sum0 * y.sum2 * z0)
      set(2, a * ezz + b * xy * z2)
      set(3, a * exy + b * x.sum1 * y.sum1 * z0)
      set(4, a * exz + b * x.sum1 * y.sum0 * z1)
      set(5, a * eyz + b * x.sum0 * y.sum1 * z1)
    }
  }
}

/// A pair of aliases along x and y, and what it adds to k²/4α² along z.
struct AliasPair: BitwiseCopyable {
  var x: Double, y: Double, weight: Double, c0: Double, c1: Double
}
