import MDCore
import MDNumerics
import MDStructures
import Testing

/// A boundary to build, in a crystal with lattice constant 4 Å unless stated.
struct BoundaryCase: Sendable, CustomTestStringConvertible {
  var kind: GrainBoundary.Kind
  var type: LatticeType
  var axis: IntegerVector
  var sigma: Int
  var plane: IntegerVector?
  var species = ["A"]

  var testDescription: String { "\(type) \(kind) Σ\(sigma) \(axis) \(plane.map { "\($0)" } ?? "")" }

  func boundary(a: Double = 4) throws -> GrainBoundary {
    try GrainBoundary(kind, type.unitCell(a: a, species: species), axis: axis, sigma: sigma, plane: plane)
  }
}

private let metals: [BoundaryCase] = [LatticeType.sc, .fcc, .bcc, .diamond].flatMap { type in
  [
    BoundaryCase(kind: .tilt, type: type, axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]),
    BoundaryCase(kind: .tilt, type: type, axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0]),
    BoundaryCase(kind: .tilt, type: type, axis: [1, 1, 0], sigma: 3, plane: [1, -1, 1]),
    BoundaryCase(kind: .tilt, type: type, axis: [1, 1, 0], sigma: 3, plane: [1, -1, 2]),
    BoundaryCase(kind: .tilt, type: type, axis: [1, 1, 0], sigma: 9, plane: [2, -2, 1]),
    BoundaryCase(kind: .tilt, type: type, axis: [1, 1, 0], sigma: 11, plane: [1, -1, 3]),
    BoundaryCase(kind: .tilt, type: type, axis: [0, 0, 1], sigma: 13, plane: [3, 2, 0]),
    BoundaryCase(kind: .tilt, type: type, axis: [0, 0, 1], sigma: 17, plane: [4, 1, 0]),
    BoundaryCase(kind: .twist, type: type, axis: [0, 0, 1], sigma: 5),
    BoundaryCase(kind: .twist, type: type, axis: [1, 1, 1], sigma: 7),
    BoundaryCase(kind: .twist, type: type, axis: [1, 1, 0], sigma: 3),
  ]
}

private let compounds = [
  BoundaryCase(
    kind: .tilt, type: .rocksalt, axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], species: ["Mg", "O"]),
  BoundaryCase(
    kind: .tilt, type: .rocksalt, axis: [1, 1, 0], sigma: 3, plane: [1, -1, 1], species: ["Mg", "O"]),
  BoundaryCase(kind: .twist, type: .rocksalt, axis: [0, 0, 1], sigma: 5, species: ["Mg", "O"]),
  BoundaryCase(
    kind: .tilt, type: .fluorite, axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], species: ["Ce", "O"]),
  BoundaryCase(
    kind: .tilt, type: .fluorite, axis: [1, 1, 0], sigma: 3, plane: [1, -1, 1], species: ["Ce", "O"]),
  BoundaryCase(
    kind: .tilt, type: .perovskite, axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0], species: ["Sr", "Ti", "O"]),
  BoundaryCase(
    kind: .tilt, type: .perovskite, axis: [1, 1, 0], sigma: 3, plane: [1, -1, 1], species: ["Sr", "Ti", "O"]),
  BoundaryCase(
    kind: .tilt, type: .zincblende, axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0], species: ["In", "P"]),
]

@Suite("Grain boundaries")
struct GrainBoundaryTests {
  @Test("density, misorientation and the crystal inside the grains", arguments: metals + compounds)
  func grains(_ item: BoundaryCase) throws {
    var boundary = try item.boundary()
    boundary.thickness = .atLeast(14)
    boundary.overlap = 0
    let result = try boundary.build()
    let unit = boundary.unitCell
    #expect(result.sigma == item.sigma)
    #expect(result.boundaryCount == 2 && result.removedCount == 0)
    #expect(result.grainThickness >= 14)
    // Nothing removed: the cell has exactly the crystal's atoms per volume, species by species.
    #expect(abs(result.structure.numberDensity * unit.volume / Double(unit.sites.count) - 1) < 1e-10)
    for (k, name) in result.structure.species.enumerated() {
      let share = Double(result.structure.types.count { $0 == k }) / Double(result.structure.count)
      #expect(abs(share * Double(unit.sites.count) - Double(unit.sites.count { $0.species == name })) < 1e-10)
    }
    #expect(result.structure.grains!.count { $0 == 0 } == result.structure.grains!.count { $0 == 1 })
    // Half a grain away from both boundaries the surroundings are the crystal's.
    let reach = 1.2 * unit.nearestNeighborDistance
    let crystal = Set(coordinations(try CrystalBlock(unit, size: SIMD3(2, 2, 2)).build(), within: reach))
    let middle = 0.5 * result.grainThickness
    for (z, found) in zip(result.structure.positions.map(\.z), coordinations(result.structure, within: reach)) {
      let inLower = abs(z - middle) < 1.5
      let inUpper = abs(z - middle - result.grainThickness) < 1.5
      if inLower || inUpper { #expect(crystal.contains(found)) }
    }
  }

  @Test("no two atoms too close anywhere, faces included, and both boundaries alike", arguments: metals + compounds)
  func boundaries(_ item: BoundaryCase) throws {
    var boundary = try item.boundary()
    boundary.thickness = .atLeast(12)
    let result = try boundary.build()
    let nearest = boundary.unitCell.nearestNeighborDistance
    #expect(shortestDistance(result.structure, within: 0.7 * nearest - 1e-6) == nil)
    #expect(result.boundariesAreEquivalent)
    let (lower, upper) = surroundings(result, reach: 1.6 * nearest)
    #expect(lower == upper)
  }

  /// Always so where the grains are Bravais lattices or their mirror plane is at a centre of inversion.
  @Test("a shift in the plane keeps two tilt boundaries alike", arguments: metals.filter { $0.kind == .tilt })
  func shifted(_ item: BoundaryCase) throws {
    var boundary = try item.boundary()
    boundary.thickness = .atLeast(12)
    boundary.shift = SIMD2(0.13, 0.21)
    boundary.expansion = 0.4
    boundary.overlap = 0
    let result = try boundary.build()
    #expect(result.boundariesAreEquivalent || item.type == .diamond)
    guard result.boundariesAreEquivalent else { return }
    let (lower, upper) = surroundings(result, reach: 1.6 * boundary.unitCell.nearestNeighborDistance)
    #expect(lower == upper)
  }

  /// What the atoms within 5 Å of the two boundaries see, as sorted lists of distances.
  private func surroundings(_ result: GrainBoundary.Bicrystal, reach: Double) -> ([[Int]], [[Int]]) {
    let height = result.structure.box.cell.z.z
    let rows = environments(result.structure, within: reach)
    func near(_ boundary: Double) -> [[Int]] {
      zip(result.structure.positions, rows).filter { item in
        let d = abs(item.0.z - boundary)
        return min(d, height - d) < 5.001
      }.map { item in item.1.map { Int(($0 * 1e4).rounded()) } }.sorted { $0.lexicographicallyPrecedes($1) }
    }
    return (near(result.boundaryHeights[0]), near(result.boundaryHeights[1]))
  }

  @Test("the grains of a tilt boundary mirror each other", arguments: metals.filter { $0.kind == .tilt })
  func mirrored(_ item: BoundaryCase) throws {
    var boundary = try item.boundary()
    boundary.thickness = .atLeast(8)
    let result = try boundary.build()
    var pair = result.structure
    let plane = result.boundaryHeights[0]
    for r in result.structure.positions {
      pair.positions.append(Vector3(r.x, r.y, 2 * plane - r.z))
    }
    pair.types += result.structure.types
    pair.grains = nil
    // The structure and its mirror image are the same atoms.
    #expect(pair.removeOverlaps(closerThan: 1e-6) == [result.structure.count])
  }

  @Test(
    "coherent twins are perfectly coordinated",
    arguments: [
      (BoundaryCase(kind: .tilt, type: .fcc, axis: [1, 1, 0], sigma: 3, plane: [1, -1, 1]), 12),
      (BoundaryCase(kind: .tilt, type: .diamond, axis: [1, 1, 0], sigma: 3, plane: [1, -1, 1]), 4),
      (BoundaryCase(kind: .twist, type: .fcc, axis: [1, 1, 1], sigma: 3), 12),
      (BoundaryCase(kind: .twist, type: .diamond, axis: [1, 1, 1], sigma: 3), 4),
    ])
  func twin(_ item: BoundaryCase, _ coordination: Int) throws {
    let boundary = try item.boundary()
    let result = try boundary.build()
    #expect(result.removedCount == 0)
    let nearest = boundary.unitCell.nearestNeighborDistance
    #expect(coordinations(result.structure, within: 1.1 * nearest).allSatisfy { $0 == coordination })
    #expect(abs(shortestDistance(result.structure, within: 1.1 * nearest)! - nearest) < 1e-9)
  }

  @Test("bcc Mo Σ5 (310) [001]")
  func molybdenum() throws {
    let a = 3.168
    var boundary = try GrainBoundary(
      .tilt, LatticeType.bcc.unitCell(a: a, species: ["Mo"]), axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0])
    boundary.repeats = SIMD2(2, 3)
    boundary.thickness = .periods(2)
    let result = try boundary.build()
    #expect(abs(result.misorientation - 36.8699) < 1e-4)
    #expect(abs(result.periods.x - a * 10.0.squareRoot()) < 1e-12)
    #expect(abs(result.periods.y - a) < 1e-12)
    #expect(abs(result.area - 6 * a * a * 10.0.squareRoot()) < 1e-9)
    #expect(abs(result.grainThickness - 2 * a * 10.0.squareRoot()) < 1e-9)
    #expect(result.removedCount == 0)
    // 20 atoms a cell √10 a × a × √10 a; two periods, two grains, six cells.
    #expect(result.structure.count == 20 * 2 * 2 * 6)
    #expect(result.boundariesAreEquivalent && result.warnings.isEmpty)
  }

  @Test("free surfaces, expansion and shift")
  func freeSurfaces() throws {
    var boundary = try BoundaryCase(
      kind: .tilt, type: .fcc, axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0]
    ).boundary()
    boundary.overlap = 0
    let closed = try boundary.build()
    boundary.freeSurfaces = true
    boundary.vacuum = 12
    boundary.expansion = 0.3
    boundary.shift = SIMD2(0, 0.5)
    let open = try boundary.build()
    #expect(open.boundaryCount == 1 && open.boundaryHeights.count == 1)
    #expect(open.structure.box.periodic == Periodicity(true, true, false))
    #expect(open.structure.count == closed.structure.count)
    #expect(abs(open.structure.box.cell.z.z - closed.structure.box.cell.z.z - 12.3) < 1e-9)
    let (from, to) = (closed.structure.positions, open.structure.positions)
    for i in from.indices {
      let move = to[i] - from[i]
      let isUpper = closed.structure.grains![i] == 1
      #expect(abs(move.z - (isUpper ? 6.3 : 6)) < 1e-9)
      #expect(abs(abs(move.y) - (isUpper ? 2 : 0)) < 1e-9)
    }
  }

  @Test("the normal along x and y is the same boundary", arguments: [0, 1])
  func axes(_ normal: Int) throws {
    var boundary = try BoundaryCase(
      kind: .twist, type: .fcc, axis: [0, 0, 1], sigma: 5
    ).boundary()
    let along = try boundary.build()
    boundary.normalAxis = normal
    let turned = try boundary.build()
    #expect(turned.structure.box.cell[normal][normal] == along.structure.box.cell.z.z)
    #expect(turned.structure.positions.map { $0[normal] } == along.structure.positions.map(\.z))
    for (a, b) in zip(environments(turned.structure, within: 4), environments(along.structure, within: 4)) {
      #expect(a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-9 })
    }
  }

  @Test("the coherent twin of a rock-salt crystal keeps every bond between unlike atoms")
  func saltTwin() throws {
    let boundary = try compounds[1].boundary()
    let result = try boundary.build()
    #expect(result.removedCount == 0 && result.warnings.isEmpty)
    #expect(coordinations(result.structure, within: 1.1 * 2).allSatisfy { $0 == 6 })
    var cations = result.structure
    let kept = cations.types.indices.filter { cations.types[$0] == 0 }
    cations.positions = kept.map { cations.positions[$0] }
    cations.types = kept.map { _ in 0 }
    #expect(shortestDistance(cations, within: 1.1 * 2) == nil)
  }

  @Test("polar planes and lost neutrality are told")
  func warnings() throws {
    var polar = try BoundaryCase(
      kind: .tilt, type: .zincblende, axis: [1, 1, 0], sigma: 3, plane: [1, -1, 1], species: ["In", "P"]
    ).boundary()
    polar.thickness = .atLeast(10)
    let result = try polar.build()
    #expect(!result.boundariesAreEquivalent)
    #expect(result.warnings.contains { $0.contains("polar") })
  }

  @Test("a boundary of a million atoms")
  func million() throws {
    var boundary = try GrainBoundary(
      .tilt, LatticeType.fcc.unitCell(a: 3.615, species: ["Cu"]), axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0])
    boundary.repeats = SIMD2(16, 50)
    boundary.thickness = .periods(64)
    boundary.expansion = 0.1
    let result = try boundary.build()
    #expect(result.structure.count + result.removedCount == 16 * 50 * 64 * 2 * 10)
    #expect(result.structure.count > 1_000_000)
    #expect(result.removedCount == 2 * 16 * 50)
  }

  @Test(
    "requests that do not fit together say what would",
    arguments: [
      (GrainBoundary.Kind.tilt, [0, 0, 1], 5, [3, 2, 0], "(310)"),
      (.tilt, [0, 0, 1], 5, [1, 1, 1], "(210)"),
      (.tilt, [0, 0, 1], 7, [3, 1, 0], "Σ 13 (510)"),
      (.tilt, [0, 0, 1], 1, [1, 1, 0], "Σ 5 (310)"),
      (.tilt, [0, 0, 1], 5, nil, "(310)"),
      (.tilt, [1, 2, 3], 5, [3, 0, -1], "an index 0"),
      (.twist, [0, 0, 1], 7, nil, "5, 13, 17"),
      (.twist, [0, 0, 1], nil, nil, "5, 13, 17"),
      (.twist, [0, 0, 1], 5, [3, 1, 0], "(001)"),
    ] as [(GrainBoundary.Kind, IntegerVector, Int?, IntegerVector?, String)])
  func errors(
    _ kind: GrainBoundary.Kind, _ axis: IntegerVector, _ sigma: Int?, _ plane: IntegerVector?, _ told: String
  ) throws {
    let unit = try LatticeType.fcc.unitCell(a: 4, species: ["A"])
    let error = #expect(throws: FaultlineError.self) {
      _ = try GrainBoundary(kind, unit, axis: axis, sigma: sigma, plane: plane).build()
    }
    #expect(error?.hint?.contains(told) == true, "\(error.map(String.init(describing:)) ?? "")")
  }

  @Test("numbers out of range are refused")
  func ranges() throws {
    let good = try BoundaryCase(kind: .twist, type: .fcc, axis: [0, 0, 1], sigma: 5).boundary()
    let changes: [(inout GrainBoundary) -> Void] = [
      { $0.repeats = SIMD2(0, 1) }, { $0.thickness = .atLeast(-3) }, { $0.thickness = .periods(0) },
      { $0.overlap = 3 }, { $0.vacuum = -1 }, { $0.shift = SIMD2(.nan, 0) }, { $0.expansion = -100 },
      { $0.normalAxis = 3 }, { $0.axis = .zero },
    ]
    for change in changes {
      var bad = good
      change(&bad)
      #expect(throws: FaultlineError.self) { _ = try bad.build() }
    }
  }
}
