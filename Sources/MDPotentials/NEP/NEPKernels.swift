import MDNumerics

/// The loops over the neighbours of a block of atoms: what is a function of a pair, sums over neighbours, gradients. A
/// slot is the k-th neighbour of each atom of the block, a lane an atom; in singles two slots are one vector
/// (`PairLanes`), and what is said of a slot is that of two.
enum NEPKernels {
  /// What each slot keeps: n, 1/r, and of the radial functions x, f_c, f_c′, x′.
  static let headLanes = 8

  /// Fills the head of a slot.
  @inline(__always)
  static func head<V: NEPLanes>(
    _ d: (x: V, y: V, z: V), inverseCutoff: V.Scalar, _ constants: UnsafePointer<V>, _ head: UnsafeMutablePointer<V>
  ) -> V {
    let square = d.x.times(d.x).addingProduct(d.y, d.y).addingProduct(d.z, d.z)
    let r = square.squareRoot()
    let inverse = r.reciprocal()
    head[0] = d.x.times(inverse)
    head[1] = d.y.times(inverse)
    head[2] = d.z.times(inverse)
    head[3] = inverse
    let (x, value, slope, change) = reduced(r, inverseCutoff: inverseCutoff, constants)
    head[4] = x
    head[5] = value
    head[6] = slope
    head[7] = change
    return r
  }

  /// x = 2(u − 1)² − 1 (counted from `origin`), f_c, f_c′ and x′ at a distance.
  @inline(__always)
  static func reduced<V: NEPLanes>(
    _ r: V, inverseCutoff: V.Scalar, _ constants: UnsafePointer<V>
  ) -> (x: V, value: V, slope: V, change: V) {
    let one = V(repeating: 1)
    let scale = V(repeating: inverseCutoff)
    let u = r.times(scale).limited(to: one)
    let v = one.minus(u)
    let (value, slope) = V.envelope(u, v, constants)
    let twice = v.plus(v)
    let lowest = V(repeating: -1 - V.origin)
    return (lowest.addingProduct(twice, v), value, slope.times(scale), V(repeating: -2).times(twice).times(scale))
  }

  /// sums[k] += Σ f_c T_k(x) over the slots of a range, k = 0 ..< K.
  @inline(__always)
  static func radialSums<V: NEPLanes, let K: Int>(
    _: Size<K>.Type, _ heads: UnsafePointer<V>, _ range: Range<Int>, _ sums: UnsafeMutablePointer<V>
  ) {
    var total = InlineArray<K, V>(repeating: .zero)
    for k in 0..<K { total[k] = sums[k] }
    var head = heads + headLanes &* range.lowerBound
    for _ in range {
      let x = V.fromOrigin(head[4])
      let twice = x.plus(x)
      var before = head[5]
      var t = x.times(before)
      total[0] = total[0].plus(before)
      for k in 1..<K {
        total[k] = total[k].plus(t)
        let next = V.zero.minus(before).addingProduct(twice, t)
        before = t
        t = next
      }
      head += headLanes
    }
    for k in 0..<K { sums[k] = total[k] }
  }

  /// g_n and g_n′ of a slot within the angular cutoff, side by side.
  @inline(__always)
  static func angularFunctions<V: NEPLanes, let N: Int>(
    _: Size<N>.Type, _ r: V, inverseCutoff: V.Scalar, _ constants: UnsafePointer<V>,
    _ polynomials: UnsafePointer<V.Scalar>, basis: Int, _ out: UnsafeMutablePointer<V>
  ) {
    let (x, value, slope, change) = reduced(r, inverseCutoff: inverseCutoff, constants)
    var p = InlineArray<N, V>(repeating: .zero)
    var d = InlineArray<N, V>(repeating: .zero)
    var c = polynomials + N &* (basis &- 1)
    for n in 0..<N { p[n] = V(repeating: c[n]) }
    for _ in 1..<max(basis, 1) {
      c -= N
      for n in 0..<N {
        d[n] = p[n].addingProduct(d[n], x)
        p[n] = V(repeating: c[n]).addingProduct(p[n], x)
      }
    }
    let product = value.times(change)
    for n in 0..<N {
      out[n] = value.times(p[n])
      out[N &+ n] = slope.times(p[n]).addingProduct(product, d[n])
    }
  }

  /// Slots whose records are in the nearest cache at a time.
  static let chunk = 8

  /// sums[lm · N + n] += Σ g_n Y_lm over some slots; two harmonics at a time.
  @inline(__always)
  static func angularSums<V: NEPLanes, let N: Int>(
    _: Size<N>.Type, _ records: UnsafePointer<V>, stride: Int, count: Int, harmonics: Int,
    _ sums: UnsafeMutablePointer<V>
  ) {
    var place = 0
    while place &+ 2 <= harmonics {
      let own = sums + N &* place
      var a = InlineArray<N, V>(repeating: .zero)
      var b = InlineArray<N, V>(repeating: .zero)
      for n in 0..<N {
        a[n] = own[n]
        b[n] = own[N &+ n]
      }
      var record = records
      for _ in 0..<count {
        let (y, z) = (record[2 &* N &+ place], record[2 &* N &+ place &+ 1])
        for n in 0..<N {
          a[n].addProduct(record[n], y)
          b[n].addProduct(record[n], z)
        }
        record += stride
      }
      for n in 0..<N {
        own[n] = a[n]
        own[N &+ n] = b[n]
      }
      place &+= 2
    }
    if place < harmonics {
      let own = sums + N &* place
      for n in 0..<N {
        var a = own[n]
        var record = records
        for _ in 0..<count {
          a.addProduct(record[n], record[2 &* N &+ place])
          record += stride
        }
        own[n] = a
      }
    }
  }

  /// h_lm = Σ_n g_n D_nlm, and Σ_n g_n′ Σ_lm D_nlm Y_lm, of a slot.
  @inline(__always)
  static func pullBack<V: NEPLanes, let N: Int>(
    _: Size<N>.Type, _ record: UnsafePointer<V>, _ adjoint: UnsafePointer<V>, harmonics: Int,
    _ h: UnsafeMutablePointer<V>
  ) -> V {
    var g = InlineArray<N, V>(repeating: .zero)
    var s = InlineArray<N, V>(repeating: .zero)
    for n in 0..<N { g[n] = record[n] }
    var d = adjoint
    let values = record + 2 &* N
    for place in 0..<harmonics {
      let y = values[place]
      var sum = g[0].times(d[0])
      s[0].addProduct(d[0], y)
      for n in 1..<N {
        let own = d[n]
        sum.addProduct(g[n], own)
        s[n].addProduct(own, y)
      }
      h[place] = sum
      d += N
    }
    var slope = record[N].times(s[0])
    for n in 1..<N { slope.addProduct(record[N &+ n], s[n]) }
    return slope
  }

  /// The slope in r of f_c Σ_k p_k x^k of a slot.
  @inline(__always)
  static func radialSlope<V: NEPLanes>(
    _ head: UnsafePointer<V>, _ polynomial: UnsafePointer<V>, basis: Int
  ) -> V {
    let x = head[4]
    var p = polynomial[basis &- 1]
    var d = V.zero
    var k = basis &- 2
    while k >= 0 {
      d = p.addingProduct(d, x)
      p = polynomial[k].addingProduct(p, x)
      k &-= 1
    }
    return head[6].times(p).addingProduct(head[5].times(head[7]), d)
  }

  /// The same of four slots in a row.
  @inline(__always)
  static func radialSlopes<V: NEPLanes>(
    _ head: UnsafePointer<V>, _ polynomial: UnsafePointer<V>, basis: Int
  ) -> InlineArray<4, V> {
    var p = InlineArray<4, V>(repeating: polynomial[basis &- 1])
    var d = InlineArray<4, V>(repeating: .zero)
    var k = basis &- 2
    while k >= 0 {
      let c = polynomial[k]
      for m in 0..<4 {
        let x = head[headLanes &* m &+ 4]
        d[m] = p[m].addingProduct(d[m], x)
        p[m] = c.addingProduct(p[m], x)
      }
      k &-= 1
    }
    for m in 0..<4 {
      let own = head + headLanes &* m
      p[m] = own[6].times(p[m]).addingProduct(own[5].times(own[7]), d[m])
    }
    return p
  }
}
