import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Quasi-static loading: relaxes, strains the cell by an increment, relaxes again, and so on.
///
/// After n increments δ of a component the gradient is F(n) = 1 + n δ L; each is applied affinely to all atoms as
/// F(n − 1)⁻¹ F(n) and followed by a relaxation of its own to the stage's tolerances, of atoms and of what else of the
/// cell is relaxed. Time plays no part: the path is that of zero temperature and no rate.
package final class QuasiStatic: Minimizer {
  package let name: String
  private let plan: IncrementsPlan
  private let make: (Box) throws -> any Minimizer
  private var inner: any Minimizer
  private var done = 0
  /// Whether the last step was an increment, after which a relaxation begins.
  private var begins = false
  /// Whether the relaxation at the present strain has just ended.
  package private(set) var isAtIncrement = false

  private struct State: Codable {
    var done: Int
    var inner: Data
  }

  init(_ plan: IncrementsPlan, box: Box, make: @escaping (Box) throws -> any Minimizer) throws {
    self.plan = plan
    self.make = make
    inner = try make(box)
    name = inner.name + " in \(plan.count) increments of \(plan.strain)"
  }

  package var wants: Want { inner.wants.union([.energy, .virial]) }
  package func conservesMomentum(_ context: DynamicsContext) -> Bool { true }
  package func bathEnergy(_ context: DynamicsContext) -> Double { 0 }

  /// F after n increments.
  private func gradient(_ n: Int) -> Matrix3 {
    .identity + (Double(n) * plan.strain) * ComponentStrain.unit(plan.component, isPure: plan.isPure)
  }

  package func begin(_ context: DynamicsContext, box: Box, from state: Data?) throws {
    guard let state else {
      try inner.begin(context, box: box, from: nil)
      isAtIncrement = inner.isOver
      return
    }
    let kept = try StateCoding.decode(State.self, kind: "increments", from: state)
    try StateCoding.require((0...plan.count).contains(kept.done), kind: "increments", "\(kept.done) are done")
    done = kept.done
    try inner.begin(context, box: box, from: kept.inner)
  }

  package func firstHalf(_ context: DynamicsContext, box: inout Box) throws {
    guard inner.isOver, done < plan.count else { return try inner.firstHalf(context, box: &box) }
    let step = gradient(done).inverse * gradient(done + 1)
    try Deformation.apply(step, context, box: &box, blame: "the loading has")
    done += 1
    begins = true
  }

  package func secondHalf(_ context: DynamicsContext, box: inout Box) throws {
    if begins {
      begins = false
      inner = try make(box)
      try inner.begin(context, box: box, from: nil)
    } else {
      try inner.secondHalf(context, box: &box)
    }
    isAtIncrement = inner.isOver
  }

  package func finish(_ context: DynamicsContext) throws { try inner.finish(context) }

  package func state(_ context: DynamicsContext) throws -> Data {
    try StateCoding.encode(State(done: done, inner: inner.state(context)), kind: "increments")
  }

  package var status: MinimizerStatus { inner.status }
  package var largestForce: Double { inner.largestForce }
  package var residual: Double? { inner.residual }
  package var isOver: Bool { inner.isOver && (done == plan.count || !inner.isConverged) }
  package var isConverged: Bool { inner.isConverged && done == plan.count }
  package var outcome: String { "\(done) of \(plan.count) increments, the last \(inner.outcome)" }
}

/// Strains of one component.
package enum ComponentStrain {
  /// L of component k in Voigt's order: points move along the first axis in proportion to the second; along both alike if
  /// the shear is pure.
  package static func unit(_ k: Int, isPure: Bool) -> Matrix3 {
    let (i, j) = Voigt.axes(k)
    var one = Matrix3.zero
    if i == j {
      one[i][i] = 1
    } else if isPure {
      one[i][j] = 0.5
      one[j][i] = 0.5
    } else {
      one[j][i] = 1
    }
    return one
  }
}
