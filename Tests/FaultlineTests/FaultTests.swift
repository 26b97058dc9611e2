import Foundation
import Testing

/// What goes wrong ends with one clear message, a non-zero exit, and no hanging rank.
extension CommandLineTests {
  @Suite("Faults")
  struct FaultTests {
    /// An error is told once, on standard error, with the program's name.
    private func expectError(
      _ result: Launcher.Result, code: Int32, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) {
      #expect(result.code == code, "\(result.errors)", sourceLocation: sourceLocation)
      #expect(result.seconds < 30, sourceLocation: sourceLocation)
      let told = result.errors.components(separatedBy: "faultline: error:").count - 1
      #expect(told == 1, "told \(told) times: \(result.errors)", sourceLocation: sourceLocation)
      for word in words {
        #expect(result.errors.contains(word), "'\(word)' is not in: \(result.errors)", sourceLocation: sourceLocation)
      }
    }

    @Test("decks with mistakes", arguments: [
      ("steps: 200", "stepz: 200", "did you mean `steps`"), ("type: fcc", "type: fvc", "fcc"),
      ("temperature: 600 K", "temperature: 600 bar", "K"), ("species: [Cu]", "species: [Xx]", "Xx"),
      ("parameters: zhou2004", "file: absent.eam.alloy", "absent.eam.alloy"), ("stages:", "stages: [", "deck.yaml:"),
    ])
    func mistakes(_ mistake: (String, String, String)) throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let deck = TestDecks.copper(stages: TestDecks.nve).replacingOccurrences(of: mistake.0, with: mistake.1)
      try launcher.write("deck.yaml", deck)
      expectError(try launcher.run(ranks: 4, "run", "deck.yaml"), code: 65, mistake.2, "deck.yaml")
      #expect(!FileManager.default.fileExists(atPath: launcher.path("run/thermo.csv")), "nothing was started")
    }

    @Test("no deck, no checkpoint, no frames")
    func missing() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      expectError(try launcher.run(ranks: 4, "run", "absent.yaml"), code: 65, "absent.yaml")
      expectError(try launcher.run(ranks: 4, "resume", "absent"), code: 65, "absent")
      try launcher.write("deck.yaml", "potential: [{eam: {parameters: zhou2004}}]\n")
      expectError(
        try launcher.run(ranks: 4, "evaluate", "deck.yaml", "--frames", "absent.xyz", "--output", "o.xyz"), code: 65,
        "absent.xyz")
    }

    @Test("a run directory that holds a run is not written over")
    func occupied() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", TestDecks.copper(stages: "  - dynamics: {steps: 5}"))
      #expect(try launcher.run("run", "deck.yaml").code == 0)
      expectError(try launcher.run(ranks: 2, "run", "deck.yaml"), code: 65, "already holds a run", "resume")
      #expect(try launcher.run(ranks: 2, "run", "deck.yaml", "--overwrite").code == 0)
    }

    @Test("damaged checkpoints are refused and the good one is named", arguments: ["truncated", "flipped", "foreign"])
    func damagedCheckpoint(_ damage: String) throws {
      let launcher = try Launcher("damage-\(damage)")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", TestDecks.copper(stages: TestDecks.nve, output: TestDecks.checkpoints))
      #expect(try launcher.run(ranks: 2, "run", "deck.yaml").code == 0)
      let folder = launcher.path("run/checkpoints")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(names.count == 2)
      let newest = URL(fileURLWithPath: folder + "/" + names[1])
      var data = try Data(contentsOf: newest)
      switch damage {
      case "truncated": data = data.prefix(data.count * 2 / 3)
      case "flipped": data[data.count / 2] ^= 0x10
      default: data = Data("this is no checkpoint".utf8)
      }
      try data.write(to: newest)
      expectError(try launcher.run(ranks: 4, "resume", "run"), code: 65, names[1], names[0])
      let older = try launcher.run(ranks: 4, "resume", "run/checkpoints/\(names[0])")
      #expect(older.code == 0, "\(older.errors)")
      #expect(try launcher.thermo("run/thermo.csv").map { $0["step"] } == (0...20).map { Double($0 * 10) })
    }

    @Test("a rank killed in the middle of checkpoints leaves a usable one")
    func killed() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        TestDecks.copper(
          size: "[12, 12, 12]", stages: "  - dynamics: {steps: 100000, timestep: 2 fs}",
          output: "  checkpoints: {every: 1, keep: 2}"))
      let running = try launcher.start(ranks: 2, ["run", launcher.path("deck.yaml")])
      let folder = launcher.path("run/checkpoints")
      for _ in 0..<2000 {
        if ((try? FileManager.default.contentsOfDirectory(atPath: folder).count) ?? 0) >= 2 { break }
        usleep(10_000)
      }
      usleep(UInt32.random(in: 50_000...400_000))
      // The newest process of this run is one of its ranks, not the launcher.
      let victim = try #require(Self.newestProcess(running: launcher.path("deck.yaml")))
      kill(victim, SIGKILL)
      let result = running.wait(timeout: 30)
      #expect(result.code != 0 && result.code != -1, "mpirun ends by itself")
      let resumed = try launcher.run(ranks: 3, "resume", "run", "--max-steps", "5")
      #expect(resumed.code == 75, "\(resumed.errors)")
    }

    /// mpirun hands SIGUSR1 on and reports the ranks' exit code.
    @Test(
      "signals end a run with a checkpoint",
      arguments: [
        (SIGTERM, nil), (SIGINT, nil), (SIGUSR1, nil), (SIGUSR2, nil), (SIGHUP, nil), (SIGXCPU, nil), (SIGUSR1, 2),
      ] as [(Int32, Int?)])
    func signals(_ signal: Int32, ranks: Int?) throws {
      let launcher = try Launcher("signal-\(signal)")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", TestDecks.copper(stages: "  - dynamics: {steps: 10000000}"))
      let running = try launcher.start(ranks: ranks, ["run", "deck.yaml"])
      for _ in 0..<2000 {
        if FileManager.default.fileExists(atPath: launcher.path("run/thermo.csv")) { break }
        usleep(10_000)
      }
      usleep(300_000)
      kill(running.pid, signal)
      let result = running.wait(timeout: 30)
      #expect(result.code == 75, "\(result.errors)")
      #expect(try launcher.json("run/run.json")["status"] as? String == "stopped")
      let resumed = try launcher.run(ranks: 2, "resume", "run", "--max-time", "1s")
      #expect(resumed.code == 75, "\(resumed.errors)")
    }

    @Test("a run that blows up names the atom, the step and the last checkpoint")
    func blowUp() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        TestDecks.copper(
          stages: "  - dynamics: {steps: 20}\n  - dynamics: {name: hot, steps: 5000, timestep: 500 fs}",
          output: "  checkpoints: {every: 20, keep: 2}"))
      let result = try launcher.run(ranks: 4, "run", "deck.yaml")
      expectError(result, code: 70, "atom", "step", "last good checkpoint")
      #expect(try launcher.json("run/run.json")["status"] as? String == "failed")
    }

    @Test("overlapping atoms are refused before the first step")
    func overlap() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "two.xyz",
        "3\nLattice=\"12 0 0 0 12 0 0 0 12\" Properties=species:S:1:pos:R:3\nCu 1 1 1\nCu 1 1 1.1\nCu 5 5 5\n")
      let deck = TestDecks.copper(stages: TestDecks.nve).split(separator: "\n").map {
        $0.hasPrefix("structure") ? "structure: {file: {path: two.xyz}}" : String($0)
      }.joined(separator: "\n")
      try launcher.write("deck.yaml", deck)
      expectError(try launcher.run(ranks: 2, "run", "deck.yaml"), code: 65, "atoms 1 and 2", "0.1 Å")
    }

    @Test(
      "a full disk ends the run with the reason",
      .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
    func fullDisk() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        TestDecks.copper(
          stages: TestDecks.nve,
          output: "  trajectories: [{file: t.dump, every: 10, format: lammps-dump}]\n" + TestDecks.checkpoints))
      // The trajectory is a link to a device that is always full.
      try FileManager.default.createDirectory(atPath: launcher.path("run"), withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: launcher.path("run/t.dump"), withDestinationPath: "/dev/full")
      let result = try launcher.run(ranks: 2, "run", "deck.yaml")
      #expect(result.code == 70, "\(result.errors)")
      #expect(result.errors.contains("t.dump"), "\(result.errors)")
    }

    /// The process with the greatest number among those whose program is faultline and whose arguments name this file.
    private static func newestProcess(running file: String) -> pid_t? {
      let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      return all.compactMap { pid_t($0) }.filter { id in
        let words = (try? String(contentsOfFile: "/proc/\(id)/cmdline", encoding: .utf8))?.split(separator: "\0") ?? []
        return words.first?.hasSuffix("faultline") == true && words.contains { $0 == file }
      }.max()
    }
  }
}
