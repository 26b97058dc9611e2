import MDNumerics

/// `SolidHarmonics` of unit vectors from degree 1 on: Y_lm at l² − 1 + slot. With |n| = 1
///
///     Y_lm = Q_lm(z) (x + iy)ᵐ/(2ᵐ m!),   Q_mm = 1,   Q_lm = ((2l − 1) z Q_{l−1,m} − Q_{l−2,m})/(l² − m²),
///
/// so that a factor is made once for cosine and sine.
enum UnitHarmonics {
  static func count(_ degree: Int) -> Int { degree * (degree + 2) }

  /// (2l − 1)/(l² − m²) and 1/(l² − m²) for m = 0 … L and l = m + 2 … L, then 1/(2m) for m = 1 … L.
  static func factors(_ degree: Int) -> [Double] {
    var all: [Double] = []
    for m in 0...degree {
      for l in stride(from: m + 2, through: degree, by: 1) {
        let size = Double(l * l - m * m)
        all += [Double(2 * l - 1) / size, 1 / size]
      }
    }
    return all + (1...degree).map { 0.5 / Double($0) }
  }

  @inline(__always)
  static func evaluate<V: PairLanes>(
    _ x: V, _ y: V, _ z: V, _ degree: Int, _ factors: UnsafePointer<V.Scalar>, _ out: UnsafeMutablePointer<V>
  ) {
    var f = factors
    let halves = factors + degree * (degree - 1)
    var c = V(repeating: 1)
    var s = V.zero
    var m = 0
    while m <= degree {
      if m > 0 {
        let half = V(repeating: halves[m &- 1])
        let next = x.times(c).subtractingProduct(y, s).times(half)
        s = x.times(s).addingProduct(y, c).times(half)
        c = next
        out[m &* m &- 1 &+ 2 &* m &- 1] = c
        out[m &* m &- 1 &+ 2 &* m] = s
      }
      var before = V(repeating: 1)
      var q = z
      var l = m &+ 1
      while l <= degree {
        if l > m &+ 1 {
          let next = z.times(V(repeating: f[0])).times(q)
          let new = next.subtractingProduct(before, V(repeating: f[1]))
          before = q
          q = new
          f += 2
        }
        let row = out + (l &* l &- 1)
        if m == 0 {
          row[0] = q
        } else {
          row[2 &* m &- 1] = q.times(c)
          row[2 &* m] = q.times(s)
        }
        l &+= 1
      }
      m &+= 1
    }
  }

  /// Σ h_lm ∇Y_lm, the Y as functions of all space: not yet projected. `values` are those of `evaluate`.
  @inline(__always)
  static func gradient<V: PairLanes>(
    _ h: UnsafePointer<V>, _ values: UnsafePointer<V>, _ degree: Int
  ) -> (x: V, y: V, z: V) {
    // Halves of x and y, and the parts of the zonal ones, which are without the half.
    var x = h[1], y = h[2], z = h[0]
    var wholeX = V.zero, wholeY = V.zero
    var z2 = V.zero, x2 = V.zero, y2 = V.zero
    var l = 2
    while l <= degree {
      let own = h + (l &* l &- 1)
      let low = values + ((l &- 1) &* (l &- 1) &- 1)
      z.addProduct(own[0], low[0])
      wholeX.addProduct(own[0], low[1])
      wholeY.addProduct(own[0], low[2])
      // m = 1: the one below is zonal.
      var (c, s) = (own[1], own[2])
      z.addProduct(c, low[1])
      z2.addProduct(s, low[2])
      if l > 2 {
        x.addProduct(c, low[0].minus(low[3]))
        x2 = x2.subtractingProduct(s, low[4])
        y.addProduct(s, low[0].plus(low[3]))
        y2 = y2.subtractingProduct(c, low[4])
      } else {
        x.addProduct(c, low[0])
        y.addProduct(s, low[0])
      }
      var m = 2
      while m <= l {
        (c, s) = (own[2 &* m &- 1], own[2 &* m])
        let (below, belowS) = (low[2 &* m &- 3], low[2 &* m &- 2])
        if m <= l &- 2 {
          let (above, aboveS) = (low[2 &* m &+ 1], low[2 &* m &+ 2])
          x.addProduct(c, below.minus(above))
          x2.addProduct(s, belowS.minus(aboveS))
          y.addProduct(s, below.plus(above))
          y2 = y2.subtractingProduct(c, belowS.plus(aboveS))
        } else {
          x.addProduct(c, below)
          x2.addProduct(s, belowS)
          y.addProduct(s, below)
          y2 = y2.subtractingProduct(c, belowS)
        }
        if m < l {
          z.addProduct(c, low[2 &* m &- 1])
          z2.addProduct(s, low[2 &* m])
        }
        m &+= 1
      }
      l &+= 1
    }
    let half = V(repeating: 0.5)
    return (x.plus(x2).times(half).minus(wholeX), y.plus(y2).times(half).minus(wholeY), z.plus(z2))
  }
}
