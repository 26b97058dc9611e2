import Foundation
import MDCore
import MDIO
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// `faultline analyze` and observers of runs: the same numbers from a trajectory as from the run that wrote it, on any number
/// of ranks, over a restart, from extended XYZ and from dumps.
@Suite("Analyze") struct AnalyzeTests {
  static let all = """
    {rdf: {cutoff: 7, bins: 20, every: 2}}, {coordination: {cutoff: 5, every: 2}}, {angles: {cutoff: 4.5, bins: 12, every: 2}},
    {structure_factor: {largest: 3, bins: 12, every: 2}}, {cna: {reach: 6, every: 2}},
    {centrosymmetry: {reach: 6, every: 2, largest: 60}}, {steinhardt: {neighbors: 12, reach: 7, every: 2}},
    {profile: {along: c, bins: 5, every: 2, quantities: [density, temperature, velocity]}},
    {transport: {every: 2, points: 8, levels: 2, charges: {Ar: 1, Kr: -1}}}, {velocities: {every: 2, samples: 8, origins: 4}},
    {transport: {name: layer, of: layer, every: 2, points: 8, levels: 2}},
    {templates: {reach: 7, every: 2, rmsd: 0.2, atoms: true}}, {polyhedra: {center: Ar, corner: Kr, cutoff: 4, every: 2}},
    {rotation: {center: Ar, corner: Kr, cutoff: 4.5, breaks: 5, every: 2, points: 8, levels: 2}},
    {jumps: {every: 2, radius: 0.7}},
    {rings: {cutoff: 4.2, largest: 6, every: 2}}, {transport: {name: hove, every: 2, points: 8, levels: 2, van_hove: {lags: [3, 8], largest: 6, bins: 12, distinct: true}}}
    """
  /// What needs a potential, and is no business of trajectories without one.
  static let ofForces = """
    , {stress: {along: c, bins: 5, planes: true, every: 2}}, {stress: {name: map, in: ab, bins: 3, every: 2}},
    {heat_flux: {every: 2, samples: 8}}, {profile: {name: per_atom, along: a, bins: 3, every: 2, quantities: [energy, stress]}}
    """
  /// What needs charges, which the frames do not have.
  static let ofCharges = ", {transport: {name: current, every: 2, points: 8, levels: 2, current: charges, temperature: 80}}"
  static let namesOfForces = ["stress", "stress-planes", "map", "heat_flux", "per_atom"]
  static let names = [
    "rdf", "coordination", "angles", "structure_factor", "cna", "centrosymmetry", "steinhardt", "profile", "transport",
    "velocities", "layer", "templates", "templates-atoms", "polyhedra", "polyhedra-time", "rotation", "jumps", "rings", "hove", "hove-distinct", "hove-van_hove",
  ]
  static let regions = "{layer: {slab: {axis: z, range: [1, 6]}}}"

  static func deck(_ more: String = "") -> String {
    """
    structure: {file: {path: start.extxyz}}
    potential: \(ThermoTests.rareGasDeck)
    stages: [{dynamics: {steps: 80, timestep: 4 fs}}]
    analysis: {regions: \(regions), measure: [\(all)\(ofForces)\(ofCharges)]}
    output: {checkpoints: {every: 40}, trajectories: [
      {file: t.extxyz, every: 2, columns: [velocities]}, {file: t.dump, every: 2, columns: [velocities, images]},
      {file: u.dump.gz, every: 2, columns: [velocities], unwrapped: true}]}
    \(more)
    """
  }

  static let start: Structure = {
    var s = Sample.crystal(["Ar", "Kr"], spacing: 3.7, cells: [3, 2, 2], speed: 5)
    s.charges = s.types.map { $0 == 0 ? 0.3 : -0.3 }
    return s
  }()

  /// All numbers of the tables of a run.
  static func tables(_ run: DeckRun, _ output: String = "run", more: [String] = []) throws -> [String: [[Double]]] {
    var found: [String: [[Double]]] = [:]
    for name in names + ["velocities-dos"] + more {
      let text = try run.read("\(output)/\(name).csv")
      found[name] = text.split(separator: "\n").dropFirst().map { $0.split(separator: ",").map { Double($0) ?? .nan } }
    }
    return found
  }

  /// The largest difference of two sets of tables, relative or absolute, whichever is less; infinite if they do not match.
  /// Errors, which have few digits, are compared loosely.
  static func difference(_ a: [String: [[Double]]], _ b: [String: [[Double]]]) -> (Double, String) {
    var worst = (0.0, "")
    for (name, rows) in a {
      guard let other = b[name], other.count == rows.count else { return (.infinity, name) }
      for (x, y) in zip(rows.flatMap { $0 }, other.flatMap { $0 }) {
        if x.isNaN && y.isNaN { continue }
        let d = abs(x - y) / max(abs(x), abs(y), 1)
        if !(d <= worst.0) { worst = (d.isNaN ? .infinity : d, name) }
      }
    }
    return worst
  }

  @Test("one run, many ranks", arguments: [2, 3, 4, 8]) func ranks(_ ranks: Int) throws {
    let text = Sample.text(Self.start)
    // Trajectories part by rounding; over so few steps by less than what bins can tell.
    let one = try DeckRun(Self.deck(), files: ["start.extxyz": text])
    let many = try DeckRun(Self.deck(), files: ["start.extxyz": text], ranks: ranks)
    let (d, name) = Self.difference(try Self.tables(one, more: Self.namesOfForces + ["current"]), try Self.tables(many, more: Self.namesOfForces + ["current"]))
    #expect(d < 1e-8, "\(name): \(d)")
  }

  /// Of the same frames: trajectories do not part, so that only the order of sums is another.
  @Test("the same frames, many ranks: to rounding", arguments: [2, 3, 4, 8]) func sums(_ ranks: Int) throws {
    let run = try DeckRun(Self.deck(), files: ["start.extxyz": Sample.text(Self.start)])
    for (output, ranks) in [("one", 1), ("many", ranks)] {
      try run.analyze(
        Self.all + Self.ofForces, regions: Self.regions, more: "potential: \(ThermoTests.rareGasDeck)", frames: "run/t.extxyz",
        output: output, ranks: ranks)
    }
    let (d, name) = Self.difference(
      try Self.tables(run, "one", more: Self.namesOfForces), try Self.tables(run, "many", more: Self.namesOfForces))
    #expect(d < 1e-9, "\(name): \(d)")
  }

  @Test("stopped and gone on with is the same, bitwise", arguments: [1, 3]) func restart(ranks: Int) throws {
    let text = Sample.text(Self.start)
    let whole = try DeckRun(Self.deck(), files: ["start.extxyz": text], ranks: ranks)
    let parts = try DeckRun(Self.deck(), files: ["start.extxyz": text], ranks: ranks, limits: RunLimits(steps: 40))
    #expect(parts.outcome != .finished && parts.exists("run/results.json"))
    try parts.resume(ranks: ranks)
    for name in Self.names + Self.namesOfForces + ["current"] { #expect(try whole.read("run/\(name).csv") == parts.read("run/\(name).csv"), "\(name)") }
    #expect(try whole.read("run/results.json") == parts.read("run/results.json"))
  }

  @Test("the same from the frames of the run", arguments: ["t.extxyz", "t.dump", "u.dump.gz"], [1, 3])
  func frames(file: String, ranks: Int) throws {
    let run = try DeckRun(Self.deck(), files: ["start.extxyz": Sample.text(Self.start)])
    try run.analyze(
      Self.all, regions: Self.regions, frames: "run/" + file, output: "again",
      interval: file.hasSuffix("xyz") ? nil : 0.008, ranks: ranks)
    var (own, again) = (try Self.tables(run), try Self.tables(run, "again"))
    // Dumps turn the cell, and with it the axes.
    if file != "t.extxyz" {
      for name in ["layer", "profile", "transport", "hove", "templates-atoms"] { (own[name], again[name]) = (nil, nil) }
      let columns = ["msd_Ar", "msd_Kr", "collective", "windows_Ar"]
      for column in columns {
        let (a, b) = (CSVTable.rows(try run.read("run/transport.csv")), CSVTable.rows(try run.read("again/transport.csv")))
        #expect(a.count == b.count && zip(a, b).allSatisfy { isClose($0[column] ?? 0, $1[column] ?? 1, 1e-8) }, "\(column)")
      }
    }
    let (d, name) = Self.difference(own, again)
    #expect(d < 1e-8, "\(name): \(d)")
  }

  @Test("stress and heat current of frames are those of the run", arguments: [1, 3]) func forces(ranks: Int) throws {
    let run = try DeckRun(Self.deck(), files: ["start.extxyz": Sample.text(Self.start)])
    try run.analyze(
      String(Self.ofForces.drop { $0 != "{" }), more: "potential: \(ThermoTests.rareGasDeck)", frames: "run/t.extxyz",
      output: "again", ranks: ranks)
    for name in Self.namesOfForces {
      let both = try ["run", "again"].map { folder in
        try run.read("\(folder)/\(name).csv").split(separator: "\n").dropFirst().flatMap { $0.split(separator: ",").map { Double($0) ?? .nan } }
      }
      let scale = both[0].filter { !$0.isNaN }.map(abs).max() ?? 0
      #expect(both[0].count == both[1].count && scale > 0)
      for (a, b) in zip(both[0], both[1]) where !(a.isNaN && b.isNaN) { #expect(abs(a - b) < 1e-7 * max(scale, 1), "\(name)") }
    }
  }

  @Test("energies and stress of frames are computed with the deck's potential") func computed() throws {
    let run = try DeckRun(Self.deck(), files: ["start.extxyz": Sample.text(Self.start)])
    try run.analyze(
      "{profile: {along: c, bins: 1, quantities: [energy, stress]}}", more: "potential: \(ThermoTests.rareGasDeck)",
      frames: "run/t.extxyz", output: "again", ranks: 2)
    let found = try #require(CSVTable.rows(try run.read("again/profile.csv")).first { _ in true })
    let rows = try run.frames("t.extxyz")
    let mean = rows.reduce(0) { $0 + $1.number("energy") } / Double(rows.count * Self.start.count)
    #expect(isClose(found["energy"] ?? 0, mean, 1e-9))
    #expect(throws: (any Error).self) {
      try run.analyze("{profile: {along: c, quantities: [energy]}}", frames: "run/t.extxyz", output: "never")
    }
  }

  @Test("what cannot be analysed is refused before a result is written") func refusals() throws {
    var plain = Self.start
    plain.charges = nil
    let run = try DeckRun(files: ["a.extxyz": Sample.text(plain)])
    var other = plain
    other.positions.removeLast()
    other.types.removeLast()
    other.velocities?.removeLast()
    try run.write("b.extxyz", Sample.text(plain) + Sample.text(other))
    var still = plain
    still.velocities = nil
    try run.write("c.extxyz", Sample.text(still))
    try run.write("d.dump", "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS pp pp pp\n0 5\n0 5\n0 5\nITEM: ATOMS id type x y z\n1 1 0 0 0\n")
    for (file, measure, words) in [
      ("b.extxyz", "{rdf: {cutoff: 4}}", "other atoms"), ("a.extxyz", "{transport: {}}", "--interval"),
      ("c.extxyz", "{velocities: {}}", "time"), ("c.extxyz", "{profile: {along: a, quantities: [temperature]}}", "velocities"),
      ("a.extxyz", "{profile: {along: a, quantities: [charge_density]}}", "charges"), ("d.dump", "{rdf: {cutoff: 4}}", "--types"),
      ("a.extxyz", "{rdf: {cutoff: 4, of: gb}}", "gb"), ("no.extxyz", "{rdf: {cutoff: 4}}", "no.extxyz"),
    ] {
      do {
        try run.analyze(measure, frames: file, output: "never")
        Issue.record("\(measure) of \(file) is taken")
      } catch { #expect("\(error)".contains(words), "\(error)") }
      #expect(!run.exists("never/results.json"))
    }
    try run.analyze("{rdf: {cutoff: 4}}", frames: "d.dump", output: "typed", types: ["Ar"])
    #expect(try run.read("typed/rdf.csv").contains("g_Ar_Ar"))
  }
}
