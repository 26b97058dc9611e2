import MDCore
import MDNumerics

/// The state of the whole system at one step, as it stands in `thermo.csv`.
public struct ThermoRow: Codable, Sendable {
  public var step: Int
  /// ps.
  public var time: Double
  /// Number of the stage, from 1.
  public var stage: Int
  /// K, of the mobile atoms.
  public var temperature: Double
  /// eV.
  public var potentialEnergy: Double
  public var kineticEnergy: Double
  public var totalEnergy: Double
  /// The integrator's conserved quantity, eV (the total energy when nothing is coupled to the system).
  public var conserved: Double
  /// bar; virial and kinetic part.
  public var pressure: Double
  /// bar: xx, yy, zz, yz, xz, xy.
  public var pressureTensor: [Double]
  /// Å³.
  public var volume: Double
  /// |a|, |b|, |c|, Å.
  public var lengths: [Double]
  /// The largest force component on a mobile atom, eV/Å.
  public var largestForce: Double

  static let columns = [
    "step", "time_ps", "stage", "temperature_K", "potential_eV", "kinetic_eV", "total_eV", "conserved_eV",
    "pressure_bar", "pxx_bar", "pyy_bar", "pzz_bar", "pyz_bar", "pxz_bar", "pxy_bar", "volume_A3", "a_A", "b_A",
    "c_A", "fmax_eV_per_A",
  ]

  var values: [Double] {
    [Double(step), time, Double(stage), temperature, potentialEnergy, kineticEnergy, totalEnergy, conserved, pressure]
      + pressureTensor + [volume] + lengths + [largestForce]
  }

  /// The first non-finite value's column, if any.
  var nonFinite: String? { zip(Self.columns, values).first { !$0.1.isFinite }?.0 }
}
