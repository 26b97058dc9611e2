import MDCore
import MDDeck
import MDPotentialFiles
import MDPotentials

// A family: its keys in the deck, and how its potential is made from them. File paths come absolute.

extension Registry.Family {
  static let speciesKey = DeckKey.optional(
    "species", .list(.string, count: 1...118),
    "Species that the potential may act on, a check: others in the structure are an error. All of the file if absent.")

  /// The potential's element of each species: its chemical symbol, or its name when it is no element.
  static func elements(_ section: DeckSection, _ plan: RunPlan, _ species: [String]) throws -> [String] {
    if let allowed = section["species"]?.strings {
      for name in species where !allowed.contains(name) {
        throw section.error(
          "species", "does not name \(name), which is in the structure",
          hint: "it has \(allowed.joined(separator: ", "))")
      }
    }
    return species.map { plan.element(of: $0) ?? $0 }
  }

  static let snap = Registry.Family(
    "snap",
    DeckObject(
      "SNAP, linear or quadratic (Thompson et al. 2015), from the files of LAMMPS `pair_style snap`.",
      [
        .required("coefficients", .path(.input), "The .snapcoeff file."),
        .required("parameters", .path(.input), "The .snapparam file."),
        speciesKey,
      ],
      example: """
        potential:
          - snap:
              coefficients: ../potentials/snap/Mo_Zuo_JPCA2020.snapcoeff
              parameters: ../potentials/snap/Mo_Zuo_JPCA2020.snapparam
        """)
  ) { section, plan, species, _ in
    try SNAPPotential(
      coefficientsFile: section.path("coefficients"), parametersFile: section.path("parameters"),
      elements: elements(section, plan, species), species: species)
  }

  static let eam = Registry.Family(
    "eam",
    DeckObject(
      "Embedded-atom method: a `setfl` file (eam/alloy), a Finnis–Sinclair file (eam/fs), or published parameters.",
      [
        .optional("file", .path(.input), "The table."),
        .optional(
          "format", .enumeration(EAMFormat.allCases.map(\.rawValue)),
          "Kind of the file; found from its name if absent."),
        .optional(
          "parameters", .enumeration(["zhou2004"]),
          "Zhou, Johnson, Wadley (2004): Cu, Ag, Au, Ni, Pd, Pt, Al, Pb, Fe, Mo, Ta, W, Mg, Co, Ti, Zr and their "
            + "alloys."
        ),
        speciesKey,
      ],
      rules: [.init(.exactlyOne, of: ["file", "parameters"])],
      example: """
        potential:
          - eam: {parameters: zhou2004}
        """)
  ) { section, plan, species, _ in
    let elements = try elements(section, plan, species)
    guard let file = section["file"]?.string else {
      return try EAMPotential.zhou2004(elements, species: species)
    }
    let format = section["format"].flatMap { EAMFormat(rawValue: $0.string) }
    return try EAMPotential(file: file, elements: elements, species: species, format: format)
  }

  static let zbl = Registry.Family(
    "zbl",
    DeckObject(
      "Ziegler–Biersack–Littmark screened nuclear repulsion between all species, as LAMMPS `pair_style zbl`.",
      [
        .required("inner", .quantity(.length, .positive.plausibly(0.1...50)), "Switching begins."),
        .required("outer", .quantity(.length, .positive.plausibly(0.1...50)), "The interaction ends."),
      ],
      example: """
        potential:
          - zbl: {inner: 4.0, outer: 4.8}
        """)
  ) { section, plan, species, _ in
    let (inner, outer) = (section.double("inner"), section.double("outer"))
    guard inner < outer else {
      throw section.error("outer", "is \(outer) Å, not beyond inner (\(inner) Å)")
    }
    var numbers: [String: Double] = [:]
    for name in species {
      if let symbol = plan.element(of: name), let z = Elements.atomicNumber(of: symbol) { numbers[name] = Double(z) }
    }
    return try PairPotential(zblInner: inner, outer: outer, atomicNumbers: numbers, species: species)
  }

  // MARK: Pair forms

  private static func pairSchema(
    _ doc: String, parameters: [DeckKey], extra: [DeckKey] = [], example: String
  ) -> DeckObject {
    let pair = DeckObject(
      "Parameters of one pair of species.",
      [.required("species", .list(.string, count: 2...2), "The two species, in either order.")] + parameters
        + [.optional("cutoff", .quantity(.length, Registry.cutoff), "Of this pair; the potential's if absent.")])
    return DeckObject(
      doc,
      [
        .required("cutoff", .quantity(.length, Registry.cutoff), "Interactions end here."),
        .required("pairs", .list(.object(pair), count: 1...10_000), "Parameters by pair of species."),
        .defaulted(
          "truncation", .enumeration(["cut", "shifted", "switched"]), "shifted",
          "At the cutoff: plain cut, energy shifted to zero, or smoothly switched off (to the second derivative)."),
        .optional(
          "switch_from", .quantity(.length, Registry.cutoff), "Where `switched` begins; 0.9 of the cutoff if absent."),
      ] + extra, example: example)
  }

  private static func truncation(_ section: DeckSection) throws -> PairTruncation {
    let kind = section.string("truncation")
    if section.gives("switch_from"), kind != "switched" {
      throw section.error("switch_from", "needs `truncation: switched`")
    }
    switch kind {
    case "cut": return .cut
    case "shifted": return .shifted
    default:
      let cutoff = section.double("cutoff")
      let inner = section["switch_from"]?.double ?? 0.9 * cutoff
      guard inner < cutoff else { throw section.error("switch_from", "is not below the cutoff") }
      return .switched(inner: inner)
    }
  }

  private static func pairs<P>(_ section: DeckSection, _ make: (DeckSection) -> P) throws -> [SpeciesPair: P] {
    var all: [SpeciesPair: P] = [:]
    for value in section.list("pairs") {
      let names = value.section.strings("species")
      let pair = SpeciesPair(names[0], names[1])
      guard all.updateValue(make(value.section), forKey: pair) == nil else {
        throw value.section.error("species", "gives the pair \(names[0])–\(names[1]) a second time")
      }
    }
    return all
  }

  static let lennardJones = Registry.Family(
    "lennard_jones",
    pairSchema(
      "Lennard-Jones 12-6: 4ε((σ/r)¹² − (σ/r)⁶).",
      parameters: [
        .required("epsilon", .quantity(.energy, .nonNegative), "ε, depth of the well."),
        .required("sigma", .quantity(.length, .positive.plausibly(0.1...50)), "σ, where the energy is zero."),
      ],
      extra: [
        .defaulted(
          "mixing", .enumeration(["none", "lorentz_berthelot", "geometric"]), "none",
          "Parameters of unlike pairs that are not given.")
      ],
      example: """
        potential:
          - lennard_jones:
              cutoff: 8.5
              pairs: [{species: [Ar, Ar], epsilon: 0.01042, sigma: 3.405}]
        """)
  ) { section, _, species, _ in
    let mixing: LennardJones.Mixing =
      switch section.string("mixing") {
      case "lorentz_berthelot": .lorentzBerthelot
      case "geometric": .geometric
      default: .none
      }
    return try PairPotential(
      lennardJones: pairs(section) {
        .init(epsilon: $0.double("epsilon"), sigma: $0.double("sigma"), cutoff: $0["cutoff"]?.double)
      },
      cutoff: section.double("cutoff"), mixing: mixing, truncation: truncation(section), species: species)
  }

  static let morse = Registry.Family(
    "morse",
    pairSchema(
      "Morse: D(e^(−2α(r − r₀)) − 2e^(−α(r − r₀))) + C/r¹².",
      parameters: [
        .required("depth", .quantity(.energy, .nonNegative), "D, depth of the well."),
        .required("alpha", .number(.positive), "α, 1/Å."),
        .required("distance", .quantity(.length, .positive.plausibly(0.1...50)), "r₀, where the energy is lowest if C is 0."),
        .defaulted("c12", .number(.nonNegative), "0", "C, eV·Å¹²; not 0 in the ionic model of Pedone et al. (2006)."),
      ],
      example: """
        potential:
          - morse:
              cutoff: 8.0
              pairs: [{species: [Cu, Cu], depth: 0.3429, alpha: 1.3588, distance: 2.866}]
        """)
  ) { section, _, species, _ in
    try PairPotential(
      morse: pairs(section) {
        .init(
          depth: $0.double("depth"), stiffness: $0.double("alpha"), distance: $0.double("distance"),
          repulsion: $0.double("c12"), cutoff: $0["cutoff"]?.double)
      },
      cutoff: section.double("cutoff"), truncation: truncation(section), species: species)
  }

  static let buckingham = Registry.Family(
    "buckingham",
    pairSchema(
      "Buckingham: A e^(−r/ρ) − C/r⁶, without charges (see `coulomb`).",
      parameters: [
        .required("a", .quantity(.energy, .nonNegative), "A."),
        .required("rho", .quantity(.length, .positive.plausibly(0.01...10)), "ρ."),
        .required("c", .number(.nonNegative), "C, eV·Å⁶."),
      ],
      example: """
        potential:
          - buckingham:
              cutoff: 9.0
              pairs: [{species: [Ar, Ar], a: 10540.0, rho: 0.273, c: 63.0}]
        """)
  ) { section, _, species, _ in
    try PairPotential(
      buckingham: pairs(section) {
        .init(
          amplitude: $0.double("a"), length: $0.double("rho"), dispersion: $0.double("c"), cutoff: $0["cutoff"]?.double)
      },
      cutoff: section.double("cutoff"), truncation: truncation(section), species: species)
  }

  static let bornMayerHuggins = Registry.Family(
    "born_mayer_huggins",
    pairSchema(
      "Born–Mayer–Huggins: A e^((σ − r)/ρ) − C/r⁶ − D/r⁸, without charges (see `coulomb`).",
      parameters: [
        .required("a", .quantity(.energy, .nonNegative), "A."),
        .required("sigma", .quantity(.length, .nonNegative), "σ."),
        .required("rho", .quantity(.length, .positive.plausibly(0.01...10)), "ρ."),
        .required("c", .number(.nonNegative), "C, eV·Å⁶."),
        .defaulted("d", .number(.any), "0", "D, eV·Å⁸; positive attracts (the sign of Tosi and Fumi)."),
      ],
      example: """
        potential:
          - born_mayer_huggins:
              cutoff: 9.0
              pairs:
                - {species: [Na, Na], a: 0.2637, sigma: 2.340, rho: 0.317, c: 1.0486, d: 0.4993}
                - {species: [Na, Cl], a: 0.2110, sigma: 2.755, rho: 0.317, c: 6.9906, d: 8.6758}
                - {species: [Cl, Cl], a: 0.1582, sigma: 3.170, rho: 0.317, c: 72.4022, d: 145.4285}
        """)
  ) { section, _, species, _ in
    try PairPotential(
      bornMayerHuggins: pairs(section) {
        .init(
          amplitude: $0.double("a"), size: $0.double("sigma"), length: $0.double("rho"), dispersion: $0.double("c"),
          quadrupole: $0.double("d"), cutoff: $0["cutoff"]?.double)
      },
      cutoff: section.double("cutoff"), truncation: truncation(section), species: species)
  }
}
