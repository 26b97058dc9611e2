import Foundation
import MDNumerics

/// Constants in memory, each four times: vector instructions read them from there, so that they occupy no register.
struct LaneConstants: @unchecked Sendable {
  let pointer: UnsafePointer<Lanes>

  /// The memory is never freed.
  private init(_ values: [Double]) {
    let memory = UnsafeMutablePointer<Lanes>.allocate(capacity: values.count)
    for (k, value) in values.enumerated() { memory[k] = Lanes(repeating: value) }
    pointer = UnsafePointer(memory)
  }

  @inline(__always)
  subscript(k: Int) -> Lanes { pointer[k] }

  /// Coefficients in y² of the polynomial that interpolates tanh(y)/y at Chebyshev nodes of 0 ≤ y² ≤ 1; its error is
  /// 1.2·10⁻¹⁷.
  static let tanh = LaneConstants([
    1, -0.3333333333333273, 0.13333333333282113, -0.05396825395091773, 0.021869488226930838, -0.008863232181130274,
    0.003592104115230281, -0.00145571559077928, 0.0005896028950856166, -0.00023801236323479905,
    9.472256075732066e-05, -3.603918536997382e-05, 1.2306805295349983e-05, -3.402993826979274e-06,
    6.496857637862531e-07, -6.20675330545365e-08,
  ])

  /// Coefficients of the polynomial that interpolates eʳ on |r| ≤ ½ ln 2; its error is 4·10⁻¹⁸.
  static let exponential = LaneConstants([
    1, 1, 0.5000000000000019, 0.1666666666666668, 0.04166666666648795, 0.008333333333319589, 0.0013888888952352863,
    0.00019841269890076403, 2.4801485441561313e-05, 2.755724088722987e-06, 2.763265472252779e-07,
    2.5110049204818658e-08,
  ])
}

/// tanh y for 0 ≤ y ≤ 1 to one unit in the last place: a polynomial in y², even and odd powers apart.
@inline(__always)
func tanhOfUnitInterval(_ y: Lanes, _ c: LaneConstants) -> Lanes {
  let z = y * y
  let w = z * z
  var even = c[12].addingProduct(w, c[14])
  var odd = c[13].addingProduct(w, c[15])
  even = c[10].addingProduct(w, even)
  odd = c[11].addingProduct(w, odd)
  even = c[8].addingProduct(w, even)
  odd = c[9].addingProduct(w, odd)
  even = c[6].addingProduct(w, even)
  odd = c[7].addingProduct(w, odd)
  even = c[4].addingProduct(w, even)
  odd = c[5].addingProduct(w, odd)
  even = c[2].addingProduct(w, even)
  odd = c[3].addingProduct(w, odd)
  even = c[0].addingProduct(w, even)
  odd = c[1].addingProduct(w, odd)
  return y * even.addingProduct(z, odd)
}

/// eˣ for −708 ≤ x ≤ 0 to one unit in the last place, as `exponential` but without clamping: the caller knows the
/// range.
@inline(__always)
func exponentialOfNegative(_ x: Lanes, _ c: LaneConstants) -> Lanes {
  // Adding 3·2⁵¹ rounds to the nearest whole number and leaves it in the low bits.
  let magic = Lanes(repeating: 6_755_399_441_055_744)
  let shifted = magic.addingProduct(x, Lanes(repeating: 1.4426950408889634))
  let n = shifted - magic
  let r = x.addingProduct(n, Lanes(repeating: -0.6931471803691238))
    .addingProduct(n, Lanes(repeating: -1.9082149292705877e-10))
  let s = r * r
  var even = c[8].addingProduct(s, c[10])
  var odd = c[9].addingProduct(s, c[11])
  even = c[6].addingProduct(s, even)
  odd = c[7].addingProduct(s, odd)
  even = c[4].addingProduct(s, even)
  odd = c[5].addingProduct(s, odd)
  even = c[2].addingProduct(s, even)
  odd = c[3].addingProduct(s, odd)
  even = c[0].addingProduct(s, even)
  odd = c[1].addingProduct(s, odd)
  let e = even.addingProduct(r, odd)
  let exponent = unsafeBitCast(shifted, to: SIMD4<UInt64>.self) &<< 52
  return unsafeBitCast(unsafeBitCast(e, to: SIMD4<UInt64>.self) &+ exponent, to: Lanes.self)
}

/// e^(−ηq) for 0 ≤ q ≤ a known limit that makes ηq small: a polynomial of degree ten for e^(−ηq/2ˢ), squared s ≤ 4
/// times. No reduction of the argument is needed; the relative error is some 2ˢ·10⁻¹⁶.
struct BoundedExponential {
  /// c₀ … c₁₀ in powers of q.
  let coefficients: [Double]
  let squarings: Int

  /// nil where the product is too large for four squarings.
  init?(eta: Double, limit: Double) {
    var squarings = 0
    while eta * limit / Double(1 << squarings) > 0.6 { squarings += 1 }
    guard squarings <= 4 else { return nil }
    self.squarings = squarings
    let scale = eta / Double(1 << squarings)
    coefficients = Self.interpolation(scale * limit).enumerated().map { $1 * pow(scale, Double($0)) }
  }

  /// Coefficients of the polynomial that interpolates e⁻ˣ at Chebyshev nodes of 0 … end.
  private static func interpolation(_ end: Double) -> [Double] {
    let count = 11
    let nodes = (0..<count).map { k in
      end / 2 * (1 + cos(.pi * (Double(k) + 0.5) / Double(count)))
    }
    // Divided differences of e⁻ˣ minus its Taylor polynomial of degree three, so that no digits are lost, and from them
    // the coefficients of powers of x.
    var differences = nodes.map { x in remainder(x) }
    for order in 1..<count {
      for k in stride(from: count - 1, through: order, by: -1) {
        differences[k] = (differences[k] - differences[k - 1]) / (nodes[k] - nodes[k - order])
      }
    }
    var powers = [differences[count - 1]]
    for k in stride(from: count - 2, through: 0, by: -1) {
      powers = [0] + powers
      for m in 0..<powers.count - 1 { powers[m] -= nodes[k] * powers[m + 1] }
      powers[0] += differences[k]
    }
    return zip(powers, [1, -1, 0.5, -1.0 / 6] + Array(repeating: 0, count: count - 4)).map { $0 + $1 }
  }

  /// e⁻ˣ − (1 − x + x²/2 − x³/6), by its series.
  private static func remainder(_ x: Double) -> Double {
    var term = x * x * x * x / 24
    var sum = 0.0
    var k = 4.0
    while abs(term) > 1e-22 {
      sum += term
      k += 1
      term *= -x / k
    }
    return sum
  }

  /// The polynomial from a table of its coefficients, even and odd powers apart.
  @inline(__always)
  static func polynomial(_ q: Lanes, _ c: UnsafePointer<Lanes>) -> Lanes {
    let s = q * q
    var even = c[8].addingProduct(s, c[10])
    var odd = c[7].addingProduct(s, c[9])
    even = c[6].addingProduct(s, even)
    odd = c[5].addingProduct(s, odd)
    even = c[4].addingProduct(s, even)
    odd = c[3].addingProduct(s, odd)
    even = c[2].addingProduct(s, even)
    odd = c[1].addingProduct(s, odd)
    even = c[0].addingProduct(s, even)
    return even.addingProduct(q, odd)
  }
}
