import MDNumerics

/// Per-neighbour work of the SNAP kernels. A neighbour's record is `stride` lanes wide: Gegenbauer values C_jl(w), then
/// solid harmonics Y_lm(q) times the switched weight (see `SNAPIndexing`).
enum SNAPPairKernels {
  /// What the force needs of a neighbour besides its record.
  struct Geometry {
    /// The unit vector towards the neighbour, Å the distance vector.
    var nx, ny, nz: AtomLanes
    /// sin θ₀, cos θ₀, sin θ₀ / r, dθ₀/dr.
    var sine, cosine, ratio, slope: AtomLanes
    /// f'/f of the switching function.
    var logarithmicSlope: AtomLanes
  }

  /// Recursion factors: for each l and n = 0 … 2J − l two numbers (2(n + l)/n, −(n + 2l)/n).
  static func radialFactors(_ twojmax: Int) -> [Double] {
    (0...twojmax).flatMap { l in
      (0...(twojmax - l)).flatMap { n -> [Double] in
        n == 0 ? [0, 0] : [2 * Double(n + l) / Double(n), -Double(n + 2 * l) / Double(n)]
      }
    }
  }

  /// C_jl(w) for all l ≤ j ≤ 2J.
  @inline(__always)
  static func radial(
    _ w: AtomLanes, _ twojmax: Int, _ factors: UnsafePointer<Double>, _ out: UnsafeMutablePointer<AtomLanes>
  ) {
    var f = factors
    var c = out
    for l in 0...twojmax {
      let last = twojmax - l
      var before = AtomLanes.zero
      var value = AtomLanes(repeating: 1)
      c[0] = value
      for n in stride(from: 1, through: last, by: 1) {
        // In this order a step waits for one multiply-add of the step before.
        let next = (before * f[2 * n + 1]).addingProduct(value, w * f[2 * n])
        before = value
        value = next
        c[n] = value
      }
      c += last + 1
      f += 2 * (last + 1)
    }
  }

  /// sums[j, l, m] = Σ over neighbours of C_jl · Y_lm.
  static func accumulate(
    _ records: UnsafePointer<AtomLanes>, count: Int, stride: Int, twojmax: Int, radialCount: Int,
    into sums: UnsafeMutablePointer<AtomLanes>
  ) {
    var radial = records
    var harmonic = records + radialCount
    var out = sums
    for l in 0...twojmax {
      let orders = twojmax + 1 - l
      var start = 0
      while start < orders {
        // Bundles of at most five orders, as even as possible.
        let bundles = (orders - start + 4) / 5
        let size = (orders - start + bundles - 1) / bundles
        let c = radial + start
        let target = out + start
        switch size {
        case 1: sum(Size<1>.self, c, harmonic, count, stride, l, orders, target)
        case 2: sum(Size<2>.self, c, harmonic, count, stride, l, orders, target)
        case 3: sum(Size<3>.self, c, harmonic, count, stride, l, orders, target)
        case 4: sum(Size<4>.self, c, harmonic, count, stride, l, orders, target)
        default: sum(Size<5>.self, c, harmonic, count, stride, l, orders, target)
        }
        start += size
      }
      radial += orders
      harmonic += 2 * l + 1
      out += (2 * l + 1) * orders
    }
  }

  @inline(__always)
  private static func sum<let N: Int>(
    _: Size<N>.Type, _ radial: UnsafePointer<AtomLanes>, _ harmonic: UnsafePointer<AtomLanes>, _ count: Int,
    _ stride: Int,
    _ l: Int, _ orders: Int, _ out: UnsafeMutablePointer<AtomLanes>
  ) {
    var single = InlineArray<N, AtomLanes>(repeating: .zero)
    for k in 0..<count {
      let y = harmonic[k * stride]
      let c = radial + k * stride
      for n in 0..<N { single[n].addProduct(y, c[n]) }
    }
    for n in 0..<N { out[n] = single[n] }
    for m in Swift.stride(from: 1, through: l, by: 1) {
      var cosine = InlineArray<N, AtomLanes>(repeating: .zero)
      var sine = InlineArray<N, AtomLanes>(repeating: .zero)
      let y = harmonic + 2 * m - 1
      for k in 0..<count {
        let yc = y[k * stride]
        let ys = y[k * stride + 1]
        let c = radial + k * stride
        for n in 0..<N {
          cosine[n].addProduct(yc, c[n])
          sine[n].addProduct(ys, c[n])
        }
      }
      let target = out + (2 * m - 1) * orders
      for n in 0..<N {
        target[n] = cosine[n]
        target[n + orders] = sine[n]
      }
    }
  }
}
