import Foundation
import MDCore
import MDNumerics
import MDStructures
import MDTestSupport
import Testing

/// Common cells of two planes, against another program's lists and by their own definition.
@Suite("Matches of planes") struct MatchTests {
  private static let faceCentred = [Vector3.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)]

  /// Only the lattice matters here.
  private static func crystal(_ name: String, _ lattices: [String: [String: Any]]) throws -> UnitCell {
    let lattice = try #require(lattices[name])
    let (a, c) = (lattice["a"] as! Double, lattice["c"] as! Double)
    if name == "Ni3S2" {
      return try UnitCell(
        cell: Matrix3(Vector3(a, 0, 0), Vector3(-a / 2, a * 3.0.squareRoot() / 2, 0), Vector3(0, 0, c)),
        sites: [.init(.zero, "A")])
    }
    let points = name == "Li" ? [.zero, Vector3(0.5, 0.5, 0.5)] : faceCentred
    return try UnitCell(cell: Matrix3(diagonal: Vector3(a, a, a)), sites: points.map { .init($0, "A") })
  }

  @Test("the smallest matches of another program, or smaller ones", .reference(["workflow/matching"])) func reference() throws {
    let url = try ReferenceCases.folder("workflow/matching").appendingPathComponent("zur-mcgill.json")
    let file = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    let lattices = file["lattices"] as! [String: [String: Any]]
    var found = 0
    for pair in file["pairs"] as! [[String: Any]] {
      let film = try Self.crystal(pair["film"] as! String, lattices)
      let substrate = try Self.crystal(pair["substrate"] as! String, lattices)
      for row in pair["rows"] as! [[String: Any]] {
        guard let first = (row["distinct"] as! [[String: Any]]).first else { continue }
        let (p, q) = (vector(row["film_miller"]), vector(row["substrate_miller"]))
        let (area, strain) = (first["match_area_A2"] as! Double, first["von_mises_strain"] as! Double)
        // Theirs is the film's area, and the strain that takes it onto the substrate.
        let cells = (substrate: try PlaneCell(substrate, q), film: try PlaneCell(film, p))
        let matches = try PlaneMatcher(cells.substrate, cells.film).matches(area: area * 1.2, strain: 0.08)
        // Ours are by the lattices' primitive cells and may be a part of theirs.
        let hit = matches.contains { match in
          let own = Double(abs(match.upper.determinant)) * cells.film.area
          let n = (area / own).rounded()
          return abs(n * own - area) < 1e-4 && abs(match.vonMises - strain) < 1e-5
        }
        #expect(hit, "\(pair["film"]!) \(p) on \(pair["substrate"]!) \(q): \(area) Å², \(strain)")
        found += 1
      }
    }
    #expect(found == 18)
  }

  /// Of lattices of any shape the least strain is that of all pairs of bases, and the upper cell may be the larger one.
  @Test(arguments: 0..<12) func bases(_ seed: Int) throws {
    var random = CounterRandom(seed: 11, stream: .structures, id: Int64(seed))
    func crystal() throws -> UnitCell {
      func side(_ least: Double) -> Double { least + 0.6 * random.uniform() }
      return try UnitCell(
        cell: Matrix3(Vector3(side(3), 0, 0), Vector3(-1.3 + 2.6 * random.uniform(), side(3), 0), Vector3(0, 0, 9)),
        sites: [.init(.zero, "A")])
    }
    let (one, other) = (try PlaneCell(crystal(), [0, 0, 1]), try PlaneCell(crystal(), [0, 0, 1]))
    var least = Double.infinity
    let range = -3...3
    for a in range { for b in range { for c in range { for d in range where a * d - b * c == 1 {
      least = min(least, PlaneMatch(.identity, IntegerMatrix2(SIMD2(a, b), SIMD2(c, d)), planes: (one.lattice, other.lattice)).strain)
    } } } }
    let found = try PlaneMatcher(one, other).matches(area: 1.001 * one.area, strain: 0.45).first {
      abs($0.lower.determinant) == 1 && abs($0.upper.determinant) == 1
    }
    #expect(abs(try #require(found).strain - least) < 1e-9, "\(least)")
    let square = try PlaneCell(UnitCell(cell: Matrix3(diagonal: Vector3(4, 4, 4)), sites: [.init(.zero, "A")]), [0, 0, 1])
    let larger = try PlaneCell(UnitCell(cell: Matrix3(diagonal: Vector3(4.1, 4.1, 4)), sites: [.init(.zero, "A")]), [0, 0, 1])
    #expect(try PlaneMatcher(square, larger).matches(area: 16.5, strain: 0.03).count == 1)
  }

  private func vector(_ value: Any?) -> IntegerVector {
    let n = value as! [Int]
    return IntegerVector(n[0], n[1], n[2])
  }

  /// 5.658/5.431 is 4.2 %: no tolerance of 3 % sees cube on cube, which is the smallest cell there is.
  @Test("Ge on Si, cube on cube, and what misses say") func germanium() throws {
    let silicon = try LatticeType.diamond.unitCell(a: 5.431, species: ["Si"])
    let germanium = try LatticeType.diamond.unitCell(a: 5.658, species: ["Ge"])
    let cells = (try PlaneCell(silicon, [1, 0, 0]), try PlaneCell(germanium, [1, 0, 0]))
    let matcher = try PlaneMatcher(cells.0, cells.1)
    let matches = matcher.matches(area: 100, strain: 0.045)
    let first = try #require(matches.first)
    #expect(abs(first.area - 5.431 * 5.431 / 2) < 1e-9)
    #expect(abs(first.strains.0 - (5.431 / 5.658 - 1)) < 1e-9 && abs(first.strains.1 - first.strains.0) < 1e-9)
    #expect(matcher.matches(area: 120, strain: 0.02).isEmpty)
    let misses = matcher.misses(area: 120, strain: 0.02)
    #expect(abs((misses.strained.first?.strain ?? 0) - (1 - 5.431 / 5.658)) < 0.02)
    #expect(misses.larger.allSatisfy { $0.area > 120 && $0.strain <= 0.02 })
  }

  @Test("each match is one: its vectors meet after rotation and strain", arguments: [(0.05, 60.0), (0.02, 200.0)])
  func meets(_ strain: Double, _ area: Double) throws {
    let copper = try LatticeType.fcc.unitCell(a: 3.615, species: ["Cu"])
    let lithium = try LatticeType.bcc.unitCell(a: 3.51, species: ["Li"])
    let cells = (try PlaneCell(copper, [1, 1, 1]), try PlaneCell(lithium, [1, 1, 0]))
    let matcher = try PlaneMatcher(cells.0, cells.1)
    let matches = matcher.matches(area: area, strain: strain)
    #expect(matches.count > 1)
    for match in matches {
      let turned = match.upper.real * cells.1.lattice * Matrix2(rotation: match.rotation)
      let met = turned * match.stretch
      let target = match.lower.real * cells.0.lattice
      for (p, q) in [(met.a, target.a), (met.b, target.b)] { #expect(((p - q) * (p - q)).sum() < 1e-16) }
      #expect(abs(match.stretch.a.y - match.stretch.b.x) < 1e-12)
      #expect(match.strain <= strain + 1e-9 && match.area <= area * 1.000001)
    }
    #expect(zip(matches, matches.dropFirst()).allSatisfy { $0.area <= $1.area * 1.000001 })
    // Shared: both come to the same cell.
    let match = matches[0]
    for share in StrainShare.allCases {
      let (l, u) = share.stretches(match.stretch)
      let one = match.lower.real * cells.0.lattice * l
      let other = match.upper.real * cells.1.lattice * Matrix2(rotation: match.rotation) * u
      // The same shape: they may be turned against each other by the stretch only where it is one sided.
      #expect(abs(abs(one.determinant) - abs(other.determinant)) < 1e-9)
      for (p, q) in [(one.a, other.a), (one.b, other.b)] { #expect(((p - q) * (p - q)).sum() < 1e-16, "\(share)") }
    }
  }

  /// By brute force over all pairs of bases with small numbers.
  @Test("nothing smaller is overlooked") func exhaustive() throws {
    let (a, b) = (Matrix2(SIMD2(2.5, 0), SIMD2(0.7, 3.1)), Matrix2(SIMD2(2.9, 0), SIMD2(-1.3, 2.4)))
    let matches = PlaneMatcher(a, b).matches(area: 32, strain: 0.12)
    var best = Double.infinity
    let range = -4...4
    var bases: [IntegerMatrix2] = []
    for i in range { for j in range { for k in range { for l in range {
      let m = IntegerMatrix2(SIMD2(i, j), SIMD2(k, l))
      if (1...4).contains(m.determinant) { bases.append(m) }
    } } } }
    let lowers = bases.filter { m in
      let reduced = m.reduced(in: a)
      return reduced == m
    }
    for m in lowers {
      for n in bases {
        let match = PlaneMatch(m, n, planes: (a, b))
        if match.strain <= 0.12, match.area <= 32 { best = min(best, match.area) }
      }
    }
    #expect((matches.first?.area ?? .infinity) <= best + 1e-9)
    #expect(best < .infinity)
  }

  @Test("the energy of strain is that of the crystal's constants") func energy() throws {
    // (001) of a cubic crystal under equal strains e, the normal free: (C11 + C12 − 2 C12²/C11) e².
    let (c11, c12, c44) = (165.7, 63.9, 79.6)
    let silicon = try LatticeType.diamond.unitCell(a: 5.431, species: ["Si"])
    let germanium = try LatticeType.diamond.unitCell(a: 5.658, species: ["Ge"])
    let cells = (try PlaneCell(silicon, [0, 0, 1]), try PlaneCell(germanium, [0, 0, 1]))
    let matches = try PlaneMatcher(cells.0, cells.1).matches(area: 60, strain: 0.045)
    let tensor = ElasticTensor(cubic: c11, c12, c44)
    let e = 5.431 / 5.658 - 1
    let upper = try #require(MatchTable(matches, cells.0, cells.1, elastic: (tensor, tensor)).rows[0].energy)
    #expect(abs(upper - 1000 * (c11 + c12 - 2 * c12 * c12 / c11) * e * e) < 1e-6 * upper)
    // The first is the best in both; later ones are marked only where they are better in energy.
    let table = MatchTable(matches, cells.0, cells.1, elastic: (tensor, tensor))
    #expect(table.rows[0].isBest)
    for (k, row) in table.rows.enumerated() where row.isBest {
      #expect(table.rows[..<k].allSatisfy { $0.energy! > row.energy! })
    }
    // On (111) the plane is isotropic: turned tensors keep the energy of a rotated strain.
    let plane = tensor.rotated(try PlaneCell(silicon, [1, 1, 1]).rotation).inPlane
    let stretch = Matrix2(SIMD2(1.01, 0), SIMD2(0, 1))
    let turned = Matrix2(rotation: 0.4) * stretch * Matrix2(rotation: -0.4)
    #expect(abs(plane.energy(stretch) - plane.energy(turned)) < 1e-12)
  }
}
