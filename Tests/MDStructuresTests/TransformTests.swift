import MDCore
import MDNumerics
import MDStructures
import Testing

@Suite("Transforms")
struct TransformTests {
  private func sample() throws -> Structure {
    let unit = try UnitCell(
      cell: Matrix3(Vector3(3, 0, 0), Vector3(1, 3, 0), Vector3(0.5, 0.5, 4)),
      sites: [.init(.zero, "A"), .init(Vector3(0.5, 0.5, 0.5), "B")])
    var structure = try CrystalBlock(unit).build()
    structure.box.origin = Vector3(1, 2, 3)
    structure.shift(by: Vector3(1, 2, 3))
    structure.ids = [7, 3]
    structure.charges = [1, -1]
    structure.velocities = [Vector3(1, 2, 3), Vector3(4, 5, 6)]
    structure.masses = [10, nil]
    return structure
  }

  @Test("a repeated structure has the same surroundings, unique numbers and all its columns")
  func replicated() throws {
    let one = try sample()
    let many = try one.replicated(SIMD3(2, 3, 2))
    #expect(many.count == 24)
    #expect(Set(many.ids!).count == 24)
    #expect(many.charges!.reduce(0, +) == 0)
    #expect(many.velocities!.count == 24 && many.velocities![3] == Vector3(4, 5, 6))
    #expect(many.masses == [10, nil])
    #expect(many.box.origin == one.box.origin)
    let expected = environments(one, within: 7)
    for (i, row) in environments(many, within: 7).enumerated() {
      #expect(row.count == expected[i % 2].count)
      #expect(zip(row, expected[i % 2]).allSatisfy { abs($0 - $1) < 1e-12 })
    }
    #expect(throws: FaultlineError.self) { try one.replicated(SIMD3(1, 1, 0)) }
  }

  @Test("strain keeps fractional coordinates and multiplies the volume by det(I + ε)")
  func strained() throws {
    let before = try sample()
    var after = before
    let strain = Matrix3(Vector3(0.02, 0.01, 0), Vector3(0, -0.03, 0.04), Vector3(0, 0, 0.05))
    try after.strain(strain)
    #expect(abs(after.box.volume / before.box.volume - (.identity + strain).determinant) < 1e-14)
    for (a, b) in zip(after.positions, before.positions) {
      #expect((after.box.fractional(a) - before.box.fractional(b)).length < 1e-14)
    }
    #expect(throws: FaultlineError.self) { try after.strain(-2 * .identity) }
  }

  @Test("vacuum widens the cell about the atoms")
  func vacuum() throws {
    let before = try sample()
    var after = before
    try after.addVacuum(Vector3(0, 5, 0))
    #expect(abs(after.box.heights.y - before.box.heights.y - 5) < 1e-12)
    #expect(after.positions[1] - after.positions[0] == before.positions[1] - before.positions[0])
    #expect(throws: FaultlineError.self) { try after.addVacuum(Vector3(-1, 0, 0)) }
  }

  @Test("overlaps across periodic faces become one atom in the middle; of two species the later goes")
  func overlaps() throws {
    var structure = Structure(
      box: Box(lengths: Vector3(10, 1.5, 10)), species: ["A", "B"], types: [0, 0, 0, 1, 0],
      positions: [
        Vector3(0.2, 0, 5), Vector3(9.8, 0.1, 5), Vector3(5, 0.5, 5), Vector3(5, 0.5, 5.4), Vector3(5, 0.5, 8),
      ])
    structure.grains = [0, 1, 0, 1, 1]
    let removed = structure.removeOverlaps(closerThan: 1)
    #expect(removed == [1, 1])
    #expect(structure.types == [0, 0, 0])
    #expect(structure.grains == [0, 0, 1])
    #expect((structure.positions[0] - Vector3(0, 0.05, 5)).length < 1e-12)
    #expect(structure.positions[1] == Vector3(5, 0.5, 5))
  }

  @Test("no pair is left, in a small cell and in a random triclinic one")
  func overlapsAreGone() throws {
    var generator = SeededNumbers(seed: 7)
    let cell = Matrix3(Vector3(9, 0, 0), Vector3(3, 8, 0), Vector3(-2, 1, 7))
    let box = Box(cell: cell, periodic: Periodicity(true, true, false))
    let positions = (0..<200).map { _ in
      box.cartesian(Vector3(generator.unit(), generator.unit(), generator.unit()))
    }
    var structure = Structure(
      box: box, species: ["A"], types: Array(repeating: 0, count: 200), positions: positions)
    #expect(shortestDistance(structure, within: 1.5)! < 1)
    let removed = structure.removeOverlaps(closerThan: 1.5)
    #expect(removed[0] + structure.count == 200)
    #expect(structure.count > 20)
    #expect(shortestDistance(structure, within: 1.5 - 1e-9) == nil)
  }

  @Test("parts of copies and blocks are the whole") func parts() throws {
    var one = try CrystalBlock(LatticeType.rocksalt.unitCell(a: 5, species: ["Na", "Cl"])).build()
    one.ids = [3, 9, 4, 1, 8, 2, 6, 12]
    one.charges = (0..<8).map { Double($0) / 3 }
    one.velocities = (0..<8).map { Vector3(Double($0), 1, 2) }
    one.grains = (0..<8).map { Int32($0 % 3) }
    one.held = (0..<8).map { $0 % 2 == 0 }
    let whole = try one.replicated(SIMD3(2, 3, 4))
    // Copy (1, 2, 0) is the 21st.
    #expect((whole.positions[20 * 8 + 5] - one.positions[5] - Vector3(5, 10, 0)).length < 1e-12)
    #expect(whole.ids?[20 * 8 + 5] == Int64(2 + 20 * 12))
    let block = CrystalBlock(
      try LatticeType.bcc.unitCell(a: 3.2, species: ["Mo"]), size: SIMD3(2, 3, 2),
      orientation: [IntegerVector(1, 1, 1), IntegerVector(1, -1, 0), IntegerVector(1, 1, -2)], vacuum: Vector3(0, 0, 7))
    let all = try block.build()
    for ranks in [1, 2, 5, 300] {
      let parts = try (0..<ranks).map { try one.replicated(SIMD3(2, 3, 4), part: StructurePart(rank: $0, ranks: ranks)) }
      #expect(parts.flatMap(\.positions) == whole.positions && parts.flatMap(\.types) == whole.types)
      #expect(parts.flatMap { $0.ids ?? [] } == whole.ids && parts.flatMap { $0.charges ?? [] } == whole.charges)
      #expect(parts.flatMap { $0.velocities ?? [] } == whole.velocities)
      #expect(parts.flatMap { $0.grains ?? [] } == whole.grains && parts.flatMap { $0.held ?? [] } == whole.held)
      #expect(parts.allSatisfy { $0.box == whole.box && abs($0.count - 192 / ranks) <= 1 })
      let blocks = try (0..<ranks).map { try block.build(part: StructurePart(rank: $0, ranks: ranks)) }
      #expect(blocks.flatMap(\.positions) == all.positions && blocks.flatMap(\.types) == all.types)
      #expect(blocks.allSatisfy { $0.box == all.box })
    }
  }
}

/// A linear congruential generator: the same numbers on every run.
private struct SeededNumbers {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func unit() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) * 0x1p-53
  }
}
