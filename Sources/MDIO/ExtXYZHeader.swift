import MDCore
import MDNumerics

/// The comment line of a frame, taken apart.
struct ExtXYZHeader {
  struct Property {
    var name: String
    var kind: UInt8
    var width: Int
  }

  /// Entries that are neither the cell nor the list of columns.
  private(set) var information: [ExtXYZEntry] = []
  /// The cell's entries under their proper keys.
  private(set) var cellEntries: [ExtXYZEntry] = []
  private(set) var properties = [
    Property(name: "species", kind: 0x53, width: 1), Property(name: "pos", kind: 0x52, width: 3),
  ]
  /// Where `Properties` begins in the line.
  private(set) var propertiesColumn: Int?

  private let reader: LineReader
  private let line: Int
  private var cellColumn: Int?
  private var cell = Matrix3.zero
  private var origin = Vector3.zero
  private var periodic = Periodicity.none

  /// Throws, with line and column, where the line of an extended file cannot be understood.
  init(_ text: Field, _ reader: LineReader) throws {
    self.reader = reader
    line = reader.number
    let comment = String(decoding: text, as: UTF8.self)
    var entries: [ExtXYZEntry] = []
    var columns: [Int] = []
    do {
      let grammar = try ExtXYZGrammar(text, reader)
      (entries, columns) = (grammar.entries, grammar.columns)
    } catch {
      if Self.isExtended(comment) { throw error }
    }
    // A plain XYZ file's comment may be any text.
    if !entries.contains(where: { $0.raw != nil }) {
      information = comment.isEmpty ? [] : [ExtXYZEntry("comment", comment)]
      return
    }
    let keys = try ExtXYZKey.assign(entries, columns, reader)
    var seen = Set<String>()
    for (k, entry) in entries.enumerated() where entry.raw != nil && keys[k] == nil {
      if !seen.insert(entry.key).inserted { throw reader.error("\(entry.key) is given twice", column: columns[k]) }
    }
    for (k, entry) in entries.enumerated() {
      guard let key = keys[k] else {
        information.append(entry)
        continue
      }
      if key == .properties {
        try parseProperties(entry.text, column: columns[k])
      } else {
        // Single quotes are not everybody's.
        let raw = entry.raw.flatMap { $0.hasPrefix("'") ? ExtXYZGrammar.quoted(entry.text) : $0 }
        cellEntries.append(ExtXYZEntry(raw: raw, for: key.rawValue))
      }
    }
    try readCell(entries, columns, keys)
  }

  /// Whether the line means to be that of an extended file, though it cannot be split.
  private static func isExtended(_ comment: String) -> Bool {
    let words = comment.lowercased().filter { $0 != " " && $0 != "\t" }
    return ["lattice=", "properties=", "pbc="].contains { words.contains($0) }
  }

  private mutating func readCell(_ entries: [ExtXYZEntry], _ columns: [Int], _ keys: [ExtXYZKey?]) throws {
    func value<T>(_ key: ExtXYZKey, _ read: (ExtXYZEntry) -> [T]?, _ count: Int, _ what: String) throws -> [T]? {
      guard let k = keys.firstIndex(of: key) else { return nil }
      if key != .origin, cellColumn == nil || key == .lattice { cellColumn = columns[k] }
      guard let values = read(entries[k]), values.count == count else {
        throw reader.error(
          "\(key.rawValue) is '\(entries[k].text)'", hint: "it must hold \(what)", column: columns[k])
      }
      return values
    }
    if let n = try value(.lattice, \.numbers, 9, "9 numbers, ax ay az bx by bz cx cy cz in Å") {
      cell = Matrix3(n)
      periodic = .all
    }
    if let p = try value(.pbc, \.flags, 3, "three of T and F") { periodic = Periodicity(p[0], p[1], p[2]) }
    if let o = try value(.origin, \.numbers, 3, "3 numbers in Å") { origin = Vector3(o[0], o[1], o[2]) }
  }

  private mutating func parseProperties(_ text: String, column: Int) throws {
    propertiesColumn = column
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let hint = "write name:kind:width triples, kind S, R, I or L, as in species:S:1:pos:R:3"
    guard parts.count % 3 == 0 else {
      throw reader.error("Properties is not made of triples", hint: hint, column: column)
    }
    properties = []
    for k in stride(from: 0, to: parts.count, by: 3) {
      let name = String(parts[k])
      guard parts[k + 1].utf8.count == 1, let kind = parts[k + 1].utf8.first, [0x53, 0x52, 0x49, 0x4C].contains(kind)
      else { throw reader.error("column \(name) is of the unknown kind \(parts[k + 1])", hint: hint, column: column) }
      guard let width = Int(parts[k + 2]), (1...1000).contains(width) else {
        throw reader.error(
          "column \(name) has the width \(parts[k + 2])", hint: "widths are from 1 to 1000", column: column)
      }
      guard !properties.contains(where: { $0.name == name }) else {
        throw reader.error("column \(name) is given twice in Properties", column: column)
      }
      properties.append(Property(name: name, kind: kind, width: width))
    }
    for k in properties.indices {
      let names = properties.map(\.name)
      properties[k].name = try ExtXYZKey.columnName(properties[k], among: names, reader, column: column)
    }
  }

  /// The cell of the frame; see `ExtXYZFrame` for what may be missing.
  func box(around positions: [Vector3]) throws -> Box {
    do {
      return try Box.completed(cell, origin: origin, periodic: periodic, around: positions)
    } catch let error as FaultlineError {
      throw reader.error(error.message, hint: error.hint, line: line, column: cellColumn)
    }
  }
}
