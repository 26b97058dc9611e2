import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// Extrapolation grades against their definition, γ = max_j |Σ_k X[j, k] ∂V/∂θ_k|, with ∂V/∂θ by differences of the
/// plain formulas.
@Suite struct MTPGradeTests {
  static let names = ["A", "B"]

  /// A model with a random matrix X; `idle`: some scalars have no part in the energy.
  static func model(_ kind: MTPActiveSet.Kind, idle: Bool = false) -> MTPFile {
    var file = MTPSample.random(ranks: [2, 3], species: 2, seed: 11, basis: 4)
    if idle { for k in stride(from: 0, to: file.scalars.count, by: 2) { file.momentCoefficients[k] = 0 } }
    var random = SplitMix64(seed: 12)
    let n = file.coefficientCount
    file.activeSet = MTPActiveSet(
      kind: kind, count: n, inverse: (0..<n * n).map { _ in Double.random(in: -1..<1, using: &random) })
    return file
  }

  /// ∂V/∂θ of every atom.
  static func derivatives(_ file: MTPFile, _ structure: Structure) -> [[Double]] {
    var columns: [[Double]] = []
    func add(_ size: Int, _ change: (inout MTPFile, Int, Double) -> Void) {
      for k in 0..<size {
        var (up, down) = (file, file)
        change(&up, k, 1e-4)
        change(&down, k, -1e-4)
        columns.append(
          zip(MTPSample.energies(up, structure), MTPSample.energies(down, structure)).map { ($0 - $1) / 2e-4 })
      }
    }
    add(file.radialCoefficients.count) { $0.radialCoefficients[$1] += $2 }
    add(file.speciesCount) { $0.speciesCoefficients[$1] += $2 }
    add(file.scalars.count) { $0.momentCoefficients[$1] += $2 }
    return (0..<structure.count).map { atom in columns.map { $0[atom] } }
  }

  static func grade(_ set: MTPActiveSet, _ v: [Double]) -> Double {
    (0..<set.count).map { j in abs((0..<set.count).reduce(0) { $0 + set.inverse[j * set.count + $1] * v[$1] }) }.max()!
  }

  private func evaluated(_ file: MTPFile, _ structure: Structure) throws -> (BruteForceSystem, [Double]) {
    let potential = try MTPPotential(file, types: Self.names, elements: Self.names, species: Self.names)
    let system = BruteForceSystem(structure, reach: file.cutoff + 0.2)
    _ = try system.evaluate([potential], want: Want.all.union(.assessment))
    let figures = potential.assess(
      sums: potential.assessmentSums, maxima: potential.assessmentMaxima, atoms: structure.count)
    return (system, figures)
  }

  @Test("by neighbourhood: an atom's grade, and the largest of the system", arguments: [false, true])
  func neighborhood(_ idle: Bool) throws {
    let file = Self.model(.neighborhood, idle: idle)
    let structure = TestStructures.crystal(Self.names, spacing: 2.5, cells: [2, 1, 1])
    let expected = Self.derivatives(file, structure).map { Self.grade(file.activeSet!, $0) }
    let (system, figures) = try evaluated(file, structure)
    let column = try #require(system.atoms.column(named: Assessment.grade.column)).base
      .assumingMemoryBound(to: Double.self)
    for i in 0..<structure.count { #expect(abs(column[i] / expected[i] - 1) < 1e-6) }
    #expect(abs(figures[0] / expected.max()! - 1) < 1e-6)
  }

  @Test("by configuration: one grade, weighted by the number of atoms", arguments: [0, 1, 2])
  func configuration(_ scaling: Int) throws {
    let file = Self.model(.configuration(weight: 1.5, scaling: scaling))
    let structure = TestStructures.crystal(Self.names, spacing: 2.5, cells: [2, 1, 1])
    let all = Self.derivatives(file, structure)
    let n = Double(structure.count)
    let factor = 1.5 / [1, n.squareRoot(), n][scaling]
    let v = all[0].indices.map { k in all.reduce(0) { $0 + $1[k] } * factor }
    let (system, figures) = try evaluated(file, structure)
    #expect(abs(figures[0] / Self.grade(file.activeSet!, v) - 1) < 1e-6)
    #expect(system.atoms.column(named: Assessment.grade.column) == nil, "atoms have none")
  }
  @Test("neither the signs nor the order of the rows of X matter")
  func rows() throws {
    let file = Self.model(.neighborhood)
    let set = file.activeSet!
    let structure = TestStructures.crystal(Self.names, spacing: 2.5, cells: [1, 1, 1])
    let expected = try evaluated(file, structure).1[0]
    for sign in [1.0, -1] {
      for first in 0..<5 {
        var other = file
        let start = first * set.count
        other.activeSet!.inverse = (set.inverse[start...] + set.inverse[..<start]).map { sign * $0 }
        #expect(abs(try evaluated(other, structure).1[0] / expected - 1) < 1e-12)
      }
    }
  }

  @Test("nobody asks: no grade is computed, and what was there stays")
  func unasked() throws {
    let file = Self.model(.neighborhood)
    let structure = TestStructures.crystal(Self.names, spacing: 2.5, cells: [1, 1, 1])
    let potential = try MTPPotential(file, types: Self.names, elements: Self.names, species: Self.names)
    let system = BruteForceSystem(structure, reach: file.cutoff + 0.2)
    _ = try system.evaluate([potential])
    #expect(potential.assessmentMaxima == [0])
    let column = try #require(system.atoms.column(named: Assessment.grade.column)).base
      .assumingMemoryBound(to: Double.self)
    for i in 0..<structure.count { column[i] = -1 }
    _ = try system.evaluate([potential])
    #expect((0..<structure.count).allSatisfy { column[$0] == -1 })
    _ = try system.evaluate([potential], want: Want.all.union(.assessment))
    #expect((0..<structure.count).allSatisfy { column[$0] > 0 })
  }

  @Test("of a committee the largest grade of its members counts")
  func committee() throws {
    let files = [Self.model(.neighborhood), Self.model(.neighborhood, idle: true)]
    let structure = TestStructures.crystal(Self.names, spacing: 2.5, cells: [2, 1, 1])
    let each = files.map { file in Self.derivatives(file, structure).map { Self.grade(file.activeSet!, $0) } }
    let expected = zip(each[0], each[1]).map { max($0, $1) }
    let potential = PotentialCommittee(
      "mtp", try files.map { try MTPPotential($0, types: Self.names, elements: Self.names, species: Self.names) })
    let system = BruteForceSystem(structure, reach: files[0].cutoff + 0.2)
    _ = try system.evaluate([potential], want: Want.all.union(.assessment))
    let column = try #require(system.atoms.column(named: Assessment.grade.column)).base
      .assumingMemoryBound(to: Double.self)
    for i in 0..<structure.count { #expect(abs(column[i] / expected[i] - 1) < 1e-6) }
    let figures = potential.assess(
      sums: potential.assessmentSums, maxima: potential.assessmentMaxima, atoms: structure.count)
    #expect(potential.assessments == [.forceDeviation, .energyDeviation, .grade])
    #expect(abs(figures[2] / expected.max()! - 1) < 1e-6)
    // The second member decides somewhere, and the first elsewhere.
    #expect(zip(each[0], each[1]).contains { $0 > $1 } && zip(each[0], each[1]).contains { $0 < $1 })
  }
}
