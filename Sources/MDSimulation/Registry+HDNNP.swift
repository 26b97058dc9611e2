import MDCore
import MDDeck
import MDElectrostatics
import MDPotentials

extension Registry.Family {
  static let hdnnp = Registry.Family(
    "hdnnp",
    DeckObject(
      """
      High-dimensional neural network potential, of the second generation (Behler and Parrinello 2007), the third \
      (charges from networks) or the fourth (Ko et al. 2021, with charge equilibration), from the files of n2p2 or RuNNer.
      """,
      [
        .optional("directory", .path(.inputDirectory), "The folder with input.nn, scaling.data and weights.NNN.data."),
        .optional(
          "committee", .list(.path(.inputDirectory), count: 2...100),
          "Folders of several potentials of one generation, in the second with the same symmetry functions: their mean "
            + "counts, their spread is measured."),
        .required(
          "units",
          .either([
            .enumeration(["atomic", "metal"]),
            .object(
              DeckObject(
                "Units of the potential's files: file value = value in Å (eV) × factor.",
                [
                  .required("length", .number(.positive), "File lengths per Å; 1.8897261 for Bohr."),
                  .required("energy", .number(.positive), "File energies per eV; 0.036749325 for Hartree."),
                ])),
          ]), "Units of the files: `atomic` (Bohr, Hartree), `metal` (Å, eV), or factors as other programs take them."),
        speciesKey,
        .defaulted(
          "charges", .object(charges), "{}",
          "How a potential of the third or fourth generation finds its charges and their energy; its files say by "
            + "themselves that it is one."),
      ],
      rules: [.init(.exactlyOne, of: ["directory", "committee"])],
      example: """
        potential:
          - hdnnp: {directory: water, units: atomic}
        """)
  ) { section, plan, species, communicator in
    let directories =
      section["committee"].map(\.strings) ?? [section.path("directory")]
    let units = try hdnnpUnits(section)
    let models = try directories.map { try HDNNPModel(directory: $0, units: units) }
    let elements = try elements(section, plan, species)
    let charges = models.map(\.electrostatics?.charges)
    if let first = charges[0], charges.allSatisfy({ $0 != nil && ($0 == .equilibrated) == (first == .equilibrated) }) {
      return try chargedHDNNP(models, section.section("charges"), elements, species, communicator, files: directories)
    }
    if section.gives("charges") {
      throw section.error(
        "charges", "is for potentials of the third and fourth generation", hint: "this one has no charges")
    }
    return try HDNNPPotential(models: models, elements: elements, species: species, file: directories[0])
  }

  private static let charges = DeckObject(
    "Charge equilibration.",
    [
      .defaulted(
        "method", .enumeration(["pppm", "ewald", "direct"]), "pppm",
        "Conjugate gradients with sums on a mesh (`pppm`) or plain Ewald sums (`ewald`); `direct`: the whole matrix with "
          + "plain Ewald sums, for up to 2000 atoms. With open boundaries sums are over all pairs."),
      .defaulted(
        "accuracy", .number(NumberRange(from: 0, to: 1, includesLower: false)), "1e-5",
        "Of the sums: root-mean-square force error over the force between two unit charges 1 Å apart (14.4 eV/Å)."),
      .optional(
        "cutoff", .quantity(.length, .positive),
        "Of the part that is summed over pairs; as far as the Gaussians reach, at least 8 Å, if absent."),
      .defaulted(
        "tolerance", .number(.positive), "1e-6", "Of the equations: root-mean-square of the residual, eV/e."),
      .defaulted(
        "total", .quantity(.charge, .any), "0",
        "What the charges add up to; `evaluate` takes `total_charge` of a frame instead where there is one."),
      .defaulted(
        "slab_factor", .number(NumberRange(from: 1, includesLower: false)), "3",
        "Height of a slab's periodic cell over that of the box."),
    ])

  private static func chargedHDNNP(
    _ models: [HDNNPModel], _ section: DeckSection, _ elements: [String], _ species: [String],
    _ communicator: any Communicator, files: [String]
  ) throws -> any Potential {
    let accuracy = section.double("accuracy")
    guard accuracy >= 1e-14 else {
      throw section.error("accuracy", "is beyond double precision", hint: "from 1e-14; 1e-5 is usual")
    }
    let needed = models.map { ChargedHDNNPPotential.cutoff($0, accuracy: accuracy) }.max() ?? 0
    let cutoff = section["cutoff"]?.double ?? max(8, needed)
    guard cutoff >= needed else {
      throw section.error(
        "cutoff", "is \(cutoff) Å, too short for the widths of the charges at this accuracy",
        hint: "at least \((needed * 100).rounded(.up) / 100) Å")
    }
    let options = LongRangeOptions(accuracy: accuracy, cutoff: cutoff, slabFactor: section.double("slab_factor"))
    let periodic: any LongRangeSolver =
      section.string("method") == "pppm"
      ? PPPMSolver(options, communicator: communicator) : EwaldSolver(options, communicator: communicator)
    let sums = BoundarySolver(
      periodic, open: DirectSolver(cutoff: cutoff, communicator: communicator))
    let solver: any ChargeSolver =
      section.string("method") == "direct"
      ? DenseCharges(communicator: communicator)
      : ConjugateGradientCharges(tolerance: section.double("tolerance"), communicator: communicator)
    let total = section.double("total")
    let members: [any ChargedHDNNPCommittee.Member] = try models.enumerated().map { member, model in
      if model.electrostatics?.charges == .equilibrated {
        return try ChargedHDNNPPotential(
          model: model, elements: elements, species: species, solver: solver, longRange: sums, cutoff: cutoff,
          totalCharge: total, member: member, communicator: communicator, file: files[member])
      }
      return try ChargeNetworkPotential(
        model: model, elements: elements, species: species, longRange: sums, cutoff: cutoff, totalCharge: total,
        communicator: communicator, file: files[member])
    }
    return members.count == 1 ? members[0] : try ChargedHDNNPCommittee(members)
  }

  private static func hdnnpUnits(_ section: DeckSection) throws -> HDNNPUnits {
    guard let units = section["units"] else { preconditionFailure("the schema requires `units`") }
    if case .section(let factors) = units.content {
      return try HDNNPUnits(length: factors.double("length"), energy: factors.double("energy"))
    }
    return units.string == "atomic" ? .atomic : .metal
  }
}
