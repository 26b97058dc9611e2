import Foundation
import MDCore
import MDSimulation
import MDTestSupport
import Testing

/// Values beside a deck, scans, runs that are extended, velocities of a crystal.
@Suite("Deck → numbers: scans and extensions") struct ScanKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  /// A crystal of argon at constant energy.
  static func argon(_ more: String, steps: Int = 10, every: Int = 5) -> String {
    """
    structure: {lattice: {type: fcc, constant: 5.27, species: [Ar], size: [3, 3, 3]}}
    potential: [{lennard_jones: {cutoff: 7.9, truncation: switched, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}]
    stages: [{dynamics: {steps: \(steps), timestep: 2 fs}}]
    output: {thermo: {every: \(every)}, trajectories: [{file: t.extxyz, every: \(every)}], checkpoints: {every: 20}}
    \(more)
    """
  }

  static let effects = [
    KeyEffect("scan") {
      let run = try DeckRun(
        ScanKeyTests.argon("scan: {velocities.temperature: [20, 40], stages.0.dynamics.steps: [2, 3]}\nvelocities: {temperature: 1}"))
      let table = CSVTable.rows(try run.read("run/scan.csv"))
      #expect(table.map { $0["velocities.temperature"] } == [20, 20, 40, 40])
      #expect(table.map { $0["step"] } == [2, 3, 2, 3])
      for (index, row) in table.enumerated() {
        let folder = "run/point-00\(index + 1)"
        let first = try #require(try run.thermo(folder).first)
        #expect(abs(first["temperature"]! - row["velocities.temperature"]!) < 1e-6)
        let last = try #require(try run.thermo(folder).last)
        #expect(abs(last["total_energy"]! - row["total_energy"]!) < 1e-9)
        let settings = try run.summary(folder)["settings"] as? [String] ?? []
        #expect(settings.contains("stages.0.dynamics.steps=\(index % 2 + 2)"))
      }
      // What is done is not done again; what is not is.
      try FileManager.default.removeItem(atPath: run.path("run/point-003"))
      let stamp = try run.read("run/point-001/run.json")
      try run.resume()
      #expect(try run.read("run/point-001/run.json") == stamp)
      let again = CSVTable.rows(try run.read("run/scan.csv"))
      #expect(again.map { $0["total_energy"]! } == table.map { $0["total_energy"]! })
      #expect(throws: FaultlineError.self, "a scan is not written over") {
        try run.run(ScanKeyTests.argon("scan: {seed: [1, 2]}"))
      }
    },
    KeyEffect("velocities.of_crystal") {
      let warm = try DeckRun(ScanKeyTests.argon("velocities: {temperature: 30, of_crystal: true}", steps: 2000, every: 10))
      let rows = try warm.thermo().compactMap { $0["temperature"] }
      #expect(abs(rows[0] - 60) < 1e-6, "twice at the start")
      let settled = rows.dropFirst(50)
      let mean = settled.reduce(0, +) / Double(settled.count)
      // 318 degrees of freedom and 3 ps: some per cent of noise and anharmonicity.
      #expect(abs(mean / 30 - 1) < 0.1, "\(mean) K for 30 K")
      #expect(!warm.log.contains("note: at constant energy"))
      let plain = try DeckRun(ScanKeyTests.argon("velocities: {temperature: 30}", steps: 1))
      #expect(abs(try #require(plain.thermo().first?["temperature"]) - 30) < 1e-6)
      #expect(plain.log.contains("note: at constant energy a crystal that was at rest will settle near 15.0 K"))
    },
  ]

  @Test("a value beside the deck does what it does in the deck") func settings() throws {
    let (beside, inside) = (try DeckRun(), try DeckRun())
    try beside.run(ScanKeyTests.argon("velocities: {temperature: 20}"), settings: ["stages.0.dynamics.steps=7", "seed=9", "velocities.temperature=30"])
    try inside.run(ScanKeyTests.argon("velocities: {temperature: 30}\nseed: 9", steps: 7))
    #expect(try beside.read("run/thermo.csv") == inside.read("run/thermo.csv"))
  }

  @Test(
    "mistakes beside the deck are told as such",
    arguments: [
      ("stages.0.dynamics.stepps=7", "unknown key `stepps`"), ("stages.1.dynamics.steps=7", "`stages` has no item 1"),
      ("stages.0.dynamics.steps=-7", "out of range: -7"), ("seed.x=1", "`seed` is 3, a value and no section"),
      ("seed", "no KEY=VALUE"), ("=3", "no KEY=VALUE"), ("stages..steps=3", "empty step"),
      ("stages.0.dynamics.timestep=3 parsec", "`parsec` is not a unit"), ("stages.0.dynamics.steps={", "--set"),
    ])
  func mistakes(_ setting: String, _ words: String) throws {
    let run = try DeckRun()
    #expect {
      try run.run(ScanKeyTests.argon("seed: 3"), settings: [setting])
    } throws: { "\($0)".contains("--set \(setting)") && "\($0)".contains(words) && ($0 as? FaultlineError)?.kind == .input }
    #expect(!run.exists("run"))
  }

  @Test(
    "scans that cannot be are refused before anything runs",
    arguments: [
      ("{seed: []}", "no list of values"), ("{seed: 3}", "no list of values"), ("[1]", "no section of keys"),
      ("{structure.lattice.size: [[1, 1, 1]]}", "one by one"), ("{scan.seed: [1]}", "cannot be scanned"),
      ("{seed: [1, -1]}", "out of range: -1"), ("{sed: [1]}", "unknown key `sed`"),
    ])
  func scanMistakes(_ scan: String, _ words: String) throws {
    let run = try DeckRun()
    #expect { try run.run(ScanKeyTests.argon("scan: \(scan)")) } throws: { "\($0)".contains(words) }
    #expect(!run.exists("run"))
  }

  @Test(
    "a run that is extended is the run that was so long from its start, to the bit",
    arguments: ["", ", thermostat: {nose_hoover: {temperature: 40}}", ", thermostat: {langevin: {temperature: 40}}"], [1, 2])
  func extended(_ thermostat: String, ranks: Int) throws {
    func deck(_ steps: Int) -> String {
      ScanKeyTests.argon("velocities: {temperature: 40}", steps: steps)
        .replacingOccurrences(of: "timestep: 2 fs", with: "timestep: 2 fs\(thermostat)")
    }
    let (short, long) = (try DeckRun(deck(20), ranks: ranks), try DeckRun(deck(60), ranks: ranks))
    try short.resume(extend: .steps(20), ranks: ranks)
    #expect(try short.summary()["steps_total"] as? Int == 40)
    try short.resume(extend: .time(0.04), ranks: ranks)
    for file in ["thermo.csv", "t.extxyz"] { #expect(try short.read("run/\(file)") == long.read("run/\(file)"), "\(file)") }
    #expect(try short.summary()["status"] as? String == "finished")
  }

  @Test("what cannot be extended is refused") func notExtended() throws {
    let stopped = try DeckRun(ScanKeyTests.argon("", steps: 40), limits: RunLimits(steps: 20))
    #expect { try stopped.resume(extend: .steps(5)) } throws: { "\($0)".contains("not finished") }
    let ramp = try DeckRun(
      ScanKeyTests.argon("").replacingOccurrences(
        of: "timestep: 2 fs", with: "timestep: 2 fs, thermostat: {langevin: {temperature: [10, 20]}}"))
    #expect { try ramp.resume(extend: .steps(5)) } throws: { "\($0)".contains("ramp") }
    #expect(RunExtension("10 ps") == .time(10) && RunExtension("250fs") == .time(0.25) && RunExtension("40") == .steps(40))
    for wrong in ["", "0", "-3", "3.5", "3 parsec", "ps"] { #expect(RunExtension(wrong) == nil, "\(wrong)") }
  }

  @Test("a relaxation is given more steps") func extendedRelaxation() throws {
    let deck = ScanKeyTests.argon("").replacingOccurrences(
      of: "dynamics: {steps: 10, timestep: 2 fs}", with: "minimize: {max_steps: 1, force_tolerance: 1e-7, cell: fixed}")
      .replacingOccurrences(of: "[3, 3, 3]", with: "[3, 3, 3], vacuum: [0, 0, 6]")
    let run = try DeckRun(deck)
    let before = try #require(run.thermo().last?["potential_energy"])
    try run.resume(extend: .steps(200))
    let rows = try run.thermo()
    #expect(rows.map { $0["step"]! } == rows.map { $0["step"]! }.sorted() && Set(rows.map { $0["step"]! }).count == rows.count)
    #expect(rows.last!["potential_energy"]! < before && rows.last!["maximum_force"]! < 1e-7)
  }
}
