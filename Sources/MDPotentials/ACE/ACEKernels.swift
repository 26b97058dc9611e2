import MDNumerics

/// The loops over the neighbours of a block of atoms: sums A, and back to gradients. A slot is the k-th neighbour of
/// each atom of the block, a lane an atom.
enum ACEKernels {
  /// What a slot's record begins with: n and 1/r. Then radial functions, then their slopes.
  static let headLanes = 4
  /// Slots whose harmonics are in the cache at a time.
  static let chunk = 8

  /// A_nlm += Σ R_nl Y_lm over the slots of a chunk, for N radial functions and l = 0 … L. `functions` are those of the
  /// block in the first record, `harmonics` those of the first slot.
  @inline(__always)
  static func accumulate<let N: Int>(
    _: Size<N>.Type, _ functions: UnsafePointer<AtomLanes>, stride: Int, _ harmonics: UnsafePointer<AtomLanes>,
    width: Int, count: Int, degree: Int, _ sums: UnsafeMutablePointer<AtomLanes>
  ) {
    // l = 0: Y = 1.
    var zonal = InlineArray<N, AtomLanes>(repeating: .zero)
    for n in 0..<N { zonal[n] = sums[n] }
    var f = functions
    for _ in 0..<count {
      for n in 0..<N { zonal[n] += f[n] }
      f += stride
    }
    for n in 0..<N { sums[n] = zonal[n] }
    var l = 1
    while l <= degree {
      let own = sums + l &* l &* N
      let first = functions + l &* N
      let y = harmonics + (l &* l &- 1)
      for n in 0..<N { zonal[n] = own[n] }
      var f = first
      var g = y
      for _ in 0..<count {
        let value = g[0]
        for n in 0..<N { zonal[n].addProduct(f[n], value) }
        f += stride
        g += width
      }
      for n in 0..<N { own[n] = zonal[n] }
      var m = 1
      while m <= l {
        let pair = own + (2 &* m &- 1) &* N
        var a = InlineArray<N, AtomLanes>(repeating: .zero)
        var b = InlineArray<N, AtomLanes>(repeating: .zero)
        for n in 0..<N {
          a[n] = pair[n]
          b[n] = pair[N &+ n]
        }
        var f = first
        var g = y + (2 &* m &- 1)
        for _ in 0..<count {
          let (c, s) = (g[0], g[1])
          for n in 0..<N {
            let r = f[n]
            a[n].addProduct(r, c)
            b[n].addProduct(r, s)
          }
          f += stride
          g += width
        }
        for n in 0..<N {
          pair[n] = a[n]
          pair[N &+ n] = b[n]
        }
        m &+= 1
      }
      l &+= 1
    }
  }

  /// h_lm += Σ_n R_nl D_nlm of two slots, which share the loads of D = ∂E/∂A; and Σ_nl R′_nl Σ_m D_nlm Y_lm of each.
  @inline(__always)
  static func pullBack<let N: Int>(
    _: Size<N>.Type, _ one: UnsafePointer<AtomLanes>, _ two: UnsafePointer<AtomLanes>, slopes: Int, degree: Int,
    _ adjoint: UnsafePointer<AtomLanes>, _ y1: UnsafePointer<AtomLanes>, _ y2: UnsafePointer<AtomLanes>,
    _ h1: UnsafeMutablePointer<AtomLanes>, _ h2: UnsafeMutablePointer<AtomLanes>
  ) -> (AtomLanes, AtomLanes) {
    var slope1 = AtomLanes.zero
    var slope2 = AtomLanes.zero
    for n in 0..<N {
      slope1.addProduct(one[slopes &+ n], adjoint[n])
      slope2.addProduct(two[slopes &+ n], adjoint[n])
    }
    var d = adjoint + N
    var place = 0
    var l = 1
    while l <= degree {
      var r1 = InlineArray<N, AtomLanes>(repeating: .zero)
      var r2 = InlineArray<N, AtomLanes>(repeating: .zero)
      var s1 = InlineArray<N, AtomLanes>(repeating: .zero)
      var s2 = InlineArray<N, AtomLanes>(repeating: .zero)
      let (p, q) = (one + l &* N, two + l &* N)
      for n in 0..<N {
        r1[n] = p[n]
        r2[n] = q[n]
      }
      for _ in 0..<(2 &* l &+ 1) {
        let (v1, v2) = (y1[place], y2[place])
        var (t1, t2) = (h1[place], h2[place])
        for n in 0..<N {
          let own = d[n]
          t1.addProduct(r1[n], own)
          t2.addProduct(r2[n], own)
          s1[n].addProduct(own, v1)
          s2[n].addProduct(own, v2)
        }
        h1[place] = t1
        h2[place] = t2
        place &+= 1
        d += N
      }
      for n in 0..<N {
        slope1.addProduct(p[slopes &+ n], s1[n])
        slope2.addProduct(q[slopes &+ n], s2[n])
      }
      l &+= 1
    }
    return (slope1, slope2)
  }
}
