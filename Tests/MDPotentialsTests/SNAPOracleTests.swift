import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// The kernels against the plain statement of the formulas, with every flag.
@Suite struct SNAPOracleTests {
  static let models: [String: SNAPModel] = [
    "plain": .random(["A"], twojmax: 6, seed: 11),
    "odd 2J": .random(["A"], twojmax: 7, seed: 12),
    "2J = 1": .random(["A", "B"], twojmax: 1, seed: 13),
    "two elements, B of an isolated atom left in": .random(["A", "B"], twojmax: 4, seed: 14) {
      $0.subtractsIsolated = false
    },
    "normalised": .random(["A", "B"], twojmax: 4, seed: 15) { $0.normalises = true },
    "not switched": .random(["A"], twojmax: 4, seed: 16) { $0.switches = false },
    "rmin0, rfac0": .random(["A", "B"], twojmax: 4, seed: 17) {
      $0.rmin0 = 1.1
      $0.rfac0 = 0.8
    },
    "switched inside": .random(["A", "B"], twojmax: 3, seed: 18) {
      for k in 0..<2 { $0.elements[k].innerSwitch = (1.8 + 0.2 * Double(k), 0.5) }
    },
    "quadratic": .random(["A", "B"], twojmax: 4, seed: 19) { $0.isQuadratic = true },
    "elements apart": .random(["A", "B"], twojmax: 3, seed: 20) { $0.separatesElements = true },
    "elements apart, self in all, normalised": .random(["A", "B"], twojmax: 3, seed: 21) {
      $0.separatesElements = true
      $0.selfInAll = true
      $0.normalises = true
    },
    "three elements apart, quadratic": .random(["A", "B", "C"], twojmax: 1, seed: 22) {
      $0.separatesElements = true
      $0.isQuadratic = true
    },
  ]

  /// Seven atoms: groups of four with empty lanes, rows of different length, one atom out of everyone's reach.
  @Test(arguments: models.keys.sorted()) func agreesWithTheFormulas(_ name: String) throws {
    let model = try #require(Self.models[name])
    let species = model.elements.map(\.name)
    var random = SplitMix64(seed: 31)
    var positions = [Vector3(repeating: 40)]
    while positions.count < 7 {
      let r = random.vector() * 2.6
      // Apart from each other, and beyond rmin0, below which conventions differ.
      if positions.allSatisfy({ ($0 - r).length > 1.3 }) { positions.append(r) }
    }
    let elements = positions.indices.map { $0 % species.count }
    let structure = Structure(
      box: Box(lengths: Vector3(repeating: 100), periodic: .none), species: species,
      types: elements.map { Int32($0) }, positions: positions)
    let potential = try SNAPPotential(model: model, elements: species, species: species)
    let result = try BruteForceSystem(structure, reach: potential.requirements.cutoff + 0.8).evaluate([potential])
    let expected = SNAPOracle(model: model).energies(positions, elements)
    for (a, b) in zip(result.atomEnergies, expected) { #expect(abs(a - b) <= 1e-12 * max(1, abs(b))) }
    #expect(result.forces[0] == .zero, "an isolated atom feels nothing")
  }

  /// The crossing of r = 0 cannot crash: two atoms at one place give NaN for the engine to report.
  @Test func coincidentAtomsGiveNaN() throws {
    let structure = Structure(
      box: Box(lengths: Vector3(repeating: 20), periodic: .none), species: ["A"], types: [0, 0, 0],
      positions: [.zero, .zero, Vector3(2, 0, 0)])
    let potential = try SNAPPotential(model: .random(["A"], twojmax: 4, seed: 1), elements: ["A"], species: ["A"])
    let result = try BruteForceSystem(structure, reach: 4).evaluate([potential])
    #expect(!result.energy.isFinite)
  }

  /// Rows of the orthogonal matrix ⟨j₁ m₁ j₂ m₂ | j m⟩, and two values from tables.
  @Test func clebschGordanCoefficients() {
    for (j1, j2) in [(1, 1), (4, 3), (8, 8), (6, 2)] {
      for m in stride(from: -(j1 + j2), through: j1 + j2, by: 2) {
        let orders = stride(from: max(abs(j1 - j2), abs(m)), through: j1 + j2, by: 2)
        for j in orders {
          for other in orders {
            var sum = 0.0
            for m1 in stride(from: -j1, through: j1, by: 2) {
              sum += clebschGordan(j1, m1, j2, m - m1, j) * clebschGordan(j1, m1, j2, m - m1, other)
            }
            #expect(abs(sum - (j == other ? 1 : 0)) <= 1e-13)
          }
        }
      }
    }
    #expect(abs(clebschGordan(2, 0, 2, 0, 0) + 1 / 3.0.squareRoot()) <= 1e-15)
    #expect(abs(clebschGordan(2, 2, 1, -1, 1) - (2.0 / 3).squareRoot()) <= 1e-15)
  }
}
