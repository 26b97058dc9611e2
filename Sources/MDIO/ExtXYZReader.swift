import MDCore
import MDNumerics

/// Reads the frames of an extended XYZ file, plain or gzip, one at a time.
package final class ExtXYZReader {
  private let reader: LineReader

  package init(_ path: String) throws { reader = try LineReader(path) }

  package var place: LineReader.Place { reader.place }
  package func seek(to place: LineReader.Place) throws { try reader.seek(to: place) }

  /// Every frame of a file.
  package static func frames(of path: String) throws -> [ExtXYZFrame] {
    let reader = try ExtXYZReader(path)
    var frames: [ExtXYZFrame] = []
    while let frame = try reader.next() { frames.append(frame) }
    guard !frames.isEmpty else { throw reader.reader.error("the file holds no frame") }
    return frames
  }

  /// The next frame; nil at the end of the file.
  package func next() throws -> ExtXYZFrame? {
    defer { withExtendedLifetime(self) {} }
    var first = try reader.next()
    while let line = first, line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { first = try reader.next() }
    guard let line = first else { return nil }
    var scanner = FieldScanner(line)
    guard let field = scanner.next(), let count = NumberParser.integer(field), count > 0, scanner.next() == nil else {
      throw reader.error(
        "a frame must begin with its number of atoms, but this line is \(Self.excerpt(line))",
        hint: "a positive integer alone on the line; is the count of the frame before right?", column: 1)
    }
    let begin = reader.number
    guard let comment = try reader.next() else {
      throw reader.error("the file ends before the comment line of the frame that begins on line \(begin)")
    }
    let header = try ExtXYZHeader(comment, reader)
    var table = try ExtXYZTable(header, count: Int(count), reader)
    for k in 0..<Int(count) {
      guard let line = try reader.next() else {
        throw reader.error(
          "the file ends after \(k) of the \(count) atoms of the frame that begins on line \(begin)")
      }
      try table.read(line)
    }
    let box = try header.box(around: table.positions)
    var frame = try table.frame(box, header, line: begin)
    frame.source = (box, header.cellEntries)
    return frame
  }

  /// Passes over a frame; of its lines only the first is looked at.
  package func skip() throws -> Bool {
    defer { withExtendedLifetime(self) {} }
    var first = try reader.next()
    while let line = first, line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { first = try reader.next() }
    guard let line = first else { return false }
    var scanner = FieldScanner(line)
    guard let field = scanner.next(), let count = NumberParser.integer(field), count > 0, scanner.next() == nil else {
      throw reader.error("a frame must begin with its number of atoms, but this line is \(Self.excerpt(line))", column: 1)
    }
    let begin = reader.number
    for k in 0...Int(count) {
      guard try reader.next() != nil else {
        throw reader.error("the file ends after \(max(k - 1, 0)) of the \(count) atoms of the frame that begins on line \(begin)")
      }
    }
    return true
  }

  static func excerpt(_ line: Field) -> String {
    let text = String(decoding: line.prefix(40), as: UTF8.self)
    return "'\(text)\(line.count > 40 ? "…" : "")'"
  }
}

/// The columns of a frame while they are read.
private struct ExtXYZTable {
  private enum Target {
    case species, atomicNumbers, positions
    case column(Int)

    var givesSpecies: Bool {
      switch self {
      case .species, .atomicNumbers: true
      default: false
      }
    }
  }

  private let reader: LineReader
  private let properties: [ExtXYZHeader.Property]
  private var targets: [Target] = []
  private let expected: Int
  var positions: [Vector3] = []
  private var names: [String] = []
  private var nameBytes: [[UInt8]] = []
  private var types: [Int32] = []
  private var columns: [ExtXYZColumn] = []

  init(_ header: ExtXYZHeader, count: Int, _ reader: LineReader) throws {
    self.reader = reader
    properties = header.properties
    expected = count
    // A wrong count must not take the memory of the machine before the file proves it.
    let room = min(count, 1 << 22)
    let hasSpecies = properties.contains { $0.name == "species" }
    guard properties.contains(where: { $0.name == "pos" && $0.kind == 0x52 && $0.width == 3 }) else {
      throw reader.error(
        "Properties has no pos:R:3", hint: "positions must be given", column: header.propertiesColumn)
    }
    for property in properties {
      switch (property.name, property.kind, property.width) {
      case ("pos", 0x52, 3): targets.append(.positions)
      case ("species", 0x53, 1): targets.append(.species)
      case ("Z", 0x49, 1) where !hasSpecies, ("numbers", 0x49, 1) where !hasSpecies: targets.append(.atomicNumbers)
      default:
        targets.append(.column(columns.count))
        let values: ExtXYZColumn.Values =
          switch property.kind {
          case 0x53: .strings([])
          case 0x52: .reals(Self.array(room * property.width))
          case 0x49: .integers(Self.array(room * property.width))
          default: .logicals([])
          }
        columns.append(ExtXYZColumn(property.name, width: property.width, values))
      }
    }
    guard targets.contains(where: { $0.givesSpecies }) else {
      throw reader.error(
        "Properties has no species", hint: "add species:S:1 or numbers:I:1", column: header.propertiesColumn)
    }
    positions.reserveCapacity(room)
    types.reserveCapacity(room)
  }

  private static func array<T>(_ room: Int) -> [T] {
    var values: [T] = []
    values.reserveCapacity(room)
    return values
  }

  mutating func read(_ line: Field) throws {
    var scanner = FieldScanner(line)
    for (property, target) in zip(properties, targets) {
      switch target {
      case .positions:
        let x = try real(&scanner, property)
        let y = try real(&scanner, property)
        let z = try real(&scanner, property)
        positions.append(Vector3(x, y, z))
      case .species:
        types.append(type(try field(&scanner, property)))
      case .atomicNumbers:
        let number = try integer(&scanner, property)
        guard let symbol = Elements.symbol(Int(clamping: number)) else {
          throw reader.error("\(number) is not an atomic number", column: scanner.column)
        }
        types.append(Array(symbol.utf8).withUnsafeBufferPointer { type($0) })
      case .column(let k):
        try readColumn(k, property, &scanner)
      }
    }
    if let extra = scanner.next() {
      throw reader.error(
        "the line has more columns than Properties, from \(ExtXYZReader.excerpt(extra)) on",
        hint: "columns are \(list)", column: scanner.column)
    }
  }

  private mutating func readColumn(_ k: Int, _ property: ExtXYZHeader.Property, _ scanner: inout FieldScanner) throws {
    // The values are taken out while they grow, or each append would copy them.
    let values = columns[k].values
    columns[k].values = .logicals([])
    switch consume values {
    case .reals(var v):
      for _ in 0..<property.width { v.append(try real(&scanner, property)) }
      columns[k].values = .reals(v)
    case .integers(var v):
      for _ in 0..<property.width { v.append(try integer(&scanner, property)) }
      columns[k].values = .integers(v)
    case .strings(var v):
      for _ in 0..<property.width { v.append(String(decoding: try field(&scanner, property), as: UTF8.self)) }
      columns[k].values = .strings(v)
    case .logicals(var v):
      for _ in 0..<property.width {
        let field = try field(&scanner, property)
        guard let flag = NumberParser.logical(field) else {
          throw reader.error(
            "\(property.name) is \(ExtXYZReader.excerpt(field))", hint: "T or F", column: scanner.column)
        }
        v.append(flag)
      }
      columns[k].values = .logicals(v)
    }
  }

  private var list: String { properties.map { "\($0.name)[\($0.width)]" }.joined(separator: " ") }

  @inline(__always)
  private func field(_ scanner: inout FieldScanner, _ property: ExtXYZHeader.Property) throws -> Field {
    guard let field = scanner.next() else {
      throw reader.error("the line ends before \(property.name)", hint: "columns are \(list)", column: scanner.column)
    }
    return field
  }

  @inline(__always)
  private func real(_ scanner: inout FieldScanner, _ property: ExtXYZHeader.Property) throws -> Double {
    let field = try field(&scanner, property)
    guard let x = NumberParser.double(field) else {
      throw reader.error(
        "\(property.name) is \(ExtXYZReader.excerpt(field))", hint: "a finite number is needed", column: scanner.column)
    }
    return x
  }

  @inline(__always)
  private func integer(_ scanner: inout FieldScanner, _ property: ExtXYZHeader.Property) throws -> Int64 {
    let field = try field(&scanner, property)
    guard let x = NumberParser.integer(field) else {
      throw reader.error(
        "\(property.name) is \(ExtXYZReader.excerpt(field))", hint: "an integer is needed", column: scanner.column)
    }
    return x
  }

  private mutating func type(_ name: Field) -> Int32 {
    for (k, known) in nameBytes.enumerated() where known.count == name.count && known.elementsEqual(name) {
      return Int32(k)
    }
    nameBytes.append(Array(name))
    names.append(String(decoding: name, as: UTF8.self))
    return Int32(names.count - 1)
  }

  /// Columns of reals that become part of the structure.
  private static let realNames: Set<String> = [
    "velo", "vel", "velocity", "velocities", "momenta", "charges", "charge", "initial_charges", "q",
  ]

  /// Sorts the columns into the structure.
  consuming func frame(_ box: Box, _ header: ExtXYZHeader, line: Int) throws -> ExtXYZFrame {
    var structure = Structure(box: box, species: names, types: types, positions: positions)
    var rest: [ExtXYZColumn] = []
    var chargeName = "charges"
    var momenta: [Double]?
    for column in columns {
      // Whole numbers may stand for real ones.
      let reals = Self.realNames.contains(column.name) ? column.reals : nil
      switch (column.name, column.width, column.values, reals) {
      case ("id", 1, .integers(let v), _):
        do throws(AtomNumbering.Problem) {
          _ = try AtomNumbering(v)
        } catch {
          throw FaultlineError(
            .input, "in the frame that begins here \(error.message)",
            at: SourceLocation(file: reader.path, line: line))
        }
        structure.ids = v
      case ("grain", 1, .integers(let v), _) where v.allSatisfy { Int32(exactly: $0) != nil }:
        structure.grains = v.map { Int32($0) }
      case ("velo", 3, _, let v?), ("vel", 3, _, let v?), ("velocity", 3, _, let v?), ("velocities", 3, _, let v?):
        structure.velocities = Self.vectors(v)
      case ("momenta", 3, _, let v?):
        momenta = v
      case ("charges", 1, _, let v?), ("charge", 1, _, let v?), ("initial_charges", 1, _, let v?), ("q", 1, _, let v?):
        structure.charges = v
        chargeName = column.name
      case ("image", 3, .integers(let v), _), ("images", 3, .integers(let v), _):
        structure.images = (0..<(v.count / 3)).map {
          SIMD3(Int32(clamping: v[3 * $0]), Int32(clamping: v[3 * $0 + 1]), Int32(clamping: v[3 * $0 + 2]))
        }
      default: rest.append(column)
      }
    }
    for column in rest where column.name == "move_mask" {
      guard case .logicals(let mayMove) = column.values else { continue }
      var held = HeldAtoms()
      for i in 0..<structure.count { held.add(Array(mayMove[(i * column.width)..<((i + 1) * column.width)])) }
      held.mark(&structure)
    }
    let masses = rest.first { $0.name == "masses" && $0.width == 1 }?.reals
    if let masses { structure.masses = Self.common(masses, types, names.count) }
    if let momenta, structure.velocities == nil {
      let weights = names.map(Elements.mass)
      // ASE's unit of time is Å √(u/eV), so velocities in Å/ps are p/m over √(u·Å²/ps² in eV).
      let scale = 1 / Units.massVelocitySquaredToEnergy.squareRoot()
      var velocities = Self.vectors(momenta)
      for i in velocities.indices {
        guard let mass = masses?[i] ?? weights[Int(types[i])], mass > 0 else {
          throw FaultlineError(
            .input, "momenta are given, but \(names[Int(types[i])]) has no known mass",
            hint: "add a column masses:R:1 or give velocities", at: SourceLocation(file: reader.path, line: line))
        }
        velocities[i] *= scale / mass
      }
      structure.velocities = velocities
    }
    var frame = ExtXYZFrame(structure, info: header.information, columns: rest)
    frame.chargeName = chargeName
    frame.line = line
    return frame
  }

  /// The mass that all atoms of a species have; nil where they differ.
  private static func common(_ masses: [Double], _ types: [Int32], _ count: Int) -> [Double?] {
    var low = [Double](repeating: .infinity, count: count)
    var high = [Double](repeating: -.infinity, count: count)
    for (mass, type) in zip(masses, types) {
      low[Int(type)] = min(low[Int(type)], mass)
      high[Int(type)] = max(high[Int(type)], mass)
    }
    return (0..<count).map { low[$0] == high[$0] && low[$0] > 0 ? low[$0] : nil }
  }

  private static func vectors(_ v: [Double]) -> [Vector3] {
    (0..<(v.count / 3)).map { Vector3(v[3 * $0], v[3 * $0 + 1], v[3 * $0 + 2]) }
  }
}
