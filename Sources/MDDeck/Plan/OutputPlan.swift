import MDCore

/// What is written, and where.
public struct OutputPlan: Sendable {
  /// As given (relative to where the program is started), or the deck's name and `-run`.
  public var directory: String
  /// Whether a folder that holds a run may be written over.
  public var overwrite: Bool
  public var thermo: ThermoPlan
  public var trajectories: [TrajectoryPlan]
  public var checkpoints: CheckpointPlan
}

public struct ThermoPlan: Sendable {
  /// Steps.
  public var every: Int
  /// In the order of the file, after the step.
  public var columns: [ThermoColumn]
  /// Whether the deck left the choice of columns to the program.
  public var isDefault: Bool
  /// Whether potentials' own figures follow.
  public var figures: Bool
}

/// Columns of thermo.csv. Energies in eV, pressures in bar, lengths in Å, volume in Å³, time in ps.
public enum ThermoColumn: String, Sendable, CaseIterable {
  case time, temperature
  case potentialEnergy = "potential_energy"
  case kineticEnergy = "kinetic_energy"
  case totalEnergy = "total_energy"
  /// Energy that the thermostat keeps constant; the total energy without one.
  case conservedEnergy = "conserved_energy"
  case maximumForce = "maximum_force"
  case pressure, pxx, pyy, pzz, pxy, pxz, pyz
  case lx, ly, lz, volume
  /// Of potentials that assess themselves.
  case extrapolations
  case forceDeviation = "force_deviation"
  case energyDeviation = "energy_deviation"
  case chargeDeviation = "charge_deviation"
  case grade

  public var assessment: Assessment? { Assessment(rawValue: rawValue) }
}

public struct TrajectoryPlan: Sendable {
  /// Name inside the run's folder; compressed if it ends in .gz.
  public var file: String
  /// Steps.
  public var every: Int
  public var format: TrajectoryFormat
  public var gzip: Bool
  public var columns: [TrajectoryColumn]
  public var unwrapped: Bool
  public var location: SourceLocation

  public init(
    file: String, every: Int, format: TrajectoryFormat, gzip: Bool, columns: [TrajectoryColumn],
    unwrapped: Bool = false, location: SourceLocation
  ) {
    self.file = file
    self.every = every
    self.format = format
    self.gzip = gzip
    self.columns = columns
    self.unwrapped = unwrapped
    self.location = location
  }
}

public enum TrajectoryFormat: String, Sendable, CaseIterable {
  case extxyz
  case lammpsDump = "lammps-dump"
  /// Configurations of MLIP, whose types are those of the deck's `mtp` potential.
  case mlipConfiguration = "mlip-cfg"

  /// What the name of a file says.
  init?(fileName: String) {
    let name = fileName.hasSuffix(".gz") ? String(fileName.dropLast(3)) : fileName
    if [".extxyz", ".xyz"].contains(where: name.hasSuffix) {
      self = .extxyz
    } else if [".dump", ".lammpstrj"].contains(where: name.hasSuffix) {
      self = .lammpsDump
    } else if name.hasSuffix(".cfg") {
      self = .mlipConfiguration
    } else {
      return nil
    }
  }
}

/// Per-atom columns besides number, species and position.
public enum TrajectoryColumn: String, Sendable, CaseIterable {
  case velocities, forces, energies, virials, charges, electronegativity, images, groups
  /// Of potentials that assess themselves.
  case extrapolations
  case forceDeviation = "force_deviation"
  case energyDeviation = "energy_deviation"
  case chargeDeviation = "charge_deviation"
  case grade

  public var assessment: Assessment? { Assessment(rawValue: rawValue) }
}

public struct CheckpointPlan: Sendable {
  /// Steps.
  public var every: Int
  public var keep: Int
}
