import MDNumerics

/// Value and gradient of Σ A_jlm C_jl(w) Y_lm(q) at a neighbour, each with the switched weight that is in the
/// record's Y.
///
/// First the sums over j, S_lm = Σ_j A_jlm C_jl and S'_lm = Σ_j A_jlm C'_jl / 2(l + 1), for two neighbours at once that
/// share the loads of A (C'_jl = 2(l + 1) C_{j,l+1}). Then the sums over l and m. Solid harmonics scaled as in
/// `solidHarmonics` have the gradients
///
///     ∂z Y_lm = Y_{l−1,m},   (∂x + i∂y) Y_lm = −Y_{l−1,m+1},   (∂x − i∂y) Y_lm = Y_{l−1,m−1}.
struct SNAPGradient {
  var value = AtomLanes.zero
  /// ∂/∂w and ∂/∂q.
  var w = AtomLanes.zero
  var x = AtomLanes.zero
  var y = AtomLanes.zero
  var z = AtomLanes.zero

  /// S, S' of the first neighbour, S, S' of the second, for each harmonic.
  static func sumOverOrders(
    _ adjoint: UnsafePointer<AtomLanes>, _ first: UnsafePointer<AtomLanes>, _ second: UnsafePointer<AtomLanes>,
    _ twojmax: Int,
    into sums: UnsafeMutablePointer<AtomLanes>
  ) {
    var a = adjoint
    var c = first
    var d = second
    var out = sums
    for l in 0...twojmax {
      let orders = twojmax + 1 - l
      let nextC = c + orders - 1
      let nextD = d + orders - 1
      // m = 0, then the cosine and sine of each m.
      var s0 = a[0] * c[0]
      var s2 = a[0] * d[0]
      var s1 = AtomLanes.zero
      var s3 = AtomLanes.zero
      for n in stride(from: 1, to: orders, by: 1) {
        s0.addProduct(a[n], c[n])
        s1.addProduct(a[n], nextC[n])
        s2.addProduct(a[n], d[n])
        s3.addProduct(a[n], nextD[n])
      }
      out[0] = s0
      out[1] = s1
      out[2] = s2
      out[3] = s3
      out += 4
      a += orders
      for _ in 0..<l {
        let b = a + orders
        var s0 = a[0] * c[0]
        var s4 = b[0] * c[0]
        var s2 = a[0] * d[0]
        var s6 = b[0] * d[0]
        var s1 = AtomLanes.zero
        var s3 = AtomLanes.zero
        var s5 = AtomLanes.zero
        var s7 = AtomLanes.zero
        for n in stride(from: 1, to: orders, by: 1) {
          let an = a[n]
          let bn = b[n]
          s0.addProduct(an, c[n])
          s4.addProduct(bn, c[n])
          s1.addProduct(an, nextC[n])
          s5.addProduct(bn, nextC[n])
          s2.addProduct(an, d[n])
          s6.addProduct(bn, d[n])
          s3.addProduct(an, nextD[n])
          s7.addProduct(bn, nextD[n])
        }
        out[0] = s0
        out[1] = s1
        out[2] = s2
        out[3] = s3
        out[4] = s4
        out[5] = s5
        out[6] = s6
        out[7] = s7
        out += 8
        a += 2 * orders
      }
      c += orders
      d += orders
    }
  }

  /// `sums` starts at this neighbour's S.
  @inline(__always)
  init(_ sums: UnsafePointer<AtomLanes>, _ harmonics: UnsafePointer<AtomLanes>, _ twojmax: Int) {
    var h = harmonics
    var below = harmonics
    var s = sums
    for l in 0...twojmax {
      var change = s[1] * h[0]
      value.addProduct(s[0], h[0])
      if l > 0 {
        z.addProduct(s[0], below[0])
        if l > 1 {
          let minus = s[0] * -2
          x.addProduct(minus, below[1])
          y.addProduct(minus, below[2])
        }
        // m = 1 … l − 2 have neighbours on both sides; those of m − 1 = 0 have no sine.
        var minusCosine = below[0]
        var minusSine = AtomLanes.zero
        for m in stride(from: 1, to: l - 1, by: 1) {
          let slot = 2 * m - 1
          let (c, d) = (s[4 * slot], s[4 * slot + 4])
          value.addProduct(c, h[slot])
          change.addProduct(s[4 * slot + 1], h[slot])
          value.addProduct(d, h[slot + 1])
          change.addProduct(s[4 * slot + 5], h[slot + 1])
          z.addProduct(c, below[slot])
          z.addProduct(d, below[slot + 1])
          let plusCosine = below[slot + 2]
          let plusSine = below[slot + 3]
          x.addProduct(c, minusCosine - plusCosine)
          x.addProduct(d, minusSine - plusSine)
          y.addProduct(d, minusCosine + plusCosine)
          y -= c * (minusSine + plusSine)
          minusCosine = below[slot]
          minusSine = below[slot + 1]
        }
        if l > 1 {
          let slot = 2 * l - 3
          let (c, d) = (s[4 * slot], s[4 * slot + 4])
          value.addProduct(c, h[slot])
          change.addProduct(s[4 * slot + 1], h[slot])
          value.addProduct(d, h[slot + 1])
          change.addProduct(s[4 * slot + 5], h[slot + 1])
          z.addProduct(c, below[slot])
          z.addProduct(d, below[slot + 1])
          x.addProduct(c, minusCosine)
          x.addProduct(d, minusSine)
          y.addProduct(d, minusCosine)
          y -= c * minusSine
          minusCosine = below[slot]
          minusSine = below[slot + 1]
        }
        let slot = 2 * l - 1
        let (c, d) = (s[4 * slot], s[4 * slot + 4])
        value.addProduct(c, h[slot])
        change.addProduct(s[4 * slot + 1], h[slot])
        value.addProduct(d, h[slot + 1])
        change.addProduct(s[4 * slot + 5], h[slot + 1])
        x.addProduct(c, minusCosine)
        x.addProduct(d, minusSine)
        y.addProduct(d, minusCosine)
        y -= c * minusSine
      }
      w.addProduct(change, AtomLanes(repeating: Double(2 * (l + 1))))
      below = h
      h += 2 * l + 1
      s += 4 * (2 * l + 1)
    }
    x *= 0.5
    y *= 0.5
  }
}
