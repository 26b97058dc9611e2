import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Keys of `structure.modify`: counts, places and cells after a change against those before it.
@Suite("Deck → numbers: changes of structures") struct ModifierKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let salt = "lattice: {type: rocksalt, constant: 5, species: [Na, Cl], size: [4, 4, 4]}"

  /// The salt, or another source, after these changes; `tail` goes behind the structure.
  static func build(_ changes: String..., source: String = salt, tail: String = "", files: [String: String] = [:]) throws -> Structure {
    try DeckRun.build(source + "\n  modify:\n" + changes.map { "    - \($0)\n" }.joined() + tail, files: files)
  }

  static func counts(_ s: Structure) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: s.species.enumerated().map { k, name in (name, s.types.count { Int($0) == k }) })
  }

  static func refusal(_ change: String, tail: String = "") -> String {
    let error = #expect(throws: FaultlineError.self) { _ = try build(change, tail: tail) }
    return error.map { "\($0)" } ?? ""
  }

  static let half = "select: {fractional_region: {z: [0, 0.5]}}"
  static let selectionKeys = [
    "species", "region.x", "region.y", "region.z", "fractional_region.x", "fractional_region.y", "fractional_region.z",
    "sphere.center", "sphere.radius", "cylinder.axis", "cylinder.center", "cylinder.radius", "ids", "grain", "held",
  ]

  /// Every criterion in one change: what is deleted, counted by geometry.
  static func checkSelection(_ change: (String) -> String, of names: Set<String> = ["Na", "Cl"], touched: (Structure, Structure) -> Int) throws {
    let plain = try DeckRun.build(salt)
    let cases: [(String, (Int, Vector3, String) -> Bool)] = [
      ("{species: [Cl]}", { _, _, name in name == "Cl" }),
      ("{region: {x: [4, 11]}}", { _, r, _ in r.x > 4 && r.x < 11 }), ("{region: {y: [4, 11]}}", { _, r, _ in r.y > 4 && r.y < 11 }),
      ("{region: {z: [4, 11]}}", { _, r, _ in r.z > 4 && r.z < 11 }),
      ("{fractional_region: {x: [0.1, 0.6]}}", { _, r, _ in r.x > 2 && r.x < 12 }),
      ("{fractional_region: {y: [0.1, 0.6]}}", { _, r, _ in r.y > 2 && r.y < 12 }),
      ("{fractional_region: {z: [0.1, 0.6]}}", { _, r, _ in r.z > 2 && r.z < 12 }),
      ("{sphere: {center: [10, 10, 9], radius: 4.7}}", { _, r, _ in (r - Vector3(10, 10, 9)).length < 4.7 }),
      ("{cylinder: {axis: y, center: [10, 0, 9], radius: 4.7}}", { _, r, _ in (Vector3(r.x - 10, 0, r.z - 9)).length < 4.7 }),
      ("{ids: [7, 31]}", { i, _, _ in (6...30).contains(i) }),
    ]
    for (select, isIn) in cases {
      let expected = (0..<plain.count).count { i in
        let name = plain.species[Int(plain.types[i])]
        return names.contains(name) && isIn(i, plain.positions[i], name)
      }
      guard expected > 0 else { continue }
      #expect(touched(plain, try build(change(select))) == expected, "\(select)")
    }
    // Grains, where a builder made some.
    let boundary = "grain_boundary: {kind: twist, lattice: rocksalt, constant: 5, species: [Na, Cl], axis: [0, 0, 1], sigma: 5, overlap: 0, thickness: 8}"
    let before = try DeckRun.build(boundary)
    let after = try build(change("{grain: 1}"), source: boundary)
    let grains = try #require(before.grains)
    let expected = (0..<before.count).count { grains[$0] == 1 && names.contains(before.species[Int(before.types[$0])]) }
    #expect(touched(before, after) == expected)
    // Atoms that a file holds: each third of twelve, which are Na and Cl in turn.
    let rows = (0..<12).map { "\($0 % 2 == 0 ? "Na" : "Cl") 0 0 \(2.5 * Double($0)) \($0 % 3 == 0 ? "F" : "T")\n" }
    let head = "12\nLattice=\"5 0 0 0 5 0 0 0 30\" pbc=\"T T T\" Properties=species:S:1:pos:R:3:move_mask:L:1\n"
    let (file, files) = ("file: {path: held.extxyz}", ["held.extxyz": head + rows.joined()])
    let free = try DeckRun.build(file, files: files)
    let rest = try build(change("{held: true}"), source: file, files: files)
    #expect(touched(free, rest) == (0..<12).count { $0 % 3 == 0 && names.contains($0 % 2 == 0 ? "Na" : "Cl") })
  }

  static func selectionEffect(
    _ key: String, of names: Set<String> = ["Na", "Cl"], _ change: @escaping @Sendable (String) -> String,
    touched: @escaping @Sendable (Structure, Structure) -> Int
  ) -> KeyEffect {
    KeyEffect(keys: selectionKeys.map { "structure.modify.\(key).select.\($0)" }) {
      try checkSelection(change, of: names, touched: touched)
    }
  }

  static let fewer: @Sendable (Structure, Structure) -> Int = { $0.count - $1.count }
  static let moved: @Sendable (Structure, Structure) -> Int = { a, b in
    zip(a.positions, b.positions).count { ($0 - $1).length > 1e-9 }
  }

  static let effects: [KeyEffect] = [
    selectionEffect("delete", { "delete: {select: \($0)}" }, touched: fewer),
    selectionEffect("displace", { "displace: {by: [0, 0.1, 0], select: \($0)}" }, touched: moved),
    selectionEffect("rattle", { "rattle: {deviation: 0.01, select: \($0)}" }, touched: moved),
    selectionEffect("vacancies", { "vacancies: {fraction: 1, select: \($0)}" }, touched: fewer),
    selectionEffect(
      "substitute", of: ["Na"], { $0 == "{species: [Cl]}" ? "delete: {select: {ids: [1, 1]}}" : "substitute: {species: Na, composition: {K: 1}, select: \($0)}" },
      touched: { a, b in b.count < a.count ? 0 : counts(b)["K"] ?? 0 }),

    KeyEffect(in: "structure.modify.substitute", "species", "composition", "compensate") {
      let s = try build("substitute: {species: Na, composition: {K: 0.25, Li: 0.1, vacancy: 0.05}}")
      // 64, 25.6 and 12.8 of 256: what is left of a whole one goes to the largest remainder.
      #expect(counts(s) == ["Na": 154, "K": 64, "Li": 25, "Cl": 256] && s.count == 512 - 13)
      let other = try build("substitute: {species: Cl, composition: {Br: 0.5}}")
      #expect(counts(other) == ["Na": 256, "Cl": 128, "Br": 128])
      // Nobody is put where another species was, and places stay.
      let plain = try DeckRun.build(salt)
      for i in 0..<plain.count {
        #expect(plain.positions[i] == other.positions[i])
        if plain.species[Int(plain.types[i])] == "Na" { #expect(other.species[Int(other.types[i])] == "Na") }
      }
      // Another seed, another draw; the same seed, the same.
      let again = try build("substitute: {species: Cl, composition: {Br: 0.5}}")
      let seeded = try build("substitute: {species: Cl, composition: {Br: 0.5}}", tail: "seed: 7\n")
      #expect(again.types == other.types && seeded.types != other.types && counts(seeded) == counts(other))
      // Two monovalent sites for each divalent one.
      let charges = "species: {Na: {charge: 1}, Ca: {charge: 2}, Cl: {charge: -1}}\n"
      let doped = try build("substitute: {species: Na, composition: {Ca: 0.125}, compensate: Na}", tail: charges)
      #expect(counts(doped) == ["Na": 256 - 64, "Ca": 32, "Cl": 256])
      #expect(refusal("substitute: {species: Na, composition: {Ca: 0.125}, compensate: Cl}", tail: charges).contains("worse"))
      #expect(refusal("substitute: {species: Na, composition: {Ca: 0.125}, compensate: Na}").contains("charge of every species"))
      #expect(refusal("substitute: {species: Na, composition: {Ca: 0.7, K: 0.7}}").contains("sums to"))
      #expect(refusal("substitute: {species: Cu, composition: {K: 0.7}}").contains("no atoms"))
    },
    KeyEffect(in: "structure.modify.vacancies", "species", "count", "fraction", "compensate") {
      let charges = "species: {Na: {charge: 1}, Cl: {charge: -1}}\n"
      let seven = try build("vacancies: {species: Na, count: 7}")
      let part = try build("vacancies: {species: Cl, fraction: 0.125}")
      let ten = try build("vacancies: {count: 10}")
      let neutral = try build("vacancies: {species: Na, count: 7, compensate: Cl}", tail: charges)
      #expect(counts(seven) == ["Na": 249, "Cl": 256] && counts(part) == ["Na": 256, "Cl": 224] && ten.count == 502)
      #expect(counts(neutral) == ["Na": 249, "Cl": 249])
      #expect(refusal("vacancies: {species: Na, count: 300}").contains("300 of 256"))
    },
    KeyEffect(in: "structure.modify.notch", "front", "normal", "tip", "opens", "width", "opening") {
      let plain = try DeckRun.build(salt)
      for (keys, isIn) in [
        ("front: y, normal: z, tip: [8.1, 0, 10.1], opening: 40", { (r: Vector3) in
          r.x < 8.1 && abs(r.z - 10.1) <= (8.1 - r.x) * tan(20 * Double.pi / 180) }),
        ("front: x, normal: y, tip: [0, 9.9, 12.1], opens: high, width: 3, opening: 0", { (r: Vector3) in
          r.z > 12.1 && abs(r.y - 9.9) <= 1.5 }),
        ("front: y, normal: z, tip: [8.1, 0, 10.1], width: 2", { (r: Vector3) in
          r.x < 8.1 && abs(r.z - 10.1) <= 1 + (8.1 - r.x) * tan(15 * Double.pi / 180) }),
      ] as [(String, (Vector3) -> Bool)] {
        let expected = plain.positions.filter { !isIn($0) }
        #expect(try build("notch: {\(keys)}").positions == expected && expected.count < plain.count, "\(keys)")
      }
      #expect(refusal("notch: {front: y, normal: y, tip: [0, 0, 0]}").contains("along the front"))
    },
    KeyEffect("structure.modify.displace.by") {
      let plain = try DeckRun.build(salt)
      let s = try build("displace: {by: [0.1, -0.2, 0.3]}")
      for i in 0..<s.count { #expect((s.positions[i] - plain.positions[i] - Vector3(0.1, -0.2, 0.3)).length < 1e-9) }
    },
    KeyEffect("structure.modify.rattle.deviation") {
      let plain = try DeckRun.build(salt)
      for deviation in [0.02, 0.1] {
        let s = try build("rattle: {deviation: \(deviation)}")
        let square = zip(s.positions, plain.positions).reduce(0) { $0 + ($1.0 - $1.1).squaredLength } / 1536
        #expect(abs(square / (deviation * deviation) - 1) < 0.2)
      }
    },
    KeyEffect("structure.modify.supercell.matrix") {
      let s = try build("supercell: {matrix: [[1, 1, 0], [-1, 1, 0], [0, 0, 2]]}", source: "lattice: {type: rocksalt, constant: 5, species: [Na, Cl]}")
      #expect(s.count == 32 && distance(s.box.cell.elements, [5, 5, 0, -5, 5, 0, 0, 0, 10]) < 1e-9)
      #expect(StructureKeyTests.shell(s).count == 6 && StructureKeyTests.shell(s).alike == 0)
      #expect(refusal("supercell: {matrix: [[0, 1, 0], [1, 0, 0], [0, 0, 1]]}").contains("determinant -1"))
    },
    KeyEffect(in: "structure.modify.rotate", "axis", "angle") {
      let s = try build("rotate: {axis: [0, 0, 2], angle: 90}")
      #expect(distance(s.box.cell.elements, [0, 20, 0, -20, 0, 0, 0, 0, 20]) < 1e-9)
      let plain = try DeckRun.build(salt)
      for (a, b) in zip(s.positions, plain.positions) { #expect((a - Vector3(-b.y, b.x, b.z)).length < 1e-9) }
      let other = try build("rotate: {axis: [1, 0, 0], angle: -90}")
      #expect(distance(other.box.cell.elements, [20, 0, 0, 0, 0, -20, 0, 20, 0]) < 1e-9)
    },
  ]

  @Test("changes are made in the order of the list, and the log says each") func order() throws {
    let first = try Self.build("delete: {\(Self.half)}", "supercell: {matrix: [[2, 0, 0], [0, 1, 0], [0, 0, 1]]}")
    let second = try Self.build("supercell: {matrix: [[2, 0, 0], [0, 1, 0], [0, 0, 1]]}", "delete: {select: {fractional_region: {x: [0, 0.5]}}}")
    #expect(first.count == 512 && second.count == 512)
    #expect(first.positions.allSatisfy { $0.z > 9.9 } && second.positions.allSatisfy { $0.x > 19.9 })
    #expect(Self.refusal("delete: {select: {fractional_region: {z: [0, 1]}}}").contains("no atom"))
  }
}
