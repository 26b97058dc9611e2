import Glibc
import MDCore
import MDNumerics

/// POSCAR and CONTCAR of VASP 5 and later (https://www.vasp.at/wiki/index.php/POSCAR); always periodic.
///
/// Read: a scale factor (negative: the cell's volume in Å³; or one an axis), the species line (symbols with
/// suffixes such as `Cu_pv` or `Cu/0a1b`; without it the caller's list), selective dynamics (see
/// `HeldAtoms`), direct or
/// Cartesian positions, Cartesian velocities in Å/fs (kept in Å/ps). The cell's velocities of constant-pressure runs
/// are passed over. Written: atoms sorted by species, direct coordinates (so that the cell's origin becomes zero),
/// selective dynamics where atoms are held, velocities. A left-handed cell, which VASP refuses, is replaced by −a, −b, −c, which spans the same lattice.
enum Poscar {
  static func read(_ path: String, species: [String]?) throws -> Structure {
    let reader = try LineReader(path)
    // Lines are views of the reader's buffer.
    defer { withExtendedLifetime(reader) {} }

    func line(_ what: String) throws -> Field {
      guard let line = try reader.next() else { throw reader.error("the file ends before \(what)") }
      return line
    }
    func vector(_ line: Field, _ what: String) throws -> Vector3 {
      var scanner = FieldScanner(line)
      var v = Vector3.zero
      for k in 0..<3 {
        guard let field = scanner.next(), let x = NumberParser.double(field) else {
          throw reader.error("\(what) must begin with three finite numbers", column: scanner.column)
        }
        v[k] = x
      }
      return v
    }

    _ = try line("its comment")
    let scales = uncommented(FieldScanner.strings(try line("the scale factor")))
    let factors = scales.compactMap { text in Array(text.utf8).withUnsafeBufferPointer { NumberParser.double($0) } }
    guard factors.count == scales.count, factors.count == 1 || factors.count == 3, !factors.contains(0),
      factors.count == 1 || factors.allSatisfy({ $0 > 0 })
    else {
      throw reader.error(
        "the second line must hold the scale factor", hint: "a number, negative for the volume, or three positive ones")
    }
    var cell = Matrix3(
      try vector(line("the cell"), "a cell vector"), try vector(line("the cell"), "a cell vector"),
      try vector(line("the cell"), "a cell vector"))
    var scale = Vector3(factors[0], factors[factors.count / 2], factors[factors.count - 1])
    if factors.count == 1, factors[0] < 0, cell.determinant != 0 {
      scale = Vector3(repeating: cbrt(-factors[0] / abs(cell.determinant)))
    }
    for k in 0..<3 { cell[k] *= scale }
    let box: Box
    do {
      box = try Box.completed(cell, origin: .zero, periodic: .all, around: [])
    } catch let error as FaultlineError {
      throw reader.error(error.message, hint: error.hint)
    }

    var names = Array(uncommented(FieldScanner.strings(try line("the species"))))
    let counts: [Int]
    if names.first.flatMap({ Int($0) }) != nil {
      counts = try atomCounts(names, reader)
      guard let species, species.count == counts.count else {
        throw reader.error(
          "the file has no line of species for its \(counts.count) groups of atoms",
          hint: "give the list of species, or add the line before the counts")
      }
      names = species
    } else {
      names = names.map { String($0.prefix { $0 != "_" && $0 != "/" }) }
      counts = try atomCounts(FieldScanner.strings(try line("the numbers of atoms")), reader)
      guard names.count == counts.count else {
        throw reader.error("\(names.count) species but \(counts.count) numbers of atoms")
      }
    }
    /// The first letter of a line that says how to read the next ones.
    func letter() throws -> UInt8? { try line("the positions").first { $0 != 0x20 && $0 != 0x09 } }
    var mode = try letter()
    let isSelective = mode == 0x53 || mode == 0x73
    if isSelective { mode = try letter() }
    let isCartesian: Bool
    switch mode {
    case 0x43, 0x63, 0x4B, 0x6B: isCartesian = true
    case 0x44, 0x64: isCartesian = false
    default: throw reader.error("this line must say Direct or Cartesian", column: 1)
    }

    var distinct: [String] = []
    var types: [Int32] = []
    var positions: [Vector3] = []
    let total = counts.reduce(0, +)
    var constraints = HeldAtoms()
    for (name, n) in zip(names, counts) {
      let type = distinct.firstIndex(of: name) ?? distinct.count
      if type == distinct.count { distinct.append(name) }
      for _ in 0..<n {
        guard let next = try reader.next() else {
          throw reader.error("the file ends after \(positions.count) of the \(total) atoms")
        }
        let r = try vector(next, "a line of positions")
        positions.append(isCartesian ? r * scale : box.cartesian(r))
        types.append(Int32(type))
        if isSelective { constraints.add(try flags(next, reader)) }
      }
    }
    var structure = Structure(box: box, species: distinct, types: types, positions: positions)
    constraints.mark(&structure)
    structure.velocities = try velocities(total, reader, vector)
    return structure
  }

  /// Which of the three coordinates behind a position may change: T or F each, Fortran's way.
  private static func flags(_ line: Field, _ reader: LineReader) throws -> [Bool] {
    let words = FieldScanner.strings(line).dropFirst(3).prefix(3)
    let flags = words.map { word -> Bool? in
      switch word.drop(while: { $0 == "." }).first {
      case "T", "t": true
      case "F", "f": false
      default: nil
      }
    }
    guard flags.count == 3, !flags.contains(nil) else {
      throw reader.error("selective dynamics wants three letters behind the position", hint: "T or F each")
    }
    return flags.map { $0! }
  }

  private static func uncommented(_ fields: [String]) -> ArraySlice<String> {
    fields.prefix { !$0.hasPrefix("!") && !$0.hasPrefix("#") }
  }

  private static func atomCounts(_ fields: [String], _ reader: LineReader) throws -> [Int] {
    let counts = uncommented(fields).map { Int($0) ?? -1 }
    var total = 0
    for n in counts {
      let (sum, over) = total.addingReportingOverflow(n)
      guard n >= 0, !over else { throw reader.error("the numbers of atoms must be integers") }
      total = sum
    }
    guard total > 0 else { throw reader.error("the file has no atoms") }
    return counts
  }

  /// The block of velocities, if the file goes on.
  private static func velocities(
    _ n: Int, _ reader: LineReader, _ vector: (Field, String) throws -> Vector3
  ) throws -> [Vector3]? {
    func isBlank(_ line: Field) -> Bool { line.allSatisfy { $0 == 0x20 || $0 == 0x09 } }
    guard var line = try reader.next() else { return nil }
    if let c = line.first(where: { $0 != 0x20 }), c == 0x4C || c == 0x6C {
      // "Lattice velocities and vectors": a flag, three velocities, three vectors.
      for _ in 0..<7 { _ = try reader.next() }
      guard let next = try reader.next() else { return nil }
      line = next
    }
    switch line.first(where: { $0 != 0x20 && $0 != 0x09 }) {
    case nil, 0x43, 0x63, 0x4B, 0x6B: break
    case 0x44, 0x64:
      throw reader.error(
        "velocities in units of the cell per time step cannot be read", hint: "convert them to Cartesian, Å/fs")
    default: throw reader.error("a line behind the positions that is neither blank nor 'Cartesian'", column: 1)
    }
    var values: [Vector3] = []
    while values.count < n, let line = try reader.next() {
      if isBlank(line), values.isEmpty { return nil }
      values.append(1000 * (try vector(line, "a line of velocities")))
    }
    if values.isEmpty { return nil }
    guard values.count == n else { throw reader.error("the file ends after \(values.count) of the \(n) velocities") }
    return values
  }

  static func write(_ s: Structure, to path: String) throws {
    let file = try OutputFile(path)
    var text = TextBuffer()
    var members = [[Int]](repeating: [], count: s.species.count)
    for i in 0..<s.count { members[Int(s.types[i])].append(i) }
    let present = members.indices.filter { !members[$0].isEmpty }
    text.append("Faultline\n1\n")
    let sign: Double = s.box.cell.determinant < 0 ? -1 : 1
    for k in 0..<3 {
      text.appendSpaced(sign * s.box.cell[k])
      text.append(byte: 0x0A)
    }
    text.append(present.map { s.species[$0] }.joined(separator: " ") + "\n")
    text.append(present.map { String(members[$0].count) }.joined(separator: " ") + (s.held == nil ? "" : "\nSelective dynamics") + "\nDirect\n")
    let order = present.flatMap { members[$0] }
    for i in order {
      text.appendSpaced(sign * s.box.fractional(s.positions[i]))
      if let held = s.held { text.append(held[i] ? " F F F" : " T T T") }
      text.append(byte: 0x0A)
      try text.spill(into: file)
    }
    if let v = s.velocities {
      text.append(byte: 0x0A)
      for i in order {
        text.appendSpaced(v[i] / 1000)
        text.append(byte: 0x0A)
        try text.spill(into: file)
      }
    }
    try file.write(text.bytes)
    try file.finish()
  }
}
