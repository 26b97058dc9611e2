import MDCore
import MDNumerics

/// ξ − u(t) of `SelfInteraction` for the kernels: 2π of a mesh coordinate is counted from v, which puts the sign
/// (−1)^(p+1) before the first harmonic.
struct SelfField {
  private let constant: Double
  private let first: Lanes
  private let second: Lanes
  private let firstSlope: Lanes
  private let secondSlope: Lanes

  init(_ interaction: SelfInteraction, order: Int) {
    let sign = order.isMultiple(of: 2) ? -1.0 : 1.0
    constant = interaction.constant
    first = Lanes(sign * interaction.first, 0)
    second = Lanes(interaction.second, 0)
    firstSlope = 2 * Double.pi * first
    secondSlope = 4 * Double.pi * second
  }

  /// The harmonics cos 2πt and cos 4πt along the axes, without and with their amplitudes.
  @inline(__always)
  func value(_ v: Lanes) -> Double {
    let (_, c) = sineAndCosine(2 * Double.pi * v)
    let double = (c * c) * 2 - Lanes(repeating: 1)
    let u = (first * c).addingProduct(second, double)
    return constant - u.sum()
  }

  /// ξ − u and ∂u/∂t.
  @inline(__always)
  func valueAndGradient(_ v: Lanes) -> (value: Double, gradient: Lanes) {
    let (s, c) = sineAndCosine(2 * Double.pi * v)
    let double = (c * c) * 2 - Lanes(repeating: 1)
    let u = (first * c).addingProduct(second, double)
    let g = (firstSlope * s).addingProduct(secondSlope, 2 * s * c)
    return (constant - u.sum(), g * -1)
  }
}

extension MeshAtoms {
  /// Σ_g mesh(g) W(g − t), the potential at an atom's place.
  @inline(__always)
  private func value(
    _ place: Place, _ mesh: UnsafePointer<Double>, _ scratch: UnsafeMutablePointer<Double>
  ) -> Double {
    let w = weights(scratch)
    let ys = scratch
    let xs = scratch + 8
    Self.store(w.x, xs)
    Self.store(w.y, ys)
    var sum = Lanes8.zero
    var plane = mesh + place.first
    for x in 0..<order {
      var part = Lanes8.zero
      var row = plane
      for y in 0..<order {
        part.addProduct(Self.load(row), Lanes8(repeating: ys[y]))
        row += rowPitch
      }
      sum.addProduct(part, Lanes8(repeating: xs[x]))
      plane += planePitch
    }
    return (sum * w.z).sum()
  }

  /// potential_i = φ(r_i) + q_i [ξ − u]. Atoms must be in the window.
  func gather(
    _ mesh: UnsafePointer<Double>, _ charges: UnsafePointer<Double>, _ positions: UnsafePointer<Vector3>, count: Int,
    _ field: SelfField, into potential: UnsafeMutablePointer<Double>, scratch: UnsafeMutablePointer<Double>
  ) {
    for i in 0..<count {
      guard let place = place(positions + i, scratch) else { continue }
      potential[i] = value(place, mesh, scratch) + charges[i] * field.value(place.v)
    }
  }

  /// out[stride·i] += weight_i φ(r_i), of whatever is on the mesh.
  func gather(
    _ mesh: UnsafePointer<Double>, weights: UnsafePointer<Double>, _ positions: UnsafePointer<Vector3>, count: Int,
    into out: UnsafeMutablePointer<Double>, stride: Int, scratch: UnsafeMutablePointer<Double>
  ) {
    for i in 0..<count {
      guard let place = place(positions + i, scratch) else { continue }
      out[stride * i] += weights[i] * value(place, mesh, scratch)
    }
  }

  /// For the potential φ of the charges q = `sources` on the mesh and the charges c = `weights`, adds the forces
  /// −c_i [∇φ − ½ q_i ∇u] and returns ½ Σ c_i (φ_i + q_i [ξ − u]), adding its terms to `energies`: the energy ½ qᵀA q
  /// if c = q; else one half of the bilinear form λᵀA q, the other being that with λ and q exchanged.
  ///
  /// Sums over y and then x are taken for eight points along z at once: the potential costs one product a point, the
  /// gradient one more along y and two along x.
  func addForces(
    _ mesh: UnsafePointer<Double>, sources: UnsafePointer<Double>, weights charges: UnsafePointer<Double>,
    _ positions: UnsafePointer<Vector3>, count: Int, _ field: SelfField, basis: Matrix3,
    forces: UnsafeMutablePointer<Vector3>, energies: UnsafeMutablePointer<Double>?,
    scratch: UnsafeMutablePointer<Double>
  ) -> Double {
    let xs = scratch
    let ys = scratch + 8
    let dxs = scratch + 16
    let dys = scratch + 24
    let (bx, by, bz) = (Lanes(basis.x, 0), Lanes(basis.y, 0), Lanes(basis.z, 0))
    var energy = 0.0
    for i in 0..<count {
      guard let place = place(positions + i, scratch) else { continue }
      let w = weights(scratch)
      let d = slopes(scratch)
      Self.store(w.x, xs)
      Self.store(w.y, ys)
      Self.store(d.x, dxs)
      Self.store(d.y, dys)
      // Sums over x and y of φ with weights w_x w_y, w′_x w_y, w_x w′_y.
      var sum = Lanes8.zero
      var sumX = Lanes8.zero
      var sumY = Lanes8.zero
      var plane = mesh + place.first
      for x in 0..<order {
        var part = Lanes8.zero
        var slope = Lanes8.zero
        var row = plane
        for y in 0..<order {
          let values = Self.load(row)
          part.addProduct(values, Lanes8(repeating: ys[y]))
          slope.addProduct(values, Lanes8(repeating: dys[y]))
          row += rowPitch
        }
        let wx = Lanes8(repeating: xs[x])
        sum.addProduct(part, wx)
        sumX.addProduct(part, Lanes8(repeating: dxs[x]))
        sumY.addProduct(slope, wx)
        plane += planePitch
      }
      let phi = (sum * w.z).sum()
      let gx = (sumX * w.z).sum()
      let gy = (sumY * w.z).sum()
      let gz = (sum * d.z).sum()

      let own = field.valueAndGradient(place.v)
      let c = charges[i]
      let q = sources[i]
      // ∂/∂t of φ − ½ q u: the mesh's gradient has the charge's own half.
      Self.store(Lanes(gx, gy, gz, 0) - own.gradient * (0.5 * q), xs)
      let gradient = (bx * Lanes(repeating: xs[0])).addingProduct(by, Lanes(repeating: xs[1]))
        .addingProduct(bz, Lanes(repeating: xs[2]))
      let force = UnsafeMutableRawPointer(forces + i)
      force.storeBytes(of: force.load(as: Lanes.self).addingProduct(gradient, Lanes(repeating: 0 - c)), as: Lanes.self)
      let e = 0.5 * c * (phi + q * own.value)
      energy += e
      if let energies { energies[i] += e }
    }
    return energy
  }

  /// For each atom, where it is; for sums that need no speed.
  func forEachPlace(
    _ positions: UnsafePointer<Vector3>, count: Int, scratch: UnsafeMutablePointer<Double>,
    _ body: (Int, Lanes) -> Void
  ) {
    for i in 0..<count {
      if let place = place(positions + i, scratch) { body(i, place.v) }
    }
  }
}
