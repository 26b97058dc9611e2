import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDTestSupport
import Testing

/// Energies of charges while the cell changes, and what is said when errors are not those that were asked for.
@Suite struct ChangingCellTests {
  /// Rock salt, 512 ions.
  private static func salt(_ strain: Double = 0, net: Double = 0) -> Structure {
    let system = ChargedSystem.salt(SIMD3(8, 8, 8), noise: 0, excess: net / 512)
    let a = 1 + strain
    var s = Structure(
      box: Box(cell: a * system.box.cell), species: ["Na", "Cl"], types: system.charges.map { $0 > 0 ? 0 : 1 },
      positions: system.positions.map { a * $0 })
    s.charges = system.charges
    return s
  }

  /// Virials of atoms would take most of the time.
  private static func evaluate(_ s: Structure, _ potential: CoulombPotential) throws -> BruteForceSystem.Result {
    try BruteForceSystem(s, reach: potential.requirements.cutoff).evaluate([potential], want: .energy)
  }

  enum Model: String, CaseIterable, Sendable { case points, gaussians, fused, equilibrated }

  private static func make(_ model: Model, accuracy: Double, cutoff: Double, splitting: Double?) throws
    -> any Potential
  {
    let communicator = LoopbackCommunicator()
    let options = LongRangeOptions(accuracy: accuracy, cutoff: cutoff, splitting: splitting)
    if model == .equilibrated {
      return try QEqPotential(
        elements: [.init(electronegativity: 2.8, hardness: 4.6, width: 0.7),
          .init(electronegativity: 8.3, hardness: 7, width: 0.6)],
        species: ["Na", "Cl"], solver: ConjugateGradientCharges(tolerance: 1e-10, communicator: communicator),
        longRange: EwaldSolver(options, communicator: communicator), cutoff: cutoff, communicator: communicator)
    }
    let potential = try CoulombPotential(
      solver: EwaldSolver(options, communicator: communicator), cutoff: cutoff, species: ["Na", "Cl"],
      widths: model == .gaussians ? [0.4, 0.5] : nil, communicator: communicator)
    if model == .fused {
      let pairs = try PairPotential(
        lennardJones: [
          SpeciesPair("Na", "Na"): .init(epsilon: 0.1, sigma: 2.5),
          SpeciesPair("Na", "Cl"): .init(epsilon: 0.1, sigma: 2.4),
          SpeciesPair("Cl", "Cl"): .init(epsilon: 0.1, sigma: 2.5),
        ],
        cutoff: 3.5, truncation: .shifted, species: ["Na", "Cl"])
      #expect(potential.absorb(pairs))
    }
    return potential
  }

  /// All 512 ions' twelve neighbours at √8 times the spacing cross the cutoff at once. Unshifted, the energy takes a
  /// step of 512 · 12/2 · C erfc(αr_c)/r_c, some 0.03 eV.
  @Test(arguments: Model.allCases) func shellsCross(_ model: Model) throws {
    let cutoff = 8.0
    let crossing = cutoff / (2.82 * 8.0.squareRoot()) - 1
    func energy(_ strain: Double) throws -> Double {
      let potential = try Self.make(model, accuracy: 1e-5, cutoff: cutoff, splitting: 0.4)
      let system = BruteForceSystem(Self.salt(strain), reach: potential.requirements.cutoff)
      return try system.evaluate([potential], want: .energy).energy
    }
    let (inside, outside) = (try energy(crossing - 1e-9), try energy(crossing + 1e-9))
    let step = 512 * 6 * Units.coulomb * erfc(0.4 * cutoff) / cutoff
    #expect(step > 0.02)
    // The slope of the energy times the strain is 1e-6 eV; charges that are equilibrated are smaller than 1 e.
    #expect(abs(inside - outside) < 1e-5, "\(inside - outside)")
  }

  /// What cutting and shifting the pairs leaves out of the energy of an ion of rock salt with unit charges, by the
  /// lattice sum: half of C Σ ±erfc(αr)/r beyond the cutoff, and C/2 erfc(αr_c)/r_c times the charge within it, its
  /// own included.
  private static func missing(cutoff: Double, alpha: Double) -> Double {
    var (tail, inside) = (0.0, 0.0)
    for x in -9...9 {
      for y in -9...9 {
        for z in -9...9 {
          let r = 2.82 * Double(x * x + y * y + z * z).squareRoot()
          let sign = (x + y + z).isMultiple(of: 2) ? 1.0 : -1
          if r < cutoff { inside += sign } else if r < 25 { tail += sign * erfc(alpha * r) / r }
        }
      }
    }
    return 0.5 * Units.coulomb * (tail + erfc(alpha * cutoff) / cutoff * inside)
  }

  @Test(arguments: [Model.points, .equilibrated], [6.5, 7, 8]) func energyOfShiftedPairs(_ model: Model, cutoff: Double)
    throws
  {
    func result(_ cutoff: Double, _ alpha: Double) throws -> (energy: Double, charge: Double) {
      let potential = try Self.make(model, accuracy: 1e-13, cutoff: cutoff, splitting: alpha)
      let system = BruteForceSystem(Self.salt(), reach: cutoff)
      return (try system.evaluate([potential], want: .energy).energy, system.atoms.charge![0])
    }
    let whole = try result(9, 0.7)
    let own = try result(cutoff, 0.35)
    let expected = -512 * whole.charge * whole.charge * Self.missing(cutoff: cutoff, alpha: 0.35)
    #expect(abs(expected) > 0.005)
    // Equilibrated charges change a little themselves, which counts by its square.
    #expect(abs(own.energy - whole.energy - expected) < 0.01 * abs(expected), "\(own), \(whole), \(expected)")
  }

  /// Nothing outside makes up for what is within the cutoff of a charged cell: shifted, the energy of an ion would be
  /// 8e-3 eV too low.
  @Test func chargedCell() throws {
    func energy(_ accuracy: Double) throws -> Double {
      try Self.evaluate(Self.salt(net: 512), Samples.potential(accuracy: accuracy, cutoff: 8, net: 512)).energy
    }
    #expect(abs(try energy(1e-4) - energy(1e-13)) / 512 < 3e-3)
  }

  /// While a cell is drawn by 12 % the error stays below what was asked (half more within 5 % of a reference), sums are
  /// made anew at 6 and 12 %, and the energy takes no larger step there than forces of that error over an ångström.
  @Test(arguments: ["pppm", "ewald"]) func drawn(method: String) throws {
    let communicator = LoopbackCommunicator()
    let options = LongRangeOptions(accuracy: 1e-5, cutoff: 8)
    let potential = try CoulombPotential(
      solver: method == "pppm"
        ? PPPMSolver(options, communicator: communicator) : EwaldSolver(options, communicator: communicator),
      cutoff: 8, species: ["Na", "Cl"], communicator: communicator)
    let base = ChargedSystem.salt(SIMD3(6, 6, 6))
    var last: Double?
    for k in 0...12 {
      let system = base.strained(Matrix3(diagonal: Vector3(0, 0, 0.01 * Double(k) + 1e-6)))
      var s = Structure(
        box: system.box, species: ["Na", "Cl"], types: system.charges.map { $0 > 0 ? 0 : 1 },
        positions: system.positions)
      s.charges = system.charges
      let own = try Self.evaluate(s, potential)
      let exact = try Self.evaluate(s, Samples.potential(cutoff: 8))
      let error = Samples.forceError(own.forces, exact.forces)
      #expect(error < 1.5e-5 * Units.coulomb, "\(k) %: \(error)")
      let difference = own.energy - exact.energy
      if let last { #expect(abs(difference - last) < 216 * 1e-5 * Units.coulomb, "\(k) %: \(difference - last)") }
      last = difference
      // More than 5 % of the first cell, then of the one at 6 %.
      #expect(potential.solver.revisions == (k < 6 ? 0 : k < 12 ? 1 : 2), "\(k) %")
    }
  }

  /// A mesh that is much too coarse for what is asked: measured, and then a warning or the end.
  @Test func measured() throws {
    func notes(_ points: Int) throws -> [String] {
      let communicator = LoopbackCommunicator()
      let solver = PPPMSolver(LongRangeOptions(accuracy: 1e-5, cutoff: 8), communicator: communicator)
      let potential = try CoulombPotential(
        solver: solver, cutoff: 8, species: ["Na", "Cl"], communicator: communicator)
      let base = ChargedSystem.salt(SIMD3(6, 6, 6))
      solver.parameters = LongRangeParameters(
        splitting: 0.4, grid: SIMD3(repeating: points), order: 5, cell: base.box.cell, count: 216)
      var s = Structure(
        box: base.box, species: ["Na", "Cl"], types: base.charges.map { $0 > 0 ? 0 : 1 }, positions: base.positions)
      s.charges = base.charges
      let system = BruteForceSystem(s, reach: 8)
      _ = try system.evaluate([potential], want: .energy)
      return try potential.notes(for: system.atoms.view)
    }
    let error = #expect(throws: FaultlineError.self) { _ = try notes(10) }
    #expect(error?.description.contains("the measured force error of pppm is") == true)
    // From refused over warned of to silent.
    let outcomes = try [10, 12, 14, 15, 16, 18, 20, 21, 24, 27, 30, 48].map { points -> Int in
      do {
        let warnings = try notes(points).filter { $0.hasPrefix("warning: ") }
        #expect(warnings.allSatisfy { $0.contains("times the accuracy asked for") })
        return min(warnings.count, 1)
      } catch is FaultlineError { return 2 }
    }
    #expect(outcomes == outcomes.sorted(by: >) && Set(outcomes) == [0, 1, 2], "\(outcomes)")
  }
}
