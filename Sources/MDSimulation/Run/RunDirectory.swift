import Foundation
import MDCore
import MDIO

/// Where a run's files are: `log.txt`, `thermo.csv`, `run.json`, trajectories, `checkpoints/`.
public struct RunDirectory: Sendable {
  public let path: String

  public init(_ path: String) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  public var log: String { path + "/log.txt" }
  public var thermo: String { path + "/thermo.csv" }
  public var summary: String { path + "/run.json" }
  public var checkpoints: String { path + "/checkpoints" }
  public func file(_ name: String) -> String { name.hasPrefix("/") ? name : path + "/" + name }

  /// True if an earlier run left its marks here.
  public var holdsRun: Bool {
    [thermo, summary, checkpoints].contains { FileManager.default.fileExists(atPath: $0) }
  }

  /// Makes the directory for a new run and proves that it can be written to. Refuses one that holds a run
  /// unless it may be replaced; then only files that a run writes are removed.
  public func prepare(trajectories: [String], overwrite: Bool) throws {
    if holdsRun {
      guard overwrite else {
        let resume = CheckpointStore(checkpoints).steps.isEmpty ? "" : "'faultline resume \(path)' continues it, "
        throw FaultlineError(
          .input, "the run directory \(path) already holds a run",
          hint: resume + "--overwrite replaces it, --output DIR writes elsewhere")
      }
      for old in [log, thermo, summary, checkpoints] + trajectories.map(file) {
        try? FileManager.default.removeItem(atPath: old)
      }
    }
    try make(path)
    try make(checkpoints)
    for trajectory in trajectories.map(file) { try make((trajectory as NSString).deletingLastPathComponent) }
    try proveWritable()
  }

  /// Creates and removes a file, so that a missing permission or a full disk shows now.
  public func proveWritable() throws {
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
