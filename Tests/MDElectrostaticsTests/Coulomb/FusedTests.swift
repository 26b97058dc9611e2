import MDCore
import MDElectrostatics
import MDNumerics
import MDPotentials
import MDTestSupport
import Testing

/// One pass for charges and a pair potential gives what two passes give.
@Suite struct FusedTests {
  static let species = ["Na", "Cl"]

  private func buckingham(_ cutoff: Double) throws -> PairPotential {
    try PairPotential(
      buckingham: [
        SpeciesPair("Na", "Na"): .init(amplitude: 424.0, length: 0.317, dispersion: 1.05),
        SpeciesPair("Na", "Cl"): .init(amplitude: 1256.0, length: 0.317, dispersion: 7.0, cutoff: 5.1),
        SpeciesPair("Cl", "Cl"): .init(amplitude: 3488.0, length: 0.317, dispersion: 72.4),
      ], cutoff: cutoff, truncation: .switched(inner: 4), species: Self.species)
  }

  /// The pair potential ends before, with and beyond the charges' cutoff (6 Å).
  @Test(arguments: [5.5, 6.0, 7.3]) func sameAsApart(cutoff: Double) throws {
    for structure in TestStructures.all(Self.species, spacing: 2.9) {
      let s = Samples.charged(structure)
      let together = try Samples.potential(accuracy: 1e-6)
      #expect(together.absorb(try buckingham(cutoff)))
      #expect(together.requirements.cutoff == max(6, cutoff))
      let one = try BruteForceSystem(s, reach: 8).evaluate([together])
      let two = try BruteForceSystem(s, reach: 8).evaluate([Samples.potential(accuracy: 1e-6), buckingham(cutoff)])
      #expect(abs(one.energy - two.energy) < 1e-10 * abs(two.energy))
      #expect(Samples.forceError(one.forces, two.forces) < 1e-11)
      #expect(zip(one.virial.elements, two.virial.elements).allSatisfy { abs($0 - $1) < 1e-9 })
      #expect(zip(one.atomEnergies, two.atomEnergies).allSatisfy { abs($0 - $1) < 1e-11 })
      #expect(zip(one.atomVirials, two.atomVirials).allSatisfy { abs($0 - $1) < 1e-10 })
    }
  }

  @Test func properties() throws {
    let s = Samples.charged(TestStructures.crystal(Self.species, spacing: 2.9))
    try checkPotential(structures: [s], continuity: .none, tolerance: PotentialTolerance(derivative: 1e-7, step: 3e-4))
    {
      let potential = try Samples.potential()
      #expect(potential.absorb(try buckingham(6)))
      return [potential]
    }
  }
}
