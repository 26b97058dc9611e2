import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// The kernels of atomic cluster expansions against the formulas, and the properties that every potential has.
@Suite struct ACETests {
  struct Model: Sendable, CustomTestStringConvertible {
    var elements: [String]
    var form = ACEFile.RadialForm.sphericalBessel
    var radial = (k: 5, n: 3)
    var degree = 3
    var rank = 4
    var embedding = ACEFile.EmbeddingForm.shiftedScaled
    var densities: [(w: Double, m: Double)] = [(1, 1), (0.7, 0.5)]
    var inner = ACEFile.InnerCutoff.density
    var repulsive = false
    var spacing = 2.5
    var testDescription: String {
      "\(elements), \(form.rawValue) \(radial), l ≤ \(degree), rank \(rank), \(densities.count) densities, \(inner.rawValue)"
        + (repulsive ? ", repulsive" : "")
    }
    var file: ACEFile {
      get throws {
        try ACESample.random(
          elements, seed: UInt64(radial.n + 7 * degree + rank), form: form, radial: radial, degree: degree, rank: rank,
          embedding: embedding, densities: densities, inner: inner, repulsive: repulsive
        ).file()
      }
    }
  }

  /// Every radial form, embedding and inner cutoff, every number of radial functions that kernels are made for and one
  /// that takes several, every number of densities.
  static let models = [
    Model(elements: ["Cu"], rank: 6), Model(elements: ["Na", "Cl"], rank: 5),
    Model(elements: ["Cu"], form: .chebyshevExponential, radial: (7, 5), degree: 4),
    Model(elements: ["Cu"], form: .chebyshevPower, radial: (4, 8), degree: 6, rank: 3, densities: [(1, 1)]),
    Model(elements: ["Cu"], radial: (4, 1), densities: [(1, 1), (0.5, 0.5), (0.3, 2)]),
    Model(elements: ["Ag", "Na", "Cl"], radial: (3, 2), degree: 2, densities: [(1, 1), (0.5, 0.5), (0.3, 2), (0.2, 0.75)]),
    Model(elements: ["Cu"], radial: (3, 4), densities: (1...5).map { (0.3, 0.25 * Double($0)) }),
    Model(elements: ["Cu"], radial: (3, 6), densities: (1...6).map { (0.3, 0.25 * Double($0)) }),
    Model(elements: ["Cu"], radial: (3, 7), densities: (1...7).map { (0.3, 0.25 * Double($0)) }),
    Model(elements: ["Na", "Cl"], radial: (3, 11), densities: (1...8).map { (0.3, 0.25 * Double($0)) }),
    Model(elements: ["Cu"], radial: (6, 0), rank: 1), Model(elements: ["Cu"], degree: 0, rank: 2),
    Model(elements: ["Cu"], embedding: .finnisSinclair, densities: [(1, 1), (0.4, 0.8)]),
    Model(elements: ["Na", "Cl"], repulsive: true, spacing: 2.1),
    Model(elements: ["Na", "Cl"], inner: .distance, repulsive: true, spacing: 2.3),
    Model(elements: ["Na", "Cl"], inner: .zbl, repulsive: true, spacing: 2.3),
  ]

  private func expect(_ file: ACEFile, _ names: [String], spacing: Double) throws {
    for structure in TestStructures.all(names, spacing: spacing) {
      let result = try BruteForceSystem(structure, reach: file.cutoff + 0.3).evaluate([
        try ACEPotential(file, species: names)
      ])
      let expected = ACEFormulas.energies(file, structure)
      // The radial functions are interpolated to 2e-11.
      let scale = expected.map(abs).max() ?? 1
      for (a, b) in zip(result.atomEnergies, expected) { #expect(abs(a - b) <= 2e-9 * max(scale, 1)) }
    }
  }

  @Test("per-atom energies are those of the formulas", arguments: models)
  func agreesWithTheFormulas(_ model: Model) throws {
    try expect(model.file, model.elements, spacing: model.spacing)
  }

  @Test("of a function that does not vanish at the cutoff, too") func linear() throws {
    let file = try Model(elements: ["Na", "Cl"], form: .chebyshevLinear).file
    try expect(file, ["Na", "Cl"], spacing: 2.5)
  }

  /// The structures of a model that switches have pairs within the reach of its switches.
  @Test("forces, virials, invariances", arguments: models)
  func keepsItsPromises(_ model: Model) throws {
    let file = try model.file
    try checkPotential(
      structures: TestStructures.all(model.elements, spacing: model.spacing), continuity: .force,
      // By the choice of the nearest neighbour `zbl` has a force that jumps where two are equally near.
      tolerance: PotentialTolerance(derivative: 1e-7, step: 1e-4)
    ) { [try ACEPotential(file, species: model.elements)] }
  }

  @Test("GRACE-FS: energies of the formulas, every promise", arguments: [3, 12, 20])
  func grace(_ radial: Int) throws {
    let names = ["Al", "Li"]
    let file = try ACEReader.parse(
      Array(ACESample.grace(["Li", "H", "Al"], seed: 8, radial: (k: 4, n: radial)).utf8), file: "grace.yaml")
    #expect(file.isReal && file.scale == 1.4)
    for structure in TestStructures.all(names, spacing: 2.5) {
      let result = try BruteForceSystem(structure, reach: file.cutoff + 0.3).evaluate([
        try ACEPotential(file, species: names)
      ])
      let expected = ACEFormulas.energies(file, structure)
      let scale = expected.map(abs).max() ?? 1
      for (a, b) in zip(result.atomEnergies, expected) { #expect(abs(a - b) <= 2e-9 * max(scale, 1)) }
    }
    try checkPotential(
      structures: TestStructures.all(names, spacing: 2.5), continuity: .force,
      tolerance: PotentialTolerance(derivative: 1e-7, step: 1e-4)
    ) { [try ACEPotential(file, species: names)] }
  }

  @Test("the C-tilde basis of a potential is the potential") func bases() throws {
    let names = ["Na", "Cl"]
    let file = try ACESample.random(names, seed: 4, rank: 5, inner: .distance, repulsive: true).file()
    let other = try ACEReader.parse(Array(ACESample.converted(file).utf8), file: "sample.yace")
    #expect(other.bonds == file.bonds && other.embeddings == file.embeddings && other.innerCutoff == .distance)
    let structure = TestStructures.crystal(names, spacing: 2.3)
    let energies = try [file, other].map {
      try BruteForceSystem(structure, reach: file.cutoff).evaluate([ACEPotential($0, species: names)]).energy
    }
    #expect(abs(energies[0] - energies[1]) < 1e-11 * abs(energies[0]))
  }

  @Test("the old format of a potential is the potential", arguments: [false, true]) func legacy(_ isFlat: Bool) throws {
    var file = try ACESample.random(["Cu"], seed: 6, radial: (4, 3), degree: 2, rank: 4, repulsive: true).file()
    file.offsets = [-0.7]
    var text = ACESample.legacy(file)
    if isFlat {
      // As nested lists are not the only form of radial coefficients in `.yace`: one list, k slowest and l fastest.
      let b = file.bonds[0]
      let (n, l, k) = (b.radialCount, b.degree + 1, b.basisCount)
      let flat = (0..<k).flatMap { c in (0..<n).flatMap { a in (0..<l).map { b.coefficients[(a * l + $0) * k + c] } } }
      text = ACESample.converted(file).replacing(ACESample.nested(b), with: "\(flat)")
    }
    let other = try ACEReader.parse(Array(text.utf8), file: "sample")
    #expect(other.bonds == file.bonds && other.embeddings == file.embeddings && other.offsets == [-0.7])
    let structure = TestStructures.crystal(["Cu"], spacing: 2.4)
    let energies = try [file, other].map {
      try BruteForceSystem(structure, reach: file.cutoff).evaluate([ACEPotential($0, species: ["Cu"])]).energy
    }
    #expect(abs(energies[0] - energies[1]) < 1e-11 * abs(energies[0]))
  }

  /// Rows of an active set: functions of one factor, then by the number of factors, elements, n and l.
  @Test func rows() throws {
    let file = try ACESample.random(["Ag", "Na", "Cl"], seed: 3, rank: 5).file()
    for functions in file.functions {
      let keys = functions.map { f in [f.rank] + f.factors.map(\.element) + f.factors.map(\.n) + f.factors.map(\.l) }
      #expect(functions.map(\.row) == Array(functions.indices) && functions.count > 20)
      for (a, b) in zip(keys, keys.dropFirst()) { #expect(!b.lexicographicallyPrecedes(a), "\(a) \(b)") }
    }
  }

  @Test("species find their element whatever their order, others are refused, unused ones do not matter")
  func order() throws {
    let file = try ACESample.random(["Ag", "Na", "Cl"], seed: 3).file()
    let structure = TestStructures.crystal(["Na", "Ag"], spacing: 2.6)
    let result = try BruteForceSystem(structure, reach: file.cutoff).evaluate([
      try ACEPotential(file, species: ["Na", "Ag"])
    ])
    #expect(abs(result.energy - ACEFormulas.energies(file, structure).reduce(0, +)) < 1e-8)
    let error = #expect(throws: FaultlineError.self) { try ACEPotential(file, species: ["Cl", "Cu"], path: "a.yaml") }
    #expect("\(error!)".contains("Cu") && "\(error!)".contains("Ag, Cl, Na"))
    // Two species may be one element.
    var twins = structure
    twins.species = ["Na", "Na"]
    let same = try BruteForceSystem(structure, reach: file.cutoff).evaluate([
      try ACEPotential(file, elements: ["Na", "Na"], species: ["a", "b"])
    ])
    #expect(abs(same.energy - ACEFormulas.energies(file, twins).reduce(0, +)) < 1e-8)
    #expect(abs(same.energy - result.energy) > 1e-3)
  }

  @Test("lone atoms have the energy of their element, and a far atom none of another's")
  func lone() throws {
    var file = try ACESample.random(["Na", "Cl"], seed: 4).file()
    file.offsets = [0.7, -1.3]
    let structure = Structure(
      box: Box(cell: Matrix3(diagonal: Vector3(20, 20, 20)), periodic: .none), species: ["Cl", "Na"], types: [0, 1],
      positions: [Vector3(1, 1, 1), Vector3(1, 1, 1 + file.cutoff + 1e-6)])
    let result = try BruteForceSystem(structure, reach: file.cutoff + 1).evaluate([
      try ACEPotential(file, species: ["Cl", "Na"])
    ])
    #expect(result.atomEnergies == [0.7, -1.3] && result.forces.allSatisfy { $0 == .zero })
  }

  @Test("a committee is the mean of its members and knows their spread")
  func committee() throws {
    let names = ["Na", "Cl"]
    let files = try [5, 6, 7].map { try ACESample.random(names, seed: $0).file() }
    let structure = TestStructures.crystal(names, spacing: 2.5)
    let single = try files.map {
      try BruteForceSystem(structure, reach: 4.5).evaluate([ACEPotential($0, species: names)])
    }
    let potential = PotentialCommittee("ace", try files.map { try ACEPotential($0, species: names) })
    let both = try BruteForceSystem(structure, reach: 4.5).evaluate([potential], want: Want.all.union(.assessment))
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
