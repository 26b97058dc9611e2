import Foundation
import MDAnalysis
import MDCore
import MDIO
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// `analyze` against other programs: freud, OVITO, tidynamics, pyblock and sums in numpy. Skipped where the files are absent.
@Suite("Observers against other programs", .reference(["workflow/analysis"]))
struct AnalysisReferenceTests {
  private static func json() throws -> [String: Any] {
    let file = try ReferenceCases.folder("workflow/analysis").appendingPathComponent("analysis.json")
    return try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
  }

  private static func path(_ name: String) throws -> String {
    try ReferenceCases.folder("workflow/analysis").appendingPathComponent(name).path
  }

  private static func doubles(_ x: Any?) -> [Double] { (x as? [NSNumber] ?? []).map(\.doubleValue) }
  private static func number(_ x: Any?) -> Double { (x as? NSNumber)?.doubleValue ?? .nan }

  private static func isAlike(_ a: [Double], _ b: [Double], _ tolerance: Double) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { isClose($0, $1, tolerance) }
  }

  @Test("pairs, coordination and angles", arguments: [1, 4]) func pairs(ranks: Int) throws {
    let json = try Self.json()
    for entry in try #require(json["rdf"] as? [[String: Any]]) {
      let file = try #require(entry["trajectory"] as? String)
      let run = try DeckRun()
      try run.analyze(
        "{rdf: {cutoff: \(Self.number(entry["r_max_A"])), bins: \(Int(Self.number(entry["bins"])))}}",
        frames: Self.path(file + ".extxyz"), ranks: ranks)
      let pair = (entry["pair"] as? [String] ?? []).joined(separator: "_").replacingOccurrences(of: "all_all", with: "all")
      let table = try MeasureKeyTests.table(run, "rdf")
      #expect(table["pairs_" + pair] == Self.doubles(entry["counts"]), "\(file) \(pair)")
      #expect(Self.isAlike(table["g_" + pair] ?? [], Self.doubles(entry["g"]), 1e-7))
    }
    for entry in try #require(json["coordination"] as? [[String: Any]]) {
      let file = try #require(entry["trajectory"] as? String)
      let run = try DeckRun()
      try run.analyze("{coordination: {cutoff: \(Self.number(entry["cutoff_A"]))}}", frames: Self.path(file + ".extxyz"), ranks: ranks)
      let pair = "\(entry["centre"] ?? "")_\(entry["neighbour"] ?? "")"
      let found = try MeasureKeyTests.table(run, "coordination")["atoms_" + pair] ?? []
      let expected = Self.doubles(entry["histogram"])
      #expect(Array(found.prefix(expected.count)) == expected && found.dropFirst(expected.count).allSatisfy { $0 == 0 })
      #expect(isClose(try MeasureKeyTests.value(run, "coordination", pair), Self.number(entry["mean"]), 1e-12))
    }
    for entry in try #require(json["adf"] as? [[String: Any]]) where entry["frames"] as? String == "all" {
      let file = try #require(entry["trajectory"] as? String)
      let run = try DeckRun()
      if file != "random" { try Self.frame(file, run) }
      try run.analyze(
        "{angles: {cutoff: \(Self.number(entry["cutoff_A"])), bins: 90}}",
        frames: file == "random" ? Self.path("random.extxyz") : "frame.extxyz", ranks: ranks)
      let (center, ends) = ("\(entry["centre"] ?? "")", entry["ends"] as? [String] ?? [])
      let table = try MeasureKeyTests.table(run, "angles")
      let name = center == "all" ? "angles_all" : "angles_" + ([ends[0], center, ends[1]].joined(separator: "_"))
      let found = table[name] ?? table["angles_" + [ends[1], center, ends[0]].joined(separator: "_")]
      #expect(found == Self.doubles(entry["counts"]), "\(file) \(name)")
    }
  }

  /// A crystal, or the first frame of the liquid, in a file of its own.
  private static func frame(_ name: String, _ run: DeckRun) throws {
    let isLiquid = name == "liquid frame 0"
    let frames = try ExtXYZReader.frames(of: path(isLiquid ? "liquid.extxyz" : "crystals.extxyz"))
    let frame = try #require(isLiquid ? frames.first : frames.first { $0["name"]?.text == name })
    try run.write("frame.extxyz", Sample.text(frame.structure))
  }

  /// In the order of OVITO's numbers.
  private static let templates = ["fcc", "hcp", "bcc", "icosahedral", "simple_cubic", "cubic_diamond", "hexagonal_diamond"]

  @Test("structure types and centrosymmetry", arguments: [1, 4]) func types(ranks: Int) throws {
    for entry in try #require(Self.json()["structure_identification"] as? [[String: Any]]) {
      let name = try #require(entry["structure"] as? String)
      let run = try DeckRun()
      try Self.frame(name, run)
      let fixed = entry["fixed_cutoff_cna"] as? [String: Any]
      var measure = "{cna: {reach: 7}}, {centrosymmetry: {name: twelve, reach: 8}}, {centrosymmetry: {name: eight, neighbors: 8, reach: 8}}"
      let all = StructureTemplate.names.joined(separator: ", ")
      measure += ", {templates: {reach: 7, rmsd: 0.15, atoms: true, structures: [\(all)]}}"
      if let fixed { measure += ", {cna: {name: fixed, cutoff: \(Self.number(fixed["cutoff_A"]))}}" }
      try run.analyze(measure, frames: "frame.extxyz", ranks: ranks)
      func counts(_ name: String) throws -> [Double] {
        let table = try MeasureKeyTests.table(run, name)
        return ["other", "fcc", "hcp", "bcc", "icosahedral"].map { table[$0]?.last ?? .nan }
      }
      #expect(try counts("cna") == Self.doubles(entry["adaptive_cna"]), "\(name)")
      if let fixed { #expect(try counts("fixed") == Self.doubles(fixed["counts"]), "\(name)") }
      let matching = try #require(entry["ptm"] as? [String: Any])
      let matched = try MeasureKeyTests.table(run, "templates")
      // The last of theirs is graphene.
      let expected = Array(Self.doubles(matching["counts"]).dropLast())
      #expect((["other"] + Self.templates).map { matched[$0]?.last ?? .nan } == expected, "\(name)")
      let rows = try MeasureKeyTests.table(run, "templates-atoms")
      let (kinds, deviations, distances) = (rows["structure"] ?? [], rows["rmsd"] ?? [], rows["distance"] ?? [])
      // Printed with eight digits behind the point.
      for (i, expected) in Self.doubles(matching["rmsd_first_10"]).enumerated() where kinds[i] > 0 {
        #expect(abs(deviations[i] - expected) < 1e-8, "\(name) \(i)")
      }
      for (found, key) in [(deviations, "rmsd_mean_of_matched"), (distances, "interatomic_distance_mean")] {
        let chosen = zip(found, kinds).filter { $1 > 0 }.map(\.0)
        guard !chosen.isEmpty else { continue }
        #expect(isClose(chosen.reduce(0, +) / Double(chosen.count), Self.number(matching[key]), 1e-7), "\(name) \(key)")
      }
      for (own, key) in [("twelve", "centrosymmetry_12"), ("eight", "centrosymmetry_8")] {
        guard let expected = entry[key] as? [String: Any] else { continue }
        #expect(isClose(try MeasureKeyTests.value(run, own, "mean"), Self.number(expected["mean"]), 1e-7), "\(name) \(key)")
      }
    }
  }

  @Test("bond order", arguments: [1, 4]) func bondOrder(ranks: Int) throws {
    for entry in try #require(Self.json()["steinhardt"] as? [[String: Any]]) {
      let name = try #require(entry["structure"] as? String)
      let run = try DeckRun()
      try Self.frame(name, run)
      let how = entry["neighbours"] as? [Any] ?? []
      let keys = how.first as? String == "nearest" ? "neighbors: \(Int(Self.number(how.last))), reach: 7" : "cutoff: \(Self.number(how.last))"
      try run.analyze("{steinhardt: {\(keys)}}", frames: "frame.extxyz", ranks: ranks)
      let mean = try #require(entry["mean"] as? [String: Any])
      for (key, own) in [("q4", "q4"), ("q6", "q6"), ("w4", "w4"), ("w6", "w6"), ("q4_averaged", "averaged_q4"), ("q6_averaged", "averaged_q6")] {
        // freud works in single precision.
        let found = try MeasureKeyTests.value(run, "steinhardt", own)
        #expect(abs(found - Self.number(mean[key])) < 2e-6, "\(name) \(key): \(found)")
      }
    }
  }

  @Test("displacements, velocities, van Hove and the toy's conductivity", arguments: [1, 4]) func motion(ranks: Int) throws {
    let json = try Self.json()
    let run = try DeckRun()
    try run.analyze(
      """
      {transport: {name: raw, points: 62, levels: 1, drift: none, charges: {Ar: 1, Ne: -3.32}, temperature: 180,
        van_hove: {lags: [10], largest: 4, bins: 40}}},
      {transport: {name: drift, points: 62, levels: 1}}, {velocities: {samples: 61, origins: 61}}
      """, more: "species: {Ar: {mass: 40}, Ne: {mass: 20}}", frames: Self.path("liquid.extxyz"), interval: 0.08, ranks: ranks)
    let msd = try #require(json["msd"] as? [String: Any])
    let windowed = try #require(msd["windowed_all_origins"] as? [String: [String: Any]])
    let drift = try #require(msd["drift_removed_mass_weighted"] as? [String: Any])
    let (raw, removed, velocity) = (
      try MeasureKeyTests.table(run, "raw"), try MeasureKeyTests.table(run, "drift"), try MeasureKeyTests.table(run, "velocities")
    )
    let vacf = try #require(json["vacf_A2_ps2"] as? [String: Any])
    for name in ["Ar", "Ne"] {
      #expect(Self.isAlike(raw["msd_" + name] ?? [], Array(Self.doubles(windowed[name]?["total"]).dropFirst()), 1e-9))
      let axes = windowed[name]?["xyz"] as? [Any] ?? []
      for (axis, values) in zip(["x", "y", "z"], axes) {
        #expect(Self.isAlike(raw["msd_\(name)_\(axis)"] ?? [], Array(Self.doubles(values).dropFirst()), 1e-9))
      }
      #expect(Self.isAlike(removed["msd_" + name] ?? [], Array(Self.doubles(drift[name]).dropFirst()), 1e-8))
      #expect(Self.isAlike(velocity["vacf_" + name] ?? [], Self.doubles(vacf[name]), 1e-9))
    }
    let hove = try #require(json["van_hove_self_Ar_lag10"] as? [String: Any])
    #expect(try MeasureKeyTests.table(run, "raw-van_hove")["windows_Ar_10"] == Self.doubles(hove["counts"]))
    let toy = try #require(json["conductivity_toy"] as? [String: Any])
    #expect(Self.isAlike(raw["collective"] ?? [], Array(Self.doubles(toy["collective_msd_e2A2"]).dropFirst()), 1e-8))
    #expect(
      Self.isAlike(raw["current_correlation"] ?? [], Array(Self.doubles(toy["current_autocorrelation_e2A2_ps2"]).dropFirst()), 1e-8))
  }

  @Test("in a slab: memberships, survival, crossings and profiles", arguments: [1, 4]) func regional(ranks: Int) throws {
    let run = try DeckRun()
    try run.analyze(
      ["start", "ends", "stayed"].map {
        "{transport: {name: \($0), of: slab, points: 62, levels: 1, drift: none, membership: \($0)}}"
      }.joined(separator: ", ") + ", {profile: {along: c, bins: 21, quantities: [density, temperature]}}",
      regions: "{slab: {slab: {axis: z, range: [0, 8]}}}", more: "species: {Ar: {mass: 40}, Ne: {mass: 20}}",
      frames: Self.path("liquid.extxyz"), interval: 0.08, ranks: ranks)
    let expected = try #require(Self.json()["regional"] as? [String: Any])
    // Of every second lag from 0.
    func every(_ name: String, _ column: String) throws -> [Double] {
      let all = try MeasureKeyTests.table(run, name)[column] ?? []
      return stride(from: 1, to: 30, by: 2).map { all[$0] }
    }
    for (name, key) in [("start", "inside_at_start"), ("ends", "inside_at_both_ends"), ("stayed", "inside_all_the_while")] {
      #expect(try every(name, "windows_Ar") == Array(Self.doubles(expected["count_" + key]).dropFirst()), "\(name)")
      #expect(Self.isAlike(try every(name, "msd_Ar"), Array(Self.doubles(expected["msd_" + key]).dropFirst()), 1e-8), "\(name)")
    }
    let plane = zip(try every("stayed", "msd_Ar_x"), try every("stayed", "msd_Ar_y")).map { $0 + $1 }
    #expect(Self.isAlike(plane, Array(Self.doubles(expected["msd_in_plane_inside_all_the_while"]).dropFirst()), 1e-8))
    #expect(Self.isAlike(try every("stayed", "survival_Ar"), Array(Self.doubles(expected["survival"]).dropFirst()), 1e-8))
    #expect(isClose(try MeasureKeyTests.value(run, "stayed", "inside_Ar"), Self.number(expected["mean_occupancy"]), 1e-9))
    let profile = try MeasureKeyTests.table(run, "profile")
    let density = try #require(expected["number_density_profile_z"] as? [String: Any])
    for name in ["Ar", "Ne"] {
      #expect(profile["atoms_" + name] == Self.doubles((density["counts"] as? [String: Any])?[name]))
      #expect(Self.isAlike(profile["density_" + name] ?? [], Self.doubles((density["density_A3"] as? [String: Any])?[name]), 1e-8))
    }
    #expect(Self.isAlike(profile["temperature"] ?? [], Self.doubles(expected["temperature_profile_z_K"]), 1e-8))
  }

  @Test("blocks of a correlated series") func blocks() throws {
    let text = try String(contentsOfFile: Self.path("series.txt"), encoding: .utf8)
    let series = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { Double($0) }
    let expected = try #require(Self.json()["block_average"] as? [String: Any])
    let levels = BlockAverage.levels(series)
    for (level, row) in zip(levels, expected["flyvbjerg_petersen"] as? [[String: Any]] ?? []) {
      #expect(level.size == Int(Self.number(row["block_size"])) && level.blocks == Int(Self.number(row["blocks"])))
      #expect(isClose(level.error, Self.number(row["standard_error"]), 1e-8), "\(level)")
      #expect(isClose(level.uncertainty, Self.number(row["error_of_it"]), 1e-8))
    }
    #expect(levels.count == 12 && BlockAverage.best(levels) == Int(Self.number(expected["optimal_block_index"])))
    let exact = Self.number(expected["exact_standard_error_of_the_process"])
    // Two of the estimate's own errors.
    let found = BlockAverage.average(series, cut: 0).error
    #expect(abs(found - exact) < 2 * levels[7].uncertainty && found == levels[7].error)
    #expect(isClose(BlockAverage.average(series, cut: 0).mean, Self.number(expected["mean"]), 1e-12))
  }
}
