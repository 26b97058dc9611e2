import Foundation
import MDCore
import MDDeck
import MDIO
import MDParallel

/// A run's files: thermo.csv, trajectories, checkpoints, run.json.
///
/// Rank 0 writes. Methods that write are collective: a full disk is an error that every rank throws. Rows and frames of
/// steps that are already in a file (a resumed stage begins where a row was written) are not written again.
final class RunOutputs {
  let directory: RunDirectory
  let plan: OutputPlan
  private let selectionPlan: TrajectoryPlan?
  /// What the types of MLIP's files are.
  private let types: MLIPTypes?
  private let communicator: any Communicator
  private let store: CheckpointStore
  private var thermo: CSVWriter?
  private var thermoColumns: [ThermoColumn] = []
  /// Columns behind them, of potentials' figures.
  private var figures: [Figure] = []
  /// Structures that the watch keeps.
  private var selection: TrajectoryOutput?
  private var trajectories: [TrajectoryOutput] = []
  /// On rank 0: of each file up to the last checkpoint, by name.
  private var checksums: [String: FileChecksum] = [:]
  private var lastThermoStep = -1
  /// Whether a row or frame of a later step than 0 has been written.
  private(set) var hasGrown = false
  /// On rank 0: the right to write here.
  private let lock: RunLock?
  private var lastLookAtLock = 0.0
  private(set) var lastCheckpoint: String?
  /// Where the run stood then.
  private(set) var lastCheckpointClock: Clock?

  init(
    _ plan: OutputPlan, watch: WatchPlan?, types: MLIPTypes?, directory: RunDirectory, lock: RunLock?,
    communicator: any Communicator
  ) {
    self.plan = plan
    self.types = types
    self.lock = lock
    selectionPlan = watch.map { Self.selectionPlan($0) }
    self.directory = directory
    self.communicator = communicator
    store = CheckpointStore(directory.checkpoints, keep: plan.checkpoints.keep)
  }

  /// Creates the files, or cuts them back to what a checkpoint says was theirs and goes on after it. Collective.
  func open(
    continuing checkpoint: (header: CheckpointHeader, path: String)?, atoms: AtomStore, assessments: Set<Assessment>,
    figures: [Figure]
  ) throws {
    self.figures = plan.thermo.figures ? figures : []
    // By default a file has the columns that the potentials can fill.
    thermoColumns =
      plan.thermo.isDefault
      ? plan.thermo.columns.filter { $0.assessment.map(assessments.contains) ?? true } : plan.thermo.columns
    if let checkpoint {
      lastThermoStep = checkpoint.header.clock.step
      lastCheckpoint = checkpoint.path
      lastCheckpointClock = checkpoint.header.clock
    }
    try communicator.agree {
      if communicator.isRoot, let checkpoint { try verify(checkpoint.header) }
    }
    func mode(_ file: String) -> OutputFile.Mode {
      // Outputs that did not come along with a checkpoint begin anew.
      guard let bytes = checkpoint?.header.files[file], FileManager.default.fileExists(atPath: directory.file(file))
      else { return .create }
      return .append(truncatingTo: bytes)
    }
    try communicator.agree {
      guard communicator.isRoot else { return }
      thermo = try CSVWriter(
        directory.thermo, columns: ["step", "stage"] + thermoColumns.map(\.rawValue) + self.figures.map(\.name),
        mode: mode("thermo.csv"))
    }
    func output(_ plan: TrajectoryPlan) throws -> TrajectoryOutput {
      try communicator.agree {
        try TrajectoryOutput(
          plan, path: directory.file(plan.file), mode: mode(plan.file), writes: communicator.isRoot, atoms: atoms,
          types: types, lastStep: checkpoint?.header.clock.step ?? -1)
      }
    }
    trajectories = try plan.trajectories.map(output)
    selection = try selectionPlan.map { plan in
      var plan = plan
      plan.columns = [.forces, .energies] + assessments.sorted { $0.rawValue < $1.rawValue }
        .compactMap { TrajectoryColumn(rawValue: $0.rawValue) }
      return try output(plan)
    }
    // Later checkpoints belong to outputs that have just been cut off.
    if communicator.isRoot, let checkpoint { store.prune(after: checkpoint.header.clock.step) }
  }

  /// What is to be continued must be what was written: all files are looked at before the first is cut.
  private func verify(_ header: CheckpointHeader) throws {
    for (name, expected) in header.checksums ?? [:] {
      let path = directory.file(name)
      guard FileManager.default.fileExists(atPath: path), FileChecksum.isPossible(path) else { continue }
      var found = FileChecksum()
      try found.extend(over: path, to: expected.bytes)
      guard found == expected else {
        let what =
          found.bytes < expected.bytes
          ? "has \(found.bytes) bytes but \(expected.bytes) had been written"
          : "is not what was written in its first \(expected.bytes) bytes"
        throw FaultlineError(
          .input, "\(path) \(what) when the checkpoint was made",
          hint: "it was changed or damaged since; restore it, or move it away to start a new file")
      }
      checksums[name] = found
    }
  }

  /// Carries the checksum of a file on to where it is cut when the run goes back to this checkpoint.
  private func note(_ name: String, _ offset: Int?, in header: inout CheckpointHeader) throws {
    header.files[name] = offset
    let path = directory.file(name)
    guard let offset, FileChecksum.isPossible(path) else { return }
    try checksums[name, default: FileChecksum()].extend(over: path, to: offset)
    header.checksums = checksums
  }

  static func selectionPlan(_ watch: WatchPlan) -> TrajectoryPlan {
    let file = watch.select?.file ?? "selected.extxyz"
    // Frames come when the watch says so.
    return TrajectoryPlan(
      file: file, every: .max, format: FrameFile.hasNumberedTypes(file) ? .mlipConfiguration : .extxyz,
      gzip: file.hasSuffix(".gz"), columns: [], location: watch.location)
  }

  // MARK: When

  func thermoDue(_ step: Int) -> Bool { step % plan.thermo.every == 0 }
  func checkpointDue(_ step: Int) -> Bool { step % plan.checkpoints.every == 0 }

  /// Per-atom quantities that trajectories of this step need.
  func wants(at step: Int) -> Want {
    trajectories.reduce(into: Want()) { if $1.isDue(step) { $0.formUnion($1.wants) } }
  }

  /// Per-atom quantities that any trajectory has.
  var allWants: Want { trajectories.reduce(into: Want()) { $0.formUnion($1.wants) } }

  /// Whether a frame of this step says what energy and stress are.
  func headerDue(_ step: Int) -> Bool { trajectories.contains { $0.hasHeader && $0.isDue(step) } }

  // MARK: The right to write

  /// False if the directory has been taken over from this run.
  var mayWrite: Bool { lock?.isHeld ?? true }

  /// Throws if the directory has been taken over. Looks at most once a second: a look costs a message on network disks.
  private func requireLock(atOnce: Bool = false) throws {
    guard let lock, atOnce || PhaseTimers.now() - lastLookAtLock > 1 else { return }
    try lock.requireHeld()
    lastLookAtLock = PhaseTimers.now()
  }

  /// Lets others into the directory.
  func release() { lock?.release() }

  // MARK: Writing

  /// Collective.
  func write(_ row: ThermoRow, log: RunLog) throws {
    if let column = row.nonFinite {
      throw FaultlineError(
        .run, "\(column) is not a finite number at step \(row.step)",
        hint: "the run has blown up: a timestep that is too long, or a structure that is not relaxed",
        isCollective: true)
    }
    guard row.step > lastThermoStep else { return }
    lastThermoStep = row.step
    hasGrown = hasGrown || row.step > 0
    try communicator.agree {
      try requireLock()
      try thermo?.write(
        [Double(row.step), Double(row.stage)] + thermoColumns.map { row[$0] }
          + figures.map { row.figures?[$0.name] ?? 0 })
    }
  }

  /// Frames that are due, or of all trajectories. Collective.
  func writeFrames(
    at step: Int, evenIfNotDue: Bool = false, time: Double, header: [ExtXYZEntry], system: DistributedSystem
  ) throws {
    let due = trajectories.filter { $0.isDue(step) || (evenIfNotDue && $0.isNew(step)) }
    if due.isEmpty { return }
    hasGrown = hasGrown || step > 0
    try communicator.agree { try requireLock() }
    for trajectory in due {
      try trajectory.write(step: step, time: time, header: header, system: system)
    }
  }

  /// A structure that the watch keeps. Collective.
  func writeSelection(at step: Int, time: Double, header: [ExtXYZEntry], system: DistributedSystem) throws {
    guard let selection, selection.isNew(step) else { return }
    try selection.write(step: step, time: time, header: header, system: system)
  }

  /// The file that they go to, inside the run's folder.
  var selectionFile: String { selectionPlan?.file ?? "" }

  /// Per-atom quantities of structures that the watch keeps.
  var selectionWants: Want { selection?.wants ?? [] }

  /// Collective. Right after a rebuild.
  func writeCheckpoint(_ header: CheckpointHeader, system: DistributedSystem) throws {
    var header = header
    try communicator.agree {
      guard communicator.isRoot else { return }
      try requireLock(atOnce: true)
      // What the checkpoint says of the files must be on the disk before the checkpoint is.
      try thermo?.synchronize()
      try note("thermo.csv", thermo?.offset, in: &header)
      for trajectory in trajectories + [selection].compactMap({ $0 }) {
        try trajectory.synchronize()
        try note(trajectory.plan.file, trajectory.offset, in: &header)
      }
    }
    try CheckpointFile.write(header, system: system, to: store)
    lastCheckpoint = store.path(step: header.clock.step)
    lastCheckpointClock = header.clock
  }

  /// Of this run, oldest first.
  var checkpointPaths: [String] { store.steps.reversed().map { store.path(step: $0) } }

  /// On rank 0.
  func write(_ summary: RunSummary) throws {
    try requireLock(atOnce: true)
    try summary.write(to: directory.summary)
  }

  /// Collective; a full disk may show itself only here.
  func close() throws {
    try communicator.agree {
      try thermo?.finish()
      for trajectory in trajectories + [selection].compactMap({ $0 }) { try trajectory.finish() }
    }
  }
}

extension ThermoRow {
  subscript(column: ThermoColumn) -> Double {
    switch column {
    case .time: time
    case .temperature: temperature
    case .potentialEnergy: potentialEnergy
    case .kineticEnergy: kineticEnergy
    case .totalEnergy: totalEnergy
    case .conservedEnergy: conserved
    case .maximumForce: largestForce
    case .pressure: pressure
    case .pxx: pressureTensor[0]
    case .pyy: pressureTensor[1]
    case .pzz: pressureTensor[2]
    case .pyz: pressureTensor[3]
    case .pxz: pressureTensor[4]
    case .pxy: pressureTensor[5]
    case .lx: lengths[0]
    case .ly: lengths[1]
    case .lz: lengths[2]
    case .volume: volume
    case .extrapolations, .forceDeviation, .energyDeviation, .chargeDeviation, .grade:
      column.assessment.flatMap { assessments[$0] } ?? 0
    }
  }

  /// The first quantity that is not a finite number.
  var nonFinite: String? {
    ThermoColumn.allCases.first { !self[$0].isFinite }?.rawValue ?? figures?.first { !$0.value.isFinite }?.key
  }
}
