import Foundation
import MDTestSupport
import Testing

extension CommandLineTests {
  /// Searches of the program as users start them.
  @Suite("Searches") struct SearchTests {
    private static let deck = """
      structure: {grain_boundary: {kind: tilt, lattice: fcc, constant: 3.6149, species: [Cu], axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], thickness: 40, repeat: [1, 4]}}
      potential: [{eam: {parameters: zhou2004}}]
      search: {stop: {trials: 120, unchanged: 1000}, force_tolerance: 1e-4}
      """

    @Test("kill -9 loses no trial that had ended, and the rest is what it would have been", arguments: [nil, 2] as [Int?])
    func killed(_ ranks: Int?) throws {
      if ranks != nil, !Launcher.hasMPI { return }
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.deck)
      let whole = try launcher.run("run", "deck.yaml", "--output", "whole")
      #expect(whole.code == 0, "\(whole.errors)")
      let running = try launcher.start(ranks: ranks, ["run", "deck.yaml", "--output", "run"])
      #expect(launcher.waitFor("run/trials.jsonl"))
      func lines() -> Int { ((try? launcher.read("run/trials.jsonl")) ?? "").split(separator: "\n").count }
      // Under a launcher its children are the ranks.
      var processes = [running.pid]
      if ranks != nil {
        let children = try launcher.start(command: ["pgrep", "-P", "\(running.pid)"]).wait(timeout: 10).output
        processes = children.split(separator: "\n").compactMap { pid_t($0) }
        #expect(processes.count == 2, "\(children)")
      }
      // What takes time comes before: the search must not end meanwhile.
      for _ in 0..<3000 where lines() < 6 { usleep(5000) }
      for process in processes { kill(process, SIGKILL) }
      _ = running.wait(timeout: 60)
      let left = lines() - 1
      #expect(left >= 5 && left < 120, "\(left) trials")
      let journal = try launcher.read("run/trials.jsonl")
      let resumed = try launcher.run(ranks: ranks, "resume", "run")
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(try launcher.read("run/trials.jsonl").hasPrefix(journal), "what had ended is still there")
      #expect(lines() == 121, "and is not done again")
      #expect(try launcher.read("run/search.csv") == launcher.read("whole/search.csv"))
      #expect(try launcher.read("run/best.extxyz") == launcher.read("whole/best.extxyz"))
    }

    @Test("a signal ends a search at once, and it goes on") func signals() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.deck)
      let running = try launcher.start(["run", "deck.yaml", "--output", "run"])
      #expect(launcher.waitFor("run/best"))
      usleep(300_000)
      kill(running.pid, SIGTERM)
      let result = running.wait(timeout: 30)
      #expect(result.code == 75 && result.output.contains("SIGTERM received"), "\(result.output) \(result.errors)")
      #expect(try launcher.json("run/run.json")["status"] as? String == "stopped")
      #expect(try launcher.run("run", "deck.yaml", "--output", "run").errors.contains("'faultline resume run' continues it"))
      #expect(try launcher.run("resume", "run").code == 0)
      #expect(try launcher.json("run/run.json")["status"] as? String == "finished")
    }

    @Test("check says what a search takes") func check() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.deck)
      let result = try launcher.run("check", "deck.yaml", "--ranks", "8")
      #expect(result.code == 0, "\(result.errors)")
      for words in ["Σ5 (310)[001]: ", "at most 120 trials on 8 groups of 1 rank", "µs an atom and step", "no mistakes"] {
        #expect(result.output.contains(words), "\(result.output)")
      }
      try launcher.write("three.yaml", Self.deck.replacing("search: {", with: "search: {ranks_per_trial: 3, "))
      #expect(try launcher.run("check", "three.yaml", "--ranks", "8").errors.contains("cannot be divided into groups of 3"))
    }

    /// 1.6611 J/m² with 0.2714 Å: LAMMPS, SNAP of Zuo et al. (2020), the lowest of 16 displacements. The mirror image
    /// that the builder starts from has 1.8186.
    @Test("the lowest state of Mo Σ5(310) that is known is found from the deck alone", arguments: ["random", "bayes"])
    func molybdenum(_ method: String) throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try FileManager.default.createSymbolicLink(
        atPath: launcher.path("potentials"), withDestinationPath: Launcher.repository.appendingPathComponent("potentials").path)
      try launcher.write(
        "inputs.yaml", Pages.text("inputs/mo-search.yaml").replacing("../potentials", with: "potentials"))
      let result = try launcher.start(
        ranks: Launcher.hasMPI ? 2 : nil,
        ["run", "inputs.yaml", "--output", "run", "--set", "search.stop.trials=16", "--set", "search.method=\(method)"]).wait(timeout: 300)
      #expect(result.code == 0, "\(result.errors)")
      let search = try #require(try launcher.json("run/run.json")["search"] as? [String: [String: Any]])
      let found = try #require(search["boundary"])
      #expect(abs(try #require(found["energy_J_per_m2"] as? Double) - 1.66115) < 1e-3, "\(found)")
      #expect(abs(try #require(found["excess_volume_A"] as? Double) - 0.27138) < 5e-3, "\(found)")
    }
  }
}
