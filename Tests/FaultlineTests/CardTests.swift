import Foundation
import MDTestSupport
import Testing

extension CommandLineTests {
  /// Pages that say what a potential makes of a crystal, and the warnings that runs repeat from them.
  @Suite("Potential cards") struct CardTests {
    private static let snap = Launcher.repository.appendingPathComponent("potentials/snap").path

    private func deck(_ element: String, _ lattice: String, _ constant: String, folder: String = snap, _ more: String) -> String {
      """
      structure: {lattice: {type: \(lattice), constant: \(constant), species: [\(element)]}}
      potential:
        - snap:
            coefficients: \(folder)/\(element)_Zuo_JPCA2020.snapcoeff
            parameters: \(folder)/\(element)_Zuo_JPCA2020.snapparam
      \(more)
      """
    }

    @Test("a page is written, and its warnings are repeated by runs with the potential beside it")
    func card() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      for ending in ["snapcoeff", "snapparam"] {
        try FileManager.default.copyItem(
          atPath: "\(Self.snap)/Ge_Zuo_JPCA2020.\(ending)", toPath: launcher.path("Ge_Zuo_JPCA2020.\(ending)"))
      }
      try launcher.write(
        "potential.yaml",
        deck("Ge", "diamond", "equilibrium", folder: ".", "tasks: [{phases: {lattices: [sc]}}, {surface: {plane: [1, 1, 1]}}]"))
      for ranks in [nil, 2] as [Int?] {
        if ranks != nil, !Launcher.hasMPI { continue }
        let made = try launcher.run(
          ranks: ranks, "characterize", "potential.yaml", "--output", "Ge_Zuo_JPCA2020.md")
        #expect(made.code == 0, "\(made.errors)")
        let page = try launcher.read("Ge_Zuo_JPCA2020.md")
        #expect(page.contains("a 5.773253 Å") && page.contains("sc -0.3368 eV/atom"))
        #expect(page.contains("\n> **Warning:** lower in energy than the deck's crystal: sc by 0.337 eV/atom"))
        #expect(page.contains("surface (111) 0.1386 J/m²") && page.contains("**Good for.**"))
      }
      try launcher.write("run.yaml", deck("Ge", "diamond", "5.77", folder: ".", "stages: [{minimize: {max_steps: 1}}]"))
      let run = try launcher.run("run", "run.yaml", "--output", "run")
      #expect(run.output.contains("warning: lower in energy than the deck's crystal: sc by 0.337") && run.output.contains("Ge_Zuo_JPCA2020.md"))
      let warnings = try launcher.json("run/run.json")["warnings"] as? [[String: Any]] ?? []
      #expect(warnings.contains { ($0["message"] as? String ?? "").contains("sc by 0.337") })
      #expect(try launcher.run("check", "run.yaml", "--output", "other").output.contains("warning: lower in energy than the deck's crystal: sc by 0.337"))
      try FileManager.default.removeItem(atPath: launcher.path("Ge_Zuo_JPCA2020.md"))
      #expect(!(try launcher.run("run", "run.yaml", "--output", "again").output.contains("sc by 0.337")))
    }

    @Test("the potentials that come along have cards, and those of Ge and Li warn")
    func shipped() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      for (element, lattice, constant, words) in [
        ("Ge", "diamond", "5.77", ["sc by 0.337", "0.14 to 0.27 J/m²"]), ("Li", "bcc", "3.51", ["fcc has the energy", "13.0 % less volume", "hcp by 0.003"]),
        ("Mo", "bcc", "3.17", []), ("Cu", "fcc", "3.63", []), ("Ni", "fcc", "3.52", []), ("Si", "diamond", "5.47", []),
      ] as [(String, String, String, [String])] {
        #expect(FileManager.default.fileExists(atPath: "\(Self.snap)/\(element)_Zuo_JPCA2020.md"))
        try launcher.write("\(element).yaml", deck(element, lattice, constant, "stages: [{minimize: {max_steps: 1}}]"))
        let output = try launcher.run("run", "\(element).yaml", "--output", element).output
        let warnings = output.split(separator: "\n").filter { $0.contains("(card ") }.joined(separator: "\n")
        #expect(words.isEmpty == warnings.isEmpty, "\(element): \(warnings)")
        for word in words { #expect(warnings.contains(word), "\(element): \(warnings)") }
      }
    }

    @Test("tasks that were done are kept: resume computes the others, with the same potential")
    func resumedTasks() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      for ending in ["snapcoeff", "snapparam"] {
        try FileManager.default.copyItem(
          atPath: "\(Self.snap)/Mo_Zuo_JPCA2020.\(ending)", toPath: launcher.path("Mo_Zuo_JPCA2020.\(ending)"))
      }
      try launcher.write(
        "deck.yaml", deck("Mo", "bcc", "3.17", folder: ".", "tasks: [{equation_of_state: {}}, {elastic: {}}]"))
      #expect(try launcher.run("run", "deck.yaml", "--output", "run").code == 0)
      func tasks() throws -> [String: [String: Any]] {
        try launcher.json("run/run.json")["tasks"] as? [String: [String: Any]] ?? [:]
      }
      let whole = try tasks()
      #expect(whole.count == 2)

      // As if it had been stopped after the first task, whose result is marked to see that it is not computed again.
      var record = try launcher.json("run/tasks.json")
      var done = try #require(record["done"] as? [[String: Any]])
      #expect(done.map { $0["name"] as? String } == ["equation_of_state", "elastic"])
      var result = try #require(done[0]["result"] as? [String: Any])
      var numbers = try #require(result["numbers"] as? [String: Any])
      numbers["mark"] = 42
      result["numbers"] = numbers
      done[0]["result"] = result
      record["done"] = [done[0]]
      try JSONSerialization.data(withJSONObject: record).write(to: URL(fileURLWithPath: launcher.path("run/tasks.json")))
      try FileManager.default.removeItem(atPath: launcher.path("run/elastic.csv"))
      let occupied = try launcher.run("run", "deck.yaml", "--output", "run")
      #expect(occupied.code == 65 && occupied.errors.contains("the results of 1 task") && occupied.errors.contains("resume"))

      let resumed = try launcher.run("resume", "run")
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(resumed.output.contains("task 'equation_of_state' was done before"))
      let after = try tasks()
      #expect(after["equation_of_state"]?["mark"] as? Int == 42)
      func text(_ task: [String: Any]?) throws -> Data {
        try JSONSerialization.data(withJSONObject: try #require(task), options: .sortedKeys)
      }
      #expect(try text(after["elastic"]) == text(whole["elastic"]))
      #expect(FileManager.default.fileExists(atPath: launcher.path("run/elastic.csv")))

      let file = launcher.path("Mo_Zuo_JPCA2020.snapcoeff")
      try (String(contentsOfFile: file, encoding: .utf8) + "\n").write(toFile: file, atomically: true, encoding: .utf8)
      let changed = try launcher.run("resume", "run")
      #expect(changed.code == 65 && changed.errors.contains("changed since the tasks were begun"), "\(changed.errors)")
      #expect(try launcher.run("resume", "run", "--accept-changed-files").code == 0)
      #expect(try launcher.run("run", "deck.yaml", "--output", "run", "--overwrite").code == 0)
      #expect(try tasks()["equation_of_state"]?["mark"] == nil)

      // Numbers that are none are kept, and sent to other ranks.
      try launcher.write(
        "run/tasks.json", String(contentsOfFile: launcher.path("run/tasks.json"), encoding: .utf8)
          .replacingOccurrences(of: "\"warnings\" : [", with: "\"none\" : \"nan\", \"warnings\" : [")
          .replacingOccurrences(of: "\"numbers\" : {", with: "\"numbers\" : { \"none\" : \"nan\","))
      let none = try launcher.run("resume", "run")
      #expect(none.code == 0, "\(none.errors)")
      #expect(try tasks()["elastic"]?["none"] as? String == "nan")

      // A run of stages in their place leaves nothing of them to be resumed.
      try launcher.write(
        "stages.yaml", deck("Mo", "bcc", "3.17", folder: ".", "stages: [{minimize: {max_steps: 1}}]"))
      let other = try launcher.run("run", "stages.yaml", "--output", "run")
      #expect(other.code == 65 && other.errors.contains("the results of 2 tasks"), "\(other.errors)")
      #expect(try launcher.run("run", "stages.yaml", "--output", "run", "--overwrite").code == 0)
      #expect(!FileManager.default.fileExists(atPath: launcher.path("run/tasks.json")))
    }

    @Test("--set, scan and --extend on the command line") func commandLine() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write(
        "deck.yaml",
        """
        structure: {lattice: {type: fcc, constant: 3.615, species: [Cu], size: [3, 3, 3]}}
        potential: [{eam: {parameters: zhou2004}}]
        velocities: {temperature: 300}
        stages: [{dynamics: {steps: 4, timestep: 1 fs}}]
        scan: {velocities.temperature: [100, 200]}
        output: {thermo: {every: 1}}
        """)
      #expect(try launcher.run("run", "deck.yaml", "--output", "scan", "--set", "stages.0.dynamics.steps=3").code == 0)
      #expect(try launcher.thermo("scan/point-002/thermo.csv").map { $0["step"]! } == [0, 1, 2, 3])
      #expect(try launcher.thermo("scan/scan.csv").map { $0["velocities.temperature"]! } == [100, 200])
      #expect(try launcher.run("resume", "scan").code == 0)
      #expect(try launcher.run("run", "deck.yaml", "--output", "scan").code == 65)
      #expect(try launcher.run("check", "deck.yaml", "--output", "new").output.contains("2 runs"))
      #expect(try launcher.run("build", "deck.yaml", "--output", "a.xyz").errors.contains("--set scan={}"))
      let one = ["--set", "scan={}", "--set", "velocities.temperature=50"]
      #expect(try launcher.start(["run", "deck.yaml", "--output", "one"] + one).wait(timeout: 60).code == 0)
      #expect(abs(try launcher.thermo("one/thermo.csv")[0]["temperature"]! - 50) < 1e-6)
      #expect(try launcher.run("resume", "one", "--extend", "3fs").code == 0)
      #expect(try launcher.thermo("one/thermo.csv").map { $0["step"]! } == (0...7).map(Double.init))
      #expect(try launcher.run("resume", "one", "--extend", "soon").code == 64)
      #expect(try launcher.read("one/thermo.csv").hasPrefix("step,stage,time [ps],temperature [K],potential_energy [eV],"))
      let units = try launcher.json("one/run.json")["thermo_units"] as? [String: String]
      #expect(units?["temperature"] == "K" && units?["pressure_tensor"] == "bar" && units?["maximum_force"] == "eV/Å")
      let wrong = try launcher.run("run", "deck.yaml", "--output", "two", "--set", "scan={}", "--set", "stages.0.dynamics.steps=x")
      #expect(wrong.code == 65 && wrong.errors.contains("--set stages.0.dynamics.steps=x"))
    }
  }
}
