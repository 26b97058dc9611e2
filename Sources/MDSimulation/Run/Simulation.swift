import Foundation
import MDCore
import MDDeck
import MDDynamics
import MDIO
import MDNumerics
import MDParallel

/// A run: an engine with the deck's stages, outputs, limits and log.
///
/// Checkpoints are taken after a rebuild of the neighbour lists and hold forces, so that a resumed run has the same
/// atoms in the same order with the same forces as the run that goes on: on the same ranks both continue bitwise alike.
package final class Simulation {
  let plan: RunPlan
  let engine: Engine
  let outputs: RunOutputs
  let log: RunLog
  let observers: Observers
  var summary: RunSummary
  /// The potentials' files (on rank 0), for checkpoints.
  private let inputs: [String: FileChecksum]
  /// What a checkpoint brought for the stage that it was taken in.
  var restored: StageState?
  /// How the run's last stage ended, once it has.
  var lastStage: StageEnd?
  private let started: Double
  private var limits = RunLimits()
  /// `DistributedSystem.revisions` when the potentials' notes were written last.
  private var revisions = 0

  var system: DistributedSystem { engine.system }
  var clock: Clock { engine.clock }
  var communicator: any Communicator { system.communicator }

  init(
    plan: RunPlan, engine: Engine, outputs: RunOutputs, observers: Observers, restored: StageState?, summary: RunSummary, inputs: [String: FileChecksum], log: RunLog, started: Double
  ) {
    self.plan = plan
    self.engine = engine
    self.outputs = outputs
    self.observers = observers
    self.restored = restored
    self.summary = summary
    self.inputs = inputs
    self.log = log
    self.started = started
  }

  /// Runs the stages that are left. Collective. An error that it throws has been noted in run.json.
  package func run(limits: RunLimits) throws -> RunOutcome {
    self.limits = limits
    defer { outputs.release() }
    summary.setupSeconds = PhaseTimers.now() - started
    do {
      if clock.stage < plan.stages.count { try writeSummary() }
      let outcome = try runStages()
      try finish(outcome)
      return outcome
    } catch {
      var failure = error as? FaultlineError ?? FaultlineError(.run, "\(error)")
      summary.status = "failed"
      summary.reason = failure.description
      summary.steps = engine.steps
      summary.stepsTotal = engine.lastWholeStep
      failure.message +=
        outputs.lastCheckpoint.map { "; the last good checkpoint is \($0)" } ?? "; there is no checkpoint yet"
      if communicator.isRoot, outputs.mayWrite {
        log.line("error: \(failure)")
        try? outputs.write(summary, results: results)
      }
      throw failure
    }
  }

  private func runStages() throws -> RunOutcome {
    while clock.stage < plan.stages.count {
      if let reason = try runStage() { return .stopped(reason) }
      engine.advance()
    }
    return .finished
  }

  /// Runs the current stage from where it stands. Returns why the run must stop, nil at the stage's end.
  private func runStage() throws -> String? {
    try begin()
    system.timers.reset()
    let stage = engine.stage
    let stageStart = PhaseTimers.now()
    let firstStep = clock.stepInStage
    log.startProgress()
    var stop: String?
    while stop == nil && !engine.isStageOver {
      stop = try step()
      log.progress(
        stage.label, done: clock.stepInStage, total: stage.steps, first: firstStep,
        elapsed: PhaseTimers.now() - stageStart, note: stage.note)
    }
    account(PhaseTimers.now() - stageStart, steps: clock.stepInStage - firstStep)
    if stop != nil { return stop }
    // Whatever comes now, the stage need not be repeated. At the run's end the last checkpoint follows at once.
    let isLast = clock.stage + 1 == plan.stages.count && !observers.all.contains { $0.measures(atEndOf: stage) }
    if !isLast, outputs.lastCheckpointClock != clock { try checkpoint() }
    if clock.stage + 1 == plan.stages.count {
      lastStage = StageEnd(state: try stage.state(), steps: clock.stepInStage)
    }
    try end(steps: clock.stepInStage - firstStep, seconds: PhaseTimers.now() - stageStart)
    return nil
  }

  /// Lists and forces at the start of a stage, or as the checkpoint had them.
  private func begin() throws {
    note(try engine.enter(plan.stages[clock.stage], from: restored))
    let stage = engine.stage
    let title = "Stage \(clock.stage + 1)/\(plan.stages.count): \(stage.summary)"
    if restored != nil {
      log.line(title + ", from step \(clock.stepInStage)")
      restored = nil
      return
    }
    log.line(title)
    for note in try engine.prepareVelocities(plan.velocities, draws: isFirstDynamics) { log.line("  " + note) }
    if let note = crystalNote { log.line("  " + note) }
    let look = Look(step: clock.step, isRow: true, isFrame: clock.step == 0, isStart: true, stage: stage)
    let tally = try engine.start(observers.wants(look).union(outputs.wants(at: clock.step)))
    if let note = engine.stiffnessNote { log.line("  the cell's \(note)") }
    try writeNotes(isStart: clock.step == 0)
    _ = try observe(look, tally)
    if clock.step == 0 { try outputs.writeFrames(at: 0, time: clock.time, header: header(), system: system) }
  }

  /// One step. Returns why the run must stop after it, if it must.
  private func step() throws -> String? {
    let stage = engine.stage
    let next = clock.step + 1
    let isLast = clock.stepInStage + 1 == stage.steps
    var look = Look(step: next, isRow: outputs.thermoDue(next) || isLast, isFrame: outputs.headerDue(next), stage: stage)
    let step = try engine.step(observers.wants(look).union(outputs.wants(at: next)), asking: questions())
    note(step.balancing)
    try writeNotes()
    system.timers.start(.analysis)
    var tally = step.tally
    // The end of a relaxation is worth a row and a frame, whatever its step.
    let isRelaxed = !stage.isDynamics && (stage.isConverged || isLast)
    if isRelaxed {
      (look.isRow, look.isFrame) = (true, true)
      let want = observers.wants(look).union(outputs.allWants)
      if !step.want.isSuperset(of: want) { tally = try engine.compute(want) }
    }
    let actions = try observe(look, tally)
    system.timers.start(.output)
    try outputs.writeFrames(
      at: clock.step, evenIfNotDue: isRelaxed, time: clock.time, header: look.isFrame ? header() : [], system: system)
    for (observer, action) in actions { try heed(action, of: observer) }
    // From the first output on the run has got somewhere: run.json must say so before another takes the directory over.
    if outputs.hasGrown, summary.stepsTotal == 0 {
      summary.stepsTotal = clock.step
      try writeSummary()
    }
    let stop = reasonToStop(step.answers)
    if stop != nil || outputs.checkpointDue(clock.step) { try checkpoint() }
    system.timers.start(.integrate)
    return stop
  }

  /// A line of the log where bricks have moved.
  private func note(_ balancing: DistributedSystem.Balancing?) {
    guard let balancing else { return }
    log.line(
      "  step \(RunLog.grouped(clock.step)): bricks moved; the fullest rank has "
        + "\(RunLog.fixed(balancing.after, 2)) times the mean of \(balancing.bySeconds ? "seconds" : "atoms"), \(RunLog.fixed(balancing.before, 2)) before")
  }

  /// What potentials say of their errors, where that is new. Collective.
  private func writeNotes(isStart: Bool = false) throws {
    guard isStart || system.revisions != revisions else { return }
    revisions = system.revisions
    if !isStart {
      log.line("  step \(RunLog.grouped(clock.step)): the cell has changed; sums over charges as they are now:")
    }
    for note in try system.notes(step: clock.step) {
      log.line("  " + note)
      if note.hasPrefix("warning: ") { summary.warn(String(note.dropFirst(9)), step: clock.step) }
    }
  }

  /// Has the observers look, and writes the row if one is due. Returns what they want done. Collective.
  private func observe(
    _ look: Look, _ tally: Tally
  ) throws -> [(observer: any Observer, action: Observation.Action)] {
    let seen = try observers.observe(look, engine, tally)
    for (name, row) in seen.rows { try outputs.write(row, of: name, step: look.step, stage: clock.stage + 1) }
    if look.isRow, let row = observers.thermo.row {
      summary.finalThermo = row
      engine.stage.report(row)
      system.timers.start(.output)
      try outputs.write(row, seen.values)
    }
    return seen.actions
  }

  /// What frames say of the system as thermo saw it last.
  private func header() -> [ExtXYZEntry] {
    guard let row = observers.thermo.row else { return [] }
    return FrameHeader.entries(
      row, box: system.box, isDynamics: engine.stage.isDynamics, strain: engine.stage.strain)
  }

  /// Does what an observer wants: keeps the structure, or ends the run with it and a checkpoint. Collective.
  private func heed(_ action: Observation.Action, of observer: any Observer) throws {
    if case .endStage(let reason) = action {
      log.line("  step \(RunLog.grouped(clock.step)): \(reason)")
      return engine.endStage()
    }
    let tally = try engine.compute(outputs.keptWants(of: observer))
    _ = try observers.thermo.observe(Look(step: clock.step, isRow: false, isFrame: true), engine, tally)
    try outputs.keep(for: observer, at: clock.step, time: clock.time, header: header(), system: system)
    switch action {
    case .nothing, .endStage: break
    case .keep(let reason): log.line("  step \(RunLog.grouped(clock.step)): structure kept, \(reason)")
    case .stop(let reason, let hint):
      for line in try observer.sumUp(engine).lines { log.line("  " + line) }
      try checkpoint()
      throw FaultlineError(.run, "\(reason), at step \(clock.step)", hint: hint, isCollective: true)
    }
  }

  /// Atoms that were built stand at their sites of rest: nothing of the temperature is in their potential energy yet.
  private var crystalNote: String? {
    guard isFirstDynamics, case .dynamics(let dynamics) = plan.stages[clock.stage].work, dynamics.thermostat == nil,
      let velocities = plan.velocities, velocities.temperature > 0, !velocities.ofCrystal
    else { return nil }
    if case .file? = plan.structure?.source { return nil }
    let half = RunLog.fixed(velocities.temperature / 2, 1)
    return "note: at constant energy a crystal that was at rest will settle near \(half) K; `of_crystal: true` draws at twice "
      + "the temperature"
  }

  private var isFirstDynamics: Bool {
    !plan.stages[..<clock.stage].contains { if case .dynamics = $0.work { true } else { false } }
  }

  // MARK: When to stop

  /// What this rank knows of reasons to stop, for the one reduction of a step.
  private func questions() -> [Double] {
    let isLate = limits.seconds.map { PhaseTimers.now() - started > $0 } ?? false
    return [Double(StopRequest.pending), isLate ? 1 : 0]
  }

  private func reasonToStop(_ answers: [Double]) -> String? {
    if answers[0] != 0 { return "\(StopRequest.name(Int32(answers[0]))) received" }
    if answers[1] > 0 { return "the time limit is reached" }
    if let steps = limits.steps, engine.steps >= steps { return "--max-steps is reached" }
    return nil
  }

  // MARK: Checkpoints and the end

  /// Rebuilds, so that the atoms stand as a resumed run will have them, and writes.
  private func checkpoint() throws {
    // A checkpoint that cannot be continued must not push out one that can.
    try engine.refuseNonFinite()
    note(try system.rebuild())
    system.timers.start(.output)
    let box = system.box
    let header = CheckpointHeader(
      deck: DeckSource(
        text: plan.source.text, file: URL(fileURLWithPath: plan.source.file).standardizedFileURL.path,
        settings: plan.source.settings),
      title: plan.title, clock: clock, species: system.species, unused: system.unusedSpecies, masses: system.masses,
      cell: box.cell.elements, origin: [box.origin.x, box.origin.y, box.origin.z], periodic: box.periodic,
      ranks: communicator.size, cuts: system.domain.cuts, groups: engine.groups.names, warnings: summary.warnings,
      atoms: system.totalCount, inputs: inputs)
    try outputs.writeCheckpoint(Checkpoint(header: header, sections: try sections()), system: system)
    try publish()
    if communicator.isRoot { summary.checkpoints = outputs.checkpointPaths }
    summary.stepsTotal = clock.step
    try writeSummary()
  }

  /// Tables of observers and results.json as the run stands. Collective.
  private func publish() throws {
    try ResultsFile.write(
      observers.all.flatMap { $0.reports() }, path: outputs.directory.file, communicator: communicator)
  }

  /// What owners keep. Collective.
  private func sections() throws -> [String: Data] {
    var sections = ["long_range": try JSONEncoder().encode(system.potentials.compactMap { $0.longRange?.parameters })]
    if clock.stage < plan.stages.count { sections["stage"] = try JSONEncoder().encode(engine.stage.state()) }
    if clock.stage == plan.stages.count, let lastStage { sections["last_stage"] = try JSONEncoder().encode(lastStage) }
    for observer in observers.all { sections[observer.name] = try observer.state() }
    return sections
  }

  /// run.json as the run stands. Collective.
  private func writeSummary() throws {
    try communicator.agree { if communicator.isRoot { try outputs.write(summary, results: results) } }
  }

  /// What run.json has of observers.
  private var results: [String: any Encodable] {
    observers.all.reduce(into: [:]) { $0[$1.name] = $1.results }
  }

  private func end(steps: Int, seconds: Double) throws {
    try engine.leave()
    log.line(
      "  \(engine.stage.ending)"
        + (steps == 0
          ? ", no step taken"
          : " after \(RunLog.counted(steps, "step")) in \(RunLog.duration(seconds))"
            + " (\(RunLog.fixed(perAtomStep(seconds, steps), 3)) µs/atom/step)"))
    if !engine.stage.isDynamics, let row = observers.thermo.row { describe(relaxed: row) }
    summary.stages.append(
      .init(
        stage: clock.stage + 1, name: plan.stages[clock.stage].name, kind: engine.stage.isDynamics ? "dynamics" : "minimize", steps: steps,
        seconds: seconds))
    for observer in observers.all {
      let report = try observer.sumUp(engine)
      for line in report.lines { log.line("  " + line) }
      for warning in report.warnings {
        log.line("  warning: \(warning)")
        summary.warn(warning, step: clock.step)
      }
    }
  }

  /// Energy, pressure and volume at the end of a relaxation, and a warning where boundaries are left under stress.
  private func describe(relaxed row: ThermoRow) {
    var text = "energy \(RunLog.fixed(row.potentialEnergy, 6)) eV"
    guard system.box.periodic.isFull else { return log.line("  " + text) }
    let p = row.pressureTensor
    let tensor = Matrix3(Vector3(p[0], p[5], p[4]), Vector3(p[5], p[1], p[3]), Vector3(p[4], p[3], p[2]))
    let normal = cross(system.box.cell.x, system.box.cell.y)
    let along = dot(normal, normal * tensor) / normal.squaredLength
    text += ", pressure \(RunLog.fixed(row.pressure, 1)) bar, \(RunLog.fixed(along, 1)) bar along the normal of a and b"
    log.line("  \(text), volume \(RunLog.fixed(row.volume, 4)) Å³")
    guard let structure = plan.structure, structure.hasBoundaries, abs(along) > 1000 else { return }
    let warning = "the boundaries are left under \(BoundaryEnergy.kilobar(along)) along their normal, and their energy holds that "
      + "of the strain; `cell: \(structure.relaxedCell)` relaxes it"
    log.line("  warning: " + warning)
    summary.warn(warning, step: clock.step)
  }

  private func perAtomStep(_ seconds: Double, _ steps: Int) -> Double {
    steps > 0 ? seconds * 1e6 / Double(steps) / Double(max(system.totalCount, 1)) : 0
  }

  private func account(_ seconds: Double, steps: Int) {
    summary.loopSeconds += seconds
    summary.steps += steps
    summary.stepsTotal = clock.step
    summary.microsecondsPerAtomStep = perAtomStep(summary.loopSeconds, summary.steps)
    for phase in Phase.allCases {
      let seconds = system.timers[phase]
      summary.phases[phase.rawValue, default: 0] += communicator.sum(seconds) / Double(communicator.size)
      summary.slowestPhases[phase.rawValue, default: 0] += communicator.maximum(seconds)
    }
  }

  private func finish(_ outcome: RunOutcome) throws {
    // A run that had ended before has nothing to add to what its own run.json says.
    if engine.steps == 0, outcome == .finished, outputs.lastCheckpointClock == clock {
      try outputs.close()
      log.line("The run is finished: there is nothing left to do after step \(clock.step)")
      return
    }
    summary.peakResidentBytes = communicator.allGather(peakResidentBytes())
    let counts = communicator.allGather(system.atoms.localCount)
    summary.atomsOfRanks = RunSummary.Shares(
      fewest: counts.min() ?? 0, mean: Double(system.totalCount) / Double(communicator.size), most: counts.max() ?? 0)
    let lists = system.lists.statistics
    summary.lists = RunSummary.Ghosts(
      ghosts: communicator.sum(system.atoms.ghostCount), neighbors: communicator.sum(lists.pairs),
      maximumNeighbors: communicator.maximum(lists.longestRow), rebuilds: system.rebuilds)
    switch outcome {
    case .finished:
      summary.status = "finished"
      if outputs.lastCheckpointClock != clock { try checkpoint() }
    case .stopped(let reason):
      summary.status = "stopped"
      summary.reason = reason
      log.line("Stopped at step \(clock.step): \(reason). Continue with: faultline resume \(outputs.directory.path)")
    }
    try outputs.close()
    try writeSummary()
    if outcome == .finished { reportEnd() }
  }

  /// How evenly the work was dealt, on more than one rank.
  private var balanceNote: String? {
    let shares = summary.atomsOfRanks
    let work = Phase.potential.rawValue
    guard communicator.size > 1, shares.mean > 0, let mean = summary.phases[work], mean > 0,
      let most = summary.slowestPhases[work]
    else { return nil }
    return "balance: the fullest rank has \(RunLog.fixed(Double(shares.most) / shares.mean, 2)) times the mean of atoms, the "
      + "slowest needed \(RunLog.fixed(most / mean, 2)) times the mean for forces"
  }

  private func reportEnd() {
    let phases = Phase.allCases.compactMap { phase -> String? in
      guard let s = summary.phases[phase.rawValue], s > 0, summary.loopSeconds > 0 else { return nil }
      return "\(phase.rawValue)\(RunLog.percent(s / summary.loopSeconds))"
    }
    log.line(
      "Finished: \(RunLog.counted(summary.steps, "step")) of \(RunLog.counted(system.totalCount, "atom")) in "
        + "\(RunLog.duration(summary.loopSeconds)), \(RunLog.fixed(summary.microsecondsPerAtomStep, 3)) µs/atom/step")
    log.line("  time: " + phases.joined(separator: ", "))
    if let note = balanceNote { log.line("  " + note) }
    log.line("  memory: \(RunLog.bytes(summary.peakResidentBytes.max() ?? 0)) on the largest rank")
    log.line("  results: \(outputs.directory.path)")
  }
}
