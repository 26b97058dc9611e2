import MDCore
import MDDeck
import MDNeighbors
import MDParallel

/// One rank's share of the system and everything that turns positions into forces: atoms, cell, decomposition,
/// ghosts, neighbour lists, potentials.
///
/// Between rebuilds ghosts follow their owners (`refresh`); `rebuild` moves atoms to their owners, sorts them in
/// space, makes ghosts and lists anew. After a rebuild the order of atoms depends only on which atoms the rank
/// owns and where they are, so a run resumed from a checkpoint (which is taken after a rebuild) continues
/// bitwise as the run that wrote it.
package final class DistributedSystem {
  package let communicator: any Communicator
  package let atoms: AtomStore
  /// The present cell, Å; the same on every rank.
  package var box: Box
  /// Names of the species; `atoms.species` indexes them.
  package let species: [String]
  /// Those that no atom has.
  package let unusedSpecies: [String]
  /// g/mol, by species.
  package let masses: [Double]
  package let potentials: [any Potential]
  /// How the cell is divided among ranks; changes at rebuilds if the load is balanced.
  package var domain: Domain { exchange.domain }
  package let exchange: GhostExchange
  package let lists: NeighborLists
  /// Å added to the cutoff so that lists and ghosts last for several steps.
  package let skin: Double
  /// The largest cutoff and the ghosts' reach without skin, Å.
  package let cutoff: Double
  package let halo: Double
  /// Atoms over all ranks.
  package let totalCount: Int
  /// Neighbour lists made so far.
  package private(set) var rebuilds = 0
  /// Of a slab with long-ranged interactions, as of the last rebuild.
  private var span: SlabSpan?
  /// What the steps' time goes to.
  package var timers = PhaseTimers()

  private let writesGhosts: Bool
  private let spatialSort = SpatialSort()
  /// What potentials see of the domain.
  private var decomposition: Decomposition
  let balance: Balance
  /// Work of the fullest rank over the mean when the bricks were weighed last.
  var fullestWhenWeighed = 0.0
  /// Seconds that this rank's lists and forces took since then, without waiting for others, and how many times forces were
  /// computed.
  var workSeconds = 0.0
  var computations = 0

  /// - Parameters:
  ///   - reach: how far observers look for neighbours, Å; ghosts reach as far.
  ///   - balance: by what bricks follow the atoms. `domain` is where they begin.
  package init(
    communicator: any Communicator, atoms: AtomStore, box: Box, species: [String], masses: [Double],
    potentials: [any Potential], domain: Domain, skin: Double, reach: Double = 0, balance: Balance = .none
  ) throws {
    self.communicator = communicator
    self.atoms = atoms
    self.box = box
    self.species = species
    self.masses = masses
    self.potentials = potentials
    self.skin = skin
    self.balance = communicator.size > 1 ? balance : .none
    let needs = potentials.map(\.requirements)
    cutoff = needs.map(\.cutoff).max() ?? 0
    halo = needs.map(\.halo).reduce(reach, max)
    decomposition = Decomposition(bricks: domain.bricks, stray: skin / 2)
    writesGhosts = needs.contains(where: \.writesGhosts)
    lists = NeighborLists(reach: cutoff + skin, halo: halo + skin, kinds: Set(needs.map(\.list)))
    exchange = GhostExchange(atoms: atoms, domain: domain, communicator: communicator)
    totalCount = communicator.sum(atoms.localCount)
    var counts = species.map { _ in 0.0 }
    for i in 0..<atoms.localCount { counts[Int(atoms.species[i])] += 1 }
    communicator.sum(&counts)
    unusedSpecies = species.indices.filter { counts[$0] == 0 }.map { species[$0] }
    for potential in potentials { try potential.attach(to: atoms) }
    try Forecast(self).refuse(room: communicator.memoryShare())
  }

  /// Whether rebuilds choose other vectors for a cell that has been sheared far.
  package var choosesCell = false

  /// Takes another domain: at a rebuild, before the atoms migrate.
  func divide(_ domain: Domain) {
    exchange.domain = domain
    decomposition = Decomposition(bricks: domain.bricks, stray: skin / 2)
  }

  /// Moves atoms to their owners, sorts, makes ghosts and neighbour lists. Collective.
  ///
  /// Returns what was done to balance the load, nil if nothing. `amidSteps`, bricks are only weighed when the load has
  /// become more uneven; at the start of stages and for checkpoints in any case.
  @discardableResult
  package func rebuild(amidSteps: Bool = false) throws -> Balancing? {
    timers.start(.communication)
    if choosesCell { reduceCell() }
    try exchange.migrate(box: box)
    let balancing = balance == .none ? nil : try moveBricks(amidSteps: amidSteps)
    if balancing != nil { try exchange.migrate(box: box) }
    timers.start(.neighbors)
    spatialSort.sort(atoms, cellSize: lists.reach / 2)
    timers.start(.communication)
    exchange.border(box: box, width: halo + skin)
    timers.start(.neighbors)
    let started = PhaseTimers.now()
    lists.build(atoms: atoms, box: box)
    workSeconds += PhaseTimers.now() - started
    timers.start(.communication)
    span = measureSpan()
    rebuilds += 1
    return balancing
  }

  /// Two reductions, in slabs whose potentials sum over all distances.
  private func measureSpan() -> SlabSpan? {
    let open = (0..<3).filter { !box.periodic[$0] }
    guard open.count == 1, potentials.contains(where: { $0.longRange != nil }), totalCount > 0 else { return nil }
    let axis = open[0]
    var ends = [Double.infinity, .infinity]
    var mine: [Int64] = [.max, .max]
    for i in 0..<atoms.localCount {
      let z = box.fractional(atoms.position[i])[axis] * box.heights[axis]
      if z < ends[0] { (ends[0], mine[0]) = (z, atoms.id[i]) }
      if -z < ends[1] { (ends[1], mine[1]) = (-z, atoms.id[i]) }
    }
    let own = ends
    ends.withUnsafeMutableBufferPointer { communicator.allReduce($0, .minimum) }
    let ids = (0..<2).map { communicator.minimum(own[$0] == ends[$0] ? Int(mine[$0]) : .max) }
    return SlabSpan(
      low: ends[0], high: -ends[1], lowest: Int64(ids[0]), highest: Int64(ids[1]), margin: 0.5 * skin)
  }

  /// Brings the ghosts to where their owners are now.
  package func refresh() {
    timers.start(.communication)
    exchange.forwardPositions(box: box)
  }

  private var longRangeSeconds: Double { potentials.reduce(0) { $0 + ($1.longRange?.seconds ?? 0) } }

  /// Forces of all potentials on local atoms, and what else `want` asks for. Returns this rank's share.
  package func compute(_ want: Want, step: Int) throws -> Tally {
    timers.start(.potential)
    if want.contains(.atomEnergy) { atoms.needEnergy() }
    if want.contains(.atomVirial) { atoms.needVirial() }
    let stream = want.contains(.pairForces) ? atoms.needPairForces() : nil
    atoms.clearResults()
    stream?.begin(atoms.view, box)
    defer { stream?.finish() }
    var tally = Tally.zero
    let before = longRangeSeconds
    let waitedBefore = exchange.seconds
    let started = PhaseTimers.now()
    try Self.blaming(step) {
      for potential in potentials {
        tally += try potential.compute(
          ForceContext(
            atoms: atoms.view, box: box, step: step, want: want, ghosts: exchange, full: lists.full,
            half: lists.half, decomposition: decomposition, span: span))
      }
    }
    let longRange = longRangeSeconds - before
    let exchanged = exchange.seconds - waitedBefore
    workSeconds += PhaseTimers.now() - started - longRange - exchanged
    computations += 1
    timers.move(longRange, from: .potential, to: .longRange)
    timers.move(exchanged, from: .potential, to: .communication)
    if writesGhosts {
      timers.start(.communication)
      var results = [atoms.force.storage]
      if want.contains(.atomEnergy), let energy = atoms.energy { results.append(energy.storage) }
      if want.contains(.atomVirial), let virial = atoms.virial { results.append(virial.storage) }
      exchange.reverse(results)
    }
    timers.start(.integrate)
    return tally
  }

  /// What the potentials say of the errors of the last `compute`. Collective; throws if they are far above what was
  /// asked.
  func notes(step: Int) throws -> [String] {
    try Self.blaming(step) { try potentials.flatMap { try $0.notes(for: atoms.view) } }
  }

  /// What is wrong at step 0 is wrong input; later it is trouble of the run.
  private static func blaming<Value>(_ step: Int, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch var error as FaultlineError where step > 0 {
      error.kind = .run
      throw error
    }
  }

  /// Goes up whenever `notes` says something new: the cell has changed so far that sums are made anew.
  var revisions: Int { potentials.reduce(0) { $0 + ($1.longRange?.revisions ?? 0) } }

  /// What potentials report besides energy and virial.
  var figures: [Figure] { reporting.flatMap { $0.figures(in: box) } }

  /// What they need of a step for that.
  var figureWants: Want { reporting.reduce(into: Want()) { $0.formUnion($1.figureWants) } }

  /// Their values for the last `compute`, by name; nil if there are none. Collective.
  func figureValues(potentialEnergy: Double) -> [String: Double]? {
    var found: [String: Double] = [:]
    for potential in reporting {
      let values = potential.values(atoms.view, box: box, potentialEnergy: potentialEnergy)
      for (figure, value) in zip(potential.figures(in: box), values) { found[figure.name] = value }
    }
    return found.isEmpty ? nil : found
  }

  private var reporting: [any Reporting] { potentials.compactMap { $0 as? any Reporting } }

  /// The first local atom whose position, velocity or force is not a finite number, as its id.
  package func firstNonFiniteAtom() -> Int64? {
    let view = atoms.view
    var found: Int64?
    for i in 0..<view.localCount
    where !(view.positions[i].isFinite && view.velocities[i].isFinite && view.forces[i].isFinite) {
      found = min(found ?? .max, view.ids[i])
    }
    return found
  }

  /// The closest pair on this rank among those listed: distance in Å and both ids.
  package func closestPair() -> (distance: Double, Int64, Int64)? {
    guard let list = lists.half ?? lists.full else { return nil }
    let view = atoms.view
    var best = Double.infinity
    var pair: (Int64, Int64) = (0, 0)
    for i in 0..<list.rowCount {
      for k in list.starts[i]..<list.starts[i + 1] {
        let j = Int(list.indices[k])
        let d = (view.positions[j] - view.positions[i]).squaredLength
        if d < best {
          best = d
          pair = (view.ids[i], view.ids[j])
        }
      }
    }
    return best.isFinite ? (best.squareRoot(), pair.0, pair.1) : nil
  }

  /// Stops the run before the first step if two atoms sit on one another. Collective.
  package func refuseOverlaps(closerThan limit: Double) throws {
    let mine = closestPair()
    try communicator.agree {
      if let mine, mine.distance < limit {
        throw FaultlineError(
          .input, "atoms \(mine.1) and \(mine.2) are \(Self.short(mine.distance)) Å apart",
          hint: "no two atoms may be closer than \(Self.short(limit)) Å at the start; remove one, or relax the "
            + "structure with a larger 'overlap' distance")
      }
    }
  }

  private static func short(_ x: Double) -> String { "\((x * 1000).rounded() / 1000)" }
}
