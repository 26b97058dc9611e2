import Foundation
import MDCore
import MDNumerics
import MDPotentials
import MDTestSupport
import Testing

@Suite struct PairTests {
  static let lennardJones: [SpeciesPair: LennardJones.Parameters] = [
    SpeciesPair("Ar", "Ar"): .init(epsilon: 0.0104, sigma: 3.4),
    SpeciesPair("Kr", "Kr"): .init(epsilon: 0.014, sigma: 3.6),
  ]
  static let rareGases = ["Ar", "Kr"]
  static let morse: [SpeciesPair: Morse.Parameters] = [
    SpeciesPair("Cu", "Cu"): .init(depth: 0.3429, stiffness: 1.3588, distance: 2.866),
    SpeciesPair("Cu", "Al"): .init(depth: 0.3, stiffness: 1.25, distance: 3.0, cutoff: 5.5),
    SpeciesPair("Al", "Al"): .init(depth: 0.2703, stiffness: 1.1646, distance: 3.253),
  ]
  static let buckingham: [SpeciesPair: Buckingham.Parameters] = [
    SpeciesPair("Na", "Na"): .init(amplitude: 424.0, length: 0.317, dispersion: 1.05),
    SpeciesPair("Na", "Cl"): .init(amplitude: 1256.0, length: 0.317, dispersion: 7.0),
    SpeciesPair("Cl", "Cl"): .init(amplitude: 3488.0, length: 0.317, dispersion: 72.4),
  ]

  @Test(arguments: [PairTruncation.switched(inner: 5.8), .shifted, .cut])
  func lennardJones(truncation: PairTruncation) throws {
    // Abrupt ends have no derivative there: a cluster that is smaller than the cutoff.
    let smooth = truncation == .switched(inner: 5.8)
    let structures = TestStructures.all(Self.rareGases, spacing: 3.7)
    try checkPotential(
      structures: smooth ? structures : [structures[3]],
      continuity: smooth ? .force : truncation == .shifted ? .energy : .none
    ) {
      [
        try PairPotential(
          lennardJones: Self.lennardJones, cutoff: smooth ? 6.9 : 14, mixing: .lorentzBerthelot,
          truncation: truncation, species: Self.rareGases)
      ]
    }
  }

  @Test func morse() throws {
    let species = ["Al", "Cu"]
    try checkPotential(structures: TestStructures.all(species, spacing: 2.8), continuity: .force) {
      [try PairPotential(morse: Self.morse, cutoff: 6.1, truncation: .switched(inner: 4.9), species: species)]
    }
  }

  /// With a core, as the oxides of A. Pedone et al., J. Phys. Chem. B 110, 11780 (2006), have it.
  @Test func morseWithCore() throws {
    let species = ["Li", "O"]
    let given: [SpeciesPair: Morse.Parameters] = [
      SpeciesPair("Li", "Li"): .init(depth: 0.01, stiffness: 1.5, distance: 3, repulsion: 3),
      SpeciesPair("Li", "O"): .init(depth: 0.001114, stiffness: 3.429506, distance: 2.681360, repulsion: 1),
      SpeciesPair("O", "O"): .init(depth: 0.042395, stiffness: 1.379316, distance: 3.618701, repulsion: 22),
    ]
    try checkPotential(structures: TestStructures.all(species, spacing: 2.8), continuity: .force) {
      [try PairPotential(morse: given, cutoff: 6.1, truncation: .switched(inner: 4.9), species: species)]
    }
    let dimer = Structure(
      box: Box(lengths: Vector3(repeating: 40), periodic: .none), species: species, types: [0, 1],
      positions: [Vector3(20, 20, 20), Vector3(20, 20, 21.3)])
    let e = exp(-3.429506 * (1.3 - 2.681360))
    let energy = 0.001114 * (e * e - 2 * e) + 1 / pow(1.3, 12)
    let potential = try PairPotential(morse: given, cutoff: 9, species: species)
    // Two terms of 1e2 at most, in double precision.
    #expect(abs(try BruteForceSystem(dimer, reach: 10).evaluate([potential]).energy - energy) < 1e-13 * abs(energy))
  }

  @Test func buckingham() throws {
    let species = ["Na", "Cl"]
    try checkPotential(structures: TestStructures.all(species, spacing: 3.0), continuity: .force) {
      [try PairPotential(buckingham: Self.buckingham, cutoff: 6.3, truncation: .switched(inner: 5), species: species)]
    }
  }

  /// NaCl of M. P. Tosi, F. G. Fumi, J. Phys. Chem. Solids 25, 45 (1964).
  @Test func bornMayerHuggins() throws {
    let species = ["Na", "Cl"]
    let given: [SpeciesPair: BornMayerHuggins.Parameters] = [
      SpeciesPair("Na", "Na"): .init(
        amplitude: 0.2637, size: 2.340, length: 0.317, dispersion: 1.0486, quadrupole: 0.4993),
      SpeciesPair("Na", "Cl"): .init(
        amplitude: 0.2110, size: 2.755, length: 0.317, dispersion: 6.9906, quadrupole: 8.6758),
      SpeciesPair("Cl", "Cl"): .init(
        amplitude: 0.1582, size: 3.170, length: 0.317, dispersion: 72.4022, quadrupole: 145.4285),
    ]
    try checkPotential(structures: TestStructures.all(species, spacing: 3.0), continuity: .force) {
      [try PairPotential(bornMayerHuggins: given, cutoff: 6.3, truncation: .switched(inner: 5), species: species)]
    }
    let dimer = Structure(
      box: Box(lengths: Vector3(repeating: 40), periodic: .none), species: species, types: [0, 1],
      positions: [Vector3(20, 20, 20), Vector3(20, 20, 22.5)])
    let potential = try PairPotential(bornMayerHuggins: given, cutoff: 9, species: species)
    let energy = 0.2110 * exp((2.755 - 2.5) / 0.317) - 6.9906 / pow(2.5, 6) - 8.6758 / pow(2.5, 8)
    #expect(abs(try BruteForceSystem(dimer, reach: 10).evaluate([potential]).energy - energy) < 1e-14)
  }

  @Test func zbl() throws {
    let species = ["In", "P"]
    try checkPotential(structures: TestStructures.all(species, spacing: 2.6), continuity: .force) {
      [try PairPotential(zblInner: 4.0, outer: 4.2, species: species)]
    }
  }

  /// The sum of two potentials passes as one.
  @Test func sumOfPotentials() throws {
    let species = ["Cu", "Al"]
    try checkPotential(structures: [TestStructures.crystal(species, spacing: 2.8)], continuity: .force) {
      [
        try EAMPotential.zhou2004(species: species), try PairPotential(zblInner: 1.0, outer: 3.0, species: species),
      ]
    }
  }

  /// Energies of dimers against the formulas, evaluated here with the C library.
  /// A pair's own cutoff goes before that of all.
  @Test func ownCutoffs() throws {
    let pair = SpeciesPair("A", "A")
    let potentials = [
      try PairPotential(
        lennardJones: [pair: .init(epsilon: 0.01, sigma: 3, cutoff: 5)], cutoff: 8, species: ["A"]),
      try PairPotential(
        morse: [pair: .init(depth: 0.3, stiffness: 1.2, distance: 3, cutoff: 5)], cutoff: 8, species: ["A"]),
      try PairPotential(
        buckingham: [pair: .init(amplitude: 1000, length: 0.3, dispersion: 10, cutoff: 5)], cutoff: 8, species: ["A"]),
      try PairPotential(
        bornMayerHuggins: [
          pair: .init(amplitude: 0.2, size: 2.7, length: 0.3, dispersion: 7, quadrupole: 8, cutoff: 5)
        ], cutoff: 8, species: ["A"]),
    ]
    for potential in potentials {
      let energies = try [4.9, 5.1].map { r in
        let s = Structure(
          box: Box(lengths: Vector3(repeating: 40), periodic: .none), species: ["A"], types: [0, 0],
          positions: [Vector3(20, 20, 20), Vector3(20, 20, 20 + r)])
        return try BruteForceSystem(s, reach: 9).evaluate([potential]).energy
      }
      #expect(energies[0] != 0 && energies[1] == 0, "\(potential.name)")
    }
  }

  /// σ of unlike pairs by the arithmetic or the geometric mean, ε by the geometric one.
  @Test(arguments: [(LennardJones.Mixing.lorentzBerthelot, 3.5), (.geometric, (3.0 * 4).squareRoot())])
  func mixing(_ mixing: LennardJones.Mixing, _ sigma: Double) throws {
    let like: [SpeciesPair: LennardJones.Parameters] = [
      SpeciesPair("A", "A"): .init(epsilon: 0.01, sigma: 3), SpeciesPair("B", "B"): .init(epsilon: 0.04, sigma: 4),
    ]
    let potential = try PairPotential(lennardJones: like, cutoff: 12, mixing: mixing, species: ["A", "B"])
    let s = Structure(
      box: Box(lengths: Vector3(repeating: 40), periodic: .none), species: ["A", "B"], types: [0, 1],
      positions: [Vector3(20, 20, 20), Vector3(20, 20, 23.7)])
    let u = pow(sigma / 3.7, 6)
    let energy = try BruteForceSystem(s, reach: 13).evaluate([potential]).energy
    #expect(abs(energy - 4 * 0.02 * (u * u - u)) < 1e-13)
  }

  @Test(arguments: [1.7, 2.3, 2.9, 3.61, 4.4, 5.3])
  func dimers(r: Double) throws {
    func energy(_ a: String, _ b: String, _ potential: any Potential) throws -> Double {
      let species = a == b ? [a] : [a, b]
      let s = Structure(
        box: Box(lengths: Vector3(repeating: 40), periodic: .none), species: species,
        types: [0, Int32(species.count - 1)], positions: [Vector3(20, 20, 20), Vector3(20, 20, 20 + r)])
      return try BruteForceSystem(s, reach: potential.requirements.cutoff + 1).evaluate([potential]).energy
    }
    func near(_ value: Double, _ formula: Double) { #expect(abs(value - formula) <= 2e-14 * max(1, abs(formula))) }

    let u = 3.5 / r
    let epsilon = (0.0104 * 0.014).squareRoot()
    near(
      try energy(
        "Ar", "Kr",
        PairPotential(
          lennardJones: Self.lennardJones, cutoff: 9, mixing: .lorentzBerthelot, species: ["Ar", "Kr"])),
      4 * epsilon * (pow(u, 12) - pow(u, 6)))
    let e = exp(-1.3588 * (r - 2.866))
    near(try energy("Cu", "Cu", PairPotential(morse: Self.morse, cutoff: 9, species: ["Cu"])), 0.3429 * (e * e - 2 * e))
    near(
      try energy("Na", "Cl", PairPotential(buckingham: Self.buckingham, cutoff: 9, species: ["Na", "Cl"])),
      1256 * exp(-r / 0.317) - 7 / pow(r, 6))
    // Far inside of the switch only the constant is added to the screened Coulomb energy.
    let a = 0.46850 / (2 * pow(73, 0.23))
    let zbl = try PairPotential(zblInner: 5.99, outer: 6.0, species: ["Ta"])
    let screened =
      0.02817 * exp(-0.20162 * r / a) + 0.28022 * exp(-0.40290 * r / a) + 0.50986 * exp(-0.94229 * r / a)
      + 0.18175 * exp(-3.19980 * r / a)
    let end = 0.02817 * exp(-0.20162 * 6 / a) + 0.28022 * exp(-0.40290 * 6 / a) + 0.50986 * exp(-0.94229 * 6 / a)
    let k = 14.399645 * 73 * 73
    // The constant is −φ(6 Å) up to terms of the width of the switch, 0.01 Å, times the slope there.
    #expect(abs(try energy("Ta", "Ta", zbl) - k * (screened / r - end / 6)) <= 0.01 * k * end / 6 / a)
  }

  /// LAMMPS 22Jul2025, `pair_style zbl 4.0 4.8`, two Ta atoms: pe, and the force of the second on the first.
  @Test(arguments: ZBLCase.all) func zblOfLAMMPS(c: ZBLCase) throws {
    let s = Structure(
      box: Box(lengths: Vector3(repeating: 40), periodic: .none), species: [c.a, c.b], types: [0, 1],
      positions: [Vector3(10, 10, 10), Vector3(10 + c.r, 10, 10)])
    let zbl = try PairPotential(zblInner: 4.0, outer: 4.8, species: [c.a, c.b])
    let result = try BruteForceSystem(s, reach: 6).evaluate([zbl])
    #expect(abs(result.energy - c.energy) <= 1e-12 * max(1, abs(c.energy)))
    #expect(abs(result.forces[0].x - c.force) <= 1e-12 * max(1, abs(c.force)))
  }

  struct ZBLCase: Sendable {
    let a: String, b: String
    let r: Double, energy: Double, force: Double
    static let all: [ZBLCase] = [
      ZBLCase(a: "Ta", b: "Ta", r: 0.9, energy: 678.9067934392563, force: -3210.2029233913145),
      ZBLCase(a: "Ta", b: "Ta", r: 2.1, energy: 8.68544315150856, force: -25.697370504926226),
      ZBLCase(a: "Ta", b: "Ta", r: 3.3, energy: 0.3067924233170209, force: -0.8474557055652014),
      ZBLCase(a: "Ta", b: "Ta", r: 4.2, energy: 0.0156927716888858, force: -0.07623942131521162),
      ZBLCase(a: "Ta", b: "Ta", r: 4.6, energy: 0.0006298386606641568, force: -0.009293678109173954),
      ZBLCase(a: "In", b: "P", r: 0.9, energy: 181.87537403888018, force: -773.1978523816686),
      ZBLCase(a: "In", b: "P", r: 2.1, energy: 3.4519345491858813, force: -9.175828057940084),
      ZBLCase(a: "In", b: "P", r: 3.3, energy: 0.18495032319830576, force: -0.4447204464514054),
      ZBLCase(a: "In", b: "P", r: 4.2, energy: 0.012355173006511979, force: -0.057683865190732334),
      ZBLCase(a: "In", b: "P", r: 4.6, energy: 0.0005250986010721052, force: -0.0076931556061994),
    ]
  }

  @Test func mistakes() {
    func message(_ make: () throws -> PairPotential) -> String {
      do {
        _ = try make()
        return "no error"
      } catch { return "\(error)" }
    }
    #expect(
      message { try PairPotential(lennardJones: Self.lennardJones, cutoff: 8, species: ["Ar", "Kr"]) }
        .contains("no parameters for the pair Ar–Kr"))
    #expect(
      message { try PairPotential(zblInner: 5, outer: 4, species: ["Cu"]) }.contains("inner < outer"))
    #expect(message { try PairPotential(zblInner: 3, outer: 4, species: ["A"]) }.contains("atomic number"))
    #expect(
      message { try PairPotential(morse: Self.morse, cutoff: 6, truncation: .switched(inner: 7), species: ["Cu"]) }
        .contains("inside of the cutoff"))
    #expect(
      message { try PairPotential(lennardJones: Self.lennardJones, cutoff: -8, species: ["Ar"]) }
        .contains("must be positive"))
  }
}
