import Foundation
import MDCore
import MDIO

/// Where a run's files are: `log.txt`, `thermo.csv`, `run.json`, trajectories, `checkpoints/`.
package struct RunDirectory: Sendable {
  package let path: String

  package init(_ path: String) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  package var log: String { path + "/log.txt" }
  package var thermo: String { path + "/thermo.csv" }
  package var summary: String { path + "/run.json" }
  package var checkpoints: String { path + "/checkpoints" }
  package func file(_ name: String) -> String { name.hasPrefix("/") ? name : path + "/" + name }

  /// What an earlier run left here.
  package enum Contents: Equatable, Sendable {
    case nothing
    /// Marks of a run that never got beyond its start: nothing is lost with it.
    case unstarted
    /// A run that got somewhere; the words say how far.
    case run(String)
  }

  /// A run has got nowhere if its run.json, where there is one, says `running` or `failed` after no step, if thermo.csv
  /// has no row of a later step than 0, and if there is no checkpoint.
  package var contents: Contents {
    let marks = [thermo, summary, checkpoints].filter { FileManager.default.fileExists(atPath: $0) }
    if SearchJournal.exists(in: path) { return .run("a search for a boundary's state") }
    if let tasks = try? TaskRecord.read(in: self), !tasks.done.isEmpty {
      return .run("the results of \(RunLog.counted(tasks.done.count, "task"))")
    }
    if marks.isEmpty { return .nothing }
    if let newest = CheckpointStore(checkpoints).steps.first { return .run("up to step \(newest)") }
    if marks.contains(summary) {
      guard let found = try? AtomicFile.readJSON(RunProgress.self, from: summary) else {
        return .run("whose run.json cannot be read")
      }
      guard ["running", "failed"].contains(found.status), found.stepsTotal == 0 else {
        return .run("\(found.status) at step \(found.stepsTotal)")
      }
    }
    guard marks.contains(thermo) else { return .unstarted }
    guard let row = lastRow else { return .run("whose thermo.csv cannot be read") }
    if row.hasPrefix("step") { return .unstarted }
    let step = row.prefix { $0 != "," }
    return step == "0" ? .unstarted : .run("up to step \(step)")
  }

  /// The last line of thermo.csv, its header if there is no row; nil if the file cannot be read.
  private var lastRow: Substring? {
    guard let handle = FileHandle(forReadingAtPath: thermo), let size = try? handle.seekToEnd(),
      (try? handle.seek(toOffset: size - min(size, 1 << 16))) != nil, let end = try? handle.readToEnd() ?? Data()
    else { return nil }
    return String(decoding: end, as: UTF8.self).split(separator: "\n").last ?? "step"
  }

  /// Makes the directory.
  package func make() throws { try make(path) }

  /// Makes ready for a new run and proves that the directory can be written to. Refuses one that holds a run which got
  /// somewhere unless it may be replaced; then only files that a run writes are removed.
  ///
  /// - Returns: what stood here before.
  @discardableResult
  package func prepare(trajectories: [String], overwrite: Bool) throws -> Contents {
    let contents = contents
    if case .run(let progress) = contents, !overwrite { throw occupied(progress) }
    if contents != .nothing {
      // Of whatever was here: `resume` must not go on with it.
      let records = DeckRecord.allCases.map { $0.path(in: path) } + [SearchJournal.path(in: path)]
      for old in [log, thermo, summary, checkpoints, file(ReportJob.name)] + records + trajectories.map(file) {
        try? FileManager.default.removeItem(atPath: old)
      }
    }
    try make(path)
    try make(checkpoints)
    for trajectory in trajectories.map(file) { try make((trajectory as NSString).deletingLastPathComponent) }
    try proveWritable()
    return contents
  }

  /// Whether there is something that `faultline resume` goes on with.
  var canBeResumed: Bool {
    !CheckpointStore(checkpoints).steps.isEmpty || SearchJournal.exists(in: path) || DeckRecord.tasks.exists(in: path)
  }

  /// The refusal to write over a run.
  func occupied(_ progress: String) -> FaultlineError {
    let resume = !canBeResumed ? "" : "'faultline resume \(path)' continues it, "
    return FaultlineError(
      .input, "the run directory \(path) already holds a run, \(progress)",
      hint: resume + "--overwrite replaces it, --output DIR writes elsewhere")
  }

  /// Creates and removes a file, so that a missing permission or a full disk shows now.
  package func proveWritable() throws {
    let probe = path + "/.faultline-\(getpid())"
    guard let file = fopen(probe, "w") else {
      throw FaultlineError(
        .input, "cannot write to the run directory \(path): \(String(cString: strerror(errno)))")
    }
    let written = fputs("x", file) >= 0 && fclose(file) == 0
    unlink(probe)
    if !written {
      throw FaultlineError(
        .input, "cannot write to the run directory \(path): \(String(cString: strerror(errno)))")
    }
  }

  private func make(_ directory: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw FaultlineError(
        .input, "cannot make the directory \(directory): \(error.localizedDescription)",
        hint: "output.directory and trajectory files must be in places that you may write to")
    }
  }
}

/// The part of run.json that says how far a run got.
private struct RunProgress: Decodable {
  var status: String
  var stepsTotal: Int

  enum CodingKeys: String, CodingKey {
    case status
    case stepsTotal = "steps_total"
  }
}
