import Foundation
import MDCore
import MDNumerics
import MDStructures
import Testing

/// Changes of structures by their own definition.
@Suite("Changes of structures") struct ModifyTests {
  private static func block() throws -> Structure {
    try CrystalBlock(LatticeType.rocksalt.unitCell(a: 5.64, species: ["Na", "Cl"]), size: SIMD3(3, 3, 3)).build()
  }

  @Test("a supercell is the same crystal", arguments: [
    IntegerMatrix([1, 1, 0], [-1, 1, 0], [0, 0, 1]), IntegerMatrix([2, 0, 1], [0, 1, 0], [1, 0, 3]), .identity,
  ])
  func supercell(_ matrix: IntegerMatrix) throws {
    let one = try CrystalBlock(LatticeType.fluorite.unitCell(a: 5.5, species: ["Ca", "F"])).build()
    let large = try one.supercell(matrix)
    #expect(large.count == matrix.determinant * one.count)
    #expect(abs(large.box.volume - Double(matrix.determinant) * one.box.volume) < 1e-6)
    #expect(zip(large.box.cell.elements, (matrix.real * one.box.cell).elements).allSatisfy { abs($0 - $1) < 1e-9 })
    #expect(abs((shortestDistance(large, within: 3) ?? 0) - 5.5 * 3.0.squareRoot() / 4) < 1e-9)
    let own = environments(one, within: 4.5)[0].map { ($0 * 1e6).rounded() }
    #expect(zip(environments(large, within: 4.5), large.types).allSatisfy { $1 != 0 || $0.map { ($0 * 1e6).rounded() } == own })
  }

  @Test("mirror images and flat cells are no supercells") func refused() throws {
    let one = try Self.block()
    #expect(throws: FaultlineError.self) { try one.supercell(IntegerMatrix([0, 1, 0], [1, 0, 0], [0, 0, 1])) }
    #expect(throws: FaultlineError.self) { try one.supercell(IntegerMatrix([1, 0, 0], [1, 0, 0], [0, 0, 1])) }
    var open = one
    open.box.periodic = Periodicity(true, true, false)
    #expect(throws: FaultlineError.self) { try open.supercell(IntegerMatrix([1, 0, 0], [0, 1, 0], [0, 0, 2])) }
    #expect(try open.supercell(IntegerMatrix([2, 0, 0], [0, 1, 0], [0, 0, 1])).count == 2 * one.count)
  }

  @Test("whole numbers of parts") func counts() {
    #expect(Structure.counts(10, parts: [0.25, 0.25]) == [3, 2])
    #expect(Structure.counts(7, parts: [1.0 / 3, 1.0 / 3, 1.0 / 3]) == [3, 2, 2])
    #expect(Structure.counts(4, parts: [0.5, 0.5]) == [2, 2])
    #expect(Structure.counts(100, parts: [0.126]) == [13])
  }

  @Test("a random order belongs to atoms' numbers, not to their places") func shuffled() throws {
    var one = try Self.block()
    let draw = Structure.Draw(seed: 5, number: 2)
    let all = Array(0..<one.count)
    let order = one.shuffled(all, draw)
    #expect(order.sorted() == all && order != all)
    // The same atoms in another order in the list.
    one.ids = all.map { Int64($0 + 1) }
    var turned = one
    turned.ids = one.ids!.reversed()
    let other = turned.shuffled(all, draw)
    #expect(order.map { one.ids![$0] } == other.map { turned.ids![$0] })
    #expect(one.shuffled(all, .init(seed: 6, number: 2)) != order)
    #expect(one.shuffled(all, .init(seed: 5, number: 3)) != order)
  }

  @Test("rattled atoms have the deviation asked") func rattled() throws {
    let plain = try CrystalBlock(LatticeType.fcc.unitCell(a: 4, species: ["A"]), size: SIMD3(10, 10, 10)).build()
    var moved = plain
    moved.rattle(Array(0..<2000), deviation: 0.1, .init(seed: 1, number: 0))
    let d = zip(moved.positions, plain.positions).map { $0 - $1 }
    #expect(d[2000...].allSatisfy { $0 == .zero })
    let square = d[..<2000].reduce(0) { $0 + $1.squaredLength } / 6000
    // A variance of 6000 numbers: ±1.8 %, five times of it.
    #expect(abs(square - 0.01) < 0.01 * 0.09)
    let mean = d[..<2000].reduce(Vector3.zero, +).length / 2000
    #expect(mean < 0.1 * 5 * (3.0 / 2000).squareRoot())
  }
}
