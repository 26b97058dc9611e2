import MDCore
import MDNumerics

/// Reads the frames of LAMMPS text dumps (`dump custom`, `metal` units), plain or gzip, one at a time.
///
/// - Cells: orthogonal, `xy xz yz`, or general triclinic (`abc origin`). `pp` axes are periodic, others open.
/// - Columns: `id`; `element`, or `type` with the caller's names; `x y z`, `xu yu zu`, `xs ys zs` or `xsu ysu zsu`; `ix iy iz`;
///   `vx vy vz` (Å/ps); `q` (e). Others are passed over.
/// - The frame's info has `step`, `time` where the dump has one, and `unwrapped` = T for `xu` and `xsu`.
///
/// Format: LAMMPS documentation, `dump`.
package final class LammpsDumpReader: FrameReader {
  private let reader: LineReader
  private let types: [String]?

  /// - Parameter types: species of types 1, 2, … where the file does not name elements.
  package init(_ path: String, types: [String]?) throws {
    reader = try LineReader(path)
    self.types = types
  }

  package var place: LineReader.Place { reader.place }
  package func seek(to place: LineReader.Place) throws { try reader.seek(to: place) }

  private struct Header {
    var line = 0
    var step: Int64?
    var time: Double?
    var count: Int64?
    var box: Box?
  }

  package func next() throws -> ExtXYZFrame? {
    defer { withExtendedLifetime(self) {} }
    var header = Header()
    while let line = try reader.next() {
      let words = FieldScanner.strings(line)
      guard let item = words.first else { continue }
      guard item == "ITEM:" else {
        throw reader.error("a line that begins an item is expected", hint: "ITEM: TIMESTEP begins a frame", column: 1)
      }
      if header.line == 0 { header.line = reader.number }
      switch words.dropFirst().joined(separator: " ") {
      case "TIMESTEP": header.step = try integer("the step")
      case "NUMBER OF ATOMS":
        header.count = try integer("the number of atoms")
        if header.count! <= 0 || header.count! > 1 << 40 { throw reader.error("a frame has 1 to 10¹² atoms") }
      case "TIME": header.time = try numbers(1, "the time")[0]
      case "UNITS":
        guard let units = try reader.next(), String(decoding: units, as: UTF8.self) == "metal" else {
          throw reader.error("only dumps in metal units are read")
        }
      case let text where text.hasPrefix("BOX BOUNDS"): header.box = try box(Array(words.dropFirst(3)))
      case let text where text.hasPrefix("ATOMS"): return try frame(header, Array(words.dropFirst(2)))
      default: throw reader.error("the item '\(words.dropFirst().joined(separator: " "))' is not known")
      }
    }
    if header.line > 0 { throw reader.error("the file ends in the header of the frame that begins on line \(header.line)") }
    return nil
  }

  /// Passes over a frame; of its header only the number of atoms is read.
  package func skip() throws -> Bool {
    defer { withExtendedLifetime(self) {} }
    var count: Int64?
    while let line = try reader.next() {
      guard line.starts(with: "ITEM:".utf8) else { continue }
      let words = FieldScanner.strings(line)
      if words.dropFirst().elementsEqual(["NUMBER", "OF", "ATOMS"]) { count = try integer("the number of atoms") }
      guard words.count > 1, words[1] == "ATOMS" else { continue }
      guard let count, count > 0 else { throw reader.error("the frame does not say how many atoms it has") }
      for _ in 0..<count {
        guard try reader.next() != nil else { throw reader.error("the file ends amid a frame of \(count) atoms") }
      }
      return true
    }
    return false
  }

  private func integer(_ what: String) throws -> Int64 {
    guard let line = try reader.next() else { throw reader.error("the file ends where \(what) is expected") }
    var scanner = FieldScanner(line)
    guard let field = scanner.next(), let value = NumberParser.integer(field), scanner.next() == nil else {
      throw reader.error("\(what) is expected", hint: "an integer alone on the line", column: 1)
    }
    return value
  }

  private func numbers(_ count: Int, _ what: String) throws -> [Double] {
    guard let line = try reader.next() else { throw reader.error("the file ends where \(what) is expected") }
    var scanner = FieldScanner(line)
    var out: [Double] = []
    while let field = scanner.next() {
      guard let x = NumberParser.double(field) else { throw reader.error("\(what): not a number", column: scanner.column) }
      out.append(x)
    }
    guard out.count == count else { throw reader.error("\(what): \(count) numbers are expected, not \(out.count)") }
    return out
  }

  // MARK: The cell

  private func box(_ words: [String]) throws -> Box {
    let flags = words.filter { $0.count == 2 && $0.allSatisfy { "pfsm".contains($0) } }
    let periodic = flags.count == 3 ? flags.map { $0 == "pp" } : [true, true, true]
    let periodicity = Periodicity(periodic[0], periodic[1], periodic[2])
    let isGeneral = words.starts(with: ["abc", "origin"])
    let isTilted = words.starts(with: ["xy", "xz", "yz"])
    let rows = try (0..<3).map { _ in try numbers(isGeneral ? 4 : isTilted ? 3 : 2, "the bounds of the box") }
    let cell: Matrix3
    let origin: Vector3
    if isGeneral {
      cell = Matrix3(rows.flatMap { $0.prefix(3) })
      origin = Vector3(rows[0][3], rows[1][3], rows[2][3])
    } else {
      let (xy, xz, yz) = isTilted ? (rows[0][2], rows[1][2], rows[2][2]) : (0, 0, 0)
      // The bounds are those of the box around the cell.
      let low = Vector3(rows[0][0] - min(0, xy, xz, xy + xz), rows[1][0] - min(0, yz), rows[2][0])
      let high = Vector3(rows[0][1] - max(0, xy, xz, xy + xz), rows[1][1] - max(0, yz), rows[2][1])
      let d = high - low
      cell = Matrix3(Vector3(d.x, 0, 0), Vector3(xy, d.y, 0), Vector3(xz, yz, d.z))
      origin = low
    }
    guard cell.elements.allSatisfy(\.isFinite), cell.determinant > 1e-12 else {
      throw reader.error("the box has no volume")
    }
    return Box(cell: cell, origin: origin, periodic: periodicity)
  }

  // MARK: Atoms

  private func frame(_ header: Header, _ columns: [String]) throws -> ExtXYZFrame {
    guard let count = header.count, let box = header.box, let step = header.step else {
      throw reader.error("atoms come before step, number of atoms and box of the frame that begins on line \(header.line)")
    }
    func places(_ names: [String]) -> [Int]? {
      let found = names.map { columns.firstIndex(of: $0) }
      return found.contains(nil) ? nil : found.compactMap { $0 }
    }
    let kinds = [["x", "y", "z"], ["xu", "yu", "zu"], ["xs", "ys", "zs"], ["xsu", "ysu", "zsu"]]
    guard let kind = kinds.firstIndex(where: { places($0) != nil }), let at = places(kinds[kind]) else {
      throw reader.error("the atoms have no positions", hint: "x y z, xu yu zu, xs ys zs or xsu ysu zsu")
    }
    let element = columns.firstIndex(of: "element")
    let type = columns.firstIndex(of: "type")
    guard element != nil || (type != nil && types != nil) else {
      throw reader.error(
        "the atoms have no column `element`", hint: "say what types 1, 2, … are with --types")
    }
    let (id, images, velocities) = (columns.firstIndex(of: "id"), places(["ix", "iy", "iz"]), places(["vx", "vy", "vz"]))
    let charge = columns.firstIndex(of: "q")

    var species: [String] = element == nil ? types ?? [] : []
    var s = Structure(box: box, species: [], types: [], positions: [])
    if id != nil { s.ids = [] }
    if images != nil { s.images = [] }
    if velocities != nil { s.velocities = [] }
    if charge != nil { s.charges = [] }
    var fields: [Field] = []
    for k in 0..<count {
      guard let line = try reader.next() else {
        throw reader.error("the file ends after \(k) of the \(count) atoms of the frame that begins on line \(header.line)")
      }
      fields.removeAll(keepingCapacity: true)
      var scanner = FieldScanner(line)
      while let field = scanner.next() { fields.append(field) }
      guard fields.count == columns.count else {
        throw reader.error("an atom has \(fields.count) values, but there are \(columns.count) columns")
      }
      func number(_ place: Int) throws -> Double {
        guard let x = NumberParser.double(fields[place]) else { throw reader.error("\(columns[place]) is not a number") }
        return x
      }
      func whole(_ place: Int) throws -> Int64 {
        guard let x = NumberParser.integer(fields[place]) else { throw reader.error("\(columns[place]) is not an integer") }
        return x
      }
      let r = Vector3(try number(at[0]), try number(at[1]), try number(at[2]))
      s.positions.append(kind < 2 ? r : box.cartesian(r))
      if let element {
        let name = String(decoding: fields[element], as: UTF8.self)
        if !species.contains(name) { species.append(name) }
        s.types.append(Int32(species.firstIndex(of: name)!))
      } else if let type {
        let n = try whole(type)
        guard n >= 1, n <= species.count else { throw reader.error("type \(n), but there are names for \(species.count)") }
        s.types.append(Int32(n - 1))
      }
      if let id { s.ids!.append(try whole(id)) }
      if let n = images {
        let image = try n.map { Int32(clamping: try whole($0)) }
        s.images!.append(SIMD3(image[0], image[1], image[2]))
      }
      if let v = velocities { s.velocities!.append(Vector3(try number(v[0]), try number(v[1]), try number(v[2]))) }
      if let charge { s.charges!.append(try number(charge)) }
    }
    s.species = species
    s.masses = species.map { _ in nil }
    var frame = ExtXYZFrame(s, info: [ExtXYZEntry("step", Int(step))])
    if let time = header.time { frame["time"] = ExtXYZEntry("time", time) }
    if kind % 2 == 1 { frame["unwrapped"] = ExtXYZEntry("unwrapped", "T") }
    frame.line = header.line
    return frame
  }
}
