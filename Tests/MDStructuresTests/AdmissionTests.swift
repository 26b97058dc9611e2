import MDCore
import MDNumerics
import MDStructures
import Testing

/// Builders say what cell and how many atoms they would make before they make them.
@Suite("Admission of structures")
struct AdmissionTests {
  private struct Refusal: Error {}

  /// Builds, and compares what `admit` was told with what came out. `removed` atoms were taken away afterwards.
  private func check(
    _ name: String, build: (StructureSize.Admission) throws -> (structure: Structure, removed: Int)
  ) throws {
    var told: [(box: Box, atoms: Double)] = []
    let (structure, removed) = try build { told.append(($0, $1)) }
    try #require(told.count == 1, "\(name)")
    let difference = zip(told[0].box.cell.elements, structure.box.cell.elements).map { abs($0 - $1) }.max()!
    #expect(difference < 1e-9, "\(name): \(told[0].box.cell) is not \(structure.box.cell)")
    #expect(told[0].box.periodic == structure.box.periodic, "\(name)")
    #expect(abs(told[0].atoms - Double(structure.count + removed)) < 1e-6 * told[0].atoms, "\(name)")
    #expect(throws: Refusal.self, "\(name)") { _ = try build { _, _ in throw Refusal() } }
  }

  @Test("blocks of crystal, in any orientation, with vacuum")
  func blocks() throws {
    let wurtzite = try LatticeType.wurtzite.unitCell(a: 3.2, species: ["Ga", "N"])
    let fluorite = try LatticeType.fluorite.unitCell(a: 5.4, species: ["Ca", "F"])
    let blocks = [
      CrystalBlock(wurtzite, size: SIMD3(2, 3, 4), vacuum: Vector3(0, 0, 10)),
      CrystalBlock(
        fluorite, size: SIMD3(3, 2, 1), orientation: [[1, 1, 0], [-1, 1, 0], [0, 0, 1]],
        periodic: Periodicity(true, false, true), vacuum: Vector3(7, 3, 0)),
    ]
    for (k, block) in blocks.enumerated() {
      try check("block \(k)") { (try block.build(admit: $0), 0) }
    }
  }

  @Test("boundaries along any axis, periodic and with free surfaces", arguments: 0...2)
  func boundaries(_ normalAxis: Int) throws {
    let diamond = try LatticeType.diamond.unitCell(a: 5.43, species: ["Si"])
    let bcc = try LatticeType.bcc.unitCell(a: 3.2, species: ["Mo"])
    var tilt = GrainBoundary(.tilt, bcc, axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0])
    tilt.repeats = SIMD2(2, 3)
    tilt.normalAxis = normalAxis
    tilt.expansion = 0.4
    var twist = GrainBoundary(.twist, diamond, axis: [0, 0, 1], sigma: 5)
    twist.normalAxis = normalAxis
    twist.thickness = .atLeast(12)
    twist.freeSurfaces = true
    twist.expansion = 0.2
    twist.vacuum = 15
    for (name, boundary) in [("tilt", tilt), ("twist", twist)] {
      try check("\(name) along \(normalAxis)") {
        let result = try boundary.build(admit: $0)
        return (result.structure, result.removedCount)
      }
    }
  }
}
