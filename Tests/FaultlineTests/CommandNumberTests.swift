import Foundation
import MDCore
import MDIO
import MDNumerics
import MDTestSupport
import Testing

/// What commands tell and write, against clocks, files and sums of the test's own.
extension CommandLineTests {
  @Suite("Commands → numbers")
  struct CommandNumberTests {
    private static let law = PairModel(.lennardJones(0.0104, 3.4, cutoff: 6).shifted, "Ar")

    private func deck(_ more: String, output: String = "") -> String {
      """
      structure: {lattice: {type: fcc, constant: 5.3, species: [Ar], size: [3, 3, 3]}}
      potential: [{lennard_jones: {cutoff: 6, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
      velocities: {temperature: 30}
      \(more)
      output: {directory: run\(output)}
      """
    }

    /// The first number behind a label in the output.
    private func number(_ text: String, after label: String) -> Double? {
      guard let place = text.range(of: label) else { return nil }
      let digits = text[place.upperBound...].drop { !$0.isNumber }.prefix { $0.isNumber || $0 == "." || $0 == "," }
      return Double(digits.filter { $0 != "," })
    }

    /// "5.38 kB" behind a label, in bytes.
    private func bytes(_ text: String, after label: String) -> Double? {
      guard let x = number(text, after: label), let place = text.range(of: label) else { return nil }
      let rest = text[place.upperBound...].drop { !$0.isNumber }.drop { !$0.isLetter }
      return x * (rest.hasPrefix("kB") ? 1e3 : rest.hasPrefix("MB") ? 1e6 : rest.hasPrefix("GB") ? 1e9 : 1)
    }

    @Test("check's estimates are of the order of what the run then needs")
    func forecast() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        deck(
          "stages: [{dynamics: {steps: 40}}]",
          output: ", thermo: {every: 10}, trajectories: [{file: a.extxyz, every: 10, columns: [velocities, forces]}, "
            + "{file: b.dump.gz, every: 20, columns: [virials]}], checkpoints: {every: 100}"))
      let check = try launcher.run("check", "deck.yaml", "--ranks", "4")
      #expect(check.code == 0, "\(check.errors)")
      #expect(check.output.contains("108 atoms of Ar") && check.output.contains("at most 40 steps"))
      #expect(number(check.output, after: "ranks  ") == 4 && check.output.contains("about 27 atoms"))
      // The energy of the perfect crystal.
      let lattice = Structure(
        box: Box(lengths: Vector3(5.3, 5.3, 5.3)), species: ["Ar"], types: [0, 0, 0, 0],
        positions: [Vector3(0, 0, 0), Vector3(0, 2.65, 2.65), Vector3(2.65, 0, 2.65), Vector3(2.65, 2.65, 0)])
      let energy = 27 * Self.law.evaluate(lattice).energy
      #expect(check.output.contains("energy \(String(format: "%.4f", energy)) eV"), "\(check.output)")

      let run = try launcher.run("run", "deck.yaml")
      #expect(run.code == 0, "\(run.errors)")
      func size(_ name: String) throws -> Double {
        Double(try Data(contentsOf: URL(fileURLWithPath: launcher.path("run/" + name))).count)
      }
      for (file, count) in [("a.extxyz", 5.0), ("b.dump.gz", 3.0)] {
        #expect(number(check.output, after: "\(file): at most") == count)
        let frame = try #require(bytes(check.output, after: "\(file): at most \(Int(count)) frames of"))
        let ratio = try size(file) / (count * frame)
        #expect(ratio > 0.4 && ratio < 1.6, "\(file): \(ratio)")
      }
      let checkpoint = try #require(bytes(check.output, after: "checkpoints of"))
      let written = try size("checkpoints/step-000000000040.checkpoint")
      #expect(written / checkpoint > 0.8 && written / checkpoint < 3, "\(written), \(checkpoint)")
      // Memory: what the run's own peak was, as an order.
      let peak = try #require((launcher.json("run/run.json")["peak_rss_bytes"] as? [Double])?.first)
      let memory = try #require(bytes(check.output, after: "memory       about"))
      #expect(memory / peak > 0.3 && memory / peak < 5 && peak > 5e6 && peak < 5e8, "\(memory), \(peak)")
    }

    @Test("loop time is less than the clock outside sees, and no less than what it leaves")
    func wallTime() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", deck("stages: [{dynamics: {steps: 100000000}}]", output: ", thermo: {every: 50}"))
      let run = try launcher.run("run", "deck.yaml", "--max-time", "0:00:02", "--output", "timed")
      #expect(run.code == 75, "\(run.errors)")
      let summary = try launcher.json("timed/run.json")
      let loop = try #require(summary["loop_seconds"] as? Double)
      let setup = try #require(summary["setup_seconds"] as? Double)
      // Two seconds from the program's start, and the step at hand.
      #expect(
        loop + setup > 1.9 && loop + setup <= run.seconds && run.seconds - loop - setup < 6, "\(loop), \(run.seconds)")
      let steps = try #require(summary["steps"] as? Double)
      let perStep = try #require(summary["us_per_atom_step"] as? Double)
      #expect(steps > 10 && abs(perStep * 108 * steps * 1e-6 / loop - 1) < 1e-9)
      #expect((summary["reason"] as? String ?? "").contains("time limit"))
      #expect(try launcher.thermo("timed/thermo.csv").count >= Int(steps) / 50)
    }

    @Test("--max-steps, --output, --overwrite")
    func limits() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", deck("stages: [{dynamics: {steps: 20}}]", output: ", thermo: {every: 1}"))
      #expect(try launcher.run("run", "deck.yaml", "--max-steps", "7", "--output", "else").code == 75)
      #expect(!FileManager.default.fileExists(atPath: launcher.path("run")))
      #expect(try launcher.thermo("else/thermo.csv").compactMap { $0["step"] } == (0...7).map(Double.init))
      #expect(try launcher.run("run", "deck.yaml", "--output", "else").code == 65)
      #expect(try launcher.run("resume", "else", "--max-steps", "5").code == 75)
      #expect(try launcher.thermo("else/thermo.csv").count == 13)
      #expect(try launcher.run("run", "deck.yaml", "--output", "else", "--overwrite", "--max-steps", "2").code == 75)
      #expect(try launcher.thermo("else/thermo.csv").count == 3)
    }

    @Test("build writes the structure in every format, evaluate reads it: one energy")
    func buildAndEvaluate() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        deck("").replacingOccurrences(
          of: "type: fcc, constant: 5.3, species: [Ar], size: [3, 3, 3]",
          with: "type: fcc, constant: 5.3, species: [Ar], size: [1, 2, 1]"))
      for name in ["a.extxyz", "a.data", "POSCAR", "b.extxyz.gz"] {
        let built = try launcher.run("build", "deck.yaml", "--output", name)
        #expect(built.code == 0 && built.output.contains("8 atoms"), "\(built.errors)")
        let s = try StructureFile.read(launcher.path(name))
        #expect(s.count == 8 && abs(s.box.volume - 2 * 5.3 * 5.3 * 5.3) < 1e-9)
        // Twelve neighbours at a/√2, wherever the atoms are.
        var bonds = 0
        PairSum.forEach(s, reach: 5.3 / 2.0.squareRoot() + 1e-9) { _, _, _ in bonds += 1 }
        #expect(bonds == 8 * 12, "\(name)")
        guard name == "a.extxyz" else { continue }
        let evaluated = try launcher.run(
          ranks: 2, "evaluate", "deck.yaml", "--frames", name, "--output", "out.extxyz")
        #expect(evaluated.code == 0, "\(evaluated.errors)")
        let frame = try #require(ExtXYZReader.frames(of: launcher.path("out.extxyz")).first)
        let energy = try #require(frame["energy"]?.numbers?.first)
        #expect(abs(energy - Self.law.evaluate(s).energy) < 1e-12)
        #expect(frame.column("forces")?.reals?.allSatisfy { abs($0) < 1e-12 } == true)
      }
    }

    @Test("bench --json: atoms, steps, and a time that the clock outside allows")
    func bench() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let result = try launcher.run(
        ranks: 2, "bench", "hdnnp-cu", "--steps", "3", "--repeats", "2", "--json", "bench.json")
      #expect(result.code == 0, "\(result.errors)")
      let data = try Data(contentsOf: URL(fileURLWithPath: launcher.path("bench.json")))
      let all = try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]])
      let figures = try #require(all.first)
      #expect(all.count == 1 && figures["name"] as? String == "hdnnp-cu")
      #expect(figures["atoms"] as? Int == 2048 && figures["ranks"] as? Int == 2 && figures["steps"] as? Int == 3)
      let time = try #require(figures["us_per_atom_step"] as? Double)
      let (least, greatest) = (figures["least"] as? Double ?? .nan, figures["greatest"] as? Double ?? .nan)
      #expect(least <= time && time <= greatest && least > 0)
      #expect((least + greatest) * 2048 * 3e-6 < result.seconds)
      let phases = try #require(figures["seconds_by_phase"] as? [String: Double])
      #expect(abs(phases.values.reduce(0, +) / (time * 2048 * 3e-6) - 1) < 0.05)
      #expect((figures["peak_bytes_per_atom"] as? Double ?? 0) > 1000)
    }

    @Test("bench: the memory of a small case is not that of a large one before it")
    func benchMemory() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let result = try launcher.run(
        "bench", "pppm-nacl", "snap-si", "--steps", "1", "--repeats", "1", "--json", "bench.json",
        environment: ["FAULTLINE_POTENTIALS": Launcher.repository.appendingPathComponent("potentials").path])
      #expect(result.code == 0, "\(result.errors)")
      let data = try Data(contentsOf: URL(fileURLWithPath: launcher.path("bench.json")))
      let all = try #require(JSONSerialization.jsonObject(with: data) as? [[String: Any]])
      let peaks = all.map { ($0["peak_bytes_per_atom"] as? Double ?? .nan) * ($0["atoms"] as? Double ?? .nan) }
      // Some is kept for later by whoever hands out memory.
      #expect(peaks.count == 2 && peaks[1] < 0.85 * peaks[0] && peaks[1] > 5e6, "\(peaks)")
    }
  }
}
