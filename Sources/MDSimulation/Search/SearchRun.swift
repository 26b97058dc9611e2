import Foundation
import MDCore
import MDDeck
import MDIO
import MDParallel
import MDStructures

/// `search` of a deck: one boundary or a family of them, on groups of ranks, in its run directory.
///
///     search.json          the deck, for `faultline resume`
///     trials.jsonl         every trial that has ended
///     search.csv, map.*, atoms.*, gamma_mu.*, best/, best.extxyz     of a boundary; of a family in a folder each
///     family.csv, family.svg
///     run.json, log.txt
final class SearchRun {
  let plan: RunPlan
  private let search: SearchPlan
  private let options: RunJob.Options
  private let communicator: any Communicator
  private let log: RunLog
  private let directory: RunDirectory
  private let began = PhaseTimers.now()
  private var campaigns: [SearchCampaign] = []
  private var references: [BoundaryReference] = []
  private var tables: [SearchTables] = []
  private var journal: SearchJournal?
  private var summary: WorkSummary
  private var lastTable = 0.0

  private init(_ plan: RunPlan, _ options: RunJob.Options, communicator: any Communicator, log: RunLog) throws {
    guard let search = plan.search else { preconditionFailure("a plan without a search") }
    self.plan = plan
    self.search = search
    self.options = options
    self.communicator = communicator
    self.log = log
    directory = RunDirectory(plan.output.directory)
    summary = WorkSummary(plan, ranks: communicator.size)
    summary.method = search.method.rawValue
    summary.search = [:]
  }

  // MARK: Starting and resuming

  /// Collective.
  static func start(
    _ plan: RunPlan, _ options: RunJob.Options, communicator: any Communicator, log: RunLog
  ) throws -> RunOutcome {
    try SearchRun(plan, options, communicator: communicator, log: log).run(isFresh: true)
  }

  /// The search in a folder; nil if there is none. Collective.
  static func found(
    in path: String, _ options: RunJob.Options, communicator: any Communicator, log: RunLog
  ) throws -> SearchRun? {
    let root = RunDirectory(path).path
    guard let source = try DeckRecord.search.deck(in: root, communicator) else { return nil }
    var plan = try DeckReading.plan(source, purpose: .run, communicator: communicator, log: log)
    guard plan.search != nil else {
      throw DeckRecord.search.stranger(in: root)
    }
    plan.output.directory = root
    return try SearchRun(plan, options, communicator: communicator, log: log)
  }

  /// Goes on with it. Collective.
  func resume() throws -> RunOutcome {
    guard !options.acceptChangedFiles else {
      throw FaultlineError(
        .input, "--accept-changed-files is not for a search, whose trials are compared with one another",
        hint: "bring the files back, or start a new search", isCollective: true)
    }
    return try run(isFresh: false)
  }

  /// What the results of trials hang on.
  private func setting(_ files: [String: FileChecksum]) -> String {
    var parts: [Any] = [
      plan.seed, search.method, search.grid as Any, search.spacing, search.kept as Any, search.forceTolerance, search.maxSteps,
      search.bayes, search.anneal, campaigns.map(\.space.model.identity),
      plan.potential.map { "\($0.name): \(Self.plain($0.section))" }, plan.neighbors.skin,
      files.sorted { $0.key < $1.key }.map { "\(($0.key as NSString).lastPathComponent) \($0.value.checksum)" },
    ]
    if !search.vacancies.isEmpty { parts.append("\(search.vacancies.sorted { $0.key < $1.key }) \(search.chemicalPotentials.sorted { $0.key < $1.key })") }
    if search.swaps > 0 { parts.append("swap \(search.swaps)") }
    let text = parts.map { "\($0)" }.joined(separator: "; ")
    var sum: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return String(sum, radix: 16)
  }

  /// Values without their places in files; of paths the names.
  private static func plain(_ section: DeckSection) -> String {
    section.entries.map { "\($0.name) \(plain($0.value.content))" }.joined(separator: ", ")
  }

  private static func plain(_ content: DeckValue.Content) -> String {
    switch content {
    case .list(let items): "[" + items.map { plain($0.content) }.joined(separator: ", ") + "]"
    case .section(let section): "{" + plain(section) + "}"
    case .string(let text): (text as NSString).lastPathComponent
    case .boolean(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    }
  }

  private func prepare(isFresh: Bool) throws -> RunLock? {
    guard communicator.isRoot else { return nil }
    summary.warnings = PotentialCard.warnings(of: plan)
    try directory.make()
    let lock = try RunLock(directory: directory.path, endedJob: options.endedJob)
    if isFresh {
      let folders = isFamily ? campaigns.map { "/" + $0.space.folder } : [""]
      let own = folders.flatMap { folder in
        ["search.csv", "map.csv", "map.svg", "atoms.csv", "atoms.svg", "gamma_mu.csv", "gamma_mu.svg", "best", "best.extxyz"].map { folder.dropFirst() + (folder.isEmpty ? "" : "/") + $0 }
      }
      try directory.prepare(trajectories: own.map(String.init) + ["trials.jsonl", "family.csv", "family.svg", "interfaces.csv", "interfaces.svg"], overwrite: plan.output.overwrite)
      try DeckRecord.search.write(plan.source, in: directory.path)
    }
    // A search has no checkpoints.
    if isFresh { try? FileManager.default.removeItem(atPath: directory.checkpoints) }
    for table in tables { try table.makeDirectories() }
    journal = try SearchJournal(in: directory.path, setting: setting(InputFiles.checksums(plan)))
    for result in journal?.results ?? [] {
      guard campaigns.indices.contains(result.order.boundary) else { continue }
      campaigns[result.order.boundary].take(result)
    }
    try log.open(path: directory.log, append: !isFresh)
    return lock
  }

  // MARK: Running

  private func run(isFresh: Bool) throws -> RunOutcome {
    guard options.limits.steps == nil else {
      throw FaultlineError(
        .input, "--max-steps is not for a search, whose trials are relaxations of their own",
        hint: "`search.stop` ends it, or --max-time", isCollective: true)
    }
    let group = try SearchDispatcher.group(of: communicator, ranks: search.ranksPerTrial)
    // On each group, as trials are: the same bits however many groups there are.
    let (resolved, notes) = try EquilibriumLattice.resolved(plan, communicator: group)
    let (spaces, absent) = try communicator.agree { try SearchedBoundaries.spaces(resolved) }
    campaigns = spaces.map { SearchCampaign($0, search, seed: plan.seed) }
    tables = campaigns.map {
      SearchTables(campaign: $0, search: search, directory: directory.path + (isFamily ? "/" + $0.space.folder : ""))
    }
    var lock: RunLock?
    try communicator.agree { lock = try prepare(isFresh: isFresh) }
    defer { lock?.release() }
    log.line("Faultline \(faultlineVersion)" + (plan.title.map { ": \($0)" } ?? ""))
    for warning in summary.warnings { log.line("  warning: \(warning)") }
    for note in notes + absent { log.line("  " + note) }
    do {
      let runner = try TrialRunner(resolved, first: spaces[0], communicator: group)
      begin(try spaces.map(runner.reference(of:)), groups: communicator.size / group.size)
      let deadline = options.limits.seconds.map { began + $0 }
      let dispatcher = SearchDispatcher(
        world: communicator, group: group,
        work: .init(
          run: { [spaces] order, each in try runner.run(order, of: spaces[order.boundary], each: each) },
          next: { [unowned self] in try next() }, take: { [unowned self] in try take($0) },
          isHalted: { [unowned self] in isOutOfTime }, deadline: deadline))
      let first = PhaseTimers.now()
      let signal = communicator.maximum(Int(try dispatcher.run()))
      let span = communicator.maximum(PhaseTimers.now() - first)
      summary.busy = communicator.sum(dispatcher.working) / max(span * Double(communicator.size), 1e-9)
      try communicator.agree { if communicator.isRoot { try conclude(signal: Int32(signal)) } }
      if signal != 0 { return .stopped(Self.reason(Int32(signal))) }
    } catch {
      summary.status = "failed"
      summary.reason = "\(error)"
      if communicator.isRoot { try? writeSummary() }
      throw error
    }
    return .finished
  }

  private static func reason(_ signal: Int32) -> String {
    signal == SearchDispatcher.late ? "the time limit is reached" : "\(StopRequest.name(signal)) received"
  }

  private var isOutOfTime: Bool { search.seconds.map { PhaseTimers.now() - began > $0 } ?? false }

  /// Whether there are boundaries in folders of their own.
  private var isFamily: Bool { search.family != nil || campaigns.count > 1 }

  private func begin(_ references: [BoundaryReference], groups: Int) {
    self.references = references
    let first = references[0]
    if first.crystals.count == 1 {
      let crystal = first.crystals[0]
      summary.crystal = [
        "energy_eV_per_atom": .number(crystal.energy), "volume_A3_per_atom": .number(crystal.volume), "pressure_bar": .number(crystal.pressure),
      ]
    }
    summary.groups = groups
    guard communicator.isRoot else { return }
    for line in Self.lines(of: zip(campaigns.map(\.space), references)) { log.line("  " + line) }
    let pressure = references.flatMap(\.crystals).map(\.pressure).max { abs($0) < abs($1) } ?? 0
    if abs(pressure) > 1000 {
      let text = "the perfect crystal is under \(BoundaryEnergy.kilobar(pressure)): `constant` is not this potential's, and everything is "
        + "strained; `constant: equilibrium` finds its own"
      log.line("  warning: " + text)
      summary.warnings.append(text)
    }
    for campaign in campaigns {
      for line in Self.description(campaign, search) { log.line("  " + line) }
      if !campaign.results.isEmpty { log.line("    \(RunLog.counted(campaign.results.count, "trial")) of an earlier start") }
    }
    log.line(
      "  \(RunLog.counted(groups, "group")) of \(RunLog.counted(search.ranksPerTrial, "rank")), method \(search.method.rawValue)")
    if search.method == .bayes, groups > search.bayes.batch {
      log.line("  warning: with `bayes.batch` \(search.bayes.batch) of \(groups) groups some must wait for others")
    }
    log.startProgress()
    try? writeSummary()
  }

  /// What the crystals of boundaries are without them, those of several once.
  static func lines(of boundaries: some Sequence<(BoundarySpace, BoundaryReference)>) -> [String] {
    var said: Set<String> = []
    return boundaries.flatMap { space, reference in
      let potentials = reference.potentials.map { [$0.sentence] } ?? []
      return Self.lines(of: reference).filter { said.insert($0).inserted }
        .map { (reference.crystals.count == 1 ? "perfect crystal " : space.title + ": ") + $0 }
        + potentials.filter { said.insert($0).inserted }
    }
  }

  private static func lines(of reference: BoundaryReference) -> [String] {
    reference.crystals.enumerated().map { grain, crystal in
      (reference.crystals.count == 1 ? "" : "\(grain == 0 ? "lower" : "upper") crystal ")
        + "\(RunLog.fixed(crystal.energy, 6)) eV/atom, \(RunLog.fixed(crystal.volume, 4)) Å³/atom"
        + (crystal.strainEnergy == 0
          ? " at " + BoundaryEnergy.kilobar(crystal.pressure) : ", \(RunLog.fixed(1000 * crystal.strainEnergy, 3)) meV/atom of it strain")
    }
  }

  /// What a boundary's search has before it.
  static func description(_ campaign: SearchCampaign, _ search: SearchPlan) -> [String] {
    let space = campaign.space
    let (u, v) = space.cell.vectors
    func length(_ w: SIMD2<Double>) -> String { RunLog.fixed((w * w).sum().squareRoot(), 3) }
    let trials = search.method == .grid
      ? "\(RunLog.counted(campaign.limit, "trial")), \(campaign.skipped) skipped by symmetry"
      : "at most \(RunLog.counted(campaign.limit, "trial"))"
    return [
      "\(space.title): \(RunLog.counted(space.atoms, "atom")), displacements in a cell of \(length(u)) × \(length(v)) Å "
        + "(\(space.cell.count) in a period) with \(RunLog.counted(space.symmetry.operations.count, "operation")) of symmetry; "
        + "\(space.amounts); \(trials)"
    ] + (space.model.isHeterophase ? ["  and its crystals apart, for the work of adhesion"] : [])
      + (space.areAlike ? [] : ["  no symmetry relates the two boundaries of its cell: γ is their mean"])
  }

  private func next() throws -> SearchCampaign.Next {
    var waits = false
    for campaign in campaigns {
      switch try campaign.next() {
      case .trial(let order): return .trial(order)
      case .wait: waits = true
      case .over: break
      }
    }
    return waits ? .wait : .over
  }

  private func take(_ trial: Trial) throws {
    let result = trial.result
    let campaign = campaigns[result.order.boundary]
    guard !result.order.isOfCrystalsApart else {
      try journal?.add(result)
      campaign.take(result)
      log.line("  " + AdhesionFigures.line(campaign))
      return
    }
    try tables[result.order.boundary].keep(trial)
    try journal?.add(result)
    let before = campaign.best?.energy ?? .infinity
    campaign.take(result)
    let name = (isFamily ? campaign.space.title + ", " : "") + "trial \(result.order.trial)"
    if let failure = result.failure {
      log.line("  \(name) has failed: \(failure)")
    } else if !result.isConverged {
      log.line("  \(name) has not converged in \(RunLog.counted(result.steps, "step"))")
    }
    if let best = campaign.best, let energy = best.energy, energy < before - TrialResult.energyTolerance {
      log.line(
        "  " + (isFamily ? campaign.space.title + ", " : "") + "trial \(best.order.trial): γ \(RunLog.fixed(energy, 4)) J/m², excess volume "
          + "\(RunLog.fixed(best.excessVolume ?? .nan, 3)) Å, the lowest so far")
    }
    // Tables are written every few seconds; the journal has everything.
    if PhaseTimers.now() - lastTable > 5 {
      lastTable = PhaseTimers.now()
      let table = tables[result.order.boundary]
      try table.writeTrials(campaign.statistics)
      try writeSummary()
    }
    let done = campaigns.reduce(0) { $0 + $1.results.count }
    log.progress(
      "search", done: done, total: campaigns.reduce(0) { $0 + $1.limit }, first: journal?.results.count ?? 0,
      elapsed: PhaseTimers.now() - began, note: campaign.best?.energy.map { "γ \(RunLog.fixed($0, 4)) J/m²" } ?? "")
  }

  // MARK: The end

  private func conclude(signal: Int32) throws {
    var rows: [FamilyTable.Row] = []
    var adhesions: [AdhesionFigures?] = []
    for (campaign, table) in zip(campaigns, tables) {
      let statistics = try table.writeAll()
      rows.append(.init(space: campaign.space, statistics: statistics, isOver: campaign.ending != nil))
      let reference = references[campaign.space.number]
      let adhesion = try AdhesionFigures(campaign, reference, statistics)
      adhesions.append(adhesion)
      let stability = table.stability(statistics, reference.potentials)
      try stability?.write(to: table.directory)
      var numbers = table.numbers(statistics).merging(adhesion?.numbers ?? [:]) { $1 }.merging(stability?.numbers ?? [:]) { $1 }
      numbers["chemical_potentials_eV"] = reference.potentials?.numbers
      summary.search?[isFamily ? campaign.space.folder : "boundary"] = .section(numbers)
      if let best = statistics.states.first {
        log.line(
          "\(campaign.space.title): γ \(RunLog.fixed(best.best.energy!, 4)) J/m², excess volume \(RunLog.fixed(best.best.excessVolume!, 4)) Å, "
            + "\(best.best.atoms) atoms; \(campaign.ending ?? "not ended")")
      }
      if let adhesion { log.line("  " + adhesion.sentence) }
      if let stability { log.line("  " + stability.sentence) }
      log.line("  " + statistics.sentence(search.method))
      if let energy = statistics.states.first?.best.energy, energy < 0 {
        let text =
          "\(campaign.space.title): γ is below zero: "
          + (campaign.space.model.isHeterophase
            ? "these crystals would rather mix or react, by this potential; the state is not the lowest there is"
            : "this potential has a phase below the deck's crystal, and the boundary has turned into it")
        log.line("  warning: " + text)
        summary.warnings.append(text)
      }
    }
    if isFamily {
      if rows.allSatisfy({ $0.space.model is GrainBoundaryModel }) {
        try FamilyTable.write(rows, to: directory.path)
      } else {
        try InterfaceTable.write(zip(rows, adhesions).map { .init($0, $1) }, to: directory.path)
      }
    }
    try journal?.finish()
    let done = campaigns.reduce(0) { $0 + $1.table.count }
    summary.done = done
    if signal != 0 {
      summary.status = "stopped"
      summary.reason = Self.reason(signal)
      try writeSummary()
      log.line("Stopped: \(Self.reason(signal)); 'faultline resume \(directory.path)' continues")
      return
    }
    // One boundary of many without a state is no reason to call the others failed.
    for row in rows where row.statistics.states.isEmpty {
      let reason = campaigns[row.space.number].table.compactMap(\.failure).first ?? "no relaxation has converged"
      let text = "no trial of \(row.space.title) ended in a relaxed state: \(reason)"
      guard rows.contains(where: { !$0.statistics.states.isEmpty }) else { throw FaultlineError(.run, text, isCollective: true) }
      log.line("warning: " + text)
      summary.warnings.append(text)
    }
    summary.status = "finished"
    try writeSummary()
    log.line("Finished: \(RunLog.counted(done, "trial")) in \(RunLog.duration(PhaseTimers.now() - began))\(busy); results: \(directory.path)")
  }

  private var busy: String {
    guard let busy = summary.busy, communicator.size > 1 else { return "" }
    return ", ranks at trials for \(RunLog.fixed(100 * busy, 1)) % of the time"
  }

  private func writeSummary() throws {
    summary.seconds = PhaseTimers.now() - began
    summary.done = campaigns.reduce(0) { $0 + $1.table.count }
    try AtomicFile.writeJSON(summary, to: directory.summary)
  }
}
