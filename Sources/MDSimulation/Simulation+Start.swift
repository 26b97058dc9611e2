import Foundation
import MDCore
import MDDeck
import MDDynamics
import MDIO
import MDNumerics
import MDParallel

extension Simulation {
  /// A new run of a deck. Collective; every mistake is found before the first step.
  public static func start(
    deck path: String, output: String?, overwrite: Bool, communicator: any Communicator, log: RunLog
  ) throws -> Simulation {
    var plan = try DeckReading.plan(path, purpose: .run, communicator: communicator, log: log)
    if let output { plan.output.directory = output }
    if overwrite { plan.output.overwrite = true }
    return try start(plan, communicator: communicator, log: log)
  }

  /// A new run of a plan. Collective.
  static func start(_ plan: RunPlan, communicator: any Communicator, log: RunLog) throws -> Simulation {
    let began = PhaseTimers.now()
    let directory = RunDirectory(plan.output.directory)

    var built: BuiltStructure?
    try communicator.agree { if communicator.isRoot { built = try StructureFactory.build(plan) } }
    let geometry = try Broadcast.value(built?.geometry, communicator)
    let system = try SystemFactory.make(built?.structure, plan: plan, communicator: communicator)
    let notes = built?.notes ?? []
    built = nil
    let groups = GroupTable(plan.groups, species: system.species)
    try groups.assign(to: system)
    try groups.refuseEmpty(plan.groups, system)
    try Rehearsal.run(plan, system, groups)
    let crystal = try BoundaryEnergy.rehearse(plan, system)

    try communicator.agree {
      guard communicator.isRoot else { return }
      try directory.prepare(
        trajectories: plan.output.trajectories.map(\.file), overwrite: plan.output.overwrite)
      try log.open(path: directory.log, append: false)
    }
    let outputs = RunOutputs(
      plan.output, watch: plan.analysis.watch, directory: directory, communicator: communicator)
    try outputs.open(
      continuing: nil, atoms: system.atoms, assessments: system.assessments, figures: system.figures)
    let simulation = Simulation(
      plan: plan, system: system, outputs: outputs, groups: groups, geometry: geometry, clock: Clock(),
      restored: nil, summary: newSummary(plan, system), log: log, started: began)
    log.line("Faultline \(faultlineVersion)" + (plan.title.map { ": \($0)" } ?? ""))
    for note in notes + crystal { log.line("  " + note) }
    simulation.describe()
    return simulation
  }

  /// Continues a run from a checkpoint: the newest of a run directory, or the file given. Collective.
  public static func resume(
    from path: String, communicator: any Communicator, log: RunLog
  ) throws -> Simulation {
    let began = PhaseTimers.now()
    var reader: CheckpointReader?
    try communicator.agree { if communicator.isRoot { reader = try openCheckpoint(path) } }
    let header = try CheckpointFile.header(reader, communicator: communicator)
    let file = String(decoding: communicator.broadcast(Array((reader?.path ?? "").utf8)), as: UTF8.self)
    var plan = try DeckReading.plan(header.deck, purpose: .resume, communicator: communicator, log: log)
    // The checkpoint lies in DIRECTORY/checkpoints, wherever the run directory has been moved to.
    let parent = ((file as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
    let directory = RunDirectory(parent.isEmpty ? "." : parent)
    plan.output.directory = directory.path

    let ingredients = try SystemFactory.Ingredients(
      header.species, given: header.masses.map { $0 }, plan: plan, communicator: communicator)
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
    let outputs = RunOutputs(
      plan.output, watch: plan.analysis.watch, directory: directory, communicator: communicator)
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
      summary: summary, log: log,
      started: began)
    log.line("Faultline \(faultlineVersion): resumed from \(file), step \(header.clock.step)")
    simulation.describe()
    return simulation
  }

  private static func openCheckpoint(_ given: String) throws -> CheckpointReader {
    let path = URL(fileURLWithPath: given).standardizedFileURL.path
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw FaultlineError(
        .input, "there is no run directory or checkpoint \(given)",
        hint: "give the run directory, or a file in its checkpoints folder")
    }
    if isDirectory.boolValue {
      return try CheckpointStore(RunDirectory(path).checkpoints).openNewest()
    }
    let folder = (path as NSString).deletingLastPathComponent
    guard (folder as NSString).lastPathComponent == "checkpoints" else {
      throw FaultlineError(
        .input, "\(path) is not in the checkpoints folder of a run directory",
        hint: "copy it to DIRECTORY/checkpoints and resume it there; the run writes to DIRECTORY")
    }
    return try CheckpointStore(folder).open(path)
  }

  private static func newSummary(_ plan: RunPlan, _ system: DistributedSystem) -> RunSummary {
    let grid = system.domain.grid
    return RunSummary(
      version: faultlineVersion, title: plan.title, deck: plan.source.file,
      started: ISO8601DateFormatter().string(from: Date()), ranks: system.communicator.size,
      grid: [grid.x, grid.y, grid.z], atoms: system.totalCount, species: system.species,
      potentials: system.potentials.map(\.name))
  }

  /// What the log says before the first step. Collective.
  private func describe() {
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
    log.line("  \(ranks), \(RunLog.grouped(counts.min() ?? 0)) to \(RunLog.grouped(counts.max() ?? 0)) atoms each")
    let sizes = groups.counts(system.atoms, communicator)
    for (name, size) in zip(groups.names, sizes) { log.line("  group \(name): \(RunLog.grouped(size)) atoms") }
  }
}
