import Foundation
import MDCore
import MDIO

/// What has ended, a line of JSON a trial, with the system before the next one begins: what a search goes on from, `kill -9`
/// included. It is brought to the disk every second, for machines that lose power. Rank 0's.
final class SearchJournal {
  /// The first line: of which search the rest is.
  private struct Head: Codable, Equatable {
    var format = "faultline search 1"
    /// Everything that trials hang on.
    var setting: String
  }

  static func path(in directory: String) -> String { directory + "/trials.jsonl" }

  let path: String
  /// What it held when it was opened.
  private(set) var results: [TrialResult] = []
  private let file: OutputFile
  private var synchronized = 0.0

  /// Whether a search has left something in a folder.
  static func exists(in directory: String) -> Bool {
    let size = try? FileManager.default.attributesOfItem(atPath: path(in: directory))[.size] as? Int
    return (size ?? 0) > 0
  }

  /// Begins a journal, or goes on with one that is there. A last line that was not written to its end is cut off.
  /// - Throws: an input error if it is another search's, or damaged.
  init(in directory: String, setting: String) throws {
    path = Self.path(in: directory)
    let head = Head(setting: setting)
    guard Self.exists(in: directory), let data = FileManager.default.contents(atPath: path) else {
      file = try OutputFile(path)
      try append(head)
      return
    }
    let decoder = JSONDecoder.ofAnyNumber
    var kept = 0
    var isFirst = true
    while let end = data[kept...].firstIndex(of: 0x0A) {
      let line = data[kept..<end]
      do {
        if isFirst {
          guard try decoder.decode(Head.self, from: line) == head else {
            throw FaultlineError(
              .input, "\(path) is the journal of a search with another boundary, potential, seed or method",
              hint: "--overwrite starts anew, --output DIR writes elsewhere")
          }
          isFirst = false
        } else {
          results.append(try decoder.decode(TrialResult.self, from: line))
        }
      } catch let error as FaultlineError { throw error } catch {
        throw FaultlineError(
          .input, "\(path) is damaged: line \(results.count + (isFirst ? 1 : 2)) is no trial",
          hint: "take the line away and resume; its trial is then made again")
      }
      kept = end + 1
    }
    if isFirst {
      // Killed while the first line was written.
      file = try OutputFile(path)
      try append(head)
    } else {
      file = try OutputFile(path, mode: .append(truncatingTo: kept))
    }
  }

  func add(_ result: TrialResult) throws { try append(result) }

  private func append(_ value: some Encodable) throws {
    let encoder = JSONEncoder.ofAnyNumber
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var data = try encoder.encode(value)
    data.append(0x0A)
    try data.withUnsafeBytes { try file.write($0) }
    guard PhaseTimers.now() - synchronized > 1 else { return }
    try file.synchronize()
    synchronized = PhaseTimers.now()
  }

  func finish() throws { try file.finish() }
}
