import Foundation
import MDCore
import MDParallel
import MDSimulation
import MDTestSupport
import Testing

/// Searches for the state of a boundary: copper by Zhou's embedded atoms, Σ5(310), cells of some 60 atoms.
@Suite("Deck → numbers: searches") struct SearchKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let boundary = "sigma: 5, plane: [3, 1, 0], "

  static func deck(_ search: String, boundary: String = boundary, more: String = "") -> String {
    """
    structure: {grain_boundary: {kind: tilt, lattice: fcc, constant: 3.6149, species: [Cu], axis: [0, 0, 1], \(boundary)thickness: 9}}
    potential: [{eam: {parameters: zhou2004}}]
    search: {\(search)}
    \(more)
    """
  }

  /// Rows of a table by the names of its columns without units, as text.
  static func table(_ run: DeckRun, _ name: String = "run/search.csv") throws -> [[String: String]] {
    let lines = try run.read(name).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let names = lines[0].map { $0.components(separatedBy: " [")[0] }
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(names, $0)) }
  }

  static func numbers(_ run: DeckRun, _ column: String) throws -> [Double] {
    try table(run).map { Double($0[column] ?? "") ?? .nan }
  }

  static func found(_ run: DeckRun, _ name: String = "boundary", _ output: String = "run") throws -> [String: Any] {
    let search = try #require(try run.summary(output)["search"] as? [String: Any])
    return try #require(search[name] as? [String: Any])
  }

  static let effects = [
    KeyEffect(in: "search", "method", "over.shift", "over.spacing", "over.atoms", "stop.trials") {
      // A grid leaves out what symmetry makes equal; all of it has the lowest energy that random starts find.
      let grid = try DeckRun(deck("method: grid, over: {shift: [4, 3], atoms: [1, 1]}"))
      let rows = try table(grid)
      let skipped = try found(grid)["skipped_by_symmetry"] as? Int
      #expect(rows.count + (skipped ?? 0) == 12 && (skipped ?? 0) > 0)
      #expect(rows.allSatisfy { row in
        [0, 0.25, 0.5, 0.75].contains(Double(row["shift_u"]!)!) && abs((Double(row["shift_v"]!)! * 3).rounded() - Double(row["shift_v"]!)! * 3) < 1e-6
      })
      #expect(rows.allSatisfy { $0["removed"] == "0" && $0["method"] == "grid" })
      let fine = try DeckRun(
        deck("method: grid, over: {spacing: 1.1, atoms: [0.5, 1]}, stop: {trials: 6}", boundary: "sigma: 5, plane: [2, 1, 0], "))
      let some = try table(fine)
      #expect(some.count == 6)
      #expect(Set(some.map { $0["removed"]! }) == ["0", "1"], "half of the two atoms of a plane")
      let atoms = try numbers(fine, "atoms")
      #expect(zip(some, atoms).allSatisfy { $1 == atoms.max()! - 2 * Double($0["removed"]!)! })
      let random = try DeckRun(deck("stop: {trials: 12, unchanged: 100}"))
      #expect(try table(random).count == 12)
      let (a, b) = (try #require(found(grid)["energy_J_per_m2"] as? Double), try #require(found(random)["energy_J_per_m2"] as? Double))
      #expect(abs(a - b) < 2e-3, "\(a) and \(b)")
    },
    KeyEffect(in: "search", "stop.unchanged", "stop.time", "keep") {
      let run = try DeckRun(deck("stop: {unchanged: 5}, keep: 2"))
      let energies = try numbers(run, "energy")
      let best = energies.min()!
      let first = energies.firstIndex { $0 < best + 2e-3 }!
      #expect(energies.count == first + 6, "\(energies)")
      #expect(try found(run)["ending"] as? String == "no lower energy in 5 trials")
      let files = try FileManager.default.contentsOfDirectory(atPath: run.path("run/best"))
      let frames = try run.frames("best.extxyz")
      #expect(frames.count == 2 && files.count == 2, "\(files)")
      #expect(frames[0].number("energy_J_per_m2") < frames[1].number("energy_J_per_m2"))
      #expect(abs(frames[0].number("energy_J_per_m2") - best) < 1e-9)
      // A start of no time at all ends by itself, with what it has, and can be gone on with.
      let short = try DeckRun(deck("stop: {time: 1 s, unchanged: 1000000, trials: 1000000}"))
      let count = try table(short).count
      #expect(count > 0 && count < 2000)
      #expect(short.seconds < 20)
      #expect(try short.summary()["status"] as? String == "finished")
      try short.resume()
      #expect(try table(short).count > count)
    },
    KeyEffect(in: "search", "ranks_per_trial") {
      let one = try DeckRun(deck("stop: {trials: 6}"))
      let many = try DeckRun(deck("stop: {trials: 6}, ranks_per_trial: 2"), ranks: 4)
      #expect(try many.summary()["groups"] as? Int == 2)
      let (a, b) = (try numbers(one, "energy"), try numbers(many, "energy"))
      // Two ranks add in another order.
      #expect(zip(a, b).allSatisfy { abs($0 - $1) < 2e-3 } && a.count == b.count, "\(a) \(b)")
      #expect { try DeckRun(deck("ranks_per_trial: 2"), ranks: 3) } throws: { "\($0)".contains("cannot be divided into groups of 2") }
    },
    KeyEffect(in: "search", "force_tolerance", "max_steps") {
      let rough = try DeckRun(deck("stop: {trials: 4}, force_tolerance: 0.05"))
      let fine = try DeckRun(deck("stop: {trials: 4}, force_tolerance: 1e-5"))
      for (a, b) in zip(try numbers(rough, "steps"), try numbers(fine, "steps")) { #expect(a < b) }
      for (a, b) in zip(try numbers(rough, "energy"), try numbers(fine, "energy")) { #expect(a > b - 1e-6) }
      // What has not converged is in the table, and is no state.
      let steps = try numbers(fine, "steps").sorted()
      let cut = try DeckRun(deck("stop: {trials: 4}, force_tolerance: 1e-5, max_steps: \(Int(steps[2]) - 1)"))
      let rows = try table(cut)
      #expect(rows.count == 4 && rows.contains { $0["converged"] == "0" } && rows.contains { $0["converged"] == "1" })
      #expect(try found(cut)["not_converged"] as? Int == rows.count { $0["converged"] == "0" })
      #expect(cut.log.contains("has not converged"))
      #expect { try DeckRun(deck("stop: {trials: 2}, max_steps: 1")) } throws: {
        "\($0)".contains("no trial of Σ5 (310)[001] ended in a relaxed state")
      }
    },
    KeyEffect(in: "search", "bayes.initial", "bayes.batch") {
      let run = try DeckRun(deck("method: bayes, bayes: {initial: 4, batch: 2}, stop: {trials: 9, unchanged: 100}"))
      let random = try DeckRun(deck("stop: {trials: 9, unchanged: 100}"))
      let (a, b) = (try numbers(run, "shift_u"), try numbers(random, "shift_u"))
      #expect(a.prefix(4) == b.prefix(4) && !zip(a, b).dropFirst(4).contains { $0 == $1 })
      #expect(try table(run).map { $0["method"]! } == Array(repeating: "random", count: 4) + Array(repeating: "bayes", count: 5))
      // With another batch proposals know other results.
      let other = try DeckRun(deck("method: bayes, bayes: {initial: 4, batch: 3}, stop: {trials: 9, unchanged: 100}"))
      let c = try numbers(other, "shift_u")
      #expect(c.prefix(4) == a.prefix(4) && c != a)
      #expect(try #require(found(run)["certainty"] as? String).contains("nothing can be said"))
    },
    KeyEffect(in: "search", "anneal.temperature", "anneal.steps", "anneal.timestep", "anneal.moves") {
      func search(_ more: String) -> String { deck("method: anneal, stop: {trials: 3}, anneal: {\(more)}") }
      let plain = try DeckRun(search("steps: 200, temperature: [300, 300], moves: 0"))
      let steps = try numbers(plain, "steps")
      #expect(steps.allSatisfy { $0 > 200 })
      let states = try numbers(plain, "energy")
      for (key, other) in [
        ("temperature", "steps: 200, temperature: [900, 900], moves: 0"), ("steps", "steps: 400, temperature: [300, 300], moves: 0"),
        ("timestep", "steps: 200, temperature: [300, 300], moves: 0, timestep: 1 fs"), ("moves", "steps: 200, temperature: [300, 300], moves: 3"),
      ] {
        let changed = try DeckRun(search(other))
        #expect(try numbers(changed, "energy") != states, "\(key)")
        if key == "steps" { #expect(zip(try numbers(changed, "steps"), steps).allSatisfy { $0 > 400 && $1 > 200 }) }
      }
      let again = try DeckRun(search("steps: 200, temperature: [300, 300], moves: 0"))
      #expect(try again.read("run/search.csv") == plain.read("run/search.csv"))
      // Both boundaries are in one state at the end, whatever the heat made of them.
      for row in try table(plain) { #expect(abs(Double(row["energy_first"]!)! - Double(row["energy_second"]!)!) < 2e-3) }
    },
    KeyEffect(in: "search", "over.vacancies", "over.swap", "chemical_potentials") {
      try alloys()
    },
    KeyEffect(in: "search.family", "sigma_max", "planes") {
      let run = try DeckRun(deck("family: {sigma_max: 5}, stop: {trials: 4}", boundary: ""), ranks: 2)
      let rows = try table(run, "run/family.csv")
      #expect(rows.map { $0["sigma"]! } == ["5", "5"])
      #expect(rows.map { $0["h"]! + $0["k"]! + $0["l"]! } == ["310", "210"])
      #expect(abs(Double(rows[0]["angle"]!)! - 36.8699) < 1e-3 && abs(Double(rows[1]["angle"]!)! - 53.1301) < 1e-3)
      let single = try DeckRun(deck("stop: {trials: 4}"))
      let (a, b) = (try #require(found(single)["energy_J_per_m2"] as? Double), Double(rows[0]["energy"]!)!)
      // Other numbers are drawn for a boundary's other place in the family; these four starts end in one state.
      #expect(abs(a - b) < 0.2)
      #expect(try run.read("run/family.svg").contains("<svg") && run.exists("run/sigma5-210/search.csv"))
      let planes = try DeckRun(deck("family: {planes: [[4, 1, 0]]}, stop: {trials: 2}", boundary: ""))
      #expect(try table(planes, "run/family.csv").map { $0["sigma"]! } == ["17"])
      #expect { try DeckRun(deck("family: {sigma_max: 5}")) } throws: { "\($0)".contains("`sigma` is said by `search.family`") }
      #expect { try DeckRun(deck("family: {sigma_max: 3}", boundary: "")) } throws: { "\($0)".contains("no symmetric tilt boundary") }
      #expect { try DeckRun(deck("stop: {trials: 2}", boundary: "")) } throws: { "\($0)".contains("`sigma` is missing") }
    },
  ]

  // MARK: The same for any groups, and after a stop

  @Test("any number of groups does the same work", arguments: ["random", "grid", "bayes", "anneal"])
  func groups(_ method: String) throws {
    var search = "method: \(method), stop: {trials: 10\(method == "grid" ? "" : ", unchanged: 4")}"
    if method == "bayes" { search += ", bayes: {initial: 3, batch: 3}" }
    if method == "anneal" { search += ", anneal: {steps: 60}" }
    func deck() -> String { Self.deck(search).replacingOccurrences(of: "constant: 3.6149", with: "constant: equilibrium") }
    let serial = try DeckRun(deck())
    for ranks in [2, 3] {
      let parallel = try DeckRun(deck(), ranks: ranks)
      for file in ["search.csv", "map.csv", "atoms.csv", "map.svg"] {
        #expect(try parallel.read("run/\(file)") == serial.read("run/\(file)"), "\(file) on \(ranks) ranks")
      }
      #expect(try parallel.read("run/best.extxyz") == serial.read("run/best.extxyz"))
    }
  }

  @Test("a search that was stopped goes on to the table that it would have had", arguments: ["random", "bayes"])
  func stopped(_ method: String) throws {
    let search = "method: \(method), stop: {trials: 60, unchanged: 1000}, force_tolerance: 1e-4"
    let whole = try DeckRun(Self.deck(search))
    let parts = try DeckRun(Self.deck(search), ranks: 2, limits: RunLimits(seconds: 0.1))
    var rounds = 0
    while case .stopped = parts.outcome, rounds < 50 {
      rounds += 1
      if rounds == 2 {
        // As if killed in the middle of a line.
        let text = try parts.read("run/trials.jsonl")
        try parts.write("run/trials.jsonl", text + text.split(separator: "\n").last!.prefix(40))
      }
      try parts.resume(ranks: rounds % 3 + 1, limits: RunLimits(seconds: rounds < 5 ? 0.1 : 100))
    }
    #expect(rounds > 0, "it was not stopped at all")
    #expect(try parts.read("run/search.csv") == whole.read("run/search.csv"))
    #expect(try parts.read("run/best.extxyz") == whole.read("run/best.extxyz"))
    // What is over is over.
    let journal = try parts.read("run/trials.jsonl")
    try parts.resume()
    #expect(try parts.read("run/trials.jsonl") == journal)
    #expect { try parts.run(Self.deck(search)) } throws: { "\($0)".contains("already holds a run, a search") && "\($0)".contains("resume") }
    try parts.run(Self.deck("stop: {trials: 2}"), overwrite: true)
    #expect(try Self.table(parts).count == 2)
  }

  @Test("a journal that is not this search's, or damaged, is refused") func journals() throws {
    let run = try DeckRun(Self.deck("stop: {trials: 3}"))
    let text = try run.read("run/trials.jsonl")
    let lines = text.split(separator: "\n")
    try run.write("run/trials.jsonl", [lines[0], "{\"a\": 3}", lines[2]].joined(separator: "\n") + "\n")
    #expect { try run.resume() } throws: { "\($0)".contains("damaged") && "\($0)".contains("line 2") }
    try run.write("run/trials.jsonl", text.replacingOccurrences(of: "setting\":\"", with: "setting\":\"x"))
    #expect { try run.resume() } throws: { "\($0)".contains("journal of a search with another") }
  }

  // MARK: States

  @Test("of two boundaries that heat has made different the better is kept") func betterHalf() throws {
    let run = try DeckRun(
      Self.deck(
        "method: anneal, stop: {trials: 12, unchanged: 100}, anneal: {steps: 1000, temperature: [300, 600], moves: 2}",
        boundary: "sigma: 5, plane: [2, 1, 0], repeat: [1, 2], "
      ).replacingOccurrences(of: "thickness: 9", with: "thickness: 16"))
    var copied = 0
    for line in try run.read("run/trials.jsonl").split(separator: "\n").dropFirst() {
      let trial = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let before = try #require(trial["energiesBefore"] as? [Double])
      guard before.count == 2, let energy = trial["energy"] as? Double else { continue }
      copied += 1
      #expect(energy < before.min()! + 0.25 * (before.max()! - before.min()!), "\(before) → \(energy)")
    }
    #expect(copied > 0)
    #expect(try Self.table(run).count { $0["copied"] == "1" } >= copied)
  }

  /// Energies of the table against the deck of one relaxation: the structure of the best state, read.
  @Test("γ and excess volume are those of boundary_energy") func sameAsObserver() throws {
    let run = try DeckRun(Self.deck("stop: {trials: 4}, force_tolerance: 1e-5"))
    let crystal = try #require(try run.summary()["crystal"] as? [String: Double])
    let best = try Self.found(run)
    let deck = """
      structure: {file: {path: FOLDER/run/best.extxyz}}
      potential: [{eam: {parameters: zhou2004}}]
      analysis: {boundary_energy: {reference_energy: \(crystal["energy_eV_per_atom"]!), atomic_volume: \(crystal["volume_A3_per_atom"]!)}}
      stages: [{minimize: {max_steps: 1, cell: normal, force_tolerance: 1e-5}}]
      """
    // The last frame of a file is read: only the best is left.
    let text = try run.read("run/best.extxyz").split(separator: "\n")
    try run.write("run/best.extxyz", text.prefix(Int(text[0])! + 2).joined(separator: "\n") + "\n")
    try run.run(deck, output: "again")
    let measured = try #require(try run.summary("again")["boundary_energy"] as? [[String: Any]])
    #expect(isClose(measured[0]["energy_J_per_m2"] as! Double, best["energy_J_per_m2"] as! Double, 1e-7))
    #expect(isClose(measured[0]["excess_volume_A"] as! Double, best["excess_volume_A"] as! Double, 1e-5))
    #expect(abs(measured[0]["normal_pressure_bar"] as! Double) < 11)
  }

  @Test("trials in which grains melt have failed, and the others go on, on any group", arguments: [1, 3])
  func melted(_ ranks: Int) throws {
    let run = try DeckRun(
      Self.deck("method: anneal, stop: {trials: 8, unchanged: 100}, anneal: {steps: 200, temperature: [300, 9000], timestep: 4 fs}"),
      ranks: ranks)
    let rows = try Self.table(run)
    let failed = rows.filter { $0["failure"] != "" }
    #expect(rows.count == 8 && !failed.isEmpty && failed.count < 8, "\(failed.count) have failed")
    #expect(failed.allSatisfy { $0["energy"] == "" && $0["converged"] == "0" && $0["failure"]!.contains("the grains are no longer") })
    #expect(try Self.found(run)["failed"] as? Int == failed.count)
    #expect(run.log.contains("has failed: the grains are no longer"))
  }

  @Test("trials that end in one state are told to be duplicates of the first") func duplicates() throws {
    let run = try DeckRun(Self.deck("stop: {trials: 16, unchanged: 100}"))
    let rows = try Self.table(run)
    var seen = 0
    for row in rows {
      guard let first = Int(row["duplicate_of"]!) else { continue }
      seen += 1
      let original = rows[first - 1]
      #expect(original["duplicate_of"] == "" && original["removed"] == row["removed"])
      #expect(abs(Double(original["energy"]!)! - Double(row["energy"]!)!) < 4e-3)
    }
    let best = try Self.found(run)
    #expect(seen > 0 && best["states"] as? Int == rows.count - seen)
    let times = rows.count { abs(Double($0["energy"]!)! - (best["energy_J_per_m2"] as! Double)) < 1e-3 }
    #expect(best["times_found"] as? Int == times)
    #expect(best["certainty"] as? String == run.log.split(separator: "\n").first { $0.contains("the lowest state was found") }?
      .trimmingCharacters(in: .whitespaces))
  }

  @Test(
    "decks that cannot be are refused",
    arguments: [
      ("over: {atoms: [1, 0]}", "ends exchanged"), ("over: {shift: [3, 3]}", "only `method: grid` has"),
      ("method: grid, over: {shift: [3, 3], spacing: 1}", "contradicts"), ("bayes: {batch: 2}", "only for `method: bayes`"),
      ("anneal: {steps: 2}", "only for `method: anneal`"), ("method: grid, stop: {unchanged: 3}", "done whole"),
      ("method: anneal, anneal: {temperature: [500, 300]}", "ends exchanged"), ("method: genetic", "grid, random, bayes, anneal"),
      ("over: {atoms: [0.6, 0.9]}", "leaves no number of atoms"), ("stop: {time: 2 fs}", "`fs` is not a unit"),
      ("family: {planes: [[1, 1, 1]]}", "`sigma` is said by"),
    ])
  func mistakes(_ search: String, _ words: String) throws {
    #expect { try DeckRun(Self.deck(search)) } throws: { "\($0)".contains(words) && ($0 as? FaultlineError)?.kind == .input }
  }

  @Test("keys that a search does not look at are refused") func others() throws {
    #expect { try DeckRun(Self.deck("stop: {trials: 2}"), limits: RunLimits(steps: 3)) } throws: { "\($0)".contains("--max-steps is not for a search") }
    for (more, words) in [
      ("stages: [{minimize: {}}]", "exclude each other"), ("velocities: {temperature: 300}", "`velocities` is not for `search`"),
      ("analysis: {boundary_energy: {}}", "`analysis` is not for"), ("output: {checkpoints: {every: 3}}", "`checkpoints` is not for"),
    ] {
      #expect { try DeckRun(Self.deck("", more: more)) } throws: { "\($0)".contains(words) }
    }
    for key in ["shift: [0.1, 0]", "expansion: 0.2", "overlap: 1", "free_surfaces: true"] {
      #expect { try DeckRun(Self.deck("", boundary: Self.boundary + key + ", ")) } throws: { "\($0)".contains("search") }
    }
    let plain = Self.deck("").replacingOccurrences(of: "structure: {grain", with: "structure: {lattice: {type: fcc, constant: 3.6, species: [Cu]}}\nx: {grain")
    #expect { try DeckRun(plain) } throws: { "\($0)".contains("unknown key `x`") }
  }
}
