import MDCore
import MDIO

/// A table of comma-separated values whose headings have units in brackets: `temperature [K]`.
package struct ResultTable: Sendable {
  package struct Column: Sendable {
    package var name: String
    /// Empty where the heading has none; `1` is none either.
    package var unit: String
    package var texts: [String]

    /// Numbers of the column, NaN where there is none.
    package var numbers: [Double] { texts.map { Double($0) ?? .nan } }
    package var isNumeric: Bool { texts.contains { Double($0) != nil } && texts.allSatisfy { $0.isEmpty || Double($0) != nil } }
    package var heading: String { unit.isEmpty ? name : "\(name) [\(unit)]" }
    /// As an axis is labelled.
    package var label: String { name.replacing("_", with: " ") + (unit.isEmpty ? "" : ", \(unit)") }
  }

  package let file: String
  package private(set) var columns: [Column] = []
  package var rows: Int { columns.first?.texts.count ?? 0 }
  /// Rows that had another number of fields and were left out, as the last one of a run that is writing it.
  package private(set) var broken = 0

  package init(_ path: String, named file: String) throws {
    self.file = file
    let reader = try LineReader(path)
    defer { withExtendedLifetime(reader) {} }
    guard let first = try reader.next() else { throw reader.error("the table is empty") }
    columns = Self.fields(String(decoding: first, as: UTF8.self)).map { heading in
      guard heading.hasSuffix("]"), let open = heading.lastIndex(of: "[") else { return Column(name: heading, unit: "", texts: []) }
      let unit = String(heading[heading.index(after: open)...].dropLast())
      let name = String(heading[..<open])
      return Column(name: name.hasSuffix(" ") ? String(name.dropLast()) : name, unit: unit == "1" ? "" : unit, texts: [])
    }
    while let line = try reader.next() {
      let fields = Self.fields(String(decoding: line, as: UTF8.self))
      guard fields.count == columns.count else {
        broken += 1
        continue
      }
      for k in fields.indices { columns[k].texts.append(fields[k]) }
    }
  }

  package subscript(name: String) -> Column? { columns.first { $0.name == name } }
  package func numbers(_ name: String) -> [Double]? { self[name]?.numbers }

  /// The fields of a line (RFC 4180, without line breaks inside of quotes).
  static func fields(_ line: String) -> [String] {
    guard line.contains("\"") else { return line.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    var (out, field, quoted) = ([String](), "", false)
    var rest = Substring(line)
    while let c = rest.popFirst() {
      switch c {
      case "\"" where quoted && rest.first == "\"":
        rest.removeFirst()
        field.append("\"")
      case "\"": quoted.toggle()
      case "," where !quoted:
        out.append(field)
        field = ""
      default: field.append(c)
      }
    }
    return out + [field]
  }
}
