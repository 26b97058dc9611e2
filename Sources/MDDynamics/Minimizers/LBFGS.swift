import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Structural relaxation by the limited-memory method of Broyden, Fletcher, Goldfarb and Shanno.
///
/// The direction p = −B⁻¹ g comes from the last m changes s of the coordinates and y of the gradient. It is made as a
/// combination of these 2m vectors and g, whose coefficients follow from their inner products alone: one reduction a
/// step instead of 2m, and one pass over the atoms (W. Chen et al., Adv. Neural Inf. Process. Syst. 27, 2014, after
/// J. Nocedal, Math. Comput. 35, 773, 1980). A step is taken if the objective falls, H ≤ H₀ + 10⁻⁴ t g·p within
/// rounding; otherwise it is shortened by the parabola through H₀, its slope and H. No atom moves farther than
/// `maximumStep`. Each step is one computation of forces.
///
/// The cell's coordinates (`CellCoordinates`) are part of every vector. Checkpoints hold no history: writing one makes
/// the run forget it as a resumed run has.
package final class LBFGS: Minimizer {
  package struct Options: Sendable, Equatable {
    /// Converged when no Cartesian component of a mobile atom's force is larger, eV/Å.
    package var forceTolerance: Double
    /// Converged when the objective changed by less in each of ten steps, eV an atom; nil: not a criterion.
    package var energyTolerance: Double?
    /// m.
    package var memory = 8
    /// Largest move of an atom in a step, Å.
    package var maximumStep = 0.15
    /// Largest strain of the cell in a step.
    package var maximumStrain = 0.02
    /// The stiffness before anything is known, eV/Å².
    package var stiffness = 30.0
    /// Shortened steps in a row after which the history is dropped, and without one the search given up.
    package var patience = 8

    package init(forceTolerance: Double, energyTolerance: Double? = nil) {
      self.forceTolerance = forceTolerance
      self.energyTolerance = energyTolerance
    }
  }

  package let name = "L-BFGS"
  package let options: Options
  package var wants: Want { cell == nil ? .energy : [.energy, .virial] }
  package func conservesMomentum(_ context: DynamicsContext) -> Bool { true }
  package var status: MinimizerStatus { search.status }
  /// The largest Cartesian component of a mobile atom's force, eV/Å.
  package var largestForce: Double { search.largestForce }
  package var residual: Double? { search.residual }

  private struct Search: Codable {
    var status = MinimizerStatus.running
    /// H at the present positions, eV.
    var energy = 0.0
    var largestForce = Double.infinity
    var residual: Double?
    var calm = 0
    var cell: CellCoordinates.State?
    /// The stiffness that the last pair of vectors told, eV/Å²: it outlives the history.
    var stiffness = 0.0
  }
  private var search = Search()
  private var cell: CellCoordinates?
  private let vectors: LBFGSHistory
  /// The line that is searched: what part of the direction is done, H and its slope at the start, steps shortened.
  private struct Line {
    var done = 0.0
    var energy = 0.0
    var slope = 0.0
    var shortened = 0
    var cellStart: CellCoordinates.State?
  }
  private var line: Line?
  private var next = 0.0

  /// Throws if an option is out of its range.
  package init(_ options: Options, cell: CellCoordinates? = nil) throws {
    let o = options
    guard
      o.forceTolerance > 0 && (o.energyTolerance ?? 1) > 0 && o.memory > 0 && o.maximumStep > 0 && o.maximumStrain > 0
        && o.stiffness > 0 && o.patience > 0
    else {
      throw FaultlineError(
        .input, "L-BFGS cannot work with \(o)", hint: "tolerances, steps and memory are positive", isCollective: true)
    }
    self.options = options
    self.cell = cell
    vectors = LBFGSHistory(memory: o.memory, cellWidth: cell?.components.count ?? 0)
  }

  package func begin(_ context: DynamicsContext, box: Box, from state: Data?) throws {
    try requireMobile(context)
    vectors.attach(to: context.atoms)
    if let state {
      search = try StateCoding.decode(Search.self, kind: name, from: state)
      try StateCoding.require(isSound(search), kind: name, "\(search)")
      if let kept = search.cell { cell?.restore(kept) }
      return
    }
    context.atoms.velocity.storage.clear(0..<context.atoms.localCount)
    search = Search()
    search.stiffness = options.stiffness
    try measure(context, box)
    judge(energyChange: .infinity, box)
  }

  private func isSound(_ s: Search) -> Bool {
    s.energy.isFinite && s.largestForce >= 0 && s.calm >= 0 && s.stiffness > 0 && s.stiffness.isFinite
      && (s.cell == nil) == (cell == nil) && s.cell.map { cell?.isSound($0) ?? false } ?? true
  }

  package func firstHalf(_ context: DynamicsContext, box: inout Box) throws {
    guard search.status == .running else { return }
    if line == nil { startLine(context) }
    try move(to: next, context, &box)
  }

  package func secondHalf(_ context: DynamicsContext, box: inout Box) throws {
    guard search.status == .running else { return }
    try measure(context, box)
    // Without a line the move led back to where the last one began.
    guard var line else { return judge(energyChange: .infinity, box) }
    let rounding = 1e-13 * abs(line.energy) + 1e-15 * Double(context.counts.all)
    if search.energy <= line.energy + 1e-4 * line.done * line.slope + rounding {
      if let stiffness = vectors.learn(context, cell: cell, done: line.done) { search.stiffness = stiffness }
      self.line = nil
      judge(energyChange: abs(search.energy - line.energy) / Double(context.counts.all), box)
      return
    }
    line.shortened += 1
    if line.shortened <= options.patience {
      // The parabola's minimum, kept within a tenth and a half of the step.
      let t = line.done
      let bend = search.energy - line.energy - line.slope * t
      let minimum = bend > 0 ? -line.slope * t * t / (2 * bend) : 0.5 * t
      next = min(max(minimum, 0.1 * t), 0.5 * t)
    } else if vectors.isEmpty {
      search.status = .stalled
    } else {
      // The history misleads: back, and along the forces.
      vectors.forget()
      next = 0
    }
    self.line = line
  }

  /// Leaves the atoms at rest, and gives the vectors' memory back.
  package func finish(_ context: DynamicsContext) throws {
    vectors.detach(from: context.atoms)
    context.imposeVelocities()
  }

  package func bathEnergy(_ context: DynamicsContext) -> Double { 0 }

  package func state(_ context: DynamicsContext) throws -> Data {
    vectors.forget()
    line = nil
    search.cell = cell?.state
    return try StateCoding.encode(search, kind: name)
  }

  // MARK: Moving

  private func startLine(_ context: DynamicsContext) {
    let aim = vectors.aim(context, cell: cell, stiffness: search.stiffness)
    line = Line(energy: search.energy, slope: aim.slope, cellStart: cell?.state)
    var length = 1.0
    if aim.longest > options.maximumStep { length = options.maximumStep / aim.longest }
    if let cell {
      let strain = cell.strain(of: vectors.cellDirection)
      if strain * length > options.maximumStrain { length = options.maximumStrain / strain }
    }
    next = length
  }

  /// To the part t of the direction. What the cell carried along is taken back first, so that the line is straight.
  private func move(to t: Double, _ context: DynamicsContext, _ box: inout Box) throws {
    guard var line else { return }
    if cell != nil, line.done != 0 {
      try cell?.move(by: vectors.cellDirection.map { -line.done * $0 }, context, box: &box)
      if let start = line.cellStart { cell?.state.work = start.work }
    }
    vectors.drift(context, by: t - line.done)
    if cell != nil { try cell?.move(by: vectors.cellDirection.map { t * $0 }, context, box: &box) }
    line.done = t
    self.line = t == 0 ? nil : line
  }

  // MARK: Measuring

  /// The objective, the largest force and the cell's part. Collective.
  private func measure(_ context: DynamicsContext, _ box: Box) throws {
    let view = context.atoms.view
    let (forces, groups) = (view.forces, view.groups)
    let immobile = context.motion.immobile
    var (largest, check) = (0.0, 0.0)
    for i in 0..<view.localCount where groups[i] & immobile == 0 {
      let f = forces[i]
      largest = max(largest, abs(f.x), abs(f.y), abs(f.z))
      check += f.squaredLength
    }
    var sums = [context.tally.energy, check] + (cell == nil ? [] : context.tally.virial.elements)
    context.communicator.sum(&sums)
    guard sums[1].isFinite, sums[0].isFinite else {
      throw FaultlineError(
        .run, "a force is not a finite number in a relaxation, at step \(context.step)",
        hint: "look for overlapping atoms in the structure", isCollective: true)
    }
    if cell != nil { cell?.measure(virial: Matrix3(Array(sums[2...])), box: box) }
    search.residual = cell?.residual(box)
    search.largestForce = context.communicator.maximum(largest)
    search.energy = sums[0] + (cell?.enthalpyPart(box) ?? 0)
  }

  private func judge(energyChange: Double, _ box: Box) {
    search.calm = energyChange < (options.energyTolerance ?? 0) ? search.calm + 1 : 0
    if search.largestForce <= options.forceTolerance, cell?.isConverged(box) ?? true {
      search.status = .forceConverged
    } else if search.calm >= 10 {
      search.status = .energyConverged
    }
  }
}

extension MinimizerEntry {
  static let lbfgs = MinimizerEntry(
    "lbfgs", "limited-memory BFGS (Nocedal 1980): learns the stiffness; fewest computations of forces"
  ) { plan, cell in
    var options = LBFGS.Options(forceTolerance: plan.forceTolerance)
    options.energyTolerance = plan.energyTolerance
    return try LBFGS(options, cell: cell)
  }
}
