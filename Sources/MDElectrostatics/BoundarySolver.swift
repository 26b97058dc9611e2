import MDCore
import MDNumerics

/// A periodic solver, and the direct sum in its place where the box has open boundaries all around. Keeps the time that
/// they take.
public final class BoundarySolver: LongRangeSolver {
  private let periodic: any LongRangeSolver
  private let open: DirectSolver
  private var isOpen = false
  public private(set) var seconds = 0.0
  private var current: any LongRangeSolver { isOpen ? open : periodic }

  public init(_ periodic: any LongRangeSolver, open: DirectSolver) {
    self.periodic = periodic
    self.open = open
  }

  public var name: String { current.name }
  public var estimatedError: Double { current.estimatedError }
  public var summary: String { current.summary }
  public var volume: Double { current.volume }
  public var parameters: LongRangeParameters? {
    get { current.parameters }
    // The direct sum chooses nothing.
    set { periodic.parameters = newValue }
  }

  public func measuredError(
    of charges: UnsafePointer<Double>, on atoms: AtomView, _ system: LongRangeSystem
  ) throws -> Double? { try current.measuredError(of: charges, on: atoms, system) }

  public var askedError: Double { current.askedError }
  public var gap: SlabGap? { current.gap }
  public var revisions: Int { current.revisions }
  public func imageError(of charges: UnsafePointer<Double>, on atoms: AtomView) -> Double {
    current.imageError(of: charges, on: atoms)
  }

  public func fits(_ system: LongRangeSystem) -> Bool {
    system.box.periodic == .none ? open.fits(system) : periodic.fits(system)
  }

  public func prepare(_ system: LongRangeSystem) throws {
    isOpen = system.box.periodic == .none
    try timed { try current.prepare(system) }
  }

  public func potential(
    of charges: UnsafePointer<Double>, on atoms: AtomView, into potential: UnsafeMutablePointer<Double>
  ) throws {
    try timed { try current.potential(of: charges, on: atoms, into: potential) }
  }

  public func addForces(
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
