import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDPotentials
import MDTestSupport
import Testing

@Suite struct EwaldTests {
  struct Crystal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let cell: Matrix3
    let sites: [(charge: Double, place: Vector3)]
    /// Distance of nearest neighbours in the cell's unit, and formula units in the cell.
    let neighbor: Double
    let formulas: Int
    /// −E r₀/C for each formula unit.
    let madelung: Double
  }

  private static let fcc = [Vector3.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)]
  private static func onFcc(_ q: Double, _ shift: Vector3) -> [(charge: Double, place: Vector3)] {
    fcc.map { (q, $0 + shift) }
  }
  private static let quarter = Vector3(repeating: 0.25)
  private static let cube = Matrix3(diagonal: Vector3(1, 1, 1))

  /// Constants of NaCl, CsCl and zincblende: R. E. Crandall, J. P. Buhler, J. Phys. A 20, 5497 (1987); fluorite is
  /// the sum of the fields of two zincblende and one CsCl lattice: 2·1.638… + 1.762….
  static let crystals = [
    Crystal(
      testDescription: "NaCl", cell: cube, sites: onFcc(1, .zero) + onFcc(-1, Vector3(0.5, 0, 0)), neighbor: 0.5,
      formulas: 4, madelung: 1.747_564_594_633_182),
    Crystal(
      testDescription: "CsCl", cell: cube, sites: [(1, .zero), (-1, Vector3(0.5, 0.5, 0.5))],
      neighbor: 0.75.squareRoot(), formulas: 1, madelung: 1.762_674_773_070_991),
    Crystal(
      testDescription: "zincblende", cell: cube, sites: onFcc(1, .zero) + onFcc(-1, quarter),
      neighbor: 0.1875.squareRoot(), formulas: 4, madelung: 1.638_055_053_388_789),
    Crystal(
      testDescription: "fluorite", cell: cube,
      sites: onFcc(2, .zero) + onFcc(-1, quarter) + onFcc(-1, Vector3(0.75, 0.25, 0.25)),
      neighbor: 0.1875.squareRoot(), formulas: 4, madelung: 2 * 1.638_055_053_388_789 + 1.762_674_773_070_991),
    Crystal(
      testDescription: "ideal wurtzite",
      cell: Matrix3(
        Vector3(1, 0, 0), Vector3(-0.5, 0.75.squareRoot(), 0), Vector3(0, 0, (8.0 / 3).squareRoot())),
      sites: [
        (1, Vector3(1.0 / 3, 2.0 / 3, 0)), (1, Vector3(2.0 / 3, 1.0 / 3, 0.5)),
        (-1, Vector3(1.0 / 3, 2.0 / 3, 0.375)), (-1, Vector3(2.0 / 3, 1.0 / 3, 0.875)),
      ], neighbor: 0.375.squareRoot(), formulas: 2, madelung: 1.641_321_627_37),
  ]

  @Test(arguments: crystals) func madelung(_ crystal: Crystal) throws {
    let scale = 2.8 / crystal.neighbor
    let s = Samples.crystal(scale * crystal.cell, crystal.sites, copies: 1)
    let result = try Samples.evaluate(s, Samples.potential(cutoff: 8))
    let found = -result.energy * 2.8 / Units.coulomb / Double(crystal.formulas)
    #expect(abs(found / crystal.madelung - 1) < 1e-10, "\(found)")
    // A scale-free energy: the trace of the virial is the energy. Errors of a cut sum do not cancel in this.
    #expect(abs(result.virial.trace / result.energy - 1) < 1e-10)
  }

  /// Neither α nor the cutoff changes anything; points and Gaussians, neutral and charged, sheared cells.
  @Test(arguments: [0.0, 3.0], [nil, [0.35, 0.5], [0, 0.4]] as [[Double]?])
  func splitting(net: Double, widths: [Double]?) throws {
    let s = Samples.charged(TestStructures.crystal(["Na", "Cl"], spacing: 2.9), net: net)
    let base = try Samples.evaluate(s, Samples.potential(widths: widths, net: net))
    for (cutoff, alpha) in [(6.0, 1.0), (8.0, 0.72), (10.0, 0.9)] {
      let other = try Samples.evaluate(
        s, Samples.potential(cutoff: cutoff, splitting: alpha, widths: widths, net: net))
      #expect(abs(other.energy - base.energy) < 1e-9)
      #expect(Samples.forceError(other.forces, base.forces) < 1e-10)
      #expect(zip(other.virial.elements, base.virial.elements).allSatisfy { abs($0 - $1) < 1e-8 })
      #expect(zip(other.atomEnergies, base.atomEnergies).allSatisfy { abs($0 - $1) < 1e-10 })
    }
  }

  struct Kind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var net = 0.0
    var widths: [Double]?
    static let all = [
      Kind(testDescription: "neutral points"), Kind(testDescription: "charged points", net: 2.5),
      Kind(testDescription: "neutral Gaussians", widths: [0.4, 0.55]),
      Kind(testDescription: "charged Gaussians", net: -1.5, widths: [0.5, 0.3]),
    ]
  }

  /// Forces, virial, per-atom results, symmetries: a crystal, a small cell, a slab, a cluster.
  @Test(arguments: Kind.all) func properties(_ kind: Kind) throws {
    for s in TestStructures.all(["Na", "Cl"], spacing: 2.9) {
      // Replication doubles the charge, which the potential then must not refuse.
      if kind.net != 0, !s.box.periodic.isFull { continue }
      let charged = Samples.charged(s, net: kind.net)
      guard kind.net == 0 else {
        try derivatives(charged, kind)
        continue
      }
      try checkPotential(
        structures: [charged], continuity: .none, tolerance: PotentialTolerance(derivative: 1e-7, step: 3e-4)
      ) { [try Samples.potential(widths: kind.widths)] }
    }
  }

  /// f = −∂E/∂r and W = −∂E/∂ε of a charged system.
  private func derivatives(_ s: Structure, _ kind: Kind) throws {
    let potential = try Samples.potential(slabFactor: 4, widths: kind.widths, net: kind.net)
    let base = try Samples.evaluate(s, potential)
    let h = 1e-3
    func slope(_ energy: (Double) throws -> Double) rethrows -> Double {
      try (8 * (energy(h) - energy(-h)) - energy(2 * h) + energy(-2 * h)) / (12 * h)
    }
    for i in [0, s.count / 2] {
      for k in 0..<3 {
        let found = try slope {
          var moved = s
          moved.positions[i][k] += $0
          return try Samples.evaluate(moved, potential).energy
        }
        #expect(abs(base.forces[i][k] + found) < 1e-7)
      }
    }
    for a in 0..<3 {
      for b in 0..<3 {
        let found = try slope {
          var m = Matrix3.identity
          m[a][b] += $0
          var strained = s
          strained.positions = s.positions.map { $0 * m }
          strained.box.setCell(s.box.cell * m)
          return try Samples.evaluate(strained, potential).energy
        }
        #expect(abs(base.virial[a][b] + found) < 1e-6, "\(a)\(b)")
      }
    }
    #expect(abs(base.atomEnergies.reduce(0, +) - base.energy) < 1e-9)
  }

  @Test func chargedSlab() throws {
    let slab = TestStructures.all(["Na", "Cl"], spacing: 2.9)[2]
    for widths in [nil, [0.5, 0.3]] as [[Double]?] {
      try derivatives(Samples.charged(slab, net: 2), Kind(testDescription: "", net: 2, widths: widths))
    }
  }

  /// The correction for a slab's layers leaves a sum that does not depend on how far apart copies are, charged or not.
  @Test(arguments: [0.0, 2.0]) func slabFactor(net: Double) throws {
    let slab = Samples.charged(TestStructures.all(["Na", "Cl"], spacing: 2.9)[2], net: net)
    let a = try Samples.evaluate(slab, Samples.potential(slabFactor: 3, net: net))
    let b = try Samples.evaluate(slab, Samples.potential(slabFactor: 5.3, net: net))
    #expect(abs(a.energy - b.energy) < 1e-8)
    #expect(Samples.forceError(a.forces, b.forces) < 1e-8)
    #expect(zip(a.virial.elements, b.virial.elements).allSatisfy { abs($0 - $1) < 1e-7 })
  }

  /// Random charges, dense and as a layer in vacuum: the force error is what was asked for, or less.
  @Test(arguments: [1e-3, 1e-5, 1e-7], [false, true]) func accuracy(accuracy: Double, inVacuum: Bool) throws {
    var s = Samples.charged(TestStructures.crystal(["Na", "Cl"], spacing: 2.9, cells: [3, 3, 3], disorder: 0.2))
    if inVacuum {
      let h = s.box.cell
      s.box.setCell(Matrix3(h.x, h.y, 4 * h.z))
    }
    let exact = try Samples.evaluate(s, Samples.potential(cutoff: 7))
    let found = try Samples.evaluate(s, Samples.potential(accuracy: accuracy, cutoff: 7))
    let error = Samples.forceError(exact.forces, found.forces) / Units.coulomb
    #expect(error < accuracy && error > 0.1 * accuracy, "\(error)")
  }
}
