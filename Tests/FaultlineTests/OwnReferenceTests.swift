import Foundation
import MDIO
import Testing

/// Every family against another program, on one and two ranks, with the data of Tests/Reference, which
/// `scripts/make-reference-frames` has made: what a clone without the published potentials is checked with.
extension CommandLineTests {
  @Suite("Reference data of the repository")
  struct OwnReferenceTests {
    static let root = Launcher.repository.appendingPathComponent("Tests/Reference")
    static let cases = (try? FileManager.default.contentsOfDirectory(atPath: root.path))?.sorted() ?? []

    /// Families without an entry in Tests/Reference would not be missed otherwise.
    @Test("every family is there")
    func families() throws {
      let decks = try Self.cases.map { name in
        try String(contentsOf: Self.root.appendingPathComponent("\(name)/deck.yaml"), encoding: .utf8)
      }
      let families = [
        "lennard_jones", "morse", "buckingham", "born_mayer_huggins", "zbl", "eam", "snap", "coulomb", "qeq", "hdnnp",
        "hdnnp: {committee", "mtp: {file", "mtp: {committee", "nep: {file", "nep: {committee", "table",
        "ace: {file", "ace: {committee",
      ]
      for family in families { #expect(decks.contains { $0.contains("- \(family)") }, "\(family)") }
      #expect(Self.cases.count == 36)
    }

    @Test("energies, forces, virials, charges, grades", arguments: cases, [1, 2])
    func reference(_ name: String, ranks: Int) throws {
      let folder = Self.root.appendingPathComponent(name).path
      let launcher = try Launcher("own-\(name)-\(ranks)")
      defer { launcher.cleanUp() }
      let result = try launcher.run(
        ranks: ranks == 1 ? nil : ranks, "evaluate", "\(folder)/deck.yaml", "--frames", "\(folder)/reference.extxyz",
        "--output", "out.extxyz")
      #expect(result.code == 0, "\(result.errors)")
      let expected = try ExtXYZReader.frames(of: "\(folder)/reference.extxyz")
      let found = try ExtXYZReader.frames(of: launcher.path("out.extxyz"))
      #expect(found.count == expected.count && expected.count >= 2)
      for (a, b) in zip(expected, found) { try ReferenceTests.compare(a, b, Self.tolerances(name)) }
    }

    /// Found 1e-13 relative, 5e-11 eV/Å and 4e-10 of the virial where LAMMPS computed forces. Differences of fourth
    /// order are good to 2e-8 eV/Å (third generation: 40 eV/Å) and 2e-8 of the virial; Ewald sums are asked for 1e-10.
    /// LAMMPS interpolates a table's forces on their own.
    private static func tolerances(_ name: String) -> ReferenceTests.Case {
      let isExact = !["coulomb", "qeq", "hdnnp", "eam-zhou", "mtp", "nep", "ace", "table"].contains { name.hasPrefix($0) }
      return ReferenceTests.Case(
        folder: name, potential: "", energy: isExact ? 1e-12 : 1e-9, force: isExact ? 1e-9 : 1e-7,
        virial: isExact ? 1e-8 : name == "table" ? 1e-6 : 1e-7, charge: 1e-8)
    }
  }
}
