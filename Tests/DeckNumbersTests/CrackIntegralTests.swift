import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// J is some 10⁻⁴ J/m² here: errors are of the value.
private func isAbout(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool { abs(a - b) <= tolerance * abs(b) }

/// J by domain integrals against G = ½ kᵀ L⁻¹ k of K, which other programs' references hold (StrohTests).
@Suite("Deck → numbers: J of cracks") struct CrackIntegralTests {
  /// A crystal, its potential, and a K of some tenth of Griffith's: strains are small, and larger than what energies of atoms say
  /// of gradients.
  struct Material: Sendable {
    var of: String
    var potential: String
    var k: Double
  }

  static let argon = Material(
    of: "{lattice: {type: fcc, constant: equilibrium, species: [Ar]}}",
    potential: "{lennard_jones: {cutoff: 8.7, truncation: shifted, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}]}}", k: 1.5e-3)
  /// Many-body forces.
  static let molybdenum = Material(
    of: "{lattice: {type: bcc, constant: equilibrium, species: [Mo]}}", potential: "{eam: {parameters: zhou2004}}", k: 0.1)
  /// Two sublattices of energies that differ by far.
  static let salt = Material(
    of: "{lattice: {type: cscl, constant: equilibrium, species: [Kr, Ar]}}",
    potential: "{lennard_jones: {cutoff: 9.3, truncation: shifted, pairs: [{species: [Ar, Ar], epsilon: 0.012, sigma: 3.926}, "
      + "{species: [Ar, Kr], epsilon: 0.02, sigma: 3.4}, {species: [Kr, Kr], epsilon: 0.008, sigma: 3.926}]}}", k: 1.2e-3)

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var material: Material
    var plane: String
    var front: String
    var mode: String
    var radius = 90
    var k: Double?
    var tolerance = 0.01
  }

  static let cases = [
    Case(testDescription: "opening", material: argon, plane: "[0, 0, 1]", front: "[1, 1, 0]", mode: "[1, 0, 0]", radius: 150, k: 1e-3),
    Case(testDescription: "sliding", material: argon, plane: "[0, 0, 1]", front: "[1, 1, 0]", mode: "[0, 1, 0]"),
    Case(testDescription: "tearing", material: argon, plane: "[0, 0, 1]", front: "[1, 1, 0]", mode: "[0, 0, 1]"),
    Case(testDescription: "all, where the crystal couples them", material: argon, plane: "[1, 1, 1]", front: "[1, 1, -2]", mode: "[3, -1, 2]", radius: 150, k: 1e-3, tolerance: 0.015),
    Case(testDescription: "many-body forces", material: molybdenum, plane: "[1, 1, 0]", front: "[0, 0, 1]", mode: "[1, 0, 0]"),
    Case(testDescription: "two sublattices", material: salt, plane: "[1, 1, 0]", front: "[0, 0, 1]", mode: "[1, 0, 0]", radius: 150),
  ]

  static func deck(_ material: Material, _ keys: String, _ stages: String, more: String = "") -> String {
    """
    structure: {crack: {of: \(material.of), \(keys)}}
    potential: [\(material.potential)]
    stages: [\(stages)]
    \(more)
    """
  }

  static func integrals(_ row: [String: Double]) -> [Double] { (1...20).compactMap { row["J_\($0)"] } }

  @Test("atoms displaced by the elastic field have the J of its K, on three annuli", arguments: cases)
  func field(_ c: Case) throws {
    let run = try DeckRun(
      Self.deck(
        c.material, "plane: \(c.plane), front: \(c.front), mode: \(c.mode), radius: \(c.radius), k: \(c.k ?? c.material.k)",
        "{minimize: {max_steps: 1}}"))
    let first = try #require(try CrackKeyTests.rows(run).first)
    let (j, g) = (Self.integrals(first), try #require(first["G"]))
    #expect(j.count == 3 && g > 0)
    for value in j { #expect(isAbout(value, g, c.tolerance), "\(j) \(g)") }
    #expect(isAbout(try #require(first["G_fit"]), g, 1e-4))
  }

  @Test("Griffith's crack: J of a relaxed slit between springs does not depend on its path, and is K²/E′ in a large body")
  func griffith() throws {
    // Neighbours alone, at rest in the crystal: nothing relaxes or pulls at faces, and the slit's end is what differs from a crack's.
    let springs = Material(of: Self.argon.of, potential: Self.argon.potential.replacing("8.7", with: "4.6"), k: 0)
    var ratios: [Double] = []
    for radius in [80, 160] {
      let run = try DeckRun(
        Self.deck(
          springs, "plane: [0, 0, 1], front: [1, 1, 0], radius: \(radius), ring: 6, slit: 5, k: 0.0005",
          "{minimize: {force_tolerance: 1e-7, k_increments: {k: [0.0005, 0.001], count: 1}}}"))
      let rows = try CrackKeyTests.rows(run)
      #expect(rows.count == 2)
      for row in rows {
        let (j, g) = (Self.integrals(row), try #require(row["G"]))
        #expect(j.count == 3 && j.max()! - j.min()! < 0.005 * g, "\(j)")
        ratios.append(j[2] / g)
      }
      let crack = try #require(try run.summary()["crack"] as? [String: Any])
      let last = Self.integrals(try #require(rows.last))
      #expect(isAbout(try #require(crack["J_J_per_m2"] as? Double), last.reduce(0, +) / 3, 1e-9))
      #expect(isAbout(try #require(crack["J_spread_J_per_m2"] as? Double), last.max()! - last.min()!, 1e-6))
      #expect(run.log.contains("3 annuli within"))
    }
    // Linear in 1/radius: 3 and 2 % off at these, found within 0.5 % in the limit.
    for row in 0..<2 { #expect(abs(2 * ratios[2 + row] - ratios[row] - 1) < 0.01, "\(ratios)") }
    #expect(ratios.allSatisfy { $0 > 0.95 && $0 < 1 })
  }

  @Test("a sharp crack near Griffith's load, where strains are not small: J does not depend on its path, and is the ring's")
  func sharp() throws {
    let deck = Self.deck(
      Self.argon, "plane: [0, 0, 1], front: [1, 1, 0], radius: 120, surface_energy: measured, of_griffith: 1",
      "{minimize: {force_tolerance: 1e-5, k_increments: {of_griffith: [0.99, 1.01], count: 1}}}")
    let (one, three) = (try CrackKeyTests.rows(DeckRun(deck)), try CrackKeyTests.rows(DeckRun(deck, ranks: 3)))
    for row in one {
      let j = Self.integrals(row)
      #expect(j.count == 3 && j.max()! - j.min()! < 0.02 * j[0], "\(j)")
      #expect(isAbout(j[2], try #require(row["G"]), 0.06), "\(j) \(row)")
    }
    // Before the tip moves, after which rounding decides where it stops.
    #expect(one.count == 2 && three.count == 2)
    for (a, b) in zip(Self.integrals(one[0]), Self.integrals(three[0])) { #expect(isAbout(a, b, 2e-5), "\(a) \(b)") }
  }

  @Test("a crack that cleaves makes no slip, one that emits a dislocation does")
  func slip() throws {
    func run(_ plane: String, _ front: String, _ more: String, _ loads: String) throws -> ([[String: Double]], [String: Any]) {
      let run = try DeckRun(
        Self.deck(
          Self.argon, "plane: \(plane), front: \(front), radius: 60, surface_energy: measured, \(more)",
          "{minimize: {force_tolerance: 1e-4, k_increments: {of_griffith: \(loads), count: 6, follow: true}}}"))
      return (try CrackKeyTests.rows(run), try #require(try run.summary()["crack"] as? [String: Any]))
    }
    let (cleaving, first) = try run("[0, 0, 1]", "[1, 1, 0]", "of_griffith: 1", "[1, 1.2]")
    #expect(first["first_advance"] != nil && first["first_slip"] == nil)
    #expect(cleaving.allSatisfy { $0["slipped_atoms"]! == cleaving[0]["slipped_atoms"]! })
    // Between cut faces: those of a sharp crack are rough enough at first to emit at once.
    let (emitting, second) = try run("[1, 1, 1]", "[1, -1, 0]", "slit: 9, of_griffith: 0.5", "[0.5, 1.1]")
    let event = try #require(second["first_slip"] as? [String: Any])
    let k = try #require(event["K_over_K_G"] as? Double)
    #expect(k > 0.5 && k < 1.1 && emitting[0]["slipped_atoms"] == 0)
    // Planes on both sides of the slip, from the tip to the dislocation.
    #expect(emitting.last!["slipped_atoms"]! > 10)
    let before = emitting.last { $0["K_over_K_G"]! < k }, after = emitting.first { $0["K_over_K_G"]! > k }
    #expect(before?["slipped_atoms"] == emitting[0]["slipped_atoms"] && after!["slipped_atoms"]! > before!["slipped_atoms"]!)
  }

  static let effects = [
    KeyEffect("analysis.crack.slip") {
      let keys = CrackKeyTests.small(k: "k: 0.018")
      let (now, sites) = (try CrackKeyTests.build(keys), try CrackKeyTests.build(keys.replacing("k: 0.018", with: "k: 0")))
      let (period, y, d) = (sites.box.cell.z.z, 0.5 * sites.box.cell.y.y, 5.2687 / 2.0.squareRoot())
      for limit in [0.03, 0.08] {
        let run = try DeckRun(
          CrackKeyTests.deck(keys, "{dynamics: {steps: 1, timestep: 1 fs, k_field: {k: 0.018}}}", more: "analysis: {crack: {slip: \(limit)}}"))
        // One by one.
        let count = sites.positions.indices.filter { i in
          sites.positions.indices.contains { j in
            (-2...2).contains { n in
              let r = sites.positions[j] - sites.positions[i] + Vector3(0, 0, Double(n) * period)
              guard r.length > 1e-6, r.length < 1.2 * d, (sites.positions[i].y > y) == (sites.positions[j].y > y) else { return false }
              let change = now.positions[j] - sites.positions[j] - (now.positions[i] - sites.positions[i])
              return change.length > limit * d
            }
          }
        }.count
        let row = try #require(try CrackKeyTests.rows(run).first)
        #expect(count > 4 && Int(row["slipped_atoms"]!) == count, "\(limit): \(row) \(count)")
      }
    },
    KeyEffect("analysis.crack.domains") {
      let keys = "plane: [0, 0, 1], front: [1, 1, 0], radius: 60, k: 1.5e-3"
      func run(_ domains: String, _ stages: String = "{minimize: {max_steps: 1}}") throws -> DeckRun {
        try DeckRun(deck(argon, keys, stages, more: "analysis: {crack: {every: 1, domains: \(domains)}}"))
      }
      let mixed = try run("[12, 30, 40]", "{minimize: {max_steps: 1}}, {dynamics: {steps: 1, timestep: 1 fs}}")
      let rows = try CrackKeyTests.rows(mixed)
      let first = try #require(rows.first)
      #expect(integrals(first).count == 2 && integrals(first).allSatisfy { isAbout($0, first["G"]!, 0.03) })
      // Atoms that move have no J.
      #expect(integrals(try #require(rows.last)).allSatisfy(\.isNaN))
      let other = try #require(try CrackKeyTests.rows(run("[20, 44]")).first)
      #expect(integrals(other).count == 1 && integrals(other)[0] != integrals(first)[0])
      // A tip that is nearer to the ring than the outermost annulus reaches.
      let aside = try DeckRun(deck(argon, keys + ", tip: [10, 0]", "{minimize: {max_steps: 1}}"))
      #expect(integrals(try #require(try CrackKeyTests.rows(aside).first)).map(\.isNaN) == [false, false, true])
      func refusal(_ domains: String, _ stages: String = "{minimize: {max_steps: 1}}") -> String {
        let error = #expect(throws: (any Error).self) { _ = try run(domains, stages) }
        return error.map { "\($0)" } ?? ""
      }
      for domains in ["[8, 30]", "[12, 49]"] { #expect(refusal(domains).contains("reach the tip or the ring")) }
      #expect(refusal("[12, 30, 20]").contains("do not ascend"))
      #expect(refusal("[12, 30]", "{dynamics: {steps: 1}}").contains("no stage relaxes"))
    }
  ]

  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }
}
