import MDCore
import MDDeck
import MDElectrostatics
import MDPotentials

extension Registry.Family {
  static let coulomb = Registry.Family(
    "coulomb",
    DeckObject(
      """
      Coulomb interaction of fixed charges, which come from the structure or from `species`. Periodic along all axes; \
      along two (a slab, whose layers are corrected for); or open all around (a direct sum).
      """,
      [
        .defaulted(
          "method", .enumeration(["pppm", "ewald"]), "pppm",
          "How the long-ranged part is summed: on a mesh (`pppm`), or every wave vector with every atom (`ewald`)."),
        .defaulted(
          "accuracy", .number(Registry.accuracy), "1e-5",
          "Root-mean-square force error over the force between two unit charges 1 Å apart (14.4 eV/Å). If absent "
            + "`evaluate` takes 1e-8."),
        .defaulted("cutoff", .quantity(.length, Registry.cutoff), "10.0", "Of the part that is summed over pairs."),
        .optional(
          "splitting", .quantity(.inverseLength, .positive.plausibly(0.01...10)),
          "α: pairs have erfc(αr)/r. Chosen from cutoff and accuracy if absent."),
        .optional(
          "fft_ranks", .copies,
          "At most so many ranks share the Fourier transforms of `pppm`; chosen among all if absent."),
        .optional(
          "slab_factor", .number(Registry.slabFactor),
          "Height of a slab's periodic cell over that of the box. If absent 3, or as much more as atoms and accuracy "
            + "ask for; a given one that is too small for its atoms or its accuracy is refused."),
        .defaulted(
          "net_charge", .quantity(.charge, .any), "0",
          "What the charges add up to; a periodic cell with a charge gets a uniform background."),
        .optional(
          "field", .vector(.quantity(.electricField, Registry.field)),
          "A uniform external field [Fx, Fy, Fz] along open directions; it has no part in the pressure."),
      ],
      example: """
        species: {Na: {charge: 1}, Cl: {charge: -1}}
        potential:
          - coulomb: {method: pppm, accuracy: 1e-5, cutoff: 10}
        """)
  ) { section, plan, species, communicator in
    if section.gives("fft_ranks"), section.string("method") == "ewald" {
      throw section.error("fft_ranks", "is for `method: pppm`: plain Ewald sums have no mesh")
    }
    let options = LongRangeOptions(
      accuracy: Registry.wantedAccuracy(section, plan), cutoff: section.double("cutoff"),
      splitting: section["splitting"]?.double, slabFactor: section["slab_factor"]?.double,
      fftRanks: section["fft_ranks"]?.integer)
    let periodic: any LongRangeSolver =
      section.string("method") == "ewald"
      ? EwaldSolver(options, communicator: communicator) : PPPMSolver(options, communicator: communicator)
    let solver = BoundarySolver(
      periodic, open: DirectSolver(cutoff: options.cutoff, communicator: communicator))
    return try CoulombPotential(
      solver: solver, cutoff: options.cutoff, species: species, charges: species.map { plan.species[$0]?.charge },
      widths: species.map { plan.species[$0]?.chargeWidth ?? 0 }, netCharge: section.double("net_charge"),
      field: section["field"]?.vector ?? .zero,
      communicator: communicator)
  }
}
