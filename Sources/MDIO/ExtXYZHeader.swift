import MDCore
import MDNumerics

/// The comment line of a frame, taken apart.
struct ExtXYZHeader {
  struct Property {
    var name: String
    var kind: UInt8
    var width: Int
  }

  var entries: [ExtXYZEntry] = []
  /// Columns of the line where each entry begins, from 1.
  var places: [Int] = []
  var properties = [Property(name: "species", kind: 0x53, width: 1), Property(name: "pos", kind: 0x52, width: 3)]

  static let cellKeys = ["Lattice", "Origin", "pbc"]

  init(_ line: Field, _ reader: LineReader) throws {
    let text = String(decoding: line, as: UTF8.self)
    let extended = text.contains("Properties=") || text.contains("Lattice=")
    do {
      try parse(line, reader)
    } catch {
      if extended { throw error }
      entries = []
    }
    // A plain XYZ file's comment may be any text.
    if !extended, !entries.contains(where: { $0.raw != nil }) {
      entries = text.isEmpty ? [] : [ExtXYZEntry("comment", text)]
      places = [1]
    }
    if let k = entries.firstIndex(where: { $0.key == "Properties" }) {
      try parseProperties(entries[k].text, reader, column: places[k])
    }
    var seen = Set<String>()
    for (entry, column) in zip(entries, places) where !seen.insert(entry.key).inserted {
      throw reader.error("\(entry.key) is given twice", column: column)
    }
  }

  /// Entries that are neither the cell nor the list of columns.
  var information: [ExtXYZEntry] {
    entries.filter { $0.key != "Properties" && !Self.cellKeys.contains($0.key) }
  }

  private mutating func parse(_ line: Field, _ reader: LineReader) throws {
    var p = 0
    let n = line.count
    func isBlank(_ c: UInt8) -> Bool { c == 0x20 || c == 0x09 }
    func text(_ range: Range<Int>) -> String { String(decoding: line[range], as: UTF8.self) }

    /// The end of a quoted text or of a list that begins at `first`.
    func closing(_ first: Int) throws -> Int {
      var q = first
      var depth = 0
      var quoted = false
      while q < n {
        let c = line[q]
        if c == 0x5C {
          q += 1
        } else if c == 0x22 {
          quoted.toggle()
        } else if !quoted, c == 0x5B || c == 0x7B {
          depth += 1
        } else if !quoted, c == 0x5D || c == 0x7D {
          depth -= 1
        }
        q += 1
        if q <= n, depth <= 0, !quoted { return q }
      }
      throw reader.error(
        "the value that begins here has no end", hint: "close the quotation mark or bracket", column: first + 1)
    }

    while true {
      while p < n, isBlank(line[p]) { p += 1 }
      guard p < n else { return }
      let first = p
      if line[p] == 0x22 {
        p = try closing(p)
      } else {
        while p < n, !isBlank(line[p]), line[p] != 0x3D { p += 1 }
      }
      let key = ExtXYZEntry(raw: text(first..<p), for: "").text
      var q = p
      while q < n, isBlank(line[q]) { q += 1 }
      places.append(first + 1)
      guard q < n, line[q] == 0x3D else {
        entries.append(ExtXYZEntry(raw: nil, for: key))
        continue
      }
      guard !key.isEmpty else {
        throw reader.error("a value without a key", hint: "write key=value", column: first + 1)
      }
      p = q + 1
      while p < n, isBlank(line[p]) { p += 1 }
      let value = p
      if p < n, line[p] == 0x22 || line[p] == 0x5B || line[p] == 0x7B {
        p = try closing(p)
      } else {
        while p < n, !isBlank(line[p]) { p += 1 }
      }
      guard p > value else {
        throw reader.error("\(key) has no value", hint: "write key=value or key=\"value\"", column: first + 1)
      }
      entries.append(ExtXYZEntry(raw: text(value..<p), for: key))
    }
  }

  private mutating func parseProperties(_ text: String, _ reader: LineReader, column: Int) throws {
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
  }

  /// The cell of the frame; see `ExtXYZFrame` for what may be missing.
  func box(around positions: [Vector3], _ reader: LineReader) throws -> Box {
    func find(_ key: String) -> (ExtXYZEntry, Int)? {
      entries.firstIndex { $0.key == key }.map { (entries[$0], places[$0]) }
    }
    func numbers(_ key: String, _ count: Int) throws -> [Double]? {
      guard let (entry, column) = find(key) else { return nil }
      guard let values = entry.numbers, values.count == count else {
        throw reader.error("\(key) is \(entry.text)", hint: "it must hold \(count) numbers", column: column)
      }
      return values
    }
    var cell = Matrix3.zero
    var periodic = Periodicity.none
    if let n = try numbers("Lattice", 9) {
      cell = Matrix3(n)
      periodic = .all
    }
    if let (entry, column) = find("pbc") {
      let flags = entry.text.split(whereSeparator: { " \t,[]".contains($0) }).map { part in
        Array(part.utf8).withUnsafeBufferPointer { flag in
          NumberParser.logical(flag) ?? NumberParser.integer(flag).map { $0 != 0 }
        }
      }
      guard flags.count == 3, let a = flags[0], let b = flags[1], let c = flags[2] else {
        throw reader.error("pbc is \(entry.text)", hint: "it must hold three of T and F", column: column)
      }
      periodic = Periodicity(a, b, c)
    }
    let origin = try numbers("Origin", 3).map { Vector3($0[0], $0[1], $0[2]) } ?? .zero
    do {
      return try Box.completed(cell, origin: origin, periodic: periodic, around: positions)
    } catch let error as FaultlineError {
      throw reader.error(error.message, hint: error.hint, column: (find("Lattice") ?? find("pbc"))?.1)
    }
  }
}

extension Box {
  /// A box whose missing (zero) vectors along open axes are replaced by ones that span the atoms with a margin of 1 Å.
  package static func completed(
    _ given: Matrix3, origin: Vector3, periodic: Periodicity, around positions: [Vector3], margin: Double = 1
  ) throws -> Box {
    var cell = given
    let missing = (0..<3).filter { cell[$0] == .zero }
    if let k = missing.first(where: { periodic[$0] }) {
      throw FaultlineError(
        .input, "axis \(["a", "b", "c"][k]) is periodic but has no cell vector",
        hint: "give the lattice or open the axis")
    }
    for k in missing {
      // Perpendicular to the vectors that are there, as far as there are any.
      let others = (0..<3).filter { $0 != k }.map { cell[$0] }
      var direction = cross(others[0], others[1])
      if direction == .zero {
        let axes = [Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)]
        let one = others[0] == .zero ? others[1] : others[0]
        direction = one == .zero ? axes[k] : axes[k] - (dot(axes[k], one) / one.squaredLength) * one
        if direction.length < 1e-6 { direction = cross(one, axes[(k + 1) % 3]) }
      }
      cell[k] = direction / direction.length
    }
    let volume = abs(cell.determinant)
    guard volume > 1e-10 * cell.x.length * cell.y.length * cell.z.length, volume.isFinite else {
      throw FaultlineError(.input, "the cell has no volume", hint: "its three vectors must not lie in a plane")
    }
    guard !missing.isEmpty else { return Box(cell: cell, origin: origin, periodic: periodic) }
    var start = origin
    let unit = Box(cell: cell, origin: origin, periodic: periodic)
    var low = Vector3(repeating: .infinity)
    var high = -low
    for r in positions {
      let s = unit.fractional(r)
      low = pointwiseMin(low, s)
      high = pointwiseMax(high, s)
    }
    for k in missing {
      let (from, to) = positions.isEmpty ? (0, 0) : (low[k], high[k])
      start += (from - margin) * cell[k]
      cell[k] *= to - from + 2 * margin
    }
    return Box(cell: cell, origin: start, periodic: periodic)
  }
}
