/// The outer surface of a body around a crack, across the front, about its middle.
package enum CrackOutline: Sendable, Equatable {
  /// Å.
  case cylinder(radius: Double)
  /// Lengths along x and y, Å.
  case bar(SIMD2<Double>)

  /// Depth below the outer surface, Å; negative outside.
  package func depth(_ x: Double, _ y: Double) -> Double {
    switch self {
    case .cylinder(let radius): radius - (x * x + y * y).squareRoot()
    case .bar(let lengths): min(0.5 * lengths.x - abs(x), 0.5 * lengths.y - abs(y))
    }
  }

  /// Half the lengths of the rectangle that holds it, Å.
  package var reach: SIMD2<Double> {
    switch self {
    case .cylinder(let radius): SIMD2(radius, radius)
    case .bar(let lengths): 0.5 * lengths
    }
  }
}
