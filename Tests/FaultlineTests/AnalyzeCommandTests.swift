import Foundation
import MDTestSupport
import Testing

/// `faultline analyze` as users start it, also under mpirun.
extension CommandLineTests {
  @Suite("Analyze, the command")
  struct AnalyzeCommandTests {
    private static let deck = """
      structure: {lattice: {type: fcc, constant: 3.7, species: [Cu], size: [4, 3, 3]}}
      potential: [{eam: {parameters: zhou2004}}]
      velocities: {temperature: 2500 K}
      stages: [{dynamics: {steps: 60, timestep: 2 fs}}]
      analysis:
        regions: {layer: {slab: {axis: z, range: [2, 8]}}}
        measure:
          - rdf: {cutoff: 7, bins: 35, every: 3}
          - cna: {every: 3}
          - steinhardt: {neighbors: 12, every: 3}
          - transport: {name: motion, every: 3, of: layer}
          - velocities: {every: 3, samples: 10}
          - profile: {along: b, bins: 6, every: 3, quantities: [temperature, stress]}
      output: {directory: run, trajectories: [{file: t.extxyz, every: 3, columns: [velocities]}]}

      """

    @Test("a run on two processes, its frames on one and four: the same tables")
    func processes() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.deck)
      let run = try launcher.run(ranks: 2, "run", "deck.yaml")
      #expect(run.code == 0, "\(run.errors)")
      #expect(run.output.contains("rdf: highest_Cu_Cu"))
      for ranks in [1, 4] {
        let result = try launcher.run(ranks: ranks, "analyze", "run/t.extxyz", "deck.yaml", "--output", "again\(ranks)")
        #expect(result.code == 0, "\(result.errors)")
        for name in ["rdf", "cna", "steinhardt", "motion", "velocities", "velocities-dos", "profile"] {
          let (a, b) = (
            CSVTable.rows(try launcher.read("run/\(name).csv")), CSVTable.rows(try launcher.read("again\(ranks)/\(name).csv"))
          )
          #expect(a.count == b.count && a.count > 5, "\(name)")
          for (x, y) in zip(a, b) {
            // Errors have few digits.
            for (column, value) in x where !column.hasSuffix("_error") {
              let other = y[column] ?? .infinity
              #expect(
                value.isNaN && other.isNaN || abs(value - other) <= 1e-7 * max(1, abs(value)), "\(name) \(column): \(value), \(other)")
            }
          }
        }
      }
    }

    private static let programs = Launcher.repository.appendingPathComponent(".build/venv/bin/python").path

    @Test(
      "templates are those that OVITO finds, atom by atom",
      .enabled(
        if: FileManager.default.fileExists(atPath: programs), "no .build/venv: scripts/check-trajectories --set-up makes it"))
    func templates() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let script = Launcher.repository.appendingPathComponent("scripts/compare-templates").path
      let result = try launcher.start(command: [script, "--program", Launcher.binary]).wait(timeout: 600)
      #expect(result.code == 0 && result.output.contains("Both find the same"), "\(result.output)\(result.errors)")
    }

    @Test("results are not written over; mistakes have one voice and the code of bad input")
    func refusals() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", "analysis: {measure: [{rdf: {cutoff: 4}}]}\n")
      try launcher.write("a.xyz", "1\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3\nAr 0 0 0\n")
      #expect(try launcher.run("analyze", "a.xyz", "deck.yaml", "--output", "out").code == 0)
      let again = try launcher.run(ranks: 2, "analyze", "a.xyz", "deck.yaml", "--output", "out")
      #expect(again.code == 65 && again.errors.contains("--overwrite"), "\(again.errors)")
      #expect(try launcher.run("analyze", "a.xyz", "deck.yaml", "--output", "out", "--overwrite").code == 0)
      #expect(try launcher.run("analyze", "a.xyz", "deck.yaml", "--interval", "3").code == 64)
      try launcher.write("none.yaml", "analysis: {}\n")
      let none = try launcher.run("analyze", "a.xyz", "none.yaml")
      #expect(none.code == 65 && none.errors.contains("no observers"), "\(none.errors)")
    }
  }
}
