import CLanes

/// Twice as many singles as an `AtomLanes` has doubles, in one register as well.
public typealias AtomSingles = clanes_of_singles

extension AtomSingles {
  /// self + a·b, rounded once.
  @inlinable @inline(__always)
  public func addingProduct(_ a: Self, _ b: Self) -> Self { singles_fma(a, b, self) }

  @inlinable @inline(__always)
  public mutating func addProduct(_ a: Self, _ b: Self) { self = singles_fma(a, b, self) }

  /// self − a·b, rounded once.
  @inlinable @inline(__always)
  public func subtractingProduct(_ a: Self, _ b: Self) -> Self { singles_fnma(a, b, self) }

  @inlinable @inline(__always)
  public func squareRoot() -> Self { singles_sqrt(self) }

  /// Doubles, rounded, as the lower and the upper half of the lanes.
  @inlinable @inline(__always)
  public init(low: AtomLanes, high: AtomLanes) { self = singles_of_halves(low, high) }

  @inlinable @inline(__always)
  public var low: AtomLanes { singles_low_half(self) }

  @inlinable @inline(__always)
  public var high: AtomLanes { singles_high_half(self) }
}

@inlinable @inline(__always)
public func reciprocal(_ x: AtomSingles) -> AtomSingles { singles_divide(AtomSingles(repeating: 1), x) }
