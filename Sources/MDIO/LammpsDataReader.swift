import MDCore
import MDNumerics

/// Reads LAMMPS data files (`metal` units) of the styles atomic, charge, molecular and full.
///
/// - Cells: `xlo xhi` … with `xy xz yz`, or general triclinic `avec`, `bvec`, `cvec`, `abc origin`.
/// - Species of the types, in this order of precedence: the caller's list, `Atom Type Labels`, a comment behind a mass
///   that is an element's symbol (`1 63.546 # Cu`), the element whose weight is nearest within 0.1 g/mol.
/// - `Atoms`, `Velocities`, `Masses` and `Atom Type Labels` are read. Topology and coefficient sections are passed
///   over, because the deck gives the model. Other sections are an error.
/// - The file does not say which axes are periodic; the caller does.
///
/// Format: LAMMPS documentation, `read_data`.
struct LammpsDataReader {
  private let reader: LineReader
  private let callerSpecies: [String]?
  private let periodic: Periodicity

  private var atomCount: Int?
  private var typeCount: Int?
  private var bounds: [Int: (Double, Double)] = [:]
  private var tilt = Vector3.zero
  private var vectors: [Int: Vector3] = [:]
  private var origin: Vector3?
  private var masses: [Int: Double] = [:]
  private var massComments: [Int: String] = [:]
  private var labels: [String: Int] = [:]

  private var ids: [Int64] = []
  private var types: [Int32] = []
  private var positions: [Vector3] = []
  private var charges: [Double] = []
  private var images: [SIMD3<Int32>] = []
  private var velocities: [Vector3]?

  static func read(_ path: String, species: [String]?, periodic: Periodicity) throws -> Structure {
    let reader = try LineReader(path)
    defer { withExtendedLifetime(reader) {} }
    var data = LammpsDataReader(reader: reader, callerSpecies: species, periodic: periodic)
    return try data.structure()
  }

  private init(reader: LineReader, callerSpecies: [String]?, periodic: Periodicity) {
    self.reader = reader
    self.callerSpecies = callerSpecies
    self.periodic = periodic
  }

  private mutating func structure() throws -> Structure {
    guard let title = try reader.next() else { throw reader.error("the file is empty") }
    try refuseOtherUnits(title)
    var keyword = try readHeader()
    guard let atomCount, atomCount > 0 else {
      throw reader.error("the header does not say how many atoms there are", hint: "a line such as '4000 atoms'")
    }
    guard let typeCount, typeCount > 0 else {
      throw reader.error("the header does not say how many types there are", hint: "a line such as '2 atom types'")
    }
    if let species = callerSpecies, species.count != typeCount {
      throw reader.error(
        "the file has \(typeCount) atom types but \(species.count) species are given",
        hint: "give one species a type, in order")
    }
    let box = try box()
    while let (name, comment) = keyword {
      switch name {
      case "Masses": try readMasses(typeCount)
      case "Atom Type Labels": try readLabels(typeCount)
      case "Atoms": try readAtoms(atomCount, typeCount, style: comment)
      case "Velocities": try readVelocities(atomCount)
      default:
        keyword = try skipSection()
        continue
      }
      keyword = try nextKeyword()
    }
    guard !positions.isEmpty else { throw reader.error("the file has no section 'Atoms'") }
    return try assemble(box, typeCount)
  }

  // MARK: Header

  /// Fields before any comment, and the comment.
  private static func split(_ line: Field) -> (fields: [String], comment: String?) {
    let hash = line.firstIndex(of: 0x23) ?? line.count
    let comment = hash < line.count ? FieldScanner.strings(Field(rebasing: line[(hash + 1)...])) : nil
    return (FieldScanner.strings(Field(rebasing: line[..<hash])), comment?.joined(separator: " "))
  }

  private func number(_ text: String) throws -> Double {
    guard let x = Array(text.utf8).withUnsafeBufferPointer({ NumberParser.double($0) }) else {
      throw reader.error("'\(text)' is not a finite number", column: 1)
    }
    return x
  }

  private func count(_ text: String) throws -> Int {
    guard let n = Int(text), n >= 0 else { throw reader.error("'\(text)' is not a count", column: 1) }
    return n
  }

  /// LAMMPS says in the first line in which units it wrote a file, people do in a comment; nothing else would tell.
  private func refuseOtherUnits(_ line: Field) throws {
    guard let units = LammpsDataVocabulary.units(in: String(decoding: line, as: UTF8.self)), units.style != "metal"
    else { return }
    throw reader.error(
      "the file is in LAMMPS's units `\(units.style)`",
      hint: "`metal` is read (Å, ps, g/mol, e); convert the numbers and the word", column: units.column)
  }

  /// Reads up to the first section's name, which it returns.
  private mutating func readHeader() throws -> (String, String?)? {
    while let line = try reader.next() {
      try refuseOtherUnits(line)
      let (fields, comment) = Self.split(line)
      guard let first = fields.first else { continue }
      if let c = first.utf8.first, (0x41...0x5A).contains(c) { return try section(fields, comment) }
      let words = fields.filter { $0.utf8.first.map { c in (0x61...0x7A).contains(c) } ?? false }
      let values = Array(fields.dropLast(words.count))
      let key = words.joined(separator: " ")
      func need(_ n: Int) throws {
        guard values.count == n else {
          throw reader.error("'\(key)' needs \(n) number\(n == 1 ? "" : "s") before it", column: 1)
        }
      }
      switch key {
      case "atoms":
        try need(1)
        atomCount = try count(values[0])
      case "atom types":
        try need(1)
        typeCount = try count(values[0])
      case "xlo xhi", "ylo yhi", "zlo zhi":
        try need(2)
        bounds[["x": 0, "y": 1, "z": 2][key.prefix(1)]!] = (try number(values[0]), try number(values[1]))
      case "xy xz yz":
        try need(3)
        tilt = Vector3(try number(values[0]), try number(values[1]), try number(values[2]))
      case "avec", "bvec", "cvec":
        try need(3)
        vectors[["a": 0, "b": 1, "c": 2][key.prefix(1)]!] = Vector3(
          try number(values[0]), try number(values[1]), try number(values[2]))
      case "abc origin":
        try need(3)
        origin = Vector3(try number(values[0]), try number(values[1]), try number(values[2]))
      case _ where LammpsDataVocabulary.skippedHeaders.contains(key): _ = try values.map(count)
      default:
        throw reader.error(
          "the header line '\(fields.joined(separator: " "))' is not known",
          hint: "atoms, atom types, xlo xhi, ylo yhi, zlo zhi, xy xz yz, avec, bvec, cvec, abc origin")
      }
    }
    return nil
  }

  private func section(_ fields: [String], _ comment: String?) throws -> (String, String?) {
    let name = fields.joined(separator: " ")
    guard LammpsDataVocabulary.readSections.contains(name) || LammpsDataVocabulary.skippedSections.contains(name) else {
      throw reader.error(
        "'\(name)' is not a section that can be read",
        hint: "\(LammpsDataVocabulary.readSections.joined(separator: ", "))", column: 1)
    }
    return (name, comment)
  }

  private func box() throws -> Box {
    if !vectors.isEmpty {
      guard let a = vectors[0], let b = vectors[1], let c = vectors[2] else {
        throw reader.error("a general triclinic cell needs avec, bvec and cvec")
      }
      guard bounds.isEmpty else { throw reader.error("the cell is given both by avec and by xlo xhi") }
      return try completed(Matrix3(a, b, c), origin ?? .zero)
    }
    guard let x = bounds[0], let y = bounds[1], let z = bounds[2] else {
      throw reader.error("the header does not give the cell", hint: "xlo xhi, ylo yhi, zlo zhi, or avec, bvec, cvec")
    }
    for (axis, range) in zip(["x", "y", "z"], [x, y, z]) where range.1 <= range.0 {
      throw reader.error("\(axis)hi, \(range.1), is not above \(axis)lo, \(range.0)")
    }
    let cell = Matrix3(
      Vector3(x.1 - x.0, 0, 0), Vector3(tilt.x, y.1 - y.0, 0), Vector3(tilt.y, tilt.z, z.1 - z.0))
    return try completed(cell, Vector3(x.0, y.0, z.0))
  }

  private func completed(_ cell: Matrix3, _ origin: Vector3) throws -> Box {
    do {
      return try Box.completed(cell, origin: origin, periodic: .all, around: []).with(periodic)
    } catch let error as FaultlineError {
      throw reader.error(error.message, hint: error.hint)
    }
  }

  // MARK: Sections

  private func nextKeyword() throws -> (String, String?)? {
    while let line = try reader.next() {
      let (fields, comment) = Self.split(line)
      if !fields.isEmpty { return try section(fields, comment) }
    }
    return nil
  }

  private func skipSection() throws -> (String, String?)? {
    while let line = try reader.next() {
      guard let c = line.first(where: { $0 != 0x20 && $0 != 0x09 }), (0x41...0x5A).contains(c) else { continue }
      let (fields, comment) = Self.split(line)
      let name = fields.joined(separator: " ")
      if LammpsDataVocabulary.readSections.contains(name) || LammpsDataVocabulary.skippedSections.contains(name) {
        return (name, comment)
      }
    }
    return nil
  }

  /// A section's next line that is not blank.
  private func entry(_ k: Int, of n: Int, _ section: String) throws -> Field {
    while let line = try reader.next() {
      if line.contains(where: { $0 != 0x20 && $0 != 0x09 }) { return line }
    }
    throw reader.error("the file ends after \(k) of the \(n) lines of the section '\(section)'")
  }

  private mutating func readMasses(_ n: Int) throws {
    for k in 0..<n {
      let (fields, comment) = Self.split(try entry(k, of: n, "Masses"))
      guard fields.count == 2 else { throw reader.error("a line of 'Masses' holds a type and a mass in g/mol") }
      let type = try typeNumber(fields[0], n)
      let mass = try number(fields[1])
      guard mass > 0 else { throw reader.error("the mass of type \(type) is not positive") }
      masses[type] = mass
      massComments[type] = comment
    }
  }

  private mutating func readLabels(_ n: Int) throws {
    for k in 0..<n {
      let (fields, _) = Self.split(try entry(k, of: n, "Atom Type Labels"))
      guard fields.count == 2, let type = Int(fields[0]), (1...n).contains(type), labels[fields[1]] == nil else {
        throw reader.error("a line of 'Atom Type Labels' holds a type from 1 to \(n) and a label of its own")
      }
      labels[fields[1]] = type
    }
  }

  private func typeNumber(_ text: String, _ n: Int) throws -> Int {
    if let type = Int(text) ?? labels[text], (1...n).contains(type) { return type }
    throw reader.error(
      "'\(text)' is not an atom type", hint: "types are from 1 to \(n)\(labels.isEmpty ? "" : " or labels")")
  }

  private func style(_ comment: String?, _ line: Field) throws -> LammpsAtomStyle {
    if let comment, let word = comment.split(separator: " ").first {
      guard let style = LammpsAtomStyle(rawValue: String(word)) else {
        throw reader.error(
          "atom style '\(word)' cannot be read",
          hint: "\(LammpsAtomStyle.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return style
    }
    let fields = Self.split(line).fields
    switch fields.count {
    case 5, 8: return .atomic
    case 7 where Int(fields[2]) != nil, 10 where Int(fields[2]) != nil: return .full
    default:
      throw reader.error(
        "the atom style cannot be told from a line of \(fields.count) columns",
        hint: "write it behind the section's name, as in 'Atoms # charge'")
    }
  }

  private mutating func readAtoms(_ n: Int, _ typeCount: Int, style comment: String?) throws {
    guard positions.isEmpty else { throw reader.error("the section 'Atoms' is given twice") }
    // A wrong count must not take the memory of the machine before the file proves it.
    let room = min(n, 1 << 22)
    ids.reserveCapacity(room)
    types.reserveCapacity(room)
    positions.reserveCapacity(room)
    let first = try entry(0, of: n, "Atoms")
    let style = try style(comment, first)
    reader.unread(first)
    for k in 0..<n {
      var row = LammpsDataRow(try entry(k, of: n, "Atoms"), reader)
      ids.append(try row.integer("id"))
      if style.hasMolecule { _ = try row.integer("molecule") }
      let type = try row.field("type")
      if let number = NumberParser.integer(type), number >= 1, number <= typeCount {
        types.append(Int32(number - 1))
      } else {
        types.append(Int32(try typeNumber(String(decoding: type, as: UTF8.self), typeCount) - 1))
      }
      if style.hasCharge { charges.append(try row.real("q")) }
      positions.append(Vector3(try row.real("x"), try row.real("y"), try row.real("z")))
      if row.hasMore {
        images.append(SIMD3(try row.small("ix"), try row.small("iy"), try row.small("iz")))
        guard !row.hasMore else { throw reader.error("the line has more columns than the style \(style) has") }
      }
    }
    guard images.isEmpty || images.count == n else { throw reader.error("some atoms have image flags and some do not") }
  }

  private mutating func readVelocities(_ n: Int) throws {
    guard !positions.isEmpty else { throw reader.error("'Velocities' come before 'Atoms'") }
    let numbering = try numbering()
    var values = [Vector3](repeating: Vector3(repeating: .nan), count: n)
    for k in 0..<n {
      var row = LammpsDataRow(try entry(k, of: n, "Velocities"), reader)
      let id = try row.integer("id")
      guard let place = numbering[id] else { throw reader.error("there is no atom \(id)", column: 1) }
      guard values[place].x.isNaN else { throw reader.error("atom \(id) has two velocities", column: 1) }
      values[place] = Vector3(try row.real("vx"), try row.real("vy"), try row.real("vz"))
      guard !row.hasMore else { throw reader.error("a line of 'Velocities' holds id vx vy vz") }
    }
    velocities = values
  }

  private func numbering() throws -> AtomNumbering {
    do {
      return try AtomNumbering(ids)
    } catch {
      throw reader.error("in 'Atoms' \(error.message)")
    }
  }

  // MARK: Result

  private func assemble(_ box: Box, _ typeCount: Int) throws -> Structure {
    let names = try (1...typeCount).map(species(of:))
    // Types of the same species become one.
    var distinct: [String] = []
    var map: [Int32] = []
    var weights: [Double?] = []
    for (k, name) in names.enumerated() {
      if let known = distinct.firstIndex(of: name) {
        guard weights[known] == masses[k + 1] else {
          throw reader.error("two types are \(name) but have different masses", hint: "give them different labels")
        }
        map.append(Int32(known))
      } else {
        map.append(Int32(distinct.count))
        distinct.append(name)
        weights.append(masses[k + 1])
      }
    }
    var structure = Structure(
      box: box, species: distinct, types: types.map { map[Int($0)] }, positions: positions)
    structure.masses = weights
    structure.charges = charges.isEmpty ? nil : charges
    structure.images = images.isEmpty ? nil : images
    structure.velocities = velocities
    _ = try numbering()
    if ids != (1...Int64(ids.count)).map({ $0 }) { structure.ids = ids }
    return structure
  }

  private func species(of type: Int) throws -> String {
    if let callerSpecies { return callerSpecies[type - 1] }
    if let label = labels.first(where: { $0.value == type }) { return label.key }
    if let comment = massComments[type], Elements.atomicNumber(of: comment) != nil { return comment }
    if let mass = masses[type] {
      let near = (1...96).compactMap { z in
        Elements.symbol(z).flatMap { s in Elements.mass(of: s).map { (s, abs($0 - mass)) } }
      }.min { $0.1 < $1.1 }
      if let near, near.1 <= 0.1 { return near.0 }
    }
    throw reader.error(
      "the species of atom type \(type) is not known",
      hint: "give the list of species, a section 'Atom Type Labels', or the element's mass within 0.1 g/mol")
  }
}
