import MDCore
import MDNumerics

/// A periodic solver, and the direct sum in its place where the box has open boundaries all around. Keeps the time that
/// they take.
package final class BoundarySolver: LongRangeSolver {
  private let periodic: any LongRangeSolver
  private let open: DirectSolver
  private var isOpen = false
  package private(set) var seconds = 0.0
  private var current: any LongRangeSolver { isOpen ? open : periodic }

  package init(_ periodic: any LongRangeSolver, open: DirectSolver) {
    self.periodic = periodic
    self.open = open
  }

  package var name: String { current.name }
  package var estimatedError: Double { current.estimatedError }
  package var summary: String { current.summary }
  package var volume: Double { current.volume }
  package var parameters: LongRangeParameters? {
    get { current.parameters }
    // The direct sum has no parameters to choose.
    set { periodic.parameters = newValue }
  }

  package func measuredError(
    of charges: UnsafePointer<Double>, on atoms: AtomView, _ system: LongRangeSystem
  ) throws -> Double? { try current.measuredError(of: charges, on: atoms, system) }

  package var askedError: Double { current.askedError }
  package var gap: SlabGap? { current.gap }
  package var revisions: Int { current.revisions }
  package func imageError(of charges: UnsafePointer<Double>, on atoms: AtomView) -> Double {
    current.imageError(of: charges, on: atoms)
  }

  package func fits(_ system: LongRangeSystem) -> Bool {
    system.box.periodic == .none ? open.fits(system) : periodic.fits(system)
  }

  package func prepare(_ system: LongRangeSystem) throws {
    isOpen = system.box.periodic == .none
    try timed { try current.prepare(system) }
  }

  package func potential(
    of charges: UnsafePointer<Double>, on atoms: AtomView, into potential: UnsafeMutablePointer<Double>
  ) throws {
    try timed { try current.potential(of: charges, on: atoms, into: potential) }
  }

  package func addForces(
    of charges: UnsafePointer<Double>, with other: UnsafePointer<Double>?, on atoms: AtomView, want: Want
  ) throws -> Tally {
    try timed { try current.addForces(of: charges, with: other, on: atoms, want: want) }
  }

  private func timed<Value>(_ body: () throws -> Value) rethrows -> Value {
    let start = ContinuousClock.now
    defer { seconds += (ContinuousClock.now - start) / .seconds(1) }
    return try body()
  }
}
