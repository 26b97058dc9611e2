import MDCore
import MDDeck
import MDNumerics
import MDParallel
import MDStructures

/// A signal came while a trial was running; it is left as if it had not begun.
struct SearchInterrupted: Error {
  let signal: Int32
}

/// Makes trials on a group of ranks: builds a start, relaxes it with the length along the normal free, measures it. The
/// potentials are read once.
final class TrialRunner {
  /// Of atoms amid the grains, nearest-neighbour distances: elastic displacements are some hundredths.
  private static let largestDisorder = 0.2

  let plan: RunPlan
  let search: SearchPlan
  let communicator: any Communicator
  private var ingredients: SystemFactory.Ingredients
  private let species: [String]
  private var known: [String: BoundaryReference] = [:]

  /// Collective. `plan` has its lattice constant; all boundaries have the species of the first.
  init(_ plan: RunPlan, first: BoundarySpace, communicator: any Communicator) throws {
    guard let search = plan.search else { preconditionFailure("a plan without a search") }
    self.plan = plan
    self.search = search
    self.communicator = communicator
    species = try communicator.agree { try first.model.crystals[0].structure.species }
    ingredients = try Self.ingredients(plan, species, communicator)
  }

  private static func ingredients(
    _ plan: RunPlan, _ species: [String], _ communicator: any Communicator
  ) throws -> SystemFactory.Ingredients {
    try SystemFactory.Ingredients(
      species, isPresent: species.map { _ in true }, given: species.map { _ in nil }, plan: plan, communicator: communicator)
  }

  // MARK: A trial

  /// One trial. Collective; the result is the same on every rank. What goes wrong in it is part of the result.
  ///
  /// - Parameter each: is called after each step of it.
  /// - Throws: `SearchInterrupted`; an error that one rank of several meets alone.
  func run(_ order: TrialOrder, of space: BoundarySpace, each: () throws -> Void) throws -> Trial {
    var result = TrialResult(order: order)
    do {
      if order.isOfCrystalsApart { return Trial(result: try separated(order, space, each: each)) }
      let structure = try attempt(order, space, &result, each: each)
      return Trial(result: result, structure: CarriedStructure(structure))
    } catch let error as FaultlineError where error.isCollective || communicator.size == 1 {
      result.energy = nil
      result.isConverged = false
      result.failure = error.message
      return Trial(result: result)
    }
  }

  private func attempt(
    _ order: TrialOrder, _ space: BoundarySpace, _ result: inout TrialResult, each: () throws -> Void
  ) throws -> Structure {
    var random = CounterRandom(
      seed: plan.seed, stream: .searchAtoms, id: Int64(space.number), step: order.trial)
    let seed = random.bits()
    let reference = try reference(of: space)
    var start = try BicrystalStart(
      space.model.bicrystal(shift: order.start.shift, ofOnePeriod: false), plane: space.plane, removal: space.removal(order.start.content),
      neighbor: space.neighbor, random: &random)
    start.swap(order.start.content.swaps, random: &random)
    let isHeated = search.method == .anneal
    if isHeated {
      start.move(Int(random.uniform() * Double(search.anneal.moves + 1)), random: &random)
    }
    (result.atoms, result.gap) = (start.structure.count, start.gap)
    let area = cross(start.structure.box.cell.x, start.structure.box.cell.y).length
    // Both boundaries lose the same.
    let missing = (species: (order.start.vacancies ?? []).map { 2 * $0 }, grains: start.vacancies)
    /// (E − E of the atoms without boundaries)/2A, J/m².
    func gamma(_ energy: Double, _ structure: Structure) -> Double {
      (energy - reference.energy(without: structure, vacancies: missing.species, byGrain: missing.grains)) / (2 * area)
        * Units.energyPerAreaToJoulePerSquareMetre
    }

    try forgetCharges()
    var engine = try engine(start.structure, seed: seed)
    try engine.system.rebuild()
    let energy = communicator.sum(try engine.system.compute(.energy, step: 0).energy)
    result.startEnergy = gamma(energy, start.structure)
    if isHeated {
      let hold = random.uniform()
      let range = search.anneal.temperature
      let temperature = range.lowerBound + hold * (range.upperBound - range.lowerBound)
      let half = max(1, search.anneal.steps / 2)
      for stage in [
        relaxation(space, forceTolerance: 0.05, maxSteps: 100),
        .langevin(temperature: (temperature, temperature), steps: half, timestep: search.anneal.timestep),
        .langevin(temperature: (temperature, 0.1 * temperature), steps: half, timestep: search.anneal.timestep),
      ] {
        try engine.run(stage, each: each)
        result.steps = engine.steps
      }
    }
    let rest = relaxation(space, forceTolerance: search.forceTolerance, maxSteps: search.maxSteps)
    var state = try relaxed(engine, start.structure, stage: rest, each: each)
    result.steps = engine.steps
    var energies = halves(state, start.exchange, reference, area: area)
    if let exchange = start.exchange, abs(energies[0] - energies[1]) > TrialResult.energyTolerance {
      // The boundaries have gone apart: both get the better state.
      result.energiesBefore = energies
      let better: Int8 = energies[0] <= energies[1] ? 1 : 2
      engine = try self.engine(exchange.copying(better, of: state.structure, from: start.structure), seed: seed)
      state = try relaxed(engine, start.structure, stage: rest, each: each)
      result.steps += engine.steps
      energies = halves(state, exchange, reference, area: area)
    }
    // In units of the neighbours' distance.
    let disorder = state.structure.grainDisorder(from: start.structure) / space.neighbor
    if disorder > Self.largestDisorder {
      throw FaultlineError(
        .run, "the grains are no longer the crystals that they were: a boundary has moved through one, or it has melted",
        hint: "thicker grains, a lower temperature", isCollective: true)
    }
    let box = state.structure.box
    let mean = gamma(state.row.potentialEnergy, state.structure)
    // Atoms of a crystal are counted as if all were worth the same: of halves that have lost single atoms only the difference counts.
    result.energies = energies.map { $0 + mean - 0.5 * (energies[0] + energies[1]) }
    result.energy = mean
    result.excessVolume = (box.volume - reference.sum(over: state.structure, \.volume)) / (2 * area)
    result.pressure = state.row.pressureTensor[2]
    result.isConverged = state.isConverged
    let counts = reference.counts(state.structure)
    result.fingerprint = StructureFingerprint.sums(state.structure, neighbor: space.neighbor).enumerated().map { k, sum in
      (sum - zip(counts, reference.crystals).reduce(0) { $0 + $1.0 * $1.1.fingerprint[k] }) / (2 * area)
    }
    return state.structure
  }

  /// Potentials that remember charges begin afresh, so that a trial does not depend on those before it.
  private func forgetCharges() throws {
    guard ingredients.potentials.contains(where: { $0 is any ChargeEquilibrating }) else { return }
    ingredients = try Self.ingredients(plan, species, communicator)
  }

  /// (E − Σ N e)/A, J/m².
  private func gamma(_ energy: Double, _ structure: Structure, _ reference: BoundaryReference, area: Double) -> Double {
    (energy - reference.sum(over: structure, \.energy)) / area * Units.energyPerAreaToJoulePerSquareMetre
  }

  /// Of both boundaries, by the energies of the atoms around each; empty where nothing says which are whose.
  private func halves(
    _ state: State, _ exchange: BoundaryExchange?, _ reference: BoundaryReference, area: Double
  ) -> [Double] {
    guard let exchange else { return [] }
    var sums = [0.0, 0.0]
    for (i, half) in exchange.halves.enumerated() {
      let excess = state.energies[i] - reference.crystal(of: i, in: state.structure).energy
      if half == 0 {
        for k in 0..<2 { sums[k] += 0.5 * excess }
      } else {
        sums[Int(half) - 1] += excess
      }
    }
    return sums.map { $0 / area * Units.energyPerAreaToJoulePerSquareMetre }
  }

  // MARK: What it is measured against

  /// The crystals at a boundary, found once for all that have the same. Collective.
  func reference(of space: BoundarySpace) throws -> BoundaryReference {
    let crystals = try communicator.agree { try space.model.crystals }
    let key = "\(crystals.map { "\($0.structure.box.cell.elements) \($0.structure.positions) \($0.structure.types)" })"
    if let found = known[key] { return found }
    var found = BoundaryReference(
      crystals: try crystals.map { try measured($0, space) },
      crystalOfGrain: space.model.crystalOfGrain)
    if !search.vacancies.isEmpty {
      found.potentials = try ChemicalPotentials(
        search.chemicalPotentials, species: space.species,
        crystals: zip(crystals, found.crystals).map { cell, crystal in
          .init(
            counts: space.species.indices.map { k in cell.structure.types.count { Int($0) == k } },
            energy: crystal.energy * Double(cell.structure.count))
        },
        needed: space.species.indices.filter { search.vacancies[space.species[$0]] != nil }, at: search.location)
    }
    known[key] = found
    return found
  }

  private func measured(_ crystal: BoundaryCrystal, _ space: BoundarySpace) throws -> BoundaryReference.Crystal {
    /// Of a cell as it is, and with atoms and the length along the normal relaxed.
    func energies(_ cell: Structure) throws -> (energy: Double, pressure: Double, relaxed: Double, structure: Structure) {
      try forgetCharges()
      let engine = try engine(cell, seed: 0)
      try engine.system.rebuild()
      let tally = try engine.system.compute([.energy, .virial], step: 0)
      var sums = [tally.energy, tally.virial.trace / 3]
      communicator.sum(&sums)
      let pressure = sums[1] / cell.box.volume * Units.energyPerVolumeToBar
      guard space.model.relaxesCrystals else { return (sums[0], pressure, sums[0], cell) }
      let state = try relaxed(engine, cell, stage: relaxation(space, forceTolerance: min(1e-5, search.forceTolerance), maxSteps: search.maxSteps))
      guard state.isConverged else {
        throw FaultlineError(
          .run, "a crystal of the interface, strained to its cell, finds no rest in \(search.maxSteps) steps",
          hint: "a smaller `max_strain`, a larger `max_steps`", isCollective: true)
      }
      return (sums[0], pressure, state.row.potentialEnergy, state.structure)
    }
    let cell = crystal.structure
    let count = Double(cell.count)
    let strained = try energies(cell)
    let unstrained = try crystal.unstrained.map { try energies($0) }
    return BoundaryReference.Crystal(
      energy: strained.relaxed / count, volume: strained.structure.box.volume / count,
      pressure: unstrained?.pressure ?? strained.pressure,
      strainEnergy: unstrained.map { (strained.relaxed - $0.relaxed) / count } ?? 0,
      fingerprint: StructureFingerprint.sums(strained.structure, neighbor: space.neighbor).map { $0 / count })
  }

  /// The crystals of a boundary apart: each as thick as in the bicrystal and strained as there, between surfaces. `energies`
  /// are those of the surfaces, J/m², the mean of both faces of a crystal. Collective.
  private func separated(_ order: TrialOrder, _ space: BoundarySpace, each: () throws -> Void) throws -> TrialResult {
    var result = TrialResult(order: order)
    let reference = try reference(of: space)
    let whole = try communicator.agree { try space.model.bicrystal(shift: .zero, ofOnePeriod: false) }
    let area = cross(whole.box.cell.x, whole.box.cell.y).length
    result.atoms = whole.count
    result.isConverged = true
    for grain in [Int32(0), 1] {
      var slab = whole
      slab.keepAtoms { whole.grains![$0] == grain }
      let heights = slab.positions.map(\.z)
      let (bottom, top) = (heights.min()!, heights.max()!)
      var cell = whole.box.cell
      cell.z = Vector3(0, 0, top - bottom + Self.vacuum)
      slab.box.setCell(cell)
      for i in slab.positions.indices { slab.positions[i].z += 0.5 * Self.vacuum - bottom }
      try forgetCharges()
      let engine = try engine(slab, seed: 0)
      let state = try relaxed(
        engine, slab,
        stage: .relaxation(
          cell: nil, forceTolerance: search.forceTolerance, stressTolerance: 10, maxSteps: search.maxSteps,
          location: search.location), each: each)
      result.steps += engine.steps
      result.isConverged = result.isConverged && state.isConverged
      result.energies.append(gamma(state.row.potentialEnergy, state.structure, reference, area: 2 * area))
    }
    result.energy = result.energies[0] + result.energies[1]
    return result
  }

  /// Between the surfaces of a crystal and its image, Å: further than any potential reaches, charges excepted.
  private static let vacuum = 20.0

  // MARK: The engine

  private struct State {
    var structure: Structure
    /// eV, an atom each.
    var energies: [Double]
    var row: ThermoRow
    var isConverged: Bool
  }

  func engine(_ structure: Structure, seed: UInt64) throws -> Engine {
    let header = Distribution.header(of: communicator.isRoot ? structure : nil, communicator: communicator)
    let system = try SystemFactory.make(
      communicator.isRoot ? structure : nil, header: header, ingredients, plan: plan, communicator: communicator)
    let engine = Engine(system, groups: GroupTable([], species: system.species), seed: seed)
    engine.reducesCell = false
    return engine
  }

  private func relaxation(_ space: BoundarySpace, forceTolerance: Double, maxSteps: Int) -> StagePlan {
    .relaxation(
      cell: space.model.relaxedCell, forceTolerance: forceTolerance, stressTolerance: 10, maxSteps: maxSteps, location: search.location)
  }

  private func relaxed(
    _ engine: Engine, _ start: Structure, stage: StagePlan, each: () throws -> Void = {}
  ) throws -> State {
    let row = try engine.run(stage, each: each)
    let converged = engine.lastStageConverged
    _ = try engine.compute([.energy, .virial, .atomEnergy])
    let atoms = engine.system.atoms
    var numbers = [Double](repeating: 0, count: 4 * start.count)
    for i in 0..<atoms.localCount {
      let k = 4 * (Int(atoms.id[i]) - 1)
      let r = atoms.position[i]
      (numbers[k], numbers[k + 1], numbers[k + 2], numbers[k + 3]) = (r.x, r.y, r.z, atoms.energy?[i] ?? 0)
    }
    communicator.sum(&numbers)
    var structure = start
    structure.box = engine.system.box
    structure.positions = start.positions.indices.map { Vector3(numbers[4 * $0], numbers[4 * $0 + 1], numbers[4 * $0 + 2]) }
    return State(
      structure: structure, energies: start.positions.indices.map { numbers[4 * $0 + 3] }, row: row, isConverged: converged)
  }
}
