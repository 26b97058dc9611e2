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

  /// A table of Morse's potential as LAMMPS writes it, with another section before it.
  private static func text(_ header: String, _ distances: [Double]) -> String {
    var rows = "# made for a test\n\nOTHER\nN 2\n\n1 1.0 5.0 1.0\n2 2.0 4.0 1.0 # the last\n\nMORSE\nN \(distances.count)\(header)\n\n"
    for (k, r) in distances.enumerated() {
      let (e, f) = morse(r)
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
  static let squared = (0..<400).map { (1.44 + Double($0) / 399 * (5.19 * 5.19 - 1.44)).squareRoot() }
  static let free = (0..<400).map { 1.2 + 3.99 * pow(Double($0) / 399, 1.3) }
  static let kinds = [
    ("in r", " R 1.2 5.19", even), ("in r²", " RSQ 1.2 5.19", squared), ("as it comes", "", free),
    ("with slopes at the ends", " FPRIME 100.0 0.0 EQ 2.6", free),
  ]

  @Test("points are met, and between them the error is that of a cubic", arguments: kinds)
  func dimers(_ kind: (String, String, [Double])) throws {
    let table = try TabulatedPair(Self.read(Self.text(kind.1, kind.2)), cutoff: nil)
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
    // Below the table a straight line, beyond it nothing.
    let (start, slope) = try (dimer(1.2), dimer(1.0).1)
    #expect(abs(try dimer(1.0).0 - (start.0 + 0.2 * (kind.0 == "in r²" ? (1.44 - 1.0) / 0.2 * start.1 / 2.4 : start.1))) < 1e-6)
    #expect(slope > 0)
    #expect(try dimer(5.3).0 == 0)
  }

  @Test("forces, virials, invariances", arguments: kinds.dropLast())
  func properties(_ kind: (String, String, [Double])) throws {
    let table = try TabulatedPair(Self.read(Self.text(kind.1, kind.2)), cutoff: 4.4)
    try checkPotential(
      structures: TestStructures.all(["A", "B"], spacing: 2.5), continuity: .energy,
      tolerance: PotentialTolerance(derivative: 1e-7, step: 2e-5)
    ) {
      [
        try PairPotential(
          tables: [SpeciesPair("A", "A"): table, SpeciesPair("A", "B"): table], truncation: .shifted, species: ["A", "B"])
      ]
    }
  }

  @Test("mistakes are named with their line", arguments: [
    ("N 400 R 1.2 5.19", "N 400 R 5 1", ":12", "low < high"), ("N 400 R 1.2 5.19", "N 400 BITMAP 4", ":12", "BITMAP"),
    ("N 400 R 1.2 5.19", "N 4e2", ":12", "N number"), ("N 400 R 1.2 5.19", "M 400", ":12", "N number"),
    ("N 400 R 1.2 5.19", "N 401 R 1.2 5.19", ":", "row 401 of 401"), ("N 400 R 1.2 5.19", "N 400 Q", ":12", "unknown word Q"),
    ("\n2 1.21", "\n2 1.21 nan", ":15", "row 2 of 400"), ("MORSE", "MOARSE", ":", "no section MORSE"),
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
