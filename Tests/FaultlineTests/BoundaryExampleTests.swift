import Foundation
import MDTestSupport
import Testing

/// The decks that the front page shows: that of the picture, and the first one.
extension CommandLineTests {
  @Suite("Example of a grain boundary")
  struct BoundaryExampleTests {
    /// 1.6612 J/m² is what LAMMPS (22 July 2025) finds for the structure that `build` writes, with `min_modify norm inf`
    /// to 1e-4 eV/Å, in the fixed cell as well as with `fix box/relax z 0`: its reference energy −10.8508857 eV.
    @Test("the boundary relaxes to the energy that the pages say, without stress along its normal", arguments: [
      "inputs/mo-grain-boundary.yaml", "README.md",
    ])
    func energy(_ source: String) throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      var deck = try Pages.text(source)
      if source == "README.md" {
        let block = try #require(deck.components(separatedBy: "```yaml\n").dropFirst().first)
        deck = block.components(separatedBy: "```")[0]
      }
      try FileManager.default.createSymbolicLink(
        atPath: launcher.path("potentials"), withDestinationPath: Pages.repository.appendingPathComponent("potentials").path)
      try FileManager.default.createDirectory(atPath: launcher.path("inputs"), withIntermediateDirectories: true)
      try launcher.write("inputs/deck.yaml", deck)
      let result = try launcher.run(ranks: 2, "run", "inputs/deck.yaml", "--output", "run", "--max-steps", "150")
      #expect(result.code == 75, "\(result.errors)")
      let energies = try #require(try launcher.json("run/run.json")["boundary_energy"] as? [[String: Any]])
      let energy = try #require(energies.first?["energy_J_per_m2"] as? Double)
      #expect(abs(energy - 1.6612) < 5e-4, "\(energy)")
      #expect(energies.first?["converged"] as? Bool == true)
      let relaxed = try #require(try launcher.thermo("run/thermo.csv").last { $0["stage"] == 1 })
      #expect(abs(try #require(relaxed["pzz"])) < 100, "\(relaxed)")
      for page in [source, "README.md", "docs/grain-boundaries.md"] {
        #expect(try Pages.text(page).contains(String(format: "%.3f", energy)), "\(page) says another energy")
      }
    }
  }
}
