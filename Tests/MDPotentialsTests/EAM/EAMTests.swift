import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
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

  /// Pairs stand in the file as 1–1, 2–1, 2–2, 3–1 … Without densities a dimer has the energy of its own.
  @Test func orderOfPairs() throws {
    let names = ["A", "B", "C"]
    let step = Self.cutoff / 200
    func lines(_ values: [Double]) -> String { values.map { "\($0)\n" }.joined() }
    var text = "1\n2\n3\n3 A B C\n5 0.02 201 \(step) \(Self.cutoff)\n"
    for _ in names { text += "13 27.0 4.0 fcc\n" + lines([Double](repeating: 0, count: 5 + 201)) }
    let pairs = names.indices.flatMap { a in (0...a).map { (a, $0) } }
    for k in pairs.indices { text += lines((0..<201).map { Double(k + 1) * Self.fade(Double($0) * step) }) }
    try Self.withFile(text, name: "pairs.eam.alloy") { path in
      let eam = try EAMPotential(file: path, species: names)
      for (k, (a, b)) in pairs.enumerated() {
        let dimer = Structure(
          box: Box(lengths: Vector3(repeating: 20), periodic: .none), species: names, types: [Int32(a), Int32(b)],
          positions: [Vector3(5, 5, 5), Vector3(5, 6.7, 5)])
        let energy = try BruteForceSystem(dimer, reach: Self.cutoff).evaluate([eam]).energy
        #expect(abs(energy / (Double(k + 1) * Self.fade(1.7) / 1.7) - 1) < 1e-4, "\(names[a])–\(names[b]): \(energy)")
      }
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
    (0, "UNITS: real", "1:1: the tables are in real units"),
    (3, "2 A", "4:1: 1 names for 2 elements"),
    (3, "two A B", "4:1: the number of elements is “two”"),
    (3, "3 A B C", "truncated"),
    (4, "500 0.02 2000 -0.002 4.0", "5:15: the spacing of distances (dr) is -0.002"),
    (4, "500 0.02 2000 0.002 rc", "5:21: the cutoff: “rc” is not a number"),
    (4, "500 0.02 2000 0.002 400", "5:21: the cutoff is 400 Å; at most 100.0 Å"),
    (4, "500.5 0.02 2000 0.002 4.0", "5:1: the number of densities (Nrho) is “500.5”"),
    (4, "10000001 0.02 2000 0.002 4.0", "a whole number from 5 to 10000000 is needed"),
    (5, "13 oops 4.0 fcc", "6:4: the mass of A: “oops” is not a number"),
    (5, "13 0 4.0 fcc", "6:4: the mass of A is 0; it must be positive"),
    (6, "nan", "7:1: the embedding energy of A, number 1 of 500: “nan” is not a finite number"),
    (600, "0.1 1e400", "601:5: the electron density of A, number 96 of 2001: “1e400” is not a finite number"),
    (600, "  0.12x", "601:3: the electron density of A, number 95 of 2001: “0.12x” is not a number"),
    (600, "0x10", "601:1: the electron density of A, number 95 of 2001: “0x10” is not a number"),
    (600, "C comment", "601:1: the electron density of A, number 95 of 2001: “C” is not a number"),
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

  /// What LAMMPS passes over when it reads these files is passed over here, too: the tables are the same.
  @Test(arguments: EAMFormat.allCases) func commentsAndSurplus(_ format: EAMFormat) throws {
    let isSinclair = format == .finnisSinclair
    let text = Self.setfl(elements: ["A", "B"], finnisSinclair: isSinclair)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    func tables(_ change: (inout [String]) -> Void) throws -> EAMTables {
      var changed = lines
      change(&changed)
      var found: EAMTables?
      try Self.withFile(changed.joined(separator: "\n"), name: "m.eam") { path in
        found = try EAMTables(file: path, format: format)
      }
      return found!
    }
    let whole = try tables { _ in }
    let last = lines.lastIndex { !$0.isEmpty }!
    let changes: [(String, (inout [String]) -> Void)] = [
      ("names", { $0[3] += "   # A-B 3 4" }), ("header", { $0[4] += " # Nrho drho Nr dr rc" }),
      ("words after the header", { $0[4] += " and more" }),
      ("header in two lines", { $0[4].replace(" 0.02 ", with: "\n0.02 # drho\n") }),
      ("element line", { $0[5] = "13 27.0" }), ("words after the mass", { $0[5] = "13 27.0 a b c d" }),
      ("blank and comment lines", { $0[5] = "\n# A\n \t\n" + $0[5] + "#\n\n#F" }),
      ("in a table", { $0[300] += "# here" }),
      ("line ends", { $0 = $0.map { $0 + "\r" } }), ("surplus", { $0[last] += " 0.0 1.0" }),
      ("surplus words", { $0[505] += " oops" }), ("last line", { $0[last] += "\n# end of table\n\n" }),
      ("no line end", { $0 = Array($0[...last]) }),
    ]
    for (name, change) in changes {
      let read = try tables(change)
      #expect(read.pair == whole.pair && read.elements.map(\.density) == whole.elements.map(\.density), "\(name)")
      #expect(read.elements.map(\.embedding) == whole.elements.map(\.embedding), "\(name)")
      #expect(read.elements.map(\.name) == ["A", "B"] && read.elements.map(\.mass) == [27, 27], "\(name)")
      #expect(read.distanceStep == whole.distanceStep && read.densityStep == 0.02 && read.cutoff == 4, "\(name)")
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
    try Self.withFile(text + "\n# end\n 1.0 2.0\n", name: "long.eam.alloy") { path in
      let message = Self.message { try EAMPotential(file: path, species: ["A"]) }
      let last = text.split(separator: "\n", omittingEmptySubsequences: false).count
      #expect(message.contains(":\(last + 2):2: there is more in the file"), "\(message)")
      #expect(message.contains("“1.0”"), "\(message)")
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
