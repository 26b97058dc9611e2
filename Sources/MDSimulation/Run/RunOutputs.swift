import Foundation
import MDCore
import MDDeck
import MDIO
import MDParallel

/// A run's files: thermo.csv, trajectories, checkpoints, run.json.
///
/// Rank 0 writes rows, and with the other `Writers` frames and checkpoints. Methods that write are collective: a full disk
/// is an error that every rank throws. Rows and frames of
/// steps that are already in a file (a resumed stage begins where a row was written) are not written again.
final class RunOutputs {
  let directory: RunDirectory
  let plan: OutputPlan
  /// What the types of MLIP's files are.
  private let types: MLIPTypes?
  private let communicator: any Communicator
  let writers: Writers
  private let store: CheckpointStore
  private var thermo: CSVWriter?
  private var columns: [Figure] = []
  /// All that observers give, whether the file has it or not.
  private var known: [String] = []
  /// Structures that observers keep, by their names.
  private var kept: [String: TrajectoryOutput] = [:]
  private var trajectories: [TrajectoryOutput] = []
  /// Tables of observers by their names, and the steps of their last rows.
  private var tables: [(observer: String, file: String, writer: CSVWriter?, lastStep: Int)] = []
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
    _ plan: OutputPlan, types: MLIPTypes?, directory: RunDirectory, lock: RunLock?, communicator: any Communicator
  ) {
    self.plan = plan
    self.types = types
    self.lock = lock
    self.directory = directory
    self.communicator = communicator
    writers = .chosen(plan.writers, communicator)
    store = CheckpointStore(directory.checkpoints, keep: plan.checkpoints.keep)
  }

  /// Creates the files, or cuts them back to what a checkpoint says was theirs and goes on after it. Collective.
  func open(
    continuing checkpoint: (header: CheckpointHeader, path: String)?, atoms: AtomStore, observers: Observers
  ) throws {
    columns = observers.columns
    known = observers.all.flatMap(\.columns).map(\.name)
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
        directory.thermo, columns: ["step", "stage"] + columns.map(\.heading),
        digits: [17, 17] + columns.map(\.digits), mode: mode("thermo.csv"))
    }
    for observer in observers.all {
      guard let table = observer.table else { continue }
      var writer: CSVWriter?
      try communicator.agree {
        guard communicator.isRoot else { return }
        // Runs that were begun before these headings had units are gone on with.
        writer = try CSVWriter(
          directory.file(table.file), columns: ["step", "stage"] + table.columns.map(\.heading),
          formerly: ["step", "stage"] + table.columns.map(\.name), mode: mode(table.file))
      }
      tables.append((observer.name, table.file, writer, checkpoint?.header.clock.step ?? -1))
    }
    func output(_ plan: TrajectoryPlan) throws -> TrajectoryOutput {
      try TrajectoryOutput(
        plan, path: directory.file(plan.file), mode: mode(plan.file), writers: writers, communicator: communicator,
        atoms: atoms, types: types, lastStep: checkpoint?.header.clock.step ?? -1)
    }
    trajectories = try plan.trajectories.map(output)
    for observer in observers.all { kept[observer.name] = try observer.keeps.map(output) }
    // Later checkpoints belong to outputs that have just been cut off.
    if communicator.isRoot, let checkpoint { store.prune(after: checkpoint.header.clock.step) }
  }

  /// What is to be continued must be what was written: all files are looked at before the first is cut.
  private func verify(_ header: CheckpointHeader) throws {
    for (name, expected) in header.checksums {
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

  /// A row of thermo.csv: the system's state, and the observers' values by the names of their columns. Collective.
  func write(_ row: ThermoRow, _ values: [String: Double]) throws {
    if let column = known.first(where: { !(values[$0] ?? 0).isFinite }) {
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
      try thermo?.write([Double(row.step), Double(row.stage)] + columns.map { values[$0.name] ?? 0 })
    }
  }

  /// A row of an observer's table. Collective.
  func write(_ row: [Double], of observer: String, step: Int, stage: Int) throws {
    guard let k = tables.firstIndex(where: { $0.observer == observer }), step > tables[k].lastStep else { return }
    tables[k].lastStep = step
    hasGrown = hasGrown || step > 0
    try communicator.agree {
      try requireLock()
      try tables[k].writer?.write([Double(step), Double(stage)] + row)
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

  /// Writes a structure that an observer keeps. Collective.
  func keep(
    for observer: any Observer, at step: Int, time: Double, header: [ExtXYZEntry], system: DistributedSystem
  ) throws {
    guard let output = kept[observer.name], output.isNew(step) else { return }
    try output.write(step: step, time: time, header: header, system: system)
  }

  /// Per-atom quantities of structures that it keeps.
  func keptWants(of observer: any Observer) -> Want { kept[observer.name]?.wants ?? [] }

  /// Files of frames, in an order that does not change.
  private var frames: [TrajectoryOutput] { trajectories + kept.sorted { $0.key < $1.key }.map(\.value) }

  /// Collective. Right after a rebuild.
  func writeCheckpoint(_ checkpoint: Checkpoint, system: DistributedSystem) throws {
    var checkpoint = checkpoint
    try communicator.agree { try requireLock(atOnce: true) }
    // What the checkpoint says of the files must be on the disk before the checkpoint is.
    for trajectory in frames { try trajectory.synchronize() }
    try communicator.agree {
      guard communicator.isRoot else { return }
      try thermo?.synchronize()
      try note("thermo.csv", thermo?.offset, in: &checkpoint.header)
      for table in tables {
        try table.writer?.synchronize()
        try note(table.file, table.writer?.offset, in: &checkpoint.header)
      }
      for trajectory in frames { try note(trajectory.plan.file, trajectory.offset, in: &checkpoint.header) }
    }
    try CheckpointFile.write(checkpoint, system: system, to: store, writers: writers)
    lastCheckpoint = store.path(step: checkpoint.header.clock.step)
    lastCheckpointClock = checkpoint.header.clock
  }

  /// Of this run, oldest first.
  var checkpointPaths: [String] { store.steps.reversed().map { store.path(step: $0) } }

  /// run.json, on rank 0; `results` are those of the observers.
  func write(_ summary: RunSummary, results: [String: any Encodable]) throws {
    try requireLock(atOnce: true)
    try summary.write(to: directory.summary, results: results)
  }

  /// Collective; a full disk may show itself only here.
  func close() throws {
    try communicator.agree {
      try thermo?.finish()
      for table in tables { try table.writer?.finish() }
    }
    for trajectory in frames { try trajectory.finish() }
  }
}
