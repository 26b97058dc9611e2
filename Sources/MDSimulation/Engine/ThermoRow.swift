import MDCore
import MDNumerics

/// The state of the whole system at one step: a row of `thermo.csv`, and `final_thermo` of run.json.
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
  /// What potentials say of themselves.
  public var assessments: [Assessment: Double] = [:]
  /// What potentials report besides, by the names of the columns.
  public var figures: [String: Double]?
  /// W = Σ r ⊗ f, eV; for the headers of frames.
  var virial = Matrix3.zero

  /// The units of its numbers as run.json has them; `figures` are those of potentials.
  static func units(figures: [Figure]) -> [String: String] {
    let own = Dictionary(uniqueKeysWithValues: ThermoColumn.all.map { ($0.figure.name, $0.figure.unit) })
      .filter { CodingKeys(rawValue: $0.key) != nil }
    return own.merging(["pressure_tensor": "bar", "lengths": "Å"]) { $1 }
      .merging(figures.filter { !$0.unit.isEmpty }.map { ("figures." + $0.name, $0.unit) }) { $1 }
  }

  /// The names of `thermo.csv` where there are such.
  enum CodingKeys: String, CodingKey {
    case step, time, stage, temperature, pressure, volume, lengths, figures
    case potentialEnergy = "potential_energy"
    case kineticEnergy = "kinetic_energy"
    case totalEnergy = "total_energy"
    case conserved = "conserved_energy"
    case pressureTensor = "pressure_tensor"
    case largestForce = "maximum_force"
  }
}
