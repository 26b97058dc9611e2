import Foundation
import MDNumerics

/// What kernels of NEP do otherwise in doubles than in singles.
protocol NEPLanes: PairLanes {
  /// Polynomials are in powers of x − origin.
  static var origin: Scalar { get }
  /// x of what was counted from the origin.
  static func fromOrigin(_ x: Self) -> Self
  /// f_c = ½(1 + cos πu) and its slope in u up to u = 1, where it ends; v = 1 − u.
  static func envelope(_ u: Self, _ v: Self, _ c: UnsafePointer<Self>) -> (value: Self, slope: Self)
  static func envelopeConstants() -> [Self]
}

extension AtomLanes: NEPLanes {
  @inline(__always)
  static var origin: Double { 0 }
  @inline(__always)
  static func fromOrigin(_ x: Self) -> Self { x }

  /// With w = ½ − u these are ½(1 + sin πw) and −(π/2) cos πw; the series in w² leave 10⁻¹⁸ at |w| = ½.
  @inline(__always)
  static func envelope(_ u: Self, _ v: Self, _ c: UnsafePointer<Self>) -> (value: Self, slope: Self) {
    let w = Self(repeating: 0.5) - u
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
    return (Self(repeating: 0.5).addingProduct(w, a.addingProduct(t, b)), d.addingProduct(t, e))
  }

  /// ½ sin(πw)/w in powers of w², then −(π/2) cos πw, eleven each.
  static func envelopeConstants() -> [Self] {
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
    return all.map { Self(repeating: $0) }
  }
}

extension AtomSingles: NEPLanes {
  /// The middle of where neighbours are. About x = 0 the powers of x in T_k have coefficients of some 2.4ᵏ/2, which
  /// singles do not bear; from here to the ends of −1 ≤ x ≤ 0 they amount to some 1.6ᵏ/2.
  @inline(__always)
  static var origin: Float { -0.5 }
  @inline(__always)
  static func fromOrigin(_ x: Self) -> Self { x + Self(repeating: origin) }

  /// With s = sin(πv/2) and c = cos(πv/2) these are s² and −π s c: exactly zero at the end, where lanes without a
  /// neighbour are, and with digits left before it. The series in v² leave 10⁻⁹ and 6·10⁻⁹ at v = 1.
  @inline(__always)
  static func envelope(_ u: Self, _ v: Self, _ c: UnsafePointer<Self>) -> (value: Self, slope: Self) {
    let t = v * v
    let t2 = t * t
    var (a, b) = (c[6], c[5])
    var (d, e) = (c[13], c[12])
    a = c[4].addingProduct(t2, a)
    d = c[11].addingProduct(t2, d)
    b = c[3].addingProduct(t2, b)
    e = c[10].addingProduct(t2, e)
    a = c[2].addingProduct(t2, a)
    d = c[9].addingProduct(t2, d)
    b = c[1].addingProduct(t2, b)
    e = c[8].addingProduct(t2, e)
    a = c[0].addingProduct(t2, a)
    d = c[7].addingProduct(t2, d)
    let s = v * a.addingProduct(t, b)
    return (s * s, s * d.addingProduct(t, e))
  }

  /// sin(πv/2)/v in powers of v², then −π cos(πv/2), seven each.
  static func envelopeConstants() -> [Self] {
    var all: [Double] = []
    let square: Double = -Double.pi * Double.pi / 4
    var sine = Double.pi / 2
    for k in 0..<7 {
      all.append(sine)
      sine *= square / Double((2 * k + 2) * (2 * k + 3))
    }
    var cosine = -Double.pi
    for k in 0..<7 {
      all.append(cosine)
      cosine *= square / Double((2 * k + 1) * (2 * k + 2))
    }
    return all.map { Self(repeating: Float($0)) }
  }
}
