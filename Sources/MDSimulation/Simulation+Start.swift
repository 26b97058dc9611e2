import Foundation
import MDCore
import MDDeck
import MDDynamics
import MDIO
import MDNumerics
import MDParallel

extension Simulation {
  /// A new run of a deck. Collective; every mistake is found before the first step.
  ///
  /// - Parameters:
  ///   - output: in place of the deck's `output.directory`.
  ///   - overwrite: replaces a run that is there.
  ///   - endedJob: a job that is known to be over, so that what it has locked may be taken over.
  public static func start(
    deck path: String, output: String?, overwrite: Bool, endedJob: String? = nil, communicator: any Communicator,
    log: RunLog
  ) throws -> Simulation {
    var plan = try DeckReading.plan(path, purpose: .run, communicator: communicator, log: log)
    if let output { plan.output.directory = output }
    if overwrite { plan.output.overwrite = true }
    return try start(plan, endedJob: endedJob, communicator: communicator, log: log)
  }

  /// A new run of a plan. Collective.
  static func start(
    _ plan: RunPlan, endedJob: String? = nil, communicator: any Communicator, log: RunLog
  ) throws -> Simulation {
    let began = PhaseTimers.now()
    let directory = RunDirectory(plan.output.directory)

    var built: BuiltStructure?
    try communicator.agree { if communicator.isRoot { built = try StructureFactory.build(plan) } }
    let geometry = try Broadcast.value(built?.geometry, communicator)
    let system = try SystemFactory.make(built?.structure, plan: plan, communicator: communicator)
    let notes = built?.notes ?? []
    built = nil
    let groups = GroupTable(plan.groups, species: system.species)
    try groups.assign(to: system.atoms, box: system.box)
    try Rehearsal.run(plan, system, groups)
    let crystal = try BoundaryEnergy.rehearse(plan, system)

    var inputs: [String: FileChecksum] = [:]
    try communicator.agree { if communicator.isRoot { inputs = try InputFiles.checksums(plan) } }

    var lock: RunLock?
    var before = RunDirectory.Contents.nothing
    try communicator.agree {
      guard communicator.isRoot else { return }
      try directory.make()
      lock = try RunLock(directory: directory.path, endedJob: endedJob)
      before = try directory.prepare(
        trajectories: plan.output.trajectories.map(\.file), overwrite: plan.output.overwrite)
      try log.open(path: directory.log, append: false)
    }
    let outputs = RunOutputs(
      plan.output, watch: plan.analysis.watch, types: plan.mlipTypes, directory: directory, lock: lock,
      communicator: communicator)
    try outputs.open(
      continuing: nil, atoms: system.atoms, assessments: system.assessments, figures: system.figures)
    let simulation = Simulation(
      plan: plan, system: system, outputs: outputs, groups: groups, geometry: geometry, clock: Clock(),
      restored: nil, summary: newSummary(plan, system), inputs: inputs, log: log, started: began)
    log.line("Faultline \(faultlineVersion)" + (plan.title.map { ": \($0)" } ?? ""))
    if let note = lock?.note { log.line("  note: \(note)") }
    if before == .unstarted { log.line("  note: replaces a run that never got beyond its start") }
    for note in notes + crystal { log.line("  " + note) }
    try simulation.describe()
    return simulation
  }

  /// Continues a run from a checkpoint: the newest of a run directory, or the file given. Collective.
  ///
  /// - Parameters:
  ///   - endedJob: a job that is known to be over, so that what it has locked may be taken over.
  ///   - acceptChangedFiles: whether potentials' files may differ from those that the run was written with.
  public static func resume(
    from path: String, endedJob: String? = nil, acceptChangedFiles: Bool = false, communicator: any Communicator, log: RunLog
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
    let header = try CheckpointFile.header(reader, communicator: communicator)
    let file = String(decoding: communicator.broadcast(Array((reader?.path ?? "").utf8)), as: UTF8.self)
    var plan = try DeckReading.plan(header.deck, purpose: .resume, communicator: communicator, log: log)
    try communicator.agree { try CheckpointCheck(file: file).check(header, against: plan) }
    let (inputs, changed) = try compareInputs(header, plan, accept: acceptChangedFiles, communicator)
    // The checkpoint lies in DIRECTORY/checkpoints, wherever the run directory has been moved to.
    let parent = ((file as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
    let directory = RunDirectory(parent.isEmpty ? "." : parent)
    plan.output.directory = directory.path

    let ingredients = try SystemFactory.Ingredients(
      header.species, isPresent: header.species.map { !(header.unused?.contains($0) ?? false) },
      given: header.masses.map { $0 }, plan: plan, communicator: communicator)
    var domain = try Domain(
      box: header.box, ranks: communicator.size, rank: communicator.rank,
      grid: header.ranks == communicator.size
        ? SIMD3(header.cuts[0].count - 1, header.cuts[1].count - 1, header.cuts[2].count - 1)
        : plan.decomposition.grid.flatMap { $0.x * $0.y * $0.z == communicator.size ? $0 : nil },
      cuts: header.ranks == communicator.size ? header.cuts : nil, halo: ingredients.halo + plan.neighbors.skin)
    for (solver, parameters) in zip(ingredients.potentials.compactMap(\.longRange), header.longRange ?? []) {
      solver.parameters = parameters
    }
    let atoms = AtomStore()
    if header.columns.contains("charge") { atoms.needCharge() }
    for potential in ingredients.potentials { try potential.attach(to: atoms) }
    if header.columns.contains("grain") { _ = atoms.addColumn("grain", roles: [.migrates, .checkpointed]) }
    try CheckpointFile.load(header, from: reader, to: atoms, domain: domain, communicator: communicator)
    if plan.decomposition.balance, header.ranks != communicator.size {
      let reach = ingredients.halo + plan.neighbors.skin
      domain = try Domain.balanced(
        box: header.box, atoms: atoms, communicator: communicator, grid: domain.grid, halo: reach,
        minimumWidth: reach)
    }
    let system = try DistributedSystem(
      communicator: communicator, atoms: atoms, box: header.box, species: header.species,
      masses: header.masses, potentials: ingredients.potentials, domain: domain, skin: plan.neighbors.skin)
    guard system.totalCount == header.atoms else {
      throw FaultlineError(
        .input, "the checkpoint \(file) has \(header.atoms) atoms but \(system.totalCount) found an owner",
        isCollective: true)
    }
    // Programs that took such counts from files wrote them to checkpoints, too.
    let images = atoms.image.pointer
    let cleared = communicator.sum((0..<atoms.localCount).filter { header.box.clearImage(&images[$0]) }.count)
    let outputs = RunOutputs(
      plan.output, watch: plan.analysis.watch, types: plan.mlipTypes, directory: directory, lock: lock,
      communicator: communicator)
    try communicator.agree {
      guard communicator.isRoot else { return }
      try directory.proveWritable()
      try log.open(path: directory.log, append: true)
    }
    try outputs.open(
      continuing: (header, file), atoms: system.atoms, assessments: system.assessments, figures: system.figures)
    var summary = newSummary(plan, system)
    summary.boundaryEnergies = header.boundaryEnergies
    summary.warnings = header.warnings ?? []
    let simulation = Simulation(
      plan: plan, system: system, outputs: outputs, groups: GroupTable(plan.groups, species: system.species),
      geometry: header.geometry, lastSelected: header.lastSelected, clock: header.clock, restored: header.stage,
      summary: summary, inputs: inputs,
      log: log, started: began)
    log.line("Faultline \(faultlineVersion): resumed from \(file), step \(header.clock.step)")
    if cleared > 0 { log.line("  " + header.box.clearedImagesNote(atoms: cleared)) }
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
      changed = header.inputs.map { InputFiles.changes(from: $0, to: now) } ?? []
      if changed.isEmpty || accept { return }
      throw FaultlineError(
        .input, "\(changed.joined(separator: ", ")) changed since the checkpoint was written",
        hint: "a run with two potentials is neither; bring the file back, or give --accept-changed-files")
    }
    return (now, changed)
  }

  private static func newSummary(_ plan: RunPlan, _ system: DistributedSystem) -> RunSummary {
    let grid = system.domain.grid
    return RunSummary(
      version: faultlineVersion, title: plan.title, deck: plan.source.file,
      started: ISO8601DateFormatter().string(from: Date()), ranks: system.communicator.size,
      grid: [grid.x, grid.y, grid.z], atoms: system.totalCount, species: system.species,
      potentials: system.potentials.map(\.name))
  }

  /// "500 atoms each", "498 to 502 atoms each".
  private static func range(_ counts: [Int]) -> String {
    let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
    if counts.count == 1 { return RunLog.counted(most, "atom") }
    return (least == most ? "" : "\(RunLog.grouped(least)) to ") + RunLog.counted(most, "atom") + " each"
  }

  /// What the log says before the first step. Collective.
  private func describe() throws {
    // Balanced bricks were cut after the atoms were dealt.
    try system.exchange.migrate(box: system.box)
    let counts = communicator.allGather(system.atoms.localCount)
    let grid = system.domain.grid
    let box = system.box
    let lengths = [box.cell.x.length, box.cell.y.length, box.cell.z.length].map { RunLog.fixed($0, 2) }
    let open = (0..<3).filter { !box.periodic[$0] }.map { ["a", "b", "c"][$0] }
    log.line(
      "  \(RunLog.grouped(system.totalCount)) atoms (\(system.species.joined(separator: ", "))) in "
        + lengths.joined(separator: " × ") + " Å" + (open.isEmpty ? "" : ", open along \(open.joined(separator: ", "))")
    )
    log.line(
      "  potential: \(system.potentials.map(\.name).joined(separator: " + ")), cutoff "
        + "\(RunLog.fixed(system.cutoff, 3)) Å, skin \(RunLog.fixed(system.skin, 2)) Å")
    let ranks = counts.count == 1 ? "1 rank" : "\(counts.count) ranks (\(grid.x) × \(grid.y) × \(grid.z))"
    log.line("  \(ranks), " + Self.range(counts))
    let sizes = groups.counts(system.atoms, communicator)
    for (name, size) in zip(groups.names, sizes) { log.line("  group \(name): \(RunLog.counted(size, "atom"))") }
  }
}
