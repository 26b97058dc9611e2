import MDCore
import MDNumerics

/// Standard deviations of what the members of a committee say of each atom.
///
/// They are sums of differences from the first member that is added, dₘ = xₘ − x₀: σ² = Σₘ |dₘ|²/M − |Σₘ dₘ/M|², which
/// keeps its digits where the members nearly agree.
final class CommitteeSpread {
  private let size: Int
  private var added = 0
  private let first = AlignedBuffer<Sample>()
  private let sums = AlignedBuffer<Sample>()
  private let squares = AlignedBuffer<Sample>()
  /// The largest deviation of a force on this rank, eV/Å, and of a charge, e.
  private(set) var largestForce = 0.0
  private(set) var largestCharge = 0.0

  /// Force, energy and charge of an atom by one member.
  private typealias Sample = SIMD8<Double>

  init(_ size: Int) { self.size = size }

  func begin(_ n: Int) {
    added = 0
    for buffer in [first, sums, squares] { buffer.reserve(max(n, 1)) }
  }

  func add(
    _ n: Int, _ forces: UnsafePointer<Vector3>, energies: UnsafePointer<Double>, charges: UnsafePointer<Double>? = nil
  ) {
    let (first, sums, squares) = (first.pointer, sums.pointer, squares.pointer)
    for i in 0..<n {
      let f = forces[i]
      let sample = Sample(f.x, f.y, f.z, energies[i], charges?[i] ?? 0, 0, 0, 0)
      if added == 0 {
        first[i] = sample
        sums[i] = .zero
        squares[i] = .zero
      } else {
        let d = sample - first[i]
        sums[i] += d
        squares[i] += d * d
      }
    }
    added += 1
  }

  /// The deviations of each atom.
  func finish(
    _ n: Int, force: UnsafeMutablePointer<Double>, energy: UnsafeMutablePointer<Double>,
    charge: UnsafeMutablePointer<Double>? = nil
  ) {
    let share = 1 / Double(size)
    (largestForce, largestCharge) = (0, 0)
    for i in 0..<n {
      let mean = sums.pointer[i] * share
      let variance = squares.pointer[i] * share - mean * mean
      force[i] = Self.root(variance[0] + variance[1] + variance[2])
      energy[i] = Self.root(variance[3])
      charge?[i] = Self.root(variance[4])
      Self.raise(&largestForce, to: force[i])
      if let charge { Self.raise(&largestCharge, to: charge[i]) }
    }
  }

  /// A deviation that is not a number must show.
  private static func raise(_ largest: inout Double, to value: Double) {
    if !(value <= largest) { largest = value.isNaN ? .infinity : value }
  }

  /// Of a variance that rounding may have brought below 0. One that is not a number (of numbers whose squares are too
  /// large) must stay that: of the two `max` then gives the first.
  private static func root(_ variance: Double) -> Double { max(variance, 0).squareRoot() }

  /// Deviation of the total energy from the members' totals, eV an atom.
  static func energyDeviation(_ totals: ArraySlice<Double>, atoms: Int) -> Double {
    guard let first = totals.first else { return 0 }
    let differences = totals.map { $0 - first }
    let mean = differences.reduce(0, +) / Double(totals.count)
    let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(totals.count)
    return variance.squareRoot() / Double(max(atoms, 1))
  }
}
