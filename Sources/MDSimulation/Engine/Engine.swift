import MDCore
import MDDeck
import MDDynamics
import MDNumerics
import MDParallel

/// The system, the stage that it is in and the clock: all that a step is made of. An engine writes no file and no log,
/// so that searches, fits and tests run it in memory.
///
///     let engine = Engine(system, groups: groups, seed: 1)
///     try engine.enter(stage)
///     try engine.start()
///     while !engine.isStageOver { try engine.step() }
///     try engine.leave()
///
/// Step n takes the system from time n − 1 to time n. All methods are called by every rank.
package final class Engine {
  package let system: DistributedSystem
  let groups: GroupTable
  private let seed: UInt64
  /// The ring around the crack of a structure with one.
  let crack: CrackRing?
  /// Where the run stands.
  private(set) var clock: Clock
  /// Whole steps that this engine has done, and the last of them.
  private(set) var steps = 0
  private(set) var lastWholeStep: Int
  private var driver: StageDriver?
  /// Whether a cell that shears may be described by other vectors when its angles become sharp; where it stands for something,
  /// it may not.
  package var reducesCell = true
  /// Whether the last stage that `run` ran was a relaxation which met its tolerances.
  package internal(set) var lastStageConverged = false

  init(
    _ system: DistributedSystem, groups: GroupTable, clock: Clock = Clock(), seed: UInt64, crack: CrackFrame? = nil
  ) {
    self.system = system
    self.groups = groups
    self.clock = clock
    self.seed = seed
    self.crack = crack.map { CrackRing($0) }
    lastWholeStep = clock.step
  }

  /// The stage between `enter` and `leave`.
  var stage: StageDriver {
    guard let driver else { preconditionFailure("the engine is in no stage") }
    return driver
  }

  /// Whether the stage's steps are done or its aim is reached.
  var isStageOver: Bool { clock.stepInStage >= stage.steps || stage.isConverged || stage.isEnded }

  /// F of all deformation since the stage began.
  var gradient: Matrix3 { stage.gradient }

  /// Ends the stage before its steps are done.
  func endStage() { stage.isEnded = true }

  private var communicator: any Communicator { system.communicator }

  // MARK: A stage

  /// Makes the stage's integrator and the neighbour lists. `state` is what a checkpoint kept of the stage.
  /// Says how bricks have moved, if they have.
  @discardableResult
  func enter(_ plan: StagePlan, from state: StageState? = nil) throws -> DistributedSystem.Balancing? {
    let driver = try StageDriver(
      plan, system: system, groups: groups, clock: clock, firstStep: state?.firstStep, seed: seed, crack: crack)
    self.driver = driver
    (driver.integrator as? any Probing)?.recompute = { [unowned self] in
      self.system.refresh()
      _ = try self.system.compute([], step: self.clock.step)
    }
    stiffnessNote = nil
    system.choosesCell = driver.shears && reducesCell
    let balancing = try system.rebuild()
    driver.context.step = clock.step
    if let state { try driver.begin(box: system.box, from: state) }
    return balancing
  }

  /// Velocities at the start of a stage that does not go on from a checkpoint. Returns what the log says of them.
  /// - Parameter draws: whether it is the first dynamics, for which `plan` has them drawn.
  func prepareVelocities(_ plan: VelocitiesPlan?, draws: Bool) throws -> [String] {
    if clock.step == 0 { try system.refuseOverlaps(closerThan: 0.5) }
    return try stage.prepareVelocities(plan, draws: draws)
  }

  /// Forces at the start of such a stage, and what `want` asks for besides energy and virial.
  @discardableResult
  func start(_ want: Want = []) throws -> Tally {
    let tally = try system.compute(want.union([.energy, .virial]), step: clock.step)
    try refuseNonFinite()
    stage.context.tally = tally
    stiffnessNote = try learnStiffness()
    try stage.begin(box: system.box, from: nil)
    return tally
  }

  /// What the log says of the cell's stiffness, if the stage has measured it.
  private(set) var stiffnessNote: String?

  /// Strains the cell a little, lets atoms give way to it, and leaves everything as it was.
  private func learnStiffness() throws -> String? {
    guard let coupled = stage.integrator as? any CellCoupled else { return nil }
    let box = system.box
    let positions = (0..<system.atoms.localCount).map { system.atoms.position[$0] }
    func restore() {
      system.box = box
      for (i, r) in positions.enumerated() { system.atoms.position[i] = r }
      system.refresh()
    }
    func answer() throws -> (virial: Matrix3, forces: [Vector3]) {
      system.refresh()
      var sums = try system.compute([.energy, .virial], step: clock.step).virial.elements
      communicator.sum(&sums)
      let forces = positions.indices.map { system.atoms.force[$0] }
      restore()
      return (Matrix3(sums), forces)
    }
    let note = try coupled.learn(
      stage.context, box: box,
      probe: StrainProbe(
        strained: {
          try Deformation.apply($0.exponential, self.stage.context, box: &self.system.box, blame: "a probe has")
          return try answer()
        },
        displaced: {
          for (i, u) in $0.enumerated() { self.system.atoms.position[i] = positions[i] + u }
          return try answer().forces
        }))
    stage.context.tally = try system.compute([.energy, .virial], step: clock.step)
    return note
  }

  /// What a step gave.
  struct Step {
    /// What was computed: what was asked for and what the integrator needed.
    var want: Want
    var tally: Tally
    /// The largest of all ranks' questions.
    var answers: [Double]
    /// How bricks have moved, if they have.
    var balancing: DistributedSystem.Balancing?
  }

  /// One step. `questions` go to all ranks along with the step's one reduction.
  @discardableResult
  func step(_ want: Want = [], asking questions: [Double] = []) throws -> Step {
    let stage = stage
    clock.step += 1
    clock.stepInStage += 1
    stage.context.step = clock.step
    system.timers.start(.integrate)
    var balancing: DistributedSystem.Balancing?
    let before = system.box
    let answers = try blamingStrain(of: stage) {
      // A copy: integrators that probe have forces computed meanwhile, for which the system's own is read.
      var box = system.box
      try stage.integrator.firstHalf(stage.context, box: &box)
      system.box = box
      try stage.loading?.apply(stage.context, box: &system.box)
      stage.ramp?.apply(stage.context, box: system.box)
      if system.box.cell != before.cell { stage.gradient = stage.gradient * (before.inverse * system.box.cell) }
      let (displacement, answers) = collect(questions)
      try refuseRunaway(displacement)
      if displacement > system.skin / 2 {
        balancing = try system.rebuild(amidSteps: true)
      } else {
        system.refresh()
      }
      return answers
    }
    let want = want.union(stage.integrator.wants)
    let tally = try system.compute(want, step: clock.step)
    stage.context.tally = tally
    try stage.integrator.secondHalf(stage.context, box: &system.box)
    if stage.isDynamics { clock.time += stage.context.timestep }
    steps += 1
    lastWholeStep = clock.step
    return Step(want: want, tally: tally, answers: answers, balancing: balancing)
  }

  /// Ends the stage: atoms are as the integrator leaves them.
  func leave() throws { try stage.integrator.finish(stage.context) }

  /// Goes on to the next stage of a run.
  func advance() {
    driver = nil
    clock.stage += 1
    clock.stepInStage = 0
  }

  // MARK: What can be asked of it

  /// Energy and virial of the present positions, and what `want` asks for besides.
  func compute(_ want: Want = []) throws -> Tally {
    try system.compute(want.union([.energy, .virial]), step: clock.step)
  }

  /// The state of the whole system; `tally` is this rank's energy and virial.
  func sample(_ tally: Tally) -> ThermoRow {
    var row = ThermoRow.sample(
      stage.context, tally: tally, box: system.box, stage: clock.stage + 1, time: clock.time,
      integrator: stage.integrator, isDynamics: stage.isDynamics)
    row.figures = system.figureValues(potentialEnergy: row.potentialEnergy)
    return row
  }

  /// How far an atom has moved since the lists were built, Å (infinite for a position that is no number), and the
  /// answers.
  private func collect(_ questions: [Double]) -> (Double, [Double]) {
    system.timers.start(.communication)
    var votes = [system.lists.largestDisplacement(atoms: system.atoms, box: system.box)] + questions
    votes.withUnsafeMutableBufferPointer { communicator.allReduce($0, .maximum) }
    return (votes[0], Array(votes.dropFirst()))
  }

  // MARK: Trouble

  /// Where the cell is strained, the rate is as good a reason for trouble as those that the error names.
  private func blamingStrain<T>(of stage: StageDriver, _ body: () throws -> T) throws -> T {
    do { return try body() } catch var error as FaultlineError where error.kind == .run {
      if let pull = stage.pull {
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

  /// Throws a collective error that names the first atom whose position, velocity or force is not a number.
  func refuseNonFinite() throws {
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
}
