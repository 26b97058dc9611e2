import MDCore

/// What is written, and where.
package struct OutputPlan: Sendable {
  /// As given (relative to where the program is started), or the deck's name and `-run`.
  package var directory: String
  /// Whether a folder that holds a run may be written over.
  package var overwrite: Bool
  package var thermo: ThermoPlan
  package var trajectories: [TrajectoryPlan]
  package var checkpoints: CheckpointPlan
  /// How many ranks write; nil leaves it to the nodes.
  package var writers: Int?
  /// Whether the run writes its page, report.html, at its end.
  package var report: Bool
}

package struct ThermoPlan: Sendable {
  /// Steps.
  package var every: Int
  /// In the order of the file, after the step.
  package var columns: [String]
  /// Whether the deck left the choice of columns to the program.
  package var isDefault: Bool
  /// Whether potentials' own figures follow.
  package var figures: Bool
}

package struct TrajectoryPlan: Sendable {
  /// Name inside the run's folder; compressed if it ends in .gz.
  package var file: String
  /// Steps.
  package var every: Int
  package var format: TrajectoryFormat
  package var gzip: Bool
  /// Besides number, species and position.
  package var columns: [String]
  package var unwrapped: Bool
  package var location: SourceLocation

  package init(
    file: String, every: Int, format: TrajectoryFormat, gzip: Bool, columns: [String],
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

package enum TrajectoryFormat: String, Sendable, CaseIterable {
  case extxyz
  case lammpsDump = "lammps-dump"
  /// Configurations of MLIP, whose types are those of the deck's `mtp` potential.
  case mlipConfiguration = "mlip-cfg"

  /// What the name of a file says.
  package init?(fileName: String) {
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

package struct CheckpointPlan: Sendable {
  /// Steps.
  package var every: Int
  package var keep: Int
}
