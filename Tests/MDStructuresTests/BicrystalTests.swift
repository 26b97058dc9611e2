import MDCore
import MDNumerics
import MDStructures
import Testing

/// What a bicrystal says of itself, against its atoms.
@Suite("Figures of bicrystals")
struct BicrystalTests {
  @Test("boundaries are amid the gaps, with and without free surfaces", arguments: [false, true], [0.0, 0.6])
  func heights(freeSurfaces: Bool, expansion: Double) throws {
    var boundary = try GrainBoundary(
      .twist, LatticeType.fcc.unitCell(a: 4, species: ["A"]), axis: [0, 0, 1], sigma: 5)
    boundary.expansion = expansion
    boundary.freeSurfaces = freeSurfaces
    boundary.vacuum = 12
    boundary.overlap = 0
    let result = try boundary.build()
    let z = result.structure.positions.map(\.z)
    func grain(_ number: Int32) -> [Double] {
      zip(z, result.structure.grains!).filter { $0.1 == number }.map(\.0)
    }
    let (lower, upper) = (grain(0), grain(1))
    #expect(abs(result.boundaryHeights[0] - 0.5 * (lower.max()! + upper.min()!)) < 1e-9)
    // Planes of fcc (001) are 2 Å apart.
    #expect(abs(upper.min()! - lower.max()! - 2 - expansion) < 1e-9)
    let height = result.structure.box.cell.z.z
    if freeSurfaces {
      #expect(result.boundaryHeights.count == 1)
      // As much vacuum below as above, 12 Å in all.
      #expect(abs(lower.min()! - (height - upper.max()!)) < 1e-9)
      #expect(abs(lower.min()! + height - upper.max()! - 2 - 12) < 1e-9)
    } else {
      #expect(abs(result.boundaryHeights[1] - 0.5 * (upper.max()! + lower.min()! + height)) < 1e-9)
      #expect(abs(lower.min()! + height - upper.max()! - 2 - expansion) < 1e-9)
    }
  }

  /// The turn that takes one grain's lattice into the other's, the smallest of the equivalent ones.
  @Test(
    "misorientations of twists and tilts",
    arguments: [
      (GrainBoundary.Kind.twist, [0, 0, 1], 5, nil, 36.8699), (.twist, [0, 0, 1], 13, nil, 22.6199),
      (.twist, [1, 1, 1], 7, nil, 38.2132), (.twist, [1, 1, 1], 3, nil, 60), (.twist, [1, 1, 0], 3, nil, 70.5288),
      (.tilt, [0, 0, 1], 5, [2, 1, 0], 36.8699), (.tilt, [0, 0, 1], 5, [3, 1, 0], 36.8699),
      (.tilt, [1, 1, 0], 9, [2, -2, 1], 38.9424), (.tilt, [1, 1, 0], 11, [1, -1, 3], 50.4788),
    ] as [(GrainBoundary.Kind, IntegerVector, Int, IntegerVector?, Double)])
  func misorientation(
    _ kind: GrainBoundary.Kind, _ axis: IntegerVector, _ sigma: Int, _ plane: IntegerVector?, _ angle: Double
  ) throws {
    let unit = try LatticeType.fcc.unitCell(a: 4, species: ["A"])
    let result = try GrainBoundary(kind, unit, axis: axis, sigma: sigma, plane: plane).build()
    #expect(abs(result.misorientation - angle) < 1e-3)
    // The directions of the edges of either grain, to the same axes: their turn against each other.
    func rotation(_ grain: Int) -> Matrix3 {
      let d = result.directions[grain].map { v -> Vector3 in
        let r = Vector3(Double(v.x), Double(v.y), Double(v.z))
        return r / r.length
      }
      return Matrix3(d[0], d[1], d[2])
    }
    for grain in 0..<2 { #expect(abs(rotation(grain).determinant - 1) < 1e-12) }
  }

  @Test("the edges of a boundary follow its normal in cyclic order", arguments: [0, 1, 2])
  func edges(_ normal: Int) throws {
    var boundary = try GrainBoundary(
      .tilt, LatticeType.fcc.unitCell(a: 4, species: ["A"]), axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0])
    boundary.normalAxis = normal
    let result = try boundary.build()
    let cell = result.structure.box.cell
    #expect(abs(cell[(normal + 1) % 3][(normal + 1) % 3] - result.periods.x) < 1e-12)
    #expect(abs(cell[(normal + 2) % 3][(normal + 2) % 3] - result.periods.y) < 1e-12)
    #expect(abs(result.periods.x - result.periods.y) > 1)
  }

  @Test("a plane that does not hold the tilt axis is named as such")
  func planeWithoutAxis() throws {
    let unit = try LatticeType.fcc.unitCell(a: 4, species: ["A"])
    let error = #expect(throws: FaultlineError.self) {
      _ = try GrainBoundary(.tilt, unit, axis: [0, 0, 1], sigma: 5, plane: [1, 1, 1]).build()
    }
    #expect(error?.message.contains("does not contain the tilt axis") == true)
  }

  @Test("perovskite's species by their neighbours: A has twelve X, B has six")
  func perovskite() throws {
    let block = try CrystalBlock(
      LatticeType.perovskite.unitCell(a: 4, species: ["Ca", "Ti", "O"]), size: SIMD3(2, 2, 2)
    ).build()
    #expect(block.species.count == 3)
    // X lies at a/2 from B and at a/√2 from A.
    for (row, type) in zip(coordinations(block, within: 0.55 * 4), block.types) {
      #expect(row == ["Ca": 0, "Ti": 6, "O": 2][block.species[Int(type)]])
    }
  }

  @Test("atoms removed out of the crystal's proportions are told", arguments: [LatticeType.fluorite, .zincblende])
  func proportions(_ type: LatticeType) throws {
    var boundary = try GrainBoundary(
      .tilt, type.unitCell(a: 4, species: ["Ce", "O"]), axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0])
    boundary.shift = SIMD2(0.13, 0.21)
    let result = try boundary.build()
    let types = result.structure.types
    let (cations, anions) = (types.count { $0 == 0 }, types.count { $0 == 1 })
    let isProportional = anions == (type == .fluorite ? 2 : 1) * cations
    #expect(result.removedCount > 0 && !isProportional)
    #expect(result.warnings.contains { $0.contains("not in the crystal's proportions") })
    boundary.overlap = 0
    #expect(try boundary.build().warnings.allSatisfy { !$0.contains("proportions") })
  }

  @Test("vacuum is as wide on either side of the atoms", arguments: [Vector3(0, 0, 6), Vector3(0, 5, 0), Vector3(3, 4, 5)])
  func vacuum(_ lengths: Vector3) throws {
    let unit = try UnitCell(
      cell: Matrix3(Vector3(3, 0, 0), Vector3(1, 3, 0), Vector3(0.5, 0.5, 4)), sites: [.init(Vector3(0.5, 0.5, 0.5), "A")])
    var structure = try CrystalBlock(unit).build()
    let heights = structure.box.heights
    try structure.addVacuum(lengths)
    // The only atom was in the cell's middle.
    #expect((structure.box.fractional(structure.positions[0]) - Vector3(0.5, 0.5, 0.5)).length < 1e-12)
    #expect((structure.box.heights - heights - lengths).length < 1e-12)
  }

  @Test("each column of a repeated structure belongs to its atom")
  func columns() throws {
    let box = Box(cell: Matrix3(Vector3(3, 0, 0), Vector3(1, 4, 0), Vector3(0.5, 0.5, 5)))
    var one = Structure(box: box, species: ["A", "B"], types: [1, 0], positions: [.zero, Vector3(1, 1, 1)])
    one.ids = [5, 2]
    one.charges = [0.5, -0.25]
    one.grains = [3, 4]
    let many = try one.replicated(SIMD3(2, 3, 2))
    #expect(many.box.cell == Matrix3(2 * box.cell.x, 3 * box.cell.y, 2 * box.cell.z))
    for i in 0..<many.count {
      #expect(many.types[i] == one.types[i % 2])
      #expect(many.charges![i] == one.charges![i % 2] && many.grains![i] == one.grains![i % 2])
      // A copy is whole vectors from its original, and within the cell.
      let s = box.fractional(many.positions[i] - one.positions[i % 2])
      #expect((s - s.rounded(.toNearestOrEven)).length < 1e-12)
      let t = many.box.fractional(many.positions[i])
      for k in 0..<3 { #expect(t[k] > -1e-12 && t[k] < 1) }
    }
    #expect(Set(many.positions.map { "\($0)" }).count == 24)
    #expect(Set(many.ids!).count == 24 && many.ids!.allSatisfy { $0 > 0 })
  }
}
