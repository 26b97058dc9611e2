import Foundation
import MDTestSupport
import Testing

/// Long validations, only with `scripts/test --slow` (some twenty minutes on two cores).
extension CommandLineTests {
  @Suite(
    "Long validations",
    .enabled(if: ProcessInfo.processInfo.environment["FAULTLINE_SLOW_TESTS"] == "1", "long: scripts/test --slow"))
  struct SlowTests {
    @Test("NVE of 4,000 copper atoms, 300 K, 1 fs, 100 ps: drift below 1e-5 eV/atom/ns")
    func drift() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        """
        structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [10, 10, 10]}}
        potential: [{eam: {parameters: zhou2004}}]
        velocities: {temperature: 600 K}
        stages:
          - dynamics: {name: settle, steps: 5000, thermostat: {langevin: {temperature: 300, damping: 0.1}}}
          - dynamics: {name: nve, steps: 100000, timestep: 1 fs}
        output: {directory: run, thermo: {every: 100}}
        """)
      let result = try launcher.run(ranks: 2, "run", "deck.yaml", timeout: 3000)
      #expect(result.code == 0, "\(result.errors)")
      let rows = try launcher.thermo("run/thermo.csv").filter { $0["stage"] == 2 }
      #expect(rows.count >= 999)
      // Least squares of the total energy, eV, over time, ps.
      let time = rows.compactMap { $0["time"] }
      let energy = rows.compactMap { $0["total_energy"] }
      let (meanTime, meanEnergy) = (mean(time), mean(energy))
      var (covariance, variance) = (0.0, 0.0)
      for (t, e) in zip(time, energy) {
        covariance += (t - meanTime) * (e - meanEnergy)
        variance += (t - meanTime) * (t - meanTime)
      }
      let drift = covariance / variance * 1000 / 4000
      let spread = mean(energy.map { ($0 - meanEnergy) * ($0 - meanEnergy) }).squareRoot() / 4000
      let temperature = mean(rows.compactMap { $0["temperature"] })
      print("NVE drift \(drift) eV/atom/ns, fluctuation \(spread) eV/atom, \(temperature) K")
      #expect(abs(temperature - 300) < 15)
      #expect(abs(drift) < 1e-5)
    }

    private func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }

    @Test("a million atoms: run on two ranks, resume on three")
    func million() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let deck = Launcher.repository.appendingPathComponent("inputs/cu-million.yaml").path
      let first = try launcher.run(ranks: 2, "run", deck, "--output", "run", "--max-steps", "30", timeout: 1200)
      #expect(first.code == 75, "\(first.errors)")
      let second = try launcher.run(ranks: 3, "resume", "run", "--max-steps", "30", timeout: 1200)
      #expect(second.code == 75, "\(second.errors)")
      let rows = try launcher.thermo("run/thermo.csv")
      let energies = rows.compactMap { $0["total_energy"] }
      #expect(rows.compactMap { $0["step"] } == [0, 20, 40, 60])
      // Steps of 2 fs from a perfect lattice: the energy of a step fluctuates by some 1e-4 eV an atom at first.
      for e in energies { #expect(abs(e - energies[0]) < 2e-4 * 1_000_188, "\(energies)") }
    }

    @Test("four million atoms take at most 1.2 kB each, list build included")
    func memory() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        """
        structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [100, 100, 100]}}
        potential: [{eam: {parameters: zhou2004}}]
        velocities: {temperature: 600 K}
        stages:
          - dynamics: {steps: 30, timestep: 2 fs}
        output: {directory: run, thermo: {every: 10}}
        """)
      let result = try launcher.run(ranks: 2, "run", "deck.yaml", timeout: 2000)
      #expect(result.code == 0, "\(result.errors)")
      let summary = try launcher.json("run/run.json")
      let peaks = try #require(summary["peak_rss_bytes"] as? [Int])
      let perAtom = Double(peaks.reduce(0, +)) / 4_000_000
      print("4,000,000 atoms: \(perAtom) B/atom, \(summary["us_per_atom_step"] ?? "?") µs/atom/step")
      #expect(perAtom < 1200)
    }
  }
}
