import Foundation
import MDCore
import MDDeck
import MDIO

/// The runs of a deck's `scan`, one after the other, each in a folder of its own, and a table of what they gave.
///
///     runs/scan/scan.json      the deck, for `faultline resume runs/scan`
///     runs/scan/scan.csv       a row a run
///     runs/scan/point-001/     the first run
///
/// A run that fails is noted in the table, and the others go on.
struct ScanRun {
  /// One run of the scan.
  struct Point {
    /// Of the scan.
    let root: String
    let values: [String]
    let plan: RunPlan
    var directory: String { plan.output.directory }
  }

  private let scan: ScanPlan
  private let source: DeckSource
  private let points: [Point]
  private let options: RunJob.Options
  private let communicator: any Communicator
  private let log: RunLog
  private var root: String { points[0].root }

  /// Every run's deck is read and checked before the first starts. Collective.
  init(
    _ scan: ScanPlan, of source: DeckSource, _ options: RunJob.Options, communicator: any Communicator, log: RunLog
  ) throws {
    self.scan = scan
    self.source = source
    self.options = options
    self.communicator = communicator
    self.log = log
    points = try Self.points(scan, of: source, output: options.output, communicator: communicator, log: log)
  }

  /// The folder of run `index` (from 0) in that of the scan.
  static func name(_ index: Int) -> String { "point-" + String(format: "%03d", index + 1) }

  /// Warnings are told once, for the first run. Collective.
  static func points(
    _ scan: ScanPlan, of source: DeckSource, output: String?, communicator: any Communicator, log: RunLog
  ) throws -> [Point] {
    try (0..<scan.count).map { index in
      var one = source
      one.settings += scan.settings(of: index)
      var plan = try DeckReading.plan(
        one, purpose: .run, communicator: communicator, log: index == 0 ? log : RunLog(isTerminal: false, emit: nil))
      let root = RunDirectory(output ?? plan.output.directory).path
      plan.output.directory = root + "/" + name(index)
      return Point(root: root, values: scan.values(of: index), plan: plan)
    }
  }

  // MARK: Starting and resuming

  /// The scan in a folder, nil if there is none. Collective.
  static func found(
    in path: String, _ options: RunJob.Options, communicator: any Communicator, log: RunLog
  ) throws -> ScanRun? {
    let root = RunDirectory(path).path
    guard let source = try DeckRecord.scan.deck(in: root, communicator) else { return nil }
    guard let scan = try DeckReading.scan(source, communicator: communicator) else {
      throw DeckRecord.scan.stranger(in: root)
    }
    var options = options
    options.output = root
    return try ScanRun(scan, of: source, options, communicator: communicator, log: log)
  }

  func start() throws -> RunOutcome {
    try communicator.agree {
      guard communicator.isRoot else { return }
      let directory = RunDirectory(root)
      if case .run(let progress) = directory.contents { throw directory.occupied(progress) }
      if DeckRecord.scan.exists(in: root), !options.overwrite {
        throw FaultlineError(
          .input, "the run directory \(root) already holds a scan",
          hint: "'faultline resume \(root)' continues it, --overwrite replaces it, --output DIR writes elsewhere")
      }
      try directory.make()
      try DeckRecord.scan.write(source, in: root)
    }
    return try run(isFresh: true)
  }

  func resume() throws -> RunOutcome { try run(isFresh: false) }

  private func run(isFresh: Bool) throws -> RunOutcome {
    let began = PhaseTimers.now()
    log.line("Scan of \(RunLog.counted(points.count, "run")) in \(root)")
    var failures: [String] = []
    for (index, point) in points.enumerated() {
      let words = zip(scan.axes, point.values).map { "\($0.key) = \($1)" }.joined(separator: ", ")
      let state = try isFresh ? .nothing : state(of: point)
      if state == .finished { continue }
      log.line("\(Self.name(index)): \(words)")
      do {
        let outcome = try run(point, state, seconds: PhaseTimers.now() - began)
        try writeTable()
        if case .stopped = outcome { return outcome }
      } catch let error as FaultlineError where error.isCollective && error.kind == .run {
        log.line("\(Self.name(index)) has failed: \(error)")
        failures.append(Self.name(index))
        try writeTable()
      }
    }
    try writeTable()
    guard failures.isEmpty else {
      throw FaultlineError(
        .run, "\(failures.count) of \(RunLog.counted(points.count, "run")) failed: \(failures.joined(separator: ", "))",
        hint: "their logs say why; the others are in \(root)/scan.csv", isCollective: true)
    }
    log.line("Scan finished: \(root)/scan.csv")
    if points.contains(where: { $0.plan.output.report }) { try ReportJob.write([root], in: root, communicator: communicator, log: log) }
    return .finished
  }

  private func run(_ point: Point, _ state: State, seconds: Double) throws -> RunOutcome {
    var options = options
    // The limit of time is that of the whole.
    options.limits.seconds = options.limits.seconds.map { max($0 - seconds, 1e-3) }
    options.output = nil
    switch state {
    case .begun:
      return try RunJob.resume(from: point.directory, options, communicator: communicator, log: log)
    default:
      options.overwrite = true
      return try RunJob.start(point.plan, options, communicator: communicator, log: log)
    }
  }

  private enum State: Int {
    case nothing, begun, finished
  }

  private func state(of point: Point) throws -> State {
    var found = State.nothing
    try communicator.agree {
      guard communicator.isRoot else { return }
      if Self.numbers(of: point.directory)?.status == "finished" {
        found = .finished
      } else if RunDirectory(point.directory).canBeResumed {
        found = .begun
      }
    }
    return State(rawValue: communicator.maximum(found.rawValue))!
  }

  // MARK: The table

  /// A row a run: what was set, how the run ended, and the numbers of its run.json.
  private func writeTable() throws {
    try communicator.agree {
      guard communicator.isRoot else { return }
      let found = points.map { Self.numbers(of: $0.directory) }
      var names: [String] = []
      for case let numbers? in found { names += numbers.values.map(\.0).filter { !names.contains($0) } }
      var text = (["point"] + scan.axes.map(\.key) + ["status"] + names).map(Self.quoted).joined(separator: ",") + "\n"
      for (index, point) in points.enumerated() {
        let numbers = found[index]
        let values = Dictionary(numbers?.values ?? [], uniquingKeysWith: { $1 })
        let cells = [Self.name(index)] + point.values + [numbers?.status ?? "not started"]
          + names.map { name in values[name].map { Self.text($0) } ?? "" }
        text += cells.map(Self.quoted).joined(separator: ",") + "\n"
      }
      try AtomicFile.write(text, to: root + "/scan.csv")
    }
  }

  private static func quoted(_ cell: String) -> String {
    guard cell.contains(where: { ",\"\n".contains($0) }) else { return cell }
    return "\"" + cell.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }

  private static func text(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(format: "%.12g", value)
  }

  /// How a run ended, and the numbers of `final_thermo` and of what observers and tasks found, by name with unit; nil
  /// without a run.json.
  static func numbers(of directory: String) -> (status: String, values: [(String, Double)])? {
    guard let data = FileManager.default.contents(atPath: RunDirectory(directory).summary),
      let json = try? JSONSerialization.jsonObject(with: data) as? [String: Any], let status = json["status"] as? String
    else { return nil }
    let units = json["thermo_units"] as? [String: String] ?? [:]
    var values: [(String, Double)] = []
    for name in json.keys.sorted() {
      if name == "final_thermo" {
        for (key, value) in flat(json[name]!, "") where key != "stage" {
          values.append((units[key].map { "\(key) [\($0)]" } ?? key, value))
        }
      } else if !RunSummary.keys.contains(name) {
        values += flat(json[name]!, name)
      }
    }
    return (status, values)
  }

  /// The numbers of a JSON value by their paths; of a list of sections the last.
  private static func flat(_ value: Any, _ path: String) -> [(String, Double)] {
    switch value {
    case let section as [String: Any]:
      section.keys.sorted().flatMap { flat(section[$0]!, path.isEmpty ? $0 : path + "." + $0) }
    case let list as [[String: Any]]: list.last.map { flat($0, path) } ?? []
    case let number as NSNumber: [(path, number.doubleValue)]
    default: []
    }
  }
}
