import Foundation
import MDCore
import MDIO
import MDNumerics
import MDParallel
import MDSimulation
import MDTestSupport
import Testing

/// A deck that is run in memory, ranks as threads, and what it left behind. The folder goes with the value.
final class DeckRun {
  let folder: String
  /// What the terminal would show.
  private(set) var log = ""
  private(set) var outcome = RunOutcome.finished
  /// Wall time of the whole, s.
  private(set) var seconds = 0.0

  /// An empty folder with these files.
  init(files: [String: String] = [:]) throws {
    folder = NSTemporaryDirectory() + "faultline-numbers-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in files { try write(name, text) }
  }

  /// Runs the deck in a folder with these files. `FOLDER` in the deck stands for it.
  convenience init(
    _ deck: String, files: [String: String] = [:], ranks: Int = 1, limits: RunLimits = RunLimits()
  ) throws {
    try self.init(files: files)
    try run(deck, ranks: ranks, limits: limits)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  func write(_ name: String, _ text: String) throws { try write(name, data: Data(text.utf8)) }

  func write(_ name: String, data: Data) throws {
    let url = URL(fileURLWithPath: path(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url)
  }

  func read(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

  /// Gathers what ranks say.
  private final class Listener: @unchecked Sendable {
    private let lock = NSLock()
    private var text = ""
    private var outcome: RunOutcome?
    func hear(_ line: String) { lock.withLock { text += line } }
    func note(_ result: RunOutcome) { lock.withLock { outcome = result } }
    var all: (text: String, outcome: RunOutcome?) { lock.withLock { (text, outcome) } }
  }

  private func onRanks(
    _ ranks: Int, _ body: @escaping @Sendable (any Communicator, RunLog) throws -> RunOutcome?
  ) throws {
    let listener = Listener()
    let began = Date()
    defer {
      seconds = Date().timeIntervalSince(began)
      log += listener.all.text
      if let result = listener.all.outcome { outcome = result }
    }
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let log = RunLog(isTerminal: false, emit: communicator.rank == 0 ? { listener.hear($0) } : nil)
      if let result = try body(communicator, log) { listener.note(result) }
    }
  }

  /// The run's files go to `output` inside the folder.
  func run(
    _ deck: String, settings: [String] = [], output: String = "run", ranks: Int = 1, limits: RunLimits = RunLimits(),
    overwrite: Bool = false
  ) throws {
    let (file, directory) = (path("\(output).yaml"), path(output))
    try write("\(output).yaml", deck.replacingOccurrences(of: "FOLDER", with: folder))
    try onRanks(ranks) { communicator, log in
      try RunJob.start(
        deck: file, settings: settings, .init(output: directory, overwrite: overwrite, limits: limits),
        communicator: communicator, log: log)
    }
  }

  /// Runs a deck of the folder to where it says itself.
  func start(_ name: String, ranks: Int = 1) throws {
    let file = path(name)
    try onRanks(ranks) { communicator, log in
      try Simulation.start(deck: file, output: nil, overwrite: false, communicator: communicator, log: log)
        .run(limits: RunLimits())
    }
  }

  func resume(
    _ output: String = "run", extend: RunExtension? = nil, ranks: Int = 1, limits: RunLimits = RunLimits()
  ) throws {
    let directory = path(output)
    try onRanks(ranks) { communicator, log in
      try RunJob.resume(from: directory, extend: extend, .init(limits: limits), communicator: communicator, log: log)
    }
  }

  /// `faultline evaluate`.
  func evaluate(_ deck: String, frames: String, output: String = "out.extxyz", ranks: Int = 1) throws
    -> [ExtXYZFrame]
  {
    try write("evaluate.yaml", deck)
    let (file, input, result) = (path("evaluate.yaml"), path(frames), path(output))
    try onRanks(ranks) { communicator, log in
      try Evaluation.run(deck: file, frames: input, output: result, communicator: communicator, log: log)
      return nil
    }
    return try ExtXYZReader.frames(of: result)
  }

  /// `faultline analyze`: results go to `output` inside the folder. `measure` is what stands in `analysis.measure`.
  func analyze(
    _ measure: String, regions: String = "{}", more: String = "", frames: String, output: String = "run",
    interval: Double? = nil, types: [String]? = nil, ranks: Int = 1
  ) throws {
    try write("analyze.yaml", "analysis: {regions: \(regions), measure: [\(measure)]}\n\(more)\n")
    let (file, input, result) = (path("analyze.yaml"), frames.hasPrefix("/") ? frames : path(frames), path(output))
    try onRanks(ranks) { communicator, log in
      try Analysis.run(
        deck: file, frames: input, output: result, .init(interval: interval, types: types, overwrite: true),
        communicator: communicator, log: log)
      return nil
    }
  }

  /// `faultline build`: the structure section under `structure:`.
  static func build(_ structure: String, files: [String: String] = [:]) throws -> Structure {
    let run = try DeckRun(files: files)
    try run.write("build.yaml", "structure:\n  " + structure)
    let (file, result) = (run.path("build.yaml"), run.path("built.extxyz"))
    try run.onRanks(1) { communicator, log in
      try StructureJob.run(deck: file, output: result, communicator: communicator, log: log)
      return nil
    }
    return try ExtXYZReader.frames(of: result)[0].structure
  }

  // MARK: What is there afterwards

  /// Rows of thermo.csv by column.
  func thermo(_ output: String = "run") throws -> [[String: Double]] {
    CSVTable.rows(try read("\(output)/thermo.csv"))
  }

  func thermoHeader(_ output: String = "run") throws -> [String] {
    CSVTable.names(try read("\(output)/thermo.csv"))
  }

  /// run.json.
  func summary(_ output: String = "run") throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path("\(output)/run.json")))
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  func frames(_ name: String, _ output: String = "run") throws -> [Frame] {
    try ExtXYZReader.frames(of: path("\(output)/\(name)")).map { Frame($0) }
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
}

/// A frame of a trajectory.
struct Frame {
  var source: ExtXYZFrame
  var structure: Structure { source.structure }

  init(_ source: ExtXYZFrame) { self.source = source }

  var step: Int { Int(number("step")) }
  var time: Double { number("time") }
  var positions: [Vector3] { structure.positions }
  var velocities: [Vector3] { structure.velocities ?? [] }
  var forces: [Vector3] { vectors("forces") }
  /// Species by name, an atom each.
  var names: [String] { structure.types.map { structure.species[Int($0)] } }
  func number(_ key: String) -> Double { source[key]?.numbers?.first ?? .nan }
  func reals(_ name: String) -> [Double] { source.column(name)?.reals ?? [] }
  func vectors(_ name: String) -> [Vector3] {
    let x = reals(name)
    return stride(from: 0, to: x.count, by: 3).map { Vector3(x[$0], x[$0 + 1], x[$0 + 2]) }
  }
  func tensors(_ name: String) -> [Matrix3] {
    let x = reals(name)
    return stride(from: 0, to: x.count, by: 9).map { Matrix3(Array(x[$0..<($0 + 9)])) }
  }
}

/// Absolute or relative, whichever allows more.
func isClose(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
  abs(a - b) <= tolerance * max(abs(a), abs(b), 1)
}

/// The largest component of the difference; infinite where the counts differ or a number is none.
func distance(_ a: [Vector3], _ b: [Vector3]) -> Double {
  guard a.count == b.count, !a.isEmpty else { return .infinity }
  let largest = zip(a, b).map { ($0 - $1).length }.reduce(0) { $1 <= $0 ? $0 : $1 }
  return largest.isNaN ? .infinity : largest
}

func distance(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count, !a.isEmpty else { return .infinity }
  let largest = zip(a, b).map { abs($0 - $1) }.reduce(0) { $1 <= $0 ? $0 : $1 }
  return largest.isNaN ? .infinity : largest
}
