import Foundation
import MDCore
import MDDeck
import MDIO

/// `tasks.json` of a run of tasks: its deck, the checksums of its potentials' files, and what the tasks that are done have
/// given. `faultline resume` goes on with the others.
struct TaskRecord: Codable {
  struct Done: Codable {
    var name: String
    var result: TaskResult
  }

  var deck: DeckSource
  var inputs: [String: FileChecksum]
  var done: [Done] = []

  /// Reads the potentials' files.
  init(_ plan: RunPlan) throws {
    deck = DeckRecord.absolute(plan.source)
    inputs = try InputFiles.checksums(plan)
  }

  /// Nil where there is none.
  static func read(in directory: RunDirectory) throws -> TaskRecord? {
    guard DeckRecord.tasks.exists(in: directory.path) else { return nil }
    return try AtomicFile.readJSON(TaskRecord.self, from: DeckRecord.tasks.path(in: directory.path))
  }

  func write(in directory: RunDirectory) throws { try AtomicFile.writeJSON(self, to: DeckRecord.tasks.path(in: directory.path)) }

  /// The tasks in a folder, nil if there are none. Collective.
  /// - Parameter acceptChangedFiles: whether potentials' files may differ from those of the tasks that are done.
  static func found(
    in path: String, acceptChangedFiles: Bool, communicator: any Communicator, log: RunLog
  ) throws -> (plan: RunPlan, record: TaskRecord)? {
    let directory = RunDirectory(path)
    var read: TaskRecord?
    try communicator.agree { if communicator.isRoot { read = try Self.read(in: directory) } }
    guard var record = try Broadcast.value(read, communicator) else { return nil }
    var plan = try DeckReading.plan(record.deck, purpose: .run, communicator: communicator, log: log)
    plan.output.directory = directory.path
    guard !plan.tasks.isEmpty else { throw DeckRecord.tasks.stranger(in: directory.path) }
    var changed: [String] = []
    try communicator.agree {
      guard communicator.isRoot else { return }
      let now = try InputFiles.checksums(plan)
      changed = InputFiles.changes(from: record.inputs, to: now)
      record.inputs = now
      if changed.isEmpty || acceptChangedFiles { return }
      throw FaultlineError(
        .input, "\(changed.joined(separator: ", ")) changed since the tasks were begun",
        hint: "results of two potentials do not belong together; bring the file back, or give --accept-changed-files")
    }
    record = try Broadcast.value(record, communicator) ?? record
    return (plan, record)
  }
}
