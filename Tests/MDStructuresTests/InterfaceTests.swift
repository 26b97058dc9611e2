import Foundation
import MDCore
import MDNumerics
import MDStructures
import MDTestSupport
import Testing

/// An interface to build.
struct InterfaceCase: Sendable, CustomTestStringConvertible {
  var lower: (LatticeType, Double, [String])
  var upper: (LatticeType, Double, [String])?
  var relation: InterfaceRelation
  var strain = 0.03
  var area = 600.0
  var name: String

  var testDescription: String { name }

  func crystals() throws -> (UnitCell, UnitCell) {
    let first = try lower.0.unitCell(a: lower.1, species: lower.2)
    return (first, try upper.map { try $0.0.unitCell(a: $0.1, species: $0.2) } ?? first)
  }

  func interface(_ change: (inout Interface.Options) -> Void = { _ in }) throws -> Interface {
    var options = Interface.Options()
    options.limits = MatchLimits(area: area, strain: strain)
    options.thickness = (14, 14)
    change(&options)
    let (one, other) = try crystals()
    return try Interface(one, other, relation, options)
  }

  static let cu = (LatticeType.fcc, 3.615, ["Cu"]), mo = (LatticeType.bcc, 3.165, ["Mo"])

  static let boundaries: [InterfaceCase] = [
    .init(lower: mo, relation: .coincidence(axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], angle: nil), name: "Mo Σ5(310)"),
    .init(lower: mo, relation: .coincidence(axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0], angle: nil), name: "Mo Σ5(210)"),
    .init(lower: cu, relation: .coincidence(axis: [1, 1, 0], sigma: 3, plane: [1, -1, 1], angle: nil), name: "Cu Σ3(1-11)"),
    .init(lower: cu, relation: .coincidence(axis: [0, 0, 1], sigma: 5, plane: [1, 0, 0], angle: nil), name: "Cu Σ5(100) asymmetric"),
    .init(lower: cu, relation: .coincidence(axis: [1, 1, 1], sigma: 7, plane: [1, 1, 1], angle: nil), name: "Cu Σ7 twist"),
    .init(lower: cu, relation: .coincidence(axis: [0, 0, 1], sigma: 5, plane: [1, 1, 1], angle: nil), name: "Cu Σ5(111) mixed"),
    .init(
      lower: (.hcp, 3.2, ["Mg"]), relation: .coincidence(axis: [0, 0, 1], sigma: 7, plane: [0, 0, 1], angle: nil),
      name: "Mg Σ7 twist"),
    .init(
      lower: (.rocksalt, 4.212, ["Mg", "O"]), relation: .coincidence(axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], angle: nil),
      name: "MgO Σ5(310)"),
    .init(
      lower: (.diamond, 5.43, ["Si"]), relation: .coincidence(axis: [0, 1, 1], sigma: 9, plane: [1, 2, -2], angle: nil),
      area: 900, name: "Si Σ9"),
  ]

  static let heterophases: [InterfaceCase] = [
    .init(
      lower: cu, upper: (.fcc, 3.52, ["Ni"]),
      relation: .parallel(planes: ([1, 1, 1], [1, 1, 1]), directions: ([1, -1, 0], [1, -1, 0])), name: "Cu/Ni (111)"),
    .init(
      lower: cu, upper: (.bcc, 3.51, ["Li"]), relation: .match(planes: ([1, 1, 1], [1, 1, 0]), number: 0), strain: 0.06,
      name: "Cu(111)/Li(110)"),
    .init(
      lower: cu, upper: (.rocksalt, 4.212, ["Mg", "O"]), relation: .match(planes: ([1, 0, 0], [1, 0, 0]), number: 0),
      strain: 0.04, name: "Cu/MgO (100)"),
    .init(
      lower: cu, relation: .rotation(axis: [0, 0, 1], angle: 22.5, plane: [0, 0, 1]), strain: 0.01,
      name: "Cu 22.5° twist"),
  ]
}

@Suite("Interfaces") struct InterfaceTests {
  @Test("density, species and the crystal inside", arguments: InterfaceCase.boundaries + InterfaceCase.heterophases)
  func crystals(_ item: InterfaceCase) throws {
    let interface = try item.interface { $0.overlap = 0 }
    let result = try interface.bicrystal()
    let structure = result.structure
    let (lower, upper) = try item.crystals()
    #expect(result.removedCount == 0 && result.heights.count == 2)
    let grains = try #require(structure.grains)
    // Atoms of each crystal, by the volume of its slab in its own density.
    for (grain, crystal, thickness, strains) in [
      (Int32(0), lower, interface.thicknesses.lower, interface.strains.lower),
      (1, upper, interface.thicknesses.upper, interface.strains.upper),
    ] {
      #expect(thickness >= 14)
      let volume = interface.area * thickness / ((1 + strains.0) * (1 + strains.1))
      let expected = volume / crystal.volume * Double(crystal.sites.count)
      #expect(abs(Double(grains.count { $0 == grain }) - expected) < 1e-6 * expected)
      for name in crystal.species {
        let k = try #require(structure.species.firstIndex(of: name))
        let share = Double(crystal.sites.count { $0.species == name }) / Double(crystal.sites.count)
        let count = zip(structure.types, grains).count { Int($0.0) == k && $0.1 == grain }
        #expect(abs(Double(count) - share * expected) < 1e-6 * expected)
      }
    }
    // Away from the interfaces each atom has the crystal's neighbours, as far as strain lets it.
    for (grain, crystal, middle) in [
      (Int32(0), lower, interface.thicknesses.lower / 2),
      (1, upper, interface.thicknesses.lower + interface.thicknesses.upper / 2),
    ] {
      let reach = 1.2 * crystal.nearestNeighborDistance
      let own = Set(coordinations(try CrystalBlock(crystal, size: SIMD3(3, 3, 3)).build(), within: reach))
      let found = coordinations(structure, within: reach)
      var looked = 0
      for i in 0..<structure.count where abs(structure.positions[i].z - middle) < 1.5 && grains[i] == grain {
        #expect(own.contains(found[i]))
        looked += 1
      }
      #expect(looked > 0)
    }
  }

  @Test("no pair is too close", arguments: InterfaceCase.boundaries + InterfaceCase.heterophases)
  func distances(_ item: InterfaceCase) throws {
    for removal in Interface.Removal.allCases {
      let interface = try item.interface { $0.removal = removal }
      let result = try interface.bicrystal(shift: (0.2, 0.3))
      #expect(shortestDistance(result.structure, within: interface.overlap - 1e-6) == nil)
      if removal == .formulaUnits { #expect(interface.isStoichiometric(result)) }
      // What is said to be removed is what is missing.
      let all = try item.interface { $0.overlap = 0 }.structure(shift: (0.2, 0.3))
      #expect(all.count - result.structure.count == result.removedCount && result.removedAt.count == result.removedCount)
    }
  }

  /// Where both crystals have a centre of inversion amid their slabs: all but cuts of silicon through its bonds.
  @Test("both interfaces of a cell are alike, whatever the shift", arguments: InterfaceCase.boundaries)
  func alike(_ item: InterfaceCase) throws {
    let interface = try item.interface { $0.overlap = 0 }
    for shift in [(0.0, 0.0), (0.2, 0.3), (0.55, 0.05)] {
      let result = try interface.bicrystal(shift: shift)
      #expect(interface.interfacesAreAlike(result), "\(shift)")
    }
  }

  @Test("two pieces of one crystal in its own orientation are the crystal", arguments: [LatticeType.fcc, .bcc, .diamond, .rocksalt])
  func perfect(_ type: LatticeType) throws {
    let species = Array(["Na", "Cl"].prefix(type.speciesRoles.count))
    let unit = try type.unitCell(a: 5, species: species)
    var options = Interface.Options()
    options.ends = .vacuum(15)
    options.thickness = (12, 16)
    for plane in [[1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 0]] as [IntegerVector] {
      let along: IntegerVector = plane == [1, 0, 0] ? [0, 1, 0] : plane == [2, 1, 0] ? [0, 0, 1] : [1, -1, 0]
      let interface = try Interface(unit, unit, .parallel(planes: (plane, plane), directions: (along, along)), options)
      #expect(interface.pair.match.strain < 1e-12)
      for number in interface.terminations.indices where interface.terminations[number].lower.height == interface.terminations[number].upper.height {
        let result = try interface.bicrystal(termination: number)
        #expect(result.removedCount == 0)
        let reach = 1.2 * unit.nearestNeighborDistance
        let own = Set(coordinations(try CrystalBlock(unit, size: SIMD3(3, 3, 3)).build(), within: reach))
        let found = coordinations(result.structure, within: reach)
        var looked = 0
        for i in 0..<result.structure.count where abs(result.structure.positions[i].z - result.heights[0]) < 3 {
          #expect(own.contains(found[i]), "\(plane) termination \(number)")
          looked += 1
        }
        #expect(looked > 0)
      }
    }
  }

  @Test("a shift by the cell of displacements gives the same interface back", arguments: Array(InterfaceCase.boundaries.prefix(6)))
  func displacements(_ item: InterfaceCase) throws {
    let interface = try item.interface {
      $0.overlap = 0
      $0.ends = .vacuum(10)
    }
    func fingerprint(_ shift: (Double, Double)) throws -> [Int] {
      let result = try interface.bicrystal(shift: shift)
      var all: [Int] = []
      for (i, row) in environments(result.structure, within: 4).enumerated()
      where abs(result.structure.positions[i].z - result.heights[0]) < 3 { all += row.map { Int(($0 * 1e4).rounded()) } }
      return all.sorted()
    }
    let plain = try fingerprint((0, 0))
    for shift in [(1.0, 0.0), (0.0, 1.0), (-2.0, 3.0)] {
      let moved = try fingerprint(shift)
      #expect(plain.count == moved.count && zip(plain, moved).allSatisfy { abs($0 - $1) <= 1 }, "\(shift)")
    }
    #expect(try fingerprint((0.5, 0.25)) != plain)
    // By parts of that cell, not of the common one.
    let (before, after) = (try interface.structure(), try interface.structure(shift: (0.3, 0.2)))
    let (p, q) = interface.displacements.vectors
    for i in before.positions.indices where before.grains![i] == 1 {
      let move = after.positions[i] - before.positions[i] - Vector3(0.3 * p.x + 0.2 * q.x, 0.3 * p.y + 0.2 * q.y, 0)
      let s = after.box.fractional(after.box.origin + move)
      #expect(abs(s.x - s.x.rounded()) < 1e-9 && abs(s.y - s.y.rounded()) < 1e-9)
    }
  }

  /// Edges of the common cell are whole vectors of the strained crystals, which differ from those given by the strain alone.
  @Test("the crystals of an interface by themselves", arguments: InterfaceCase.boundaries + InterfaceCase.heterophases)
  func separateCrystals(_ item: InterfaceCase) throws {
    let interface = try item.interface { $0.strainTo = .both }
    let strains = interface.strains
    for (grain, rows, principal) in [
      (0, interface.pair.match.lower, strains.lower), (1, interface.pair.match.upper, strains.upper),
    ] {
      let (strained, plain) = (interface.crystal(grain), interface.crystal(grain, isStrained: false))
      func plane(_ s: Structure) -> Matrix2 {
        Matrix2(SIMD2(s.box.cell.x.x, s.box.cell.x.y), SIMD2(s.box.cell.y.x, s.box.cell.y.y))
      }
      let edges = rows.real * plane(strained)
      let (metric, own) = (edges * edges.transpose, interface.cell * interface.cell.transpose)
      for (x, y) in [(metric.a.x, own.a.x), (metric.a.y, own.a.y), (metric.b.y, own.b.y)] { #expect(abs(x - y) < 1e-6 * own.b.y) }
      let stretch = (plane(plain).inverse * plane(strained)).polar.stretch.eigenvalues
      #expect(abs(stretch.0 - 1 - principal.0) < 1e-9 && abs(stretch.1 - 1 - principal.1) < 1e-9)
      #expect(abs(strained.box.cell.z.z - plain.box.cell.z.z) < 1e-12 && strained.count == plain.count)
      #expect(strained.box.cell.x.y == 0 && strained.box.cell.x.z == 0 && abs(strained.box.cell.y.z) < 1e-12)
      #expect(strained.species == interface.species)
    }
    #expect(interface.ofOnePeriod.cell == interface.cell)
  }

  @Test("symmetric tilt boundaries are those of the older builder") func asBefore() throws {
    for (type, axis, sigma, plane) in [
      (LatticeType.bcc, [0, 0, 1], 5, [3, 1, 0]), (.fcc, [0, 0, 1], 5, [2, 1, 0]), (.fcc, [1, 1, 0], 3, [1, -1, 1]),
      (.fcc, [1, 1, 0], 11, [1, -1, 3]),
    ] as [(LatticeType, IntegerVector, Int, IntegerVector)] {
      let unit = try type.unitCell(a: 4, species: ["A"])
      let interface = try Interface(
        unit, unit, .coincidence(axis: axis, sigma: sigma, plane: plane, angle: nil))
      let older = try GrainBoundary(.tilt, unit, axis: axis, sigma: sigma, plane: plane).build()
      let rotation = try #require(interface.pair.rotation)
      #expect(rotation.kind == .symmetricTilt && abs(rotation.angle - older.misorientation) < 1e-6)
      // A whole number of the smallest cells makes the older rectangle.
      let n = older.area / interface.area
      #expect(abs(n - n.rounded()) < 1e-9 && n >= 1)
    }
  }

  @Test("area, displacements and sides of a known boundary") func known() throws {
    let item = InterfaceCase.boundaries[0]
    let interface = try item.interface()
    let a = 3.165
    // bcc (310): the coincidence cell of the plane has a²√10/2, the cell of displacements a fifth of it.
    #expect(abs(interface.area - a * a * 10.0.squareRoot() / 2) < 1e-9)
    #expect(interface.pair.rotation?.sigma?.lower == 5 && interface.pair.rotation?.sigma?.upper == 5)
    #expect(interface.boundaryCount == 2)
    let twist = try InterfaceCase.boundaries[4].interface()
    // Σ7 on fcc (111): √3/4 a² times 7, and a seventh of the plane's cell.
    let cell = 3.0.squareRoot() / 4 * 3.615 * 3.615
    #expect(abs(twist.area - 7 * cell) < 1e-9 && abs(twist.displacements.area - cell / 7) < 1e-9)
    #expect(twist.pair.rotation?.kind == .twist)
    #expect(try InterfaceCase.boundaries[3].interface().pair.rotation?.kind == .asymmetricTilt)
    #expect(try InterfaceCase.boundaries[5].interface().pair.rotation?.kind == .mixed)
  }

  @Test("expansion, repeats and vacuum") func options() throws {
    let item = InterfaceCase.boundaries[0]
    let plain = try item.interface().bicrystal()
    let wide = try item.interface().bicrystal(expansion: 0.5)
    #expect(abs(wide.structure.box.cell.z.z - plain.structure.box.cell.z.z - 1) < 1e-9)
    #expect(wide.structure.count == plain.structure.count && abs(wide.heights[0] - plain.heights[0] - 0.25) < 1e-9)
    let many = try item.interface { $0.repeats = SIMD2(2, 3) }.bicrystal()
    #expect(many.structure.count == 6 * plain.structure.count)
    let open = try item.interface { $0.ends = .vacuum(12) }.bicrystal(expansion: 0.5)
    #expect(!open.structure.box.periodic.c && open.heights.count == 1)
    #expect(abs(open.structure.box.cell.z.z - plain.structure.box.cell.z.z - 12.5) < 1e-9)
  }

  @Test("who is strained") func strained() throws {
    let item = InterfaceCase.heterophases[1]
    let cells = try StrainShare.allCases.map { share in try item.interface { $0.strainTo = share } }
    for (share, interface) in zip(StrainShare.allCases, cells) {
      let (l, u) = interface.strains
      switch share {
      case .lower: #expect(abs(u.0) + abs(u.1) < 1e-12 && max(abs(l.0), abs(l.1)) > 1e-3)
      case .upper: #expect(abs(l.0) + abs(l.1) < 1e-12 && max(abs(u.0), abs(u.1)) > 1e-3)
      case .both: #expect(max(abs(l.0), abs(l.1)) > 1e-3 && max(abs(u.0), abs(u.1)) > 1e-3)
      }
    }
    // Half of it each: the areas' geometric mean.
    #expect(abs(cells[2].area - (cells[0].area * cells[1].area).squareRoot()) < 1e-6)
  }

  @Test("rocksalt (111) is polar and cut two ways, (100) is not") func polarity() throws {
    let unit = try LatticeType.rocksalt.unitCell(a: 4.212, species: ["Mg", "O"])
    var options = Interface.Options()
    options.charges = ["Mg": 2, "O": -2]
    let polar = try Interface(
      unit, unit, .parallel(planes: ([1, 1, 1], [1, 1, 1]), directions: ([1, -1, 0], [1, -1, 0])), options)
    #expect(polar.terminations.count == 4)
    #expect(Set(polar.terminations.map { "\($0.planes.lower) \($0.planes.upper)" }) == ["Mg O", "O Mg", "Mg Mg", "O O"])
    // ± q·d/2 a cell of the plane with d the half of the spacing a/√3.
    let dipole = 2 * (4.212 / 3.0.squareRoot() / 2) / polar.pair.lower.area
    for t in polar.terminations { #expect(abs(abs(t.dipoles!.lower) - dipole) < 1e-9) }
    let flat = try Interface(
      unit, unit, .parallel(planes: ([1, 0, 0], [1, 0, 0]), directions: ([0, 1, 0], [0, 1, 0])), options)
    #expect(flat.terminations.allSatisfy { abs($0.dipoles!.lower) < 1e-9 })
  }

  @Test("a rule that breaks neutrality is refused, with those that keep it") func neutrality() throws {
    let unit = try LatticeType.fluorite.unitCell(a: 5.41, species: ["Ce", "O"])
    var options = Interface.Options()
    options.overlap = 1.9
    let relation = InterfaceRelation.coincidence(axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], angle: nil)
    var interface = try Interface(unit, unit, relation, options)
    let result = try interface.bicrystal(shift: (0.13, 0.31))
    #expect(!interface.isStoichiometric(result))
    let error = #expect(throws: FaultlineError.self) {
      try interface.requireNeutral(result, shift: (0.13, 0.31), termination: 0)
    }
    #expect(error?.hint?.contains("formula_units") == true)
    interface.changeRemoval(to: .formulaUnits)
    let whole = try interface.bicrystal(shift: (0.13, 0.31))
    #expect(whole.removedCount > 0 && interface.isStoichiometric(whole))
    try interface.requireNeutral(whole, shift: (0.13, 0.31), termination: 0)
    let types = whole.structure.types
    #expect(types.count { $0 == 1 } == 2 * types.count { $0 == 0 })
  }

  @Test("what there is not") func refused() throws {
    let copper = try LatticeType.fcc.unitCell(a: 3.615, species: ["Cu"])
    let nickel = try LatticeType.fcc.unitCell(a: 3.52, species: ["Ni"])
    func message(_ relation: InterfaceRelation, _ upper: UnitCell? = nil, _ limits: MatchLimits = MatchLimits()) -> String {
      var options = Interface.Options()
      options.limits = limits
      let error = #expect(throws: FaultlineError.self) { _ = try Interface(copper, upper ?? copper, relation, options) }
      return "\(error?.message ?? "") \(error?.hint ?? "")"
    }
    let none = message(.coincidence(axis: [0, 0, 1], sigma: 7, plane: [1, 0, 0], angle: nil))
    #expect(none.contains("no rotation") && none.contains("Σ 13"))
    #expect(message(.coincidence(axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], angle: 40)).contains("36.870"))
    #expect(
      message(.parallel(planes: ([1, 1, 1], [1, 1, 1]), directions: ([1, 0, 0], [1, -1, 0]))).contains("not in the plane"))
    let miss = message(.match(planes: ([1, 1, 1], [1, 1, 1]), number: 0), nickel, MatchLimits(area: 20, strain: 0.01))
    #expect(miss.contains("no match") && miss.contains("2.7"))
    #expect(message(.match(planes: ([1, 1, 1], [1, 1, 1]), number: 99_999), nickel).contains("no match number 99999"))
    let interface = try InterfaceCase.boundaries[0].interface()
    #expect(throws: FaultlineError.self) { try interface.structure(termination: 5) }
    #expect(throws: FaultlineError.self) { try interface.structure(expansion: -100) }
  }
}
