import MDCore
import MDDeck
import MDElectrostatics
import MDPotentialFiles
import MDPotentials

extension Registry.Family {
  static let nep = Registry.Family(
    "nep",
    DeckObject(
      """
      Neuroevolution potential (Fan et al. 2021) from the `nep.txt` of GPUMD: NEP3, NEP4, NEP5, with or without ZBL, \
      and with charges (qNEP).
      """,
      [
        .optional("file", .path(.input), "The potential. Its elements are in the file."),
        .optional(
          "committee", .list(.path(.input), count: 2...100),
          "Files of several potentials: their mean counts, their spread is measured."),
        speciesKey,
        .defaulted(
          "precision", .enumeration(["double", "single"]), "double",
          "Of what is a function of pairs. `single` is faster; forces are good to some 1e-5 eV/Å (docs/nep.md)."),
        .defaulted(
          "charges", .object(charges), "{}",
          "How the sums over the charges of a qNEP are made; its file says by itself that it is one."),
      ],
      rules: [.init(.exactlyOne, of: ["file", "committee"])],
      example: """
        potential:
          - nep: {file: ../potentials/nep/CuNi-example.txt}
        """)
  ) { section, plan, species, communicator in
    let elements = try elements(section, plan, species)
    let paths = section["committee"].map(\.strings) ?? [section.path("file")]
    let files = try paths.map(NEPReader.read)
    if files.contains(where: { $0.charges != nil }) {
      return try chargedNEP(files, section, plan, elements, species, communicator, paths: paths)
    }
    if section.gives("charges") {
      throw section.error("charges", "is for potentials with charges", hint: "this one has none")
    }
    let members = try zip(files, paths).map {
      try NEPPotential($0, elements: elements, species: species, precision: precision(section), path: $1)
    }
    return members.count == 1 ? members[0] : PotentialCommittee("nep", members)
  }

  private static func precision(_ section: DeckSection) -> NEPPrecision {
    section.string("precision") == "single" ? .single : .double
  }

  private static let charges = DeckObject(
    "Sums over the charges of a qNEP, in boxes that are periodic in all directions.",
    [
      .defaulted(
        "method", .enumeration(["pppm", "ewald", "as_trained"]), "pppm",
        "Converged sums on a mesh (`pppm`) or plainly (`ewald`); `as_trained`: plain sums that end where those of the "
          + "training did, at rR and at 2π²/rR, as GPUMD's do: good to about 1e-5 eV/Å, with small jumps."),
      .defaulted(
        "accuracy", .number(Registry.accuracy), "1e-5",
        "Of the converged sums: root-mean-square force error over the force between two unit charges 1 Å apart (14.4 "
          + "eV/Å). If absent `evaluate` takes 1e-8."),
      .optional(
        "cutoff", .quantity(.length, Registry.cutoff),
        "Of the part that is summed over pairs (mode 1; mode 2 has none); the potential's radial cutoff, at least 8 Å, "
          + "if absent."),
      .optional(
        "fft_ranks", .copies,
        "At most so many ranks share the Fourier transforms of `pppm`; chosen among all if absent."),
    ],
    example: """
      structure:
        lattice: {type: rocksalt, constant: 5.7, species: [Na, Cl], size: [4, 4, 4]}
      potential:
        - nep: {file: ../potentials/nep/NaCl-charged-example.txt, charges: {method: pppm, accuracy: 1e-5}}
      """)

  private static func chargedNEP(
    _ files: [NEPFile], _ section: DeckSection, _ plan: RunPlan, _ elements: [String], _ species: [String],
    _ communicator: any Communicator, paths: [String]
  ) throws -> any Potential {
    guard files.allSatisfy({ $0.charges == files[0].charges && $0.cutoff == files[0].cutoff }) else {
      throw section.error("committee", "has members with charges of different kinds, or with different cutoffs")
    }
    let charges = section.section("charges")
    let method = charges.string("method")
    let isCut = method == "as_trained"
    if isCut {
      for key in ["accuracy", "cutoff"] where charges.gives(key) {
        throw charges.error(key, "is for converged sums, not for `as_trained`")
      }
    }
    if charges.gives("fft_ranks"), method != "pppm" {
      throw charges.error("fft_ranks", "is for `method: pppm`: plain Ewald sums have no mesh")
    }
    let isFixed = files[0].charges == .reciprocal
    if isFixed, charges.gives("cutoff") {
      throw charges.error("cutoff", "is for pairs of charges, which a qNEP of mode 2 has not")
    }
    let cutoff = isCut ? files[0].cutoff : charges["cutoff"]?.double ?? max(8, files[0].cutoff)
    let alpha = ChargedNEPPotential.splitting(files[0])
    let options = LongRangeOptions(
      accuracy: Registry.wantedAccuracy(charges, plan), cutoff: cutoff, splitting: isCut || isFixed ? alpha : nil,
      fftRanks: charges["fft_ranks"]?.integer, wavevectorCutoff: isCut ? 2 * Double.pi * alpha : nil)
    // Sums serve all members, one after the other.
    let solver: any LongRangeSolver =
      method == "pppm"
      ? PPPMSolver(options, communicator: communicator) : EwaldSolver(options, communicator: communicator)
    let members = try zip(files, paths).map { file, path in
      try ChargedNEPPotential(
        file, elements: elements, species: species, longRange: solver, cutoff: cutoff, isCut: isCut,
        precision: precision(section), communicator: communicator, path: path)
    }
    return members.count == 1 ? members[0] : try ChargedCommittee("nep", members)
  }
}
