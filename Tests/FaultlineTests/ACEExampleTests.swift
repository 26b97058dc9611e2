import Foundation
import Testing

/// The example cluster expansion, which a clone without reference data has too.
extension CommandLineTests {
  @Suite("Example of an atomic cluster expansion")
  struct ACEExampleTests {
    @Test("the shipped deck runs, near to what the potential was trained on; energy is kept")
    func shipped() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let deck = Launcher.repository.appendingPathComponent("inputs/cuni-ace.yaml").path
      let stages = "stages=[{dynamics: {steps: 100, timestep: 1 fs}}]"
      let result = try launcher.run(ranks: 2, "run", deck, "--output", "run", "--set", stages)
      #expect(result.code == 0, "\(result.errors)")
      let rows = try launcher.thermo("run/thermo.csv")
      let grades = rows.compactMap { $0["grade"] }
      #expect(grades.count == 3 && grades.allSatisfy((0.1...4).contains), "\(grades)")
      let energies = rows.compactMap { $0["total_energy"] }
      #expect(energies.count == 3 && energies.max()! - energies.min()! < 0.05, "\(energies)")
    }
  }
}
