import Foundation
import MDNumerics
import MDPotentialFiles

/// What a corner's cosine becomes: coefficients, a constant part, and the rest with its slope.
protocol CornerPolynomial {
  associatedtype Coefficients
  func broadcast(_ row: UnsafePointer<Double>) -> Coefficients
  func load(_ record: Record) -> Coefficients
  func constant(_ a: Coefficients) -> Lanes
  /// Adds all but the constant to p and returns the slope.
  func add(_ a: Coefficients, _ c: Lanes, _ p: inout Lanes) -> Lanes
}

/// a₀ + a₁c + a₂c².
struct Quadratic: CornerPolynomial {
  @inline(__always)
  func broadcast(_ row: UnsafePointer<Double>) -> (Lanes, Lanes, Lanes) {
    (Lanes(repeating: row[0]), Lanes(repeating: row[1]), Lanes(repeating: row[2]))
  }
  @inline(__always)
  func load(_ record: Record) -> (Lanes, Lanes, Lanes) { (record[0], record[1], record[2]) }
  @inline(__always)
  func constant(_ a: (Lanes, Lanes, Lanes)) -> Lanes { a.0 }
  @inline(__always)
  func add(_ a: (Lanes, Lanes, Lanes), _ c: Lanes, _ p: inout Lanes) -> Lanes { quadratic(a.1, a.2, c, &p) }
}

/// a₀ + a₁c + … + a₄c⁴.
struct Quartic: CornerPolynomial {
  typealias Coefficients = (Lanes, Lanes, Lanes, Lanes, Lanes)
  @inline(__always)
  func broadcast(_ row: UnsafePointer<Double>) -> Coefficients {
    (
      Lanes(repeating: row[0]), Lanes(repeating: row[1]), Lanes(repeating: row[2]), Lanes(repeating: row[3]),
      Lanes(repeating: row[4])
    )
  }
  @inline(__always)
  func load(_ record: Record) -> Coefficients { (record[0], record[1], record[2], record[3], record[4]) }
  @inline(__always)
  func constant(_ a: Coefficients) -> Lanes { a.0 }
  @inline(__always)
  func add(_ a: Coefficients, _ c: Lanes, _ p: inout Lanes) -> Lanes { quartic(a.1, a.2, a.3, a.4, c, &p) }
}

/// a (1 + 6c² + c⁴) + b (c + c³): coefficients b, 6a, b, a from c up.
struct QuarticPair: CornerPolynomial {
  @inline(__always)
  func broadcast(_ row: UnsafePointer<Double>) -> (Lanes, Lanes, Lanes) {
    (Lanes(repeating: row[0]), Lanes(repeating: row[1]), Lanes(repeating: 6 * row[0]))
  }
  @inline(__always)
  func load(_ record: Record) -> (Lanes, Lanes, Lanes) { (record[0], record[1], record[0] * Lanes(repeating: 6)) }
  @inline(__always)
  func constant(_ a: (Lanes, Lanes, Lanes)) -> Lanes { a.0 }
  @inline(__always)
  func add(_ a: (Lanes, Lanes, Lanes), _ c: Lanes, _ p: inout Lanes) -> Lanes { quartic(a.1, a.2, a.1, a.0, c, &p) }
}

/// a ((1 + λc)/2)^ζ.
struct PowerTerm: CornerPolynomial {
  let operation: AngularOperation
  @inline(__always)
  func broadcast(_ row: UnsafePointer<Double>) -> Lanes { Lanes(repeating: row[0]) }
  @inline(__always)
  func load(_ record: Record) -> Lanes { record[0] }
  @inline(__always)
  func constant(_ a: Lanes) -> Lanes { .zero }
  @inline(__always)
  func add(_ a: Lanes, _ c: Lanes, _ p: inout Lanes) -> Lanes {
    let f = power(c, operation)
    p.addProduct(a, f.value)
    return a * f.slope
  }
}

/// a Θ(θ).
struct BumpTerm: CornerPolynomial {
  let operation: AngularOperation
  @inline(__always)
  func broadcast(_ row: UnsafePointer<Double>) -> Lanes { Lanes(repeating: row[0]) }
  @inline(__always)
  func load(_ record: Record) -> Lanes { record[0] }
  @inline(__always)
  func constant(_ a: Lanes) -> Lanes { .zero }
  @inline(__always)
  func add(_ a: Lanes, _ c: Lanes, _ p: inout Lanes) -> Lanes {
    let f = operation.angle(c)
    p.addProduct(a, f.value)
    return a * f.slope
  }
}

/// Adds a₁c + a₂c² to p and returns the slope.
@inline(__always)
private func quadratic(_ a1: Lanes, _ a2: Lanes, _ c: Lanes, _ p: inout Lanes) -> Lanes {
  let h = a1.addingProduct(a2, c)
  p.addProduct(h, c)
  return h.addingProduct(a2, c)
}

/// Adds a₁c + a₂c² + a₃c³ + a₄c⁴ to p and returns the slope.
@inline(__always)
private func quartic(_ a1: Lanes, _ a2: Lanes, _ a3: Lanes, _ a4: Lanes, _ c: Lanes, _ p: inout Lanes) -> Lanes {
  let h3 = a3.addingProduct(a4, c)
  let h2 = a2.addingProduct(h3, c)
  let h1 = a1.addingProduct(h2, c)
  p.addProduct(h1, c)
  let g3 = h3.addingProduct(a4, c)
  let g2 = h2.addingProduct(g3, c)
  return h1.addingProduct(g2, c)
}

/// ((1 + λc)/2)^ζ and its slope.
@inline(__always)
func power(_ c: Lanes, _ operation: AngularOperation) -> (value: Lanes, slope: Lanes) {
  let lambda = Lanes(repeating: operation.lambda * 0.5)
  var base = Lanes(repeating: 0.5).addingProduct(lambda, c)
  // Cosines of lanes without a triangle may be anything.
  base = base.maximum(.zero).minimum(Lanes(repeating: 1))
  let factor = lambda * operation.zeta
  var rest = operation.wholeZeta &- 1
  if rest >= 0 {
    // base^(ζ−1) by squaring.
    var result = Lanes(repeating: 1)
    var square = base
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      rest &>>= 1
      if rest > 0 { square *= square }
    }
    return (result * base, factor * result)
  }
  var value = Lanes.zero
  var slope = Lanes.zero
  for l in 0..<4 where base[l] > 0 {
    let power = pow(base[l], operation.zeta - 1)
    value[l] = power * base[l]
    slope[l] = factor[l] * power
  }
  return (value, slope)
}

/// The bump C(θ) about an angle, of the cosine.
struct AngleBump: BitwiseCopyable {
  private var kind = EdgeProgram.Kind.polynomial1
  private var center = 0.0
  private var scale = 1.0

  init() {}

  init(core: CompactFunction.Core, center: Double, width: Double) {
    kind =
      switch core {
      case .exponential: .exponential
      case .polynomial1: .polynomial1
      case .polynomial2: .polynomial2
      case .polynomial3: .polynomial3
      case .polynomial4: .polynomial4
      }
    self.center = center
    scale = 1 / width
  }

  /// C and dC/d cos θ = −C′(θ)/sin θ, which stays finite at 0 and π, where C′ vanishes.
  @inline(__always)
  func callAsFunction(_ cosine: Lanes) -> (value: Lanes, slope: Lanes) {
    var angle = Lanes.zero
    var sine = Lanes.zero
    for l in 0..<4 {
      let theta = min(max(acos(min(max(cosine[l], -1), 1)), 1e-7), .pi - 1e-7)
      angle[l] = theta
      sine[l] = sin(theta)
    }
    let signed = (angle - Lanes(repeating: center)) * scale
    var x = signed.replacing(with: Lanes.zero - signed, where: signed .< 0)
    x = x.replacing(with: 1, where: x .> 1)
    let (value, ratio) =
      switch kind {
      case .polynomial1: EdgeProgram.polynomial1(x)
      case .polynomial2: EdgeProgram.polynomial2(x)
      case .polynomial3: EdgeProgram.polynomial3(x)
      case .polynomial4: EdgeProgram.polynomial4(x)
      default: EdgeProgram.exponentialCore(x)
      }
    let direction = Lanes(repeating: -scale).replacing(with: Lanes(repeating: scale), where: signed .< 0)
    return (value, value * ratio * direction / sine)
  }
}
