import Foundation
import MDIO
import Testing

/// The example with charge equilibration, which a clone without reference data has too.
extension CommandLineTests {
  @Suite("Example of the fourth generation")
  struct ExampleTests {
    private static let deck = Launcher.repository.appendingPathComponent("inputs/nacl-4g.yaml").path
    private static let folder = Launcher.repository.appendingPathComponent("potentials/hdnnp/NaCl-example").path

    @Test("the deck runs; charges add up and are smaller at the surfaces")
    func slab() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let result = try launcher.run(ranks: 2, "run", Self.deck, "--output", "run", "--max-steps", "40")
      #expect(result.code == 75, "\(result.errors)")
      let rows = try launcher.thermo("run/thermo.csv")
      #expect(rows.count == 3 && rows.allSatisfy { $0["extrapolations"] == 0 })
      let frames = try ExtXYZReader.frames(of: launcher.path("run/nacl.extxyz"))
      let last = try #require(frames.last)
      #expect(frames.count == 3 && last.structure.count == 384)
      let charges = try #require(last.structure.charges)
      #expect(abs(charges.reduce(0, +)) < 1e-8)
      for (charge, type) in zip(charges, last.structure.types) {
        let sign = last.structure.species[Int(type)] == "Na" ? 1.0 : -1.0
        #expect((0.7...1.2).contains(sign * charge))
      }
      // Layers are 2.9 Å apart; the outermost ions have five neighbours instead of six.
      let heights = last.structure.positions.map(\.z)
      let (bottom, top) = (heights.min()!, heights.max()!)
      func mean(_ isWanted: (Double) -> Bool) -> Double {
        let chosen = zip(charges, heights).filter { isWanted($0.1) }.map { abs($0.0) }
        return chosen.reduce(0, +) / Double(chosen.count)
      }
      let surface = mean { $0 < bottom + 1.4 || $0 > top - 1.4 }
      let inside = mean { $0 > bottom + 4 && $0 < top - 4 }
      #expect(surface < inside - 0.02, "\(surface), \(inside)")
    }

    @Test("a committee of it and a relative: mean charges, and how far they are apart")
    func committee() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      // Chlorine a little harder: smaller charges.
      let relative = launcher.path("relative")
      try FileManager.default.copyItem(atPath: Self.folder, toPath: relative)
      try "9.8\n".write(toFile: relative + "/hardness.017.data", atomically: true, encoding: .utf8)
      let salt = "structure: {lattice: {type: rocksalt, constant: 5.8, species: [Na, Cl], size: [2, 2, 2]}}"
      func deck(_ potential: String, _ more: String) -> String {
        "potential: [{hdnnp: {\(potential), units: metal, charges: {method: ewald}}}]\n\(more)"
      }
      try launcher.write("build.yaml", salt + "\n")
      #expect(try launcher.run("build", "build.yaml", "--output", "salt.extxyz").code == 0)
      func evaluate(_ potential: String, _ name: String) throws -> (charges: [Double], energy: Double, spread: Double) {
        try launcher.write("\(name).yaml", deck(potential, ""))
        let result = try launcher.run(
          ranks: 2, "evaluate", "\(name).yaml", "--frames", "salt.extxyz", "--output", "\(name).extxyz")
        #expect(result.code == 0, "\(result.errors)")
        let frame = try #require(ExtXYZReader.frames(of: launcher.path("\(name).extxyz")).first)
        return (
          try #require(frame.structure.charges), try #require(frame["energy"]?.numbers?.first),
          frame["charge_deviation"]?.numbers?.first ?? 0
        )
      }
      let one = try evaluate("directory: \(Self.folder)", "one")
      let other = try evaluate("directory: \(relative)", "other")
      let both = try evaluate("committee: [\(Self.folder), \(relative)]", "both")
      #expect(abs(both.energy - 0.5 * (one.energy + other.energy)) < 1e-6)
      #expect(abs(both.charges[0] - 0.5 * (one.charges[0] + other.charges[0])) < 1e-8)
      let half = 0.5 * abs(one.charges[0] - other.charges[0])
      #expect(half > 1e-3 && abs(both.spread - half) < 1e-8, "\(half), \(both.spread)")
      // The same through a run, with a limit on it.
      try launcher.write(
        "run.yaml",
        deck(
          "committee: [\(Self.folder), \(relative)]",
          """
          \(salt)
          stages: [{dynamics: {steps: 10, timestep: 2 fs}}]
          velocities: {temperature: 300}
          analysis: {watch: {every: 5, select: {charge_deviation: 1e-3, spacing: 5}}}
          output: {directory: run, thermo: {every: 5}}

          """))
      let run = try launcher.run(ranks: 2, "run", "run.yaml")
      #expect(run.code == 0, "\(run.errors)")
      #expect(try launcher.thermo("run/thermo.csv").allSatisfy { ($0["charge_deviation"] ?? 0) > 1e-3 })
      let selected = try ExtXYZReader.frames(of: launcher.path("run/selected.extxyz")).count
      // The start is not judged: steps 5 and 10.
      #expect(selected == 2)
    }
  }
}
