import MDCore
import MDDeck
import MDNumerics
import MDParallel

/// Makes a rank's `DistributedSystem` from a structure that rank 0 holds.
enum SystemFactory {
  /// Collective. `structure` is rank 0's, nil elsewhere. `skin` overrides the deck's.
  static func make(
    _ structure: Structure?, plan: RunPlan, communicator: any Communicator, skin: Double? = nil
  ) throws -> DistributedSystem {
    let header = Distribution.header(of: structure, communicator: communicator)
    let ingredients = try Ingredients(
      header.species, isPresent: header.isPresent, given: header.masses, plan: plan, communicator: communicator)
    return try make(structure, header: header, ingredients, plan: plan, communicator: communicator, skin: skin)
  }

  /// Collective. The same with the ingredients for the structure's species at hand.
  static func make(
    _ structure: Structure?, header: StructureHeader, _ ingredients: Ingredients, plan: RunPlan,
    communicator: any Communicator, skin: Double? = nil
  ) throws -> DistributedSystem {
    let skin = skin ?? plan.neighbors.skin
    var domain = try Domain(
      box: header.box, ranks: communicator.size, rank: communicator.rank, grid: plan.decomposition.grid,
      halo: ingredients.halo + skin
    ).byNodes(header.box, halo: ingredients.halo + skin, communicator: communicator)
    let atoms = AtomStore()
    Measurements.declare(plan, atoms)
    try communicator.refuse(
      bytes: Forecast.bytes(columnsOf: atoms, places: Double(header.count) / Double(communicator.size)),
      for: RunLog.counted(header.count, "atom"), hint: "use more nodes or fewer atoms")
    try Distribution.scatter(structure, header: header, to: atoms, domain: domain, communicator: communicator)
    if plan.decomposition.balance != .none {
      domain = try Domain.best(
        box: header.box, atoms: atoms, communicator: communicator, grid: plan.decomposition.grid,
        halo: ingredients.halo + skin
      ).domain.byNodes(header.box, halo: ingredients.halo + skin, communicator: communicator)
    }
    return try DistributedSystem(
      communicator: communicator, atoms: atoms, box: header.box, species: header.species,
      masses: ingredients.masses, potentials: ingredients.potentials, domain: domain, skin: skin,
      reach: ingredients.reach, balance: plan.decomposition.balance)
  }

  /// What species need: masses and potentials.
  struct Ingredients {
    let masses: [Double]
    let potentials: [any Potential]

    /// How far observers look, Å.
    let reach: Double

    /// The ghosts' reach without skin, Å.
    var halo: Double { potentials.map(\.requirements.halo).reduce(reach, max) }

    /// Collective, so that a file which one rank cannot read stops all. Throws every mistake at once. Without
    /// `needsMasses` (single points) a species that has none gets 1 g/mol.
    ///
    /// A species that no atom has (`isPresent`) needs neither mass nor parameters: potentials take it for one that is
    /// there.
    init(
      _ species: [String], isPresent: [Bool], given: [Double?], plan: RunPlan, needsMasses: Bool = true,
      communicator: any Communicator
    ) throws {
      var mistakes = Mistakes()
      reach = Measurements.reach(plan)
      masses = try species.indices.map { k in
        let known = plan.mass(of: species[k], given: given[k])
        let mass = try mistakes.attempt {
          guard let mass = known ?? (needsMasses && isPresent[k] ? nil : 1) else {
            throw FaultlineError(
              .input, "species \(species[k]) is no element and has no mass",
              hint: "give it one in the deck: species: {\(species[k]): {mass: 12.0}}", isCollective: true)
          }
          return mass
        }
        return mass ?? 1
      }
      let some = isPresent.firstIndex(of: true) ?? 0
      let acting = species.indices.map { isPresent[$0] ? species[$0] : species[some] }
      let made = try mistakes.attempt {
        try communicator.agree { try Registry.potentials(plan, species: acting, communicator: communicator) }
      }
      try mistakes.refuse()
      potentials = plan.potential.isEmpty ? [Bystander()] : made ?? []
    }
  }
}
