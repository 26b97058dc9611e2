import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// The kernels of NEP against the formulas, and the properties that every potential has.
@Suite struct NEPTests {
  struct Model: Sendable, CustomTestStringConvertible {
    var elements: [String]
    var radial: (n: Int, k: Int)
    var angular: (n: Int, k: Int)
    var degree: Int
    var invariants: [NEPFile.Invariant]
    var repulsive = false
    var testDescription: String {
      "\(elements), radial \(radial), angular \(angular), l ≤ \(degree), \(invariants)" + (repulsive ? ", ZBL" : "")
    }
    var file: NEPFile {
      NEPSample.random(
        elements, seed: UInt64(radial.n + 7 * angular.n), version: degree == 3 ? 3 : 4, radial: radial,
        angular: angular, degree: degree, invariants: invariants, repulsive: repulsive)
    }
  }

  /// Every number of functions that kernels are made for, and some that are filled up.
  static let models = [
    Model(elements: ["Cu"], radial: (5, 9), angular: (5, 9), degree: 4, invariants: [.q222, .q1111]),
    Model(elements: ["Na", "Cl"], radial: (3, 4), angular: (2, 3), degree: 1, invariants: []),
    Model(elements: ["Mo", "Cu", "Ag"], radial: (1, 1), angular: (6, 1), degree: 2, invariants: [.q222, .q112]),
    Model(elements: ["Cu"], radial: (9, 13), angular: (9, 17), degree: 3, invariants: [.q123, .q233], repulsive: true),
    Model(
      elements: ["Na", "Cl"], radial: (2, 6), angular: (3, 4), degree: 8, invariants: NEPFile.Invariant.allCases,
      repulsive: true),
    Model(elements: ["Cu"], radial: (13, 11), angular: (10, 6), degree: 5, invariants: [.q134]),
    Model(elements: ["Cu"], radial: (4, 7), angular: (7, 5), degree: 4, invariants: [.q1111]),
    Model(elements: ["Cu"], radial: (4, 8), angular: (8, 5), degree: 6, invariants: []),
    Model(elements: ["Cu"], radial: (4, 3), angular: (12, 4), degree: 7, invariants: [.q222]),
    Model(elements: ["Cu"], radial: (3, 20), angular: (15, 4), degree: 4, invariants: [.q222]),
  ]

  @Test("per-atom energies are those of the formulas", arguments: models)
  func agreesWithTheFormulas(_ model: Model) throws {
    let file = model.file
    let names = model.elements
    for structure in TestStructures.all(names, spacing: 2.4) {
      let result = try BruteForceSystem(structure, reach: file.cutoff + 0.3).evaluate([
        try NEPPotential(file, species: names)
      ])
      let expected = NEPSample.energies(file, structure).map(\.energy)
      let scale = expected.map(abs).max() ?? 1
      for (a, b) in zip(result.atomEnergies, expected) { #expect(abs(a - b) <= 1e-11 * max(scale, 1)) }
    }
  }

  @Test("forces, virials, invariances", arguments: models)
  func keepsItsPromises(_ model: Model) throws {
    // The second derivative of the cutoff function jumps where it ends.
    try checkPotential(
      structures: TestStructures.all(model.elements, spacing: 2.5), continuity: .force,
      tolerance: PotentialTolerance(derivative: 1e-7, step: 2e-5)
    ) { [try NEPPotential(model.file, species: model.elements)] }
  }

  /// Random coefficients are of one size for all k; with twenty of them singles lose three digits more than with nine.
  @Test("in single precision all is the same to what singles hold, wherever the atoms are", arguments: models)
  func single(_ model: Model) throws {
    let limit = model.radial.k > 9 || model.angular.k > 9 ? 1e-3 : 3e-5
    for structure in TestStructures.all(model.elements, spacing: 2.5) {
      func run(_ s: Structure, _ precision: NEPPrecision) throws -> BruteForceSystem.Result {
        try BruteForceSystem(s, reach: model.file.cutoff + 0.3).evaluate([
          try NEPPotential(model.file, species: model.elements, precision: precision)
        ])
      }
      let exact = try run(structure, .double)
      let gap = PrecisionGap(try run(structure, .single), exact)
      #expect(gap.largest < limit && gap.force > 1e-9 && gap.energy > 1e-10, "\(gap)")
      // Singles of positions 10⁵ Å away would be 0.01 Å off.
      var far = structure
      let offset = Vector3(repeating: 1e5)
      far.positions = far.positions.map { $0 + offset }
      far.box.origin += offset
      #expect(PrecisionGap(try run(far, .single), exact).largest < limit)
    }
  }

  @Test("what single precision says of itself, of members of a committee too")
  func notes() throws {
    let file = NEPSample.random(["Na", "Cl"], seed: 5)
    let atoms = BruteForceSystem(TestStructures.crystal(["Na", "Cl"], spacing: 2.5), reach: 5).atoms.view
    let single = try NEPPotential(file, species: ["Na", "Cl"], precision: .single)
    #expect(try single.notes(for: atoms).joined().contains("single precision"))
    #expect(try PotentialCommittee("nep", [single, single]).notes(for: atoms).joined().contains("single precision"))
    #expect(try NEPPotential(file, species: ["Na", "Cl"]).notes(for: atoms).isEmpty)
  }

  @Test("species find their element whatever their order, others are refused, unused ones do not matter")
  func order() throws {
    let file = NEPSample.random(["Ag", "Na", "Cl"], seed: 3)
    let structure = TestStructures.crystal(["Cl", "Ag"], spacing: 2.6)
    let result = try BruteForceSystem(structure, reach: file.cutoff).evaluate([
      try NEPPotential(file, species: ["Cl", "Ag"])
    ])
    var turned = structure
    turned.species = ["Ag", "Na", "Cl"]
    turned.types = structure.types.map { $0 == 0 ? 2 : 0 }
    let expected = NEPSample.energies(file, turned).map(\.energy).reduce(0, +)
    #expect(abs(result.energy - expected) < 1e-9)
    let error = #expect(throws: FaultlineError.self) { try NEPPotential(file, species: ["Cl", "Cu"], path: "nep.txt") }
    #expect("\(error!)".contains("Cu") && "\(error!)".contains("Ag, Na, Cl"))
  }

  @Test("two species may be one element")
  func twins() throws {
    let file = NEPSample.random(["Na", "Cl"], seed: 5)
    let structure = TestStructures.crystal(["Na", "Cl"], spacing: 2.6)
    func energy(_ elements: [String]) throws -> Double {
      try BruteForceSystem(structure, reach: file.cutoff).evaluate([
        try NEPPotential(file, elements: elements, species: ["a", "b"])
      ]).energy
    }
    var same = structure
    same.types = structure.types.map { _ in 0 }
    #expect(abs(try energy(["Na", "Na"]) - NEPSample.energies(file, same).map(\.energy).reduce(0, +)) < 1e-9)
    #expect(abs(try energy(["Na", "Na"]) - energy(["Na", "Cl"])) > 1e-3)
  }

  @Test("a committee is the mean of its members and knows their spread")
  func committee() throws {
    let files = [5, 6, 7].map { NEPSample.random(["Na", "Cl"], seed: $0) }
    let structure = TestStructures.crystal(["Na", "Cl"], spacing: 2.5)
    let single = try files.map {
      try BruteForceSystem(structure, reach: 4.9).evaluate([NEPPotential($0, species: ["Na", "Cl"])])
    }
    let potential = PotentialCommittee("nep", try files.map { try NEPPotential($0, species: ["Na", "Cl"]) })
    let both = try BruteForceSystem(structure, reach: 4.9).evaluate([potential], want: Want.all.union(.assessment))
    #expect(abs(both.energy - single.map(\.energy).reduce(0, +) / 3) < 1e-10)
    var largest = 0.0
    for i in 0..<structure.count {
      let mean = single.reduce(Vector3.zero) { $0 + $1.forces[i] } / 3
      #expect((both.forces[i] - mean).length < 1e-10)
      largest = max(largest, (single.reduce(0) { $0 + ($1.forces[i] - mean).squaredLength } / 3).squareRoot())
    }
    let figures = potential.assess(
      sums: potential.assessmentSums, maxima: potential.assessmentMaxima, atoms: structure.count)
    #expect(abs(figures[0] - largest) < 1e-8 && largest > 1e-3)
  }
}
