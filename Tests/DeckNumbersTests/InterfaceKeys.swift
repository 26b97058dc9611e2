import Foundation
import MDCore
import MDNumerics
import MDStructures
import MDTestSupport
import Testing

/// Keys of `structure.interface`, `structure.enumerate` and `structure.match`: what `build` says and makes, against the builders
/// called by hand and against geometry.
@Suite("Deck → numbers: interfaces") struct InterfaceKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  // MARK: Crystals, wherever they are named

  /// A crystal as a deck has it, and as it is.
  struct Crystal: Sendable {
    let text: String
    let unit: @Sendable () throws -> UnitCell
    var files: [String: String] = [:]
  }

  static let tetragonal = Matrix3(diagonal: Vector3(3, 3, 3.6))
  static func pair(_ second: Vector3, _ names: [String]) throws -> UnitCell {
    try UnitCell(cell: tetragonal, sites: [.init(.zero, names[0]), .init(second, names[1])])
  }
  static let poscar = "crystal\n1\n3 0 0\n0 3 0\n0 0 3.6\nPt\n1\nDirect\n0 0 0\n"
  static let data = """
    crystal

    1 atoms
    1 atom types

    0 3 xlo xhi
    0 3 ylo yhi
    0 3.6 zlo zhi

    Masses

    1 195.08

    Atoms # atomic

    1 1 0 0 0

    """

  static let crystals: [Crystal] = [
    .init(text: "{lattice: {type: fcc, constant: 4.05, species: [Al]}}") { try LatticeType.fcc.unitCell(a: 4.05, species: ["Al"]) },
    .init(text: "{lattice: {type: bcc, constant: 3.3, species: [Nb]}}") { try LatticeType.bcc.unitCell(a: 3.3, species: ["Nb"]) },
    .init(text: "{lattice: {type: hcp, constant: 3.2, species: [Mg]}}") { try LatticeType.hcp.unitCell(a: 3.2, species: ["Mg"]) },
    .init(text: "{lattice: {type: hcp, constant: 3.2, c: 4.8, species: [Mg]}}") {
      try LatticeType.hcp.unitCell(a: 3.2, c: 4.8, species: ["Mg"])
    },
    .init(
      text: "{crystal: {cell: [[3, 0, 0], [0, 3, 0], [0, 0, 3.6]], basis: [{species: In, position: [0, 0, 0]}, "
        + "{species: In, position: [0.5, 0.5, 0]}]}}"
    ) { try pair(Vector3(0.5, 0.5, 0), ["In", "In"]) },
    .init(
      text: "{crystal: {cell: [[3, 0, 0], [0, 3, 0], [0, 0, 3.6]], basis: [{species: Ti, position: [0, 0, 0]}, "
        + "{species: Al, position: [0.5, 0.5, 0.5]}]}}"
    ) { try pair(Vector3(0.5, 0.5, 0.5), ["Ti", "Al"]) },
    .init(
      text: "{file: {path: crystal.txt, format: poscar}}",
      unit: { try UnitCell(cell: tetragonal, sites: [.init(.zero, "Pt")]) }, files: ["crystal.txt": poscar]),
    .init(
      text: "{file: {path: crystal.data, species: [Pt]}}",
      unit: { try UnitCell(cell: tetragonal, sites: [.init(.zero, "Pt")]) }, files: ["crystal.data": data]),
  ]

  static let crystalKeys = [
    "lattice.type", "lattice.constant", "lattice.pressure", "lattice.c", "lattice.species", "crystal.cell", "crystal.basis.species",
    "crystal.basis.position", "file.path", "file.format", "file.species",
  ]

  /// Where a deck names a crystal, and what the log then has.
  struct Place: Sendable {
    let key: String
    let deck: String
    let lines: @Sendable (UnitCell) throws -> [String]
  }

  static let square = IntegerVector(0, 0, 1)
  static func options(_ share: StrainShare = .upper) -> Interface.Options {
    var options = Interface.Options()
    options.limits = MatchLimits(area: 400, strain: 0.2)
    options.thickness = (8, 8)
    options.strainTo = share
    return options
  }
  static let copper: @Sendable () throws -> UnitCell = { try LatticeType.fcc.unitCell(a: 3.615, species: ["Cu"]) }
  static let copperText = "{lattice: {type: fcc, constant: 3.615, species: [Cu]}}"
  static let along = "{parallel: {planes: [[0, 0, 1], [0, 0, 1]], directions: [[1, 0, 0], [1, 0, 0]]}}"
  static let relation = InterfaceRelation.parallel(
    planes: ([0, 0, 1], [0, 0, 1]), directions: ([1, 0, 0], [1, 0, 0]))

  static let places: [Place] = [
    Place(
      key: "structure.interface.lower",
      deck: "structure: {interface: {lower: CRYSTAL, relation: \(along), max_strain: 0.2, thickness: 8}}"
    ) { try Interface($0, $0, relation, options()).lines },
    Place(
      key: "structure.interface.upper",
      deck: "structure: {interface: {lower: \(copperText), upper: CRYSTAL, relation: \(along), max_strain: 0.2, thickness: 8}}"
    ) { try Interface(copper(), $0, relation, options()).lines },
    Place(key: "structure.enumerate.of", deck: "structure: {enumerate: {of: CRYSTAL, axis: [1, 0, 0], sigma_max: 30, max_strain: 0.02}}") {
      ["coincidence rotations of \($0.formula) about"]
        + (try CoincidenceTable($0, axis: [1, 0, 0], sigma: 30, strain: 0.02).lines)
    },
    Place(
      key: "structure.match.lower",
      deck: "structure: {match: {lower: CRYSTAL, upper: \(copperText), miller: [[[1, 0, 0], [0, 0, 1]]], max_area: 90, max_strain: 0.2}}"
    ) {
      let cells = (try PlaneCell($0, [1, 0, 0]), try PlaneCell(copper(), square))
      let matches = try PlaneMatcher(cells.0, cells.1).matches(area: 90, strain: 0.2)
      return ["Cu (001) on \($0.formula) (100): \(matches.count)"] + MatchTable(matches, cells.0, cells.1).lines.prefix(11)
    },
    Place(
      key: "structure.match.upper",
      deck: "structure: {match: {upper: CRYSTAL, lower: \(copperText), miller: [[[0, 0, 1], [1, 0, 0]]], max_area: 90, max_strain: 0.2}}"
    ) {
      let cells = (try PlaneCell(copper(), square), try PlaneCell($0, [1, 0, 0]))
      let matches = try PlaneMatcher(cells.0, cells.1).matches(area: 90, strain: 0.2)
      return ["\($0.formula) (100) on Cu (001): \(matches.count)"] + MatchTable(matches, cells.0, cells.1).lines.prefix(11)
    },
  ]

  private static func check(_ place: Place) throws {
    var texts: Set<String> = []
    for crystal in crystals {
      let log = try DeckRun.describe(place.deck.replacing("CRYSTAL", with: crystal.text), files: crystal.files)
      let lines = try place.lines(crystal.unit())
      #expect(lines.count > 1)
      for line in lines { #expect(log.contains(line), "\(place.key) \(crystal.text): \(line)\n\(log)") }
      texts.insert(lines.joined())
    }
    // All but the two files of the same crystal differ.
    #expect(texts.count == crystals.count - 1)
    // Under pressure the potential's own constant is smaller, and the crystal has it.
    let potential =
      "\npotential: [{lennard_jones: {cutoff: 8.7, truncation: shifted, pairs: [{species: [Ar, Ar], epsilon: 0.0104, sigma: 3.4}, "
      + "{species: [Ar, Cu], epsilon: 0.0104, sigma: 3.4}, {species: [Cu, Cu], epsilon: 0.0104, sigma: 3.4}]}}]"
    let constants = try ["0", "5 kbar"].map { pressure in
      let log = try DeckRun.describe(
        place.deck.replacing(
          "CRYSTAL", with: "{lattice: {type: fcc, constant: equilibrium, pressure: \(pressure), species: [Ar]}}") + potential)
      let found = try #require(log.firstMatch(of: /a = ([0-9.]+) Å/).flatMap { Double($0.1) })
      let lines = try place.lines(try LatticeType.fcc.unitCell(a: found, species: ["Ar"]))
      #expect(log.contains(lines[0]), "\(place.key): \(lines[0])\n\(log)")
      return found
    }
    #expect(constants[1] < constants[0] - 0.05)
  }

  // MARK: Interfaces

  static let sigma5 = "lower: {lattice: {type: bcc, constant: 3, species: [Mo]}}, relation: {coincidence: {axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]}}"

  static func build(_ keys: String) throws -> Structure { try DeckRun.build("interface: {\(keys)}") }
  static func describe(_ keys: String) throws -> String { try DeckRun.describe("structure: {interface: {\(keys)}}") }

  /// Of an input error.
  static func refusal(_ deck: String) -> String {
    let error = #expect(throws: FaultlineError.self) { _ = try DeckRun.describe(deck) }
    return error.map { "\($0)" } ?? ""
  }

  static let cuNi =
    "lower: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}, upper: {lattice: {type: fcc, constant: 3.52, species: [Ni]}}"

  static let effects: [KeyEffect] =
    places.map { place in
      KeyEffect(keys: crystalKeys.map { "\(place.key).\($0)" }) { try check(place) }
    } + [
      KeyEffect(
        in: "structure.interface.relation.coincidence", "axis", "sigma", "plane", "angle"
      ) {
        func area(_ relation: String) throws -> Double {
          let s = try build(
            "lower: {lattice: {type: sc, constant: 3, species: [Mo]}}, thickness: 6, overlap: 0, relation: {coincidence: {\(relation)}}")
          return cross(s.box.cell.x, s.box.cell.y).length / 9
        }
        #expect(abs(try area("axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]") - 10.0.squareRoot()) < 1e-9)
        #expect(abs(try area("axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0]") - 5.0.squareRoot()) < 1e-9)
        #expect(abs(try area("axis: [0, 0, 1], sigma: 13, plane: [3, 2, 0]") - 13.0.squareRoot()) < 1e-9)
        #expect(abs(try area("axis: [0, 0, 1], sigma: 5, plane: [0, 0, 1]") - 5) < 1e-9)
        #expect(abs(try area("axis: [1, 1, 1], sigma: 3, plane: [1, 1, 1]") - 3.0.squareRoot()) < 1e-9)
        #expect(abs(try area("axis: [1, 1, 1], sigma: 7, plane: [1, 1, 1]") - 7 * 3.0.squareRoot()) < 1e-9)
        // Of the two angles about [001] one makes (310) symmetric, at the other it is not.
        let log = try ["36.87", "53.13"].map {
          try describe("lower: {lattice: {type: sc, constant: 3, species: [Mo]}}, relation: {coincidence: {axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], angle: \($0)}}")
        }
        #expect(log.contains { $0.contains("symmetric tilt") && !$0.contains("asymmetric") })
        #expect(log[0].contains("36.8699°") && log[1].contains("53.1301°"))
      },
      KeyEffect(in: "structure.interface.relation.rotation", "axis", "angle", "plane") {
        let crystal = "lower: {lattice: {type: fcc, constant: 3.615, species: [Cu]}}, max_strain: 0.005, max_area: 2000"
        // Σ5 by its angle.
        let log = try describe("\(crystal), relation: {rotation: {axis: [0, 0, 1], angle: 36.8699, plane: [0, 0, 1]}}")
        #expect(log.contains("twist") && log.contains("at 90.000°, \(RunText.fixed(3.615 * 3.615 * 5 / 2, 4)) Å²"), "\(log)")
        let other = try describe("\(crystal), relation: {rotation: {axis: [0, 0, 1], angle: 22.6199, plane: [0, 0, 1]}}")
        #expect(other.contains("\(RunText.fixed(3.615 * 3.615 * 13 / 2, 4)) Å²"))
        let tilt = try describe("\(crystal), relation: {rotation: {axis: [0, 0, 1], angle: 36.8699, plane: [1, 0, 0]}}")
        #expect(tilt.contains("tilt") && (tilt.contains("(4 -3 0)") || tilt.contains("(430)")), "\(tilt)")
        let about = try describe("\(crystal), relation: {rotation: {axis: [1, 1, 1], angle: 38.2132, plane: [1, 1, 1]}}")
        #expect(about.contains("\(RunText.fixed(3.0.squareRoot() / 4 * 3.615 * 3.615 * 7, 4)) Å²"), "\(about)")
      },
      KeyEffect(in: "structure.interface.relation.parallel", "planes", "directions") {
        func log(_ planes: String, _ directions: String) throws -> String {
          try describe("\(cuNi), max_area: 300, max_strain: 0.05, relation: {parallel: {planes: \(planes), directions: \(directions)}}")
        }
        // Cube on cube: one cell on one; turned by 30° it is not.
        let same = try log("[[1, 1, 1], [1, 1, 1]]", "[[1, -1, 0], [1, -1, 0]]")
        #expect(same.contains("interface (111) | (111) of Cu | Ni, 1 on 1 cells"), "\(same)")
        let turned = try log("[[1, 1, 1], [1, 1, 1]]", "[[1, -1, 0], [1, 1, -2]]")
        #expect(!turned.contains("1 on 1 cells"))
        #expect(try log("[[1, 0, 0], [1, 0, 0]]", "[[0, 1, 0], [0, 1, 0]]").contains("(100) | (100)"))
      },
      KeyEffect(in: "structure.interface.relation.match", "planes", "number") {
        for number in 0..<3 {
          let log = try describe("\(cuNi), max_area: 60, max_strain: 0.05, relation: {match: {planes: [[1, 1, 1], [1, 0, 0]], number: \(number)}}")
          let cells = (
            try PlaneCell(copper(), [1, 1, 1]), try PlaneCell(LatticeType.fcc.unitCell(a: 3.52, species: ["Ni"]), [1, 0, 0])
          )
          let matches = try PlaneMatcher(cells.0, cells.1).matches(area: 60, strain: 0.05)
          let n = matches[number]
          #expect(log.contains("(111) | (100) of Cu | Ni, \(abs(n.lower.determinant)) on \(abs(n.upper.determinant)) cells"))
          #expect(log.contains("\(RunText.fixed(n.area, 4)) Å²"))
        }
      },
      KeyEffect(in: "structure.interface", "max_area", "max_strain") {
        let relation = "relation: {parallel: {planes: [[1, 1, 1], [1, 1, 1]], directions: [[1, -1, 0], [1, -1, 0]]}}"
        func keys(_ area: Double, _ strain: Double) -> String { "\(cuNi), max_area: \(area), max_strain: \(strain), \(relation)" }
        // 2.7 % of strain in one cell; below 0.1 % it takes 36 on 37 along each edge, 7334 Å².
        let (coarse, fine) = (try describe(keys(100, 0.03)), try describe(keys(9000, 0.001)))
        #expect(coarse.contains("1 on 1 cells"))
        #expect(refusal("structure: {interface: {\(keys(100, 0.02))}}").contains("no common cell"))
        #expect(fine.contains("1296 on 1369 cells"))
      },
      KeyEffect("structure.interface.strain_to") {
        let relation = "max_strain: 0.03, relation: {parallel: {planes: [[1, 0, 0], [1, 0, 0]], directions: [[0, 1, 0], [0, 1, 0]]}}"
        let areas = try ["upper", "lower", "both"].map { share -> Double in
          let s = try build("\(cuNi), thickness: 8, overlap: 0, strain_to: \(share), \(relation)")
          return cross(s.box.cell.x, s.box.cell.y).length
        }
        #expect(abs(areas[0] - 3.615 * 3.615 / 2) < 1e-9 && abs(areas[1] - 3.52 * 3.52 / 2) < 1e-9)
        #expect(abs(areas[2] - 3.615 * 3.52 / 2) < 1e-9)
      },
      KeyEffect(in: "structure.interface", "thickness", "repeat", "free_surfaces", "vacuum", "expansion") {
        let (spacing, area) = (3 / 10.0.squareRoot(), 9 * 10.0.squareRoot() / 2)
        for (keys, least) in [("thickness: 8", (8.0, 8.0)), ("thickness: [6, 13]", (6, 13))] {
          let s = try build("\(sigma5), overlap: 0, \(keys)")
          let height = (least.0 / spacing).rounded(.up) * spacing + (least.1 / spacing).rounded(.up) * spacing
          #expect(abs(s.box.cell.z.z - height) < 1e-9 && s.count == Int((s.box.volume / 13.5).rounded()))
          #expect(abs(s.box.volume - height * area) < 1e-6)
        }
        let plain = try build("\(sigma5), overlap: 0, thickness: 8")
        #expect(try build("\(sigma5), overlap: 0, thickness: 8, repeat: [3, 2]").count == 6 * plain.count)
        for (keys, vacuum) in [("free_surfaces: true", 20.0), ("free_surfaces: true, vacuum: 11", 11)] {
          let s = try build("\(sigma5), overlap: 0, thickness: 8, \(keys)")
          #expect(!s.box.periodic.c && abs(s.box.cell.z.z - plain.box.cell.z.z - vacuum) < 1e-9)
        }
        let wide = try build("\(sigma5), overlap: 0, thickness: 8, expansion: 0.4")
        #expect(abs(wide.box.cell.z.z - plain.box.cell.z.z - 0.8) < 1e-9)
      },
      KeyEffect("structure.interface.rectangular") {
        let s = try build("\(sigma5), overlap: 0, thickness: 8, rectangular: true")
        #expect(abs(s.box.cell.y.x) < 1e-9 && abs(s.box.cell.x.x * s.box.cell.y.y - 9 * 10.0.squareRoot()) < 1e-9)
        let smallest = try build("\(sigma5), overlap: 0, thickness: 8")
        #expect(abs(smallest.box.cell.y.x) > 0.1 && 2 * smallest.count == s.count)
      },
      KeyEffect("structure.interface.shift") {
        let unit = try LatticeType.bcc.unitCell(a: 3, species: ["Mo"])
        let interface = try Interface(unit, unit, .coincidence(axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], angle: nil))
        let plain = try build("\(sigma5), overlap: 0, thickness: 8, repeat: [2, 2]")
        let moved = try build("\(sigma5), overlap: 0, thickness: 8, repeat: [2, 2], shift: [0.3, 0.2]")
        let (p, q) = interface.displacements.vectors
        let d = 0.3 * p + 0.2 * q
        // Each upper atom, moved, is an upper atom again.
        let grains = try #require(plain.grains)
        for i in 0..<plain.count where grains[i] == 1 {
          let target = plain.positions[i] + Vector3(d.x, d.y, 0)
          #expect((0..<moved.count).contains { j in
            var s = moved.box.fractional(moved.positions[j]) - moved.box.fractional(target)
            s -= s.rounded(.toNearestOrEven)
            return (s * moved.box.cell).length < 1e-6
          })
        }
      },
      KeyEffect("structure.interface.termination") {
        let keys = "lower: {lattice: {type: rocksalt, constant: 4.2, species: [Mg, O]}}, thickness: 8, overlap: 0, expansion: 2, relation: {parallel: {planes: [[1, 1, 1], [1, 1, 1]], directions: [[1, -1, 0], [1, -1, 0]]}}"
        var seen: Set<String> = []
        for number in 0..<4 {
          let s = try build("\(keys), termination: \(number)")
          let grains = try #require(s.grains)
          func names(_ grain: Int32, _ best: (Double, Double) -> Bool) -> String {
            let own = (0..<s.count).filter { grains[$0] == grain }
            let end = own.map { s.positions[$0].z }.reduce(s.positions[own[0]].z) { best($0, $1) ? $0 : $1 }
            return s.species[Int(s.types[own.first { abs(s.positions[$0].z - end) < 1e-6 }!])]
          }
          seen.insert(names(0, >) + names(1, <))
        }
        #expect(seen == ["MgO", "OMg", "MgMg", "OO"])
        #expect(refusal("structure: {interface: {\(keys), termination: 4}}").contains("no termination number 4"))
      },
      KeyEffect(in: "structure.interface", "overlap", "remove", "neutral") {
        let keys = "lower: {lattice: {type: fluorite, constant: 5.41, species: [Ce, O]}}, thickness: 10, shift: [0.13, 0.31], relation: {coincidence: {axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]}}"
        func closest(_ s: Structure) -> Double {
          var least = Double.infinity
          PairSum.forEach(s, reach: 3) { _, _, d in least = min(least, d.length) }
          return least
        }
        let all = try build("\(keys), overlap: 0")
        let fewer = try build("\(keys), overlap: 1.9")
        #expect(closest(all) < 1.9 && closest(fewer) > 1.9 - 1e-6 && fewer.count < all.count)
        let whole = try build("\(keys), overlap: 1.9, remove: formula_units, neutral: true")
        let oxygen = whole.types.count { whole.species[Int($0)] == "O" }
        #expect(closest(whole) > 1.9 - 1e-6 && 3 * oxygen == 2 * whole.count)
        #expect(2 * fewer.count != 3 * fewer.types.count { fewer.species[Int($0)] == "O" })
        let text = refusal("structure: {interface: {\(keys), overlap: 1.9, neutral: true}}")
        #expect(text.contains("proportions") && text.contains("formula_units"), "\(text)")
        // With charges it is they that count.
        let charged = refusal("structure: {interface: {\(keys), overlap: 1.9, neutral: true}}\nspecies: {Ce: {charge: 4}, O: {charge: -2}}")
        #expect(charged.contains("has a charge of"), "\(charged)")
      },

      // MARK: Tables

      KeyEffect(in: "structure.enumerate", "axis", "sigma_max", "max_strain") {
        func sigmas(_ keys: String) throws -> [Int] {
          try DeckRun.describe("structure: {enumerate: {\(keys)}}").split(separator: "\n").compactMap {
            Int($0.split(separator: " ").first ?? "")
          }
        }
        #expect(try sigmas("axis: [0, 0, 1], sigma_max: 20") == [5, 5, 5, 5, 13, 13, 13, 13, 17, 17, 17, 17])
        #expect(Set(try sigmas("axis: [1, 1, 1], sigma_max: 13")) == [3, 7, 13])
        // 51 unless said; the largest sum of two squares of its kind below.
        #expect(try sigmas("axis: [0, 0, 1]").max() == 41)
        // Zinc's axial ratio, 1.856, has a rational square only near by.
        let zinc = "of: {lattice: {type: hcp, constant: 2.665, c: 4.947, species: [Zn]}}, axis: [1, 0, 0], sigma_max: 25"
        let (few, many) = (try sigmas("\(zinc), max_strain: 0.002"), try sigmas("\(zinc), max_strain: 0.02"))
        #expect(many.count > few.count)
      },
      KeyEffect(in: "structure.match", "miller", "max_area", "max_strain", "show") {
        func log(_ keys: String) throws -> String {
          try DeckRun.describe(
            "structure: {match: {lower: {lattice: {type: diamond, constant: 5.431, species: [Si]}}, upper: {lattice: {type: diamond, constant: 5.658, species: [Ge]}}, \(keys)}}")
        }
        let near = try log("miller: [[[1, 0, 0], [1, 0, 0]]], max_area: 100, max_strain: 0.045")
        #expect(near.contains("Ge (100) on Si (100)") && near.contains("\(RunText.fixed(5.431 * 5.431 / 2, 3)) Å²"), "\(near)")
        let misses = try log("miller: [[[1, 0, 0], [1, 0, 0]]], max_area: 100, max_strain: 0.005")
        #expect(misses.contains("no match; nearest:") && misses.contains("over by"), "\(misses)")
        // All pairs of (100), (110), (111).
        #expect(try log("max_area: 40, max_strain: 0.045").matches(of: /Ge \(/).count >= 9)
        let one = try log("miller: [[[1, 1, 1], [1, 1, 1]]], max_area: 200, max_strain: 0.045, show: 1")
        let five = try log("miller: [[[1, 1, 1], [1, 1, 1]]], max_area: 200, max_strain: 0.045, show: 5")
        #expect(five.split(separator: "\n").count == one.split(separator: "\n").count + 4)
      },
      KeyEffect(in: "structure.match", "elastic", "strain_to") {
        func energy(_ keys: String) throws -> Double {
          let log = try DeckRun.describe(
            "structure: {match: {lower: {lattice: {type: diamond, constant: 5.431, species: [Si]}}, upper: {lattice: {type: diamond, constant: 5.658, species: [Ge]}}, miller: [[[0, 0, 1], [0, 0, 1]]], max_area: 30, max_strain: 0.045, \(keys)}}")
          let row = log.split(separator: "\n").first { $0.contains("1:1") }
          let number = row?.split(separator: " ").dropFirst(7).first.flatMap { Double($0) }
          return number ?? .nan
        }
        func expected(_ c: (Double, Double), _ e: Double) -> Double { 1000 * (c.0 + c.1 - 2 * c.1 * c.1 / c.0) * e * e }
        let constants = "elastic: [[165.7, 63.9, 79.6], [128.9, 48.3, 67.1]]"
        let (onUpper, onLower) = (try energy(constants), try energy("\(constants), strain_to: lower"))
        #expect(abs(onUpper - expected((128.9, 48.3), 5.431 / 5.658 - 1)) < 0.01)
        #expect(abs(onLower - expected((165.7, 63.9), 5.658 / 5.431 - 1)) < 0.01)
        // All 36.
        func voigt(_ c: (Double, Double, Double)) -> String {
          let m = (0..<6).map { i in
            (0..<6).map { j in i < 3 && j < 3 ? (i == j ? c.0 : c.1) : (i == j ? c.2 : 0) }
          }
          return "[" + m.flatMap { $0 }.map { "\($0)" }.joined(separator: ", ") + "]"
        }
        let full = "elastic: [\(voigt((165.7, 63.9, 79.6))), \(voigt((128.9, 48.3, 67.1)))]"
        #expect(abs(try energy(full) - onUpper) < 1e-6)
      },
    ]
}

/// Numbers as the log has them.
enum RunText {
  static func fixed(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }
}
