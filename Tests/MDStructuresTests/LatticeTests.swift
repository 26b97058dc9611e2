import Foundation
import MDCore
import MDNumerics
import MDStructures
import Testing

private struct Prototype: Sendable, CustomTestStringConvertible {
  var type: LatticeType
  var atoms: Int
  /// Of the first species' atoms, and the nearest-neighbour distance in units of a.
  var coordination: Int
  var distance: Double
  var testDescription: String { type.rawValue }
}

private let prototypes = [
  Prototype(type: .sc, atoms: 1, coordination: 6, distance: 1),
  Prototype(type: .bcc, atoms: 2, coordination: 8, distance: 0.75.squareRoot()),
  Prototype(type: .fcc, atoms: 4, coordination: 12, distance: 0.5.squareRoot()),
  Prototype(type: .hcp, atoms: 4, coordination: 12, distance: 1),
  Prototype(type: .diamond, atoms: 8, coordination: 4, distance: 0.1875.squareRoot()),
  Prototype(type: .rocksalt, atoms: 8, coordination: 6, distance: 0.5),
  Prototype(type: .cscl, atoms: 2, coordination: 8, distance: 0.75.squareRoot()),
  Prototype(type: .zincblende, atoms: 8, coordination: 4, distance: 0.1875.squareRoot()),
  Prototype(type: .wurtzite, atoms: 8, coordination: 4, distance: 0.375.squareRoot()),
  Prototype(type: .fluorite, atoms: 12, coordination: 8, distance: 0.1875.squareRoot()),
  Prototype(type: .perovskite, atoms: 5, coordination: 12, distance: 0.5),
]

private func cell(_ type: LatticeType, a: Double) throws -> UnitCell {
  try type.unitCell(a: a, species: Array(["Ca", "Ti", "O"].prefix(type.speciesRoles.count)))
}

@Suite("Lattices")
struct LatticeTests {
  @Test("every prototype is listed")
  func complete() {
    #expect(Set(prototypes.map(\.type)) == Set(LatticeType.allCases))
  }

  @Test("atoms in the cell, distance and number of nearest neighbours", arguments: prototypes)
  fileprivate func prototype(_ p: Prototype) throws {
    let a = 4.1
    let unit = try cell(p.type, a: a)
    #expect(unit.sites.count == p.atoms)
    #expect(abs(unit.nearestNeighborDistance - p.distance * a) < 1e-12)
    let block = try CrystalBlock(unit, size: SIMD3(2, 2, 2)).build()
    #expect(block.count == 8 * p.atoms)
    // In perovskite the nearest neighbours of A are the twelve X at a/√2, not the pair B–X at a/2.
    let shell = p.type == .perovskite ? 0.5.squareRoot() * a : unit.nearestNeighborDistance
    let found = zip(coordinations(block, within: 1.05 * shell), block.types).filter { $0.1 == 0 }.map(\.0)
    #expect(found.allSatisfy { $0 == p.coordination })
  }

  @Test("neighbours are of the other species")
  func alternation() throws {
    for type in [LatticeType.rocksalt, .cscl, .zincblende, .wurtzite, .fluorite] {
      let unit = try cell(type, a: 5)
      var anions = try CrystalBlock(unit, size: SIMD3(2, 2, 2)).build()
      let kept = anions.types.indices.filter { anions.types[$0] == 1 }
      anions.positions = kept.map { anions.positions[$0] }
      anions.types = kept.map { _ in 0 }
      // Without the cations nothing is as near as a cation was.
      #expect(coordinations(anions, within: 1.05 * unit.nearestNeighborDistance).allSatisfy { $0 == 0 })
    }
  }

  @Test("a basis of one's own, in a triclinic cell")
  func custom() throws {
    let unit = try UnitCell(
      cell: Matrix3(Vector3(3, 0, 0), Vector3(1, 3, 0), Vector3(0.5, 0.5, 4)),
      sites: [.init(.zero, "A"), .init(Vector3(0.5, 0.5, 0.5), "B")])
    let block = try CrystalBlock(
      unit, size: SIMD3(2, 3, 1), periodic: Periodicity(true, true, false), vacuum: Vector3(0, 0, 8)
    ).build()
    #expect(block.count == 12)
    #expect(block.species == ["A", "B"])
    #expect(!block.box.periodic.c)
    #expect(abs(block.box.heights.z - (unit.cell.determinant / 9 + 8)) < 1e-12)
    #expect(block.positions.allSatisfy { (0..<1).contains(block.box.fractional($0).z) })
  }

  @Test("a mistaken lattice says what is allowed")
  func errors() throws {
    #expect(throws: FaultlineError.self) { try LatticeType.rocksalt.unitCell(a: 5, species: ["Na"]) }
    #expect(throws: FaultlineError.self) { try LatticeType.fcc.unitCell(a: 4, c: 5, species: ["Cu"]) }
    #expect(throws: FaultlineError.self) { try LatticeType.fcc.unitCell(a: -4, species: ["Cu"]) }
    let cube = Matrix3(diagonal: Vector3(3, 3, 3))
    #expect(throws: FaultlineError.self) {
      try UnitCell(cell: cube, sites: [.init(.zero, "A"), .init(Vector3(1, 0, 0), "A")])
    }
    #expect(throws: FaultlineError.self) { try UnitCell(cell: -1 * cube, sites: [.init(.zero, "A")]) }
    let copper = try cell(.fcc, a: 3.615)
    #expect(throws: FaultlineError.self) { try CrystalBlock(copper, size: SIMD3(2, 0, 2)).build() }
  }
}

@Suite("Orientation")
struct OrientationTests {
  @Test(
    "an oriented crystal is the same crystal",
    arguments: [
      (LatticeType.fcc, [[1, -1, 0], [1, 1, -2], [1, 1, 1]], 6),
      (.bcc, [[1, 1, 1], [1, -1, 0], [1, 1, -2]], 6),
      (.fcc, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], 4),
      (.diamond, [[1, 1, 0], [-1, 1, 0], [0, 0, 1]], 4),
      (.bcc, [[3, 1, 0], [-1, 3, 0], [0, 0, 1]], 20),
      (.perovskite, [[1, 1, 0], [0, 0, 1], [1, -1, 0]], 10),
      (.fluorite, [[1, -1, 0], [1, 1, -2], [1, 1, 1]], 18),
    ] as [(LatticeType, [IntegerVector], Int)])
  func oriented(_ type: LatticeType, _ directions: [IntegerVector], _ atoms: Int) throws {
    let unit = try cell(type, a: 4)
    let plain = try CrystalBlock(unit, size: SIMD3(2, 2, 2)).build()
    let turned = try CrystalBlock(unit, size: SIMD3(2, 1, 1), orientation: directions).build()
    #expect(turned.count == 2 * atoms)
    #expect(abs(turned.numberDensity / plain.numberDensity - 1) < 1e-12)
    let reach = 5.9
    let expected = Set(environments(plain, within: reach).map(rounded))
    #expect(Set(environments(turned, within: reach).map(rounded)) == expected)
  }

  private func rounded(_ distances: [Double]) -> [Int] { distances.map { Int(($0 * 1e6).rounded()) } }

  @Test("directions must be perpendicular, right-handed and of a cubic crystal")
  func errors() throws {
    let copper = try cell(.fcc, a: 3.615)
    func build(_ unit: UnitCell, _ directions: [IntegerVector]) throws {
      _ = try CrystalBlock(unit, orientation: directions).build()
    }
    #expect(throws: FaultlineError.self) { try build(copper, [[1, 0, 0], [1, 1, 0], [0, 0, 1]]) }
    #expect(throws: FaultlineError.self) { try build(copper, [[0, 1, 0], [1, 0, 0], [0, 0, 1]]) }
    #expect(throws: FaultlineError.self) { try build(copper, [[0, 0, 0], [1, 0, 0], [0, 0, 1]]) }
    #expect(throws: FaultlineError.self) { try build(copper, [[1, 0, 0], [0, 1, 0]]) }
    let magnesium = try cell(.hcp, a: 3.2)
    #expect(throws: FaultlineError.self) { try build(magnesium, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]) }
  }
}
