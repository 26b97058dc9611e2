import Foundation
import MDNumerics

/// The loops over the neighbours of a block of atoms: what is a function of a pair, sums over neighbours, gradients. A
/// slot is the k-th neighbour of each atom of the block, a lane an atom.
enum NEPKernels {
  /// What each slot keeps: n, 1/r, and of the radial functions x, f_c, f_c′, x′.
  static let headLanes = 8

  /// ½(1 + cos πu) and its slope in u up to u = 1, where it ends. With w = ½ − u these are ½(1 + sin πw) and
  /// −(π/2) cos πw; the series in w² leave 10⁻¹⁸ at |w| = ½.
  @inline(__always)
  static func envelope(_ u: AtomLanes, _ c: UnsafePointer<AtomLanes>) -> (value: AtomLanes, slope: AtomLanes) {
    let w = AtomLanes(repeating: 0.5) - u
    let t = w * w
    let t2 = t * t
    // Even and odd powers of w² apart: two short chains each.
    var (a, b) = (c[10], c[9])
    var (d, e) = (c[21], c[20])
    a = c[8].addingProduct(t2, a)
    d = c[19].addingProduct(t2, d)
    b = c[7].addingProduct(t2, b)
    e = c[18].addingProduct(t2, e)
    a = c[6].addingProduct(t2, a)
    d = c[17].addingProduct(t2, d)
    b = c[5].addingProduct(t2, b)
    e = c[16].addingProduct(t2, e)
    a = c[4].addingProduct(t2, a)
    d = c[15].addingProduct(t2, d)
    b = c[3].addingProduct(t2, b)
    e = c[14].addingProduct(t2, e)
    a = c[2].addingProduct(t2, a)
    d = c[13].addingProduct(t2, d)
    b = c[1].addingProduct(t2, b)
    e = c[12].addingProduct(t2, e)
    a = c[0].addingProduct(t2, a)
    d = c[11].addingProduct(t2, d)
    return (AtomLanes(repeating: 0.5).addingProduct(w, a.addingProduct(t, b)), d.addingProduct(t, e))
  }

  /// Of `envelope`: ½ sin(πw)/w in powers of w², then −(π/2) cos πw, eleven each.
  static func envelopeConstants() -> [AtomLanes] {
    var all: [Double] = []
    var sine = Double.pi / 2
    for k in 0..<11 {
      all.append(sine)
      sine *= -Double.pi * .pi / Double((2 * k + 2) * (2 * k + 3))
    }
    var cosine = -Double.pi / 2
    for k in 0..<11 {
      all.append(cosine)
      cosine *= -Double.pi * .pi / Double((2 * k + 1) * (2 * k + 2))
    }
    return all.map { AtomLanes(repeating: $0) }
  }

  /// Fills the head of a slot.
  @inline(__always)
  static func head(
    _ slot: NeighborSlots.Slot, inverseCutoff: Double, _ constants: UnsafePointer<AtomLanes>,
    _ head: UnsafeMutablePointer<AtomLanes>
  ) -> AtomLanes {
    let square = (slot.x * slot.x).addingProduct(slot.y, slot.y).addingProduct(slot.z, slot.z)
    let r = square.squareRoot()
    let inverse = reciprocal(r)
    head[0] = slot.x * inverse
    head[1] = slot.y * inverse
    head[2] = slot.z * inverse
    head[3] = inverse
    let (x, value, slope, change) = reduced(r, inverseCutoff: inverseCutoff, constants)
    head[4] = x
    head[5] = value
    head[6] = slope
    head[7] = change
    return r
  }

  /// x = 2(u − 1)² − 1, f_c, f_c′ and x′ at a distance.
  @inline(__always)
  static func reduced(
    _ r: AtomLanes, inverseCutoff: Double, _ constants: UnsafePointer<AtomLanes>
  ) -> (x: AtomLanes, value: AtomLanes, slope: AtomLanes, change: AtomLanes) {
    let one = AtomLanes(repeating: 1)
    let scale = AtomLanes(repeating: inverseCutoff)
    var u = r * scale
    u = u.replacing(with: one, where: u .> one)
    let (value, slope) = envelope(u, constants)
    let v = one - u
    let twice = v + v
    return ((-one).addingProduct(twice, v), value, slope * scale, AtomLanes(repeating: -2) * twice * scale)
  }

  /// sums[k] += Σ f_c T_k(x) over the slots of a range, k = 0 ..< K.
  @inline(__always)
  static func radialSums<let K: Int>(
    _: Size<K>.Type, _ heads: UnsafePointer<AtomLanes>, _ range: Range<Int>, _ sums: UnsafeMutablePointer<AtomLanes>
  ) {
    var total = InlineArray<K, AtomLanes>(repeating: .zero)
    for k in 0..<K { total[k] = sums[k] }
    var head = heads + headLanes &* range.lowerBound
    for _ in range {
      let twice = head[4] + head[4]
      var before = head[5]
      var t = head[4] * before
      total[0] += before
      for k in 1..<K {
        total[k] += t
        let next = (-before).addingProduct(twice, t)
        before = t
        t = next
      }
      head += headLanes
    }
    for k in 0..<K { sums[k] = total[k] }
  }

  /// g_n and g_n′ of a slot within the angular cutoff, side by side.
  @inline(__always)
  static func angularFunctions<let N: Int>(
    _: Size<N>.Type, _ r: AtomLanes, inverseCutoff: Double, _ constants: UnsafePointer<AtomLanes>,
    _ polynomials: UnsafePointer<Double>, basis: Int, _ out: UnsafeMutablePointer<AtomLanes>
  ) {
    let (x, value, slope, change) = reduced(r, inverseCutoff: inverseCutoff, constants)
    var p = InlineArray<N, AtomLanes>(repeating: .zero)
    var d = InlineArray<N, AtomLanes>(repeating: .zero)
    var c = polynomials + N &* (basis &- 1)
    for n in 0..<N { p[n] = AtomLanes(repeating: c[n]) }
    for _ in 1..<max(basis, 1) {
      c -= N
      for n in 0..<N {
        d[n] = p[n].addingProduct(d[n], x)
        p[n] = AtomLanes(repeating: c[n]).addingProduct(p[n], x)
      }
    }
    let product = value * change
    for n in 0..<N {
      out[n] = value * p[n]
      out[N &+ n] = (slope * p[n]).addingProduct(product, d[n])
    }
  }

  /// Slots whose records are in the nearest cache at a time.
  static let chunk = 8

  /// sums[lm · N + n] += Σ g_n Y_lm over some slots; two harmonics at a time.
  @inline(__always)
  static func angularSums<let N: Int>(
    _: Size<N>.Type, _ records: UnsafePointer<AtomLanes>, stride: Int, count: Int, harmonics: Int,
    _ sums: UnsafeMutablePointer<AtomLanes>
  ) {
    var place = 0
    while place &+ 2 <= harmonics {
      let own = sums + N &* place
      var a = InlineArray<N, AtomLanes>(repeating: .zero)
      var b = InlineArray<N, AtomLanes>(repeating: .zero)
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
  static func pullBack<let N: Int>(
    _: Size<N>.Type, _ record: UnsafePointer<AtomLanes>, _ adjoint: UnsafePointer<AtomLanes>, harmonics: Int,
    _ h: UnsafeMutablePointer<AtomLanes>
  ) -> AtomLanes {
    var g = InlineArray<N, AtomLanes>(repeating: .zero)
    var s = InlineArray<N, AtomLanes>(repeating: .zero)
    for n in 0..<N { g[n] = record[n] }
    var d = adjoint
    let values = record + 2 &* N
    for place in 0..<harmonics {
      let y = values[place]
      var sum = g[0] * d[0]
      s[0].addProduct(d[0], y)
      for n in 1..<N {
        let own = d[n]
        sum.addProduct(g[n], own)
        s[n].addProduct(own, y)
      }
      h[place] = sum
      d += N
    }
    var slope = record[N] * s[0]
    for n in 1..<N { slope.addProduct(record[N &+ n], s[n]) }
    return slope
  }

  /// The slope in r of f_c Σ_k p_k x^k of a slot.
  @inline(__always)
  static func radialSlope(
    _ head: UnsafePointer<AtomLanes>, _ polynomial: UnsafePointer<AtomLanes>, basis: Int
  ) -> AtomLanes {
    let x = head[4]
    var p = polynomial[basis &- 1]
    var d = AtomLanes.zero
    var k = basis &- 2
    while k >= 0 {
      d = p.addingProduct(d, x)
      p = polynomial[k].addingProduct(p, x)
      k &-= 1
    }
    return (head[6] * p).addingProduct(head[5] * head[7], d)
  }

  /// The same of four slots in a row.
  @inline(__always)
  static func radialSlopes(
    _ head: UnsafePointer<AtomLanes>, _ polynomial: UnsafePointer<AtomLanes>, basis: Int
  ) -> InlineArray<4, AtomLanes> {
    var p = InlineArray<4, AtomLanes>(repeating: polynomial[basis &- 1])
    var d = InlineArray<4, AtomLanes>(repeating: .zero)
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
      p[m] = (own[6] * p[m]).addingProduct(own[5] * own[7], d[m])
    }
    return p
  }
}
