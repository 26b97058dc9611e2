import MDNumerics

/// How the Coulomb energy of a pair sets in with its distance: 0 up to the inner radius, 1 from the outer on, between
/// them 1 − core(x) with x = (r − inner)/(outer − inner).
public struct ScreeningFunction: Sendable, Hashable {
  /// From 1 at x = 0 to 0 at x = 1.
  public enum Core: Sendable, CaseIterable {
    /// ½(cos πx + 1).
    case cosine
    /// (2x − 3)x² + 1.
    case polynomial1
    /// ((15 − 6x)x − 10)x³ + 1.
    case polynomial2
    /// (x(x(20x − 70) + 84) − 35)x⁴ + 1.
    case polynomial3
    /// (x(x((315 − 70x)x − 540) + 420) − 126)x⁵ + 1.
    case polynomial4
  }

  public var core: Core
  /// Å.
  public var inner: Double
  public var outer: Double

  public init(_ core: Core, inner: Double, outer: Double) {
    self.core = core
    self.inner = inner
    self.outer = outer
  }
}

// The cores for 0 ≤ x ≤ 1, and their slopes.
extension ScreeningFunction {
  typealias Result = (value: Lanes, slope: Lanes)

  @inline(__always)
  private static func constant(_ x: Double) -> Lanes { Lanes(repeating: x) }

  @inline(__always)
  static func cosine(_ x: Lanes) -> Result {
    let wave = sineAndCosine(x * constant(.pi))
    return ((wave.cosine + constant(1)) * constant(0.5), wave.sine * constant(-0.5 * .pi))
  }

  @inline(__always)
  static func polynomial1(_ x: Lanes) -> Result {
    ((x * constant(2) - constant(3)) * x * x + constant(1), x * (x - constant(1)) * constant(6))
  }

  @inline(__always)
  static func polynomial2(_ x: Lanes) -> Result {
    let xx = x * (x - constant(1))
    let p = (constant(15) - x * constant(6)) * x - constant(10)
    return (p * x * x * x + constant(1), xx * xx * constant(-30))
  }

  @inline(__always)
  static func polynomial3(_ x: Lanes) -> Result {
    let xx = x * (x - constant(1))
    let p = ((x * constant(20) - constant(70)) * x + constant(84)) * x - constant(35)
    let x2 = x * x
    return (p * x2 * x2 + constant(1), xx * xx * xx * constant(140))
  }

  @inline(__always)
  static func polynomial4(_ x: Lanes) -> Result {
    let xx = x * (x - constant(1))
    let p = (((constant(315) - x * constant(70)) * x - constant(540)) * x + constant(420)) * x - constant(126)
    let x2 = x * x
    return (p * x2 * x2 * x + constant(1), xx * xx * xx * xx * constant(-630))
  }
}
