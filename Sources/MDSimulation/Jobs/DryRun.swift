import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDParallel

/// `faultline check`: everything that a run would stumble over, and what it will need.
///
/// Reads deck, structure and potentials as a run does, computes forces on the ranks it was started with, and
/// from that estimates memory, time and output for the ranks that the job will use.
package enum DryRun {
  /// Collective. Throws every mistake that does not hide behind another, all at once: those of keys and units first;
  /// then those of potentials, structure, groups, stages and output.
  package static func run(
    deck: String, settings: [String] = [], output: String?, ranks: Int?, perNode: Int? = nil,
    communicator: any Communicator, log: RunLog
  ) throws {
    let job = Job(ranks: ranks ?? communicator.size, perNode: perNode)
    let source = try DeckReading.source(deck, settings: settings, communicator: communicator)
    if try printTable(source, communicator: communicator, log: log) { return }
    if let scan = try DeckReading.scan(source, communicator: communicator) {
      let points = try ScanRun.points(scan, of: source, output: output, communicator: communicator, log: log)
      log.line("scan         \(RunLog.counted(scan.count, "run")) in \(points[0].root); the first of them:")
      try check(points[0].plan, job, communicator: communicator, log: log)
    } else {
      var plan = try DeckReading.plan(source, purpose: .run, communicator: communicator, log: log)
      if let output { plan.output.directory = output }
      try check(plan, job, communicator: communicator, log: log)
    }
  }

  /// The ranks that will run the deck, and those of a node, where it was said.
  private struct Job {
    var ranks: Int
    var perNode: Int?
  }

  /// Whether the deck's structure is a table, which needs nothing else of a deck. Collective.
  private static func printTable(_ source: DeckSource, communicator: any Communicator, log: RunLog) throws -> Bool {
    guard
      let plan = try? RunPlan.parse(
        source.text, file: source.file, settings: source.settings, schema: Registry.schema, purpose: .build),
      plan.structure?.isTable ?? false
    else { return false }
    let resolved = try EquilibriumLattice.resolved(plan, communicator: communicator)
    for note in resolved.notes { log.line(note) }
    try communicator.agree {
      guard communicator.isRoot else { return }
      for line in try StructureTables.lines(resolved.plan) ?? [] { log.line(line) }
    }
    return true
  }

  private static func check(_ plan: RunPlan, _ job: Job, communicator: any Communicator, log: RunLog) throws {
    var plan = plan
    let ranks = job.ranks
    var mistakes = Mistakes()
    _ = try mistakes.attempt {
      try communicator.agree { if communicator.isRoot { try checkDirectory(plan) } }
    }
    if let found = try mistakes.attempt({ try EquilibriumLattice.resolved(plan, communicator: communicator) }) {
      plan = found.plan
      for note in found.notes { log.line("structure    " + note) }
    } else {
      // Without its constants there is no structure to look at.
      try mistakes.refuse()
    }
    if plan.search != nil {
      try mistakes.refuse()
      return try SearchCheck.run(plan, ranks: ranks, communicator: communicator, log: log)
    }
    let system = try system(plan, ranks: ranks, &mistakes, communicator, log)
    try mistakes.refuse()
    guard let system else { preconditionFailure("a system that cannot be made is a mistake") }
    log.line(
      "structure    \(RunLog.counted(system.totalCount, "atom")) of \(system.species.joined(separator: ", "))")
    if !system.unusedSpecies.isEmpty {
      log.line("             no atom is of \(system.unusedSpecies.joined(separator: ", "))")
    }
    log.line(
      "potential    " + system.potentials.map(\.name).joined(separator: " + ")
        + ", cutoff \(RunLog.fixed(system.cutoff, 3)) Å")

    let probe = try measure(system)
    if let bad = communicator.lowest(system.firstNonFiniteAtom()) {
      throw FaultlineError(.input, "the force on atom \(bad) is not a number", isCollective: true)
    }
    log.line(
      "forces       largest component \(RunLog.fixed(probe.largestForce, 3)) eV/Å, "
        + "energy \(RunLog.fixed(probe.energy, 4)) eV")
    let nearest = probe.nearest.isFinite ? "nearest atoms \(RunLog.fixed(probe.nearest, 3)) Å apart" : nil
    let pressure = probe.pressure.map { "pressure of atoms at rest \(BoundaryEnergy.kilobar($0))" }
    let both = [pressure, nearest].compactMap { $0 }
    if !both.isEmpty { log.line("             " + both.joined(separator: ", ")) }
    if let pressure = probe.pressure, abs(pressure) > 1000,
      let note = try EquilibriumLattice.note(against: plan, communicator: communicator)
    {
      log.line("             " + note)
    }
    for note in try system.notes(step: 0) { log.line("             " + note) }
    // What tasks take hangs on how their cells relax.
    if plan.tasks.isEmpty { try report(plan, system, probe, job, log: log) }
    if communicator.isRoot { for card in PotentialCard.warnings(of: plan) { log.line("warning: \(card)") } }
    let work =
      plan.tasks.isEmpty ? RunLog.counted(plan.stages.count, "stage") : RunLog.counted(plan.tasks.count, "task")
    log.line("deck         \(plan.source.file): \(work), no mistakes")
  }

  /// The run's system on the ranks of this check; nil, with the reasons noted, if it cannot be made. What does not
  /// depend on what failed is looked at all the same. Collective.
  private static func system(
    _ plan: RunPlan, ranks: Int, _ mistakes: inout Mistakes, _ communicator: any Communicator, _ log: RunLog
  ) throws -> DistributedSystem? {
    // The grid of the deck is for the job's ranks, not for those of this check.
    var probePlan = plan
    probePlan.decomposition.grid = nil
    guard let draft = try mistakes.attempt({ try StructureDraft(probePlan, communicator: communicator) }) else {
      return nil
    }
    let ingredients = try mistakes.attempt { try draft.ingredients(communicator: communicator) }
    let result = try mistakes.attempt {
      try draft.build(for: ingredients?.potentials, communicator: communicator)
    }
    guard var built = result else { return nil }
    for note in built?.notes ?? [] { log.line("structure    " + note) }
    let geometry = try Broadcast.value(built?.geometry, communicator)
    let header = Distribution.header(of: built?.structure, communicator: communicator)
    let groups = GroupTable(plan.groups, species: header.species)
    let halo = (ingredients?.halo ?? 0) + plan.neighbors.skin
    let job = try mistakes.attempt { try jobDomain(plan, header.box, ranks: ranks, halo: halo) }
    guard let ingredients, job != nil else {
      let atoms = AtomStore()
      let domain = try Domain(box: header.box, ranks: communicator.size, rank: communicator.rank, halo: halo)
      try Distribution.scatter(built?.structure, header: header, to: atoms, domain: domain, communicator: communicator)
      try groups.assign(to: atoms, box: header.box)
      mistakes.note(
        try Rehearsal.motion(
          plan, atoms, header.box, masses: ingredients?.masses ?? header.species.map { _ in 1 }, groups,
          communicator: communicator))
      return nil
    }
    guard
      let system = try mistakes.attempt({
        try SystemFactory.make(
          built?.structure, header: header, ingredients, plan: probePlan, communicator: communicator)
      })
    else { return nil }
    built = nil
    try groups.assign(to: system.atoms, box: system.box)
    for (name, size) in zip(groups.names, groups.counts(system.atoms, communicator)) {
      log.line("group        \(name): \(RunLog.counted(size, "atom"))")
    }
    let observers = try Observers(.init(plan: plan, system: system, geometry: geometry))
    for note in try mistakes.attempt({ try Rehearsal.run(plan, system, groups, observers) }) ?? [] {
      log.line("structure    " + note)
    }
    _ = try mistakes.attempt {
      try system.rebuild()
      try system.refuseOverlaps(closerThan: 0.5)
    }
    return system
  }

  /// How the job will divide the cell, seen by its rank 0.
  private static func jobDomain(_ plan: RunPlan, _ box: Box, ranks: Int, halo: Double) throws -> Domain {
    do {
      return try Domain(box: box, ranks: ranks, rank: 0, grid: plan.decomposition.grid, halo: halo)
    } catch var error as FaultlineError {
      error.location = plan.decomposition.location
      throw error
    }
  }

  // MARK: The output's place

  private static func checkDirectory(_ plan: RunPlan) throws {
    let directory = RunDirectory(plan.output.directory)
    if case .run(let progress) = directory.contents, !plan.output.overwrite { throw directory.occupied(progress) }
    let place = existingAncestor(of: directory.path)
    guard FileManager.default.isWritableFile(atPath: place) else {
      throw FaultlineError(.input, "the run directory \(directory.path) cannot be made: \(place) is not writable")
    }
  }

  private static func existingAncestor(of path: String) -> String {
    var url = URL(fileURLWithPath: path)
    while !FileManager.default.fileExists(atPath: url.path) && url.path != "/" { url.deleteLastPathComponent() }
    return url.path
  }

  // MARK: The probe

  struct Probe {
    /// s of one force computation and of one rebuild, the slowest rank.
    var force: Double
    var rebuild: Double
    var energy: Double
    /// bar, without the atoms' motion; nil if an axis is open.
    var pressure: Double?
    var largestForce: Double
    /// The smallest distance of two atoms within the lists' reach, Å; infinite if there is none.
    var nearest: Double
    /// Bytes of columns an atom (local or ghost) and of lists a local atom.
    var columnBytes: Int
    var listBytes: Double
    var density: Double
    /// Exchanges of ghosts in a force computation, and the bytes of a ghost in all of them.
    var calls: Int
    var bytesOfGhost: Int
  }

  private static func measure(_ system: DistributedSystem) throws -> Probe {
    let communicator = system.communicator
    try system.rebuild()
    var tally = try system.compute([.energy, .virial], step: 0)
    var forces: [Double] = []
    let exchange = system.exchange
    let before = (calls: exchange.calls, bytes: exchange.bytesOfGhost)
    tally = try system.compute([], step: 0)
    let ghosts = (calls: exchange.calls - before.calls, bytes: exchange.bytesOfGhost - before.bytes)
    // The first computation touches fresh memory; the median of three more is steady.
    for _ in 0..<3 {
      communicator.barrier()
      let start = PhaseTimers.now()
      tally = try system.compute([.energy, .virial], step: 0)
      forces.append(communicator.maximum(PhaseTimers.now() - start))
    }
    communicator.barrier()
    let start = PhaseTimers.now()
    try system.rebuild()
    let rebuild = communicator.maximum(PhaseTimers.now() - start)
    tally = try system.compute([.energy, .virial], step: 0)
    var largest = 0.0
    for i in 0..<system.atoms.localCount {
      let f = system.atoms.force[i]
      largest = max(largest, abs(f.x), abs(f.y), abs(f.z))
    }
    let lists = communicator.sum(system.lists.statistics.bytes)
    let trace = communicator.sum(tally.virial.trace)
    let pressure = trace / (3 * system.box.volume) * Units.energyPerVolumeToBar
    return Probe(
      force: forces.sorted()[1], rebuild: rebuild, energy: communicator.sum(tally.energy),
      pressure: system.box.periodic.isFull ? pressure : nil, largestForce: communicator.maximum(largest),
      nearest: communicator.minimum(system.closestPair()?.distance ?? .infinity),
      columnBytes: system.atoms.columns.reduce(0) { $0 + $1.stride },
      listBytes: Double(lists) / Double(max(system.totalCount, 1)),
      density: Double(system.totalCount) / system.box.volume, calls: ghosts.calls, bytesOfGhost: ghosts.bytes)
  }

  // MARK: Estimates

  private static func report(
    _ plan: RunPlan, _ system: DistributedSystem, _ probe: Probe, _ job: Job, log: RunLog
  ) throws {
    let ranks = job.ranks
    let box = system.box
    let width = system.halo + system.skin
    let domain = try jobDomain(plan, box, ranks: ranks, halo: width)
    let grid = domain.grid
    let bricks = (0..<3).map { box.heights[$0] / Double(grid[$0]) }
    log.line(
      "ranks        \(ranks) as \(grid.x) × \(grid.y) × \(grid.z), bricks of "
        + bricks.map { RunLog.fixed($0, 1) }.joined(separator: " × ") + " Å, ghosts within \(RunLog.fixed(width, 2)) Å")
    let hops = (0..<3).map { grid[$0] == 1 ? 1 : domain.hops(axis: $0, width: width / box.heights[$0]) }
    if let most = hops.max(), most > 1 {
      log.line(
        "             warning: bricks are thinner than the ghosts' reach, \(Amount.count(most)) hops of communication; "
          + "use fewer ranks")
    }
    let atoms = Double(system.totalCount)
    let local = atoms / Double(ranks)
    // The brick with its halo, where the axis is divided or repeats.
    let grown = (0..<3).map { bricks[$0] + (grid[$0] > 1 || box.periodic[$0] ? 2 * width : 0) }
    let ghosts = max(0, local * (grown[0] * grown[1] * grown[2] / (bricks[0] * bricks[1] * bricks[2]) - 1))
    log.line("             about \(Amount.count(local)) atoms and \(Amount.count(ghosts)) ghosts each")

    // Columns have up to an eighth to spare; the program itself and MPI take some 60 MB.
    let memory = 60e6 + 1.125 * Double(probe.columnBytes) * (local + ghosts) + probe.listBytes * local
    log.line(
      "memory       about \(Amount.bytes(memory)) a rank, \(Amount.bytes(memory * Double(ranks))) in all")

    // Lists last some ten steps at the usual temperatures.
    let perStep = (probe.force + probe.rebuild / 10) * Double(system.communicator.size) / Double(ranks)
    let steps = plan.stages.reduce(0.0) { $0 + Double($1.stepLimit) }
    log.line(
      "time         about \(RunLog.fixed(perStep * 1e6 / atoms * Double(ranks), 2)) µs an atom and step on one core, "
        + "\(RunLog.duration(perStep)) a step, \(RunLog.duration(perStep * steps)) for at most "
        + "\(Amount.count(steps)) steps on \(RunLog.counted(ranks, "rank"))")
    if ranks > 1, let perNode = job.perNode {
      guard ranks % perNode == 0 else {
        throw FaultlineError(
          .input, "\(ranks) ranks do not fill nodes of \(perNode)", hint: "--ranks a multiple of --ranks-per-node",
          isCollective: true)
      }
      let block = Domain.bestBlock(
        perNode: perNode, grid: grid, extents: box.heights, periodic: box.periodic, halo: width)
      // Positions go to the ghosts besides what forces need.
      let network = NetworkForecast(
        calls: probe.calls + 1, bytesOfGhost: probe.bytesOfGhost + system.atoms.position.storage.payload, domain: domain,
        block: block, perNode: perNode, heights: box.heights, width: width, atoms: local, work: perStep * Double(ranks) / atoms,
        latency: 1e-12 * plan.decomposition.latency, bandwidth: 1e9 * plan.decomposition.bandwidth)
      for line in network.lines { log.line(line) }
    }
    try reportOutput(plan, system, steps: steps, log: log)
  }

  /// Sizes in floating point: what a deck may ask for is beyond the range of integers.
  private static func reportOutput(
    _ plan: RunPlan, _ system: DistributedSystem, steps: Double, log: RunLog
  ) throws {
    let atoms = Double(system.totalCount)
    func records(every interval: Int) -> Double { (steps / Double(interval)).rounded(.down) + 1 }
    var bytes =
      records(every: plan.output.thermo.every)
      * Double(24 * (plan.output.thermo.columns.count + system.figures.count + 2))
    for trajectory in plan.output.trajectories {
      let numbers = 3 + trajectory.columns.reduce(0) { $0 + AtomColumn.named($1).file.width }
      // A number has 17 digits and what goes with them; gzip takes about half.
      let frame = atoms * Double(12 + 24 * numbers) / (trajectory.gzip ? 2 : 1)
      let frames = records(every: trajectory.every)
      bytes += frames * frame
      log.line(
        "output       \(trajectory.file): at most \(Amount.count(frames)) frames of \(Amount.bytes(frame))")
    }
    let checkpoint = Double(CheckpointFile.columns(of: system.atoms).reduce(0) { $0 + $1.payload }) * atoms
    bytes += checkpoint * Double(plan.output.checkpoints.keep + 1)
    let place = existingAncestor(of: plan.output.directory)
    let communicator = system.communicator
    try communicator.agree {
      guard communicator.isRoot else { return }
      let free = Double(try DiskSpace.available(place))
      log.line(
        "             checkpoints of \(Amount.bytes(checkpoint)); in all \(Amount.bytes(bytes)), "
          + "\(Amount.bytes(free)) free in \(plan.output.directory)")
      if bytes > free {
        throw FaultlineError(
          .input, "the run would write up to \(Amount.bytes(bytes)), but only \(Amount.bytes(free)) are free",
          hint: "write frames less often, fewer columns, or compress (.gz)")
      }
    }
  }
}
