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
  /// Of the perfect crystal with the deck's lattice constant.
  struct Crystal {
    /// eV an atom.
    var energy: Double
    /// Å³ an atom.
    var volume: Double
    /// bar.
    var pressure: Double
    /// Of an atom.
    var fingerprint: [Double]
  }

  /// Of atoms amid the grains, nearest-neighbour distances: elastic displacements are some hundredths.
  private static let largestDisorder = 0.2

  let plan: RunPlan
  let search: SearchPlan
  let communicator: any Communicator
  let crystal: Crystal
  private var ingredients: SystemFactory.Ingredients
  private let species: [String]

  /// Collective. `plan` has its lattice constant.
  init(_ plan: RunPlan, boundary: GrainBoundaryPlan, communicator: any Communicator) throws {
    guard let search = plan.search else { preconditionFailure("a plan without a search") }
    self.plan = plan
    self.search = search
    self.communicator = communicator
    let cell = try StructureFactory.perfectCrystal(of: boundary)
    species = cell.species
    ingredients = try Self.ingredients(plan, species, communicator)
    let header = Distribution.header(of: communicator.isRoot ? cell : nil, communicator: communicator)
    let system = try SystemFactory.make(
      communicator.isRoot ? cell : nil, header: header, ingredients, plan: plan, communicator: communicator, skin: 0)
    try system.rebuild()
    let tally = try system.compute([.energy, .virial], step: 0)
    var sums = [tally.energy, tally.virial.trace / 3]
    communicator.sum(&sums)
    let neighbor = try StructureFactory.builder(boundary).unitCell.nearestNeighborDistance
    crystal = Crystal(
      energy: sums[0] / Double(cell.count), volume: cell.box.volume / Double(cell.count),
      pressure: sums[1] / cell.box.volume * Units.energyPerVolumeToBar,
      fingerprint: StructureFingerprint.sums(cell, neighbor: neighbor).map { $0 / Double(cell.count) })
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
    var builder = try StructureFactory.builder(space.plan)
    (builder.overlap, builder.expansion, builder.shift) = (0, 0, space.cell.ofEdges(order.start.shift))
    var start = try BicrystalStart(
      builder.build().structure, plane: space.plane, removed: order.start.removed, neighbor: space.neighbor, random: &random)
    let isHeated = search.method == .anneal
    if isHeated {
      start.move(Int(random.uniform() * Double(search.anneal.moves + 1)), random: &random)
    }
    (result.atoms, result.gap) = (start.structure.count, start.gap)
    let area = cross(start.structure.box.cell.x, start.structure.box.cell.y).length

    // Potentials that remember charges begin afresh, so that a trial does not depend on those before it.
    if ingredients.potentials.contains(where: { $0 is any ChargeEquilibrating }) {
      ingredients = try Self.ingredients(plan, species, communicator)
    }
    var engine = try engine(start.structure, seed: seed)
    try engine.system.rebuild()
    let energy = communicator.sum(try engine.system.compute(.energy, step: 0).energy)
    result.startEnergy = gamma(energy, atoms: start.structure.count, area: 2 * area)
    if isHeated {
      let hold = random.uniform()
      let range = search.anneal.temperature
      let temperature = range.lowerBound + hold * (range.upperBound - range.lowerBound)
      let half = max(1, search.anneal.steps / 2)
      for stage in [
        relaxation(forceTolerance: 0.05, maxSteps: 100),
        .langevin(temperature: (temperature, temperature), steps: half, timestep: search.anneal.timestep),
        .langevin(temperature: (temperature, 0.1 * temperature), steps: half, timestep: search.anneal.timestep),
      ] {
        try engine.run(stage, each: each)
        result.steps = engine.steps
      }
    }
    var state = try relaxed(engine, start.structure, each: each)
    result.steps = engine.steps
    var energies = halves(state, start.exchange, area: area)
    if let exchange = start.exchange, abs(energies[0] - energies[1]) > TrialResult.energyTolerance {
      // The boundaries have gone apart: both get the better state.
      result.energiesBefore = energies
      let better: Int8 = energies[0] <= energies[1] ? 1 : 2
      engine = try self.engine(exchange.copying(better, of: state.structure, from: start.structure), seed: seed)
      state = try relaxed(engine, start.structure, each: each)
      result.steps += engine.steps
      energies = halves(state, exchange, area: area)
    }
    if let exchange = start.exchange {
      // In units of the neighbours' distance.
      let disorder = exchange.disorder(of: state.structure, from: start.structure) / space.neighbor
      if disorder > Self.largestDisorder {
        throw FaultlineError(
          .run, "the grains are no longer the crystals that they were: a boundary has moved through one, or it has melted",
          hint: "thicker grains, a lower temperature", isCollective: true)
      }
    }
    let count = Double(state.structure.count)
    let box = state.structure.box
    result.energies = energies
    result.energy = gamma(state.row.potentialEnergy, atoms: state.structure.count, area: 2 * area)
    result.excessVolume = (box.volume - count * crystal.volume) / (2 * area)
    result.pressure = state.row.pressureTensor[2]
    result.isConverged = state.isConverged
    result.fingerprint = zip(StructureFingerprint.sums(state.structure, neighbor: space.neighbor), crystal.fingerprint)
      .map { ($0 - count * $1) / (2 * area) }
    return state.structure
  }

  /// (E − N e)/A, J/m².
  private func gamma(_ energy: Double, atoms: Int, area: Double) -> Double {
    (energy - Double(atoms) * crystal.energy) / area * Units.energyPerAreaToJoulePerSquareMetre
  }

  /// Of both boundaries, by the energies of the atoms around each; empty where nothing says which are whose.
  private func halves(_ state: State, _ exchange: BoundaryExchange?, area: Double) -> [Double] {
    guard let exchange else { return [] }
    var sums = [0.0, 0.0]
    for (energy, half) in zip(state.energies, exchange.halves) {
      let excess = energy - crystal.energy
      if half == 0 {
        for k in 0..<2 { sums[k] += 0.5 * excess }
      } else {
        sums[Int(half) - 1] += excess
      }
    }
    return sums.map { $0 / area * Units.energyPerAreaToJoulePerSquareMetre }
  }

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
    return Engine(system, groups: GroupTable([], species: system.species), seed: seed)
  }

  private func relaxation(forceTolerance: Double, maxSteps: Int) -> StagePlan {
    .relaxation(
      cell: "normal", forceTolerance: forceTolerance, stressTolerance: 10, maxSteps: maxSteps, location: search.location)
  }

  private func relaxed(_ engine: Engine, _ start: Structure, each: () throws -> Void) throws -> State {
    let row = try engine.run(relaxation(forceTolerance: search.forceTolerance, maxSteps: search.maxSteps), each: each)
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
