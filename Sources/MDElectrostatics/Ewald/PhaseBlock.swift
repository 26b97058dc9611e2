import Foundation
import MDCore
import MDNumerics

/// Potentials and gradients (in units of the reciprocal vectors, over 2π) of four atoms.
struct BlockField {
  var phi = Lanes.zero
  var g1 = Lanes.zero
  var g2 = Lanes.zero
  var g3 = Lanes.zero
}

/// Tables of e^(2πi n s) along the three axes for four atoms, and the sums over a row of wave vectors made with them.
///
/// The table along n₃ runs from −n to n with room for a row's padding, so that four vectors are taken at once.
struct PhaseBlock {
  private let n: SIMD3<Int>
  private let room: SIMD3<Int>
  /// For each of four atoms along each axis, real parts and then imaginary parts.
  private let first: UnsafeMutablePointer<Double>
  private let second: UnsafeMutablePointer<Double>
  private let third: UnsafeMutablePointer<Double>

  private static func rooms(_ n: SIMD3<Int>) -> SIMD3<Int> { SIMD3(n.x + 1, 2 * n.y + 1, 2 * n.z + 4) }

  static func size(_ n: SIMD3<Int>) -> Int {
    let r = rooms(n)
    return 8 * (r.x + r.y + r.z)
  }

  init(_ scratch: UnsafeMutablePointer<Double>, _ n: SIMD3<Int>) {
    self.n = n
    room = Self.rooms(n)
    first = scratch
    second = first + 8 * room.x
    third = second + 8 * room.y
  }

  /// Tables of the atoms `start` ..< `start` + 4; the last atom stands in for those beyond the end.
  func fill(_ atoms: AtomView, _ start: Int, _ cell: PeriodicCell) {
    for a in 0..<4 {
      let r = atoms.positions[min(start + a, atoms.localCount - 1)] - cell.origin
      powers(dot(r, cell.reciprocal.x), first + 2 * a * room.x, room.x, zero: 0, to: n.x, below: 0)
      powers(dot(r, cell.reciprocal.y), second + 2 * a * room.y, room.y, zero: n.y, to: n.y, below: n.y)
      powers(dot(r, cell.reciprocal.z), third + 2 * a * room.z, room.z, zero: n.z, to: n.z + 3, below: n.z)
    }
  }

  /// e^(2πi n s) for −below ≤ n ≤ to, with n = 0 at place `zero`.
  private func powers(
    _ s: Double, _ table: UnsafeMutablePointer<Double>, _ room: Int, zero: Int, to: Int, below: Int
  ) {
    let angle = 2 * Double.pi * (s - s.rounded())
    let (c, d) = (cos(angle), sin(angle))
    let real = table + zero
    let imaginary = table + room + zero
    real[0] = 1
    imaginary[0] = 0
    for k in stride(from: 1, through: to, by: 1) {
      real[k] = real[k - 1] * c - imaginary[k - 1] * d
      imaginary[k] = real[k - 1] * d + imaginary[k - 1] * c
    }
    for k in stride(from: 1, through: below, by: 1) {
      real[-k] = real[k]
      imaginary[-k] = -imaginary[k]
    }
  }

  /// e^(2πi(n₁s₁ + n₂s₂)) of atom a.
  @inline(__always)
  private func plane(_ a: Int, _ n1: Int, _ n2: Int) -> (real: Double, imaginary: Double) {
    let u = first + 2 * a &* room.x + n1
    let v = second + 2 * a &* room.y + (n2 &+ n.y)
    let (ur, ui, vr, vi) = (u[0], u[room.x], v[0], v[room.y])
    return (ur * vr - ui * vi, ur * vi + ui * vr)
  }

  func phase(_ a: Int, _ n1: Int, _ n2: Int, _ n3: Int) -> (real: Double, imaginary: Double) {
    let p = plane(a, n1, n2)
    let w = third + 2 * a * room.z + (n3 + n.z)
    return (p.real * w[0] - p.imaginary * w[room.z], p.real * w[room.z] + p.imaginary * w[0])
  }

  @inline(__always)
  private static func load(_ p: UnsafePointer<Double>) -> Lanes {
    UnsafeRawPointer(p).loadUnaligned(as: Lanes.self)
  }

  /// S(k) += Σ q e^(ik·r) over the block's first `count` atoms for a row.
  @inline(__always)
  func spread(
    _ row: WaveVectors.Row, _ charges: UnsafePointer<Double>, _ count: Int, _ real: UnsafeMutablePointer<Double>,
    _ imaginary: UnsafeMutablePointer<Double>
  ) {
    var pr = Lanes.zero
    var pi = Lanes.zero
    for a in 0..<min(4, count) {
      let p = plane(a, row.n1, row.n2)
      pr[a] = charges[a] * p.real
      pi[a] = charges[a] * p.imaginary
    }
    let table = UnsafePointer(third) + (row.first &+ n.z)
    let z = room.z
    for k in 0..<row.quads {
      var sr = Self.load(real + row.offset + 4 &* k)
      var si = Self.load(imaginary + row.offset + 4 &* k)
      for a in 0..<4 {
        let c = Self.load(table + 2 &* a &* z + 4 &* k)
        let d = Self.load(table + (2 &* a &+ 1) &* z + 4 &* k)
        sr = sr.addingProduct(c, Lanes(repeating: pr[a])).addingProduct(d, Lanes(repeating: 0 - pi[a]))
        si = si.addingProduct(d, Lanes(repeating: pr[a])).addingProduct(c, Lanes(repeating: pi[a]))
      }
      UnsafeMutableRawPointer(real + row.offset + 4 &* k).storeBytes(of: sr, as: Lanes.self)
      UnsafeMutableRawPointer(imaginary + row.offset + 4 &* k).storeBytes(of: si, as: Lanes.self)
    }
  }

  /// Adds Σ Re(S̄ e^(ik·r)) and, if wanted, Σ n Im(S̄ e^(ik·r)) of a row to the block's field.
  @inline(__always)
  func collect(
    _ row: WaveVectors.Row, _ real: UnsafePointer<Double>, _ imaginary: UnsafePointer<Double>, gradient: Bool,
    _ field: inout BlockField
  ) {
    let z = room.z
    for a in 0..<4 {
      let table = UnsafePointer(third) + 2 &* a &* z + (row.first &+ n.z)
      var zr = Lanes.zero, zi = Lanes.zero, yr = Lanes.zero, yi = Lanes.zero
      var n3 = Lanes(0, 1, 2, 3) + Lanes(repeating: Double(row.first))
      for k in 0..<row.quads {
        let sr = Self.load(real + row.offset + 4 &* k)
        let si = Self.load(imaginary + row.offset + 4 &* k)
        let c = Self.load(table + 4 &* k)
        let d = Self.load(table + z + 4 &* k)
        let re = (sr * c).addingProduct(si, d)
        let im = (sr * d).addingProduct(si * Lanes(repeating: -1), c)
        zr += re
        zi += im
        if gradient {
          yr.addProduct(n3, re)
          yi.addProduct(n3, im)
          n3 += Lanes(repeating: 4)
        }
      }
      let p = plane(a, row.n1, row.n2)
      let (r0, i0) = (zr.sum(), zi.sum())
      field.phi[a] += p.real * r0 - p.imaginary * i0
      if gradient {
        let im = p.real * i0 + p.imaginary * r0
        field.g1[a] += Double(row.n1) * im
        field.g2[a] += Double(row.n2) * im
        field.g3[a] += p.real * yi.sum() + p.imaginary * yr.sum()
      }
    }
  }
}
