import Foundation
import Testing

/// The batch scripts, with stand-ins for the commands of Slurm and PBS and, where a run's life is told, the real
/// program.
extension CommandLineTests {
  @Suite("Jobscripts")
  struct JobscriptTests {
    enum System: String, CaseIterable, Sendable {
      case slurm, pbs
      /// Of the test's job.
      var job: String { self == .slurm ? "100" : "100.server" }
      var lock: String { self == .slurm ? "slurm:alpha:" : "pbs::" }
    }

    /// A directory with the stand-ins. They note their arguments in `calls`; what the queue says stands in files.
    struct Site {
      let system: System
      let launcher: Launcher

      init(_ system: System, _ name: String) throws {
        self.system = system
        launcher = try Launcher("jobscript-\(system.rawValue)-\(name)")
        try FileManager.default.createDirectory(atPath: launcher.path("bin"), withIntermediateDirectories: true)
        let note = "#!/bin/bash\necho \"${0##*/} $*\" >>\"$SITE/calls\"\n"
        try tool("srun", note + "shift\nexec \"$@\"\n")
        try tool("mpirun", note + "shift 2\nexec \"$@\"\n")
        try tool("squeue", "#!/bin/bash\ncase $* in\n*%L*) cat \"$SITE/left\" ;;\n*) cat \"$SITE/queue\" ;;\nesac\n")
        try tool("qstat", "#!/bin/bash\ncase $* in\n-f*) cat \"$SITE/job\" ;;\n*) cat \"$SITE/queue\" ;;\nesac\n")
        for name in ["scontrol", "qsub"] { try tool(name, note) }
        // In place of the program where only its arguments count.
        try tool("program", note + "exit \"$(cat \"$SITE/code\")\"\n")
        try launcher.write("code", "0")
        try launcher.write("nodes", "n1\nn1\n")
        try launcher.write("queue", system == .slurm ? "100\n" : "100.server  user batch  faultline\n")
        try left("4:00:00")
      }

      private func tool(_ name: String, _ text: String) throws {
        let path = try launcher.write("bin/\(name)", text)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
      }

      /// The time that is left to the job, and for PBS the rest that qstat tells, one line folded as it does.
      func left(_ time: String) throws {
        try launcher.write("left", time + "\n")
        try launcher.write(
          "job",
          """
          Job Id: 100.server
              Account_Name = alloy
              project = metals
              queue = workq
              Resource_List.place = scatter:excl
              Resource_List.select = 2:ncpus=64:mpi
          \tprocs=64
              Resource_List.walltime = \(time)

          """)
      }

      func start(program: String = Launcher.binary) throws -> Launcher.Running {
        var environment = [
          "SITE": launcher.directory, "FAULTLINE": program,
          "PATH": launcher.path("bin") + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? ""),
        ]
        let script = Launcher.repository.appendingPathComponent("jobscripts/\(system.rawValue).sh").path
        switch system {
        case .slurm:
          environment.merge(["SLURM_JOB_ID": "100", "SLURM_CLUSTER_NAME": "alpha"]) { $1 }
          return try launcher.start(command: ["bash", script, "deck.yaml", "run"], environment: environment)
        case .pbs:
          environment.merge([
            "PBS_JOBID": "100.server", "PBS_O_WORKDIR": launcher.directory, "PBS_NODEFILE": launcher.path("nodes"),
            "DECK": "deck.yaml", "RUN": "run", "SCRIPT": script, "PBS_O_QUEUE": "batch",
          ]) { $1 }
          return try launcher.start(command: ["bash", script], environment: environment)
        }
      }

      /// Runs the script to its end; `calls` are those since the last.
      func run(program: String = Launcher.binary) throws -> (result: Launcher.Result, calls: String) {
        try? FileManager.default.removeItem(atPath: launcher.path("calls"))
        let result = try start(program: program).wait(timeout: 60)
        return (result, calls)
      }

      var calls: String { (try? launcher.read("calls")) ?? "" }
      /// Whether a successor has been queued.
      var goesOn: Bool {
        calls.contains(system == .slurm ? "scontrol requeue 100" : "qsub -W depend=afterany:100.server")
      }
    }

    private func deck(steps: Int, every: Int = 100) -> String {
      TestDecks.copper(
        stages: "  - dynamics: {steps: \(steps), timestep: 2 fs}", output: "  checkpoints: {every: \(every), keep: 2}")
    }

    @Test("start, limit, resume, finish, finished again, finished without checkpoints", arguments: System.allCases)
    func life(_ system: System) throws {
      let site = try Site(system, "life")
      defer { site.launcher.cleanUp() }
      try site.launcher.write("deck.yaml", deck(steps: 10_000_000))
      try site.left(system == .slurm ? "0:04" : "0:00:04")
      let first = try site.run()
      #expect(first.result.code == 0, "\(first.result.errors)")
      #expect(first.calls.contains("run deck.yaml --output run --max-time 2s"), "\(first.calls)")
      #expect(site.goesOn, "\(first.calls)")
      #expect(try site.launcher.json("run/run.json")["status"] as? String == "stopped")
      let second = try site.run()
      #expect(second.result.code == 0 && second.calls.contains("resume run --max-time 2s"), "\(second.calls)")
      #expect(site.goesOn)

      // To the end: a short run in its place.
      try FileManager.default.removeItem(atPath: site.launcher.path("run"))
      try site.launcher.write("deck.yaml", deck(steps: 200))
      try site.left("4:00:00")
      #expect(try site.run().result.code == 0)
      #expect(!site.goesOn)
      let thermo = try site.launcher.read("run/thermo.csv")
      let again = try site.run()
      #expect(again.result.code == 0 && again.calls.contains("resume run"), "\(again.result.errors)")
      #expect(!site.goesOn)
      try FileManager.default.removeItem(atPath: site.launcher.path("run/checkpoints"))
      let bare = try site.run()
      #expect(bare.result.code == 0 && bare.result.output.contains("finished"), "\(bare.result.errors)")
      #expect(bare.calls.isEmpty, "nothing is started: \(bare.calls)")
      #expect(try site.launcher.read("run/thermo.csv") == thermo)
    }

    @Test("signals of the queue give a checkpoint and a successor", arguments: System.allCases, [SIGUSR1, SIGTERM])
    func signals(_ system: System, _ signal: Int32) throws {
      let site = try Site(system, "signal-\(signal)")
      defer { site.launcher.cleanUp() }
      try site.launcher.write("deck.yaml", deck(steps: 10_000_000))
      let running = try site.start()
      try #require(site.launcher.waitFor("run/checkpoints/step-000000000100.checkpoint"))
      kill(running.pid, signal)
      let result = running.wait(timeout: 60)
      #expect(result.code == 0 && result.output.contains("SIGUSR1 received"), "\(result.output)\(result.errors)")
      #expect(site.goesOn)
    }

    @Test("what was killed before the first checkpoint is not thrown away", arguments: System.allCases)
    func killed(_ system: System) throws {
      let site = try Site(system, "killed")
      defer { site.launcher.cleanUp() }
      try site.launcher.write("deck.yaml", deck(steps: 200, every: 100_000))
      #expect(try site.run().result.code == 0)
      // As a kill leaves it: rows, no checkpoint, and run.json of the start.
      try FileManager.default.removeItem(atPath: site.launcher.path("run/checkpoints"))
      try site.launcher.write("run/run.json", "{\"status\" : \"running\", \"steps_total\" : 0}")
      let thermo = try site.launcher.read("run/thermo.csv")
      let next = try site.run()
      #expect(next.result.code == 65 && next.result.errors.contains("already holds a run"), "\(next.result.errors)")
      #expect(try site.launcher.read("run/thermo.csv") == thermo && !site.goesOn)
      // Nothing but the start: that may be replaced.
      let start = thermo.split(separator: "\n").prefix(2).joined(separator: "\n") + "\n"
      try site.launcher.write("run/thermo.csv", start)
      #expect(try site.run().result.code == 0)
      #expect(try site.launcher.read("run/thermo.csv") == thermo)
    }

    @Test("an error ends the chain with its exit code", arguments: System.allCases)
    func error(_ system: System) throws {
      let site = try Site(system, "error")
      defer { site.launcher.cleanUp() }
      try site.launcher.write("deck.yaml", deck(steps: 200).replacingOccurrences(of: "fcc", with: "fvc"))
      let result = try site.run()
      #expect(result.result.code == 65 && !site.goesOn, "\(result.result.errors)")
      // Stopped, but without a checkpoint: the next would not get on either.
      try site.launcher.write("code", "75")
      let stuck = try site.run(program: site.launcher.path("bin/program"))
      #expect(stuck.result.code == 1 && !site.goesOn && stuck.result.errors.contains("too short"))
    }

    @Test("a missing program or script is told at once", arguments: System.allCases)
    func missing(_ system: System) throws {
      let site = try Site(system, "missing")
      defer { site.launcher.cleanUp() }
      let result = try site.run(program: "/nowhere/faultline")
      #expect(result.result.code == 1 && result.result.errors.contains("/nowhere/faultline") && result.calls.isEmpty)
    }

    @Test("a lock of a job that the queue no longer knows is no obstacle", arguments: System.allCases, [
      ("100", true), ("99", true), ("98", false),
    ])
    func lostNode(_ system: System, _ lock: (owner: String, isOver: Bool)) throws {
      let (owner, isOver) = lock
      let site = try Site(system, "lost")
      defer { site.launcher.cleanUp() }
      // Job 98 runs, 99 is gone, 100 is the job itself, started again.
      let suffix = system == .slurm ? "" : ".server"
      try site.launcher.write("queue", system == .slurm ? "98\n100\n" : "98.server u batch f\n100.server u batch f\n")
      try FileManager.default.createDirectory(atPath: site.launcher.path("run"), withIntermediateDirectories: true)
      try site.launcher.write("deck.yaml", deck(steps: 50))
      try site.launcher.write(
        "run/run.lock", "host lost\nprocess 5\nboot x\njob \(system.lock)\(owner)\(suffix)\n")
      let result = try site.run().result
      #expect(result.code == (isOver ? 0 : 65), "\(result.errors)")
      let log = (try? site.launcher.read("run/log.txt")) ?? ""
      #expect(log.contains("took over the run directory from process 5 on lost") == isOver, "\(log)")
    }

    @Test("forms of the time that Slurm leaves", arguments: [
      ("10:00", "300"), ("20:00", "600"), ("20:01", "601"), ("1:00:00", "3000"), ("09:08:07", "32287"),
      ("2-01:00:00", "175800"), ("0:30", "15"), ("UNLIMITED", nil), ("INVALID", nil),
    ] as [(String, String?)])
    func timeLeft(_ text: String, _ seconds: String?) throws {
      let site = try Site(.slurm, "left")
      defer { site.launcher.cleanUp() }
      try site.left(text)
      let calls = try site.run(program: site.launcher.path("bin/program")).calls
      if let seconds {
        #expect(calls.contains("program run deck.yaml --output run --max-time \(seconds)s\n"), "\(text): \(calls)")
      } else {
        #expect(calls.contains("program run deck.yaml --output run\n"), "\(text): \(calls)")
      }
    }

    @Test("the successor of a PBS job has its resources, place, queue, account and project")
    func successor() throws {
      let site = try Site(.pbs, "successor")
      defer { site.launcher.cleanUp() }
      try site.left("09:08:07")
      try site.launcher.write("code", "75")
      try FileManager.default.createDirectory(
        atPath: site.launcher.path("run/checkpoints"), withIntermediateDirectories: true)
      // The stand-in of the program leaves a checkpoint.
      let program = try site.launcher.write(
        "bin/stopping", "#!/bin/bash\necho \"$*\" >\"$SITE/given\"\ntouch run/checkpoints/step-1.checkpoint\nexit 75\n")
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
      let calls = try site.run(program: program).calls
      #expect(try site.launcher.read("given").contains("--max-time 32287s"))
      let line = try #require(calls.split(separator: "\n").first { $0.hasPrefix("qsub") }, "\(calls)")
      for part in [
        "-W depend=afterany:100.server", "-l walltime=09:08:07", "-l select=2:ncpus=64:mpiprocs=64",
        "-l place=scatter:excl", "-q batch", "-A alloy", "-P metals",
        "-v DECK=deck.yaml,RUN=run,FAULTLINE=\(program),SCRIPT=",
      ] {
        #expect(line.contains(part), "\(part) in: \(line)")
      }
      #expect(calls.contains("mpirun -n 2 "), "one rank a line of the node file")
    }

    @Test("lines of the scripts are not long")
    func lines() throws {
      for system in System.allCases {
        let file = Launcher.repository.appendingPathComponent("jobscripts/\(system.rawValue).sh")
        let long = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { $0.count > 120 }
        #expect(long.isEmpty, "\(long)")
      }
    }
  }
}
