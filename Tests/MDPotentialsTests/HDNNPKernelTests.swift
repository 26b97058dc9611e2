import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

@Suite struct HDNNPKernelTests {
  static let species = ["H", "O"]

  /// What n2p2 computed: expected 1e-8 of the energy and 1e-6 eV/Å, found three orders better.
  @Test(.reference(HDNNPModelTests.published), arguments: HDNNPModelTests.published)
  func agreesWithReference(_ name: String) throws {
    let folder = try ReferenceCases.folder(name)
    for frame in try ReferenceCases.frames(folder) {
      let potential = try HDNNPPotential(
        directory: folder.path, units: HDNNPModelTests.units, species: frame.structure.species)
      // The reference virial went through a pressure, whose unit its program knows to eight digits.
      try frame.expectMatch([potential], energy: 1e-11, force: 1e-8, virial: 1e-7)
    }
  }

  /// Every symmetry function, cutoff function and factor against the formulas, atom by atom.
  @Test(arguments: HDNNPRandomModels.all.keys.sorted()) func agreesWithFormulas(_ name: String) throws {
    let model = try #require(HDNNPRandomModels.all[name])
    let potential = try HDNNPPotential(models: [model], species: Self.species)
    let reference = HDNNPBruteForce(model: model)
    for structure in TestStructures.all(Self.species, spacing: 2.4) {
      let expected = try reference.evaluate(structure)
      let found = try BruteForceSystem(structure, reach: model.cutoff + 0.3).evaluate([potential])
      let energyError = zip(found.atomEnergies, expected.atomEnergies).map { abs($0 - $1) }.max()!
      #expect(energyError < 1e-11, "atom energies are off by \(energyError)")
      #expect(abs(found.energy - expected.energy) < 1e-10)
      let forceError = zip(found.forces, expected.forces).map { ($0 - $1).length }.max()!
      // The angle comes from a cosine: near 0 and π its slope is known to some 1e-9 only.
      #expect(forceError < 1e-9, "forces are off by \(forceError)")
      let virialError = (found.virial - expected.virial).elements.map(abs).max()!
      #expect(virialError < 1e-8, "the virial is off by \(virialError)")
    }
  }

  /// Derivatives, symmetries and sums. Of the cutoff functions only those with two smooth derivatives at the cutoff
  /// allow finite differences of 1e-7 whatever pairs cross it, hence the short steps.
  @Test(arguments: HDNNPRandomModels.all.keys.sorted()) func keepsItsPromises(_ name: String) throws {
    let model = try #require(HDNNPRandomModels.all[name])
    let isHard = model.elements[0].functions.contains { !$0.kind.isCompact && $0.cutoffFunction.kind == .hard }
    try checkPotential(
      structures: TestStructures.all(Self.species, spacing: 2.4), continuity: isHard ? .none : .force,
      tolerance: PotentialTolerance(derivative: 1e-7, step: 2e-5)
    ) { [try HDNNPPotential(models: [model], species: Self.species)] }
  }

  /// Outside of a range of training a function is counted, and the farthest is named.
  @Test func countsExtrapolations() throws {
    let model = try #require(HDNNPRandomModels.all["type 2"])
    let structure = TestStructures.crystal(Self.species, spacing: 2.4)
    let reference = HDNNPBruteForce(model: model)
    let elements = try reference.elements(structure)
    let neighbors = reference.neighbors(structure, elements)
    let functions = structure.positions.indices.map { reference.functions(elements[$0], neighbors[$0]) }
    var narrow = model
    // Ranges that about half of the atoms are within.
    for e in narrow.elements.indices {
      for f in narrow.elements[e].functions.indices {
        let values = elements.indices.filter { elements[$0] == e }.map { functions[$0][f] }.sorted()
        narrow.elements[e].scaling[f].minimum = values[values.count / 4]
        narrow.elements[e].scaling[f].maximum = values[3 * values.count / 4]
      }
    }
    let counts = elements.indices.map { i in
      zip(functions[i], narrow.elements[elements[i]].scaling)
        .count { $0 < $1.minimum - 1e-12 || $0 > $1.maximum + 1e-12 }
    }
    // Values at the ends of a range may fall on either side by rounding.
    for e in narrow.elements.indices {
      for f in narrow.elements[e].functions.indices {
        narrow.elements[e].scaling[f].minimum -= 1e-12
        narrow.elements[e].scaling[f].maximum += 1e-12
      }
    }
    let potential = try HDNNPPotential(models: [narrow], species: Self.species)
    let system = BruteForceSystem(structure, reach: model.cutoff)
    _ = try system.evaluate([potential])
    let report = potential.extrapolation
    #expect(report.count == counts.reduce(0, +))
    #expect(report.count > 0)
    let column = system.atoms.addColumn("extrapolations")
    #expect(structure.positions.indices.map { Int(column[$0]) } == counts)
    let worst = try #require(report.functions.first)
    #expect(report.functions.count > 1 && report.functions.allSatisfy { $0.excess <= worst.excess })
    let element = try #require(narrow.elements.firstIndex { $0.symbol == worst.element })
    let scaling = narrow.elements[element].scaling[worst.index - 1]
    let value = functions[Int(worst.atom) - 1][worst.index - 1]
    let excess = max(scaling.minimum - value, value - scaling.maximum) / (scaling.maximum - scaling.minimum)
    #expect(abs(excess - worst.excess) < 1e-9)
  }

  /// The mean of two models is what a committee gives.
  @Test func committeeIsTheMean() throws {
    let first = try #require(HDNNPRandomModels.all["type 3"])
    var second = first
    var random = SplitMix64(seed: 99)
    for k in second.elements.indices {
      second.elements[k].network = HDNNPRandomModels.network(
        inputs: second.elements[k].functions.count, &random)
    }
    let structure = TestStructures.crystal(Self.species, spacing: 2.4)
    func evaluate(_ models: [HDNNPModel]) throws -> BruteForceSystem.Result {
      try BruteForceSystem(structure, reach: first.cutoff).evaluate([
        HDNNPPotential(models: models, species: Self.species)
      ])
    }
    let (a, b, mean) = (try evaluate([first]), try evaluate([second]), try evaluate([first, second]))
    #expect(abs(mean.energy - (a.energy + b.energy) / 2) < 1e-10)
    for i in structure.positions.indices {
      #expect((mean.forces[i] - (a.forces[i] + b.forces[i]) / 2).length < 1e-11)
    }
    #expect(throws: FaultlineError.self) {
      _ = try HDNNPPotential(models: [first, HDNNPRandomModels.all["type 2"]!], species: Self.species)
    }
  }

  /// A committee is its mean, and its deviations are those of its members on their own.
  @Test(arguments: ["type 2", "type 9"]) func committee(_ name: String) throws {
    let base = try #require(HDNNPRandomModels.all[name])
    let members = (0..<3).map { m in
      var model = base
      for e in model.elements.indices {
        model.elements[e].offset += 0.01 * Double(m * m)
        for l in model.elements[e].network.layers.indices {
          for w in model.elements[e].network.layers[l].weights.indices {
            model.elements[e].network.layers[l].weights[w] *= 1 + 0.3 * Double((m * (w + 3)) % 5)
          }
        }
      }
      return model
    }
    let committee = try HDNNPPotential(models: members, species: Self.species)
    #expect(committee.assessments == [.extrapolations, .forceDeviation, .energyDeviation])
    for structure in TestStructures.all(Self.species, spacing: 2.4) {
      let alone = try members.map {
        try BruteForceSystem(structure, reach: base.cutoff + 0.3)
          .evaluate([HDNNPPotential(models: [$0], species: Self.species)])
      }
      let system = BruteForceSystem(structure, reach: base.cutoff + 0.3)
      let mean = try system.evaluate([committee], want: [.energy, .virial, .atomEnergy, .assessment])
      #expect(abs(mean.energy - alone.map(\.energy).reduce(0, +) / 3) < 1e-10)
      let forceColumn = system.atoms.addColumn(Assessment.forceDeviation.column)
      let energyColumn = system.atoms.addColumn(Assessment.energyDeviation.column)
      var largest = 0.0
      for i in structure.positions.indices {
        let forces = alone.map { $0.forces[i] }
        let center = (forces[0] + forces[1] + forces[2]) / 3
        #expect((mean.forces[i] - center).length < 1e-10)
        let deviation = (forces.map { ($0 - center).squaredLength }.reduce(0, +) / 3).squareRoot()
        #expect(abs(forceColumn[i] - deviation) < 1e-10)
        largest = max(largest, deviation)
        let energies = alone.map { $0.atomEnergies[i] }
        let average = energies.reduce(0, +) / 3
        #expect(
          abs(energyColumn[i] - (energies.map { ($0 - average) * ($0 - average) }.reduce(0, +) / 3).squareRoot()) < 1e-9
        )
      }
      #expect(largest > 1e-5, "the members differ: \(largest)")
      let figures = committee.assess(
        sums: committee.assessmentSums, maxima: committee.assessmentMaxima, atoms: structure.count)
      #expect(abs(figures[1] - largest) < 1e-9)
      let totals = alone.map(\.energy)
      let average = totals.reduce(0, +) / 3
      let spread = (totals.map { ($0 - average) * ($0 - average) }.reduce(0, +) / 3).squareRoot()
      #expect(abs(figures[2] - spread / Double(structure.count)) < 1e-10)
      // The same forces whether the committee is assessed or not.
      let plain = try BruteForceSystem(structure, reach: base.cutoff + 0.3).evaluate([committee])
      #expect(plain.forces == mean.forces && plain.energy == mean.energy)
    }
  }
}
