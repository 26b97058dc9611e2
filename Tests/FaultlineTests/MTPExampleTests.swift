import Foundation
import MDIO
import MDTestSupport
import Testing

/// The example moment tensor potential, which a clone without reference data has too.
extension CommandLineTests {
  @Suite("Example of a moment tensor potential")
  struct MTPExampleTests {
    private static let file = Launcher.repository.appendingPathComponent("potentials/mtp/CuNi-example.almtp").path
    private static let deck = Launcher.repository.appendingPathComponent("inputs/cuni-mtp.yaml").path

    private func deck(_ watch: String, temperature: Int, columns: String = "[grade]") -> String {
      """
      structure:
        crystal:
          cell: [[3.58, 0, 0], [0, 3.58, 0], [0, 0, 3.58]]
          basis:
            - {species: Ni, position: [0, 0, 0]}
            - {species: Cu, position: [0.5, 0.5, 0]}
            - {species: Cu, position: [0.5, 0, 0.5]}
            - {species: Cu, position: [0, 0.5, 0.5]}
          size: [3, 3, 3]
      potential: [{mtp: {file: \(Self.file), elements: [Cu, Ni]}}]
      velocities: {temperature: \(temperature)}
      stages: [{dynamics: {steps: 40, timestep: 1 fs}}]
      analysis: {watch: \(watch)}
      output:
        directory: run
        thermo: {every: 10}
        trajectories: [{file: t.extxyz, every: 20, columns: \(columns)}]
        checkpoints: {every: 20, keep: 3}

      """
    }

    @Test("the shipped deck runs, inside of what the potential was trained on; energy is kept")
    func shipped() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let result = try launcher.run(ranks: 2, "run", Self.deck, "--output", "run", "--max-steps", "100")
      #expect(result.code == 75, "\(result.errors)")
      let rows = try launcher.thermo("run/thermo.csv")
      let grades = rows.compactMap { $0["grade"] }
      #expect(grades.count == 3 && grades.allSatisfy((0.1...5).contains), "\(grades)")
    }

    @Test("grades reach thermo.csv, frames and limits; kept structures are read again as configurations of MLIP")
    func grades() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml", deck("{every: 5, select: {grade: 0.2, spacing: 10, file: kept.cfg}}", temperature: 4000))
      let result = try launcher.run(ranks: 2, "run", "deck.yaml")
      #expect(result.code == 0, "\(result.errors)")
      let frames = try ExtXYZReader.frames(of: launcher.path("run/t.extxyz"))
      let rows = try launcher.thermo("run/thermo.csv")
      // The system's grade is the largest of its atoms.
      for frame in frames.dropFirst() {
        let step = try #require(frame["step"]?.numbers?.first)
        let largest = try #require(frame.column("grade")?.reals?.max())
        let row = try #require(rows.first { $0["step"] == step })
        #expect(abs(largest - (row["grade"] ?? 0)) < 1e-9 * largest)
      }
      let reader = try FrameFile.reader(launcher.path("run/kept.cfg"), types: ["Cu", "Ni"])
      var kept: [ExtXYZFrame] = []
      while let frame = try reader.next() { kept.append(frame) }
      #expect(kept.compactMap { $0["step"]?.numbers?.first } == [5, 15, 25, 35])
      // What the configuration says of itself is what `evaluate` finds.
      try launcher.write("evaluate.yaml", "potential: [{mtp: {file: \(Self.file), elements: [Cu, Ni]}}]\n")
      for name in ["out.extxyz", "out.cfg"] {
        let again = try launcher.run(
          ranks: 3, "evaluate", "evaluate.yaml", "--frames", "run/kept.cfg", "--output", name)
        #expect(again.code == 0, "\(again.errors)")
      }
      let evaluated = try ExtXYZReader.frames(of: launcher.path("out.extxyz"))
      #expect(evaluated.count == kept.count)
      for (a, b) in zip(kept, evaluated) {
        let (before, after) = (try #require(a["ref_energy"]?.numbers), try #require(b["energy"]?.numbers))
        #expect(abs(before[0] - after[0]) < 1e-9 * abs(after[0]))
        for (old, new) in [
          (a.column("ref_forces")?.reals, b.column("forces")?.reals), (a["ref_virial"]?.numbers, b["virial"]?.numbers),
        ] {
          let (old, new) = (try #require(old), try #require(new))
          #expect(zip(old, new).allSatisfy { abs($0 - $1) < 1e-8 })
        }
      }
      let written = try FrameFile.reader(launcher.path("out.cfg"), types: ["Cu", "Ni"])
      let first = try #require(try written.next())
      let energies = (first["ref_energy"]?.numbers, evaluated[0]["energy"]?.numbers)
      #expect(energies.0 == energies.1 && first.structure.positions == kept[0].structure.positions)
    }

    @Test("above a limit on the grade the run ends; in two parts it is the same run")
    func stop() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", deck("{stop: {grade: 3}}", temperature: 30000, columns: "[]"))
      let result = try launcher.run("run", "deck.yaml")
      #expect(result.code == 70 && result.errors.contains("grade is"), "\(result.errors)")
      try launcher.write("cool.yaml", deck("{stop: {grade: 50}}", temperature: 300))
      #expect(try launcher.run(ranks: 2, "run", "cool.yaml", "--output", "whole").code == 0)
      #expect(try launcher.run(ranks: 2, "run", "cool.yaml", "--output", "parts", "--max-steps", "20").code == 75)
      #expect(try launcher.run(ranks: 2, "resume", "parts").code == 0)
      #expect(try launcher.read("parts/thermo.csv") == launcher.read("whole/thermo.csv"))
      #expect(try launcher.read("parts/t.extxyz") == launcher.read("whole/t.extxyz"))
    }

    @Test("one rank is k ranks, with grades", arguments: [2, 3, 4, 8])
    func ranks(_ count: Int) throws {
      let launcher = try Launcher("mtp-\(count)")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", deck("{stop: {grade: 50}}", temperature: 800))
      #expect(try launcher.run("run", "deck.yaml", "--output", "one", "--max-steps", "20").code == 75)
      #expect(try launcher.run(ranks: count, "run", "deck.yaml", "--output", "many", "--max-steps", "20").code == 75)
      for (a, b) in zip(try launcher.thermo("one/thermo.csv"), try launcher.thermo("many/thermo.csv")) {
        for key in ["potential_energy", "temperature", "grade", "pxx", "pxy"] {
          let (x, y) = (try #require(a[key]), try #require(b[key]))
          #expect(abs(x - y) <= 1e-8 * max(abs(x), 1), "\(key): \(x), \(y)")
        }
      }
    }

    @Test("what cannot be is refused by name", arguments: [
      ("{file: F, elements: [Cu]}", "1 elements"), ("{file: F, elements: [Cu, Cu]}", "twice"),
      ("{file: F, elements: [Cu, Zn]}", "Ni"), ("{committee: [F, F], elements: [Cu, Ni], active_set: F}", "active_set"),
      ("{elements: [Cu, Ni]}", "file"),
    ])
    func refused(_ mistake: (String, String)) throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let text = deck("{stop: {grade: 3}}", temperature: 300).replacingOccurrences(
        of: "{file: \(Self.file), elements: [Cu, Ni]}", with: mistake.0.replacingOccurrences(of: "F", with: Self.file))
      try launcher.write("deck.yaml", text)
      let result = try launcher.run("run", "deck.yaml")
      #expect(result.code == 65 && result.errors.contains(mistake.1), "\(result.errors)")
    }
  }
}
