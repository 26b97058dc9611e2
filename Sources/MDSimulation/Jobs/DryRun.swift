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
public enum DryRun {
  /// Collective. Throws the first mistake; the deck's own come all at once.
  public static func run(
    deck: String, output: String?, ranks: Int?, communicator: any Communicator, log: RunLog
  ) throws {
    var plan = try DeckReading.plan(deck, purpose: .run, communicator: communicator, log: log)
    if let output { plan.output.directory = output }
    let ranks = ranks ?? communicator.size
    log.line("deck         \(deck): \(plan.stages.count) stage\(plan.stages.count == 1 ? "" : "s"), no mistakes")
    try communicator.agree { if communicator.isRoot { try checkDirectory(plan) } }

    var built: BuiltStructure?
    try communicator.agree { if communicator.isRoot { built = try StructureFactory.build(plan) } }
    // The grid of the deck is for the job's ranks, not for those of this check.
    let domain = try Broadcast.value(built.map { BoxShape($0.structure.box) }, communicator)
    var probePlan = plan
    probePlan.decomposition.grid = nil
    let system = try SystemFactory.make(built?.structure, plan: probePlan, communicator: communicator)
    for note in built?.notes ?? [] { log.line("structure    " + note) }
    built = nil
    let groups = GroupTable(plan.groups, species: system.species)
    try groups.assign(to: system)
    try groups.refuseEmpty(plan.groups, system)
    try Rehearsal.run(plan, system, groups)
    for (name, size) in zip(groups.names, groups.counts(system.atoms, communicator)) {
      log.line("group        \(name): \(RunLog.grouped(size)) atoms")
    }
    log.line(
      "structure    \(RunLog.grouped(system.totalCount)) atoms of \(system.species.joined(separator: ", "))")
    log.line(
      "potential    " + system.potentials.map(\.name).joined(separator: " + ")
        + ", cutoff \(RunLog.fixed(system.cutoff, 3)) Å")

    let probe = try measure(system)
    try system.refuseOverlaps(closerThan: 0.5)
    if let bad = communicator.lowest(system.firstNonFiniteAtom()) {
      throw FaultlineError(.input, "the force on atom \(bad) is not a number", isCollective: true)
    }
    log.line(
      "forces       largest component \(RunLog.fixed(probe.largestForce, 3)) eV/Å, "
        + "energy \(RunLog.fixed(probe.energy, 4)) eV")
    for potential in system.potentials {
      for note in try potential.notes(for: system.atoms.view) { log.line("             " + note) }
    }
    guard let shape = domain else { return }
    try report(plan, shape.box, system, probe, ranks: ranks, log: log)
  }

  /// A box for a message.
  private struct BoxShape: Codable {
    var cell: [Double]
    var periodic: Periodicity
    init(_ box: Box) {
      cell = box.cell.elements
      periodic = box.periodic
    }
    var box: Box { Box(cell: Matrix3(cell), periodic: periodic) }
  }

  // MARK: The output's place

  private static func checkDirectory(_ plan: RunPlan) throws {
    let directory = RunDirectory(plan.output.directory)
    if directory.holdsRun && !plan.output.overwrite {
      throw FaultlineError(
        .input, "the run directory \(directory.path) already holds a run",
        hint: "'faultline resume \(directory.path)' continues it, --overwrite of 'run' replaces it")
    }
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
    var largestForce: Double
    /// Bytes of columns an atom (local or ghost) and of lists a local atom.
    var columnBytes: Int
    var listBytes: Double
    var density: Double
  }

  private static func measure(_ system: DistributedSystem) throws -> Probe {
    let communicator = system.communicator
    try system.rebuild()
    var tally = try system.compute([.energy, .virial], step: 0)
    var forces: [Double] = []
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
    return Probe(
      force: forces.sorted()[1], rebuild: rebuild, energy: communicator.sum(tally.energy),
      largestForce: communicator.maximum(largest), columnBytes: system.atoms.columns.reduce(0) { $0 + $1.stride },
      listBytes: Double(lists) / Double(max(system.totalCount, 1)),
      density: Double(system.totalCount) / system.box.volume)
  }

  // MARK: Estimates

  private static func report(
    _ plan: RunPlan, _ box: Box, _ system: DistributedSystem, _ probe: Probe, ranks: Int, log: RunLog
  ) throws {
    let width = system.halo + system.skin
    let domain = try Domain(box: box, ranks: ranks, rank: 0, grid: plan.decomposition.grid, halo: width)
    let grid = domain.grid
    let bricks = (0..<3).map { box.heights[$0] / Double(grid[$0]) }
    log.line(
      "ranks        \(ranks) as \(grid.x) × \(grid.y) × \(grid.z), bricks of "
        + bricks.map { RunLog.fixed($0, 1) }.joined(separator: " × ") + " Å, ghosts within \(RunLog.fixed(width, 2)) Å")
    let hops = (0..<3).map { grid[$0] == 1 ? 1 : Int((width / bricks[$0]).rounded(.up)) }
    if let most = hops.max(), most > 1 {
      log.line(
        "             warning: bricks are thinner than the ghosts' reach, \(most) hops of communication; "
          + "use fewer ranks")
    }
    let atoms = Double(system.totalCount)
    let local = atoms / Double(ranks)
    // The brick with its halo, where the axis is divided or repeats.
    let grown = (0..<3).map { bricks[$0] + (grid[$0] > 1 || box.periodic[$0] ? 2 * width : 0) }
    let ghosts = max(0, local * (grown[0] * grown[1] * grown[2] / (bricks[0] * bricks[1] * bricks[2]) - 1))
    log.line("             about \(RunLog.grouped(Int(local))) atoms and \(RunLog.grouped(Int(ghosts))) ghosts each")

    // Columns have up to an eighth to spare; the program itself and MPI take some 60 MB.
    let memory = 60e6 + 1.125 * Double(probe.columnBytes) * (local + ghosts) + probe.listBytes * local
    log.line(
      "memory       about \(RunLog.bytes(Int(memory))) a rank, \(RunLog.bytes(Int(memory * Double(ranks)))) in all")

    // Lists last some ten steps at the usual temperatures.
    let perStep = (probe.force + probe.rebuild / 10) * Double(system.communicator.size) / Double(ranks)
    let steps = plan.stages.reduce(0) { $0 + $1.stepLimit }
    log.line(
      "time         about \(RunLog.fixed(perStep * 1e6 / atoms * Double(ranks), 2)) µs an atom and step on one core, "
        + "\(RunLog.duration(perStep)) a step, \(RunLog.duration(perStep * Double(steps))) for at most "
        + "\(RunLog.grouped(steps)) steps on \(ranks) rank\(ranks == 1 ? "" : "s")")
    try reportOutput(plan, system, steps: steps, log: log)
  }

  private static func reportOutput(_ plan: RunPlan, _ system: DistributedSystem, steps: Int, log: RunLog) throws {
    let atoms = system.totalCount
    var bytes =
      (steps / plan.output.thermo.every + 1) * 24
      * (plan.output.thermo.columns.count + system.figures.count + 2)
    for trajectory in plan.output.trajectories {
      let numbers = 3 + trajectory.columns.reduce(0) { $0 + width($1) }
      // A number has 17 digits and what goes with them; gzip takes about half.
      let frame = atoms * (12 + 24 * numbers) / (trajectory.gzip ? 2 : 1)
      let frames = steps / trajectory.every + 1
      bytes += frames * frame
      log.line(
        "output       \(trajectory.file): at most \(RunLog.grouped(frames)) frames of \(RunLog.bytes(frame))")
    }
    let checkpoint = CheckpointFile.columns(of: system.atoms).reduce(0) { $0 + $1.payload } * atoms
    bytes += checkpoint * (plan.output.checkpoints.keep + 1)
    let place = existingAncestor(of: plan.output.directory)
    let communicator = system.communicator
    try communicator.agree {
      guard communicator.isRoot else { return }
      let free = try DiskSpace.available(place)
      log.line(
        "             checkpoints of \(RunLog.bytes(checkpoint)); in all \(RunLog.bytes(bytes)), "
          + "\(RunLog.bytes(free)) free in \(plan.output.directory)")
      if bytes > free {
        throw FaultlineError(
          .input, "the run would write up to \(RunLog.bytes(bytes)), but only \(RunLog.bytes(free)) are free",
          hint: "write frames less often, fewer columns, or compress (.gz)")
      }
    }
  }

  private static func width(_ column: MDDeck.TrajectoryColumn) -> Int {
    switch column {
    case .velocities, .forces, .images: 3
    case .energies, .charges, .electronegativity, .groups, .extrapolations, .forceDeviation, .energyDeviation,
      .chargeDeviation, .grade: 1
    case .virials: 9
    }
  }
}
