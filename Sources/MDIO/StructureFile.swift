import MDCore

/// Files of structures, whatever their format.
package enum StructureFile {
  package enum Format: String, CaseIterable, Sendable {
    case extxyz
    case lammpsData = "lammps-data"
    /// Frames of `dump custom`; read only (trajectories are written).
    case lammpsDump = "lammps-dump"
    case poscar
    /// Configurations of MLIP; read only.
    case mlipConfiguration = "mlip-cfg"
    /// Crystallographic information files; read only.
    case cif
  }

  /// Reads a structure. `format` nil takes it from the name and, where that says nothing, from the content.
  ///
  /// - Parameters:
  ///   - species: the species of the types 1, 2, … of a LAMMPS data file or dump (or of the groups of a POSCAR without
  ///     symbols, or of an extended XYZ whose species are type numbers). For files that name their species it fixes the
  ///     order; a species that is not in the list is an error.
  ///   - frame: which frame of a file of several, from 0; negative from the end. The last is the default.
  ///   - types: the species of types 0, 1, … of a `.cfg` file where `species` does not say.
  ///   - periodic: of LAMMPS data, which does not say; the other formats do.
  package static func read(
    _ path: String, format: Format? = nil, species: [String]? = nil, types: [String]? = nil, frame: Int = -1,
    periodic: Periodicity = .all
  ) throws -> Structure {
    switch try format ?? detect(path) {
    case .extxyz:
      let frame = try selected(frame, of: ExtXYZReader(path), path)
      var structure = try ordered(frame.structure, by: species, path)
      if !frame.hasLattice {
        structure.notes.append(
          "warning: \(path):\(frame.line + 1) gives no Lattice: open boundaries, the cell is the atoms' bounding box")
      }
      return structure
    case .lammpsData: return try LammpsDataReader.read(path, species: species, periodic: periodic)
    case .poscar: return try ordered(Poscar.read(path, species: species), by: species, path)
    case .cif: return try ordered(CrystallographicFile.read(path), by: species, path)
    case .lammpsDump:
      return try ordered(selected(frame, of: LammpsDumpReader(path, types: species), path).structure, by: species, path)
    case .mlipConfiguration:
      return try selected(frame, of: FrameFile.reader(path, types: species ?? types), path).structure
    }
  }

  /// Writes a structure; `format` nil takes it from the name. A name that ends in `.gz` gives a compressed file.
  package static func write(_ structure: Structure, to path: String, format: Format? = nil) throws {
    guard let format = format ?? formatByName(path) else {
      throw FaultlineError(
        .input, "the format of \(path) cannot be told from its name",
        hint: "use .xyz or .extxyz, .data or .lmp, .vasp or POSCAR, or name the format: \(names)")
    }
    switch format {
    case .extxyz:
      let writer = try ExtXYZWriter(path)
      try writer.write(frame(of: structure))
      try writer.finish()
    case .lammpsData: try LammpsDataWriter.write(structure, to: path)
    case .poscar: try Poscar.write(structure, to: path)
    case .mlipConfiguration:
      throw FaultlineError(.input, "\(path): structures are not written as .cfg", hint: "`evaluate --output` does")
    case .lammpsDump:
      throw FaultlineError(
        .input, "\(path): structures are not written as dumps", hint: "trajectories are; use .xyz, .data or .vasp")
    case .cif:
      throw FaultlineError(.input, "\(path): structures are not written as .cif", hint: "use .xyz, .data or .vasp")
    }
  }

  /// Masses have no place in extended XYZ but a column; it is there if the structure has masses of its own.
  private static func frame(of structure: Structure) -> ExtXYZFrame {
    var frame = ExtXYZFrame(structure)
    let masses = zip(structure.masses, structure.species).map { $0 ?? Elements.mass(of: $1) }
    if structure.masses.contains(where: { $0 != nil }), !masses.contains(nil) {
      frame.set(ExtXYZColumn("masses", .reals(structure.types.map { masses[Int($0)]! })))
    }
    if let held = structure.held { frame.set(ExtXYZColumn("move_mask", .logicals(held.map { !$0 }))) }
    return frame
  }

  private static var names: String { Format.allCases.map(\.rawValue).joined(separator: ", ") }

  /// The format by convention of names, nil where there is none.
  package static func formatByName(_ path: String) -> Format? {
    var name = String(path.split(separator: "/").last ?? "").lowercased()
    if name.hasSuffix(".gz") { name.removeLast(3) }
    switch name.split(separator: ".").last.map(String.init) {
    case "xyz", "extxyz": return .extxyz
    case "data", "lmp", "lammps": return .lammpsData
    case "dump", "lammpstrj": return .lammpsDump
    case "vasp", "poscar", "contcar": return .poscar
    case "cfg": return .mlipConfiguration
    case "cif": return .cif
    default: break
    }
    if name.hasPrefix("poscar") || name.hasPrefix("contcar") { return .poscar }
    if name.hasPrefix("data.") { return .lammpsData }
    return nil
  }

  private static func detect(_ path: String) throws -> Format {
    if let format = formatByName(path) { return format }
    let reader = try LineReader(path)
    defer { withExtendedLifetime(reader) {} }
    var lines: [[String]] = []
    while lines.count < 40, let line = try reader.next() { lines.append(FieldScanner.strings(line)) }
    if let first = lines.first, first.count == 1, Int(first[0]) != nil { return .extxyz }
    if lines.contains(where: { $0.first?.lowercased().hasPrefix("data_") ?? false }),
      lines.contains(where: { $0.first?.hasPrefix("_") ?? false })
    {
      return .cif
    }
    if lines.first?.first == "ITEM:" { return .lammpsDump }
    if lines.dropFirst().contains(where: { $0.count >= 2 && $0[1] == "atoms" && Int($0[0]) != nil }) {
      return .lammpsData
    }
    if lines.count > 6, lines[1].first.flatMap(Double.init) != nil,
      lines[2...4].allSatisfy({ $0.count >= 3 && $0.prefix(3).allSatisfy { Double($0) != nil } })
    {
      return .poscar
    }
    throw FaultlineError(.input, "the format of \(path) is not known", hint: "name it: \(names)")
  }

  private static func selected(_ frame: Int, of reader: any FrameReader, _ path: String) throws -> ExtXYZFrame {
    // From the end, only as many frames are kept as are asked for.
    var recent: [ExtXYZFrame] = []
    var count = 0
    while let next = try reader.next() {
      if count == frame { return next }
      count += 1
      guard frame < 0 else { continue }
      recent.append(next)
      if recent.count > -frame { recent.removeFirst() }
    }
    guard frame < 0, recent.count == -frame else {
      throw FaultlineError(
        .input, "\(path) has \(count) frame\(count == 1 ? "" : "s") and none numbered \(frame)",
        hint: "frames count from 0, or from the end with -1")
    }
    return recent[0]
  }

  private static func ordered(_ structure: Structure, by species: [String]?, _ path: String) throws -> Structure {
    guard let species else { return structure }
    var map: [Int32] = []
    for name in structure.species {
      if let k = species.firstIndex(of: name) {
        map.append(Int32(k))
      } else if let number = Int(name), species.indices.contains(number - 1) {
        map.append(Int32(number - 1))
      } else {
        throw FaultlineError(
          .input, "\(path) holds the species \(name)", hint: "the list has \(species.joined(separator: ", "))")
      }
    }
    var result = structure
    result.species = species
    result.types = structure.types.map { map[Int($0)] }
    result.masses = species.indices.map { k in
      map.firstIndex(of: Int32(k)).flatMap { structure.masses[$0] }
    }
    return result
  }
}
