import Foundation
import MDCore
import MDNumerics

/// Reads the configurations of MLIP's `.cfg` files (training and test sets), one at a time.
///
/// Types are numbers in the file; `types` says which species each is, from 0. A configuration without three rows of
/// `Supercell` is open along the others. What the file knows of energy (eV), forces (eV/Å) and PlusStress (W = Σ r ⊗ f,
/// eV) becomes `ref_energy`, `ref_forces` and `ref_virial` of the frame; features become entries under their names.
public final class MLIPConfigurationReader: FrameReader {
  private let reader: LineReader
  private let types: [String]

  public init(_ path: String, types: [String]) throws {
    reader = try LineReader(path)
    self.types = types
  }

  /// The next configuration; nil at the end of the file.
  public func next() throws -> ExtXYZFrame? {
    defer { withExtendedLifetime(self) {} }
    var words: [String]
    repeat {
      guard let line = try reader.next() else { return nil }
      words = FieldScanner.strings(line)
    } while words.isEmpty
    guard words == ["BEGIN_CFG"] else { throw reader.error("BEGIN_CFG is needed here", column: 1) }
    var parts = Parts(begin: reader.number)
    while true {
      let words = try line(parts)
      switch words[0] {
      case "END_CFG": return try frame(parts)
      case "Size": parts.size = try size(parts)
      case "Supercell": try cell(&parts)
      case "AtomData:": try atoms(Array(words.dropFirst()), &parts)
      case "Energy": parts.energy = try numbers(1, parts)[0]
      case "PlusStress:", "VirialStress:", "Stress:":
        // Components in the order of the line; `Stress` has the opposite sign.
        let values = try numbers(6, parts)
        parts.stress = (Array(words.dropFirst()), words[0] == "Stress:" ? values.map { -$0 } : values)
      case "Feature":
        guard words.count >= 2 else { throw reader.error("a feature needs a name") }
        parts.features.append((words[1], words.dropFirst(2).joined(separator: " ")))
      default:
        throw reader.error(
          "unknown part \(words[0]) of a configuration",
          hint: "Size, Supercell, AtomData:, Energy, PlusStress:, Feature and END_CFG are known")
      }
    }
  }

  private struct Parts {
    var begin: Int
    var size: Int?
    var rows: [Vector3] = []
    var names: [String] = []
    var table: [[Double]] = []
    var energy: Double?
    var stress: (names: [String], values: [Double])?
    var features: [(name: String, text: String)] = []
  }

  /// The words of the next line that has any.
  private func line(_ parts: Parts) throws -> [String] {
    while let line = try reader.next() {
      let words = FieldScanner.strings(line)
      if !words.isEmpty { return words }
    }
    throw reader.error("the file ends in the configuration that begins on line \(parts.begin)")
  }

  private func number(_ word: String) throws -> Double {
    guard let value = Double(word), value.isFinite else { throw reader.error("'\(word)' is not a finite number") }
    return value
  }

  private func numbers(_ count: Int, _ parts: Parts) throws -> [Double] {
    let words = try line(parts)
    guard words.count == count else { throw reader.error("\(count) numbers are needed here, not \(words.count)") }
    return try words.map(number)
  }

  private func size(_ parts: Parts) throws -> Int {
    let value = try numbers(1, parts)[0]
    guard let count = Int(exactly: value), (1...100_000_000).contains(count) else {
      throw reader.error("the size of a configuration is \(value)", hint: "a positive whole number is needed")
    }
    return count
  }

  private func cell(_ parts: inout Parts) throws {
    while parts.rows.count < 3 {
      guard let line = try reader.next() else { break }
      let words = FieldScanner.strings(line)
      guard words.count == 3, words.allSatisfy({ Double($0) != nil }) else {
        reader.unread(line)
        break
      }
      let row = try words.map(number)
      parts.rows.append(Vector3(row[0], row[1], row[2]))
    }
  }

  private func atoms(_ names: [String], _ parts: inout Parts) throws {
    guard let size = parts.size else { throw reader.error("Size must come before AtomData") }
    guard names.contains("type"), names.contains("cartes_x") || names.contains("direct_x") else {
      throw reader.error("AtomData needs the columns type and cartes_x cartes_y cartes_z (or direct_…)")
    }
    parts.names = names
    for _ in 0..<size {
      let words = try line(parts)
      guard words.count == names.count else {
        throw reader.error("an atom has \(words.count) numbers where \(names.count) are announced")
      }
      parts.table.append(try words.map(number))
    }
  }

  private func frame(_ parts: Parts) throws -> ExtXYZFrame {
    guard !parts.table.isEmpty else { throw reader.error("a configuration without atoms") }
    func column(_ name: String) -> [Double]? {
      parts.names.firstIndex(of: name).map { k in parts.table.map { $0[k] } }
    }
    func vectors(_ names: [String]) -> [Vector3]? {
      let columns = names.compactMap(column)
      return columns.count == 3 ? parts.table.indices.map { Vector3(columns[0][$0], columns[1][$0], columns[2][$0]) } : nil
    }
    let rows = parts.rows + Array(repeating: Vector3.zero, count: 3 - parts.rows.count)
    let cell = Matrix3(rows[0], rows[1], rows[2])
    guard
      let positions = vectors(["cartes_x", "cartes_y", "cartes_z"])
        ?? (parts.rows.count == 3 ? vectors(["direct_x", "direct_y", "direct_z"])?.map { $0 * cell } : nil)
    else { throw reader.error("AtomData lacks positions") }
    let kinds = try (column("type") ?? []).map { value -> Int32 in
      guard let kind = Int(exactly: value), types.indices.contains(kind) else {
        throw reader.error(
          "the configuration that begins on line \(parts.begin) has atoms of type \(value)",
          hint: "types 0 to \(types.count - 1) are \(types.joined(separator: ", "))")
      }
      return Int32(kind)
    }
    let n = parts.rows.count
    let box: Box
    do {
      box = try Box.completed(cell, origin: .zero, periodic: Periodicity(n > 0, n > 1, n > 2), around: positions)
    } catch let error as FaultlineError {
      throw reader.error(error.message, hint: error.hint)
    }
    var frame = ExtXYZFrame(Structure(box: box, species: types, types: kinds, positions: positions))
    frame.line = parts.begin
    if let energy = parts.energy { frame["ref_energy"] = ExtXYZEntry("ref_energy", energy) }
    if let stress = parts.stress {
      func component(_ names: [String]) -> Double {
        stress.names.firstIndex { names.contains($0) }.map { stress.values[$0] } ?? 0
      }
      let (xy, xz, yz) = (component(["xy", "yx"]), component(["xz", "zx"]), component(["yz", "zy"]))
      frame["ref_virial"] = ExtXYZEntry(
        "ref_virial", [component(["xx"]), xy, xz, xy, component(["yy"]), yz, xz, yz, component(["zz"])])
    }
    for feature in parts.features { frame[feature.name] = ExtXYZEntry(feature.name, feature.text) }
    if let forces = vectors(["fx", "fy", "fz"]) {
      frame.set(ExtXYZColumn("ref_forces", width: 3, .reals(forces.flatMap { [$0.x, $0.y, $0.z] })))
    }
    return frame
  }
}

/// Writes frames as MLIP's `.cfg`: positions, and where the frame has them forces, energy, virial (PlusStress) and
/// extrapolation grades. `types` are the species of types 0, 1, ….
public final class MLIPConfigurationWriter: FrameWriter {
  private let file: OutputFile
  private let types: [String]

  public init(_ path: String, types: [String]) throws {
    file = try OutputFile(path)
    self.types = types
  }

  public func write(_ frame: ExtXYZFrame) throws {
    let s = frame.structure
    let text = try MLIPConfigurationText(species: s.species, types: types, box: s.box, count: s.count)
    let forces = frame.column("forces")?.reals
    let grades = frame.column("grade")?.reals
    var out = text.head(hasForces: forces != nil, hasGrades: grades != nil)
    for i in 0..<s.count {
      text.append(
        i + 1, s.types[i], s.positions[i], forces.map { Vector3($0[3 * i], $0[3 * i + 1], $0[3 * i + 2]) },
        grade: grades?[i], to: &out)
    }
    text.end(frame.info, to: &out)
    try file.write(out.bytes)
    try file.finishFrame()
  }

  public func finish() throws { try file.finish() }
}

/// Kept structures as MLIP's `.cfg`, piece by piece.
public final class MLIPTrajectoryWriter: TrajectoryWriter {
  public let file: OutputFile
  private let types: [String]
  private var frame: (head: TrajectoryFrame, text: MLIPConfigurationText, forces: Int?, grades: Int?)?
  private var buffer = TextBuffer()
  private var written = 0

  public init(_ file: OutputFile, types: [String]) {
    self.file = file
    self.types = types
  }

  public func begin(_ head: TrajectoryFrame) throws {
    let text = try MLIPConfigurationText(species: head.species, types: types, box: head.box, count: head.atomCount)
    let forces = head.columns.firstIndex { $0.name == "forces" }
    let grades = head.columns.firstIndex { $0.name == "grade" }
    frame = (head, text, forces, grades)
    written = 0
    buffer = text.head(hasForces: forces != nil, hasGrades: grades != nil)
  }

  public func append(_ chunk: TrajectoryChunk) throws {
    guard let frame else { preconditionFailure("no frame has begun") }
    for i in 0..<chunk.count {
      let force = frame.forces.map { c in
        let row = chunk.values[c] + i * chunk.strides[c]
        return Vector3(row[0], row[1], row[2])
      }
      frame.text.append(
        Int(chunk.ids[i]), chunk.types[i], chunk.positions[i], force,
        grade: frame.grades.map { chunk.values[$0][i * chunk.strides[$0]] }, to: &buffer)
      try buffer.spill(into: file)
    }
    written += chunk.count
  }

  public func end() throws {
    guard let frame else { preconditionFailure("no frame has begun") }
    precondition(written == frame.head.atomCount, "a frame got another number of atoms than it announced")
    frame.text.end(frame.head.info + [ExtXYZEntry("step", frame.head.step)], to: &buffer)
    self.frame = nil
    try file.write(buffer.bytes)
    buffer.removeAll()
    try file.finishFrame()
  }
}

/// The lines of one configuration.
struct MLIPConfigurationText {
  private let kinds: [Int]
  private let box: Box
  private let count: Int

  /// - Throws: if a species is none of the types.
  init(species: [String], types: [String], box: Box, count: Int) throws {
    kinds = try species.map { name in
      guard let kind = types.firstIndex(of: name) else {
        throw FaultlineError(
          .input, "species \(name) has no type in a .cfg file", hint: "the potential's elements are \(types.joined(separator: ", "))",
          isCollective: true)
      }
      return kind
    }
    self.box = box
    self.count = count
  }

  func head(hasForces: Bool, hasGrades: Bool) -> TextBuffer {
    var out = TextBuffer()
    out.append("BEGIN_CFG\n Size\n \(count)\n Supercell\n")
    for axis in 0..<3 where box.periodic[axis] {
      out.appendSpaced(box.cell[axis])
      out.append("\n")
    }
    out.append(" AtomData:  id type cartes_x cartes_y cartes_z\(hasForces ? " fx fy fz" : "")\(hasGrades ? " nbh_grades" : "")\n")
    return out
  }

  func append(
    _ id: Int, _ species: Int32, _ position: Vector3, _ force: Vector3?, grade: Double?, to out: inout TextBuffer
  ) {
    out.append(" ")
    out.append(id)
    out.appendField(kinds[Int(species)])
    out.appendSpaced(position)
    if let force { out.appendSpaced(force) }
    if let grade { out.appendField(grade) }
    out.append("\n")
  }

  /// Energy and virial from the entries of an extended XYZ header; others become features.
  func end(_ info: [ExtXYZEntry], to out: inout TextBuffer) {
    func numbers(_ key: String) -> [Double]? { info.first { $0.key == key }?.numbers }
    if let energy = numbers("energy")?.first { out.append(" Energy\n \(energy)\n") }
    // σ = −W/V where the virial itself is not among the entries.
    let virial = numbers("virial") ?? numbers("stress").map { $0.map { -$0 * box.volume } }
    if let w = virial, w.count == 9 {
      out.append(" PlusStress:  xx yy zz yz xz xy\n ")
      for k in [0, 4, 8] { out.appendField(w[k]) }
      for (a, b) in [(5, 7), (2, 6), (1, 3)] { out.appendField(0.5 * (w[a] + w[b])) }
      out.append("\n")
    }
    out.append(" Feature   EFS_by       Faultline\n")
    for entry in info where !["energy", "virial", "stress", "EFS_by"].contains(entry.key) && !entry.text.isEmpty {
      let name = entry.key == "grade" ? "MV_grade" : entry.key
      if !name.contains(where: \.isWhitespace) { out.append(" Feature   \(name)       \(entry.text)\n") }
    }
    out.append("END_CFG\n\n")
  }
}
