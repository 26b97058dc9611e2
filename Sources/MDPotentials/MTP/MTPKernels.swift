import MDNumerics
import MDPotentialFiles

/// The loops over neighbours of the moment tensor potential: radial functions, sums of moments, forces. A slot is the
/// k-th neighbour of the atoms of a block.
enum MTPKernels {
  /// What a slot keeps: n, 1/r, then f_μ and f'_μ.
  static let headLanes = 4

  /// Constants of the radial functions.
  struct Radial {
    /// x = slope · r + offset goes from −1 at the minimum distance to 1 at the cutoff.
    var slope, offset, cutoff: Double
    /// Below it the functions stay as they are (RBChebyshev_repuls); −∞ for none.
    var floor: Double
    var basisSize: Int
  }

  /// f_μ = Σ_β c_μβ T_β(x) (r − r_c)² and its derivative. `coefficients`: β by β, the c_μβ of all μ, then
  /// c_μβ · β · dx/dr, as T'_β = β U_{β−1}.
  @inline(__always)
  static func radial<let N: Int>(
    _: Size<N>.Type, _ x: AtomLanes, _ y: AtomLanes, _ z: AtomLanes, _ r: Radial,
    _ coefficients: UnsafePointer<Double>, stride: Int, _ record: UnsafeMutablePointer<AtomLanes>
  ) {
    let square = (x * x).addingProduct(y, y).addingProduct(z, z)
    let distance = square.squareRoot()
    let inverse = reciprocal(distance)
    record[0] = x * inverse
    record[1] = y * inverse
    record[2] = z * inverse
    record[3] = inverse
    var clamped = distance
    var isBelow = SIMDMask<AtomLanes.MaskStorage>(repeating: false)
    if r.floor > 0 {
      isBelow = distance .<= r.floor
      clamped.replace(with: r.floor, where: isBelow)
    }
    let u = AtomLanes(repeating: r.offset).addingProduct(clamped, AtomLanes(repeating: r.slope))
    let twice = u + u
    var values = InlineArray<N, AtomLanes>(repeating: .zero)
    var slopes = InlineArray<N, AtomLanes>(repeating: .zero)
    var t = AtomLanes(repeating: 1)
    var before = u
    // U_{β−1}, beginning with U_{−1} = 0; T_{−1} = x.
    var s = AtomLanes.zero
    var sBefore = AtomLanes(repeating: -1)
    var c = coefficients
    for _ in 0..<r.basisSize {
      for m in 0..<N {
        values[m].addProduct(t, c[m])
        slopes[m].addProduct(s, c[N + m])
      }
      c += 2 * N
      let nextT = (-before).addingProduct(twice, t)
      before = t
      t = nextT
      let nextS = (-sBefore).addingProduct(twice, s)
      sBefore = s
      s = nextS
    }
    let e = clamped - r.cutoff
    let envelope = e * e
    let change = e + e
    for m in 0..<N {
      record[headLanes + m] = values[m] * envelope
      var slope = (slopes[m] * envelope).addingProduct(values[m], change)
      if r.floor > 0 { slope.replace(with: 0, where: isBelow) }
      record[headLanes + stride + m] = slope
    }
  }

  /// Slots whose monomials are in the cache at a time.
  static let chunk = 8

  /// n_x^a n_y^b n_z^c of the slots of a chunk: monomial m of slot k at out[m · chunk + k].
  @inline(__always)
  static func monomials(
    _ records: UnsafePointer<AtomLanes>, stride: Int, count: Int, _ monomials: UnsafePointer<MTPPlan.Monomial>,
    _ monomialCount: Int, _ out: UnsafeMutablePointer<AtomLanes>
  ) {
    for k in 0..<count { out[k] = AtomLanes(repeating: 1) }
    for m in 1..<max(monomialCount, 1) {
      let parent = UnsafePointer(out) + Int(monomials[m].parent) * chunk
      let axis = records + Int(monomials[m].axis)
      let target = out + m * chunk
      for k in 0..<count { target[k] = parent[k] * axis[k * stride] }
    }
  }

  struct Four {
    var a = AtomLanes.zero, b = AtomLanes.zero, c = AtomLanes.zero, d = AtomLanes.zero
  }

  /// sums[μ, m] += Σ over the slots of a chunk of f_μ · monomial m, for monomials that N radial functions need.
  static func accumulate<let N: Int>(
    _: Size<N>.Type, _ records: UnsafePointer<AtomLanes>, stride: Int, count: Int, _ range: Range<Int>,
    _ monomials: UnsafePointer<AtomLanes>, _ places: UnsafePointer<Int32>, _ radialCount: Int,
    _ sums: UnsafeMutablePointer<AtomLanes>
  ) {
    let f = records + headLanes
    var m = range.lowerBound
    while m + 4 <= range.upperBound {
      var total = InlineArray<N, Four>(repeating: Four())
      let place = places + m * radialCount
      for n in 0..<N {
        total[n].a = sums[Int(place[n])]
        total[n].b = sums[Int(place[radialCount + n])]
        total[n].c = sums[Int(place[2 * radialCount + n])]
        total[n].d = sums[Int(place[3 * radialCount + n])]
      }
      let p = monomials + m * chunk
      for k in 0..<count {
        let (a, b, c, d) = (p[k], p[k + chunk], p[k + 2 * chunk], p[k + 3 * chunk])
        for n in 0..<N {
          let value = f[k * stride + n]
          total[n].a.addProduct(value, a)
          total[n].b.addProduct(value, b)
          total[n].c.addProduct(value, c)
          total[n].d.addProduct(value, d)
        }
      }
      for n in 0..<N {
        sums[Int(place[n])] = total[n].a
        sums[Int(place[radialCount + n])] = total[n].b
        sums[Int(place[2 * radialCount + n])] = total[n].c
        sums[Int(place[3 * radialCount + n])] = total[n].d
      }
      m += 4
    }
    while m < range.upperBound {
      let place = places + m * radialCount
      var total = InlineArray<N, AtomLanes>(repeating: .zero)
      for n in 0..<N { total[n] = sums[Int(place[n])] }
      let p = monomials + m * chunk
      for k in 0..<count {
        for n in 0..<N { total[n].addProduct(f[k * stride + n], p[k]) }
      }
      for n in 0..<N { sums[Int(place[n])] = total[n] }
      m += 1
    }
  }

  /// With P_μ(n) = Σ D n_x^a n_y^b n_z^c: the gradient of Σ_μ f_μ P_μ with respect to n, and Σ_μ f'_μ P_μ.
  struct Gradient {
    var x = AtomLanes.zero, y = AtomLanes.zero, z = AtomLanes.zero
    var slope = AtomLanes.zero
  }

  /// Sums over a plane of one power of n_z, Horner in n_y over rows.
  private struct Plane {
    var value = AtomLanes.zero, x = AtomLanes.zero, y = AtomLanes.zero, slope = AtomLanes.zero

    @inline(__always)
    mutating func step(_ ny: AtomLanes, _ row: AtomLanes, _ rowX: AtomLanes, _ rowSlope: AtomLanes) {
      y = value.addingProduct(y, ny)
      value = row.addingProduct(value, ny)
      x = rowX.addingProduct(x, ny)
      slope = rowSlope.addingProduct(slope, ny)
    }
  }

  /// Of two slots at once, which share the loads of D.
  @inline(__always)
  static func gradients(
    _ adjoint: UnsafePointer<AtomLanes>, _ rowCounts: UnsafePointer<Int32>, _ rows: UnsafePointer<MTPPlan.Row>,
    rank: Int, _ one: UnsafePointer<AtomLanes>, _ two: UnsafePointer<AtomLanes>, _ radialStride: Int
  ) -> (Gradient, Gradient) {
    let (x1, y1, z1) = (one[0], one[1], one[2])
    let (x2, y2, z2) = (two[0], two[1], two[2])
    var first = (Gradient(), Gradient())
    var row = rows
    var counts = rowCounts
    for c in 0...1 {
      var p1 = Plane()
      var p2 = Plane()
      for _ in 0..<(rank + 1 - c) {
        var v1 = AtomLanes.zero, d1 = AtomLanes.zero, s1 = AtomLanes.zero
        var v2 = AtomLanes.zero, d2 = AtomLanes.zero, s2 = AtomLanes.zero
        let functions = Int(counts[0])
        counts += 1
        for m in 0..<functions {
          let coefficients = adjoint + Int(row[m].place)
          var a = Int(row[m].count) - 1
          var w1 = coefficients[a]
          var w2 = w1
          var e1 = AtomLanes.zero
          var e2 = AtomLanes.zero
          while a > 0 {
            a -= 1
            let next = coefficients[a]
            e1 = w1.addingProduct(e1, x1)
            e2 = w2.addingProduct(e2, x2)
            w1 = next.addingProduct(w1, x1)
            w2 = next.addingProduct(w2, x2)
          }
          let (f1, f2) = (one[headLanes + m], two[headLanes + m])
          v1.addProduct(f1, w1)
          v2.addProduct(f2, w2)
          d1.addProduct(f1, e1)
          d2.addProduct(f2, e2)
          s1.addProduct(one[headLanes + radialStride + m], w1)
          s2.addProduct(two[headLanes + radialStride + m], w2)
        }
        row += functions
        p1.step(y1, v1, d1, s1)
        p2.step(y2, v2, d2, s2)
      }
      if c == 0 {
        first = (
          Gradient(x: p1.x, y: p1.y, z: .zero, slope: p1.slope), Gradient(x: p2.x, y: p2.y, z: .zero, slope: p2.slope)
        )
      } else {
        first.0.x.addProduct(p1.x, z1)
        first.0.y.addProduct(p1.y, z1)
        first.0.z = p1.value
        first.0.slope.addProduct(p1.slope, z1)
        first.1.x.addProduct(p2.x, z2)
        first.1.y.addProduct(p2.y, z2)
        first.1.z = p2.value
        first.1.slope.addProduct(p2.slope, z2)
      }
    }
    return first
  }
}
