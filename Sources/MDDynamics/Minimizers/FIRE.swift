import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Structural relaxation by the fast inertial relaxation engine, FIRE 2.0.
///
/// The atoms move under their forces with one common mass m (so that relaxation does not depend on masses), and
/// the velocities are turned towards the forces, v ← (1 − α) v + α |v| F/|F|. While the power P = F·v is positive
/// the timestep grows and α shrinks; when it is not, the atoms go back half a step, stop, and start again with
/// a smaller timestep. Integration is semi-implicit Euler:
///
///     v ← v + Δt F/m,   mix,   r ← r + Δt v.
///
/// No atom moves farther than `maximumStep` at once. Frozen and driven atoms stay in place: a relaxation has no time.
/// With a cell, its coordinates (`CellCoordinates`) are one more block with the same mass, and all atoms are carried along
/// with it.
///
/// E. Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006); J. Guénolé et al., Comput. Mater. Sci. 175, 109584 (2020),
/// whose algorithm and parameters these are. Two reductions and a maximum a step.
package final class FIRE: Minimizer {
  /// When to stop, and the parameters, which are those of Guénolé et al. (2020).
  package struct Options: Sendable, Equatable {
    /// Converged when no Cartesian component of a mobile atom's force is larger, eV/Å.
    package var forceTolerance: Double
    /// Converged when the energy changed by less in each of ten steps, eV an atom; nil: not a criterion.
    package var energyTolerance: Double?
    /// Largest move of an atom in a step, Å.
    package var maximumStep = 0.1
    /// Largest strain of the cell in a step.
    package var maximumStrain = 0.02
    /// Timestep limits as multiples of the starting timestep.
    package var largestTimestep = 10.0
    package var smallestTimestep = 0.02
    /// Factor on the timestep while P = F·v > 0, after `delay` such steps.
    package var growth = 1.1
    /// Factor on the timestep when P ≤ 0, but in the first `delay` steps.
    package var shrinkage = 0.5
    /// α at the start and again when P ≤ 0 shrinks the timestep: the share of the force's direction in v.
    package var mixing = 0.25
    /// Factor on α with each growth of the timestep.
    package var mixingShrinkage = 0.99
    /// Steps with P > 0 before the timestep grows.
    package var delay = 20
    /// Steps with P ≤ 0 in a row after which the search is given up.
    package var patience = 2000

    package init(forceTolerance: Double, energyTolerance: Double? = nil) {
      self.forceTolerance = forceTolerance
      self.energyTolerance = energyTolerance
    }
  }

  package let name = "FIRE"
  package func conservesMomentum(_ context: DynamicsContext) -> Bool { true }
  package let options: Options
  package var wants: Want {
    var wants: Want = cell == nil ? [] : .virial
    if options.energyTolerance != nil { wants.insert(.energy) }
    return wants
  }
  package var status: MinimizerStatus { search.status }
  /// The largest Cartesian component of a mobile atom's force, eV/Å.
  package var largestForce: Double { search.largestForce }
  package var residual: Double? { search.residual }
  /// Adaptive, ps.
  package var timestep: Double { search.timestep }

  private struct Search: Codable {
    var status = MinimizerStatus.running
    var timestep = 0.0
    /// The timestep of the last move, after the limit on displacements.
    var lastMove = 0.0
    var mixing = 0.0
    var steps = 0
    var uphill = 0
    var downhill = 0
    var calm = 0
    /// F·v (eV/ps), v·v ((Å/ps)²), F·F ((eV/Å)²) over all ranks.
    var power = 0.0
    var speedSquared = 0.0
    var forceSquared = 0.0
    var largestForce = Double.infinity
    var energy = 0.0
    var cell: CellCoordinates.State?
    /// How far the cell's stress is from the one asked for, eV/Å³.
    var residual: Double?
  }
  private var search = Search()
  /// The block of the cell; nil: a fixed cell.
  private var cell: CellCoordinates?
  /// Common mass, eV/(Å/ps)².
  private var mass = 1.0

  /// Throws if an option is out of its range.
  package init(_ options: Options, cell: CellCoordinates? = nil) throws {
    self.cell = cell
    let o = options
    let sound =
      o.forceTolerance > 0 && (o.energyTolerance ?? 1) > 0 && o.maximumStep > 0 && o.largestTimestep >= 1
      && o.smallestTimestep > 0 && o.smallestTimestep <= 1 && o.growth > 1 && o.shrinkage > 0 && o.shrinkage < 1
      && o.mixing > 0 && o.mixing <= 1 && o.mixingShrinkage > 0 && o.mixingShrinkage <= 1 && o.delay >= 0
      && o.patience > 0
    guard sound else {
      throw FaultlineError(
        .input, "FIRE cannot work with \(o)", hint: "tolerances and steps are positive, growth > 1 > shrinkage",
        isCollective: true)
    }
    self.options = options
  }

  package func begin(_ context: DynamicsContext, box: Box, from state: Data?) throws {
    try requireMobile(context)
    mass = context.meanMass()
    if let state {
      search = try StateCoding.decode(Search.self, kind: name, from: state)
      try StateCoding.require(isSound(search, context.timestep), kind: name, "\(search)")
      if let kept = search.cell { cell?.restore(kept) }
      return
    }
    context.atoms.velocity.storage.clear(0..<context.atoms.localCount)
    search = Search()
    search.timestep = context.timestep
    search.lastMove = context.timestep
    search.mixing = options.mixing
    try measure(context, box)
    search.energy = energy(context, box)
    judge(energyChange: .infinity, box)
  }

  /// Whether a search that starts at this timestep can have come to this state.
  private func isSound(_ s: Search, _ timestep: Double) -> Bool {
    let range = (0.999 * options.smallestTimestep * timestep)...(1.001 * options.largestTimestep * timestep)
    return range.contains(s.timestep) && s.lastMove >= 0 && s.mixing > 0 && s.mixing <= 1
      && [s.steps, s.uphill, s.downhill, s.calm].allSatisfy { $0 >= 0 }
      && [s.speedSquared, s.forceSquared, s.largestForce].allSatisfy { $0 >= 0 }
      && (s.cell == nil) == (cell == nil) && s.cell.map { cell?.isSound($0) ?? false } ?? true
  }

  package func firstHalf(_ context: DynamicsContext, box: inout Box) throws {
    guard search.status == .running else { return }
    search.steps += 1
    if search.power > 0 {
      search.downhill += 1
      search.uphill = 0
      if search.downhill > options.delay {
        search.timestep = min(search.timestep * options.growth, options.largestTimestep * context.timestep)
        search.mixing *= options.mixingShrinkage
      }
    } else {
      try turnBack(context, &box)
    }
    try move(context, &box)
  }

  package func secondHalf(_ context: DynamicsContext, box: inout Box) throws {
    guard search.status == .running else { return }
    try measure(context, box)
    let energy = energy(context, box)
    judge(energyChange: abs(energy - search.energy) / Double(context.counts.all), box)
    search.energy = energy
  }

  /// Leaves the atoms at rest.
  package func finish(_ context: DynamicsContext) throws {
    context.atoms.velocity.storage.clear(0..<context.atoms.localCount)
    context.imposeVelocities()
  }

  package func bathEnergy(_ context: DynamicsContext) -> Double { 0 }

  package func state(_ context: DynamicsContext) throws -> Data {
    search.cell = cell?.state
    return try StateCoding.encode(search, kind: name)
  }

  /// Back by half a step along the velocity, and rest.
  private func turnBack(_ context: DynamicsContext, _ box: inout Box) throws {
    search.downhill = 0
    search.uphill += 1
    if search.steps > options.delay {
      search.timestep = max(search.timestep * options.shrinkage, options.smallestTimestep * context.timestep)
      search.mixing = options.mixing
    }
    try drift(context, &box, duration: -0.5 * min(search.timestep, search.lastMove))
    context.atoms.velocity.storage.clear(0..<context.atoms.localCount)
    cell?.rest()
    search.power = 0
    search.speedSquared = 0
  }

  /// r ← r + duration · v of atoms and cell.
  private func drift(_ context: DynamicsContext, _ box: inout Box, duration: Double) throws {
    VelocityKernels.drift(context.atoms.view, positions: context.atoms.position.pointer, duration: duration)
    guard let velocity = cell?.state.velocity else { return }
    try cell?.move(by: velocity.map { duration * $0 }, context, box: &box)
  }

  /// Accelerates, mixes and moves. |v + Δt F/m|² follows from the sums at hand.
  private func move(_ context: DynamicsContext, _ box: inout Box) throws {
    let view = context.atoms.view
    let (velocities, forces, groups) = (view.velocities, view.forces, view.groups)
    let immobile = context.motion.immobile
    let kick = search.timestep / mass
    let speedSquared =
      search.speedSquared + 2 * kick * search.power + kick * kick * search.forceSquared
    let alongForce =
      search.forceSquared > 0 ? search.mixing * (max(speedSquared, 0) / search.forceSquared).squareRoot() : 0
    let keep = 1 - search.mixing
    var fastest = 0.0
    for i in 0..<view.localCount where groups[i] & immobile == 0 {
      let f = forces[i]
      let v = keep * (velocities[i] + kick * f) + alongForce * f
      velocities[i] = v
      fastest = max(fastest, v.squaredLength)
    }
    fastest = context.communicator.maximum(fastest).squareRoot()
    search.lastMove = search.timestep
    if fastest * search.timestep > options.maximumStep { search.lastMove = options.maximumStep / fastest }
    if var block = cell {
      block.state.velocity = zip(block.state.velocity, block.state.force).map { v, f in
        keep * (v + kick * f) + alongForce * f
      }
      let rate = block.strain(of: block.state.velocity)
      search.lastMove = min(search.lastMove, rate > 0 ? options.maximumStrain / rate : .infinity)
      cell = block
    }
    try drift(context, &box, duration: search.lastMove)
  }

  private func measure(_ context: DynamicsContext, _ box: Box) throws {
    let view = context.atoms.view
    let (velocities, forces, groups) = (view.velocities, view.forces, view.groups)
    let immobile = context.motion.immobile
    var sums = [0.0, 0, 0] + (cell == nil ? [] : context.tally.virial.elements)
    var (power, speedSquared, forceSquared, largest) = (0.0, 0.0, 0.0, 0.0)
    for i in 0..<view.localCount where groups[i] & immobile == 0 {
      let (v, f) = (velocities[i], forces[i])
      power += dot(v, f)
      speedSquared += v.squaredLength
      forceSquared += f.squaredLength
      largest = max(largest, abs(f.x), abs(f.y), abs(f.z))
    }
    sums[0] = power
    sums[1] = speedSquared
    sums[2] = forceSquared
    context.communicator.sum(&sums)
    if sums.count > 3 { cell?.measure(virial: Matrix3(Array(sums[3...])), box: box) }
    search.power = sums[0] + (cell?.power ?? 0)
    search.speedSquared = sums[1] + (cell?.speedSquared ?? 0)
    search.forceSquared = sums[2] + (cell?.forceSquared ?? 0)
    search.residual = cell?.residual(box)
    guard search.forceSquared.isFinite else {
      throw FaultlineError(
        .run, "a force is not a finite number in relaxation step \(search.steps)",
        hint: "look for overlapping atoms in the structure", isCollective: true)
    }
    search.largestForce = context.communicator.maximum(largest)
  }

  private func judge(energyChange: Double, _ box: Box) {
    search.calm = energyChange < (options.energyTolerance ?? 0) ? search.calm + 1 : 0
    if search.largestForce <= options.forceTolerance, cell?.isConverged(box) ?? true {
      search.status = .forceConverged
    } else if search.calm >= 10 {
      search.status = .energyConverged
    } else if search.uphill > options.patience {
      search.status = .stalled
    }
  }

  /// The enthalpy, where the cell has a part in it.
  private func energy(_ context: DynamicsContext, _ box: Box) -> Double {
    guard options.energyTolerance != nil else { return 0 }
    return context.communicator.sum(context.tally.energy) + (cell?.enthalpyPart(box) ?? 0)
  }
}

extension MinimizerEntry {
  static let fire = MinimizerEntry(
    "fire", "FIRE 2.0 (Guénolé et al. 2020): inertia along the forces; robust"
  ) { plan, cell in
    var options = FIRE.Options(forceTolerance: plan.forceTolerance)
    options.energyTolerance = plan.energyTolerance
    return try FIRE(options, cell: cell)
  }
}
