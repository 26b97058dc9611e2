import MDCore
import MDNumerics
import MDTestSupport

/// Structures of a few atoms that have no symmetry to hide behind.
enum Sample {
  /// Turns about a general axis.
  static let rotation: Matrix3 = {
    let (c, s) = (0.8, 0.6)
    let about = Matrix3(Vector3(c, s, 0), Vector3(-s, c, 0), Vector3(0, 0, 1))
    let tip = Matrix3(Vector3(1, 0, 0), Vector3(0, 12.0 / 13, 5.0 / 13), Vector3(0, -5.0 / 13, 12.0 / 13))
    return about * tip
  }()

  /// A disordered, sheared and turned crystal with velocities of `speed` Å/ps at most and no momentum.
  static func crystal(
    _ species: [String], spacing: Double, cells: SIMD3<Int> = [1, 1, 2], periodic: Periodicity = .all,
    speed: Double = 4, masses: [Double]? = nil, vacuum: Double = 1, seed: UInt64 = 1
  ) -> Structure {
    var s = TestStructures.crystal(species, spacing: spacing, cells: cells, periodic: periodic, seed: seed)
    // Species in turn: as many of each.
    s.types = s.types.indices.map { Int32($0 % species.count) }
    var cell = s.box.cell * rotation
    s.positions = s.positions.map { $0 * rotation }
    if !periodic.isFull {
      // Away from the faces of a larger cell.
      let middle = 0.5 * (vacuum - 1) * cell.z
      cell.z = vacuum * cell.z
      s.positions = s.positions.map { $0 + middle }
    }
    s.box = Box(cell: cell, periodic: periodic)
    var random = SplitMix64(seed: seed &+ 100)
    let m = s.types.map { (masses ?? species.map { Elements.standardMass($0) })[Int($0)] }
    var v = s.positions.map { _ in speed * random.vector() }
    let momentum = zip(m, v).reduce(Vector3.zero) { $0 + $1.0 * $1.1 }
    v = v.map { $0 - (1 / m.reduce(0, +)) * momentum }
    s.velocities = v
    return s
  }

  /// The structure as extended XYZ; numbers are written so that reading gives the same bits.
  static func text(_ s: Structure) -> String {
    func row(_ v: Vector3) -> String { "\(v.x) \(v.y) \(v.z)" }
    let flags = (0..<3).map { s.box.periodic[$0] ? "T" : "F" }.joined(separator: " ")
    var columns = "species:S:1:pos:R:3"
    if s.velocities != nil { columns += ":velo:R:3" }
    if s.charges != nil { columns += ":charges:R:1" }
    var lines = [
      "\(s.count)",
      "Lattice=\"\(row(s.box.cell.x)) \(row(s.box.cell.y)) \(row(s.box.cell.z))\" Origin=\"\(row(s.box.origin))\" "
        + "pbc=\"\(flags)\" Properties=\(columns)",
    ]
    for i in 0..<s.count {
      var line = "\(s.species[Int(s.types[i])]) \(row(s.positions[i]))"
      if let v = s.velocities { line += " " + row(v[i]) }
      if let q = s.charges { line += " \(q[i])" }
      lines.append(line)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static func masses(_ s: Structure, _ given: [String: Double] = [:]) -> [Double] {
    s.types.map { given[s.species[Int($0)]] ?? Elements.standardMass(s.species[Int($0)]) }
  }
}

extension Elements {
  /// Standard weights of the elements that the tests use, g/mol (IUPAC 2021, abridged).
  static func standardMass(_ symbol: String) -> Double {
    let table = [
      "H": 1.008, "C": 12.011, "O": 15.999, "Na": 22.990, "Mg": 24.305, "Cl": 35.45, "Ar": 39.95, "Ni": 58.693,
      "Cu": 63.546, "Kr": 83.798, "Mo": 95.95, "Al": 26.982, "Si": 28.085, "Ca": 40.078, "F": 18.998,
    ]
    return table[symbol] ?? .nan
  }
}
