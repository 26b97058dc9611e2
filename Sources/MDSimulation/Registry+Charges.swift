import MDCore
import MDDeck
import MDElectrostatics
import MDNumerics
import MDPotentials

/// What potentials that find charges themselves share in the deck: `charges`.
extension Registry {
  static let charges = DeckObject(
    """
    Charge equilibration: how charges are found, and what they are held to. Groups of `fixed`, `fragments` and \
    `constant_potential` have no atom in common.
    """,
    [
      .defaulted(
        "method", .enumeration(["pppm", "ewald", "direct"]), "pppm",
        "Conjugate gradients with sums on a mesh (`pppm`) or plain Ewald sums (`ewald`); `direct`: the whole matrix "
          + "with plain Ewald sums, for up to 2000 atoms. With open boundaries sums are over all pairs."),
      .defaulted(
        "accuracy", .number(Registry.accuracy), "1e-5",
        "Of the sums: root-mean-square force error over the force between two unit charges 1 Å apart (14.4 eV/Å). If "
          + "absent `evaluate` takes 1e-8."),
      .optional(
        "cutoff", .quantity(.length, Registry.cutoff),
        "Of the part that is summed over pairs; as far as the Gaussians reach, at least 8 Å, if absent."),
      .defaulted(
        "tolerance", .number(NumberRange(from: 1e-15, to: 1e3)), "1e-4",
        "Of conjugate gradients: root-mean-square of the residual, eV/e. `direct` solves to rounding. If absent "
          + "`evaluate` takes 1e-8."),
      .defaulted(
        "total", .quantity(.charge, .any), "0",
        "What all charges add up to; `evaluate` takes `total_charge` of a frame instead where there is one."),
      .optional(
        "fft_ranks", .copies,
        "At most so many ranks share the Fourier transforms of `pppm`; chosen among all if absent."),
      .defaulted("fixed", .list(.object(fixed), count: 0...32), "[]", "Groups whose charges are given."),
      .defaulted(
        "fragments", .list(.object(fragment), count: 0...32), "[]",
        "Groups that exchange charge among their own atoms alone."),
      .defaulted(
        "constant_potential", .list(.object(electrode), count: 0...32), "[]",
        "Two or more electrodes, which exchange charge with one another through batteries and with nothing else. The "
          + "potential energy then counts the batteries' work, and atoms that are in none of the groups have a total "
          + "of 0."
      ),
      .optional(
        "field", .vector(.quantity(.electricField, Registry.field)),
        "A uniform external field [Fx, Fy, Fz] along open directions; it has no part in the pressure."),
      .optional(
        "slab_factor", .number(Registry.slabFactor),
        "Height of a slab's periodic cell over that of the box. If absent 3, or as much more as atoms and accuracy "
          + "ask for; a given one that is too small for its atoms or its accuracy is refused."),
    ],
    example: """
      groups:
        left: {select: {region: {z: [0, 20]}}}
        right: {select: {region: {z: [40, 60]}}}
      potential:
        - qeq:
            parameters: {Au: {electronegativity: 0, hardness: 0, width: 0.39}}
            charges:
              constant_potential: [{group: left, potential: 0.5}, {group: right, potential: -0.5}]
      """)

  private static let group = DeckKey.required("group", .string, "A group of the deck.")
  private static let fixed = DeckObject(
    "Charges that stay.",
    [
      group,
      .optional("charge", .quantity(.charge, .any.plausibly(1e-6...20)), "Of every atom; as the structure gives it if absent."),
    ])
  private static let fragment = DeckObject(
    "A molecule, an electrode that is cut off, …",
    [group, .defaulted("total", .quantity(.charge, .any), "0", "What its charges add up to.")])
  private static let electrode = DeckObject(
    "A conductor at a given electric potential.",
    [
      group,
      .required("potential", .quantity(.potential, .any.plausibly(1e-4...100)), "Electric potential; only differences matter."),
    ])

  /// What a potential needs to find charges.
  struct ChargeTools {
    var solver: any ChargeSolver
    var longRange: any LongRangeSolver
    var cutoff: Double
    var constraints: ChargeConstraints
  }

  /// Of sums over charges: the deck's, and for single points that do not say 1e-8.
  static func wantedAccuracy(_ section: DeckSection, _ plan: RunPlan) -> Double {
    plan.isForSinglePoints && !section.gives("accuracy") ? 1e-8 : section.double("accuracy")
  }

  /// - Parameter needed: the shortest cutoff for the Gaussians at an accuracy, Å.
  static func chargeTools(
    _ section: DeckSection, _ plan: RunPlan, _ communicator: any Communicator, needed: (_ accuracy: Double) -> Double
  ) throws -> ChargeTools {
    let accuracy = wantedAccuracy(section, plan)
    // A cutoff that serves a run serves its single points.
    let needed = needed(section.gives("cutoff") ? section.double("accuracy") : accuracy)
    let cutoff = section["cutoff"]?.double ?? max(8, needed)
    guard cutoff >= needed else {
      throw section.error(
        "cutoff", "is \(cutoff) Å, too short for the widths of the charges at this accuracy",
        hint: "at least \((needed * 100).rounded(.up) / 100) Å")
    }
    if section.gives("fft_ranks"), section.string("method") != "pppm" {
      throw section.error("fft_ranks", "is for `method: pppm`: plain Ewald sums have no mesh")
    }
    let options = LongRangeOptions(
      accuracy: accuracy, cutoff: cutoff, slabFactor: section["slab_factor"]?.double,
      fftRanks: section["fft_ranks"]?.integer)
    let periodic: any LongRangeSolver =
      section.string("method") == "pppm"
      ? PPPMSolver(options, communicator: communicator) : EwaldSolver(options, communicator: communicator)
    let solver: any ChargeSolver =
      section.string("method") == "direct"
      ? DenseCharges(communicator: communicator)
      : ConjugateGradientCharges(
        tolerance: plan.isForSinglePoints && !section.gives("tolerance") ? 1e-8 : section.double("tolerance"),
        mesh: section.string("method") == "pppm" ? options : nil, communicator: communicator)
    return ChargeTools(
      solver: solver,
      longRange: BoundarySolver(periodic, open: DirectSolver(cutoff: cutoff, communicator: communicator)),
      cutoff: cutoff, constraints: try constraints(section, plan))
  }

  private static func constraints(_ section: DeckSection, _ plan: RunPlan) throws -> ChargeConstraints {
    var rules: [(group: ChargeConstraints.Group, rule: ChargeConstraints.Rule)] = []
    func add(_ key: String, _ rule: (DeckSection) -> ChargeConstraints.Rule) throws {
      for entry in section.list(key).map(\.section) {
        let name = entry.string("group")
        guard let bit = plan.groups.firstIndex(where: { $0.name == name }) else {
          throw entry.error(
            "group", "names '\(name)', which is no group of the deck",
            hint: plan.groups.isEmpty
              ? "the deck has no `groups`" : "it has \(plan.groups.map(\.name).joined(separator: ", "))")
        }
        if rules.contains(where: { $0.group.name == name }) {
          throw entry.error("group", "names '\(name)' a second time", hint: "one rule for each atom's charge")
        }
        if ChargeConstraints.reservedNames.contains(name) {
          throw entry.error(
            "group", "is named '\(name)': thermo.csv has another column charge_\(name)", hint: "rename the group")
        }
        rules.append((.init(name: name, mask: 1 << UInt32(bit)), rule(entry)))
      }
    }
    try add("fixed") { .given($0["charge"]?.double) }
    try add("fragments") { .fragment($0.double("total")) }
    try add("constant_potential") { .electrode($0.double("potential")) }
    if section.list("constant_potential").count == 1 {
      throw section.error(
        "constant_potential", "has one electrode; a single potential changes nothing",
        hint: "name at least two groups, which may be at the same potential")
    }
    return ChargeConstraints(
      total: section.double("total"), rules: rules, field: section["field"]?.vector ?? .zero)
  }
}

extension Registry.Family {
  static let qeq = Registry.Family(
    "qeq",
    DeckObject(
      """
      Charge equilibration (Rappé and Goddard 1991) with Gaussian charges: the Coulomb energy, electronegativity and \
      hardness of charges that minimise it. Short-ranged interactions are another entry of the list.
      """,
      [
        .required(
          "parameters", .map(.object(element), of: "species", maximum: 1000), "Those of each species by its name."),
        .defaulted("charges", .object(Registry.charges), "{}", "How charges are found, and what they are held to."),
      ],
      example: """
        potential:
          - qeq:
              parameters:
                Mg: {electronegativity: 3.95, hardness: 5.6, width: 0.9}
                O: {electronegativity: 8.74, hardness: 7.0, width: 0.7}
              charges: {accuracy: 1e-5, tolerance: 1e-6}
        """)
  ) { section, plan, species, communicator in
    let parameters = section.section("parameters")
    let elements = try species.map { name -> QEqPotential.Element in
      guard let own = parameters[name]?.section else {
        throw section.error(
          "parameters", "are missing for \(name), which is in the structure",
          hint: "there are those of \(parameters.entries.map(\.name).joined(separator: ", "))")
      }
      return QEqPotential.Element(
        electronegativity: own.double("electronegativity"), hardness: own.double("hardness"),
        width: own.double("width"))
    }
    let tools = try Registry.chargeTools(section.section("charges"), plan, communicator) {
      QEqPotential.cutoff(widths: elements.map(\.width), accuracy: $0)
    }
    return try QEqPotential(
      elements: elements, species: species, solver: tools.solver, longRange: tools.longRange, cutoff: tools.cutoff,
      constraints: tools.constraints, communicator: communicator)
  }

  private static let element = DeckObject(
    "Charge parameters of a species.",
    [
      .required("electronegativity", .quantity(.energy, .any.plausibly(1e-6...100)), "χ, for a charge of 1 e: the energy is χ q + ½ J q²."),
      .required(
        "hardness", .quantity(.energy, .nonNegative.plausibly(1e-3...1000)),
        "J, for 1 e², without the energy of the Gaussian with itself, which is ½ q² · 14.4 eV·Å/(√π width)."),
      .required("width", .quantity(.length, .positive.plausibly(0.01...10)), "σ of the Gaussian charge ∝ e^(−r²/2σ²)."),
    ])
}
