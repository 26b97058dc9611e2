import MDCore
import MDNumerics

/// One `key=value` of a comment line, its value as it stands in the file (with quotes or brackets).
package struct ExtXYZEntry: Equatable, Sendable {
  package var key: String
  /// nil for a key that stands alone, which means true; empty for a value that is missing.
  package var raw: String?
  /// The key as it stands in the file; nil for one made in memory.
  private var spelling: String?

  package init(raw: String?, for key: String) {
    self.key = key
    self.raw = raw
  }

  /// An entry of a file.
  init(spelling: String, raw: String?) {
    self.init(raw: raw, for: ExtXYZGrammar.meaning(spelling))
    self.spelling = spelling
  }

  /// A text; quoted where the grammar asks for it.
  package init(_ key: String, _ text: String) {
    self.init(raw: ExtXYZGrammar.quoted(text), for: key)
  }

  package init(_ key: String, _ number: Double) { self.init(raw: Self.text([number]), for: key) }
  package init(_ key: String, _ number: Int) { self.init(raw: String(number), for: key) }
  /// Numbers in quotes, `"1 2 3"`; a matrix row by row.
  package init(_ key: String, _ numbers: [Double]) { self.init(raw: "\"\(Self.text(numbers))\"", for: key) }

  package static func == (a: Self, b: Self) -> Bool { a.key == b.key && a.raw == b.raw }

  /// The value without quotes and escapes.
  package var text: String { raw.map(ExtXYZGrammar.meaning) ?? "T" }

  /// The parts of a value that is a list: between blanks, commas and brackets.
  var parts: [Substring] { text.split(whereSeparator: { " \t,[]{}".contains($0) }) }

  /// The numbers of the value, also from `[1, 2]`, `{1 2}` and nested lists; nil if there is anything else.
  package var numbers: [Double]? {
    var out: [Double] = []
    for part in parts {
      guard let x = Array(part.utf8).withUnsafeBufferPointer({ NumberParser.double($0) }) else { return nil }
      out.append(x)
    }
    return out
  }

  /// The flags of the value, `T`, `F`, their longer forms, or integers; nil if there is anything else.
  var flags: [Bool]? {
    var out: [Bool] = []
    for part in parts {
      let flag = Array(part.utf8).withUnsafeBufferPointer { field in
        NumberParser.logical(field) ?? NumberParser.integer(field).map { $0 != 0 }
      }
      guard let flag else { return nil }
      out.append(flag)
    }
    return out
  }

  /// The entry as it stands in a comment line.
  var written: String {
    let key = spelling.map(ExtXYZGrammar.rewritten) ?? ExtXYZGrammar.quoted(key)
    return raw.map { "\(key)=\(ExtXYZGrammar.rewritten($0))" } ?? key
  }

  private static func text(_ numbers: [Double]) -> String {
    var buffer = TextBuffer(capacity: 32 * numbers.count)
    for (k, x) in numbers.enumerated() {
      if k > 0 { buffer.append(byte: 0x20) }
      buffer.append(x)
    }
    return String(decoding: buffer.bytes, as: UTF8.self)
  }
}

/// A per-atom column that `Structure` has no place for; `width` values an atom, row by row.
package struct ExtXYZColumn: Equatable, Sendable {
  package enum Values: Equatable, Sendable {
    case strings([String])
    case reals([Double])
    case integers([Int64])
    case logicals([Bool])
  }

  package var name: String
  package var width: Int
  package var values: Values

  package init(_ name: String, width: Int = 1, _ values: Values) {
    self.name = name
    self.width = width
    self.values = values
  }

  /// The format's letter: S, R, I or L.
  package var kind: Character {
    switch values {
    case .strings: "S"
    case .reals: "R"
    case .integers: "I"
    case .logicals: "L"
    }
  }

  /// The numbers of a real or integer column.
  package var reals: [Double]? {
    switch values {
    case .reals(let v): v
    case .integers(let v): v.map(Double.init)
    default: nil
    }
  }

  var count: Int {
    switch values {
    case .strings(let v): v.count
    case .reals(let v): v.count
    case .integers(let v): v.count
    case .logicals(let v): v.count
    }
  }
}

/// One frame of an extended XYZ file, after the libAtoms grammar (`ExtXYZGrammar`) as ASE writes it.
///
/// - `Lattice="ax ay az bx … cz"` (Å, rows a, b, c in any orientation), `Origin="x y z"`, `pbc="T T F"`. Without
///   `pbc` a lattice is periodic. Without a lattice, or with zero rows along open axes, boundaries are open and the
///   cell is the atoms' bounding box with a margin of 1 Å.
/// - `Properties=species:S:1:pos:R:3:…`; without it lines are `species x y z`. `Z` or `numbers` may stand for species.
/// - Columns that become part of the structure: `species`, `pos`, `id`; velocities as `velo`, `vel`, `velocity` or
///   `velocities` in Å/ps, or ASE's `momenta` (√(u·eV)), divided by `masses` or the elements' weights; charges as
///   `charges`, `charge`, `initial_charges` or `q`, e; `image:I:3` (or `images`), crossings of the cell; `grain:I:1`.
///   Every other column is kept in `columns`; `masses` (g/mol) also give the masses of species whose atoms agree.
/// - These keys and names are known in any case; what nearly is one of them is an error.
package struct ExtXYZFrame: Sendable {
  package var structure: Structure
  /// The header in its order, without `Lattice`, `Origin`, `pbc` and `Properties`, which follow from the structure.
  package var info: [ExtXYZEntry]
  package var columns: [ExtXYZColumn]
  /// The line of the file on which the frame begins; 0 for a frame made in memory.
  package internal(set) var line = 0
  /// The cell's entries as they were read and the box they gave, so that a frame is written as it came.
  var source: (box: Box, entries: [ExtXYZEntry])?
  var chargeName = "charges"

  /// Whether the file gave a cell, or the structure was made in memory; otherwise the box only surrounds the atoms.
  package var hasLattice: Bool { source.map { $0.entries.contains { $0.key == "Lattice" } } ?? true }

  package init(_ structure: Structure, info: [ExtXYZEntry] = [], columns: [ExtXYZColumn] = []) {
    self.structure = structure
    self.info = info
    self.columns = columns
  }

  /// The header's entry of this name; setting replaces it in place or appends it.
  package subscript(key: String) -> ExtXYZEntry? {
    get { info.first { $0.key == key } }
    set {
      let place = info.firstIndex { $0.key == key }
      switch (place, newValue) {
      case (let k?, let new?): info[k] = new
      case (nil, let new?): info.append(new)
      case (let k?, nil): info.remove(at: k)
      case (nil, nil): break
      }
    }
  }

  package func column(_ name: String) -> ExtXYZColumn? { columns.first { $0.name == name } }

  /// Puts a column in the place of the one of the same name, or at the end.
  package mutating func set(_ column: ExtXYZColumn) {
    if let k = columns.firstIndex(where: { $0.name == column.name }) {
      columns[k] = column
    } else {
      columns.append(column)
    }
  }
}
