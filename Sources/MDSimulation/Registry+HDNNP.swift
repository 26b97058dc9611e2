import MDCore
import MDDeck
import MDPotentials

extension Registry.Family {
  static let hdnnp = Registry.Family(
    "hdnnp",
    DeckObject(
      """
      High-dimensional neural network potential, second generation (Behler and Parrinello 2007) or fourth \
      (Ko et al. 2021, with charge equilibration), from the files of n2p2 or RuNNer.
      """,
      [
        .optional("directory", .path(.inputDirectory), "The folder with input.nn, scaling.data and weights.NNN.data."),
        .optional(
          "committee", .list(.path(.inputDirectory), count: 2...100),
          "Folders of several potentials with the same symmetry functions: their mean counts, their spread is measured."),
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
          "How a potential of the fourth generation finds its charges; its files say by themselves that it is one."),
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
    if models.count == 1, models[0].electrostatics != nil {
      return try chargedHDNNP(
        models[0], section.section("charges"), plan, elements, species, communicator, file: directories[0])
    }
    if section.gives("charges") {
      throw section.error("charges", "is for potentials of the fourth generation", hint: "this one has no charges")
    }
    return try HDNNPPotential(models: models, elements: elements, species: species, file: directories[0])
  }

  private static func chargedHDNNP(
    _ model: HDNNPModel, _ section: DeckSection, _ plan: RunPlan, _ elements: [String], _ species: [String],
    _ communicator: any Communicator, file: String
  ) throws -> any Potential {
    let tools = try Registry.chargeTools(section, plan, communicator) {
      ChargedHDNNPPotential.cutoff(model, accuracy: $0)
    }
    return try ChargedHDNNPPotential(
      model: model, elements: elements, species: species, solver: tools.solver, longRange: tools.longRange,
      cutoff: tools.cutoff, constraints: tools.constraints, communicator: communicator, file: file)
  }

  private static func hdnnpUnits(_ section: DeckSection) throws -> HDNNPUnits {
    guard let units = section["units"] else { preconditionFailure("the schema requires `units`") }
    if case .section(let factors) = units.content {
      return try HDNNPUnits(length: factors.double("length"), energy: factors.double("energy"))
    }
    return units.string == "atomic" ? .atomic : .metal
  }
}
