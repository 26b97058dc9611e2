import Foundation
import MDCore
import MDNumerics
import MDPotentials
import MDTestSupport
import Testing

@Suite struct EAMTests {
  @Test(arguments: [["Cu"], ["Ni", "Al"], ["Fe", "Co", "Mo"]])
  func properties(species: [String]) throws {
    // Loose enough to keep densities below 1.15 ρ_e, where the published F has a jump in its second derivative.
    try checkPotential(structures: TestStructures.all(species, spacing: 2.85), continuity: .force) {
      [try EAMPotential.zhou2004(species: species)]
    }
  }

  /// A Finnis–Sinclair model with densities that depend on both species, written to a file and read again.
  @Test func finnisSinclair() throws {
    let text = Self.setfl(elements: ["A", "B"], finnisSinclair: true)
    try Self.withFile(text, name: "model.eam.fs") { path in
      try checkPotential(
        structures: TestStructures.all(["Fe", "Ni"], spacing: 2.5), continuity: .force
      ) { [try EAMPotential(file: path, elements: ["B", "A"], species: ["Fe", "Ni"])] }

      // The energy by the definition, summed over ordered pairs.
      let s = TestStructures.crystal(["B", "A"], spacing: 2.5, periodic: .none)
      let eam = try EAMPotential(file: path, species: ["B", "A"])
      let result = try BruteForceSystem(s, reach: 5).evaluate([eam])
      var energy = 0.0
      for i in 0..<s.count {
        var rho = 0.0
        for j in 0..<s.count where j != i {
          let r = (s.positions[i] - s.positions[j]).length
          guard r < Self.cutoff else { continue }
          // Species 0 is B here: the model's names are by letter.
          rho += Self.density(from: s.species[Int(s.types[j])], at: s.species[Int(s.types[i])], r)
          energy += 0.5 * Self.pair(s.species[Int(s.types[i])], s.species[Int(s.types[j])], r)
        }
        energy += Self.embedding(s.species[Int(s.types[i])], rho)
      }
      // The cubics' error at 2,000 knots.
      #expect(abs(result.energy - energy) <= 1e-8 * abs(energy))
    }
  }

  /// Beyond the last density F goes on as a straight line.
  @Test func extrapolatesTheEmbedding() throws {
    let species = ["Cu"]
    let crowded = TestStructures.crystal(species, spacing: 1.2)
    try checkPotential(structures: [crowded], continuity: .force) {
      [try EAMPotential.zhou2004(species: species)]
    }
  }

  @Test(arguments: [
    (0, "UNITS: real", "1: the tables are in real units"),
    (3, "2 A", "4: line 4 must give the number of elements"),
    (3, "3 A B C", "truncated"),
    (4, "500 0.02 2000 -0.002 4.0", "5: the spacing of distances (dr) is -0.002"),
    (4, "500 0.02 2000 0.002", "5: 5 numbers are needed here: Nrho"),
    (4, "500.5 0.02 2000 0.002 4.0", "5: the number of densities (Nrho) is 500.5"),
    (5, "13 oops 4.0 fcc", "6: the mass of A: “oops” is not a number"),
    (6, "nan", "7: the embedding energy of A, number 1 of 500: “nan” is not a finite number"),
    (600, "0.1 1e400", "is not a finite number"),
    (600, "0.12x", "is not a number"),
  ])
  func damagedFiles(line: Int, replacement: String, complaint: String) throws {
    var lines = Self.setfl(elements: ["A", "B"], finnisSinclair: false).split(
      separator: "\n", omittingEmptySubsequences: false)
    lines[line] = Substring(replacement)
    try Self.withFile(lines.joined(separator: "\n"), name: "damaged.eam.alloy") { path in
      let message = Self.message { try EAMPotential(file: path, species: ["A"]) }
      #expect(message.contains(complaint) && message.hasPrefix(path), "\(message)")
    }
  }

  @Test func truncatedAndOverlongFiles() throws {
    let text = Self.setfl(elements: ["A", "B"], finnisSinclair: false)
    try Self.withFile(String(text.dropLast(text.count / 3)), name: "short.eam.alloy") { path in
      #expect(Self.message { try EAMPotential(file: path, species: ["A"]) }.contains("the file ends in"))
    }
    try Self.withFile(Self.setfl(elements: ["A", "B"], finnisSinclair: true), name: "fs.eam.alloy") { path in
      // The tables of a Finnis–Sinclair file read as setfl come one block too early: the next header is no integer.
      #expect(Self.message { try EAMPotential(file: path, species: ["A"]) }.hasPrefix(path))
    }
    try Self.withFile(text + "\n1.0\n", name: "long.eam.alloy") { path in
      #expect(Self.message { try EAMPotential(file: path, species: ["A"]) }.contains("more in the file"))
    }
    #expect(Self.message { try EAMPotential(file: "/nowhere/x.eam", species: ["A"]) }.contains("cannot read"))
  }

  @Test func unknownSpecies() throws {
    #expect(
      Self.message { try EAMPotential.zhou2004(species: ["Cu", "Xe"]) }.contains("no parameters for Xe"))
    try Self.withFile(Self.setfl(elements: ["A", "B"], finnisSinclair: false), name: "m.eam.alloy") { path in
      let message = Self.message { try EAMPotential(file: path, species: ["C"]) }
      #expect(message.contains("nothing for species C") && message.contains("A, B"))
    }
  }

  // MARK: An analytic model

  static let cutoff = 4.0

  static func fade(_ r: Double) -> Double {
    let u = max(0, 1 - r / cutoff)
    return u * u * u
  }
  static func density(from a: String, at b: String, _ r: Double) -> Double {
    (a == "A" ? 3.0 : 2.0) * (b == "A" ? 1.0 : 1.3) * fade(r)
  }
  static func pair(_ a: String, _ b: String, _ r: Double) -> Double { (a == b ? 2.0 : 1.5) * fade(r) / r }
  static func embedding(_ a: String, _ rho: Double) -> Double { (a == "A" ? -0.8 : -0.6) * rho + 0.02 * rho * rho }

  static func setfl(elements: [String], finnisSinclair: Bool) -> String {
    let densities = 500
    let distances = 2001
    let step = cutoff / Double(distances - 1)
    var text = "UNITS: metal\nan analytic model\n\n\(elements.count) \(elements.joined(separator: " "))\n"
    text += "\(densities) 0.02 \(distances) \(step) \(cutoff)\n"
    func add(_ values: [Double]) { for v in values { text += "\(v)\n" } }
    let r = (0..<distances).map { Double($0) * step }
    for a in elements {
      text += "13 27.0 4.0 fcc\n"
      add((0..<densities).map { embedding(a, Double($0) * 0.02) })
      for b in finnisSinclair ? elements : [a] { add(r.map { density(from: a, at: b, $0) }) }
    }
    for (k, a) in elements.enumerated() {
      for b in elements[...k] { add(r.map { (a == b ? 2.0 : 1.5) * fade($0) }) }
    }
    return text
  }

  static func withFile(_ text: String, name: String, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent(name)
    try text.write(to: file, atomically: false, encoding: .utf8)
    try body(file.path)
  }

  static func message(_ make: () throws -> EAMPotential) -> String {
    do {
      _ = try make()
      return "no error"
    } catch { return "\(error)" }
  }
}
