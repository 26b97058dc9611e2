import MDCore
import MDDeck
import MDNumerics
import MDParallel
import MDStructures

/// `faultline check` of a search: every boundary is built, and what the search will take is told.
enum SearchCheck {
  /// Steps that a relaxation takes as a rule, to 1e-3 eV/Å from grains that touch.
  private static let usualSteps = 100

  /// Collective. `plan` has its lattice constant.
  static func run(_ plan: RunPlan, ranks: Int, communicator: any Communicator, log: RunLog) throws {
    guard let search = plan.search else { preconditionFailure("a plan without a search") }
    guard ranks % search.ranksPerTrial == 0 else {
      throw FaultlineError(
        .input, "\(RunLog.counted(ranks, "rank")) cannot be divided into groups of \(search.ranksPerTrial)",
        hint: "start a multiple of `search.ranks_per_trial`, or change it", at: search.location, isCollective: true)
    }
    let (spaces, absent) = try communicator.agree { try SearchedBoundaries.spaces(plan) }
    for note in absent { log.line("interface    " + note) }
    let runner = try TrialRunner(plan, first: spaces[0], communicator: communicator)
    let references = try spaces.map(runner.reference(of:))
    for line in SearchRun.lines(of: zip(spaces, references)) { log.line("crystal      " + line) }
    if references[0].crystals.count == 1, abs(references[0].crystals[0].pressure) > 1000, let note = try EquilibriumLattice.note(against: plan, communicator: communicator) {
      log.line("             warning: " + note)
    }
    var (trials, work) = (0, 0.0)
    var perAtom: Double?
    for space in spaces {
      let campaign = SearchCampaign(space, search, seed: plan.seed)
      for line in SearchRun.description(campaign, search) { log.line("boundary     " + line) }
      // Forces of a start take as long as those of the others, an atom.
      if perAtom == nil { perAtom = try runner.secondsPerAtom(space) }
      trials += campaign.limit
      let steps = Self.usualSteps + (search.method == .anneal ? search.anneal.steps : 0)
      work += Double(campaign.limit * steps * space.atoms)
    }
    let groups = ranks / search.ranksPerTrial
    log.line(
      "search       \(search.method.rawValue), \(spaces.count == 1 ? "" : "\(spaces.count) boundaries, ")at most "
        + "\(RunLog.counted(trials, "trial")) on \(RunLog.counted(groups, "group")) of \(RunLog.counted(search.ranksPerTrial, "rank"))")
    if let perAtom {
      let seconds = work * perAtom * Double(communicator.size) / Double(ranks)
      log.line(
        "time         about \(RunLog.fixed(perAtom * 1e6 * Double(communicator.size), 1)) µs an atom and step on one core; with "
          + "\(usualSteps) steps a relaxation at most \(RunLog.duration(seconds)) on \(RunLog.counted(ranks, "rank"))")
    }
    if communicator.isRoot { for card in PotentialCard.warnings(of: plan) { log.line("warning: \(card)") } }
    log.line("deck         \(plan.source.file): a search, no mistakes")
  }
}

extension TrialRunner {
  /// How long forces take, an atom: the median of three computations for a start. Collective.
  func secondsPerAtom(_ space: BoundarySpace) throws -> Double {
    var random = CounterRandom(seed: plan.seed, stream: .searchAtoms)
    let start = try BicrystalStart(
      space.model.bicrystal(shift: SIMD2(0.25, 0.25), ofOnePeriod: false), plane: space.plane, removal: space.removal(space.contents[0]), neighbor: space.neighbor, random: &random)
    let system = try engine(start.structure, seed: 0).system
    try system.rebuild()
    var times: [Double] = []
    for _ in 0..<4 {
      communicator.barrier()
      let began = PhaseTimers.now()
      _ = try system.compute([.energy, .virial], step: 0)
      times.append(communicator.maximum(PhaseTimers.now() - began))
    }
    return times.dropFirst().sorted()[1] / Double(system.totalCount)
  }
}
