import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

@Suite struct SNAPFileTests {
  static let coefficients =
    "# DATE: 2020-01-31 UNITS: metal\n\n1 3\nCu 0.5 1 # radius, weight\n-1.5\n0.25\n  -0.125 # B1\n"
  static let parameters = "rcutfac 4.1\ntwojmax 1\n\nrfac0 0.99363\nrmin0 0\ndiagonalstyle 3\nbzeroflag 0\n"

  static func read(_ coefficients: String, _ parameters: String) throws -> SNAPModel {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["m.snapcoeff", "m.snapparam"].map { folder.appendingPathComponent($0).path }
    try Data(coefficients.utf8).write(to: URL(fileURLWithPath: files[0]))
    try Data(parameters.utf8).write(to: URL(fileURLWithPath: files[1]))
    return try SNAPModel(coefficientsFile: files[0], parametersFile: files[1])
  }

  @Test func readsWhatIsThere() throws {
    let model = try Self.read(Self.coefficients, Self.parameters)
    #expect(model.elements[0].coefficients == [-1.5, 0.25, -0.125])
    #expect(model.cutoff(0, 0) == 4.1 && !model.subtractsIsolated && model.switches)
  }

  /// Keywords that are left out have the values that LAMMPS documents for them.
  @Test func defaults() throws {
    let model = try Self.read(Self.coefficients, "rcutfac 4.1\ntwojmax 1\n")
    #expect(model.rfac0 == 0.99363 && model.rmin0 == 0 && model.switches && model.subtractsIsolated)
    #expect(!model.isQuadratic && !model.separatesElements && !model.normalises && !model.selfInAll)
    #expect(model.elements[0].innerSwitch == nil)
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var name: String
    var coefficients = SNAPFileTests.coefficients
    var parameters = SNAPFileTests.parameters
    /// What the message must have.
    var says: [String]
    var testDescription: String { name }
  }

  static let faults = [
    Fault(
      name: "a coefficient too few", coefficients: "1 3\nCu 0.5 1\n1\n2\n",
      says: ["m.snapcoeff:5", "coefficient 3 of 3"]),
    Fault(name: "another count", coefficients: "1 2\nCu 0.5 1\n1\n2\n", says: ["2 coefficients", "need 3"]),
    Fault(name: "not a number", coefficients: "1 3\nCu 0.5 1\n1\nnan\n2\n", says: ["m.snapcoeff:4", "finite"]),
    Fault(name: "too much", coefficients: "1 3\nCu 0.5 1\n1\n2\n3\n4\n", says: ["m.snapcoeff:6", "unexpected"]),
    Fault(name: "no header", coefficients: "Cu 0.5 1\n", says: ["m.snapcoeff:1", "two positive integers"]),
    Fault(name: "empty", coefficients: "", says: ["m.snapcoeff", "ends before"]),
    Fault(
      name: "an element twice", coefficients: "2 3\nCu 0.5 1\n1\n2\n3\nCu 0.5 1\n1\n2\n3\n",
      says: ["m.snapcoeff:6", "twice"]),
    Fault(
      name: "other units", coefficients: "# DATE: 2020-01-31 UNITS: real\n1 3\n",
      says: ["m.snapcoeff:1", "real", "metal"]),
    Fault(
      name: "unknown keyword", parameters: "rcutfac 4\ntwojmax 1\nrcut 3\n",
      says: ["m.snapparam:3", "rcut", "rcutfac, twojmax"]),
    Fault(name: "no cutoff", parameters: "twojmax 1\n", says: ["m.snapparam", "rcutfac", "missing"]),
    Fault(
      name: "old diagonal style", parameters: "rcutfac 4\ntwojmax 1\ndiagonalstyle 2\n",
      says: ["m.snapparam:3", "allowed: 3"]),
    Fault(name: "a flag of two", parameters: "rcutfac 4\ntwojmax 1\nchemflag 2\n", says: ["m.snapparam:3", "0 or 1"]),
    Fault(
      name: "a cutoff beyond reason", parameters: "rcutfac 400\ntwojmax 1\n",
      says: ["m.snapparam", "rcutfac 400.0", "radius of Cu", "at most 100.0 Å"]),
    Fault(name: "half an order", parameters: "rcutfac 4\ntwojmax 1.5\n", says: ["m.snapparam:2", "integer"]),
    Fault(name: "no value", parameters: "rcutfac\ntwojmax 1\n", says: ["m.snapparam:1", "one value"]),
    Fault(name: "rmin0 beyond the cutoff", parameters: "rcutfac 4\ntwojmax 1\nrmin0 5\n", says: ["rmin0 5", "Cu–Cu"]),
    Fault(
      name: "inner switch without its lengths", parameters: "rcutfac 4\ntwojmax 1\nswitchinnerflag 1\n",
      says: ["m.snapparam:3", "sinner"]),
    Fault(
      name: "lengths for another number of elements",
      parameters: "rcutfac 4\ntwojmax 1\nswitchinnerflag 1\nsinner 1 2\ndinner 1 2\n",
      says: ["m.snapparam:4", "needs 1"]),
  ]

  @Test(arguments: faults) func saysWhatIsWrong(_ fault: Fault) {
    let error = #expect(throws: FaultlineError.self) { try Self.read(fault.coefficients, fault.parameters) }
    for part in fault.says {
      #expect(error?.description.contains(part) == true, "“\(error?.description ?? "")” should say “\(part)”")
    }
  }

  @Test func namesElementsThatAreMissing() throws {
    let model = try Self.read(Self.coefficients, Self.parameters)
    let unknown = #expect(throws: FaultlineError.self) {
      try SNAPPotential(model: model, elements: ["Ni"], species: ["nickel"])
    }
    #expect(unknown?.description.contains("Ni for species nickel; allowed: Cu") == true)
    let absent = #expect(throws: FaultlineError.self) {
      try SNAPPotential(model: model, elements: ["Cu", nil], species: ["Cu", "H"])
    }
    #expect(absent?.description.contains("species H has no SNAP element") == true)
  }

  /// The files in `potentials/snap` are whole: the crystal at the lattice constant of density functional theory (PBE,
  /// Å), to which they were fitted, is lower in energy than 6 % to either side (the lithium potential's own is 2 %
  /// larger).
  @Test(arguments: [
    ("Cu", 3.62, "fcc"), ("Ni", 3.52, "fcc"), ("Li", 3.43, "bcc"), ("Mo", 3.17, "bcc"), ("Si", 5.47, "diamond"),
    ("Ge", 5.76, "diamond"),
  ]) func shippedPotentials(_ element: String, _ a: Double, _ lattice: String) throws {
    let root = Pages.repository
    let path = root.appendingPathComponent("potentials/snap/\(element)_Zuo_JPCA2020").path
    let potential = try SNAPPotential(
      coefficientsFile: path + ".snapcoeff", parametersFile: path + ".snapparam", elements: [element],
      species: [element])
    let fcc = [Vector3.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)]
    let basis = lattice == "bcc" ? [.zero, Vector3(repeating: 0.5)]
      : lattice == "fcc" ? fcc : fcc + fcc.map { $0 + Vector3(repeating: 0.25) }
    let energies = try [0.94, 1, 1.06].map { scale -> Double in
      let structure = Structure(
        box: Box(lengths: Vector3(repeating: scale * a)), species: [element],
        types: Array(repeating: 0, count: basis.count), positions: basis.map { $0 * (scale * a) })
      return try BruteForceSystem(structure, reach: potential.requirements.cutoff).evaluate([potential]).energy
    }
    #expect(energies[1] < energies[0] && energies[1] < energies[2], "\(element): \(energies)")
  }
}
