import MDCore
import MDDeck
import MDPotentialFiles
import MDPotentials

extension Registry.Family {
  static let hdnnp = Registry.Family(
    "hdnnp",
    DeckObject(
      """
      High-dimensional neural network potential, of the second generation (Behler and Parrinello 2007), the third \
      (charges from networks) or the fourth (Ko et al. 2021, with charge equilibration), from the files of n2p2 or \
      RuNNer.
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
          "charges", .object(Registry.charges), "{}",
          "How a potential of the third or fourth generation finds its charges and their energy; its files say by "
            + "themselves that it is one."),
      ],
      rules: [.init(.exactlyOne, of: ["directory", "committee"])],
      example: """
        potential:
          - hdnnp: {directory: ../potentials/hdnnp/Cu-example, units: metal}
        """)
  ) { section, plan, species, communicator in
    let directories =
      section["committee"].map(\.strings) ?? [section.path("directory")]
    let units = try hdnnpUnits(section)
    let models = try directories.map { try HDNNPModel(directory: $0, units: units) }
    let elements = try elements(section, plan, species)
    let charges = models.map(\.electrostatics?.charges)
    if let first = charges[0], charges.allSatisfy({ $0 != nil && ($0 == .equilibrated) == (first == .equilibrated) }) {
      return try chargedHDNNP(
        models, section.section("charges"), plan, elements, species, communicator, files: directories)
    }
    if section.gives("charges") {
      throw section.error(
        "charges", "is for potentials of the third and fourth generation", hint: "this one has no charges")
    }
    return try HDNNPPotential(models: models, elements: elements, species: species, file: directories[0])
  }

  private static func chargedHDNNP(
    _ models: [HDNNPModel], _ section: DeckSection, _ plan: RunPlan, _ elements: [String], _ species: [String],
    _ communicator: any Communicator, files: [String]
  ) throws -> any Potential {
    let tools = try Registry.chargeTools(section, plan, communicator) { accuracy in
      models.map { ChargedHDNNPPotential.cutoff($0, accuracy: accuracy) }.max() ?? 0
    }
    let isEquilibrated = models.allSatisfy { $0.electrostatics?.charges == .equilibrated }
    if !isEquilibrated {
      for key in ["tolerance", "fixed", "fragments", "constant_potential", "field"] where section.gives(key) {
        throw section.error(key, "is for charges that are found, which those of the third generation are not")
      }
      if section.string("method") == "direct" {
        throw section.error("method", "is `direct`, but there is no equation for charges of the third generation")
      }
    }
    // Sums and solver serve all members, one after the other.
    let members: [any ChargedCommittee.Member] = try models.enumerated().map { member, model in
      guard isEquilibrated else {
        return try ChargeNetworkPotential(
          model: model, elements: elements, species: species, longRange: tools.longRange, cutoff: tools.cutoff,
          totalCharge: tools.constraints.total, communicator: communicator, file: files[member])
      }
      return try ChargedHDNNPPotential(
        model: model, elements: elements, species: species, solver: tools.solver, longRange: tools.longRange,
        cutoff: tools.cutoff, constraints: tools.constraints, member: member, communicator: communicator,
        file: files[member])
    }
    return members.count == 1 ? members[0] : try ChargedCommittee("hdnnp", members)
  }

  private static func hdnnpUnits(_ section: DeckSection) throws -> HDNNPUnits {
    guard let units = section["units"] else { preconditionFailure("the schema requires `units`") }
    if case .section(let factors) = units.content {
      return try HDNNPUnits(length: factors.double("length"), energy: factors.double("energy"))
    }
    return units.string == "atomic" ? .atomic : .metal
  }
}
