/// Which pairs a list holds.
public enum NeighborListKind: Sendable, Hashable {
  /// Row i (a local atom) holds every neighbour, local or ghost.
  case full
  /// Every pair stands once over all ranks and images: forces on ghosts are written and sent back.
  case half
}

/// A neighbour list in compressed rows: the neighbours of local atom i are
/// `indices[starts[i] ..< starts[i + 1]]`, places in the atom columns. Ghosts carry images,
/// so a pair's vector is positions[j] − positions[i]. Pairs up to `reach` (cutoff and skin) are listed.
@frozen
public struct NeighborView {
  public let kind: NeighborListKind
  public let rowCount: Int
  public let starts: UnsafePointer<Int>
  public let indices: UnsafePointer<Int32>
  /// The local atoms ordered by their number of neighbours (and by place among equals), so that four in a row
  /// have nearly as many: what kernels with one atom a SIMD lane go through.
  public let laneOrder: UnsafePointer<Int32>
  /// Å.
  public let reach: Double

  @inlinable
  public init(
    kind: NeighborListKind, rowCount: Int, starts: UnsafePointer<Int>, indices: UnsafePointer<Int32>,
    laneOrder: UnsafePointer<Int32>, reach: Double
  ) {
    self.kind = kind
    self.rowCount = rowCount
    self.starts = starts
    self.indices = indices
    self.laneOrder = laneOrder
    self.reach = reach
  }

  /// Number of stored pairs.
  @inlinable public var pairCount: Int { starts[rowCount] }
}
