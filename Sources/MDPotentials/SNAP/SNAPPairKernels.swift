import MDNumerics

/// Per-neighbour work of the SNAP kernels. A neighbour's record is `stride` lanes wide: Gegenbauer values C_jl(w), then
/// solid harmonics Y_lm(q) times the switched weight (see `SNAPIndexing`).
enum SNAPPairKernels {
  /// What the force needs of a neighbour besides its record.
  struct Geometry {
    /// The unit vector towards the neighbour, Å the distance vector.
    var nx, ny, nz: Lanes
    /// sin θ₀, cos θ₀, sin θ₀ / r, dθ₀/dr.
    var sine, cosine, ratio, slope: Lanes
    /// f'/f of the switching function.
    var logarithmicSlope: Lanes
  }

  /// Recursion factors: for each l and n = 0 … 2J − l two numbers (2(n + l)/n, −(n + 2l)/n).
  static func radialFactors(_ twojmax: Int) -> [Double] {
    (0...twojmax).flatMap { l in
      (0...(twojmax - l)).flatMap { n -> [Double] in
        n == 0 ? [0, 0] : [2 * Double(n + l) / Double(n), -Double(n + 2 * l) / Double(n)]
      }
    }
  }

  /// For each l and m = 0 … l − 1 the numbers (2l − 1)/(l² − m²) and −1/(l² − m²), then 1/(2l) twice for m = l.
  static func solidFactors(_ twojmax: Int) -> [Double] {
    (0...twojmax).flatMap { l in
      (0...l).flatMap { m -> [Double] in
        if l == 0 { return [0, 0] }
        return m == l
          ? [0.5 / Double(l), 0.5 / Double(l)] : [Double(2 * l - 1) / Double(l * l - m * m), -1 / Double(l * l - m * m)]
      }
    }
  }

  /// C_jl(w) for all l ≤ j ≤ 2J.
  @inline(__always)
  static func radial(_ w: Lanes, _ twojmax: Int, _ factors: UnsafePointer<Double>, _ out: UnsafeMutablePointer<Lanes>) {
    var f = factors
    var c = out
    for l in 0...twojmax {
      let last = twojmax - l
      var before = Lanes.zero
      var value = Lanes(repeating: 1)
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

  /// The solid harmonics of (x, y, z), |q|² = `square`, all multiplied by `scale`.
  @inline(__always)
  static func solid(
    _ x: Lanes, _ y: Lanes, _ z: Lanes, _ square: Lanes, _ scale: Lanes, _ order: Int, _ factors: UnsafePointer<Double>,
    _ out: UnsafeMutablePointer<Lanes>
  ) {
    out[0] = scale
    guard order > 0 else { return }
    out[1] = z * scale
    out[2] = x * scale * 0.5
    out[3] = y * scale * 0.5
    var f = factors + 6
    var row = out + 4
    for l in stride(from: 2, through: order, by: 1) {
      let one = UnsafePointer(row - (2 * l - 1))
      let two = one - (2 * l - 3)
      row[0] = (square * f[1] * two[0]).addingProduct(z * f[0], one[0])
      for m in stride(from: 1, to: l - 1, by: 1) {
        let rise = z * f[2 * m]
        let back = square * f[2 * m + 1]
        let slot = 2 * m - 1
        row[slot] = (back * two[slot]).addingProduct(rise, one[slot])
        row[slot + 1] = (back * two[slot + 1]).addingProduct(rise, one[slot + 1])
      }
      // m = l − 1 has no second predecessor.
      let top = f[2 * (l - 1)]
      row[2 * l - 3] = z * one[2 * l - 3] * top
      row[2 * l - 2] = z * one[2 * l - 2] * top
      let c = one[2 * l - 3]
      let s = one[2 * l - 2]
      let last = f[2 * l]
      row[2 * l - 1] = (x * c - y * s) * last
      row[2 * l] = (x * s + y * c) * last
      row += 2 * l + 1
      f += 2 * (l + 1)
    }
  }

  /// A number known to the compiler, so that loops over it are unrolled.
  enum Size<let N: Int> {}

  /// sums[j, l, m] = Σ over neighbours of C_jl · Y_lm.
  static func accumulate(
    _ records: UnsafePointer<Lanes>, count: Int, stride: Int, twojmax: Int, radialCount: Int,
    into sums: UnsafeMutablePointer<Lanes>
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
    _: Size<N>.Type, _ radial: UnsafePointer<Lanes>, _ harmonic: UnsafePointer<Lanes>, _ count: Int, _ stride: Int,
    _ l: Int, _ orders: Int, _ out: UnsafeMutablePointer<Lanes>
  ) {
    var single = InlineArray<N, Lanes>(repeating: .zero)
    for k in 0..<count {
      let y = harmonic[k * stride]
      let c = radial + k * stride
      for n in 0..<N { single[n].addProduct(y, c[n]) }
    }
    for n in 0..<N { out[n] = single[n] }
    for m in Swift.stride(from: 1, through: l, by: 1) {
      var cosine = InlineArray<N, Lanes>(repeating: .zero)
      var sine = InlineArray<N, Lanes>(repeating: .zero)
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
