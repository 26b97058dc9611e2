import Foundation
import MDCore
import MDNumerics
import MDStructures
import MDTestSupport
import Testing

/// Coincidence of any lattice: another program's tables, and whole numbers counted one by one.
@Suite("Crystallography") struct CrystallographyTests {
  private static func table(_ file: String) throws -> [String: Any] {
    let url = try ReferenceCases.folder("workflow/crystallography").appendingPathComponent(file)
    return try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
  }

  @Test("Σ, angles, rotations, planes in both grains and periods of cubic lattices", .reference(["workflow/crystallography"]))
  func cubic() throws {
    let axes = try #require(try Self.table("csl-cubic.json")["axes"] as? [String: [[String: Any]]])
    let operations = try UnitCell(cell: .identity, sites: [.init(.zero, "A")]).pointGroup()
    var planes = 0
    for (name, rows) in axes {
      let digits = name.map { Int(String($0))! }
      let all = LatticeRotation.about(
        IntegerVector(digits[0], digits[1], digits[2]), LatticeMetric(gram: .identity), sigma: 49)
      for row in rows {
        let (sigma, angle) = (row["sigma"] as! Int, row["theta_deg"] as! Double)
        let found = try #require(all.first { $0.sigma == sigma && abs($0.angle - angle) < 1e-9 }, "Σ\(sigma) \(angle)")
        let expected = row["rotation_times_sigma"] as! [[Int]]
        for i in 0..<3 {
          // Theirs turns columns.
          for j in 0..<3 { #expect(found.numerators[j][i] * sigma == expected[i][j] * found.denominator) }
        }
        let symmetric = found.symmetricTiltPlanes(operations)
        let listed = row["symmetric_tilt_planes"] as! [[String: Any]]
        #expect(symmetric.count == listed.count)
        for item in listed {
          let (h, second) = (vector(item["plane"]), vector(item["plane_in_second_grain"]))
          #expect(symmetric.contains(h) || symmetric.contains(IntegerVector.zero &- h))
          #expect(found.plane(ofSecond: h) == second)
          try periods(item["rectangle_period"] as! [String: [String: Double]], sigma: sigma, angle: angle, h, name)
          planes += 1
        }
      }
    }
    #expect(planes > 200)
  }

  /// Of the vectors that both lattices have in the plane, the shortest along the axis and across it.
  private func periods(
    _ expected: [String: [String: Double]], sigma: Int, angle: Double, _ h: IntegerVector, _ axis: String
  ) throws {
    // A few are enough, and every one of the small Σ.
    guard sigma <= 13 else { return }
    let digits = axis.map { Int(String($0))! }
    let tilt = IntegerVector(digits[0], digits[1], digits[2])
    for (lattice, lengths) in expected {
      let unit = try #require(LatticeType(rawValue: lattice)).unitCell(a: 1, species: ["A"])
      var options = Interface.Options()
      options.isRectangular = true
      let interface = try Interface(
        unit, unit, .coincidence(axis: tilt, sigma: sigma, plane: h, angle: angle), options)
      let edges = [interface.cell.a, interface.cell.b].map { ($0 * $0).sum().squareRoot() }.sorted()
      let own = [lengths["along_axis_a"]!, lengths["across_axis_a"]!].sorted()
      // Of two rectangles of one area the squarer one is taken: the product is the same.
      #expect(abs(edges[0] * edges[1] - own[0] * own[1]) < 1e-9, "\(lattice) Σ\(sigma) \(h)")
    }
  }

  private func vector(_ value: Any?) -> IntegerVector {
    let n = value as! [Int]
    return IntegerVector(n[0], n[1], n[2])
  }

  @Test("Σ and angles of hexagonal, tetragonal, orthorhombic and rhombohedral lattices", .reference(["workflow/crystallography"]))
  func others() throws {
    let tables = try #require(try Self.table("csl-noncubic.json")["tables"] as? [String: [String: Any]])
    var compared = 0
    for (name, table) in tables {
      var axis = table["axis"] as! [Int]
      if axis.count == 4 { axis = [axis[0] - axis[2], axis[1] - axis[2], axis[3]] }
      let ratio = (table["c2_a2"] ?? table["ratio"]) as! [Int]
      let gram: IntegerMatrix
      switch name.prefix(3) {
      case "hex": gram = IntegerMatrix([2 * ratio[1], -ratio[1], 0], [-ratio[1], 2 * ratio[1], 0], [0, 0, 2 * ratio[0]])
      case "tet": gram = IntegerMatrix([ratio[1], 0, 0], [0, ratio[1], 0], [0, 0, ratio[0]])
      case "ort": gram = IntegerMatrix([1, 0, 0], [0, 2, 0], [0, 0, 3])
      // About the threefold axis the angle of the cell does not matter: 60° here.
      default: gram = IntegerMatrix([2, 1, 1], [1, 2, 1], [1, 1, 2])
      }
      let all = LatticeRotation.about(IntegerVector(axis[0], axis[1], axis[2]), LatticeMetric(gram: gram), sigma: 25)
      for (sigma, angles) in table["sigma"] as! [String: [Double]] {
        for angle in angles {
          #expect(all.contains { $0.sigma == Int(sigma)! && abs($0.angle - angle) < 1e-6 }, "\(name) Σ\(sigma) \(angle)°")
          compared += 1
        }
      }
    }
    #expect(compared > 100)
  }

  /// What a rotation R of a lattice with the metric G is, whatever its cell: R G Rᵀ = G, tr R = 1 + 2 cos θ, the axis stays,
  /// a turn to the right about it; a plane of crystal 2 holds the directions that lie in that of crystal 1.
  @Test(arguments: [
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 0, 1]), ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [1, 1, 0]),
    ([[6, -3, 0], [-3, 6, 0], [0, 0, 16]], [0, 0, 1]), ([[6, -3, 0], [-3, 6, 0], [0, 0, 16]], [1, 0, 0]),
    ([[2, 0, 0], [0, 2, 0], [0, 0, 3]], [1, 0, 0]), ([[4, 1, 1], [1, 4, 1], [1, 1, 4]], [1, -1, 0]),
  ])
  func rotations(_ metric: [[Int]], _ axis: [Int]) throws {
    func vector(_ n: [Int]) -> IntegerVector { IntegerVector(n[0], n[1], n[2]) }
    let gram = IntegerMatrix(vector(metric[0]), vector(metric[1]), vector(metric[2]))
    let all = LatticeRotation.about(vector(axis), LatticeMetric(gram: gram), sigma: 30)
    #expect(all.count > 3)
    if metric[0][0] == 6, axis == [0, 0, 1] {
      for (sigma, angle) in [(7, 21.7868), (13, 27.7958), (19, 13.1736)] {
        #expect(all.contains { $0.sigma == sigma && abs($0.angle - angle) < 1e-4 })
      }
    }
    for r in all {
      let matrix = (1 / Double(r.denominator)) * r.numerators.real
      #expect((matrix * gram.real * matrix.transpose - gram.real).norm < 1e-9)
      #expect(abs(matrix.trace - 1 - 2 * cos(r.angle * .pi / 180)) < 1e-9, "Σ\(r.sigma) \(r.angle)")
      let v = vector(axis).real
      #expect((v * matrix - v).length < 1e-9)
      for u in [Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)] where cross(u, v).length > 1e-9 && r.angle < 179.9 {
        #expect(dot(v, cross(u, u * matrix)) > 0, "Σ\(r.sigma) \(r.angle)")
      }
      for h in [IntegerVector(1, 2, 0), IntegerVector(0, 1, 3), IntegerVector(2, -1, 1)] {
        let second = r.plane(ofSecond: h)
        for u in [IntegerVector(second.y, -second.x, 0), IntegerVector(0, second.z, -second.y)] {
          #expect(abs(dot(u.real * matrix, h.real)) < 1e-9)
        }
      }
    }
  }

  @Test("Smith's normal form", arguments: 0..<40)
  func smith(_ seed: Int) throws {
    var random = CounterRandom(seed: 7, stream: .structures, id: Int64(seed))
    func number() -> Int { Int(random.bits() % 19) - 9 }
    let m = IntegerMatrix(
      IntegerVector(number(), number(), number()), IntegerVector(number(), number(), number()),
      IntegerVector(number(), number(), number()))
    guard m.determinant != 0 else { return }
    let (left, d, right) = m.smithForm()
    #expect(abs(left.determinant) == 1 && abs(right.determinant) == 1)
    #expect(left * m * right == IntegerMatrix([d.x, 0, 0], [0, d.y, 0], [0, 0, d.z]))
    #expect(d.x > 0 && d.y % d.x == 0 && d.z % d.y == 0 && d.x * d.y * d.z == abs(m.determinant))
    // Each class modulo the rows once.
    let classes = m.classes
    #expect(classes.count == abs(m.determinant))
    let inverse = m.real.inverse
    for (i, a) in classes.enumerated() {
      for b in classes[..<i] {
        let s = Vector3(Double(a.x - b.x), Double(a.y - b.y), Double(a.z - b.z)) * inverse
        #expect((s - s.rounded(.toNearestOrEven)).length > 1e-6)
      }
    }
  }

  @Test("the coincidence and the DSC lattice, counted", arguments: [1, 2, 5, 6, 9])
  func counted(_ number: Int) throws {
    // Orthorhombic about its c: another lattice in the plane than a square's.
    let metric = LatticeMetric(gram: IntegerMatrix([1, 0, 0], [0, 2, 0], [0, 0, 3]))
    let all = LatticeRotation.about([0, 0, 1], metric, sigma: 19)
    let rotation = all[number % all.count]
    let (r, d) = (rotation.numerators, rotation.denominator)
    // Points of a cube of 2Σ that the rotated lattice has too: x = y·R/d with whole y.
    let inverse = (1 / Double(d) * r.real).inverse
    let edge = rotation.sigma * rotation.sigma
    var (points, common) = (0, 0)
    for x in 0..<edge { for y in 0..<edge { for z in 0..<2 {
      points += 1
      let c = Vector3(Double(x), Double(y), Double(z)) * inverse
      if (c - c.rounded(.toNearestOrEven)).length < 1e-6 { common += 1 }
    } } }
    #expect(points == rotation.sigma * common)
    let lattice = rotation.coincidence
    #expect(lattice.indices.0 == lattice.indices.1)
    for k in 0..<3 {
      // The same vector in both bases.
      let (one, other) = (lattice.first[k], lattice.second[k] * r)
      #expect(d * one.x == other.x && d * one.y == other.y && d * one.z == other.z)
    }
    let (rows, q) = lattice.displacements
    #expect(abs(rows.determinant) == 1 && q.x * q.y * q.z == rotation.sigma)
  }

  @Test("hcp with a measured axial ratio is strained to a lattice in coincidence") func strained() throws {
    let unit = try LatticeType.hcp.unitCell(a: 3.2094, c: 5.2108, species: ["Mg"])
    // Along the rectangle's first edge; about c nothing is strained.
    let about = try CoincidenceTable(unit, axis: [1, 0, 0], sigma: 25, strain: 0.02)
    #expect(!about.rotations.isEmpty)
    #expect(about.rotations.allSatisfy { $0.strain <= 0.02 && $0.strain > 1e-6 })
    let basal = try CoincidenceTable(unit, axis: [0, 0, 1], sigma: 19, strain: 0.02)
    #expect(Set(basal.rotations.map(\.rotation.sigma)) == [7, 13, 19])
    #expect(about.lines.count == about.rotations.count + 1)
  }

  @Test("forms of planes") func forms() throws {
    let fcc = try LatticeType.fcc.unitCell(a: 4, species: ["A"])
    #expect(try fcc.planeForms(upTo: 1) == [[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    #expect(try fcc.planeForms(upTo: 2).count == 6)
    // (111) and (−1−1−1) of zincblende are two faces.
    let zincblende = try LatticeType.zincblende.unitCell(a: 4, species: ["A", "B"])
    #expect(try zincblende.planeForms(upTo: 1).count == 4)
    let tetragonal = try UnitCell(
      cell: Matrix3(diagonal: Vector3(3, 3, 4)), sites: [.init(.zero, "A")])
    #expect(try tetragonal.planeForms(upTo: 1).count == 5)
  }
}
