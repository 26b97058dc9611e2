import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// The kernels of the moment tensor potential against its formulas, and the properties that every potential has.
@Suite struct MTPTests {
  struct Model: Sendable, CustomTestStringConvertible {
    var ranks: [Int]
    var species: Int
    var basis = 5
    var repulsive = false
    var testDescription: String {
      "ranks \(ranks), \(species) species, \(basis) basis functions" + (repulsive ? ", repulsive" : "")
    }
    var file: MTPFile {
      MTPSample.random(
        ranks: ranks, species: species, seed: UInt64(ranks.count + 7 * species), basis: basis, repulsive: repulsive)
    }
    var names: [String] { Array(["A", "B", "C"][..<species]) }
  }

  static let models = [
    Model(ranks: [2], species: 1), Model(ranks: [0], species: 1), Model(ranks: [4, 2, 0], species: 2),
    Model(ranks: [1, 5, 3], species: 3), Model(ranks: [6, 4, 2, 0], species: 1, basis: 8),
    Model(ranks: [7, 5, 3, 1, 0], species: 1, basis: 12), Model(ranks: [3, 3, 2, 2, 1, 1, 0, 0], species: 1),
    Model(ranks: [3, 1], species: 2, repulsive: true),
  ]

  @Test("per-atom energies are those of the formulas", arguments: models)
  func agreesWithTheFormulas(_ model: Model) throws {
    let file = model.file
    // Of the repulsive one some pairs are nearer than the minimum distance.
    let structures = TestStructures.all(model.names, spacing: model.repulsive ? 1.8 : 2.1)
    #expect(!model.repulsive || structures.allSatisfy { nearest($0) < file.minimumDistance })
    for structure in structures {
      let potential = try MTPPotential(file, types: model.names, elements: model.names, species: model.names)
      let result = try BruteForceSystem(structure, reach: file.cutoff + 0.3).evaluate([potential])
      let expected = MTPSample.energies(file, structure)
      let scale = expected.map(abs).max() ?? 1
      for (a, b) in zip(result.atomEnergies, expected) { #expect(abs(a - b) <= 1e-11 * max(scale, 1)) }
    }
  }

  /// The smallest distance of two atoms, Å.
  private func nearest(_ structure: Structure) -> Double {
    var least = Double.infinity
    PairSum.forEach(structure, reach: 3) { _, _, d in least = min(least, d.length) }
    return least
  }

  @Test("forces, virials, invariances", arguments: models)
  func keepsItsPromises(_ model: Model) throws {
    try checkPotential(
      structures: TestStructures.all(model.names, spacing: model.repulsive ? 1.8 : 2.5), continuity: .force,
      tolerance: PotentialTolerance(derivative: 1e-7, step: 2e-5)
    ) {
      [try MTPPotential(model.file, types: model.names, elements: model.names, species: model.names)]
    }
  }

  @Test("species find their type by the order of the names")
  func order() throws {
    let file = MTPSample.random(ranks: [2, 1], species: 2, seed: 3)
    let structure = TestStructures.crystal(["Na", "O"], spacing: 2.4)
    func energy(_ types: [String]) throws -> Double {
      let potential = try MTPPotential(file, types: types, elements: ["Na", "O"], species: ["Na", "O"])
      return try BruteForceSystem(structure, reach: file.cutoff).evaluate([potential]).energy
    }
    #expect(abs(try energy(["Na", "O"]) - energy(["O", "Na"])) > 1e-3)
    #expect(abs(try energy(["Na", "O"]) - MTPSample.energies(file, structure).reduce(0, +)) < 1e-9)
    #expect(throws: FaultlineError.self) { try energy(["Na"]) }
    #expect(throws: FaultlineError.self) { try energy(["Na", "Cl"]) }
  }

  @Test("lone atoms have the energy of their type, and a far atom none of another's")
  func lone() throws {
    let file = MTPSample.random(ranks: [3, 1], species: 2, seed: 4)
    let names = ["A", "B"]
    let structure = Structure(
      box: Box(cell: Matrix3(diagonal: Vector3(20, 20, 20)), periodic: .none), species: names, types: [0, 1],
      positions: [Vector3(1, 1, 1), Vector3(1, 1, 1 + file.cutoff + 1e-6)])
    let result = try BruteForceSystem(structure, reach: file.cutoff + 1).evaluate([
      try MTPPotential(file, types: names, elements: names, species: names)
    ])
    #expect(result.atomEnergies == file.speciesCoefficients && result.forces.allSatisfy { $0 == .zero })
  }

  @Test("a committee is the mean of its members and knows their spread")
  func committee() throws {
    let names = ["A", "B"]
    let files = [5, 6, 7].map { MTPSample.random(ranks: [2, 1], species: 2, seed: $0) }
    let structure = TestStructures.crystal(names, spacing: 2.5)
    func make(_ file: MTPFile) throws -> MTPPotential {
      try MTPPotential(file, types: names, elements: names, species: names)
    }
    let single = try files.map { try BruteForceSystem(structure, reach: 4.3).evaluate([make($0)]) }
    let potential = PotentialCommittee("mtp", try files.map(make))
    let system = BruteForceSystem(structure, reach: 4.3)
    let both = try system.evaluate([potential], want: Want.all.union(.assessment))
    let mean = single.map(\.energy).reduce(0, +) / 3
    #expect(abs(both.energy - mean) < 1e-11)
    let deviations = try #require(system.atoms.column(named: Assessment.forceDeviation.column)).base
      .assumingMemoryBound(to: Double.self)
    var largest = 0.0
    for i in 0..<structure.count {
      let average = single.reduce(Vector3.zero) { $0 + $1.forces[i] } / 3
      #expect((both.forces[i] - average).length < 1e-11)
      let variance = single.reduce(0) { $0 + ($1.forces[i] - average).squaredLength } / 3
      #expect(abs(deviations[i] - variance.squareRoot()) < 1e-9)
      largest = max(largest, variance.squareRoot())
    }
    for k in 0..<9 * structure.count {
      let average = single.reduce(0) { $0 + $1.atomVirials[k] } / 3
      #expect(abs(both.atomVirials[k] - average) < 1e-10)
    }
    let figures = potential.assess(
      sums: potential.assessmentSums, maxima: potential.assessmentMaxima, atoms: structure.count)
    let spread = single.reduce(0) { $0 + ($1.energy - mean) * ($1.energy - mean) } / 3
    #expect(potential.assessments == [.forceDeviation, .energyDeviation])
    #expect(abs(figures[0] - largest) < 1e-9)
    #expect(abs(figures[1] - spread.squareRoot() / Double(structure.count)) < 1e-9)
  }

  @Test("every promise holds for a committee, too")
  func committeeProperties() throws {
    let names = ["A", "B"]
    try checkPotential(structures: TestStructures.all(names, spacing: 2.5), continuity: .force) {
      [
        PotentialCommittee(
          "mtp",
          try [5, 6].map {
            try MTPPotential(
              MTPSample.random(ranks: [2, 1], species: 2, seed: $0), types: names, elements: names, species: names)
          })
      ]
    }
  }
}
