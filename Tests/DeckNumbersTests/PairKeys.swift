import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Each parameter of each pair form, against the formula, summed by the test over images.
@Suite("Deck → numbers: pair potentials") struct PairKeyTests {
  @Test(arguments: effects) func effect(_ effect: KeyEffect) throws { try effect.check() }

  static let rows = Sample.crystal(["Na", "Cl"], spacing: 3.1, cells: [1, 1, 2], seed: 9)

  /// A deck's potential on a periodic crystal, a slab and a cluster.
  static func expect(_ potential: String, _ model: PairModel) throws {
    let structures = [
      rows,
      Sample.crystal(
        ["Na", "Cl"], spacing: 3.1, cells: [1, 2, 1], periodic: Periodicity(true, true, false), vacuum: 3),
      Sample.crystal(["Na", "Cl"], spacing: 3.1, cells: [1, 1, 1], periodic: .none, vacuum: 3),
    ]
    let run = try DeckRun(files: ["in.extxyz": structures.map(Sample.text).joined()])
    let frames = try run.evaluate("potential: [\(potential)]", frames: "in.extxyz", ranks: 2)
    try #require(frames.count == 3)
    for (frame, s) in zip(frames, structures) { try EvaluateTests.expect(Frame(frame), model.evaluate(s), of: s) }
  }

  /// Three pairs of a family by their parameters.
  static func pairs(_ parameters: [String]) -> String {
    "pairs: [{species: [Na, Na], \(parameters[0])}, {species: [Cl, Na], \(parameters[1])}, "
      + "{species: [Cl, Cl], \(parameters[2])}]"
  }

  static func model(_ laws: [PairLaw], _ end: (PairLaw) -> PairLaw) -> PairModel {
    PairModel([("Na", "Na", end(laws[0])), ("Na", "Cl", end(laws[1])), ("Cl", "Cl", end(laws[2]))])
  }

  /// The truncations of every family, with and without their defaults.
  static let ends: [(String, @Sendable (PairLaw) -> PairLaw)] = [
    ("", { $0.shifted }), ("truncation: shifted, ", { $0.shifted }), ("truncation: cut, ", { $0 }),
    ("truncation: switched, ", { $0.switched(from: 0.9 * $0.cutoff) }),
    ("truncation: switched, switch_from: 3.3, ", { $0.switched(from: 3.3) }),
  ]

  static func family(
    _ name: String, _ parameters: [String], _ laws: @escaping @Sendable (_ cutoffs: [Double]) -> [PairLaw]
  )
    -> @Sendable () throws -> Void
  {
    {
      for (keys, end) in ends {
        try expect("{\(name): {cutoff: 5.5, \(keys)\(pairs(parameters))}}", model(laws([5.5, 5.5, 5.5]), end))
      }
      // A pair's own cutoff, in another unit.
      var own = parameters
      own[1] += ", cutoff: 4.5"
      own[2] += ", cutoff: 0.61 nm"
      try expect("{\(name): {cutoff: 5.5, \(pairs(own))}}", model(laws([5.5, 4.5, 6.1]), { $0.shifted }))
    }
  }

  static let effects = [
    KeyEffect(
      in: "potential.lennard_jones", "cutoff", "truncation", "switch_from", "pairs.species", "pairs.epsilon",
      "pairs.sigma",
      "pairs.cutoff",
      check: family(
        "lennard_jones", ["epsilon: 0.011, sigma: 2.6", "epsilon: 17 meV, sigma: 2.9", "epsilon: 0.023, sigma: 3.1 Å"]
      ) {
        [
          .lennardJones(0.011, 2.6, cutoff: $0[0]), .lennardJones(0.017, 2.9, cutoff: $0[1]),
          .lennardJones(0.023, 3.1, cutoff: $0[2]),
        ]
      }),
    KeyEffect("potential.lennard_jones.mixing") {
      let own =
        "pairs: [{species: [Na, Na], epsilon: 0.011, sigma: 2.4}, {species: [Cl, Cl], epsilon: 0.044, sigma: 3.2}]"
      for (rule, sigma) in [("lorentz_berthelot", 2.8), ("geometric", (2.4 * 3.2).squareRoot())] {
        try expect(
          "{lennard_jones: {cutoff: 5.5, mixing: \(rule), \(own)}}",
          model(
            [
              .lennardJones(0.011, 2.4, cutoff: 5.5), .lennardJones(0.022, sigma, cutoff: 5.5),
              .lennardJones(0.044, 3.2, cutoff: 5.5),
            ],
            { $0.shifted }))
      }
      #expect(throws: FaultlineError.self) {
        try expect("{lennard_jones: {cutoff: 5.5, mixing: none, \(own)}}", PairModel([]))
      }
    },
    KeyEffect(
      in: "potential.morse", "cutoff", "truncation", "switch_from", "pairs.species", "pairs.depth", "pairs.alpha",
      "pairs.distance", "pairs.c12", "pairs.cutoff",
      check: family(
        "morse",
        [
          "depth: 0.3, alpha: 1.3, distance: 2.9", "depth: 0.2, alpha: 1.6, distance: 2.7, c12: 90",
          "depth: 100 meV, alpha: 1.1, distance: 3.2, c12: 7",
        ]
      ) {
        [
          .morse(0.3, 1.3, 2.9, cutoff: $0[0]), .morse(0.2, 1.6, 2.7, c12: 90, cutoff: $0[1]),
          .morse(0.1, 1.1, 3.2, c12: 7, cutoff: $0[2]),
        ]
      }),
    KeyEffect(
      in: "potential.buckingham", "cutoff", "truncation", "switch_from", "pairs.species", "pairs.a", "pairs.rho",
      "pairs.c", "pairs.cutoff",
      check: family(
        "buckingham", ["a: 420, rho: 0.31, c: 1.1", "a: 1250, rho: 0.32, c: 7.2", "a: 3500, rho: 0.0331 nm, c: 72"]
      ) {
        [
          .buckingham(420, 0.31, 1.1, cutoff: $0[0]), .buckingham(1250, 0.32, 7.2, cutoff: $0[1]),
          .buckingham(3500, 0.331, 72, cutoff: $0[2]),
        ]
      }),
    KeyEffect(
      in: "potential.born_mayer_huggins", "cutoff", "truncation", "switch_from", "pairs.species", "pairs.a",
      "pairs.sigma", "pairs.rho", "pairs.c", "pairs.d", "pairs.cutoff",
      check: family(
        "born_mayer_huggins",
        [
          "a: 0.26, sigma: 2.34, rho: 0.31, c: 1.05", "a: 0.21, sigma: 2.75, rho: 0.32, c: 7, d: 8.7",
          "a: 158 meV, sigma: 3.17, rho: 0.33, c: 72, d: -145",
        ]
      ) {
        [
          .bornMayerHuggins(0.26, 2.34, 0.31, 1.05, 0, cutoff: $0[0]),
          .bornMayerHuggins(0.21, 2.75, 0.32, 7, 8.7, cutoff: $0[1]),
          .bornMayerHuggins(0.158, 3.17, 0.33, 72, -145, cutoff: $0[2]),
        ]
      }),
    KeyEffect("potential.zbl.inner", "potential.zbl.outer") {
      try expect(
        "{zbl: {inner: 2.5, outer: 3.4}}",
        PairModel([
          ("Na", "Na", zbl(11, 11, 2.5, 3.4)), ("Na", "Cl", zbl(11, 17, 2.5, 3.4)), ("Cl", "Cl", zbl(17, 17, 2.5, 3.4)),
        ]))
      try expect(
        "{zbl: {inner: 3, outer: 5}}",
        PairModel([("Na", "Na", zbl(11, 11, 3, 5)), ("Na", "Cl", zbl(11, 17, 3, 5)), ("Cl", "Cl", zbl(17, 17, 3, 5))]))
    },
  ]

  /// Z_i Z_j C/r Σ cₖ e^(−dₖ r/a), and from `inner` on a quartic that takes energy, slope and curvature to zero.
  static func zbl(_ zi: Double, _ zj: Double, _ inner: Double, _ outer: Double) -> PairLaw {
    let a = 0.4685 / (pow(zi, 0.23) + pow(zj, 0.23))
    let terms = [(0.18175, 3.19980), (0.50986, 0.94229), (0.28022, 0.40290), (0.02817, 0.20162)]
    let bare: @Sendable (Dual) -> Dual = { r in
      let screening = terms.reduce(Dual(0)) { $0 + $1.0 * Dual.exp((-$1.1 / a) * r) }
      return (zi * zj * 14.399645) * (screening / r)
    }
    // Value, slope, curvature at the outer end.
    let h = 1e-4
    let (v, d) = (bare(.variable(outer)).value, bare(.variable(outer)).slope)
    let slopes = [-2.0, -1, 1, 2].map { bare(.variable(outer + $0 * h)).slope }
    let curvature = (slopes[0] - 8 * slopes[1] + 8 * slopes[2] - slopes[3]) / (12 * h)
    let w = outer - inner
    let p = (-3 * d + w * curvature) / (w * w)
    let q = (2 * d - w * curvature) / (w * w * w)
    let c = -v + 0.5 * w * d - w * w * curvature / 12
    return PairLaw(cutoff: outer) { r in
      guard r.value > inner else { return bare(r) + c }
      let x = r - inner
      return bare(r) + (p / 3) * x.power(3) + (q / 4) * x.power(4) + c
    }
  }
}
