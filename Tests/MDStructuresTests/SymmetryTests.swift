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
    let group = try primitive.pointGroup()
    #expect(group.count == operations)
    for one in group {
      let product = one.rotation * one.rotation.transpose
      #expect(zip(product.elements, Matrix3.identity.elements).allSatisfy { abs($0 - $1) < 1e-9 }, "orthogonal")
    }
  }

  /// Lattice, number and symbol of its space group (International Tables A).
  private static let spaceGroups: [(LatticeType, Int, String)] = [
    (.sc, 221, "Pm-3m"), (.bcc, 229, "Im-3m"), (.fcc, 225, "Fm-3m"), (.diamond, 227, "Fd-3m"), (.hcp, 194, "P6_3/mmc"),
    (.rocksalt, 225, "Fm-3m"), (.cscl, 221, "Pm-3m"), (.zincblende, 216, "F-43m"), (.wurtzite, 186, "P6_3mc"),
    (.fluorite, 225, "Fm-3m"), (.perovskite, 221, "Pm-3m"),
  ]

  @Test(arguments: spaceGroups.map(\.0)) func spaceGroup(_ lattice: LatticeType) throws {
    let (_, number, symbol) = Self.spaceGroups.first { $0.0 == lattice }!
    let unit = try Self.cell(lattice)
    let symmetry = try unit.symmetry()
    #expect((symmetry.number, symmetry.symbol) == (number, symbol))
    // Each operation takes every site onto one of its kind; r ↦ r·M + t.
    for one in symmetry.operations {
      for site in unit.sites {
        let p = site.position
        let image = (0..<3).reduce(one.translation) { sum, k in
          let row = one.matrix[k]
          return sum + p[k] * Vector3(Double(row.x), Double(row.y), Double(row.z))
        }
        let isThere = unit.sites.contains { other in
          var d = other.position - image
          d -= d.rounded(.toNearestOrEven)
          return other.species == site.species && (d * unit.cell).length < 1e-9
        }
        #expect(isThere)
      }
    }
    // The rectangular cell of a hexagonal lattice hides two thirds of its operations.
    let hidden = lattice == .hcp || lattice == .wurtzite ? 3 : 1
    let group = try unit.primitive().cell.pointGroup().count
    #expect(symmetry.operations.count * hidden == symmetry.translations.count * group)
    #expect(symmetry.translations[0] == .zero)
  }

  @Test("α-quartz: of one hand, and without a centre of inversion") func quartz() throws {
    // P3₂21, a = 4.913 Å, c = 5.405 Å (Kihara, Eur. J. Mineral. 2, 63, 1990).
    let (a, c, u) = (4.913, 5.405, 0.4697)
    let (x, y, z) = (0.4133, 0.2672, 0.2144)
    let cell = Matrix3(Vector3(a, 0, 0), Vector3(-a / 2, a * sqrt(3.0) / 2, 0), Vector3(0, 0, c))
    let silicon = [Vector3(u, 0, 2.0 / 3), Vector3(0, u, 1.0 / 3), Vector3(-u, -u, 0)]
    let oxygen = [
      Vector3(x, y, z), Vector3(-y, x - y, z + 2.0 / 3), Vector3(y - x, -x, z + 1.0 / 3), Vector3(y, x, -z),
      Vector3(x - y, -y, 1.0 / 3 - z), Vector3(-x, y - x, 2.0 / 3 - z),
    ]
    let sites = silicon.map { UnitCell.Site($0, "Si") } + oxygen.map { UnitCell.Site($0, "O") }
    let symmetry = try UnitCell(cell: cell, sites: sites).symmetry()
    #expect(symmetry.operations.count == 6 && !symmetry.operations.contains(where: \.isInversion))
    #expect(symmetry.number == 154 && symmetry.symbol == "P3_221")
    #expect(try PlaneCell(UnitCell(cell: cell, sites: sites), SIMD3(0, 0, 1)).inversion == nil)
  }

  @Test("atoms off their places by less than the tolerance change nothing, by more they do") func displaced() throws {
    func operations(_ move: Double) throws -> (Int, Int) {
      let unit = try Self.cell(.cscl)
      var sites = unit.sites
      sites[1].position += Vector3(0, 0, move / 4.1)
      let symmetry = try UnitCell(cell: unit.cell, sites: sites).symmetry()
      return (symmetry.number, symmetry.operations.count)
    }
    #expect(try operations(1e-5) == (221, 48))
    // Along one axis: P4mm.
    #expect(try operations(1e-2) == (99, 8))
  }

  @Test("cells of several lattice points have one primitive cell") func supercell() throws {
    let unit = try Self.cell(.fcc)
    // Eight cubes: 32 atoms, of which one is left; a cell of two, which hides operations of the lattice.
    let cell = 2 * unit.cell
    var sites: [UnitCell.Site] = []
    for n in 0..<8 {
      let corner = Vector3(Double(n & 1), Double((n >> 1) & 1), Double(n >> 2))
      for site in unit.sites { sites.append(UnitCell.Site(0.5 * (site.position + corner), site.species)) }
    }
    let large = try UnitCell(cell: cell, sites: sites)
    let found = try large.primitive()
    #expect(try large.symmetry().translations.count == 32)
    #expect(found.cell.sites.count == 1 && abs(found.cell.volume - unit.volume / 4) < 1e-9)
    var stacked: [UnitCell.Site] = []
    for n in 0..<2 {
      for site in unit.sites {
        let p = site.position
        stacked.append(UnitCell.Site(Vector3(p.x, p.y, 0.5 * (p.z + Double(n))), "A"))
      }
    }
    let two = try UnitCell(cell: Matrix3(unit.cell.x, unit.cell.y, 2 * unit.cell.z), sites: stacked)
    #expect(try two.symmetry().operations.count == 8 * 16, "of the tetragonal cell")
    #expect(try two.primitive().cell.pointGroup().count == 48)
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
