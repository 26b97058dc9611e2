import Foundation
import MDCore
import MDNumerics
import MDStructures
import Testing

/// Primitive cells, point groups and cells of planes, against the textbook.
@Suite("Symmetry and planes of crystals") struct SymmetryTests {
  /// Lattice, atoms of the primitive cell, operations of the point group.
  private static let crystals: [(LatticeType, Int, Int)] = [
    (.sc, 1, 48), (.bcc, 1, 48), (.fcc, 1, 48), (.diamond, 2, 48), (.hcp, 2, 24), (.rocksalt, 2, 48), (.cscl, 2, 48),
    (.zincblende, 2, 24), (.wurtzite, 4, 12), (.fluorite, 3, 48), (.perovskite, 5, 48),
  ]

  private static func cell(_ lattice: LatticeType) throws -> UnitCell {
    try lattice.unitCell(a: 4.1, species: Array(["A", "B", "X"].prefix(lattice.speciesRoles.count)))
  }

  @Test(arguments: crystals.map(\.0)) func groups(_ lattice: LatticeType) throws {
    let (_, atoms, operations) = Self.crystals.first { $0.0 == lattice }!
    let unit = try Self.cell(lattice)
    let (primitive, vectors) = try unit.primitive()
    #expect(primitive.sites.count == atoms)
    #expect(abs(primitive.volume / Double(atoms) - unit.volume / Double(unit.sites.count)) < 1e-9)
    #expect(abs(primitive.nearestNeighborDistance - unit.nearestNeighborDistance) < 1e-9)
    #expect(zip((vectors * unit.cell).elements, primitive.cell.elements).allSatisfy { abs($0 - $1) < 1e-9 })
    let group = primitive.pointGroup()
    #expect(group.count == operations)
    for one in group {
      let product = one.rotation * one.rotation.transpose
      #expect(zip(product.elements, Matrix3.identity.elements).allSatisfy { abs($0 - $1) < 1e-9 }, "orthogonal")
    }
  }

  @Test("a strained crystal has fewer operations") func strained() throws {
    let unit = try Self.cell(.fcc)
    func operations(_ strain: Matrix3) throws -> Int {
      try UnitCell(cell: unit.cell * (.identity + strain), sites: unit.sites).primitive().cell.pointGroup().count
    }
    #expect(try operations(Matrix3(diagonal: Vector3(0, 0, 0.05))) == 16)
    #expect(try operations(Matrix3(diagonal: Vector3(0.02, 0.05, 0))) == 8)
    #expect(try operations(Matrix3(Vector3(0.01, 0.02, 0.03), Vector3(0.02, 0.05, 0.04), Vector3(0.03, 0.04, 0.02))) == 2)
  }

  /// Lattice, plane, area over a², spacing over a, widths of gaps over a.
  private static let planes: [(LatticeType, SIMD3<Int>, Double, [Double])] = [
    (.fcc, SIMD3(1, 0, 0), 0.5, [0.5]), (.fcc, SIMD3(1, 1, 1), sqrt(3.0) / 4, [1 / sqrt(3.0)]),
    (.fcc, SIMD3(2, -2, 0), 1 / sqrt(2.0), [1 / sqrt(8.0)]),
    (.bcc, SIMD3(1, 1, 0), 1 / sqrt(2.0), [1 / sqrt(2.0)]), (.bcc, SIMD3(1, 0, 0), 1, [0.5]),
    (.bcc, SIMD3(-1, 1, 2), sqrt(1.5), [1 / sqrt(6.0)]),
    (.bcc, SIMD3(1, 1, 1), sqrt(3.0), [1 / sqrt(12.0)]),
    (.diamond, SIMD3(1, 1, 1), sqrt(3.0) / 4, [sqrt(3.0) / 4, sqrt(3.0) / 12]),
    (.diamond, SIMD3(0, 0, 1), 0.5, [0.25]), (.diamond, SIMD3(1, 1, 0), 1 / sqrt(2.0), [1 / sqrt(8.0)]),
  ]

  @Test(arguments: planes.indices) func plane(_ number: Int) throws {
    let (lattice, indices, area, widths) = Self.planes[number]
    let unit = try Self.cell(lattice)
    let (a, per) = (4.1, unit.volume / Double(unit.sites.count))
    let plane = try PlaneCell(unit, indices)
    #expect(abs(plane.area - area * a * a) < 1e-9)
    #expect(abs(plane.area * plane.spacing - per * Double(plane.sites.count)) < 1e-9)
    let gaps = plane.distinctGaps.map(\.width)
    #expect(gaps.count == widths.count && zip(gaps, widths).allSatisfy { abs($0 - $1 * a) < 1e-6 })
    // Edges are vectors of the lattice in the plane.
    let normal = Vector3(Double(indices.x), Double(indices.y), Double(indices.z))
    for (edge, row) in [(plane.edges.0, plane.cell.x), (plane.edges.1, plane.cell.y)] {
      #expect(abs(dot(edge, normal)) < 1e-9 && row.z == 0)
      #expect((plane.vector(edge) - row).length < 1e-9)
    }
    // The normal is along z.
    let n = plane.vector(normal)
    #expect(abs(n.z - n.length) < 1e-9)

    let (slab, middle) = plane.slab(periods: 6, cut: plane.gaps[0], vacuum: 10)
    #expect(slab.count == 6 * plane.sites.count && abs(slab.box.volume - plane.area * (6 * plane.spacing + 10)) < 1e-6)
    let heights = slab.positions.map(\.z)
    #expect(abs(heights.min()! - (5 + widths[0] * a / 2)) < 1e-6 && abs(heights.max()! - (2 * middle - 5 - widths[0] * a / 2)) < 1e-6)
    // Distances are those of the crystal.
    let inner = slab.positions.filter { abs($0.z - middle) < 2 * plane.spacing }
    var nearest = Double.infinity
    for r in inner { for s in slab.positions { for i in -2...2 { for j in -2...2 {
      let d = (s + Double(i) * plane.cell.x + Double(j) * plane.cell.y - r).length
      if d > 1e-6 { nearest = min(nearest, d) }
    } } } }
    #expect(abs(nearest - unit.nearestNeighborDistance) < 1e-6)
  }

  @Test("planes that are none, or too steep") func refused() throws {
    let unit = try Self.cell(.fcc)
    #expect(throws: FaultlineError.self) { try PlaneCell(unit, .zero) }
    #expect(throws: FaultlineError.self) { try PlaneCell(unit, SIMD3(997, 1, 0)) }
  }
}
