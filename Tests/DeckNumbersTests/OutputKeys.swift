import Foundation
import MDCore
import MDIO
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// Keys of `output`: what is written when, and in which columns.
@Suite("Deck → numbers: output") struct OutputKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let base = """
    structure: {file: {path: start.extxyz}}
    potential: \(ThermoTests.rareGasDeck)

    """
  static let files = ["start.extxyz": Sample.text(Sample.crystal(["Ar", "Kr"], spacing: 3.6))]

  static func run(_ output: String, steps: Int = 20, ranks: Int = 1) throws -> DeckRun {
    try DeckRun(
      base + "stages: [{dynamics: {steps: \(steps)}}]\noutput: {\(output)}", files: files, ranks: ranks)
  }

  static func checkpoints(_ run: DeckRun, _ output: String = "run") throws -> [Int] {
    try FileManager.default.contentsOfDirectory(atPath: run.path("\(output)/checkpoints")).sorted()
      .compactMap { Int($0.filter(\.isNumber)) }
  }

  static let effects = [
    KeyEffect("output.directory", "output.overwrite") {
      let run = try DeckRun(files: files)
      func start(_ output: String, steps: Int) throws {
        try run.write(
          "deck.yaml",
          base + "stages: [{dynamics: {steps: \(steps)}}]\noutput: {directory: \(run.path("here")), \(output)}")
        try run.start("deck.yaml")
      }
      try start("overwrite: false", steps: 2)
      #expect(try run.summary("here")["steps"] as? Int == 2)
      let error = #expect(throws: FaultlineError.self) { try start("overwrite: false", steps: 3) }
      #expect("\(error.map { "\($0)" } ?? "")".contains("already holds a run"))
      #expect(try run.summary("here")["steps"] as? Int == 2)
      try start("overwrite: true", steps: 4)
      #expect(try run.summary("here")["steps"] as? Int == 4)
    },
    KeyEffect("output.report") {
      for (text, isThere) in [("report: true", true), ("report: false", false), ("", false)] {
        let run = try run(text)
        let page = run.path("run/report.html")
        #expect(FileManager.default.fileExists(atPath: page) == isThere)
        guard isThere else { continue }
        let final = try #require(run.summary()["final_thermo"] as? [String: Any])
        let energy = try #require(final["potential_energy"] as? Double)
        #expect(try String(contentsOfFile: page, encoding: .utf8).contains("<data value=\"\(energy)\">"))
      }
    },
    KeyEffect("output.thermo.every") {
      for (text, steps) in [("thermo: {every: 6}", [0, 6, 12, 18, 20]), ("thermo: {every: 50}", [0, 20])] {
        let rows = try run(text).thermo()
        #expect(rows.map { Int($0["step"] ?? -1) } == steps)
      }
      let usual = try run("", steps: 205).thermo()
      #expect(usual.map { $0["step"] } == [0, 100, 200, 205])
    },
    KeyEffect("output.thermo.columns") {
      let some = try run("thermo: {every: 4, columns: [pyz, temperature, lx]}")
      let all = try run("thermo: {every: 4}")
      #expect(try some.thermoHeader() == ["step", "stage", "pyz", "temperature", "lx"])
      for (a, b) in zip(try some.thermo(), try all.thermo()) {
        for name in ["step", "stage", "pyz", "temperature", "lx"] { #expect(a[name] == b[name]) }
      }
    },
    KeyEffect("output.thermo.figures") {
      let problem = ChargeProblem(structure: CoulombKeyTests.salt)
      for (text, hasFigures) in [("", true), ("thermo: {figures: true}", true), ("thermo: {figures: false}", false)] {
        let run = try DeckRun(
          "structure: {file: {path: in.extxyz}}\npotential: [\(problem.qeq(""))]\n"
            + "stages: [{dynamics: {steps: 1}}]\noutput: {\(text)}",
          files: ["in.extxyz": Sample.text(problem.structure)])
        let extra = Set(try run.thermoHeader()).subtracting(ThermoTests.columns)
        #expect(extra == (hasFigures ? ["charge_iterations", "charge_residual", "total_charge"] : []))
      }
    },
    KeyEffect(in: "output.trajectories", "file", "every", "format", "columns", "unwrapped") {
      try TrajectoryTests().integratedByTheTest(ranks: 1)
      try TrajectoryTests().dumps()
    },
    KeyEffect("output.writers") {
      // More than one piece of each file, whose bytes do not show who wrote them.
      let many = """
        structure: {lattice: {type: fcc, constant: 5.3, species: [Ar], size: [33, 33, 33]}}
        potential: [{lennard_jones: {cutoff: 6.0, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
        velocities: {temperature: 20}
        stages: [{dynamics: {steps: 1}}]
        output:
          trajectories:
            - {file: a.extxyz, every: 1, columns: [velocities]}
            - {file: b.dump.gz, every: 1}

        """
      var first: [Data] = []
      for (key, writers) in [("", [0, 1, 2]), ("  writers: 1\n", [0]), ("  writers: 2\n", [0, 1])] {
        let run = try DeckRun(many + key, ranks: 3)
        #expect(try run.summary()["writers"] as? [Int] == writers)
        #expect(run.log.contains("of which \(writers.count) write"))
        let files = try ["a.extxyz", "b.dump.gz", "checkpoints/step-000000000001.checkpoint"].map { name in
          try Data(contentsOf: URL(fileURLWithPath: run.path("run/" + name)))
        }
        #expect(files[2].count > 143_748 * 100)
        // The checkpoint holds the deck.
        if first.isEmpty { first = files }
        #expect(files[0] == first[0] && files[1] == first[1], "\(key)")
        try run.resume(extend: RunExtension("1"), ranks: 2)
        #expect(run.outcome == .finished)
        if writers.count == 2 { try refusesIdsAgain(run) }
      }
    },
    KeyEffect(in: "output.checkpoints", "every", "keep") {
      #expect(try checkpoints(run("checkpoints: {every: 6, keep: 2}")) == [18, 20])
      #expect(try checkpoints(run("checkpoints: {every: 5, keep: 10}", ranks: 2)) == [5, 10, 15, 20])
      #expect(try checkpoints(run("checkpoints: {every: 3}")) == [18, 20])
      #expect(try checkpoints(run("")) == [20])
      let listed = try run("checkpoints: {every: 8, keep: 2}")
      let paths = try #require(listed.summary()["checkpoints"] as? [String])
      #expect(paths.map { Int(($0 as NSString).lastPathComponent.filter(\.isNumber)) } == [16, 20])
    },
  ]

  /// Ids must ascend from one chunk of a checkpoint to the next, which another rank reads.
  private static func refusesIdsAgain(_ run: DeckRun) throws {
    let reader = try CheckpointStore(run.path("run/checkpoints")).openNewest()
    let writer = try CheckpointWriter(reader.path)
    for section in reader.sections {
      var bytes = [UInt8](repeating: 0, count: section.count * section.stride)
      try bytes.withUnsafeMutableBytes {
        try reader.read(section.name, section.element, rows: 0..<section.count, into: $0)
      }
      if section.name == "id@131072" { bytes.replaceSubrange(0..<8, with: [7, 0, 0, 0, 0, 0, 0, 0]) }
      writer.begin(section.name, section.element, width: section.width, count: section.count)
      try bytes.withUnsafeBytes { try writer.append($0) }
      writer.end()
    }
    try writer.commit()
    let error = #expect(throws: FaultlineError.self) { try run.resume(extend: RunExtension("1"), ranks: 2) }
    #expect(error?.description.contains("the atom id 7 in row 0") == true, "\(error?.description ?? "no error")")
  }

  /// Two parts are the run in one part, row by row and frame by frame; each start counts its own steps.
  @Test func limitsAndResume() throws {
    let deck =
      Self.base + """
        velocities: {temperature: 40}
        stages:
          - dynamics: {steps: 12, thermostat: {langevin: {temperature: [40, 90], damping: 0.05}}}
          - dynamics: {steps: 8, timestep: 2 fs}
        output:
          thermo: {every: 3}
          trajectories: [{file: t.extxyz, every: 4, columns: [velocities]}]
          checkpoints: {every: 7, keep: 9}
        """
    let run = try DeckRun(files: Self.files)
    try run.run(deck, output: "one", ranks: 2)
    try run.run(deck, output: "parts", ranks: 2, limits: RunLimits(steps: 7))
    #expect(run.outcome == .stopped("--max-steps is reached"))
    #expect(try run.summary("parts")["status"] as? String == "stopped")
    #expect(try Self.checkpoints(run, "parts") == [7])
    try run.resume("parts", ranks: 2, limits: RunLimits(steps: 7))
    var summary = try run.summary("parts")
    #expect(summary["steps"] as? Int == 7 && summary["steps_total"] as? Int == 14)
    try run.resume("parts", ranks: 2)
    summary = try run.summary("parts")
    #expect(summary["steps"] as? Int == 6 && summary["steps_total"] as? Int == 20 && run.outcome == .finished)
    #expect(try run.read("one/thermo.csv") == run.read("parts/thermo.csv"))
    #expect(try run.read("one/t.extxyz") == run.read("parts/t.extxyz"))
    // No time at all: after the first step.
    try run.run(deck, output: "late", limits: RunLimits(seconds: 0))
    #expect(run.outcome == .stopped("the time limit is reached"))
    #expect(try run.summary("late")["steps_total"] as? Int == 1)
  }
}
