import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDTestSupport
import Testing

/// Where charges do not fill the cell: the force error, of pairs and mesh together, is what was asked for, or less.
@Suite struct InhomogeneousTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var structure: Structure
  }

  /// Rock salt with ions moved at random, of `size` ions 2.82 Å apart, of which `keep` (of fractions of the cell) are
  /// left. Ions that are too many of one kind go too, those at the low end of x first.
  private static func salt(
    _ size: SIMD3<Int>, vacuum: Double = 1, keep: (Vector3) -> Bool, charges: (Bool, inout SplitMix64) -> Double
  ) -> Structure {
    var random = SplitMix64(seed: 3)
    let a = 2.82
    let edges = Vector3(a * Double(size.x), a * Double(size.y), a * Double(size.z))
    var ions: [(place: Vector3, isPositive: Bool)] = []
    for x in 0..<size.x {
      for y in 0..<size.y {
        for z in 0..<size.z {
          let site = Vector3(Double(x) + 0.5, Double(y) + 0.5, Double(z) + 0.5)
          guard keep(a * site / edges) else { continue }
          ions.append((a * site + 0.3 * random.vector(), (x + y + z).isMultiple(of: 2)))
        }
      }
    }
    let positive = ions.filter(\.isPositive).count
    var surplus = abs(2 * positive - ions.count)
    let kind = 2 * positive > ions.count
    ions.removeAll { ion in
      guard surplus > 0, ion.isPositive == kind else { return false }
      surplus -= 1
      return true
    }
    var q = ions.map { charges($0.isPositive, &random) }
    let excess = q.reduce(0, +) / Double(q.count)
    q = q.map { $0 - excess }
    var s = Structure(
      box: Box(cell: Matrix3(diagonal: Vector3(edges.x, edges.y, vacuum * edges.z))), species: ["Na", "Cl"],
      types: ions.map { $0.isPositive ? 0 : 1 }, positions: ions.map(\.place))
    s.charges = q
    return s
  }

  /// A wedge that opens at the low end of x and ends at two thirds of the cell, half as high as the cell at its mouth.
  private static func isOutsideWedge(_ s: Vector3) -> Bool { abs(s.z - 0.5) > 0.25 * max(0, 1 - 1.5 * s.x) }

  private static func ions(_ isPositive: Bool, _ random: inout SplitMix64) -> Double { isPositive ? 1 : -1 }
  private static func anyCharge(_ isPositive: Bool, _ random: inout SplitMix64) -> Double {
    Double.random(in: -1...1, using: &random)
  }

  static let cases = [
    Case(
      testDescription: "crack in rock salt", structure: salt([14, 4, 14], keep: isOutsideWedge, charges: ions)),
    Case(
      testDescription: "crack, random charges", structure: salt([14, 4, 14], keep: isOutsideWedge, charges: anyCharge)),
    Case(
      testDescription: "crack that opens into vacuum, random charges",
      structure: salt([14, 4, 10], vacuum: 2.5, keep: isOutsideWedge, charges: anyCharge)),
    Case(
      testDescription: "a rod, random charges",
      structure: salt([14, 6, 14], keep: { max(abs($0.x - 0.5), abs($0.z - 0.5)) < 0.2 }, charges: anyCharge)),
  ]

  private func forces(_ s: Structure, _ solver: any LongRangeSolver, cutoff: Double) throws -> [Vector3] {
    let potential = try CoulombPotential(
      solver: solver, cutoff: cutoff, species: s.species, communicator: LoopbackCommunicator())
    return try Samples.evaluate(s, potential).forces
  }

  @Test(arguments: cases) func keepsAccuracy(_ test: Case) throws {
    let s = test.structure
    let cutoff = 8.0
    let exact = try forces(
      s, EwaldSolver(LongRangeOptions(accuracy: 1e-13, cutoff: cutoff), communicator: LoopbackCommunicator()),
      cutoff: cutoff)
    for accuracy in [1e-3, 1e-4, 1e-5, 1e-6, 1e-7] {
      let options = LongRangeOptions(accuracy: accuracy, cutoff: cutoff)
      let mesh = try forces(s, PPPMSolver(options, communicator: LoopbackCommunicator()), cutoff: cutoff)
      let error = Samples.forceError(mesh, exact) / Units.coulomb
      // Ions in order have less error than the estimates reckon with, and meshes come in steps: down to a fifth.
      #expect(error <= accuracy && error > 0.2 * accuracy, "asked for \(accuracy), found \(error)")
    }
  }
}
