import Foundation
import MDCore
import MDDeck
import MDIO
import MDParallel

extension Simulation {
  /// Continues a run from a checkpoint: the newest of a run directory, or the file given. Collective.
  ///
  /// - Parameters:
  ///   - extend: more steps of the last stage of a run that is finished.
  ///   - endedJob: a job that is known to be over, so that what it has locked may be taken over.
  ///   - acceptChangedFiles: whether potentials' files may differ from those that the run was written with.
  package static func resume(
    from path: String, extend: RunExtension? = nil, endedJob: String? = nil, acceptChangedFiles: Bool = false,
    communicator: any Communicator, log: RunLog
  ) throws -> Simulation {
    let began = PhaseTimers.now()
    var lock: RunLock?
    var reader: CheckpointReader?
    try communicator.agree {
      guard communicator.isRoot else { return }
      let place = try CheckpointPlace(path)
      lock = try RunLock(directory: place.directory, endedJob: endedJob)
      reader = try place.open()
    }
    let checkpoint = try CheckpointFile.read(reader, communicator: communicator)
    var header = checkpoint.header
    let file = String(decoding: communicator.broadcast(Array((reader?.path ?? "").utf8)), as: UTF8.self)
    var plan = try DeckReading.plan(header.deck, purpose: .resume, communicator: communicator, log: log)
    try communicator.agree { try CheckpointCheck(file: file).check(checkpoint, against: plan) }
    let end = try checkpoint.section("last_stage", file: file)?.stageEnd(header.clock)
    if let extend {
      let settings = try extend.settings(plan, header.clock, end, run: path)
      header.deck.settings += settings
      plan = try DeckReading.plan(header.deck, purpose: .resume, communicator: communicator, log: log)
      header.clock.stage = plan.stages.count - 1
      header.clock.stepInStage = end?.steps ?? 0
    }
    let (inputs, changed) = try compareInputs(header, plan, accept: acceptChangedFiles, communicator)
    // The checkpoint lies in DIRECTORY/checkpoints, wherever the run directory has been moved to.
    let parent = ((file as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
    let directory = RunDirectory(parent.isEmpty ? "." : parent)
    plan.output.directory = directory.path

    let ingredients = try SystemFactory.Ingredients(
      header.species, isPresent: header.species.map { !header.unused.contains($0) },
      given: header.masses.map { $0 }, plan: plan, communicator: communicator)
    var domain = try Domain(
      box: header.box, ranks: communicator.size, rank: communicator.rank,
      grid: plan.decomposition.grid.flatMap { $0.x * $0.y * $0.z == communicator.size ? $0 : nil },
      halo: ingredients.halo + plan.neighbors.skin
    ).byNodes(header.box, halo: ingredients.halo + plan.neighbors.skin, communicator: communicator)
    if let bricks = Bricks(lists: header.cuts, ranks: communicator.size) {
      domain = Domain(bricks: bricks, rank: communicator.rank, periodic: header.periodic)
    }
    let longRange = try checkpoint.section("long_range", file: file)?.longRange() ?? []
    let solvers = ingredients.potentials.compactMap(\.longRange)
    guard longRange.count == solvers.count else {
      throw FaultlineError(
        .input, "checkpoint \(file) has the long-range sums of \(longRange.count) potentials, but its deck \(solvers.count)",
        isCollective: true)
    }
    for (solver, parameters) in zip(solvers, longRange) {
      solver.parameters = parameters
    }
    let atoms = AtomStore()
    if header.columns.contains("charge") { atoms.needCharge() }
    Measurements.declare(plan, atoms)
    for potential in ingredients.potentials { try potential.attach(to: atoms) }
    if header.columns.contains(CrackFrame.column) { Distribution.declareSites(atoms) }
    if header.columns.contains("grain") { _ = atoms.addColumn("grain", roles: [.migrates, .checkpointed]) }
    try CheckpointFile.load(
      header, from: reader, at: file, to: atoms, domain: domain, readers: .chosen(plan.output.writers, communicator),
      communicator: communicator)
    if plan.decomposition.balance != .none, header.ranks != communicator.size {
      domain = try Domain.best(
        box: header.box, atoms: atoms, communicator: communicator, grid: domain.grid,
        halo: ingredients.halo + plan.neighbors.skin
      ).domain.byNodes(header.box, halo: ingredients.halo + plan.neighbors.skin, communicator: communicator)
    }
    let system = try DistributedSystem(
      communicator: communicator, atoms: atoms, box: header.box, species: header.species,
      masses: header.masses, potentials: ingredients.potentials, domain: domain, skin: plan.neighbors.skin,
      reach: ingredients.reach, balance: plan.decomposition.balance)
    guard system.totalCount == header.atoms else {
      throw FaultlineError(
        .input, "the checkpoint \(file) has \(header.atoms) atoms but \(system.totalCount) found an owner",
        isCollective: true)
    }
    // Every section has found its owner before an output file is touched.
    var state = try checkpoint.section("stage", file: file)?.stage(header.clock, cell: header.cell)
    // A relaxation that is given more steps begins them at rest.
    if extend != nil, case .dynamics = plan.stages[header.clock.stage].work { state = end?.state }
    let observers = try Observers(.init(plan: plan, system: system, geometry: nil))
    for observer in observers.all {
      if let section = checkpoint.section(observer.name, file: file) {
        try observer.restore(section, clock: header.clock)
      } else if try observer.state() != nil {
        throw FaultlineError(
          .input, "checkpoint \(file) lacks the section '\(observer.name)', which its deck's runs write",
          isCollective: true)
      }
    }
    let owners = Set(["stage", "last_stage", "long_range"] + observers.all.map(\.name))
    if let stranger = header.owners.first(where: { !owners.contains($0) }) {
      throw FaultlineError(
        .input, "checkpoint \(file) has a section '\(stranger)', which belongs to nothing in its deck",
        isCollective: true)
    }
    let outputs = RunOutputs(
      plan.output, types: plan.mlipTypes, directory: directory, lock: lock, communicator: communicator)
    try communicator.agree {
      guard communicator.isRoot else { return }
      try directory.proveWritable()
      try log.open(path: directory.log, append: true)
    }
    try outputs.open(continuing: (header, file), atoms: system.atoms, observers: observers)
    var summary = newSummary(plan, system, outputs)
    summary.warnings = header.warnings
    let engine = Engine(
      system, groups: GroupTable(plan.groups, species: system.species), clock: header.clock, seed: plan.seed,
      crack: try CrackFactory.frame(plan, communicator: communicator))
    if let ring = engine.crack {
      guard let kept = state?.crack ?? end.flatMap({ $0.state.crack }) else {
        throw FaultlineError(.input, "checkpoint \(file) does not say how its crack is loaded", isCollective: true)
      }
      try ring.restore(kept)
    }
    let simulation = Simulation(
      plan: plan, engine: engine, outputs: outputs, observers: observers, restored: state, summary: summary, inputs: inputs, log: log, started: began)
    if extend == nil { simulation.lastStage = end }
    log.line("Faultline \(faultlineVersion): resumed from \(file), step \(header.clock.step)")
    if extend != nil {
      let last = plan.stages[header.clock.stage]
      log.line("  the last stage, '\(last.name)', is extended to \(RunLog.counted(last.stepLimit, "step"))")
    }
    if let note = lock?.note { log.line("  note: \(note)") }
    for file in changed { log.line("  note: \(file) is not the file that the run was written with before") }
    try simulation.describe()
    return simulation
  }

  /// The potentials' files as they are (on rank 0), and those that are not what they were. Collective.
  private static func compareInputs(
    _ header: CheckpointHeader, _ plan: RunPlan, accept: Bool, _ communicator: any Communicator
  ) throws -> ([String: FileChecksum], [String]) {
    var now: [String: FileChecksum] = [:]
    var changed: [String] = []
    try communicator.agree {
      guard communicator.isRoot else { return }
      now = try InputFiles.checksums(plan)
      changed = InputFiles.changes(from: header.inputs, to: now)
      if changed.isEmpty || accept { return }
      throw FaultlineError(
        .input, "\(changed.joined(separator: ", ")) changed since the checkpoint was written",
        hint: "a run with two potentials is neither; bring the file back, or give --accept-changed-files")
    }
    return (now, changed)
  }
}
