import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Moves atoms, and the cell where it is asked, to a minimum of the energy, and knows when it is there.
package protocol Minimizer: Integrator {
  var status: MinimizerStatus { get }
  /// The largest Cartesian component of a mobile atom's force, eV/Å.
  var largestForce: Double { get }
  /// How far the cell's stress is from the one asked for, eV/Å³; nil for a fixed cell.
  var residual: Double? { get }
  /// Whether there is no more to gain: at the tolerances, or where the search is given up.
  var isOver: Bool { get }
  /// Whether it ended at its tolerances.
  var isConverged: Bool { get }
  /// How it ended, or stands, in a few words for the log.
  var outcome: String { get }
}

package enum MinimizerStatus: String, Sendable, Codable {
  case running, forceConverged, energyConverged
  /// Steps along the forces do not lower the energy: they are not its gradient, or noise is larger than the tolerance.
  case stalled
}

extension Minimizer {
  package var isOver: Bool { status != .running }
  package var isConverged: Bool { status == .forceConverged || status == .energyConverged }

  package var outcome: String {
    let reached =
      String(format: "largest force %.5f eV/Å", largestForce)
      + (residual.map { String(format: ", stress within %.3g bar", $0 * Units.energyPerVolumeToBar) } ?? "")
    return switch status {
    case .forceConverged: "converged (\(reached))"
    case .energyConverged: "converged in energy (\(reached))"
    case .stalled: "stalled (\(reached)): steps along the forces no longer lower the energy"
    case .running: "not converged: the steps are used up (\(reached))"
    }
  }

  func requireMobile(_ context: DynamicsContext) throws {
    guard context.counts.mobile > 0 else {
      throw FaultlineError(
        .input, "nothing to relax: all atoms are frozen or driven", hint: "leave some atoms free", isCollective: true)
    }
  }
}

extension DynamicsContext {
  /// Of the mobile atoms, eV/(Å/ps)². Collective. Counts are exact, so that it does not depend on the order of the
  /// atoms: a resumed run has the same.
  func meanMass() -> Double {
    let view = atoms.view
    var numbers = [Double](repeating: 0, count: masses.count)
    for i in 0..<view.localCount where view.groups[i] & motion.immobile == 0 { numbers[Int(view.species[i])] += 1 }
    communicator.sum(&numbers)
    let sum = numbers.indices.reduce(0) { $0 + numbers[$1] * energyMasses.pointer[$1] }
    return sum / Double(counts.mobile)
  }
}

/// A minimiser as decks name it, `minimize.method`.
package struct MinimizerEntry: Sendable {
  /// All that there are, the default first.
  package static let all: [MinimizerEntry] = [.lbfgs, .fire]

  package let name: DeckName
  private let make: @Sendable (MinimizePlan, CellCoordinates?) throws -> any Minimizer

  init(
    _ name: String, _ doc: String, make: @escaping @Sendable (MinimizePlan, CellCoordinates?) throws -> any Minimizer
  ) {
    self.name = DeckName(name, doc)
    self.make = make
  }

  /// The minimiser of a stage that starts with this cell and so many atoms.
  /// - Throws: an input error if the cell cannot be relaxed as asked.
  package static func make(
    _ plan: MinimizePlan, box: Box, atoms: Int, crack: CrackRing? = nil
  ) throws -> any Minimizer {
    guard let found = all.first(where: { $0.name.name == plan.method }) else {
      preconditionFailure("the deck's schema is made of these minimisers")
    }
    let one = { (box: Box) in try found.make(plan, try cell(plan, box: box, atoms: atoms)) }
    if let load = plan.crack, let crack {
      return try QuasiStatic(CrackIncrements(load: load, ring: crack), box: box, make: one)
    }
    if let path = plan.path, let crack {
      return try CrackPath(path, of: crack, tolerance: plan.forceTolerance, box: box, make: one)
    }
    guard let increments = plan.increments else { return try one(box) }
    try refuse(increments, of: plan, box: box)
    return try QuasiStatic(StrainIncrements(plan: increments), box: box, make: one)
  }

  /// Each component of the cell has one owner, and an open axis none.
  private static func refuse(_ increments: IncrementsPlan, of plan: MinimizePlan, box: Box) throws {
    let strained = CellComponents(basis: [CellComponents.voigt(increments.component)])
    try strained.refuseOpenAxes(
      box, wanting: "the increment of \(Voigt.names[increments.component])",
      at: increments.section.location)
    guard let name = plan.cell?.shape, let shape = CellShape(rawValue: name),
      CellComponents(shape, box: box).touches(increments.component)
    else { return }
    throw FaultlineError(
      .input,
      "`cell: \(name)` and the increments both change the component \(Voigt.names[increments.component])",
      hint: "give a `cell` that leaves it out: `in_plane`, `normal` or `fixed`", at: increments.section.location,
      isCollective: true)
  }

  private static func cell(_ plan: MinimizePlan, box: Box, atoms: Int) throws -> CellCoordinates? {
    guard let relaxed = plan.cell, let shape = CellShape(rawValue: relaxed.shape) else { return nil }
    let components = CellComponents(shape, box: box)
    try components.refuseOpenAxes(box, wanting: "`cell: \(relaxed.shape)`", at: plan.location)
    return CellCoordinates(
      components, target: StressTarget(stress: relaxed.stress, feltBy: components), tolerance: relaxed.tolerance,
      box: box, atoms: atoms)
  }
}

extension CellComponents {
  /// Throws if an open axis of the cell would have to change: there is no stress along it.
  package func refuseOpenAxes(_ box: Box, wanting what: String, at place: SourceLocation?) throws {
    guard let axis = openAxis(box) else { return }
    throw FaultlineError(
      .input, "\(what) changes the cell along \(["a", "b", "c"][axis]), where it is open",
      hint: "an open axis has no length to relax: leave it out (`cell: in_plane` for slabs), or make it periodic",
      at: place, isCollective: true)
  }
}
