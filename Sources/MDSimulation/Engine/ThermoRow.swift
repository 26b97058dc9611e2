import MDCore
import MDNumerics

/// The state of the whole system at one step: a row of `thermo.csv`, and `final_thermo` of run.json.
package struct ThermoRow: Codable, Sendable {
  package var step: Int
  /// ps.
  package var time: Double
  /// Number of the stage, from 1.
  package var stage: Int
  /// K, of the mobile atoms.
  package var temperature: Double
  /// eV.
  package var potentialEnergy: Double
  package var kineticEnergy: Double
  package var totalEnergy: Double
  /// The integrator's conserved quantity, eV (the total energy when nothing is coupled to the system).
  package var conserved: Double
  /// bar; virial and kinetic part.
  package var pressure: Double
  /// bar: xx, yy, zz, yz, xz, xy.
  package var pressureTensor: [Double]
  /// Å³.
  package var volume: Double
  /// |a|, |b|, |c|, Å.
  package var lengths: [Double]
  /// The largest force component on a mobile atom, eV/Å.
  package var largestForce: Double
  /// What potentials say of themselves.
  package var assessments: [Assessment: Double] = [:]
  /// What potentials report besides, by the names of the columns.
  package var figures: [String: Double]?
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
