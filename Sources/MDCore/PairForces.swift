import MDNumerics

/// How far a potential's forces are told pair by pair (`Want.pairForces`).
public enum PairForceCoverage: Int, Sendable, Comparable {
  /// Some are not: those of a mesh, of wave vectors, of fields, or of charges that depend on all atoms.
  case partial
  /// All are.
  case forces
  /// And of each it is told whose energy it changes.
  case energies

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// One term of the forces: E depends on d = r_j − r_i by g = ∂E/∂d, which is a force g on i and −g on j. Terms of one
/// pair may be several. Its virial −d ⊗ g is in the per-atom virials by halves, one for i and one for j.
public struct PairForce: BitwiseCopyable, Sendable {
  /// i and j, places of local atoms or ghosts.
  public var center: Int32
  public var other: Int32
  /// Whether the energy that changes is by halves that of i and of j; else it is all that of i.
  public var isShared: Bool
  /// Å, and eV/Å.
  public var vector: Vector3
  public var gradient: Vector3
}

/// Somebody who looks at forces of pairs while they are computed.
public protocol PairForceTaker: AnyObject {
  /// Forces are about to be computed anew.
  func begin(_ atoms: AtomView, _ box: Box)
  func take(_ forces: UnsafeBufferPointer<PairForce>, _ atoms: AtomView, _ box: Box)
}

/// Forces of pairs on their way from potentials to those who look at them, in portions, since there may be a thousand an
/// atom. Over all ranks each term comes once, or in parts that add up to it.
public final class PairForceStream {
  private static let portion = 4096
  private let forces = AlignedBuffer<PairForce>(capacity: portion)
  private var count = 0
  private var takers: [any PairForceTaker] = []
  private var now: (atoms: AtomView, box: Box)?
  /// By which terms are multiplied: the share of a committee's member.
  public var scale = 1.0

  init() {}

  public func hand(to taker: any PairForceTaker) { takers.append(taker) }

  /// Before the potentials compute forces that are wanted pair by pair.
  public func begin(_ atoms: AtomView, _ box: Box) {
    (count, scale, now) = (0, 1, (atoms, box))
    for taker in takers { taker.begin(atoms, box) }
  }

  /// When they have.
  public func finish() {
    flush()
    now = nil
  }

  @inline(never)
  public func add(_ center: Int, _ other: Int, isShared: Bool, _ vector: Vector3, _ gradient: Vector3) {
    if count == Self.portion { flush() }
    forces.pointer[count] = PairForce(
      center: Int32(truncatingIfNeeded: center), other: Int32(truncatingIfNeeded: other), isShared: isShared,
      vector: vector, gradient: scale * gradient)
    count += 1
  }

  private func flush() {
    guard let now, count > 0 else { return }
    let portion = UnsafeBufferPointer(start: forces.pointer, count: count)
    for taker in takers { taker.take(portion, now.atoms, now.box) }
    count = 0
  }
}

extension AtomView {
  /// Where forces of pairs go, if `want` asks for them. Not for inner loops.
  @inlinable @inline(__always)
  public func pairStream(_ want: Want) -> PairForceStream? {
    want.contains(.pairForces) ? pairForces?.takeUnretainedValue() : nil
  }
}
