import Foundation
import MDCore
import MDIO

/// What `resume` was given: a run directory, or a checkpoint file in one.
struct CheckpointPlace {
  /// The run directory, DIRECTORY of DIRECTORY/checkpoints.
  let directory: String
  /// nil: the newest.
  private let file: String?

  /// - Throws: an input error if there is no such thing, or a file is not where checkpoints are.
  init(_ given: String) throws {
    let path = URL(fileURLWithPath: given).standardizedFileURL.path
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw FaultlineError(
        .input, "there is no run directory or checkpoint \(given)",
        hint: "give the run directory, or a file in its checkpoints folder")
    }
    if isDirectory.boolValue {
      directory = path
      file = nil
      guard !store.steps.isEmpty else { throw store.nothingThere }
      return
    }
    let folder = (path as NSString).deletingLastPathComponent
    guard (folder as NSString).lastPathComponent == "checkpoints" else {
      throw FaultlineError(
        .input, "\(path) is not in the checkpoints folder of a run directory",
        hint: "copy it to DIRECTORY/checkpoints and resume it there; the run writes to DIRECTORY")
    }
    directory = (folder as NSString).deletingLastPathComponent
    file = path
  }

  private var store: CheckpointStore { CheckpointStore(RunDirectory(directory).checkpoints) }

  /// - Throws: an input error if the checkpoint is damaged; it names the newest good one.
  func open() throws -> CheckpointReader { try file.map(store.open) ?? store.openNewest() }
}
