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
