import Foundation
import MDCore
import MDIO

/// What a run directory holds, as far as it can be read: reports are made of failed runs and of runs that go on, too.
package struct RunFolder {
  /// A stage as the log tells of it.
  package struct Stage: Sendable {
    package var number: Int
    package var words: String
    package var ending: String?
    /// `minimize` or `dynamics`, as run.json says of stages that have ended.
    package var kind: String?
    package var isRelaxation: Bool { kind.map { $0 == "minimize" } ?? words.contains("eV/Å") }
  }

  package let path: String
  /// The directory's own name.
  package let name: String
  package private(set) var run: ResultValue = .none
  package private(set) var results: ResultValue = .none
  package private(set) var tables: [ResultTable] = []
  package private(set) var deck: (text: String, origin: String)?
  package private(set) var log: [String] = []
  package private(set) var stages: [Stage] = []
  package private(set) var files: [(name: String, bytes: Int)] = []
  /// Runs of a scan, or boundaries of a search over several.
  package private(set) var parts: [String] = []
  /// Whether somebody works here, as `run.lock` says.
  package private(set) var isLocked = false
  /// What could not be read, and why.
  package private(set) var troubles: [String] = []

  package subscript(table: String) -> ResultTable? { tables.first { $0.file == table } }

  package init(_ path: String) throws {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let absolute = URL(fileURLWithPath: self.path).standardizedFileURL
    name = absolute.lastPathComponent
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    guard manager.fileExists(atPath: self.path, isDirectory: &isFolder), isFolder.boolValue else {
      throw FaultlineError(.input, "\(self.path) is no run directory: there is no such folder", hint: "give the folder that `faultline run` made")
    }
    let names = ((try? manager.contentsOfDirectory(atPath: self.path)) ?? []).sorted()
    guard names.contains(where: { ["run.json", "log.txt", "thermo.csv", "scan.csv", "scan.json", "results.json"].contains($0) }) else {
      throw FaultlineError(
        .input, "\(self.path) is no run directory: it has neither run.json nor log.txt, thermo.csv, results.json or scan.csv",
        hint: "give the folder that `faultline run` or `faultline analyze` made")
    }
    for file in names {
      let size = (try? manager.attributesOfItem(atPath: self.path + "/" + file)[.size] as? Int) ?? 0
      _ = manager.fileExists(atPath: self.path + "/" + file, isDirectory: &isFolder)
      if isFolder.boolValue {
        if manager.fileExists(atPath: self.path + "/" + file + "/best.extxyz") || file.hasPrefix("point-") { parts.append(file) }
      } else {
        files.append((file, size))
      }
    }
    isLocked = names.contains("run.lock")
    attempt("run.json", names) { $0.run = try AtomicFile.readJSON(ResultValue.self, from: $1) }
    attempt("results.json", names) { $0.results = try AtomicFile.readJSON(ResultValue.self, from: $1) }
    for file in names where file.hasSuffix(".csv") {
      attempt(file, names) { $0.tables.append(try ResultTable($1, named: file)) }
    }
    attempt("log.txt", names) {
      let text = try Data(contentsOf: URL(fileURLWithPath: $1))
      $0.log = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
    readStages()
    deck = findDeck(names)
  }

  private mutating func attempt(_ file: String, _ names: [String], _ body: (inout RunFolder, String) throws -> Void) {
    guard names.contains(file) else { return }
    do { try body(&self, path + "/" + file) } catch { troubles.append("\(file): \(error)") }
  }

  /// `Stage 2/3: heat, …` and how it ended, two blanks farther in. Of a stage begun anew the last telling counts.
  private mutating func readStages() {
    for (k, line) in log.enumerated() {
      guard line.hasPrefix("Stage "), let colon = line.firstIndex(of: ":"),
        let number = Int(line[line.index(line.startIndex, offsetBy: 6)..<colon].prefix { $0 != "/" })
      else { continue }
      let words = line[line.index(after: colon)...].drop { $0 == " " }
      let ending = log[(k + 1)...].prefix { !$0.hasPrefix("Stage ") }
        .first { $0.hasPrefix("  converged") || $0.hasPrefix("  done after") || $0.hasPrefix("  not converged") || $0.hasPrefix("  ended") || $0.contains(" increments, the last ") }
      stages.removeAll { $0.number == number }
      stages.append(Stage(number: number, words: String(words), ending: ending.map { String($0.dropFirst(2)) }))
    }
    stages.sort { $0.number < $1.number }
    for k in stages.indices {
      stages[k].kind = run["stages"].list.first { $0["stage"].number == Double(stages[k].number) }?["kind"].text
    }
  }

  /// The deck of the newest checkpoint, or of the record of a search, of tasks, of a scan: what was run. Else the file, as it
  /// is today.
  private func findDeck(_ names: [String]) -> (text: String, origin: String)? {
    struct Kept: Decodable {
      struct Source: Decodable { var text: String }
      var deck: Source
    }
    for record in ["scan.json", "tasks.json", "search.json"] where names.contains(record) {
      if let kept = try? AtomicFile.readJSON(Kept.self, from: path + "/" + record) { return (kept.deck.text, "as it was run") }
    }
    let store = CheckpointStore(path + "/checkpoints")
    if let newest = store.steps.first, let reader = try? CheckpointReader(store.path(step: newest), verify: false),
      let kept = try? reader.readJSON(Kept.self, named: "run")
    {
      return (kept.deck.text, "as it was run")
    }
    if let file = run["deck"].text, let text = try? String(contentsOfFile: file, encoding: .utf8) {
      return (text, "the file \(file) as it is now; the run keeps no copy that could be read")
    }
    return nil
  }
}
