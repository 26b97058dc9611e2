import Foundation

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

  /// f − 1 and f′ at r, 1/Å.
  @inline(__always)
  func lackAndSlope(_ r: Double) -> (lack: Double, slope: Double) {
    if r >= outer { return (0, 0) }
    if r <= inner { return (-1, 0) }
    let scale = 1 / (outer - inner)
    let x = (r - inner) * scale
    let y = 1 - x
    switch core {
    case .cosine: return (-0.5 * (cos(.pi * x) + 1), 0.5 * .pi * sin(.pi * x) * scale)
    case .polynomial1: return (-((2 * x - 3) * x * x + 1), 6 * x * y * scale)
    case .polynomial2: return (-(((15 - 6 * x) * x - 10) * x * x * x + 1), 30 * x * x * y * y * scale)
    case .polynomial3:
      let x3 = x * x * x
      return (-((x * (x * (20 * x - 70) + 84) - 35) * x3 * x + 1), 140 * x3 * y * y * y * scale)
    case .polynomial4:
      let x4 = x * x * x * x
      let value = (x * (x * ((315 - 70 * x) * x - 540) + 420) - 126) * x4 * x + 1
      return (-value, 630 * x4 * y * y * y * y * scale)
    }
  }
}
