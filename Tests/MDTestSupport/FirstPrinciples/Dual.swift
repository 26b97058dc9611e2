import Foundation

/// A number with its derivative: formulas are written once, as energies, and forces follow from them exactly.
public struct Dual: Sendable {
  public var value: Double
  public var slope: Double

  public init(_ value: Double, slope: Double = 0) {
    self.value = value
    self.slope = slope
  }

  /// The variable itself.
  public static func variable(_ value: Double) -> Dual { Dual(value, slope: 1) }

  public static func + (a: Dual, b: Dual) -> Dual { Dual(a.value + b.value, slope: a.slope + b.slope) }
  public static func - (a: Dual, b: Dual) -> Dual { Dual(a.value - b.value, slope: a.slope - b.slope) }
  public static func * (a: Dual, b: Dual) -> Dual {
    Dual(a.value * b.value, slope: a.slope * b.value + a.value * b.slope)
  }
  public static func / (a: Dual, b: Dual) -> Dual {
    Dual(a.value / b.value, slope: (a.slope * b.value - a.value * b.slope) / (b.value * b.value))
  }
  public static func * (a: Double, b: Dual) -> Dual { Dual(a * b.value, slope: a * b.slope) }
  public static func / (a: Double, b: Dual) -> Dual { Dual(a) / b }
  public static func + (a: Dual, b: Double) -> Dual { Dual(a.value + b, slope: a.slope) }
  public static func - (a: Dual, b: Double) -> Dual { Dual(a.value - b, slope: a.slope) }
  public static func - (a: Double, b: Dual) -> Dual { Dual(a - b.value, slope: -b.slope) }
  public static func / (a: Dual, b: Double) -> Dual { Dual(a.value / b, slope: a.slope / b) }
  public static prefix func - (a: Dual) -> Dual { Dual(-a.value, slope: -a.slope) }

  public func power(_ n: Double) -> Dual { Dual(pow(value, n), slope: n * pow(value, n - 1) * slope) }
  public static func exp(_ a: Dual) -> Dual {
    let e = Foundation.exp(a.value)
    return Dual(e, slope: e * a.slope)
  }
  public static func cos(_ a: Dual) -> Dual { Dual(Foundation.cos(a.value), slope: -Foundation.sin(a.value) * a.slope) }
  public static func tanh(_ a: Dual) -> Dual {
    let t = Foundation.tanh(a.value)
    return Dual(t, slope: (1 - t * t) * a.slope)
  }
  public static func erfc(_ a: Dual) -> Dual {
    Dual(Foundation.erfc(a.value), slope: -2 / Double.pi.squareRoot() * Foundation.exp(-a.value * a.value) * a.slope)
  }
}

/// Constants from the SI's definitions and CODATA 2018, without a look at the program's own.
public enum SI {
  static let charge = 1.602176634e-19
  static let avogadro = 6.02214076e23
  /// eV/K.
  public static let boltzmann = 1.380649e-23 / charge
  /// g/mol · (Å/ps)² in eV.
  public static let massUnit = 1e-3 / avogadro * 1e4 / charge
  /// eV/Å³ in bar.
  public static let bar = charge / 1e-30 / 1e5
  /// eV/Å² in J/m².
  public static let joulePerSquareMetre = charge / 1e-20
  /// e²/4πε₀, eV·Å.
  public static let coulomb = charge / (4 * Double.pi * 8.8541878128e-12) * 1e10
}
