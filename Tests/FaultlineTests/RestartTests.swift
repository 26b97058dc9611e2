import Foundation
import MDIO
import Testing

/// A run in one piece and a run in two are the same run.
extension CommandLineTests {
  @Suite("Restart")
  struct RestartTests {
    static let thermostats = [
      ("nve", ""), ("nose-hoover", ", thermostat: {nose_hoover: {temperature: [600, 300]}}"),
      ("langevin", ", thermostat: {langevin: {temperature: 600}}"),
      ("rescale", ", thermostat: {rescale: {temperature: 600}}"),
      ("deformed", ", deform: {axis: z, rate: 0.1}"),
      (
        "rescaled",
        ", thermostat: {rescale: {temperature: 600}}, barostat: {rescale: {pressure: [0, 1 GPa], cell: full, damping: 0.2}}"
      ),
      ("mtk", ", thermostat: {nose_hoover: {temperature: 600}}, barostat: {mtk: {stress: {xy: 2 GPa}, damping: 0.2}}"),
      ("enthalpy", ", barostat: {mtk: {cell: axes, damping: 0.2}}"),
      (
        "loaded",
        ", thermostat: {langevin: {temperature: 600}}, load: {zz: {rate: 0.1}, xy: {rate: 1.5, measure: logarithmic}, "
          + "xx: free, damping: 0.2, every: 20}"
      ),
    ]

    private func deck(_ dynamics: String) -> String {
      TestDecks.copper(
        stages: "  - dynamics: {steps: 200, timestep: 2 fs\(dynamics)}",
        output: """
            trajectories:
              - {file: t.extxyz, every: 50, columns: [velocities, forces]}
              - {file: t.dump.gz, every: 50, columns: [velocities]}
          \(TestDecks.checkpoints)
          """)
    }

    @Test("200 steps = 100 + 100 steps, bitwise, outputs included", arguments: thermostats, [1, 2, 3])
    func bitwise(_ thermostat: (String, String), ranks: Int) throws {
      let launcher = try Launcher("restart-\(thermostat.0)-\(ranks)")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", deck(thermostat.1))
      let whole = try launcher.run(ranks: ranks, "run", "deck.yaml", "--output", "whole")
      #expect(whole.code == 0, "\(whole.errors)")
      let first = try launcher.run(ranks: ranks, "run", "deck.yaml", "--output", "parts", "--max-steps", "100")
      #expect(first.code == 75, "\(first.errors)")
      let second = try launcher.run(ranks: ranks, "resume", "parts")
      #expect(second.code == 0, "\(second.errors)")
      for file in ["thermo.csv", "t.extxyz", "t.dump.gz"] + (thermostat.0 == "loaded" ? ["loading.csv"] : []) {
        let a = try Data(contentsOf: URL(fileURLWithPath: launcher.path("whole/\(file)")))
        let b = try Data(contentsOf: URL(fileURLWithPath: launcher.path("parts/\(file)")))
        #expect(a == b, "\(file) differs")
      }
    }

    /// The solver's α and wave vectors are those of the run's start, not of the cell at the checkpoint.
    @Test("the same with charges in a cell that deforms", arguments: ["ewald", "pppm"], [1, 2])
    func charges(method: String, ranks: Int) throws {
      let launcher = try Launcher("restart-\(method)-\(ranks)")
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        """
        structure: {lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl], size: [2, 2, 3]}}
        species: {Na: {charge: 1}, Cl: {charge: -1}}
        potential:
          - coulomb: {method: \(method), accuracy: 1e-4, cutoff: 7}
          - buckingham:
              cutoff: 7
              pairs:
                - {species: [Na, Na], a: 424.0, rho: 0.317, c: 1.05}
                - {species: [Na, Cl], a: 1256.0, rho: 0.317, c: 7.0}
                - {species: [Cl, Cl], a: 3488.0, rho: 0.317, c: 72.4}
        velocities: {temperature: 600 K}
        stages:
          - dynamics: {steps: 40, timestep: 2 fs, deform: {axis: z, rate: 1.0}}
        output: {directory: run, thermo: {every: 5}, checkpoints: {every: 20}}
        """)
      #expect(try launcher.run(ranks: ranks, "run", "deck.yaml", "--output", "whole").code == 0)
      #expect(try launcher.run(ranks: ranks, "run", "deck.yaml", "--output", "parts", "--max-steps", "20").code == 75)
      let second = try launcher.run(ranks: ranks, "resume", "parts")
      #expect(second.code == 0, "\(second.errors)")
      #expect(try launcher.read("whole/thermo.csv") == launcher.read("parts/thermo.csv"))
    }

    @Test("a minimisation goes on where it stopped")
    func minimisation() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        TestDecks.copper(
          stages: "  - dynamics: {steps: 100, timestep: 2 fs}\n  - minimize: {force_tolerance: 1e-4}\n"
            + "  - dynamics: {steps: 20}",
          output: "  checkpoints: {every: 130, keep: 3}"))
      #expect(try launcher.run(ranks: 2, "run", "deck.yaml", "--output", "whole").code == 0)
      #expect(try launcher.run(ranks: 2, "run", "deck.yaml", "--output", "parts", "--max-steps", "130").code == 75)
      let second = try launcher.run(ranks: 2, "resume", "parts")
      #expect(second.code == 0, "\(second.errors)")
      #expect(try launcher.read("whole/thermo.csv") == launcher.read("parts/thermo.csv"))
    }

    @Test("another number of ranks has the same energy", arguments: [1, 2, 3, 4, 8])
    func otherRanks(_ ranks: Int) throws {
      let launcher = try Launcher("ranks-\(ranks)")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", deck(""))
      #expect(try launcher.run(ranks: 2, "run", "deck.yaml", "--output", "run", "--max-steps", "100").code == 75)
      try FileManager.default.copyItem(atPath: launcher.path("run"), toPath: launcher.path("same"))
      #expect(try launcher.run(ranks: 2, "resume", "same").code == 0)
      let same = try #require(launcher.thermo("same/thermo.csv").first { $0["step"] == 110 })
      let result = try launcher.run(ranks: ranks, "resume", "run")
      #expect(result.code == 0, "\(result.errors)")
      let after = try launcher.thermo("run/thermo.csv")
      #expect(after.map { $0["step"] } == (0...20).map { Double($0 * 10) }, "no row is missing or twice")
      let next = try #require(after.first { $0["step"] == 110 })
      for name in ["potential_energy", "kinetic_energy", "total_energy"] {
        let (a, b) = (try #require(same[name]), try #require(next[name]))
        #expect(abs(a - b) <= 1e-10 * abs(a), "\(name) as on two ranks: \(a), \(b)")
      }
      let frames = try ExtXYZReader.frames(of: launcher.path("run/t.extxyz"))
      #expect(frames.compactMap { $0["step"]?.numbers?.first } == [0, 50, 100, 150, 200])
    }

    @Test("energies at step 0 agree on all numbers of ranks", arguments: [2, 3, 4, 5, 8])
    func stepZero(_ ranks: Int) throws {
      let launcher = try Launcher("zero-\(ranks)")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", TestDecks.copper(stages: "  - dynamics: {steps: 1}"))
      #expect(try launcher.run("run", "deck.yaml", "--output", "one").code == 0)
      #expect(try launcher.run(ranks: ranks, "run", "deck.yaml", "--output", "many").code == 0)
      let one = try #require(launcher.thermo("one/thermo.csv").first)
      let many = try #require(launcher.thermo("many/thermo.csv").first)
      for name in ["potential_energy", "kinetic_energy", "temperature"] {
        let (a, b) = (try #require(one[name]), try #require(many[name]))
        #expect(abs(a - b) <= 1e-10 * abs(a), "\(name): \(a) and \(b)")
      }
    }
  }
}
