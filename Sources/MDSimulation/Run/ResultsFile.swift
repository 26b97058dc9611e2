import MDAnalysis
import MDCore
import MDIO

/// results.json and the tables beside it: what observers have measured so far, written anew each time.
enum ResultsFile {
  static let name = "results.json"

  /// NAME.csv, or NAME-suffix.csv.
  static func table(_ observer: String, _ suffix: String) -> String {
    observer + (suffix.isEmpty ? "" : "-" + suffix) + ".csv"
  }

  private struct Entry: Encodable {
    var samples: Int
    var files: [String]
    var numbers: [String: Number]
  }

  private struct Number: Encodable {
    /// Absent where there is none.
    var value: Double?
    var error: Double?
    /// Half the width of the interval that holds the true value 95 times of 100.
    var interval95: Double?
    var blocks: Int
    var unit: String
    var definition: String
    var note: String?

    enum CodingKeys: String, CodingKey {
      case value, error, blocks, unit, definition, note
      case interval95 = "interval_95"
    }

    init(_ number: Report.Number) {
      func finite(_ x: Double) -> Double? { x.isFinite ? x : nil }
      value = finite(number.estimate.value)
      error = finite(number.estimate.error)
      interval95 = finite(number.estimate.halfInterval)
      blocks = number.estimate.blocks
      unit = number.unit
      definition = number.definition
      note = number.note
    }
  }

  /// Writes on rank 0; `path` is where a file of this name goes. Collective.
  static func write(
    _ reports: [(name: String, report: Report)], path: (String) -> String, communicator: any Communicator
  ) throws {
    guard !reports.isEmpty else { return }
    try communicator.agree {
      guard communicator.isRoot else { return }
      var entries: [String: Entry] = [:]
      for (name, report) in reports {
        let files = report.tables.map { table(name, $0.suffix) }
        for (file, table) in zip(files, report.tables) {
          let writer = try CSVWriter(
            path(file), columns: table.columns.map(\.heading), digits: table.columns.map(\.digits), mode: .create)
          for row in table.rows { try writer.write(row) }
          try writer.finish()
        }
        entries[name] = Entry(
          samples: report.samples, files: files,
          numbers: Dictionary(uniqueKeysWithValues: report.numbers.map { ($0.name, Number($0)) }))
      }
      try AtomicFile.writeJSON(entries, to: path(Self.name))
    }
  }
}
