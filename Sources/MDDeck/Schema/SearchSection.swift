extension DeckSchema {
  static let search = DeckObject(
    """
    The state of the deck's grain boundary or interface with the lowest energy, by many relaxations from different starts, each \
    with the length along the normal free. All that is left out has a default: `search: {}`.
    """,
    [
      .defaulted("over", .object(over), "{}", "What the starts differ in."),
      .defaulted(
        "method", .enumeration(SearchPlan.Method.allCases.map(\.rawValue)), "random",
        "How starts are chosen: `grid` every displacement of a grid; `random`; `bayes` where a Gaussian process over the "
          + "displacements expects to gain most; `anneal` random, then heated, cooled and relaxed."),
      .optional(
        "chemical_potentials", .map(.either([.quantity(.energy, .any), .list(.quantity(.energy, .any), count: 2...2)]), of: "species", maximum: 100),
        "Of `over.vacancies`: the energy of an atom of a species where it goes. Those that are not given follow from the crystals, "
          + "each of which is in equilibrium with its atoms. One may be a range [lowest, highest]: trials are compared in its middle, "
          + "and `gamma_mu.csv` has γ over all of it."),
      .defaulted(
        "ranks_per_trial", .integer(1...1_000_000), "1",
        "Ranks that work on one trial; the job's ranks are divided into groups of so many."),
      .defaulted("stop", .object(stop), "{}", "When the search ends: at the first that is met."),
      .defaulted("keep", .integer(1...10_000), "5", "Of the best states so many structures are kept."),
      .defaulted(
        "force_tolerance", .quantity(.force, .positive.plausibly(1e-10...0.1)), "1e-3",
        "Largest force component on any atom of a relaxed state."),
      .defaulted("max_steps", .integer(1...1_000_000), "1000", "Most steps of a relaxation; one that needs more has failed."),
      .defaulted("bayes", .object(bayes), "{}", "Of `method: bayes`."),
      .defaulted("anneal", .object(anneal), "{}", "Of `method: anneal`."),
      .optional(
        "family", .object(family),
        "Boundaries to search one after the other: symmetric tilt boundaries about the axis of `structure.grain_boundary`, where "
          + "`sigma` and `plane` are then left out, or pairs of planes of the crystals of `structure.interface`, in place of its `relation`."),
    ],
    example: """
      structure:
        grain_boundary: {kind: tilt, lattice: fcc, constant: equilibrium, species: [Cu], axis: [0, 0, 1], sigma: 5, plane: [3, 1, 0], thickness: 20}
      potential: [{eam: {parameters: zhou2004}}]
      search:
        over: {shift: cnid, atoms: [0, 1]}
        method: bayes
        stop: {unchanged: 20, trials: 200, time: 2 h}
      """)

  private static let over = DeckObject(
    "What the starts differ in.",
    [
      .defaulted(
        "shift", .either([.enumeration(["cnid"]), .list(.integer(1...1000), count: 2...2)]), "cnid",
        "Displacements of the upper grain in the cell of non-identical displacements; with `method: grid` the numbers of "
          + "points along its two vectors, or `cnid` for points `spacing` apart."),
      .defaulted(
        "spacing", .quantity(.length, .positive.plausibly(0.05...5)), "0.8", "Between points of a grid, at most."),
      .optional(
        "atoms", .list(.number(NumberRange(from: 0, to: 1)), count: 2...2),
        "Fractions of an atomic plane that the boundary keeps, [least, most]; the whole numbers of atoms between are "
          + "tried. 0 is a plane less, which is a displacement: so [0, 1] has all. [1, 1] takes none out. Compounds lose whole formula "
          + "units, of two crystals those of either. [0, 1] unless given for boundaries of an element's crystal, [1, 1] for compounds "
          + "and between two crystals."),
      .optional(
        "vacancies", .map(.integer(1...1000), of: "species", maximum: 100),
        "Up to so many atoms of a species are taken out of each boundary besides, every number and combination tried: the boundary "
          + "has then no energy without `chemical_potentials`."),
      .defaulted(
        "swap", .either([.enumeration(["none"]), .integer(1...1000)]), "none",
        "Up to so many pairs of atoms of unlike species at each boundary exchange their places, every number tried: of crystals of "
          + "several species, and of two crystals."),
      .defaulted(
        "termination", .either([.enumeration(["all"]), .list(.integer(0...100_000), count: 1...1000)]), "all",
        "Of an interface: the pairs of ends of the two crystals, each searched on its own; their numbers are those that `check` "
          + "lists for the structure alone."),
    ])

  private static let stop = DeckObject(
    "When the search ends, besides the end of a grid.",
    [
      .defaulted("unchanged", .integer(1...1_000_000), "40", "Trials in a row without a lower energy; a grid is done whole."),
      .defaulted("trials", .integer(1...1_000_000), "500", "Trials in all."),
      .optional("time", .quantity(.wallTime, .positive.plausibly(1...1e7)), "Wall time of a start of the program."),
    ],
    example: """
      structure:
        grain_boundary: {kind: tilt, lattice: fcc, constant: 3.615, species: [Cu], axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0], thickness: 15}
      potential: [{eam: {parameters: zhou2004}}]
      search: {stop: {unchanged: 30, trials: 100, time: 30 min}}
      """)

  private static let bayes = DeckObject(
    "Bayesian optimisation of the displacement.",
    [
      .defaulted("initial", .integer(2...100_000), "8", "Random trials before the first proposal."),
      .defaulted(
        "batch", .integer(1...100_000), "4",
        "Trial k is proposed from the results of those up to k − batch, so that as many groups of ranks never wait for one "
          + "another, and their number changes no result."),
    ])

  private static let anneal = DeckObject(
    "Molecular dynamics before the relaxation, in the fixed cell of the relaxed start.",
    [
      .defaulted(
        "temperature", .list(.quantity(.temperature, .positive.plausibly(1...10_000)), count: 2...2), "[300, 1200]",
        "Each trial is held at one between these, then cooled to a tenth of it."),
      .defaulted("steps", .integer(1...1_000_000_000), "2000", "In all: half of them at the temperature, half to cool."),
      .defaulted("timestep", .quantity(.time, .positive.plausibly(1e-5...0.01)), "0.002", "Time step."),
      .defaulted(
        "moves", .integer(0...1000), "1",
        "Each trial first moves up to so many atoms of the boundary from their places to its largest holes."),
    ],
    example: """
      structure:
        grain_boundary: {kind: tilt, lattice: fcc, constant: 3.615, species: [Cu], axis: [0, 0, 1], sigma: 5, plane: [2, 1, 0], repeat: [1, 3], thickness: 15}
      potential: [{eam: {parameters: zhou2004}}]
      search: {method: anneal, anneal: {temperature: [400, 900], steps: 5000}}
      """)

  private static let pairOfPlanes = DeckKind.list(.vector(.integer(-1000...1000)), count: 2...2)

  private static let family = DeckObject(
    "Boundaries to search, one after the other.",
    [
      .optional("sigma_max", .integer(3...9999), "All up to this Σ."),
      .optional("planes", .list(.vector(.integer(-1000...1000)), count: 1...1000), "Those in these planes (h, k, l)."),
      .optional(
        "miller", .either([.integer(1...4), .list(pairOfPlanes, count: 1...1000)]),
        "Interfaces of these pairs of planes [[h, k, l], [h, k, l]] of the lower and the upper crystal, or of all forms of planes "
          + "up to this index."),
      .defaulted(
        "matches", .integer(1...100), "1",
        "With `miller`: so many matches of each pair, the smallest first of those that none beats in both area and strain."),
    ],
    rules: [.init(.exactlyOne, of: ["sigma_max", "planes", "miller"])],
    example: """
      structure:
        grain_boundary: {kind: tilt, lattice: fcc, constant: equilibrium, species: [Cu], axis: [0, 0, 1], thickness: 15}
      potential: [{eam: {parameters: zhou2004}}]
      search: {family: {sigma_max: 13}, stop: {unchanged: 15, trials: 50}}
      """)
}
