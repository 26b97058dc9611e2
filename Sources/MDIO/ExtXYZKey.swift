import MDCore

/// The keys of a comment line that mean something to every reader, and how entries are recognised as such.
///
/// Letters may be of any case if the value is of the right kind. A word that nearly is such a key, or another program's
/// name for it, with a value of that kind is an error where the key itself is missing: a crystal must not become a
/// cluster for a slip of the pen.
enum ExtXYZKey: String, CaseIterable {
  case lattice = "Lattice"
  case origin = "Origin"
  case pbc
  case properties = "Properties"

  /// Names that stand for this key elsewhere.
  private var relatives: Set<String> {
    switch self {
    case .lattice: ["cell", "unit_cell", "unitcell", "box", "lattice_vectors", "latticevectors", "lat", "latt"]
    case .pbc: ["periodic", "periodicity"]
    case .origin, .properties: []
    }
  }

  private func suits(_ entry: ExtXYZEntry, exactly: Bool) -> Bool {
    switch self {
    case .lattice: entry.numbers.map { exactly ? $0.count == 9 : [3, 6, 9].contains($0.count) } ?? false
    case .origin: entry.numbers?.count == 3
    case .pbc: entry.flags?.count == 3
    case .properties: entry.text.contains(":")
    }
  }

  /// Which key each entry is; nil for information. Throws if one is given twice or nearly given.
  static func assign(_ entries: [ExtXYZEntry], _ columns: [Int], _ reader: LineReader) throws -> [ExtXYZKey?] {
    var keys = [ExtXYZKey?](repeating: nil, count: entries.count)
    for key in allCases {
      let exact = entries.contains { $0.key == key.rawValue && $0.raw != nil }
      for (k, entry) in entries.enumerated() where entry.raw != nil {
        let isMeant =
          entry.key == key.rawValue
          || entry.key.lowercased() == key.rawValue.lowercased()
            && (key.suits(entry, exactly: true) || (!exact && key != .origin))
        guard isMeant else { continue }
        if keys.contains(key) { throw reader.error("\(key.rawValue) is given twice", column: columns[k]) }
        keys[k] = key
      }
      if keys.contains(key) { continue }
      for (k, entry) in entries.enumerated() where entry.raw != nil && keys[k] == nil {
        guard key.isNearly(entry) else { continue }
        throw reader.error(
          "\(entry.key) is no key of the format; did you mean \(key.rawValue)?",
          hint: "write \(key.example), or give the entry another name", column: columns[k])
      }
    }
    return keys
  }

  private func isNearly(_ entry: ExtXYZEntry) -> Bool {
    guard suits(entry, exactly: false) else { return false }
    let word = entry.key.lowercased()
    let slips = Spelling.distance(Array(word), Array(rawValue.lowercased()))
    return slips <= (self == .pbc ? 1 : 2) || relatives.contains(word)
  }

  private var example: String {
    switch self {
    case .lattice: "Lattice=\"ax ay az bx by bz cx cy cz\""
    case .origin: "Origin=\"x y z\""
    case .pbc: "pbc=\"T T F\""
    case .properties: "Properties=species:S:1:pos:R:3"
    }
  }

  /// Columns that become part of a structure, by kind and width.
  private static let columns: [(names: [String], kinds: [UInt8], width: Int)] = [
    (["species"], [0x53], 1), (["pos"], [0x52], 3), (["numbers"], [0x49], 1), (["id"], [0x49], 1),
    (["velo", "vel", "velocity", "velocities", "momenta"], [0x52, 0x49], 3),
    (["charges", "charge", "initial_charges"], [0x52, 0x49], 1), (["masses"], [0x52, 0x49], 1),
    (["image", "images"], [0x49], 3), (["grain"], [0x49], 1),
  ]

  /// The name that a column goes by: that of a known column if it differs from it in case only. Throws if it is a
  /// long name with a letter wrong.
  static func columnName(
    _ property: ExtXYZHeader.Property, among all: [String], _ reader: LineReader, column: Int
  ) throws -> String {
    let word = property.name.lowercased()
    for known in columns where known.kinds.contains(property.kind) && known.width == property.width {
      if known.names.contains(property.name) { return property.name }
      if known.names.contains(word), !all.contains(word) { return word }
      for name in known.names where name.count >= 7 && !all.contains(name) {
        guard Spelling.distance(Array(word), Array(name)) == 1 else { continue }
        throw reader.error(
          "column \(property.name) is not known; did you mean \(name)?", hint: "or give it another name",
          column: column)
      }
    }
    return property.name
  }
}
