import Foundation
import MDIO
import Testing

/// What batch jobs meet: two jobs on one run directory, lost nodes, foreign launchers, signals, limits.
extension CommandLineTests {
  @Suite("Jobs")
  struct JobTests {
    private static let long = TestDecks.copper(
      stages: "  - dynamics: {steps: 10000000, timestep: 2 fs}", output: "  checkpoints: {every: 100, keep: 2}")

    private func exists(_ launcher: Launcher, _ name: String) -> Bool {
      FileManager.default.fileExists(atPath: launcher.path(name))
    }

    /// A run that has written some rows and a checkpoint.
    private func started(_ launcher: Launcher) throws -> Launcher.Running {
      let running = try launcher.start(["run", "deck.yaml"])
      try #require(launcher.waitFor("run/checkpoints/step-000000000100.checkpoint"))
      return running
    }

    // MARK: Two jobs on one run directory

    @Test("a second run or resume on a run directory is refused and disturbs nothing")
    func second() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.long)
      let first = try started(launcher)
      for arguments in [["run", "deck.yaml", "--overwrite"], ["resume", "run"]] {
        for ranks in [nil, 2] {
          let other = try launcher.start(ranks: ranks, arguments).wait()
          #expect(other.code == 65, "\(arguments): \(other.errors)")
          #expect(other.errors.contains("in use by process \(first.pid) on "), "\(other.errors)")
        }
      }
      kill(first.pid, SIGTERM)
      #expect(first.wait().code == 75)
      #expect(!exists(launcher, "run/run.lock"), "released at the end")
      let steps = try launcher.thermo("run/thermo.csv").compactMap { $0["step"] }
      #expect(steps == steps.indices.map { Double($0 * 10) }, "no row is missing, twice or torn")
      let resumed = try launcher.run("resume", "run", "--max-steps", "5")
      #expect(resumed.code == 75, "\(resumed.errors)")
    }

    @Test("a run that was killed leaves a lock that the next start takes over with a note")
    func killed() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.long)
      let first = try started(launcher)
      kill(first.pid, SIGKILL)
      #expect(first.wait().code == 128 + SIGKILL)
      #expect(exists(launcher, "run/run.lock"))
      let resumed = try launcher.run(ranks: 2, "resume", "run", "--max-steps", "5")
      #expect(resumed.code == 75, "\(resumed.errors)")
      #expect(try launcher.read("run/log.txt").contains("took over the run directory from process \(first.pid)"))
      #expect(!exists(launcher, "run/run.lock"))
    }

    @Test("an error releases the directory", arguments: ["failed", "refused"])
    func released(_ how: String) throws {
      let launcher = try Launcher("released-\(how)")
      defer { launcher.cleanUp() }
      let steps = how == "failed" ? "{steps: 5000, timestep: 500 fs}" : "{steps: 5}"
      try launcher.write("deck.yaml", TestDecks.copper(stages: "  - dynamics: \(steps)"))
      if how == "failed" {
        #expect(try launcher.run(ranks: 2, "run", "deck.yaml").code == 70)
      } else {
        #expect(try launcher.run("run", "deck.yaml").code == 0)
        #expect(try launcher.run(ranks: 2, "run", "deck.yaml").code == 65)
      }
      #expect(!exists(launcher, "run/run.lock"))
    }

    @Test("a run whose directory has been taken away ends without writing")
    func lost() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.long)
      let first = try started(launcher)
      // The lock first: run.json may be written at any moment before.
      try launcher.write("run/run.lock", "host elsewhere\nprocess 1\n")
      try launcher.write("run/run.json", "{\"status\": \"of another\"}\n")
      let result = first.wait(timeout: 30)
      #expect(result.code == 70, "\(result.errors)")
      #expect(result.errors.contains("no longer this run's") && result.errors.contains("elsewhere"), "\(result.errors)")
      // What it had begun to write when it lost the lock may come, its end may not.
      #expect(try launcher.read("run/run.json").contains("failed") == false)
      #expect(try launcher.read("run/run.lock").contains("elsewhere"))
    }

    @Test("after a lost node the same Slurm job goes on by itself, others when told that it is over")
    func lostNode() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.long)
      #expect(try launcher.run("run", "deck.yaml", "--max-steps", "100").code == 75)
      func resume(_ environment: [String: String], _ more: String...) throws -> Launcher.Result {
        let lock = "host lost\nprocess 5\nboot x\nguarded yes\njob slurm:alpha:12\nrestarts 0\n"
        try launcher.write("run/run.lock", lock)
        return try launcher.start(["resume", "run", "--max-steps", "1"] + more, environment: environment).wait()
      }
      func job(_ id: Int, restarts: Int) -> [String: String] {
        ["SLURM_JOB_ID": "\(id)", "SLURM_CLUSTER_NAME": "alpha", "SLURM_RESTART_COUNT": "\(restarts)"]
      }
      let other = try resume(job(13, restarts: 3))
      #expect(other.code == 65 && other.errors.contains("--ended-job 12"), "\(other.errors)")
      #expect(try resume(job(12, restarts: 0)).code == 65)
      #expect(try resume([:]).code == 65)
      let again = try resume(job(12, restarts: 1))
      #expect(again.code == 75, "\(again.errors)")
      #expect(try resume(job(13, restarts: 0), "--ended-job", "12").code == 75)
      #expect(try resume([:], "--ended-job", "1").code == 65)
    }

    // MARK: Copies

    @Test("copies that each think they are alone are refused in one voice")
    func copies() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", TestDecks.copper(stages: "  - dynamics: {steps: 5}"))
      for rank in 0..<3 {
        let environment = ["SLURM_STEP_NUM_TASKS": "3", "SLURM_PROCID": "\(rank)", "SLURM_NTASKS": "3"]
        let result = try launcher.run("run", "deck.yaml", environment: environment)
        #expect(result.code == 64, "\(result.errors)")
        #expect(result.errors.contains("3 copies") == (rank == 0) && result.output.isEmpty, "\(result.errors)")
        #expect(!exists(launcher, "run"))
      }
      let serial = try launcher.run("run", "deck.yaml", environment: ["SLURM_NTASKS": "3", "SLURM_PROCID": "0"])
      #expect(serial.code == 0, "\(serial.errors)")
    }

    // MARK: What may be written over

    @Test("only a run that never got beyond its start is replaced", arguments: [
      ("failed after no step", "{\"status\": \"failed\", \"steps_total\": 0}", "step,time\n0,0\n", true),
      ("killed after no step", "{\"status\": \"running\", \"steps_total\": 0}", "step,time\n", true),
      ("killed before run.json", nil, "step,time\n0,0\n", true),
      ("killed after rows", "{\"status\": \"running\", \"steps_total\": 0}", "step,time\n0,0\n10,1\n", false),
      ("killed after rows, one torn", "{\"status\": \"running\", \"steps_total\": 0}", "step,time\n0,0\n1", false),
      ("failed later", "{\"status\": \"failed\", \"steps_total\": 7}", "step,time\n0,0\n", false),
      ("finished", "{\"status\": \"finished\", \"steps_total\": 0}", "step,time\n0,0\n", false),
      ("stopped", "{\"status\": \"stopped\", \"steps_total\": 5}", nil, false),
      ("run.json damaged", "{\"status\": ", nil, false), ("rows only", nil, "step,time\n0,0\n500,1\n", false),
    ] as [(String, String?, String?, Bool)])
    func unstarted(_ name: String, _ summary: String?, _ thermo: String?, _ mayBeReplaced: Bool) throws {
      let launcher = try Launcher("unstarted")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", TestDecks.copper(stages: "  - dynamics: {steps: 5}"))
      try FileManager.default.createDirectory(
        atPath: launcher.path("run/checkpoints"), withIntermediateDirectories: true)
      if let summary { try launcher.write("run/run.json", summary) }
      if let thermo { try launcher.write("run/thermo.csv", thermo) }
      let check = try launcher.run("check", "deck.yaml")
      let result = try launcher.run("run", "deck.yaml")
      #expect(result.code == (mayBeReplaced ? 0 : 65), "\(name): \(result.errors)")
      #expect(check.code == result.code, "\(name): check says the same")
      if mayBeReplaced {
        #expect(try launcher.json("run/run.json")["status"] as? String == "finished")
      } else {
        #expect(result.errors.contains("already holds a run"), "\(result.errors)")
        if let thermo { #expect(try launcher.read("run/thermo.csv") == thermo) }
        #expect(try launcher.run("run", "deck.yaml", "--overwrite").code == 0)
      }
    }

    @Test("a run that was killed after frames, before rows and checkpoints, is not replaced")
    func framesOnly() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      let deck = TestDecks.copper(
        stages: "  - dynamics: {steps: 10000000}",
        output: "  trajectories: [{file: t.extxyz, every: 5}]\n  checkpoints: {every: 10000000}")
      let rare = deck.replacingOccurrences(of: "thermo: {every: 10}", with: "thermo: {every: 1000000}")
      try launcher.write("deck.yaml", rare)
      let running = try launcher.start(["run", "deck.yaml"])
      for _ in 0..<1000 {
        if ((try? launcher.json("run/run.json")["steps_total"]) as? Int ?? 0) > 0 { break }
        usleep(10_000)
      }
      kill(running.pid, SIGKILL)
      _ = running.wait()
      let again = try launcher.run("run", "deck.yaml")
      #expect(again.code == 65 && again.errors.contains("already holds a run"), "\(again.errors)")
    }

    // MARK: Signals and limits

    @Test("nohup's runs outlive their terminal")
    func nohup() throws {
      let launcher = try Launcher()
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.long)
      let running = try launcher.start(command: ["env", "--ignore-signal=HUP", Launcher.binary, "run", "deck.yaml"])
      try #require(launcher.waitFor("run/checkpoints/step-000000000100.checkpoint"))
      kill(running.pid, SIGHUP)
      usleep(300_000)
      #expect(try launcher.json("run/run.json")["status"] as? String == "running")
      kill(running.pid, SIGTERM)
      let result = running.wait()
      #expect(result.code == 75 && result.output.contains("SIGTERM"), "\(result.errors)")
    }

    @Test("a time that is none is wrong usage", arguments: [
      "nan", "inf", "-inf", "1e400", "0", "-5", "-1:30", "1:-30", "1:99:00", "1:30:75", "0:00:00", "0x10", "1e3",
      "3h3h", "5m2h", "h", "3.h.", "99999999999", "2000d", "1:2:3:4", "1-30:00:00", "1-5", "١h", " 5",
    ])
    func noTime(_ text: String) throws {
      let launcher = try Launcher("time")
      defer { launcher.cleanUp() }
      let result = try launcher.run("resume", "absent", "--max-time=\(text)")
      #expect(result.code == 64 && result.errors.contains("is no time"), "\(text): \(result.errors)")
    }

    @Test("forms of a time", arguments: [
      "3h50m", "90m", "45s", "1d12h", "1:30:00", "90:00", "1-12:00:00", "5400", "0.5", "2.5h", "100:00:00",
    ])
    func times(_ text: String) throws {
      let launcher = try Launcher("time")
      defer { launcher.cleanUp() }
      let result = try launcher.run("resume", "absent", "--max-time=\(text)")
      #expect(result.code == 65 && result.errors.contains("absent"), "\(text): \(result.errors)")
    }

    @Test("units of a time are what they say", arguments: [("0:02", 2.0), ("0.05m", 3), ("2s", 2)])
    func lasts(_ text: String, _ seconds: Double) throws {
      let launcher = try Launcher("lasts")
      defer { launcher.cleanUp() }
      try launcher.write("deck.yaml", Self.long)
      let result = try launcher.run("run", "deck.yaml", "--max-time", text)
      #expect(result.code == 75, "\(result.errors)")
      #expect(result.seconds > seconds && result.seconds < seconds + 10, "\(text) took \(result.seconds)")
    }
  }
}
