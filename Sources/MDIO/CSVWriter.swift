import Glibc
import MDCore

/// A table of numbers as comma-separated values: a header line once, then rows with 17 significant digits, or as many as
/// are asked for.
package final class CSVWriter {
  package let columns: [String]
  private let digits: [Int]
  private let file: OutputFile

  /// With `.append` the file's header must name the same columns; a file cut to nothing gets its header again.
  /// - Parameters:
  ///   - digits: significant ones of each column.
  ///   - formerly: how earlier versions headed the same columns: a file of theirs is gone on with as it is.
  package init(
    _ path: String, columns: [String], digits: [Int]? = nil, formerly: [String]? = nil, mode: OutputFile.Mode = .create
  ) throws {
    precondition(digits == nil || digits?.count == columns.count, "digits of each column")
    self.columns = columns
    self.digits = digits ?? columns.map { _ in 17 }
    func line(_ names: [String]) -> String { names.map(Self.quoted).joined(separator: ",") }
    let header = line(columns)
    file = try OutputFile(path, mode: mode)
    if file.offset == 0 {
      try file.write(header + "\n")
    } else {
      let reader = try LineReader(path)
      let found = try reader.next().map { String(decoding: $0, as: UTF8.self) }
      // The line is a view of the reader's buffer.
      withExtendedLifetime(reader) {}
      guard found == header || (found != nil && found == formerly.map(line)) else {
        throw FaultlineError(
          .run, "\(path) has other columns than this run writes", hint: "move it away to start a new file")
      }
    }
  }

  /// Bytes in the file, a safe place to truncate to.
  package var offset: Int { file.offset }

  package func write(_ row: [Double]) throws {
    precondition(row.count == columns.count, "a row has a value for each column")
    var text = TextBuffer(capacity: 32 * row.count)
    for (k, value) in row.enumerated() {
      if k > 0 { text.append(byte: 0x2C) }
      text.append(value, digits[k])
    }
    text.append(byte: 0x0A)
    try file.write(text.bytes)
  }

  package func synchronize() throws { try file.synchronize() }
  package func finish() throws { try file.finish() }

  private static func quoted(_ name: String) -> String {
    guard name.contains(where: { $0 == "," || $0 == "\"" || $0 == "\n" }) else { return name }
    return "\"\(name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
  }
}
