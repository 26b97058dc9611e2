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
  ///   - settings: KEY=VALUE, in place of what the deck has there.
  ///   - output: in place of the deck's `output.directory`.
  ///   - overwrite: replaces a run that is there.
  ///   - endedJob: a job that is known to be over, so that what it has locked may be taken over.
  package static func start(
    deck path: String, settings: [String] = [], output: String?, overwrite: Bool, endedJob: String? = nil,
    communicator: any Communicator, log: RunLog
  ) throws -> Simulation {
    var plan = try DeckReading.plan(path, settings: settings, purpose: .run, communicator: communicator, log: log)
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

    let built = try Engine.build(plan, communicator: communicator)
    let (engine, system) = (built.engine, built.engine.system)
    let observers = try Observers(.init(plan: plan, system: system, geometry: built.geometry))
    let found = try Rehearsal.run(plan, system, engine.groups, observers)

    var inputs: [String: FileChecksum] = [:]
    try communicator.agree { if communicator.isRoot { inputs = try InputFiles.checksums(plan) } }

    var cards: [String] = []
    try communicator.agree { if communicator.isRoot { cards = PotentialCard.warnings(of: plan) } }
    var lock: RunLock?
    var before = RunDirectory.Contents.nothing
    try communicator.agree {
      guard communicator.isRoot else { return }
      try directory.make()
      lock = try RunLock(directory: directory.path, endedJob: endedJob)
      before = try directory.prepare(
        trajectories: plan.output.trajectories.map(\.file) + Self.tables(plan), overwrite: plan.output.overwrite)
      try log.open(path: directory.log, append: false)
    }
    let outputs = RunOutputs(
      plan.output, types: plan.mlipTypes, directory: directory, lock: lock, communicator: communicator)
    try outputs.open(continuing: nil, atoms: system.atoms, observers: observers)
    let simulation = Simulation(
      plan: plan, engine: engine, outputs: outputs, observers: observers, restored: nil,
      summary: newSummary(plan, system, outputs), inputs: inputs, log: log, started: began)
    log.line("Faultline \(faultlineVersion)" + (plan.title.map { ": \($0)" } ?? ""))
    if let note = lock?.note { log.line("  note: \(note)") }
    if before == .unstarted { log.line("  note: replaces a run that never got beyond its start") }
    for note in built.notes + found { log.line("  " + note) }
    for card in cards {
      log.line("  warning: \(card)")
      simulation.summary.warn(card, step: 0)
    }
    try simulation.describe()
    return simulation
  }

  /// Files of observers that an earlier run may have left.
  private static func tables(_ plan: RunPlan) -> [String] {
    [ResultsFile.name, ResultsFile.table("averages", "")] + Measurements.files(plan)
  }

  static func newSummary(_ plan: RunPlan, _ system: DistributedSystem, _ outputs: RunOutputs) -> RunSummary {
    let grid = system.domain.grid
    return RunSummary(
      version: faultlineVersion, title: plan.title, deck: plan.source.file, settings: plan.source.settings,
      started: ISO8601DateFormatter().string(from: Date()), ranks: system.communicator.size,
      grid: [grid.x, grid.y, grid.z], writers: outputs.writers.ranks, atoms: system.totalCount, species: system.species,
      potentials: system.potentials.map(\.name), potentialFiles: InputFiles.paths(plan),
      thermoUnits: ThermoRow.units(figures: system.figures))
  }

  /// "500 atoms each", "498 to 502 atoms each".
  private static func range(_ counts: [Int]) -> String {
    let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
    if counts.count == 1 { return RunLog.counted(most, "atom") }
    return (least == most ? "" : "\(RunLog.grouped(least)) to ") + RunLog.counted(most, "atom") + " each"
  }

  /// What the log says before the first step. Collective.
  func describe() throws {
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
    let hands = counts.count == 1 ? "" : ", of which \(outputs.writers.count) write\(outputs.writers.count == 1 ? "s" : "") files"
    log.line("  \(ranks), " + Self.range(counts) + hands)
    let sizes = engine.groups.counts(system.atoms, communicator)
    for (name, size) in zip(engine.groups.names, sizes) { log.line("  group \(name): \(RunLog.counted(size, "atom"))") }
  }
}
