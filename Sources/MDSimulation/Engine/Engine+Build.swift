import MDCore
import MDDeck
import MDParallel

extension Engine {
  /// What building a deck's system gives.
  struct Built {
    let engine: Engine
    /// What the builder says of the structure, for the log; on rank 0.
    let notes: [String]
    /// Of grain boundaries.
    let geometry: BoundaryEnergy.Geometry?
  }

  /// The deck's structure with its potentials on these ranks, at the start of its first stage. Collective.
  /// - Throws: a collective input error for a structure that cannot be made or held.
  static func build(_ plan: RunPlan, communicator: any Communicator) throws -> Built {
    let (plan, notes) = try EquilibriumLattice.resolved(plan, communicator: communicator)
    let draft = try StructureDraft(plan, communicator: communicator)
    let ingredients = try draft.ingredients(communicator: communicator)
    let built = try draft.build(for: ingredients.potentials, communicator: communicator)
    let geometry = try Broadcast.value(built?.geometry, communicator)
    let header = Distribution.header(of: built?.structure, communicator: communicator)
    let system = try SystemFactory.make(
      built?.structure, header: header, ingredients, plan: plan, communicator: communicator)
    let groups = GroupTable(plan.groups, species: system.species)
    try groups.assign(to: system.atoms, box: system.box)
    return Built(
      engine: Engine(
        system, groups: groups, seed: plan.seed, crack: try CrackFactory.frame(plan, communicator: communicator)),
      notes: notes + (built?.notes ?? []), geometry: geometry)
  }

  /// An engine in memory for a deck's structure and potentials. Collective.
  package static func make(_ plan: RunPlan, communicator: any Communicator) throws -> Engine {
    try build(plan, communicator: communicator).engine
  }

  /// Runs a stage from its start to its end. Collective. Returns the state of the system at its end.
  /// - Parameter each: is called after each step, and ends the stage by an error.
  @discardableResult
  package func run(
    _ stage: StagePlan, velocities: VelocitiesPlan? = nil, each: () throws -> Void = {}
  ) throws -> ThermoRow {
    try enter(stage)
    lastStageConverged = false
    _ = try prepareVelocities(velocities, draws: velocities != nil)
    var tally = try start()
    while !isStageOver {
      tally = try step([.energy, .virial]).tally
      try each()
    }
    lastStageConverged = self.stage.isAtTolerances
    let row = sample(tally)
    try leave()
    advance()
    return row
  }
}
