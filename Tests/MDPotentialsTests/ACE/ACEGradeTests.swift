import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// Extrapolation grades against their definition.
@Suite struct ACEGradeTests {
  /// A model with random matrices.
  static func file(_ isLinear: Bool, inner: ACEFile.InnerCutoff = .density) throws -> ACEFile {
    var file = try ACESample.random(
      ["Ag", "Na", "Cl"], seed: 21, radial: (k: 3, n: 2), degree: 2, inner: inner, repulsive: inner == .distance
    ).file()
    var random = SplitMix64(seed: 22)
    let sizes = file.functions.map { $0.count * (isLinear ? 1 : 2) }
    file.activeSet = ACEActiveSet(
      matrices: sizes.map { n in (0..<n * n).map { _ in Double.random(in: -1..<1, using: &random) } },
      isLinear: isLinear, sizes: sizes)
    return file
  }

  private func grades(_ file: ACEFile, _ structure: Structure, want: Want) throws -> (found: [Double], figure: [Double]) {
    let potential = try ACEPotential(file, species: structure.species)
    let system = BruteForceSystem(structure, reach: file.cutoff + 0.2)
    _ = try system.evaluate([potential], want: want)
    let column = try #require(system.atoms.column(named: Assessment.grade.column)).base
      .assumingMemoryBound(to: Double.self)
    #expect(potential.assessments == [.grade])
    return (
      (0..<structure.count).map { column[$0] },
      potential.assess(sums: potential.assessmentSums, maxima: potential.assessmentMaxima, atoms: structure.count)
    )
  }

  /// More atoms than a batch holds, of two of the three elements.
  static let structure = TestStructures.crystal(["Na", "Ag"], spacing: 2.5, cells: [5, 4, 4])

  @Test("an atom's grade, and the largest of the system", arguments: [true, false])
  func definition(_ isLinear: Bool) throws {
    for inner in [ACEFile.InnerCutoff.density, .distance] {
      let file = try Self.file(isLinear, inner: inner)
      let structure = Self.structure
      let atoms = ACEFormulas.atoms(file, structure)
      let expected: [Double] = atoms.enumerated().map { i, atom in
        ACEFormulas.grade(file, file.elements.firstIndex(of: structure.species[Int(structure.types[i])])!, atom)
      }
      let (found, figure) = try grades(file, structure, want: Want.all.union(.assessment))
      let largest = expected.max()!
      for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 1e-7 * largest) }
      #expect(figure.count == 1 && abs(figure[0] - largest) <= 1e-7 * largest)
    }
  }

  @Test("nothing is computed where nobody asks") func idle() throws {
    let (found, figure) = try grades(Self.file(true), Self.structure, want: .all)
    #expect(found.allSatisfy { $0 == 0 } && figure == [0])
  }

  @Test("a grade that is no number shows") func undefined() throws {
    var file = try Self.file(true)
    file.activeSet!.matrices[0][0] = .nan
    let (_, figure) = try grades(file, Self.structure, want: Want.all.union(.assessment))
    #expect(figure == [.infinity])
  }

  @Test("forces do not depend on whether grades are asked for") func forces() throws {
    let file = try Self.file(false)
    let potential = try ACEPotential(file, species: Self.structure.species)
    func forces(_ want: Want) throws -> [Vector3] {
      try BruteForceSystem(Self.structure, reach: file.cutoff).evaluate([potential], want: want).forces
    }
    #expect(try forces(.all) == forces(Want.all.union(.assessment)))
  }
}
