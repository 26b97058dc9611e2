import Foundation
import MDIO
import Testing

/// Extrapolation and committees: what a potential says of itself reaches thermo.csv, frames, the log and the limits.
extension CommandLineTests {
  @Suite("Watch")
  struct WatchTests {
    private static let example = Launcher.repository.appendingPathComponent("potentials/hdnnp/Cu-example").path

    private func deck(_ potential: String, temperature: Int, watch: String, steps: Int = 60) -> String {
      """
      structure: {lattice: {type: fcc, constant: 3.64, species: [Cu], size: [3, 3, 3]}}
      potential: [{hdnnp: {\(potential), units: metal}}]
      velocities: {temperature: \(temperature)}
      stages:
        - dynamics: {steps: \(steps), timestep: 1 fs}
      \(watch.isEmpty ? "" : "analysis: {watch: \(watch)}")
      output: {directory: run, thermo: {every: 10}, checkpoints: {every: 20, keep: 5}}
      """
    }

    /// The example with every weight of the last layer changed a little.
    private func relative(_ launcher: Launcher, _ factor: Double) throws -> String {
      let folder = launcher.path("relative")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for name in ["input.nn", "scaling.data", "weights.029.data"] {
        var text = try String(contentsOfFile: Self.example + "/" + name, encoding: .utf8)
        if name.hasPrefix("weights") {
          text = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var fields = line.split(separator: " ").map(String.init)
            guard fields.count > 1, fields[1] == "a", let weight = Double(fields[0]), !line.hasPrefix("#") else {
              return String(line)
            }
            fields[0] = "\(weight * factor)"
            return fields.joined(separator: " ")
          }.joined(separator: "\n")
        }
        try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
      }
      return folder
    }

    @Test("far from the training data functions are counted, told of in one summary, and structures kept")
    func select() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        deck(
          "directory: \(Self.example)", temperature: 12000,
          watch: "{every: 2, select: {extrapolations: 0, spacing: 15}}"))
      let result = try launcher.run(ranks: 2, "run", "deck.yaml")
      #expect(result.code == 0, "\(result.errors)")
      let counts = try launcher.thermo("run/thermo.csv").compactMap { $0["extrapolations"] }
      #expect(counts.count == 7 && (counts.max() ?? 0) > 0, "\(counts)")
      let log = try launcher.read("run/log.txt")
      #expect(log.contains("extrapolation in"), "\(log)")
      #expect(log.components(separatedBy: "farthest atom").count <= 6, "a summary")
      let frames = try ExtXYZReader.frames(of: launcher.path("run/selected.extxyz"))
      let steps = frames.compactMap { $0["step"]?.numbers?.first }
      #expect(steps.count >= 2)
      for (a, b) in zip(steps, steps.dropFirst()) { #expect(b - a >= 15, "\(steps)") }
      for frame in frames {
        #expect((frame.column("extrapolations")?.reals ?? []).reduce(0, +) > 0)
        #expect(frame.column("forces") != nil && frame.column("energies") != nil)
      }
      // In two parts the same structures are kept.
      #expect(try launcher.run(ranks: 2, "run", "deck.yaml", "--output", "parts", "--max-steps", "20").code == 75)
      #expect(try launcher.run(ranks: 2, "resume", "parts").code == 0)
      #expect(try launcher.read("parts/selected.extxyz") == launcher.read("run/selected.extxyz"))
    }

    @Test("above a limit the run ends with the structure and a checkpoint")
    func stop() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml", deck("directory: \(Self.example)", temperature: 12000, watch: "{stop: {extrapolations: 5}}"))
      let result = try launcher.run(ranks: 2, "run", "deck.yaml")
      #expect(result.code == 70, "\(result.errors)")
      #expect(result.errors.contains("extrapolations is") && result.errors.contains("above 5"), "\(result.errors)")
      #expect(result.errors.contains("last good checkpoint"), "\(result.errors)")
      #expect(try ExtXYZReader.frames(of: launcher.path("run/selected.extxyz")).count == 1)
    }

    @Test("a committee's mean runs, its spread is told, by a run and by evaluate")
    func committee() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let members = "committee: [\(Self.example), \(try relative(launcher, 1.02))]"
      try launcher.write(
        "deck.yaml", deck(members, temperature: 600, watch: "{select: {force_deviation: 1e-4, spacing: 30}}"))
      let result = try launcher.run(ranks: 2, "run", "deck.yaml")
      #expect(result.code == 0, "\(result.errors)")
      let rows = try launcher.thermo("run/thermo.csv")
      #expect((rows.last?["force_deviation"] ?? 0) > 1e-4 && (rows.last?["energy_deviation"] ?? 0) > 0)
      let frame = try #require(ExtXYZReader.frames(of: launcher.path("run/selected.extxyz")).last)
      let largest = try #require(frame.column("force_deviation")?.reals?.max())
      try launcher.write("one.yaml", "potential: [{hdnnp: {\(members), units: metal}}]\n")
      let evaluated = try launcher.run(
        ranks: 3, "evaluate", "one.yaml", "--frames", "run/selected.extxyz", "--output", "out.extxyz")
      #expect(evaluated.code == 0, "\(evaluated.errors)")
      let again = try #require(ExtXYZReader.frames(of: launcher.path("out.extxyz")).last)
      #expect(abs((again["force_deviation"]?.numbers?.first ?? 0) - largest) < 1e-9)
    }

    @Test("limits that no potential can meet are refused")
    func impossible() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml", deck("directory: \(Self.example)", temperature: 300, watch: "{stop: {force_deviation: 1}}"))
      let result = try launcher.run(ranks: 2, "run", "deck.yaml")
      #expect(result.code == 65 && result.errors.contains("force_deviation"), "\(result.errors)")
      try launcher.write(
        "other.yaml",
        TestDecks.copper(
          stages: TestDecks.nve, output: "  trajectories: [{file: t.extxyz, every: 1, columns: [extrapolations]}]"))
      let other = try launcher.run("run", "other.yaml")
      #expect(other.code == 65 && other.errors.contains("extrapolations"), "\(other.errors)")
    }
  }
}
