import Foundation
import MDCore
import MDNumerics
import MDSimulation
import MDTestSupport
import Testing

/// Searches of interfaces of two crystals: copper and nickel by Zhou's embedded atoms.
@Suite("Deck → numbers: searches of interfaces") struct InterfaceSearchTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static func deck(_ search: String, relation: String = "relation: {match: {planes: [[1, 1, 1], [1, 1, 1]]}}, ", more: String = "") -> String {
    """
    structure:
      interface:
        lower: {lattice: {type: fcc, constant: equilibrium, species: [Cu]}}
        upper: {lattice: {type: fcc, constant: equilibrium, species: [Ni]}}
        \(relation.trimmingCharacters(in: CharacterSet(charactersIn: ", ")))
        max_area: 60
        strain_to: both
        thickness: 13
    potential: [{eam: {parameters: zhou2004}}]
    search: {\(search)}
    \(more)
    """
  }

  private static func potentialEnergy(_ deck: String, files: [String: String] = [:]) throws -> (energy: Double, run: DeckRun) {
    let run = try DeckRun(deck, files: files)
    return (try #require(CSVTable.rows(run.read("run/thermo.csv")).last?["potential_energy"]), run)
  }

  /// Everything that the search says of Cu(111)/Ni(111), by decks that know nothing of it: the bicrystal that it found, each
  /// crystal between surfaces, and each strained crystal that repeats.
  @Test("energies are those of separate runs") func separate() throws {
    let search = try DeckRun(Self.deck("stop: {trials: 6, unchanged: 6}, force_tolerance: 1e-5"))
    let found = try SearchKeyTests.found(search)
    func number(_ name: String) throws -> Double { try #require(found[name] as? Double, "\(name)") }
    let best = try search.frames("best.extxyz")[0]
    let area = cross(best.structure.box.cell.x, best.structure.box.cell.y).length
    #expect(abs(try number("area_A2") - area) < 1e-6)
    let potential = "potential: [{eam: {parameters: zhou2004}}]"
    func relaxed(_ structure: Structure, _ cell: String) throws -> (Double, Double) {
      let (energy, run) = try Self.potentialEnergy(
        """
        structure: {file: {path: start.extxyz}}
        \(potential)
        stages: [{minimize: {cell: \(cell), force_tolerance: 1e-5, stress_tolerance: 10}}]
        """, files: ["start.extxyz": Sample.text(structure)])
      return (energy, try #require(CSVTable.rows(run.read("run/thermo.csv")).last?["volume"]))
    }
    let joule = Units.energyPerAreaToJoulePerSquareMetre
    let whole = try relaxed(best.structure, "out_of_plane")
    let grains = try #require(best.structure.grains)
    var (bulk, volume, surfaces, strain) = (0.0, 0.0, [Double](), 0.0)
    for (grain, name, constant) in [(Int32(0), "Cu", 0.0), (1, "Ni", 0.0)] {
      _ = constant
      var slab = best.structure
      slab.keepAtoms { grains[$0] == grain }
      let count = Double(slab.count)
      // A period of the crystal: (111) planes repeat after three.
      let (free, log) = try Self.potentialEnergy(
        "structure: {lattice: {type: fcc, constant: equilibrium, species: [\(name)]}}\n\(potential)\nstages: [{minimize: {}}]")
      let a = try #require(log.log.firstMatch(of: /a = ([0-9.]+) Å/).flatMap { Double($0.1) })
      let edge = best.structure.box.cell.x.length
      let crystal = Structure(
        box: Box(cell: Matrix3(
          Vector3(edge, 0, 0), Vector3(0.5 * edge, 0.75.squareRoot() * edge, 0),
          Vector3(0.5 * edge, edge * 0.75.squareRoot() / 3, a / 3.0.squareRoot()))),
        species: [name], types: [0], positions: [.zero])
      let (e, v) = try relaxed(crystal, "normal")
      bulk += count * e
      volume += count * v
      strain += count * (e - free / 4)
      var cell = slab.box.cell
      cell.z = Vector3(0, 0, 60)
      slab.box.setCell(cell)
      let (s, _) = try relaxed(slab, "fixed")
      surfaces.append((s - count * e) / (2 * area) * joule)
    }
    let gamma = (whole.0 - bulk) / (2 * area) * joule
    #expect(abs(gamma - (try number("energy_J_per_m2"))) < 1e-4 && gamma > 0.02, "\(gamma) \(found)")
    #expect(abs((whole.1 - volume) / (2 * area) - (try number("excess_volume_A"))) < 2e-3)
    #expect(abs(surfaces[0] - (try number("surface_energy_lower_J_per_m2"))) < 1e-4 && surfaces[0] > 1)
    #expect(abs(surfaces[1] - (try number("surface_energy_upper_J_per_m2"))) < 1e-4)
    #expect(abs(surfaces[0] + surfaces[1] - gamma - (try number("work_of_adhesion_J_per_m2"))) < 3e-4)
    #expect(abs(strain / (2 * area) * joule - (try number("strain_energy_J_per_m2"))) < 1e-4 && strain > 0)
    // Two stackings: the crystals slide into them from anywhere.
    let states = try SearchKeyTests.numbers(search, "energy").sorted()
    #expect(states.allSatisfy { abs($0 - states[0]) < 1e-3 || abs($0 - states[5]) < 1e-3 }, "\(states)")
  }

  /// All trials end in one state, and which of them is lowest is a matter of the last digits: trials beyond the end, which other
  /// groups had begun, must not take its structure away.
  @Test("eight groups keep the structures of one", arguments: 1...6) func groups(_ seed: Int) throws {
    let text = Self.deck(
      "stop: {trials: 30, unchanged: 4}, keep: 1", relation: "relation: {match: {planes: [[1, 0, 0], [1, 0, 0]]}}", more: "seed: \(seed)")
    let (serial, parallel) = (try DeckRun(text), try DeckRun(text, ranks: 8))
    for file in ["search.csv", "best.extxyz", "map.csv"] { #expect(try parallel.read("run/\(file)") == serial.read("run/\(file)"), "\(file)") }
  }

  static let effects = [
    KeyEffect(in: "search", "over.termination") {
      let zinc = { (more: String) in
        """
        structure:
          interface:
            lower: {lattice: {type: rocksalt, constant: 5.64, species: [Na, Cl]}}
            relation: {coincidence: {axis: [1, 1, 1], sigma: 3, plane: [1, 1, 1]}}
            thickness: 9
        species: {Na: {charge: 1}, Cl: {charge: -1}}
        potential: [{born_mayer_huggins: {cutoff: 7, pairs: [{species: [Na, Cl], a: 0.2, rho: 0.32, sigma: 2.7, c: 7, d: 9}, {species: [Na, Na], a: 0.26, rho: 0.32, sigma: 2.3, c: 1, d: 0.5}, {species: [Cl, Cl], a: 0.16, rho: 0.32, sigma: 3.2, c: 72, d: 145}]}}]
        search: {stop: {trials: 2}, max_steps: 300, force_tolerance: 0.05\(more)}
        """
      }
      let all = try DeckRun(zinc(""))
      let rows = try SearchKeyTests.table(all, "run/interfaces.csv")
      #expect(Set(rows.map { $0["lower_end"]! + $0["upper_end"]! }) == ["NaCl", "NaNa", "ClCl", "ClNa"])
      let one = try DeckRun(zinc(", over: {termination: [\(rows[0]["termination"]!)]}"))
      let found = try SearchKeyTests.found(one)
      #expect(found["trials"] as? Int == 2 && found["work_of_adhesion_J_per_m2"] == nil, "one crystal has nothing to adhere to")
      #expect { try DeckRun(zinc(", over: {termination: [9]}")) } throws: { "\($0)".contains("no termination number 9") }
    },
    KeyEffect(in: "search.family", "miller", "matches") {
      let run = try DeckRun(deck("family: {miller: 1}, stop: {trials: 2}", relation: ""), ranks: 2)
      let rows = try SearchKeyTests.table(run, "run/interfaces.csv")
      #expect(rows.count == 8 && rows[0]["lower_plane"] == rows[0]["upper_plane"], "like planes are best")
      let energies = rows.compactMap { Double($0["energy"]!) }
      #expect(energies == energies.sorted() && energies[0] > 0)
      #expect(rows.allSatisfy { row in
        guard let w = Double(row["work_of_adhesion"]!), let a = Double(row["surface_lower"]!), let b = Double(row["surface_upper"]!),
          let e = Double(row["energy"]!)
        else { return false }
        return abs(w - (a + b - e)) < 1e-4
      }, "\(rows)")
      #expect(try run.read("run/interfaces.svg").contains("Cu(111) | Ni(111)"))
      let single = try DeckRun(deck("family: {miller: 1}, stop: {trials: 2}", relation: ""))
      #expect(try single.read("run/interfaces.csv") == run.read("run/interfaces.csv"))
      // Silver is 13 % larger.
      let silver = deck("family: {miller: [[[1, 0, 0], [1, 0, 0]]], matches: 2}, stop: {trials: 1}", relation: "max_strain: 0.14")
        .replacing("[Ni]", with: "[Ag]")
      let pairs = try DeckRun(silver)
      let two = try SearchKeyTests.table(pairs, "run/interfaces.csv")
      #expect(two.count == 2 && Set(two.map { $0["match"]! }).count == 2)
      // A smaller cell with more strain, a larger one with less.
      let ordered = two.sorted { Double($0["area"]!)! < Double($1["area"]!)! }
      #expect(abs(Double(ordered[0]["strain_upper"]!)!) > abs(Double(ordered[1]["strain_upper"]!)!))
    },
  ]

  @Test(
    "mistakes of searches of interfaces",
    arguments: [
      ("", "", "`relation` is missing"), ("family: {miller: 1}", "relation: {match: {planes: [[1, 1, 1], [1, 1, 1]]}}, ", "is said by `search.family`"),
      ("family: {sigma_max: 5}", "", "is of `structure.grain_boundary`"), ("family: {miller: [[[0, 0, 0], [1, 1, 1]]]}", "", "plane (0, 0, 0)"),
    ])
  func mistakes(_ search: String, _ relation: String, _ words: String) throws {
    #expect { try DeckRun(Self.deck(search, relation: relation)) } throws: { "\($0)".contains(words) && ($0 as? FaultlineError)?.kind == .input }
  }

  @Test func refused() throws {
    let relation = "relation: {match: {planes: [[1, 1, 1], [1, 1, 1]]}}"
    for key in ["shift: [0.1, 0]", "expansion: 0.2", "overlap: 1", "free_surfaces: true", "termination: 0", "neutral: true", "remove: formula_units"] {
      #expect { try DeckRun(Self.deck("", relation: relation + "\n    " + key)) } throws: { "\($0)".contains("search") }
    }
    #expect { try DeckRun.describe(Self.deck("family: {miller: 1}", relation: "")) } throws: { "\($0)".contains("no single structure") }
    let far = Self.deck("family: {miller: [[[1, 1, 1], [1, 1, 0]]]}", relation: "max_strain: 0.0001").replacing("max_area: 60", with: "max_area: 9")
    #expect { try DeckRun(far) } throws: { "\($0)".contains("no pair of planes matches within 9.0 Å² and 0.01 % of strain") }
  }
}
