import MDNumerics
import MDPotentialFiles

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
