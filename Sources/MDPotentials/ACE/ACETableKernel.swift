import MDNumerics

/// Radial functions of a slot from `ACERadialTable`: there a lane is a function, in the records an atom.
enum ACETableKernel {
  /// Where the neighbours of a chunk of slots are in the table.
  struct Places {
    /// Number of the interval in the low bits, and r less its start, Å.
    var interval: AtomLanes
    var offset: AtomLanes
  }

  /// What finds intervals.
  struct Ruler {
    var step, inverse, lastStep, lastInverse, edge, cutoff, firstCount, zero: Double
    var hasLast: Bool

    init(_ table: ACERadialTable) {
      step = table.step
      inverse = 1 / table.step
      lastStep = table.lastStep
      lastInverse = 1 / table.lastStep
      edge = table.edge
      cutoff = table.cutoff
      firstCount = Double(table.firstCount)
      zero = Double(table.zero)
      hasLast = table.lastCount > 0
    }

    @inline(__always)
    func places(_ r: AtomLanes) -> Places {
      // Adding 3·2⁵¹ rounds to the nearest whole number and leaves it in the low bits; half less gives the one below.
      let magic = AtomLanes(repeating: 6_755_399_441_055_744)
      let half = AtomLanes(repeating: 0.5)
      var number = ((r * AtomLanes(repeating: inverse) - half) + magic) - magic
      var offset = r.subtractingProduct(number, AtomLanes(repeating: step))
      if hasLast {
        let beyond = r - AtomLanes(repeating: edge)
        let last = ((beyond * AtomLanes(repeating: lastInverse) - half) + magic) - magic
        let isLast = beyond .>= AtomLanes.zero
        number = number.replacing(with: last + AtomLanes(repeating: firstCount), where: isLast)
        offset = offset.replacing(
          with: beyond.subtractingProduct(last, AtomLanes(repeating: lastStep)), where: isLast)
      }
      number = number.replacing(with: AtomLanes(repeating: zero), where: r .>= AtomLanes(repeating: cutoff))
      return Places(interval: number + magic, offset: offset)
    }
  }

  /// Value and slope of the polynomial with coefficients c₀ … c₅.
  @inline(__always)
  private static func horner(_ c: UnsafePointer<Lanes8>, _ u: Double) -> (Lanes8, Lanes8) {
    let u = Lanes8(repeating: u)
    var p = c[5]
    var d = p
    p = c[4].addingProduct(p, u)
    d = p.addingProduct(d, u)
    p = c[3].addingProduct(p, u)
    d = p.addingProduct(d, u)
    p = c[2].addingProduct(p, u)
    d = p.addingProduct(d, u)
    p = c[1].addingProduct(p, u)
    d = p.addingProduct(d, u)
    return (c[0].addingProduct(p, u), d)
  }

  @inline(__always)
  private static func horner(_ c: UnsafePointer<Lanes>, _ u: Double) -> (Lanes, Lanes) {
    let u = Lanes(repeating: u)
    var p = c[5]
    var d = p
    p = c[4].addingProduct(p, u)
    d = p.addingProduct(d, u)
    p = c[3].addingProduct(p, u)
    d = p.addingProduct(d, u)
    p = c[2].addingProduct(p, u)
    d = p.addingProduct(d, u)
    p = c[1].addingProduct(p, u)
    d = p.addingProduct(d, u)
    return (c[0].addingProduct(p, u), d)
  }

  /// All functions of the neighbours of a slot: values to `out`, slopes `slopes` behind them.
  @inline(__always)
  static func evaluate(
    _ table: UnsafePointer<Lanes8>, stride: Int, groups: Int, _ places: UnsafePointer<Places>,
    _ out: UnsafeMutablePointer<Lanes8>, slopes: Int
  ) {
    let raw = UnsafeRawPointer(places)
    @inline(__always)
    func start(_ lane: Int) -> UnsafePointer<Lanes8> {
      table + stride &* Int(raw.load(fromByteOffset: 8 &* lane, as: UInt32.self))
    }
    @inline(__always)
    func offset(_ lane: Int) -> Double { raw.load(fromByteOffset: 64 &+ 8 &* lane, as: Double.self) }
    let (p0, p1, p2, p3) = (start(0), start(1), start(2), start(3))
    let (p4, p5, p6, p7) = (start(4), start(5), start(6), start(7))
    for g in 0..<groups {
      let k = 6 &* g
      let (a, a1) = horner(p0 + k, offset(0))
      let (b, b1) = horner(p1 + k, offset(1))
      let (c, c1) = horner(p2 + k, offset(2))
      let (d, d1) = horner(p3 + k, offset(3))
      let (e, e1) = horner(p4 + k, offset(4))
      let (f, f1) = horner(p5 + k, offset(5))
      let (h, h1) = horner(p6 + k, offset(6))
      let (i, i1) = horner(p7 + k, offset(7))
      storeTransposed(a, b, c, d, e, f, h, i, out + (8 &* g))
      storeTransposed(a1, b1, c1, d1, e1, f1, h1, i1, out + (8 &* g &+ slopes))
    }
  }

  @inline(__always)
  static func evaluate(
    _ table: UnsafePointer<Lanes>, stride: Int, groups: Int, _ places: UnsafePointer<Places>,
    _ out: UnsafeMutablePointer<Lanes>, slopes: Int
  ) {
    let raw = UnsafeRawPointer(places)
    @inline(__always)
    func start(_ lane: Int) -> UnsafePointer<Lanes> {
      table + stride &* Int(raw.load(fromByteOffset: 8 &* lane, as: UInt32.self))
    }
    @inline(__always)
    func offset(_ lane: Int) -> Double { raw.load(fromByteOffset: 32 &+ 8 &* lane, as: Double.self) }
    let (p0, p1, p2, p3) = (start(0), start(1), start(2), start(3))
    for g in 0..<groups {
      let k = 6 &* g
      let (a, a1) = horner(p0 + k, offset(0))
      let (b, b1) = horner(p1 + k, offset(1))
      let (c, c1) = horner(p2 + k, offset(2))
      let (d, d1) = horner(p3 + k, offset(3))
      let own = out + 4 &* g
      (own[0], own[1], own[2], own[3]) = transpose(a, b, c, d)
      let change = own + slopes
      (change[0], change[1], change[2], change[3]) = transpose(a1, b1, c1, d1)
    }
  }
}
