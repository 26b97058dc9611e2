import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics

/// The tasks of a deck, one after the other, in memory: the crystal is brought to equilibrium once, then each is computed.
struct TaskRun {
  /// A task that is done.
  struct Done {
    let name: String
    let kind: String
    let section: DeckSection
    let result: TaskResult
  }

  let crystal: Crystal
  private(set) var done: [Done] = []
  /// Those that failed, and why.
  private(set) var failures: [(name: String, reason: FaultlineError)] = []

  /// The names of tasks as tables and run.json have them: given, or the kind's own; a number behind those that repeat.
  static func names(_ tasks: [EntryPlan]) -> [String] {
    var seen: [String: Int] = [:]
    return tasks.map { task in
      let name = task.section["name"]?.string ?? task.name
      seen[name, default: 0] += 1
      return seen[name] == 1 ? name : "\(name)_\(seen[name]!)"
    }
  }

  /// Collective. `finish` is called after each task.
  /// - Parameter known: results of tasks, by their names, that need not be computed.
  /// - Throws: input errors at once; a task that meets trouble is noted and the others go on.
  init(
    _ plan: RunPlan, known: [String: TaskResult] = [:], limits: RunLimits, communicator: any Communicator, log: RunLog,
    finish: (TaskRun, Done) throws -> Void
  ) throws {
    let began = PhaseTimers.now()
    crystal = try Crystal(plan, communicator: communicator)
    log.line("  " + crystal.summary)
    for (name, task) in zip(Self.names(plan.tasks), plan.tasks) {
      if let result = known[name] {
        log.line("  task '\(name)' was done before")
        done.append(Done(name: name, kind: task.name, section: task.section, result: result))
        try finish(self, done[done.count - 1])
        continue
      }
      let late = limits.seconds.map { PhaseTimers.now() - began > $0 } ?? false
      let signal = communicator.maximum(Int(StopRequest.pending))
      if signal != 0 || communicator.any(late) {
        throw FaultlineError(
          .run, "\(signal != 0 ? "\(StopRequest.name(Int32(signal))) received" : "the time limit is reached") before the task "
            + "'\(name)'", hint: "what was done is in run.json; 'faultline resume \(plan.output.directory)' goes on",
          isCollective: true)
      }
      guard let entry = TaskEntry.all.first(where: { $0.entry.name == task.name }) else {
        preconditionFailure("the deck's schema is made of these tasks")
      }
      do {
        let one = Done(name: name, kind: task.name, section: task.section, result: try entry.run(task.section, crystal))
        for line in one.result.lines { log.line("  " + line) }
        for warning in one.result.warnings { log.line("  warning: \(warning)") }
        done.append(one)
        try finish(self, one)
      } catch let error as FaultlineError where error.kind == .run && error.isCollective {
        log.line("  task '\(name)' has failed: \(error)")
        failures.append((name, error))
      }
    }
  }

  // MARK: A run of tasks

  /// Runs a deck's tasks into its run directory: a table a task, log.txt, run.json and tasks.json. Collective.
  /// - Parameter kept: what an earlier start has done.
  static func run(
    _ plan: RunPlan, resuming kept: TaskRecord? = nil, _ options: RunJob.Options, communicator: any Communicator,
    log: RunLog
  ) throws -> RunOutcome {
    let began = PhaseTimers.now()
    let directory = RunDirectory(plan.output.directory)
    let tables = names(plan.tasks).map { $0 + ".csv" }
    var lock: RunLock?
    var cards: [String] = []
    var record: TaskRecord?
    try communicator.agree {
      guard communicator.isRoot else { return }
      cards = PotentialCard.warnings(of: plan)
      try directory.make()
      lock = try RunLock(directory: directory.path, endedJob: options.endedJob)
      if let kept {
        try directory.proveWritable()
        record = kept
      } else {
        try directory.prepare(trajectories: tables, overwrite: plan.output.overwrite)
        record = try TaskRecord(plan)
      }
      try record?.write(in: directory)
      try log.open(path: directory.log, append: kept != nil)
    }
    defer { lock?.release() }
    log.line("Faultline \(faultlineVersion)" + (plan.title.map { ": \($0)" } ?? ""))
    for card in cards { log.line("  warning: \(card)") }
    var summary = WorkSummary(plan, ranks: communicator.size)
    summary.tasks = [:]
    summary.warnings = cards
    func write() throws {
      summary.seconds = PhaseTimers.now() - began
      try communicator.agree { if communicator.isRoot { try AtomicFile.writeJSON(summary, to: directory.summary) } }
    }
    do {
      try write()
      let known = Dictionary((kept?.done ?? []).map { ($0.name, $0.result) }, uniquingKeysWith: { $1 })
      let all = try TaskRun(
        plan, known: known, limits: options.limits, communicator: communicator, log: log
      ) { run, one in
        summary.crystal = run.crystal.numbers
        summary.done = run.done.count
        summary.tasks?[one.name] = .section(one.result.numbers)
        summary.warnings += one.result.warnings
        try communicator.agree {
          if communicator.isRoot, let table = one.result.table {
            try table.write(to: directory.file(one.name + ".csv"))
          }
          if known[one.name] == nil {
            record?.done.append(TaskRecord.Done(name: one.name, result: one.result))
            try record?.write(in: directory)
          }
        }
        try write()
      }
      summary.crystal = all.crystal.numbers
      if let first = all.failures.first {
        let names = all.failures.map(\.name).joined(separator: ", ")
        throw FaultlineError(.run, "tasks have failed: \(names): \(first.reason)", isCollective: true)
      }
    } catch {
      summary.status = "failed"
      summary.reason = "\(error)"
      if communicator.isRoot { try? AtomicFile.writeJSON(summary, to: directory.summary) }
      throw error
    }
    summary.status = "finished"
    try write()
    log.line(
      "Finished: \(RunLog.counted(plan.tasks.count, "task")) in \(RunLog.duration(PhaseTimers.now() - began)); "
        + "results: \(directory.path)")
    return .finished
  }
}

extension TaskTable {
  func write(to path: String) throws {
    let file = try CSVWriter(path, columns: columns.map(\.heading), digits: columns.map(\.digits))
    for row in rows { try file.write(row) }
    try file.finish()
  }
}

extension Crystal {
  /// "crystal in equilibrium: a 3.169258 Å, …".
  var summary: String {
    let edges = lengths
    let isCubic = edges.allSatisfy { abs($0 - edges[0]) < 1e-6 }
    let text = isCubic
      ? "a \(RunLog.fixed(edges[0], 6)) Å"
      : zip(["a", "b", "c"], edges).map { "\($0) \(RunLog.fixed($1, 6))" }.joined(separator: ", ") + " Å"
    return "crystal in equilibrium: \(text), \(RunLog.fixed(energy, 6)) eV/atom, \(RunLog.fixed(atomicVolume, 4)) Å³/atom"
  }

  var numbers: [String: JSONNumber] {
    var numbers: [String: JSONNumber] = [
      "energy_eV_per_atom": .number(energy), "volume_A3_per_atom": .number(atomicVolume),
      "cell_A": .list(unitCell.cell.elements), "atoms": .count(unitCell.sites.count),
      "site_species": .list(unitCell.sites.map { .text($0.species) }),
      "site_positions": .list(unitCell.sites.flatMap { [$0.position.x, $0.position.y, $0.position.z] }),
    ]
    for (name, length) in zip(["a_A", "b_A", "c_A"], lengths) { numbers[name] = .number(length) }
    return numbers
  }
}
