import MDCore
import MDIO

/// A table of comma-separated values whose headings have units in brackets: `temperature [K]`.
package struct ResultTable: Sendable {
  package struct Column: Sendable {
    package var name: String
    /// Empty where the heading has none; `1` is none either.
    package var unit: String
    package private(set) var texts: [String] = []
    /// Numbers of the column, NaN where there is none.
    package private(set) var numbers: [Double] = []
    /// Whether there are numbers, and nothing else.
    package var isNumeric: Bool { known > 0 && known == texts.count - blank }
    private var (known, blank) = (0, 0)

    init(_ name: String, unit: String = "") { (self.name, self.unit) = (name, unit) }

    fileprivate mutating func append(_ text: String) {
      let number = Double(text)
      texts.append(text)
      numbers.append(number ?? .nan)
      if number != nil { known += 1 }
      if text.isEmpty { blank += 1 }
    }
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
      guard heading.hasSuffix("]"), let open = heading.lastIndex(of: "[") else { return Column(heading) }
      let unit = String(heading[heading.index(after: open)...].dropLast())
      let name = String(heading[..<open])
      return Column(name.hasSuffix(" ") ? String(name.dropLast()) : name, unit: unit == "1" ? "" : unit)
    }
    while let line = try reader.next() {
      let fields = Self.fields(String(decoding: line, as: UTF8.self))
      guard fields.count == columns.count else {
        broken += 1
        continue
      }
      for k in fields.indices { columns[k].append(fields[k]) }
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
