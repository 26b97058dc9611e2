import Glibc
import MDCore

/// The checkpoints of a run in their directory, `step-000000001000.checkpoint` and the like; the newest `keep` stay.
package struct CheckpointStore: Sendable {
  package let directory: String
  package let keep: Int
  private static let prefix = "step-"
  private static let suffix = ".checkpoint"

  package init(_ directory: String, keep: Int = 2) {
    precondition(keep >= 1, "at least one checkpoint is kept")
    self.directory = directory
    self.keep = keep
  }

  package func path(step: Int) -> String {
    let digits = String(step)
    let zeros = String(repeating: "0", count: max(0, 12 - digits.count))
    return "\(directory)/\(Self.prefix)\(zeros)\(digits)\(Self.suffix)"
  }

  /// Steps for which there is a file, newest first; whether they are whole is not known before they are opened.
  package var steps: [Int] { steps(of: Self.suffix).sorted(by: >) }

  private func steps(of suffix: String) -> [Int] {
    guard let handle = opendir(directory) else { return [] }
    defer { closedir(handle) }
    var steps: [Int] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix(Self.prefix), name.hasSuffix(suffix),
        let step = Int(name.dropFirst(Self.prefix.count).dropLast(suffix.count))
      else { continue }
      steps.append(step)
    }
    return steps
  }

  /// Writes a checkpoint, and only when it is in its place removes those beyond the newest `keep`.
  package func write(step: Int, _ body: (CheckpointWriter) throws -> Void) throws {
    guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
      throw SystemFailure.error("make directory", directory)
    }
    let writer = try CheckpointWriter(path(step: step))
    try body(writer)
    try writer.commit()
    prune(after: step)
  }

  /// Removes the oldest, what killed runs have left half written, and those of later steps: they are of a branch that
  /// was left when the run went back.
  package func prune(after step: Int) {
    let older = steps.filter { $0 < step }
    let later = steps.filter { $0 > step }
    for old in later + older.dropFirst(keep - 1) { unlink(path(step: old)) }
    // Left by runs that were killed in mid-checkpoint.
    for broken in steps(of: Self.suffix + AtomicFile.partialSuffix) {
      unlink(path(step: broken) + AtomicFile.partialSuffix)
    }
  }

  /// What is said where there is none.
  package var nothingThere: FaultlineError {
    FaultlineError(.input, "there is no checkpoint in \(directory)", hint: "files are named \(path(step: 1000))")
  }

  /// The newest checkpoint, verified. If it is damaged the error names the newest good one before it.
  package func openNewest() throws -> CheckpointReader {
    guard let newest = steps.first else { throw nothingThere }
    return try open(path(step: newest))
  }

  /// A checkpoint of this or another directory, verified. The error for a damaged one names the newest good one.
  package func open(_ path: String) throws -> CheckpointReader {
    do {
      return try CheckpointReader(path)
    } catch var error as FaultlineError {
      if let good = newestGood(except: path) {
        error.hint = "the newest good checkpoint is \(good)"
      } else {
        error.hint = "there is no other good checkpoint in \(directory)"
      }
      throw error
    }
  }

  /// The path of the newest checkpoint that is whole.
  package func newestGood(except damaged: String? = nil) -> String? {
    steps.lazy.map(path(step:)).first { $0 != damaged && (try? CheckpointReader($0)) != nil }
  }
}
