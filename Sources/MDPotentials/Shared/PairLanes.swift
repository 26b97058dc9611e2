import MDCore
import MDNumerics

/// Numbers of the pairs of a block of atoms, in doubles or in singles, for kernels that are written once for both.
///
/// Doubles are those of one slot (`NeighborSlots`), a lane an atom. Singles are those of two slots in a row, a half of
/// the lanes each, so that blocks and all that is kept of atoms are the same for both. Vectors r_j − r_i are differences
/// of doubles before they are rounded.
///
/// Only what is one instruction, never what the standard library does lane by lane.
protocol PairLanes: BitwiseCopyable {
  associatedtype Scalar: BinaryFloatingPoint & BitwiseCopyable
  static var zero: Self { get }
  init(repeating: Scalar)
  // Not as operators: of those the compiler would have to think wherever doubles are multiplied, and it gives up.
  func plus(_ b: Self) -> Self
  func minus(_ b: Self) -> Self
  func times(_ b: Self) -> Self
  /// self + a·b and self − a·b, rounded once.
  func addingProduct(_ a: Self, _ b: Self) -> Self
  mutating func addProduct(_ a: Self, _ b: Self)
  func subtractingProduct(_ a: Self, _ b: Self) -> Self
  func squareRoot() -> Self
  func reciprocal() -> Self
  /// The lesser of self and a limit.
  func limited(to limit: Self) -> Self

  /// How many slots the lanes hold: slots k · slotsAbreast and those after it are vector k.
  static var slotsAbreast: Int { get }
  /// The same numbers of the atoms for all slots.
  init(ofAtoms: AtomLanes)
  /// The sum over the slots for each atom.
  var sumOfSlots: AtomLanes { get }
  /// r_j − r_i of vector k, Å.
  static func load(_ slots: UnsafePointer<NeighborSlots.Slot>, _ k: Int) -> (x: Self, y: Self, z: Self)
  /// Components of vector k, to three numbers of each slot.
  static func store(_ x: Self, _ y: Self, _ z: Self, _ out: UnsafeMutablePointer<AtomLanes>, _ k: Int)
}

extension AtomLanes: PairLanes {
  @inline(__always)
  func plus(_ b: Self) -> Self { self + b }
  @inline(__always)
  func minus(_ b: Self) -> Self { self - b }
  @inline(__always)
  func times(_ b: Self) -> Self { self * b }
  @inline(__always)
  func reciprocal() -> Self { MDNumerics.reciprocal(self) }
  @inline(__always)
  func limited(to limit: Self) -> Self { replacing(with: limit, where: self .> limit) }

  @inline(__always)
  static var slotsAbreast: Int { 1 }
  @inline(__always)
  init(ofAtoms values: AtomLanes) { self = values }
  @inline(__always)
  var sumOfSlots: AtomLanes { self }
  @inline(__always)
  static func load(_ slots: UnsafePointer<NeighborSlots.Slot>, _ k: Int) -> (x: Self, y: Self, z: Self) {
    (slots[k].x, slots[k].y, slots[k].z)
  }
  @inline(__always)
  static func store(_ x: Self, _ y: Self, _ z: Self, _ out: UnsafeMutablePointer<AtomLanes>, _ k: Int) {
    let own = out + 3 &* k
    own[0] = x
    own[1] = y
    own[2] = z
  }
}

extension AtomSingles: PairLanes {
  @inline(__always)
  func plus(_ b: Self) -> Self { self + b }
  @inline(__always)
  func minus(_ b: Self) -> Self { self - b }
  @inline(__always)
  func times(_ b: Self) -> Self { self * b }
  @inline(__always)
  func reciprocal() -> Self { MDNumerics.reciprocal(self) }
  @inline(__always)
  func limited(to limit: Self) -> Self { replacing(with: limit, where: self .> limit) }

  @inline(__always)
  static var slotsAbreast: Int { 2 }
  @inline(__always)
  init(ofAtoms values: AtomLanes) { self.init(low: values, high: values) }
  @inline(__always)
  var sumOfSlots: AtomLanes { low + high }
  @inline(__always)
  static func load(_ slots: UnsafePointer<NeighborSlots.Slot>, _ k: Int) -> (x: Self, y: Self, z: Self) {
    let two = slots + 2 &* k
    return (Self(low: two[0].x, high: two[1].x), Self(low: two[0].y, high: two[1].y), Self(low: two[0].z, high: two[1].z))
  }
  @inline(__always)
  static func store(_ x: Self, _ y: Self, _ z: Self, _ out: UnsafeMutablePointer<AtomLanes>, _ k: Int) {
    AtomLanes.store(x.low, y.low, z.low, out, 2 &* k)
    AtomLanes.store(x.high, y.high, z.high, out, 2 &* k &+ 1)
  }
}
