import MDCore

/// The words of LAMMPS data files that are known.
enum LammpsDataVocabulary {
  static let readSections = ["Atoms", "Velocities", "Masses", "Atom Type Labels"]
  static let skippedSections: Set<String> = [
    "Bonds", "Angles", "Dihedrals", "Impropers", "Pair Coeffs", "PairIJ Coeffs", "Bond Coeffs", "Angle Coeffs",
    "Dihedral Coeffs", "Improper Coeffs", "BondBond Coeffs", "BondAngle Coeffs", "MiddleBondTorsion Coeffs",
    "EndBondTorsion Coeffs", "AngleTorsion Coeffs", "AngleAngleTorsion Coeffs", "BondBond13 Coeffs",
    "AngleAngle Coeffs", "Bond Type Labels", "Angle Type Labels", "Dihedral Type Labels", "Improper Type Labels",
  ]
  /// Counts of the header that concern sections passed over.
  static let skippedHeaders: Set<String> = [
    "bonds", "angles", "dihedrals", "impropers", "bond types", "angle types", "dihedral types", "improper types",
    "extra bond per atom", "extra angle per atom", "extra dihedral per atom", "extra improper per atom",
    "extra special per atom",
  ]
  /// LAMMPS documentation, `units`.
  static let unitStyles: Set<Substring> = ["lj", "real", "metal", "si", "cgs", "electron", "micro", "nano"]

  /// The units that a title or comment speaks of, as in `units = real`, `units real` or `real units`, and where.
  static func units(in text: String) -> (style: String, column: Int)? {
    let words = text.lowercased().split { !$0.isLetter && !$0.isNumber }
    for k in words.indices where words[k] == "units" {
      for near in [k + 1, k - 1] where words.indices.contains(near) && unitStyles.contains(words[near]) {
        let word = words[near]
        return (String(word), word.base.utf8.distance(from: word.base.startIndex, to: word.startIndex) + 1)
      }
    }
    return nil
  }
}

/// The atom styles whose columns are known: `id [molecule] type [q] x y z [ix iy iz]`.
enum LammpsAtomStyle: String, CaseIterable {
  case atomic, charge, molecular, bond, angle, full

  var hasMolecule: Bool { self != .atomic && self != .charge }
  var hasCharge: Bool { self == .charge || self == .full }
  var width: Int { 5 + (hasMolecule ? 1 : 0) + (hasCharge ? 1 : 0) }
}

/// The fields of a line up to a comment.
struct LammpsDataRow {
  private var scanner: FieldScanner
  private let reader: LineReader

  init(_ line: Field, _ reader: LineReader) {
    scanner = FieldScanner(line)
    self.reader = reader
  }

  var hasMore: Bool {
    var ahead = scanner
    return ahead.next().map { $0[0] != 0x23 } ?? false
  }

  mutating func field(_ name: String) throws -> Field {
    guard let field = scanner.next(), field[0] != 0x23 else {
      throw reader.error("the line ends before \(name)", column: scanner.column)
    }
    return field
  }

  mutating func real(_ name: String) throws -> Double {
    let field = try field(name)
    guard let x = NumberParser.double(field) else {
      throw reader.error(
        "\(name) is \(ExtXYZReader.excerpt(field))", hint: "a finite number is needed", column: scanner.column)
    }
    return x
  }

  mutating func integer(_ name: String) throws -> Int64 {
    let field = try field(name)
    guard let x = NumberParser.integer(field) else {
      throw reader.error(
        "\(name) is \(ExtXYZReader.excerpt(field))", hint: "an integer is needed", column: scanner.column)
    }
    return x
  }

  mutating func small(_ name: String) throws -> Int32 {
    guard let x = Int32(exactly: try integer(name)) else {
      throw reader.error("\(name) is beyond 32 bits", column: scanner.column)
    }
    return x
  }
}

extension Box {
  func with(_ periodic: Periodicity) -> Box {
    var box = self
    box.periodic = periodic
    return box
  }
}
