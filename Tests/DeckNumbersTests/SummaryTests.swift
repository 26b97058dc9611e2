import Foundation
import MDCore
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// Every key of run.json: counts by brute force, times against a clock outside.
@Suite("Deck → numbers: run.json") struct SummaryTests {
  static let deck = """
    title: All of it
    structure: {file: {path: start.extxyz}}
    potential: \(ThermoTests.rareGasDeck)
    stages: [{minimize: {method: fire, max_steps: 30, force_tolerance: 1e-9}}, {dynamics: {steps: 170, timestep: 0.5 fs}}]
    output: {thermo: {every: 40}, checkpoints: {every: 100, keep: 5}}
    """

  @Test(arguments: [1, 2]) func everyKey(ranks: Int) throws {
    let start = Sample.crystal(["Ar", "Kr"], spacing: 3.6)
    let before = Date()
    let run = try DeckRun(Self.deck, files: ["start.extxyz": Sample.text(start)], ranks: ranks)
    let summary = try run.summary()
    #expect(
      Set(summary.keys) == [
        "status", "version", "title", "deck", "started", "ranks", "grid", "atoms", "species", "potentials", "steps",
        "steps_total", "loop_seconds", "setup_seconds", "us_per_atom_step", "stages", "phases", "peak_rss_bytes",
        "neighbors", "warnings", "checkpoints", "final_thermo", "thermo_units", "settings",
        "potential_files", "writers", "phases_slowest_rank", "atoms_per_rank",
      ], "keys that nobody checks, or that are missing")
    func number(_ key: String) throws -> Double { try #require((summary[key] as? NSNumber)?.doubleValue, "\(key)") }
    func text(_ key: String) -> String { summary[key] as? String ?? "" }

    #expect(text("status") == "finished" && text("version") == faultlineVersion && text("title") == "All of it")
    #expect(text("deck") == run.path("run.yaml"))
    let started = try #require(ISO8601DateFormatter().date(from: text("started")))
    // Whole seconds.
    #expect(started.timeIntervalSince(before) > -1.5 && started.timeIntervalSinceNow < 0.5)
    #expect(try number("ranks") == Double(ranks) && number("atoms") == 8)
    #expect((summary["grid"] as? [Int])?.reduce(1, *) == ranks)
    #expect(summary["species"] as? [String] == ["Ar", "Kr"])
    #expect(summary["potentials"] as? [String] == ["lennard_jones"])
    #expect(try number("steps") == 200 && number("steps_total") == 200)
    let checkpoints = summary["checkpoints"] as? [String] ?? []
    // Every 100 steps, and at the end of each stage.
    #expect(checkpoints.compactMap { Int(($0 as NSString).lastPathComponent.filter(\.isNumber)) } == [30, 100, 200])
    #expect(checkpoints.allSatisfy { FileManager.default.fileExists(atPath: $0) })

    // Times: what the clock outside saw is setup, loop and the last checkpoint.
    let (loop, setup) = (try number("loop_seconds"), try number("setup_seconds"))
    #expect(loop > 0 && setup > 0 && loop + setup <= run.seconds)
    // Not most of so short a run on a busy machine, but no small part of it either.
    #expect(loop + setup > 0.2 * run.seconds, "\(loop), \(setup) of \(run.seconds) s")
    #expect(isClose(try number("us_per_atom_step"), loop * 1e6 / 200 / 8, 1e-12))
    let stages = try #require(summary["stages"] as? [[String: Any]])
    #expect(stages.map { $0["stage"] as? Int } == [1, 2] && stages.map { $0["steps"] as? Int } == [30, 170])
    let staged = stages.compactMap { $0["seconds"] as? Double }
    #expect(staged.count == 2)
    #expect(stages.map { $0["kind"] as? String } == ["minimize", "dynamics"] && stages.map { $0["name"] as? String } == ["minimize 1", "dynamics 2"])
    // With the checkpoint that ends a stage.
    #expect(staged.reduce(0, +) >= 0.99 * loop && staged.reduce(0, +) <= run.seconds)
    #expect(staged.allSatisfy { $0 > 0 })
    let phases = try #require(summary["phases"] as? [String: Double])
    #expect(
      Set(phases.keys) == ["integrate", "neighbors", "communication", "potential", "long range", "analysis", "output"])
    #expect(phases.values.allSatisfy { $0 >= 0 } && phases["long range"] == 0 && phases["potential"]! > 0)
    #expect(abs(phases.values.reduce(0, +) - loop) < 0.05 * loop + 2e-3, "\(phases), \(loop)")
    let slowest = try #require(summary["phases_slowest_rank"] as? [String: Double])
    #expect(slowest.keys == phases.keys && phases.allSatisfy { slowest[$0.key]! >= $0.value })
    #expect(ranks > 1 || slowest == phases)
    #expect(summary["writers"] as? [Int] == Array(0..<ranks) && (summary["potential_files"] as? [String]) == [])
    let shares = try #require(summary["atoms_per_rank"] as? [String: Double])
    #expect(shares["mean"] == 8 / Double(ranks) && shares["fewest"]! + (ranks > 1 ? shares["most"]! : 0) == 8)
    #expect(run.log.contains("balance: the fullest rank has \(String(format: "%.2f", shares["most"]! / shares["mean"]!)) times") == (ranks > 1))
    let peaks = try #require(summary["peak_rss_bytes"] as? [Double])
    #expect(peaks.count == ranks)
    // Ranks are threads of this process here.
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    // Never has more been resident than the process ever had; the kernel counts pages in batches.
    let most = 1024 * Double(usage.ru_maxrss) + 4e6
    for peak in peaks { #expect(peak > 4e6 && peak <= most, "\(peak), \(most)") }

    // The last row of thermo.csv.
    let last = try #require(run.thermo().last)
    let final = try #require(summary["final_thermo"] as? [String: Any])
    for (key, value) in final where !["pressure_tensor", "lengths", "figures"].contains(key) {
      // Energies are read to the last bit but one, others have ten digits.
      #expect(isClose((value as? Double) ?? .nan, last[key] ?? .nan, key.hasSuffix("energy") ? 1e-15 : 1e-9), "\(key)")
    }
    #expect(final.count == 13 || final.count == 14)
    for (key, columns) in [
      ("pressure_tensor", ["pxx", "pyy", "pzz", "pyz", "pxz", "pxy"]), ("lengths", ["lx", "ly", "lz"]),
    ] {
      let values = final[key] as? [Double] ?? []
      #expect(values.count == columns.count)
      for (value, column) in zip(values, columns) { #expect(isClose(value, last[column] ?? .nan, 1e-9), "\(column)") }
    }
  }

  /// Pairs and ghosts by brute force, for lists that were built at the start and never again.
  @Test(arguments: [1, 2, 4]) func neighbors(ranks: Int) throws {
    for (periodic, grid) in [(Periodicity.all, [1, 1, ranks]), (Periodicity(true, true, false), [1, ranks, 1])] {
      let start = Sample.crystal(["Ar", "Kr"], spacing: 3.6, cells: [2, 2, 2], periodic: periodic, speed: 0)
      let run = try DeckRun(
        """
        structure: {file: {path: start.extxyz}}
        potential: \(ThermoTests.rareGasDeck)
        neighbors: {skin: 0.7}
        decomposition: {grid: \(grid)}
        stages: [{dynamics: {steps: 2, timestep: 0.01 fs}}]
        """, files: ["start.extxyz": Sample.text(start)], ranks: ranks)
      let neighbors = try #require(run.summary()["neighbors"] as? [String: Int])
      var pairs = 0
      let reach = 8.2
      PairSum.forEach(start, reach: reach) { _, _, _ in pairs += 1 }
      #expect(neighbors["neighbors"] == pairs / 2)
      #expect(neighbors["rebuilds"] == 1)
      // Half lists give each atom about half of its neighbours.
      let row = try #require(neighbors["maximum_neighbors"])
      #expect(row >= pairs / 2 / start.count && row <= pairs / start.count)
      #expect(neighbors["ghosts"] == ghosts(start, reach: reach, grid: grid))
    }
  }

  /// Images within `reach` of each brick that are not its own atoms.
  private func ghosts(_ s: Structure, reach: Double, grid: [Int]) -> Int {
    let box = s.box
    let width = (0..<3).map { reach / box.heights[$0] }
    let places = s.positions.map { r -> Vector3 in
      var t = box.fractional(r)
      for k in 0..<3 where box.periodic[k] { t[k] -= t[k].rounded(.down) }
      return t
    }
    var count = 0
    let n = (0..<3).map { box.periodic[$0] ? Int(width[$0].rounded(.up)) : 0 }
    for a in 0..<grid[0] {
      for b in 0..<grid[1] {
        for c in 0..<grid[2] {
          let brick = [a, b, c]
          let low = (0..<3).map { Double(brick[$0]) / Double(grid[$0]) }
          let high = (0..<3).map { Double(brick[$0] + 1) / Double(grid[$0]) }
          for x in -n[0]...n[0] {
            for y in -n[1]...n[1] {
              for z in -n[2]...n[2] {
                for t in places {
                  let p = t + Vector3(Double(x), Double(y), Double(z))
                  var (isOwn, isNear) = ([x, y, z] == [0, 0, 0], true)
                  for k in 0..<3 {
                    // Along an open axis the outermost bricks own what lies beyond.
                    let isOpen = !box.periodic[k]
                    let (from, to) = (
                      isOpen && brick[k] == 0 ? -1e9 : low[k], isOpen && brick[k] == grid[k] - 1 ? 1e9 : high[k]
                    )
                    if p[k] < from || p[k] >= to { isOwn = false }
                    if p[k] < from - width[k] || p[k] > to + width[k] { isNear = false }
                  }
                  if isNear, !isOwn { count += 1 }
                }
              }
            }
          }
        }
      }
    }
    return count
  }

  /// What a run says while it goes on, when it stops and when it fails.
  @Test func statusAndReason() throws {
    let files = ["start.extxyz": Sample.text(Sample.crystal(["Ar", "Kr"], spacing: 3.6))]
    let run = try DeckRun(Self.deck, files: files, limits: RunLimits(steps: 35))
    var summary = try run.summary()
    #expect(summary["status"] as? String == "stopped" && summary["reason"] as? String == "--max-steps is reached")
    #expect((summary["stages"] as? [Any])?.count == 1)
    try run.resume()
    summary = try run.summary()
    #expect(summary["status"] as? String == "finished" && summary["reason"] == nil)
    #expect(summary["steps"] as? Int == 165 && summary["steps_total"] as? Int == 200)
    let blown = try DeckRun(files: files)
    #expect(throws: FaultlineError.self) {
      try blown.run(Self.deck.replacingOccurrences(of: "0.5 fs", with: "20 ps"))
    }
    summary = try blown.summary()
    #expect(summary["status"] as? String == "failed" && (summary["reason"] as? String ?? "").contains("at step"))
  }
}
