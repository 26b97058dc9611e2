import Foundation
import MDCore
import MDDeck
import MDDynamics
import MDIO
import MDNumerics
import MDParallel

/// A run: the system, its stages, its outputs, and the only time loop.
///
/// Step n takes the system from time n − 1 to time n. Checkpoints are taken after a rebuild of the
/// neighbour lists and hold forces, so that a resumed run has the same atoms in the same order with
/// the same forces as the run that goes on: on the same ranks both continue bitwise alike.
public final class Simulation {
  let plan: RunPlan
  let system: DistributedSystem
  let outputs: RunOutputs
  let log: RunLog
  let groups: GroupTable
  /// What the builder knows of grain boundaries.
  let geometry: BoundaryEnergy.Geometry?
  var clock: Clock
  var summary: RunSummary
  /// The potentials' files (on rank 0), for checkpoints.
  private let inputs: [String: FileChecksum]
  /// What a checkpoint brought for the stage that it was taken in.
  var restored: StageState?
  /// Whole steps of this start of the program.
  private var stepsHere = 0
  /// The last step that was done to its end.
  private var lastWholeStep: Int
  private let started: Double
  private let watch: Watch
  private var limits = RunLimits()
  /// `DistributedSystem.revisions` when the potentials' notes were written last.
  private var revisions = 0

  var communicator: any Communicator { system.communicator }

  init(
    plan: RunPlan, system: DistributedSystem, outputs: RunOutputs, groups: GroupTable,
    geometry: BoundaryEnergy.Geometry?, lastSelected: Int? = nil, clock: Clock, restored: StageState?,
    summary: RunSummary, inputs: [String: FileChecksum], log: RunLog, started: Double
  ) {
    self.plan = plan
    self.system = system
    self.outputs = outputs
    self.groups = groups
    self.geometry = geometry
    self.clock = clock
    lastWholeStep = clock.step
    self.restored = restored
    self.summary = summary
    self.inputs = inputs
    self.log = log
    self.started = started
    watch = Watch(plan.analysis.watch, system, lastSelected: lastSelected)
  }

  /// Runs the stages that are left. Collective. An error that it throws has been noted in run.json.
  public func run(limits: RunLimits) throws -> RunOutcome {
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
      summary.steps = stepsHere
      summary.stepsTotal = lastWholeStep
      failure.message +=
        outputs.lastCheckpoint.map { "; the last good checkpoint is \($0)" } ?? "; there is no checkpoint yet"
      if communicator.isRoot, outputs.mayWrite {
        log.line("error: \(failure)")
        try? outputs.write(summary)
      }
      throw failure
    }
  }

  private func runStages() throws -> RunOutcome {
    while clock.stage < plan.stages.count {
      if let reason = try runStage() { return .stopped(reason) }
      clock.stage += 1
      clock.stepInStage = 0
    }
    return .finished
  }

  /// Runs the current stage from where it stands. Returns why the run must stop, nil at the stage's end.
  private func runStage() throws -> String? {
    let driver = try StageDriver(
      plan.stages[clock.stage], system: system, groups: groups, clock: clock,
      firstStep: restored?.firstStep, seed: plan.seed)
    try begin(driver)
    restored = nil
    system.timers.reset()
    let stageStart = PhaseTimers.now()
    let firstStep = clock.stepInStage
    log.startProgress()
    var stop: String?
    while stop == nil && clock.stepInStage < driver.steps && !driver.isConverged {
      stop = try step(driver)
      log.progress(
        driver.label, done: clock.stepInStage, total: driver.steps, first: firstStep,
        elapsed: PhaseTimers.now() - stageStart, note: driver.note)
    }
    account(PhaseTimers.now() - stageStart, steps: clock.stepInStage - firstStep)
    if stop != nil { return stop }
    // Whatever comes now, the stage need not be repeated. At the run's end the last checkpoint follows at once.
    let isLast = clock.stage + 1 == plan.stages.count && analysis(of: plan.stages[clock.stage]) == nil
    if !isLast, outputs.lastCheckpointClock != clock { try checkpoint(driver) }
    try end(driver, steps: clock.stepInStage - firstStep, seconds: PhaseTimers.now() - stageStart)
    return nil
  }

  /// Lists and forces at the start of a stage, or as the checkpoint had them.
  private func begin(_ driver: StageDriver) throws {
    try system.rebuild()
    driver.context.step = clock.step
    if let restored {
      log.line("Stage \(clock.stage + 1)/\(plan.stages.count): \(driver.summary), from step \(clock.stepInStage)")
      try driver.begin(box: system.box, from: restored)
      return
    }
    log.line("Stage \(clock.stage + 1)/\(plan.stages.count): \(driver.summary)")
    if clock.step == 0 { try system.refuseOverlaps(closerThan: 0.5) }
    for note in try driver.prepareVelocities(plan, isFirst: isFirstDynamics) { log.line("  " + note) }
    var want = outputs.wants(at: clock.step).union([.energy, .virial])
    if watch.isPossible { want.insert(.assessment) }
    let tally = try system.compute(want, step: clock.step)
    try refuseNonFinite()
    try writeNotes(isStart: clock.step == 0)
    driver.context.tally = tally
    try driver.begin(box: system.box, from: nil)
    let row = sample(driver, tally, watch.isPossible ? watch.look(at: clock.step) : [:])
    try record(row, driver)
    if clock.step == 0 {
      try outputs.writeFrames(at: 0, time: clock.time, header: header(row, driver), system: system)
    }
  }

  /// One step. Returns why the run must stop after it, if it must.
  private func step(_ driver: StageDriver) throws -> String? {
    clock.step += 1
    clock.stepInStage += 1
    driver.context.step = clock.step
    system.timers.start(.integrate)
    let vote = try blamingStrain(of: driver) {
      try driver.integrator.firstHalf(driver.context, box: &system.box)
      try driver.loading?.apply(driver.context, box: &system.box)
      let vote = collectVote()
      try refuseRunaway(vote.displacement)
      if vote.displacement > system.skin / 2 {
        try system.rebuild()
      } else {
        system.refresh()
      }
      return vote
    }
    let isLast = clock.stepInStage == driver.steps
    let thermoDue = outputs.thermoDue(clock.step) || isLast
    var want = driver.integrator.wants.union(outputs.wants(at: clock.step))
    if thermoDue { want.formUnion([.energy, .virial]) }
    if watch.isPossible, thermoDue || watch.isDue(clock.step) { want.insert(.assessment) }
    let computed = want
    let tally = try system.compute(want, step: clock.step)
    try writeNotes()
    driver.context.tally = tally
    try driver.integrator.secondHalf(driver.context, box: &system.box)
    if driver.isDynamics { clock.time += driver.context.timestep }
    stepsHere += 1
    lastWholeStep = clock.step
    system.timers.start(.analysis)
    // The end of a relaxation is worth a row and a frame, whatever its step.
    let isRelaxed = !driver.isDynamics && (driver.isConverged || isLast)
    if isRelaxed { want.formUnion(outputs.allWants) }
    let figures = computed.contains(.assessment) ? watch.look(at: clock.step) : [:]
    var header: [ExtXYZEntry] = []
    if thermoDue || isRelaxed || outputs.headerDue(clock.step) {
      let row = sample(
        driver,
        computed.isSuperset(of: want) && computed.isSuperset(of: [.energy, .virial])
          ? tally : try fullTally(want), figures)
      if thermoDue || isRelaxed { try record(row, driver) }
      header = self.header(row, driver)
    }
    system.timers.start(.output)
    try outputs.writeFrames(at: clock.step, evenIfNotDue: isRelaxed, time: clock.time, header: header, system: system)
    try heed(watch.judge(figures, step: clock.step), driver)
    // From the first output on the run has got somewhere: run.json must say so before another takes the directory over.
    if outputs.hasGrown, summary.stepsTotal == 0 {
      summary.stepsTotal = clock.step
      try writeSummary()
    }
    let stop = reasonToStop(vote)
    if stop != nil || outputs.checkpointDue(clock.step) { try checkpoint(driver) }
    system.timers.start(.integrate)
    return stop
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

  /// Energy and virial of the present positions, and what frames want, when the step itself did not ask for them.
  private func fullTally(_ want: Want) throws -> Tally {
    try system.compute(want.union([.energy, .virial]), step: clock.step)
  }

  private func sample(_ driver: StageDriver, _ tally: Tally, _ figures: [Assessment: Double]) -> ThermoRow {
    var row = ThermoRow.sample(
      driver.context, tally: tally, box: system.box, stage: clock.stage + 1, time: clock.time,
      integrator: driver.integrator, isDynamics: driver.isDynamics)
    row.assessments = figures
    row.figures = system.figureValues(potentialEnergy: row.potentialEnergy)
    return row
  }

  /// A row of the log, of thermo.csv and, if none comes after it, of run.json.
  private func record(_ row: ThermoRow, _ driver: StageDriver) throws {
    summary.finalThermo = row
    driver.report(row)
    system.timers.start(.output)
    try outputs.write(row, log: log)
  }

  private func header(_ row: ThermoRow, _ driver: StageDriver) -> [ExtXYZEntry] {
    FrameHeader.entries(row, box: system.box, isDynamics: driver.isDynamics, strain: driver.strain)
  }

  /// Does what the watch says: keeps the structure, or ends the run with it and a checkpoint.
  private func heed(_ verdict: Watch.Verdict, _ driver: StageDriver) throws {
    guard verdict != .nothing else { return }
    let row = sample(driver, try fullTally(outputs.selectionWants), [:])
    try outputs.writeSelection(
      at: clock.step, time: clock.time, header: header(row, driver), system: system)
    switch verdict {
    case .nothing: break
    case .select(let reason): log.line("  step \(RunLog.grouped(clock.step)): structure kept, \(reason)")
    case .stop(let reason):
      for line in watch.report() { log.line("  " + line) }
      try checkpoint(driver)
      throw FaultlineError(
        .run, "\(reason), at step \(clock.step)",
        hint: "the potential is not to be trusted there; the structure is in \(outputs.selectionFile)",
        isCollective: true)
    }
  }

  private var isFirstDynamics: Bool {
    !plan.stages[..<clock.stage].contains { if case .dynamics = $0.work { true } else { false } }
  }

  // MARK: The one reduction of a step

  private struct Vote {
    /// The farthest that an atom has moved since the lists were built, Å; infinite for a position that is no number.
    var displacement: Double
    var signal: Int32
    var timeIsUp: Bool
  }

  private func collectVote() -> Vote {
    system.timers.start(.communication)
    let late = limits.seconds.map { PhaseTimers.now() - started > $0 } ?? false
    var votes = [
      system.lists.largestDisplacement(atoms: system.atoms, box: system.box), Double(StopRequest.pending),
      late ? 1 : 0,
    ]
    votes.withUnsafeMutableBufferPointer { communicator.allReduce($0, .maximum) }
    return Vote(displacement: votes[0], signal: Int32(votes[1]), timeIsUp: votes[2] > 0)
  }

  private func reasonToStop(_ vote: Vote) -> String? {
    if vote.signal != 0 { return "\(StopRequest.name(vote.signal)) received" }
    if vote.timeIsUp { return "the time limit is reached" }
    if let steps = limits.steps, stepsHere >= steps { return "--max-steps is reached" }
    return nil
  }

  // MARK: Trouble

  /// Where the cell is strained, the rate is as good a reason for trouble as those that the error names.
  private func blamingStrain<T>(of driver: StageDriver, _ body: () throws -> T) throws -> T {
    do { return try body() } catch var error as FaultlineError where error.kind == .run {
      if let pull = driver.pull {
        error.hint = (error.hint.map { $0 + "; " } ?? "") + "the cell is \(pull), which may be too fast"
      }
      throw error
    }
  }

  private func refuseRunaway(_ displacement: Double) throws {
    if displacement.isFinite && displacement < max(10, system.cutoff + system.skin) { return }
    try refuseNonFinite()
    let (id, distance) = farthestAtom()
    throw FaultlineError(
      .run, "atom \(id) moved \(RunLog.fixed(distance, 1)) Å within a few steps, at step \(clock.step)",
      hint: "the integration has blown up: a timestep that is too long, or a structure that is not relaxed",
      isCollective: true)
  }

  private func refuseNonFinite() throws {
    let mine = system.firstNonFiniteAtom()
    let first = communicator.minimum(mine.map { Int($0) } ?? .max)
    guard first != .max else { return }
    let owner = communicator.minimum(mine.map { Int($0) } == first ? communicator.rank : .max)
    throw FaultlineError(
      .run, "the position, velocity or force of atom \(first) is not a number at step \(clock.step) (rank \(owner))",
      hint: "look for overlapping atoms, a timestep that is too long, or atoms outside the potential's range",
      isCollective: true)
  }

  private func farthestAtom() -> (Int, Double) {
    let (id, distance) = system.lists.farthestAtom(atoms: system.atoms)
    let largest = communicator.maximum(distance)
    return (communicator.minimum(distance == largest ? Int(id) : .max), largest)
  }

  // MARK: Checkpoints and the end

  /// Rebuilds, so that the atoms stand as a resumed run will have them, and writes. `driver` is nil at the run's end.
  private func checkpoint(_ driver: StageDriver?) throws {
    // A checkpoint that cannot be continued must not push out one that can.
    try refuseNonFinite()
    try system.rebuild()
    system.timers.start(.output)
    let box = system.box
    let header = CheckpointHeader(
      deck: DeckSource(text: plan.source.text, file: URL(fileURLWithPath: plan.source.file).standardizedFileURL.path),
      title: plan.title, clock: clock, stage: try driver?.state(), species: system.species,
      unused: system.unusedSpecies, masses: system.masses, cell: box.cell.elements, origin: [box.origin.x, box.origin.y, box.origin.z],
      periodic: box.periodic, ranks: communicator.size, cuts: system.domain.cuts, groups: groups.names,
      geometry: geometry, boundaryEnergies: summary.boundaryEnergies, warnings: summary.warnings,
      lastSelected: watch.lastSelected,
      longRange: system.potentials.compactMap { $0.longRange?.parameters }, atoms: system.totalCount, chunk: 0,
      columns: [], files: [:], inputs: inputs)
    try outputs.writeCheckpoint(header, system: system)
    if communicator.isRoot { summary.checkpoints = outputs.checkpointPaths }
    summary.stepsTotal = clock.step
    try writeSummary()
  }

  /// run.json as the run stands. Collective.
  private func writeSummary() throws {
    try communicator.agree { if communicator.isRoot { try outputs.write(summary) } }
  }

  private func end(_ driver: StageDriver, steps: Int, seconds: Double) throws {
    try driver.integrator.finish(driver.context)
    log.line(
      "  \(driver.ending)"
        + (steps == 0
          ? ", no step taken"
          : " after \(RunLog.counted(steps, "step")) in \(RunLog.duration(seconds))"
            + " (\(RunLog.fixed(perAtomStep(seconds, steps), 3)) µs/atom/step)"))
    summary.stages.append(.init(stage: clock.stage + 1, steps: steps, seconds: seconds))
    for line in watch.report() { log.line("  " + line) }
    if let analysis = analysis(of: plan.stages[clock.stage]) {
      let result = try BoundaryEnergy.measure(self, analysis, isRelaxed: driver.isConverged)
      summary.boundaryEnergies.append(result.summary)
      log.line("  \(result.text)")
      for warning in result.warnings {
        log.line("  warning: \(warning)")
        summary.warn(warning, step: clock.step)
      }
    }
  }

  /// What is measured at the end of a stage.
  private func analysis(of stage: StagePlan) -> BoundaryEnergyPlan? {
    if case .minimize = stage.work { plan.analysis.boundaryEnergy } else { nil }
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
      let mean = communicator.sum(system.timers[phase]) / Double(communicator.size)
      summary.phases[phase.rawValue, default: 0] += mean
    }
  }

  private func finish(_ outcome: RunOutcome) throws {
    // A run that had ended before has nothing to add to what its own run.json says.
    if stepsHere == 0, outcome == .finished, outputs.lastCheckpointClock == clock {
      try outputs.close()
      log.line("The run is finished: there is nothing left to do after step \(clock.step)")
      return
    }
    summary.peakResidentBytes = communicator.allGather(peakResidentBytes())
    let lists = system.lists.statistics
    summary.lists = RunSummary.Ghosts(
      ghosts: communicator.sum(system.atoms.ghostCount), neighbors: communicator.sum(lists.pairs),
      maximumNeighbors: communicator.maximum(lists.longestRow), rebuilds: system.rebuilds)
    switch outcome {
    case .finished:
      summary.status = "finished"
      if outputs.lastCheckpointClock != clock { try checkpoint(nil) }
    case .stopped(let reason):
      summary.status = "stopped"
      summary.reason = reason
      log.line("Stopped at step \(clock.step): \(reason). Continue with: faultline resume \(outputs.directory.path)")
    }
    try outputs.close()
    try writeSummary()
    if outcome == .finished { reportEnd() }
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
    log.line("  memory: \(RunLog.bytes(summary.peakResidentBytes.max() ?? 0)) on the largest rank")
    log.line("  results: \(outputs.directory.path)")
  }
}
