import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// Pair tables: the file, the points, what lies between them, and the properties of every potential.
@Suite struct TableTests {
  private static func morse(_ r: Double) -> (Double, Double) {
    let e = exp(-1.4 * (r - 2.6))
    return (0.4 * e * (e - 2), 0.8 * 1.4 * e * (e - 1))
  }

  /// The same, multiplied by (1 − (r/4.4)²)³.
  private static func fading(_ r: Double) -> (Double, Double) {
    let (e, f) = morse(r)
    let x = max(0, 1 - r * r / (4.4 * 4.4))
    return (e * x * x * x, f * x * x * x + e * 3 * x * x * 2 * r / (4.4 * 4.4))
  }

  /// A table of Morse's potential as LAMMPS writes it, with another section before it.
  private static func text(
    _ header: String, _ distances: [Double], _ law: (Double) -> (Double, Double) = morse
  ) -> String {
    var rows = "# made for a test\n\nOTHER\nN 2\n\n1 1.0 5.0 1.0\n2 2.0 4.0 1.0 # the last\n\n"
    rows += "MORSE\nN \(distances.count)\(header)\n\n"
    for (k, r) in distances.enumerated() {
      let (e, f) = law(r)
      rows += "\(k + 1) \(r) \(e) \(f)\n"
    }
    return rows
  }

  private static func read(_ text: String, _ keyword: String = "MORSE") throws -> TableFile {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".table")
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try TableFile.read(file.path, keyword: keyword)
  }

  static let even = (0..<400).map { 1.2 + 0.01 * Double($0) }
  // Even in r² the rows are far apart at short distances.
  static let squared = (0..<1600).map { (row: Int) -> Double in
    let share = Double(row) / 1599
    return (1.44 + share * (5.19 * 5.19 - 1.44)).squareRoot()
  }
  static let free = (0..<400).map { 1.2 + 3.99 * pow(Double($0) / 399, 1.3) }
  struct Kind: Sendable, CustomTestStringConvertible {
    var name: String
    var header: String
    var distances: [Double]
    var testDescription: String { name }
  }
  static let kinds = [
    Kind(name: "in r", header: " R 1.2 5.19", distances: even),
    Kind(name: "in r²", header: " RSQ 1.2 5.19", distances: squared),
    Kind(name: "as it comes", header: "", distances: free),
    Kind(name: "with slopes at the ends", header: " FPRIME 100.0 0.0 EQ 2.6", distances: free),
  ]

  @Test("points are met, and between them the error is that of a cubic", arguments: kinds)
  func dimers(_ kind: Kind) throws {
    let table = try TabulatedPair(Self.read(Self.text(kind.header, kind.distances)), cutoff: nil)
    let potential = try PairPotential(tables: [SpeciesPair("A", "A"): table], species: ["A"])
    func dimer(_ r: Double) throws -> (Double, Double) {
      let structure = Structure(
        box: Box(cell: Matrix3(diagonal: Vector3(20, 20, 20)), periodic: .none), species: ["A"], types: [0, 0],
        positions: [Vector3(1, 1, 1), Vector3(1, 1, 1 + r)])
      let result = try BruteForceSystem(structure, reach: 6).evaluate([potential])
      return (result.energy, result.forces[1].z)
    }
    for r in [1.7, 2.2, 2.6, 2.603, 3.777, 4.5, 5.1] {
      let (e, f) = Self.morse(r)
      let (energy, force) = try dimer(r)
      #expect(abs(energy - e) < 1e-8, "\(r)")
      #expect(abs(force - f) < 1e-5, "\(r)")
    }
    // Below the table a straight line in its variable, beyond it nothing.
    let (start, below) = try (dimer(1.2), dimer(1.0))
    let isSquared = kind.name == "in r²"
    #expect(abs(below.0 - (start.0 + (isSquared ? (1.44 - 1) / 2.4 : 0.2) * start.1)) < 1e-6)
    #expect(abs(below.1 - (isSquared ? 1 / 1.2 : 1) * start.1) < 1e-6)
    #expect(try dimer(5.3).0 == 0)
  }

  @Test("forces, virials, invariances", arguments: kinds.dropLast())
  func properties(_ kind: Kind) throws {
    let table = try TabulatedPair(Self.read(Self.text(kind.header, kind.distances, Self.fading)), cutoff: 4.4)
    // Curvatures jump at the rows.
    try checkPotential(
      structures: TestStructures.all(["A", "B"], spacing: 2.5), continuity: .force,
      tolerance: PotentialTolerance(derivative: 1e-7, step: 2e-5)
    ) {
      let pairs = [SpeciesPair("A", "A"): table, SpeciesPair("A", "B"): table]
      return [try PairPotential(tables: pairs, species: ["A", "B"])]
    }
  }

  @Test("distances are those of the header, where it has them")
  func headers() throws {
    func distances(_ header: String) throws -> [Double] {
      let rows = "1 1.0 3 1\n2 1.503 2 1\n3 2.0 1 1\n"
      return try Self.read("A\nN 3\(header)\n\n\(rows)", "A").distances
    }
    #expect(try distances("") == [1, 1.503, 2])
    #expect(try distances(" R 1 2") == [1, 1.5, 2])
    #expect(try distances(" FPRIME 1 1 RSQ 1 2") == [1, 2.5.squareRoot(), 2])
  }

  @Test("structures that have none of the pairs have no energy; a table may end by a shift")
  func ends() throws {
    let table = try TabulatedPair(Self.read(Self.text(" R 1.2 5.19", Self.even)), cutoff: 4)
    func energy(_ species: [String], _ truncation: PairTruncation) throws -> Double {
      let structure = Structure(
        box: Box(cell: Matrix3(diagonal: Vector3(20, 20, 20)), periodic: .none), species: species, types: [0, 0],
        positions: [Vector3(1, 1, 1), Vector3(1, 1, 4)])
      let potential = try PairPotential(
        tables: [SpeciesPair("A", "A"): table], truncation: truncation, species: species)
      #expect(potential.requirements.cutoff == 4)
      return try BruteForceSystem(structure, reach: 6).evaluate([potential]).energy
    }
    #expect(try energy(["B"], .cut) == 0)
    #expect(abs(try energy(["A"], .cut) - Self.morse(3).0) < 1e-8)
    #expect(abs(try energy(["A"], .shifted) - Self.morse(3).0 + Self.morse(4).0) < 1e-8)
  }

  @Test("mistakes are named with their line", arguments: [
    ("N 400 R 1.2 5.19", "N 400 R 5 1", ":10", "low < high"),
    ("N 400 R 1.2 5.19", "N 400 BITMAP 4", ":10", "BITMAP"),
    ("N 400 R 1.2 5.19", "N 4e2", ":10", "N number"), ("N 400 R 1.2 5.19", "M 400", ":10", "N number"),
    ("N 400 R 1.2 5.19", "N 401 R 1.2 5.19", ":412", "row 401 of 401"),
    ("N 400 R 1.2 5.19", "N 400 Q", ":10", "unknown word Q"),
    ("\n2 1.21", "\n2 1.21 nan", ":13", "row 2 of 400"), ("\n2 1.21 ", "\n2 1.21 nan #", ":13", "row 2 of 400"),
    ("# made", "# UNITS: real", ":1", "units real"), ("MORSE", "MOARSE", ":", "no section MORSE"),
  ])
  func mistakes(_ fault: (String, String, String, String)) throws {
    let text = Self.text(" R 1.2 5.19", Self.even)
    #expect(text.contains(fault.0))
    #expect {
      _ = try Self.read(text.replacingOccurrences(of: fault.0, with: fault.1))
    } throws: { "\($0)".contains(fault.2) && "\($0)".contains(fault.3) }
    #expect(throws: FaultlineError.self) { try Self.read(Self.text("", Self.even.reversed())) }
    #expect(throws: FaultlineError.self) { try TabulatedPair(Self.read(text), cutoff: 6) }
  }
}
