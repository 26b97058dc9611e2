import Foundation
import MDCore
import MDNumerics
import MDSimulation
import MDStructures
import MDTestSupport
import Testing

/// The equilibria of a crack, one after the other.
@Suite("Deck → numbers: paths of cracks") struct CrackPathTests {
  /// A crystal that cleaves, with forces that do not jump and a ring twice as thick as they reach.
  static func deck(_ path: String, radius: Int = 46, more: String = "") -> String {
    CrackKeyTests.deck(
      "of: {lattice: {type: fcc, constant: equilibrium, species: [Ar]}}, plane: [0, 0, 1], front: [1, 1, 0], radius: \(radius), ring: 18, "
        + "\(CrackKeyTests.soft), surface_energy: 0.03, k: 0.0165",
      "{minimize: {force_tolerance: 1e-5, k_path: {\(path)}}}", more: more
    ).replacing("truncation: shifted", with: "truncation: switched, switch_from: 6")
  }

  /// What is relative to values far below 1.
  static func isAbout(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool { abs(a - b) <= tolerance * abs(b) }

  /// f_α of a structure whose sites are those of the deck at K = 0, by differences of the energy of all atoms: the ring's inner half is moved with
  /// the field.
  static func force(_ s: Structure, sites: Structure, k: Double, centre: Double) throws -> (atoms: Double, centre: Double) {
    let stroh = try CrackKeyTests.stroh([4.14, 2.36, 2.36], plane: SIMD3(0, 0, 1), front: SIMD3(1, 1, 0))
    let field = stroh.field(Vector3(0, k, 0))
    let middle = 0.5 * sites.box.cell.x.x
    let radius = middle - 10
    var forces = [Vector3](repeating: .zero, count: s.positions.count)
    PairSum.forEach(s, reach: 8.7) { i, _, d in
      let q = pow(3.4 * 3.4 / d.squaredLength, 3), r = d.length
      let x = max(0, (r - 6) / 2.7)
      let fade = 1 - x * x * x * (10 - 15 * x + 6 * x * x), slope = -30 * x * x * (1 - x) * (1 - x) / 2.7
      let pull = 24 * 0.0104 * (2 * q * q - q) / d.squaredLength * fade - 4 * 0.0104 * (q * q - q) * slope / r
      forces[i] -= pull * d
    }
    var (largest, sum) = (0.0, 0.0)
    for (i, site) in sites.positions.enumerated() {
      let r = ((site.x - middle) * (site.x - middle) + (site.y - middle) * (site.y - middle)).squareRoot()
      if sites.grains![i] == 0 { largest = max(largest, abs(forces[i].x), abs(forces[i].y), abs(forces[i].z)) }
      guard sites.grains![i] == 1, radius - r >= 9 else { continue }
      let (a, b) = (field.displacement(site.x - centre - 1e-4, site.y - middle), field.displacement(site.x - centre + 1e-4, site.y - middle))
      sum += dot(forces[i], 5e3 * (a - b))
    }
    return (largest, sum)
  }

  @Test("points of the path are equilibria of the atoms and of the field's centre; K has a maximum and a minimum")
  func path() throws {
    let run = try DeckRun(
      Self.deck("k: 0.0165, points: 24, step: 0.4", more: "output: {trajectories: [{file: t.extxyz, every: 1000000, unwrapped: true}]}"))
    let rows = try CrackKeyTests.rows(run)
    #expect(rows.count == 24, "\(run.log)")
    let (k, centre) = (rows.map { $0["K"]! }, rows.map { $0["centre"]! })
    let sites = try DeckRun.build(
      "crack: {of: {lattice: {type: fcc, constant: equilibrium, species: [Ar]}}, plane: [0, 0, 1], front: [1, 1, 0], radius: 46, ring: 18, "
        + "\(CrackKeyTests.soft), k: 0}\n"
        + CrackKeyTests.potential.replacing("truncation: shifted", with: "truncation: switched, switch_from: 6"))
    let last = try #require(try run.frames("t.extxyz").last)
    var structure = sites
    structure.positions = last.positions
    let f = try Self.force(structure, sites: sites, k: k.last!, centre: centre.last!)
    #expect(f.atoms < 1.01e-5 && abs(f.centre) < 1e-4, "\(f)")
    // Not simply because nothing matters: an Å off there is a force.
    let off = try Self.force(structure, sites: sites, k: k.last!, centre: centre.last! + 1).centre
    #expect(abs(off) > 20 * abs(f.centre), "\(off), \(f)")
    // Steps are as long as was asked, or shorter; they go forwards.
    for (a, b) in zip(rows, rows.dropFirst()) {
      let step = hypot(b["centre"]! - a["centre"]!, 100 * log(b["K"]! / a["K"]!))
      #expect(step < 0.41, "\(step)")
    }
    #expect(centre.last! > centre[0] + 1)
    let crack = try #require(try run.summary()["crack"] as? [String: Any])
    let (plus, minus) = (try #require(crack["path_K_plus"] as? [String: Any]), try #require(crack["path_K_minus"] as? [String: Any]))
    let (high, low) = (plus["K_MPa_sqrt_m"] as! Double, minus["K_MPa_sqrt_m"] as! Double)
    #expect(high > low && Self.isAbout(high, 0.0165, 0.1) && Self.isAbout(low, 0.0165, 0.1))
    let turns = k.indices.dropFirst().dropLast().filter { (k[$0] - k[$0 - 1]) * (k[$0 + 1] - k[$0]) < 0 }
    #expect(turns.contains { Self.isAbout(k[$0], high, 2e-3) } && turns.contains { Self.isAbout(k[$0], low, 2e-3) })
    #expect(crack["first_advance"] == nil, "a path is no load")
    #expect(run.log.contains("lattice trapping: K₋"))
  }

  @Test("one rank and three follow the same path") func ranks() throws {
    let deck = Self.deck("k: 0.0165, points: 5, step: 0.4")
    let (one, three) = (try CrackKeyTests.rows(DeckRun(deck)), try CrackKeyTests.rows(DeckRun(deck, ranks: 3)))
    #expect(one.count == 5 && three.count == 5)
    for (a, b) in zip(one, three) {
      #expect(Self.isAbout(a["K"]!, b["K"]!, 1e-4) && abs(a["centre"]! - b["centre"]!) < 1e-2 && a["broken_bonds"] == b["broken_bonds"])
    }
  }

  @Test("a path that is stopped goes on") func resume() throws {
    let deck = Self.deck("k: 0.0165, points: 6, step: 0.4", more: "output: {checkpoints: {every: 5}}")
    let whole = try DeckRun(deck)
    let steps = Int(try #require(try whole.thermo().last?["step"]))
    let parts = try DeckRun(deck, limits: RunLimits(steps: 5 * ((steps - 3) / 5)))
    #expect(parts.outcome != .finished)
    try parts.resume()
    #expect(try parts.read("run/crack.csv") == whole.read("run/crack.csv"))
  }

  @Test("what a path needs is refused before the first step") func refusals() {
    for (deck, words) in [
      (Self.deck("k: 0, points: 4"), "K of `k_path` must be positive"),
      (Self.deck("k: 0.01, points: 4").replacing("ring: 18", with: "ring: 12"), "`k_path` needs `ring: 17.4"),
      (Self.deck("k: 0.01, of_griffith: 1, points: 4"), "of_griffith"),
      ("structure: {lattice: {type: fcc, constant: 5.27, species: [Ar], size: [4, 4, 4]}}\n\(CrackKeyTests.potential)\n"
        + "stages: [{minimize: {k_path: {k: 0.1, points: 3}}}]", "the structure has none"),
    ] {
      let text = CrackKeyTests.refusal(deck)
      #expect(text.contains(words), "\(text)")
    }
  }

  @Test("the faces' opening has the K of the field, and its tip, wherever the tip is", arguments: [0.0, 6])
  func opening(tip: Double) throws {
    // Atoms hardly leave the field's places in a hundredth of a femtosecond.
    let run = try DeckRun(
      CrackKeyTests.deck(
        CrackKeyTests.small("tip: [\(tip), 0]", k: "k: 0.01").replacing("radius: 40", with: "radius: 90"),
        "{dynamics: {steps: 1, timestep: 0.01 fs}}", more: "analysis: {crack: {fit: [20, 70]}}"))
    let rows = CSVTable.rows(try run.read("run/crack-opening.csv"))
    #expect(rows.count > 30)
    let centre = 100 + tip
    for row in rows {
      let behind = centre - row["x"]!
      let (opening, field) = (try #require(row["opening"]), try #require(row["field_opening"]))
      if behind > 15 { #expect(Self.isAbout(opening, field, 0.02) && opening > 0.2, "\(row)") }
      if behind < -15 { #expect(abs(opening) < 0.1 && field == 0, "\(row)") }
    }
    func value(_ name: String) throws -> Double { try MeasureKeyTests.value(run, "crack", name) }
    #expect(Self.isAbout(try value("K_I_opening"), 0.01, 0.01))
    #expect(abs(try value("tip_opening") - centre) < 1)
  }

  static let effects = [
    KeyEffect(in: "stages.minimize.k_path", "k", "of_griffith", "points", "step", "direction") {
      func rows(_ path: String) throws -> [[String: Double]] { try CrackKeyTests.rows(DeckRun(deck(path))) }
      let coarse = try rows("k: 0.0165, points: 3, step: 0.4"), fine = try rows("k: 0.0165, points: 3, step: 0.1")
      #expect(coarse.count == 3 && fine.count == 3)
      // The first point is the one where a step has no part.
      #expect(isAbout(coarse[0]["K"]!, fine[0]["K"]!, 1e-5))
      func length(_ r: [[String: Double]], _ i: Int) -> Double {
        hypot(r[i + 1]["centre"]! - r[i]["centre"]!, 100 * log(r[i + 1]["K"]! / r[i]["K"]!))
      }
      #expect(isAbout(length(coarse, 0), 0.4, 0.1) && isAbout(length(fine, 0), 0.1, 0.1))
      let back = try rows("k: 0.0165, points: 3, step: 0.1, direction: retreat")
      #expect(back[1]["centre"]! < back[0]["centre"]! && fine[1]["centre"]! > fine[0]["centre"]!)
      let unit = fine[0]["K"]! / fine[0]["K_over_K_G"]!
      let relative = try rows("of_griffith: \(0.0165 / unit), points: 1")
      #expect(isAbout(relative[0]["K"]!, fine[0]["K"]!, 1e-5))
    },
    KeyEffect(in: "structure.crack.emission", "plane", "displacement", "unstable_energy") {
      func run(_ emission: String, _ mode: String = "[1, 0, 0]") throws -> DeckRun {
        try DeckRun(
          CrackKeyTests.deck(
            CrackKeyTests.cleaving.replacing(CrackKeyTests.soft, with: "elastic: [170, 123, 76]").replacing("radius: 60", with: "radius: 30")
              + ", mode: \(mode), emission: {\(emission)}",
            "{minimize: {max_steps: 1}}"))
      }
      func k(_ run: DeckRun) throws -> Double? { ((try run.summary())["crack"] as? [String: Any])?["K_emission_MPa_sqrt_m"] as? Double }
      // matscipy 1.3.1, CubicCrystalCrack.k1e_aniso.
      for (displacement, expected) in [("[1, -1, -2]", 0.507559683604712), ("[1, 0, -1]", 0.552668384146785)] {
        let found = try #require(try k(run("plane: [1, -1, 1], displacement: \(displacement), unstable_energy: 0.16")))
        #expect(isAbout(found, expected, 1e-6), "\(found)")
      }
      let steep = try #require(try k(run("plane: [1, -1, 1], displacement: [1, -1, -2], unstable_energy: 0.64")))
      #expect(isAbout(steep, 2 * 0.507559683604712, 1e-6))
      #expect(try k(run("plane: [0, 0, 1], displacement: [1, -1, 0], unstable_energy: 0.16")) == nil)
      // The γ-line of the task.
      let measured = try run("plane: [1, -1, 1], displacement: [0.166666667, -0.166666667, -0.333333333]")
      let text = try #require(measured.log.firstMatch(of: /unstable stacking energy ([0-9.]+) J/)).1
      let task = try DeckRun(
        TaskKeyTests.deck(
          "{gamma_line: {plane: [1, -1, 1], displacement: [0.166666667, -0.166666667, -0.333333333], points: 41}}", constant: "5.2687"))
      let line = try #require(task.log.firstMatch(of: /highest ([0-9.]+) J/)).1
      #expect(isAbout(Double(text)!, Double(line)!, 0.01) && Double(line)! > 0.001)
      for (emission, words) in [
        ("plane: [1, 1, 1], displacement: [1, -1, 0]", "does not have the front in it"),
        ("plane: [1, -1, 1], displacement: [1, 1, 1]", "does not lie in the slip plane"),
      ] {
        let text = CrackKeyTests.refusal(CrackKeyTests.deck(CrackKeyTests.small("emission: {\(emission)}").replacing("[1, 1, 1], front: [1, -1, 0]", with: "[0, 0, 1], front: [1, 1, 0]"), "{minimize: {}}"))
        #expect(text.contains(words), "\(text)")
      }
    },
  ]

  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }
}
