import Foundation
import MDCore
import MDNumerics

/// Reads the configurations of MLIP's `.cfg` files (training and test sets), one at a time.
///
/// Types are numbers in the file; `types` says which species each is, from 0. A configuration without three rows of
/// `Supercell` is open along the others. What the file knows of energy (eV), forces (eV/Å) and PlusStress (W = Σ r ⊗ f,
/// eV) becomes `ref_energy`, `ref_forces` and `ref_virial` of the frame; features become entries under their names.
package final class MLIPConfigurationReader: FrameReader {
  private let reader: LineReader
  private let types: [String]

  package init(_ path: String, types: [String]) throws {
    reader = try LineReader(path)
    self.types = types
  }

  package var place: LineReader.Place { reader.place }
  package func seek(to place: LineReader.Place) throws { try reader.seek(to: place) }

  /// The next configuration; nil at the end of the file.
  package func next() throws -> ExtXYZFrame? {
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
        let names = words.dropFirst().map { String($0.sorted()) }
        guard Set(names) == ["xx", "yy", "zz", "yz", "xz", "xy"], names.count == 6 else {
          throw reader.error("the components of \(words[0]) must be xx, yy, zz, yz, xz and xy")
        }
        let values = try numbers(6, parts)
        parts.stress = (names, words[0] == "Stress:" ? values.map { -$0 } : values)
      case "Feature":
        guard words.count >= 2 else { throw reader.error("a feature needs a name") }
        guard isFeature(words[1]) else { throw reader.error("no feature can have the name \(words[1])") }
        parts.features.append((words[1], words.dropFirst(2).joined(separator: " ")))
      default:
        throw reader.error(
          "unknown part \(words[0]) of a configuration",
          hint: "Size, Supercell, AtomData:, Energy, PlusStress:, Feature and END_CFG are known")
      }
    }
  }

  /// Whether a frame can have an entry of this name that says nothing of the structure or the results.
  private func isFeature(_ name: String) -> Bool {
    !["lattice", "origin", "pbc", "properties", "ref_energy", "ref_virial"].contains(name.lowercased())
      && !name.contains { "=\"'".contains($0) }
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
      guard columns.count == 3 else { return nil }
      return parts.table.indices.map { Vector3(columns[0][$0], columns[1][$0], columns[2][$0]) }
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
      let w = Dictionary(uniqueKeysWithValues: zip(stress.names, stress.values))
      let places = ["xx", "xy", "xz", "xy", "yy", "yz", "xz", "yz", "zz"]
      frame["ref_virial"] = ExtXYZEntry("ref_virial", places.compactMap { w[$0] })
    }
    for feature in parts.features { frame[feature.name] = ExtXYZEntry(feature.name, feature.text) }
    if let forces = vectors(["fx", "fy", "fz"]) {
      frame.set(ExtXYZColumn("ref_forces", width: 3, .reals(forces.flatMap { [$0.x, $0.y, $0.z] })))
    }
    return frame
  }
}
