import MDCore
import MDNumerics

/// Puts the local atoms of a rank into an order that depends on the atoms alone, not on how they came to the
/// rank, and in which atoms near in space are near in memory: by cell along a Morton curve, by id within a cell.
package final class SpatialSort {
  private let starts = AlignedBuffer<Int32>(capacity: 64)
  private let cellOf = AlignedBuffer<Int32>(capacity: 64)
  private let order = AlignedBuffer<Int32>(capacity: 64)
  private let scratch = AlignedBuffer<UInt8>(capacity: 64)

  package init() {}

  /// Reorders the local atoms; ghosts must have been dropped.
  /// - Parameter cellSize: about half of the neighbour lists' reach, Å.
  package func sort(_ atoms: AtomStore, cellSize: Double) {
    atoms.permuteLocal(permutation(atoms, cellSize: cellSize), scratch: scratch)
  }

  /// The place each atom comes from; valid until the next call.
  package func permutation(_ atoms: AtomStore, cellSize: Double) -> UnsafePointer<Int32> {
    let n = atoms.localCount
    let positions = UnsafePointer(atoms.position.pointer)
    let grid = CellGrid(
      positions, n, size: Vector3(repeating: cellSize), minimum: .one, limit: 4 * n + 64, powersOfTwo: true)
    let curve = MortonCurve(grid.counts)
    starts.reserve(grid.cellCount + 1)
    cellOf.reserve(n)
    order.reserve(n)
    let starts = self.starts.pointer
    let cellOf = self.cellOf.pointer
    let order = self.order.pointer
    starts.update(repeating: 0, count: grid.cellCount + 1)
    for i in 0..<n {
      let c = curve.index(grid.cell(positions[i]))
      cellOf[i] = Int32(truncatingIfNeeded: c)
      starts[c + 1] += 1
    }
    for c in 0..<grid.cellCount { starts[c + 1] += starts[c] }
    for i in 0..<n {
      let c = Int(cellOf[i])
      order[Int(starts[c])] = Int32(truncatingIfNeeded: i)
      starts[c] += 1
    }
    // Now starts[c] is the end of cell c.
    let ids = UnsafePointer(atoms.id.pointer)
    var begin = 0
    for c in 0..<grid.cellCount {
      let end = Int(starts[c])
      sort(order + begin, end - begin, by: ids)
      begin = end
    }
    return UnsafePointer(order)
  }

  /// Cells hold a few atoms; only places shared by far-away cells may hold many.
  @inline(__always)
  private func sort(_ places: UnsafeMutablePointer<Int32>, _ count: Int, by ids: UnsafePointer<Int64>) {
    if count > 48 {
      var cell = UnsafeMutableBufferPointer(start: places, count: count)
      cell.sort { ids[Int($0)] < ids[Int($1)] }
      return
    }
    var k = 1
    while k < count {
      let place = places[k]
      let id = ids[Int(place)]
      var hole = k
      while hole > 0, ids[Int(places[hole - 1])] > id {
        places[hole] = places[hole - 1]
        hole -= 1
      }
      places[hole] = place
      k += 1
    }
  }
}

/// The Z-order (Morton) curve over a grid whose sides are powers of two: bits of the coordinates interleaved,
/// x lowest; a side that has run out of bits is left out.
struct MortonCurve {
  private let mask: SIMD3<Int>
  private let bits: SIMD3<Int>

  init(_ counts: SIMD3<Int>) {
    mask = counts &- 1
    bits = SIMD3(
      counts.x.trailingZeroBitCount, counts.y.trailingZeroBitCount, counts.z.trailingZeroBitCount)
  }

  func index(_ cell: SIMD3<Int>) -> Int {
    let c = cell & mask
    var out = 0
    var at = 0
    for level in 0..<bits.max() {
      for k in 0..<3 where level < bits[k] {
        out |= ((c[k] >> level) & 1) << at
        at += 1
      }
    }
    return out
  }
}
