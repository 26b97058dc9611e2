import Foundation
import MDCore
import MDNumerics
import MDStructures
import Testing

/// A ball of a crystal in another, by its definition.
@Suite("Spherical grains") struct SphericalGrainTests {
  static func turned(_ degrees: Double) -> Matrix3 { Matrix3(rotationAbout: Vector3(1, 2, 3), by: degrees * .pi / 180) }

  static func sorted(_ positions: [Vector3]) -> [Vector3] {
    positions.map { Vector3(($0.x * 1e6).rounded(), ($0.y * 1e6).rounded(), ($0.z * 1e6).rounded()) }
      .sorted { ($0.x, $0.y, $0.z) < ($1.x, $1.y, $1.z) }
  }

  /// The radius, twice the constant, has lattice points on the ball's surface.
  @Test("turned by nothing it is the perfect crystal") func perfect() throws {
    let unit = try LatticeType.fcc.unitCell(a: 4, species: ["Cu"])
    let made = try SphericalGrain(unit, unit, size: SIMD3(6, 6, 6), rotation: .identity, radius: 8).build()
    let crystal = try CrystalBlock(unit, size: SIMD3(6, 6, 6)).build()
    #expect(made.count == crystal.count && Self.sorted(made.positions) == Self.sorted(crystal.positions))
    let ball = zip(made.positions, made.grains!).filter { $0.1 == 1 }.map(\.0)
    #expect(ball.count == crystal.positions.count { ($0 - Vector3(12, 12, 12)).length < 8 - 1e-6 })
  }

  /// All lattice points one by one; an atom of the matrix goes if one of the ball's is too close to any of its images.
  @Test("the atoms are those of the definition", arguments: [Vector3(0.5, 0.5, 0.5), Vector3(0.1, 0.93, 0.4)])
  func definition(_ center: Vector3) throws {
    let matrix = try LatticeType.bcc.unitCell(a: 3.2, species: ["Mo"])
    let inner = try LatticeType.rocksalt.unitCell(a: 4.2, species: ["Mg", "O"])
    let size = SIMD3(9, 8, 10)
    let (radius, overlap) = (8.3, 1.7)
    let rotation = Self.turned(25)
    let made = try SphericalGrain(matrix, inner, size: size, rotation: rotation, center: center, radius: radius, overlap: overlap).build()
    let box = made.box
    #expect(abs(box.volume - 720 * 3.2 * 3.2 * 3.2) < 1e-6)
    let c = center * box.cell
    func away(_ r: Vector3, _ s: Vector3) -> Vector3 {
      var f = box.fractional(r - s)
      f -= f.rounded(.toNearestOrEven)
      return f * box.cell
    }
    var ball: [Vector3] = []
    var types: [String: Int] = [:]
    for i in -12...20 { for j in -12...20 { for k in -12...20 {
      for site in inner.sites {
        // The crystal through the origin, turned about the centre.
        let p = (Vector3(Double(i), Double(j), Double(k)) + site.position) * inner.cell
        let d = (p - c) * rotation
        guard d.length < radius else { continue }
        ball.append(c + d)
        types[site.species, default: 0] += 1
      }
    } } }
    var outside = 0
    for i in 0..<size.x { for j in 0..<size.y { for k in 0..<size.z {
      for site in matrix.sites {
        let r = (Vector3(Double(i), Double(j), Double(k)) + site.position) * matrix.cell
        guard away(r, c).length >= radius, !ball.contains(where: { away(r, $0).length < overlap }) else { continue }
        outside += 1
      }
    } } }
    let grains = made.grains!
    #expect(grains.count { $0 == 1 } == ball.count && grains.count { $0 == 0 } == outside)
    for name in ["Mg", "O"] { #expect(zip(made.types, grains).count { made.species[Int($0.0)] == name && $0.1 == 1 } == types[name]) }
    let own = zip(made.positions, grains).filter { $0.1 == 1 }.map(\.0)
    #expect(Self.sorted(own) == Self.sorted(ball))
    #expect(shortestDistance(made, within: overlap - 1e-9) == nil)
  }

  @Test("both crystals keep whole formula units, and lose few atoms for it", arguments: [LatticeType.fluorite, .rocksalt, .perovskite])
  func units(_ lattice: LatticeType) throws {
    let unit = try lattice.unitCell(a: 5.1, species: Array(["A", "B", "X"].prefix(lattice.speciesRoles.count)))
    func build(_ keeps: Bool) throws -> Structure {
      try SphericalGrain(unit, unit, size: SIMD3(6, 6, 6), rotation: Self.turned(31), radius: 9.7, keepsFormulaUnits: keeps).build()
    }
    let (whole, any) = (try build(true), try build(false))
    #expect(whole.count < any.count && Double(whole.count) > 0.9 * Double(any.count))
    let perCell = unit.species.map { name in unit.sites.count { $0.species == name } }
    for grain in [Int32(0), 1] {
      let counts = unit.species.indices.map { k in zip(whole.types, whole.grains!).count { Int($0.0) == k && $0.1 == grain } }
      for k in counts.indices { #expect(counts[k] * perCell[0] == counts[0] * perCell[k], "\(counts) of grain \(grain)") }
    }
    // What went for it was at the surface of the ball.
    let middle = Vector3(0.5, 0.5, 0.5) * whole.box.cell
    let left = Set(Self.sorted(whole.positions).map { "\($0)" })
    for r in any.positions where !left.contains("\(Self.sorted([r])[0])") { #expect(abs((r - middle).length - 9.7) < 4) }
  }

  @Test("parts in the order of ranks are the whole", arguments: [false, true]) func parts(_ keeps: Bool) throws {
    let unit = try LatticeType.fluorite.unitCell(a: 5.4, species: ["Ce", "O"])
    let grain = try SphericalGrain(
      unit, unit, size: SIMD3(5, 6, 5), rotation: Self.turned(40), radius: 8, keepsFormulaUnits: keeps)
    let whole = grain.build()
    for ranks in [2, 3, 4, 8] {
      let parts = (0..<ranks).map { grain.build(part: StructurePart(rank: $0, ranks: ranks)) }
      #expect(parts.flatMap(\.positions) == whole.positions && parts.flatMap(\.types) == whole.types)
      #expect(parts.flatMap { $0.grains! } == whole.grains!)
      #expect(parts.allSatisfy { $0.count < 2 * whole.count / ranks + 200 })
    }
  }

  @Test("balls that do not fit, and overlaps of the perfect crystal") func refused() throws {
    let unit = try LatticeType.fcc.unitCell(a: 4, species: ["Cu"])
    func words(_ radius: Double, overlap: Double? = nil) -> String {
      let error = #expect(throws: FaultlineError.self) {
        try SphericalGrain(unit, unit, size: SIMD3(5, 5, 5), rotation: .identity, radius: radius, overlap: overlap)
      }
      return error.map { "\($0)" } ?? ""
    }
    #expect(words(9).contains("at most 7.172"))
    #expect(words(0).contains("does not fit"))
    #expect(words(5, overlap: 2.9).contains("perfect crystal"))
  }
}
