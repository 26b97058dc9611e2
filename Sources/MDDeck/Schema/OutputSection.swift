extension DeckSchema {
  static func output(_ parts: DeckParts) -> DeckObject {
  DeckObject(
    "A run writes one folder: the log, thermo.csv, run.json, trajectories and checkpoints.",
    [
      .optional(
        "directory", .path(.outputDirectory),
        "The run's folder, from where the program is started; the deck's name and `-run` if absent."),
      .defaulted("overwrite", .boolean, "false", "Whether a folder that holds a run may be written over."),
      .defaulted("thermo", .object(thermo(parts)), "{}", "Totals in thermo.csv and in the log."),
      .defaulted("trajectories", .list(.object(trajectory(parts)), count: 0...100), "[]", "Files of frames."),
      .defaulted("checkpoints", .object(checkpoints), "{}", "Files to go on from."),
      .optional(
        "writers", .integer(1...100_000),
        "Ranks that write frames and checkpoints, each its pieces of every file; up to four of each node if absent."),
      .defaulted("report", .boolean, "false", "Whether a page, report.html, is written at the end, as `faultline report` does."),
    ],
    example: """
      output:
        directory: runs/mo-sigma5
        thermo: {every: 100}
        trajectories:
          - {file: pull.extxyz.gz, every: 1000, columns: [velocities, energies]}
        checkpoints: {every: 5000, keep: 2}
      """)
  }

  private static func thermo(_ parts: DeckParts) -> DeckObject {
  DeckObject(
    "Totals over all atoms.",
    [
      .defaulted("every", .steps, "100", "Steps between rows."),
      .optional(
        "columns", .list(.enumeration(parts.thermoColumns.map(\.name)), count: 1...parts.thermoColumns.count),
        "Columns of thermo.csv in this order, after step; all if absent."),
      .defaulted(
        "figures", .boolean, "true",
        "Whether columns follow that potentials bring along: iterations, dipole, charges of groups of a charge "
          + "equilibration."),
    ],
    example: "output: {thermo: {every: 50, columns: [temperature, total_energy, pressure]}}")
  }

  private static func trajectory(_ parts: DeckParts) -> DeckObject {
  DeckObject(
    "A file of frames, atoms ordered by number. A name that ends in .gz is compressed.",
    [
      .required("file", .path(.outputName), "Name inside the run's folder."),
      .required("every", .steps, "Steps between frames."),
      .optional(
        "format", .enumeration(TrajectoryFormat.allCases.map(\.rawValue)),
        "Format; if absent by the name: .extxyz or .xyz, .dump or .lammpstrj, .cfg (of MLIP, for an `mtp` potential)."),
      .defaulted(
        "columns",
        .list(.enumeration(parts.atomColumns.map(\.name)), count: 0...parts.atomColumns.count),
        "[]", "Written for each atom besides number, species and position."),
      .defaulted("unwrapped", .boolean, "false", "Whether positions follow atoms across the cell's faces."),
    ],
    example: """
      output:
        trajectories:
          - {file: heat.dump, every: 500, columns: [velocities, energies], unwrapped: true}
      """)
  }

  static let checkpoints = DeckObject(
    "One is also written at the end of the run, and when it is stopped by a signal or the time limit.",
    [
      .defaulted("every", .steps, "10000", "Steps between checkpoints."),
      .defaulted("keep", .integer(1...1000), "2", "How many are kept."),
    ],
    example: "output: {checkpoints: {every: 5000, keep: 3}}")
}
