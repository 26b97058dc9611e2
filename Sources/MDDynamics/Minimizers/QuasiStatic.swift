import Foundation
import MDCore
import MDDeck
import MDNumerics

/// A minimiser that comes to one equilibrium after another.
package protocol Incremental: Minimizer {
  /// Whether it is at one now.
  var isAtIncrement: Bool { get }
}

/// A load in steps, each of which is followed by a relaxation.
package protocol IncrementalLoad {
  /// Of the last increment.
  var count: Int { get }
  /// The state that the stage starts with: 0 is relaxed as it is; −1 is first brought to increment 0.
  var first: Int { get }
  /// "10 increments of 0.01".
  var phrase: String { get }
  /// Leads the cell and this rank's atoms from increment n − 1 to n.
  func apply(_ n: Int, _ context: DynamicsContext, box: inout Box) throws
}

/// Quasi-static loading: relaxes, loads by an increment, relaxes again, and so on.
///
/// Each increment is followed by a relaxation of its own to the stage's tolerances, of atoms and of what else of the
/// cell is relaxed. Time plays no part: the path is that of zero temperature and no rate.
package final class QuasiStatic: Incremental {
  package let name: String
  private let load: any IncrementalLoad
  private let make: (Box) throws -> any Minimizer
  private var inner: any Minimizer
  private var done: Int
  /// Whether the last step was an increment, after which a relaxation begins.
  private var begins = false
  /// Whether the relaxation at the present load has just ended.
  package private(set) var isAtIncrement = false

  private struct State: Codable {
    var done: Int
    var inner: Data
  }

  init(_ load: any IncrementalLoad, box: Box, make: @escaping (Box) throws -> any Minimizer) throws {
    self.load = load
    self.make = make
    inner = try make(box)
    done = load.first
    name = inner.name + " in " + load.phrase
  }

  package var wants: Want { inner.wants.union([.energy, .virial]) }
  package func conservesMomentum(_ context: DynamicsContext) -> Bool { true }
  package func bathEnergy(_ context: DynamicsContext) -> Double { 0 }

  package func begin(_ context: DynamicsContext, box: Box, from state: Data?) throws {
    guard let state else {
      try inner.begin(context, box: box, from: nil)
      isAtIncrement = inner.isOver && done >= 0
      return
    }
    let kept = try StateCoding.decode(State.self, kind: "increments", from: state)
    try StateCoding.require((load.first...load.count).contains(kept.done), kind: "increments", "\(kept.done) are done")
    done = kept.done
    try inner.begin(context, box: box, from: kept.inner)
  }

  package func firstHalf(_ context: DynamicsContext, box: inout Box) throws {
    guard inner.isOver || done < 0, done < load.count else { return try inner.firstHalf(context, box: &box) }
    try load.apply(done + 1, context, box: &box)
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
  package var isOver: Bool { inner.isOver && (done == load.count || (!inner.isConverged && done >= 0)) }
  package var isConverged: Bool { inner.isConverged && done == load.count }
  package var outcome: String { "\(max(done, 0)) of \(load.count) increments, the last \(inner.outcome)" }
}

/// Strains of the cell: after n increments δ of a component the gradient is F(n) = 1 + n δ L; each is applied affinely to all
/// atoms as F(n − 1)⁻¹ F(n).
struct StrainIncrements: IncrementalLoad {
  let plan: IncrementsPlan

  var count: Int { plan.count }
  var first: Int { 0 }
  var phrase: String { "\(plan.count) increments of \(plan.strain)" }

  /// F after n increments.
  private func gradient(_ n: Int) -> Matrix3 {
    .identity + (Double(n) * plan.strain) * ComponentStrain.unit(plan.component, isPure: plan.isPure)
  }

  func apply(_ n: Int, _ context: DynamicsContext, box: inout Box) throws {
    try Deformation.apply(gradient(n - 1).inverse * gradient(n), context, box: &box, blame: "the loading has")
  }
}

/// K of a crack from one value to another. All atoms go along with the field of the change, which leaves little to relax far
/// from the tip.
struct CrackIncrements: IncrementalLoad {
  let load: CrackLoad
  let ring: CrackRing

  var count: Int { load.count }
  var first: Int { -1 }
  var phrase: String { "\(load.count) increments of K " + load.phrase }

  func apply(_ n: Int, _ context: DynamicsContext, box: inout Box) throws {
    let k = load.start + Double(n) / Double(load.count) * (load.end - load.start)
    ring.set(ring.intensity(k, isOfGriffith: load.isOfGriffith), follows: load.follows, carries: true, context, box: box)
  }
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
