import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

@Suite struct SNAPPropertyTests {
  /// Models between them with every flag, random coefficients, low orders: what is checked is that the derivatives,
  /// sums and symmetries belong to the energy.
  static let models: [String: SNAPModel] = [
    "linear": .random(["A"], twojmax: 5, seed: 1),
    "linear, odd and even orders, switched inside": .random(["A", "B"], twojmax: 4, seed: 2) {
      for k in 0..<2 { $0.elements[k].innerSwitch = (1.9 + 0.2 * Double(k), 0.4) }
    },
    "quadratic": .random(["A", "B"], twojmax: 3, seed: 3) { $0.isQuadratic = true },
    "elements apart": .random(["A", "B"], twojmax: 3, seed: 4) {
      $0.separatesElements = true
      $0.selfInAll = true
      $0.normalises = true
    },
    "elements apart, quadratic": .random(["A", "B"], twojmax: 2, seed: 5) {
      $0.separatesElements = true
      $0.isQuadratic = true
    },
    "one order": .random(["A"], twojmax: 0, seed: 6),
  ]

  /// The switching functions have a jump in their second derivative, so the steps are short: fewer pairs cross it.
  @Test(arguments: models.keys.sorted()) func keepsItsPromises(_ name: String) throws {
    let model = try #require(Self.models[name])
    let species = model.elements.map(\.name)
    try checkPotential(
      structures: TestStructures.all(species, spacing: 2.4), continuity: .force,
      tolerance: PotentialTolerance(derivative: 1e-7, step: 2e-5)
    ) {
      [try SNAPPotential(model: model, elements: species, species: species)]
    }
  }
}

extension SNAPModel {
  /// Small random coefficients; radii so that pairs are cut near 3.5 Å.
  static func random(
    _ elements: [String], twojmax: Int, seed: UInt64, _ change: (inout SNAPModel) -> Void = { _ in }
  ) -> SNAPModel {
    var random = SplitMix64(seed: seed)
    var model = SNAPModel(
      elements: elements.enumerated().map { k, name in
        Element(name: name, radius: 0.5 + 0.03 * Double(k), weight: 1 - 0.3 * Double(k), coefficients: [])
      }, twojmax: twojmax, rcutfac: 3.5)
    change(&model)
    for k in model.elements.indices {
      let linear = 1 + model.componentCount
      model.elements[k].coefficients = (0..<model.coefficientCount).map {
        Double.random(in: -1..<1, using: &random) * ($0 < linear ? 0.02 : 1e-4)
      }
    }
    return model
  }
}
