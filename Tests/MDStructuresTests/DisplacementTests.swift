import MDCore
import MDNumerics
import MDStructures
import MDTestSupport
import Testing

/// Displacements of two grains that make different boundaries.
@Suite("Non-identical displacements")
struct DisplacementTests {
  /// Whole matrices for the edges of a common cell in terms of two crystals' vectors, against all sums of the two lattices,
  /// counted one by one modulo the common cell.
  @Test func generatedLattice() throws {
    var random = SplitMix64(seed: 8)
    for _ in 0..<200 {
      func number() -> Int { Int.random(in: -4...4, using: &random) }
      let lower = (SIMD2(number(), number()), SIMD2(number(), number()))
      let upper = (SIMD2(number(), number()), SIMD2(number(), number()))
      let (m, n) = (Self.determinant(lower), Self.determinant(upper))
      guard m != 0, n != 0 else { continue }
      let edges = (SIMD2(3.0, 0.4), SIMD2(-1.0, 5.0))
      let cell = try NonidenticalDisplacements(edges: edges, lower: lower, upper: upper)
      // The crystals' vectors in parts 1/(mn) of the edges, and all their sums.
      let unit = abs(m * n)
      var steps: [SIMD2<Int>] = []
      for (rows, size) in [(lower, m), (upper, n)] {
        let f = unit / size
        steps += [SIMD2(f * rows.1.y, -f * rows.0.y), SIMD2(-f * rows.1.x, f * rows.0.x)]
      }
      var seen: Set<SIMD2<Int>> = [.zero]
      var front: [SIMD2<Int>] = [.zero]
      while let point = front.popLast() {
        for step in steps {
          let sum = point &+ step
          let next = SIMD2((sum.x % unit + unit) % unit, (sum.y % unit + unit) % unit)
          if seen.insert(next).inserted { front.append(next) }
        }
      }
      #expect(cell.count == seen.count, "\(lower) \(upper)")
      #expect(abs(cell.area * Double(cell.count) - 15.4) < 1e-9)
      // The vectors found are such sums.
      for v in [cell.basis.0, cell.basis.1] {
        let scaled = SIMD2(v.x * unit / cell.denominator, v.y * unit / cell.denominator)
        #expect(seen.contains(SIMD2((scaled.x % unit + unit) % unit, (scaled.y % unit + unit) % unit)))
      }
      let (p, q) = cell.vectors
      #expect(p.x * q.y - p.y * q.x > 0)
      // Neither is shortened by the other.
      #expect(2 * abs((p * q).sum()) <= (p * p).sum() * (1 + 1e-9) && (p * p).sum() <= (q * q).sum() * (1 + 1e-9))
      let t = SIMD2(0.3, 0.85)
      let back = cell.ofCell(cell.ofEdges(t)) - t
      #expect(max(abs(back.x), abs(back.y)) < 1e-9)
    }
  }

  private static func determinant(_ rows: (SIMD2<Int>, SIMD2<Int>)) -> Int { rows.0.x * rows.1.y - rows.0.y * rows.1.x }

  @Test func mistakes() {
    let (one, flat) = ((SIMD2(1, 0), SIMD2(0, 1)), (SIMD2(1, 2), SIMD2(2, 4)))
    #expect(throws: FaultlineError.self) {
      try NonidenticalDisplacements(edges: (SIMD2(1, 0), SIMD2(0, 1)), lower: one, upper: flat)
    }
    #expect(throws: FaultlineError.self) {
      try NonidenticalDisplacements(edges: (SIMD2(1, 0), SIMD2(2, 0)), lower: one, upper: one)
    }
  }

  /// a² over Σ for twists of simple cubic, half of it for fcc and bcc (001): the cell of the coincidence lattice is Σ² times as
  /// large. Of tilts the lattice of the plane, a³/(spacing × lattice points in the cube).
  @Test func boundaries() throws {
    for (type, perCell) in [(LatticeType.sc, 1.0), (.fcc, 2), (.bcc, 1)] {
      let unit = try type.unitCell(a: 4, species: ["A"])
      for sigma in [5, 13, 17] {
        let twist = try GrainBoundary(.twist, unit, axis: [0, 0, 1], sigma: sigma).nonidenticalDisplacements()
        #expect(abs(twist.area - 16 / (perCell * Double(sigma))) < 1e-9, "\(type) Σ\(sigma)")
      }
      for (plane, sigma) in [([3, 1, 0], 5), ([2, 1, 0], 5), ([3, 2, 0], 13)] as [(IntegerVector, Int)] {
        let boundary = GrainBoundary(.tilt, unit, axis: [0, 0, 1], sigma: sigma, plane: plane)
        let tilt = try boundary.nonidenticalDisplacements()
        let built = try boundary.build()
        let perPlane = Double(try boundary.atomsPerPlane())
        // One atom a lattice point: the plane's cell has the area of an atom of it.
        #expect(abs(tilt.area * perPlane - built.area) < 1e-9, "\(type) \(plane)")
      }
    }
  }
}
