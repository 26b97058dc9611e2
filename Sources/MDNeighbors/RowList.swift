import MDCore
import MDNumerics

/// The storage behind a `NeighborView`.
final class RowList {
  let kind: NeighborListKind
  var starts = AlignedBuffer<Int>(capacity: 64)
  var indices = AlignedBuffer<Int32>(capacity: 1024)
  private var laneOrder = AlignedBuffer<Int32>(capacity: 64)
  private var histogram = AlignedBuffer<Int>(capacity: 256)
  private var rowCount = 0
  private(set) var longestRow = 0

  init(kind: NeighborListKind) { self.kind = kind }

  /// Before the first row.
  func begin(rows: Int) {
    rowCount = rows
    starts.reserve(rows + 1)
    laneOrder.reserve(rows)
    starts.pointer[0] = 0
  }

  /// Where row i begins, with room for `room` neighbours. Rows are written in order.
  @inline(__always)
  func row(_ i: Int, room: Int) -> UnsafeMutablePointer<Int32> {
    let done = starts.pointer[i]
    if done + room > indices.capacity { grow(done + room, done: done, row: i) }
    return indices.pointer + done
  }

  @inline(__always)
  func end(_ i: Int, _ length: Int) { starts.pointer[i + 1] = starts.pointer[i] + length }

  /// Once there are enough rows to judge by, asks for what the rest will need: memory that is never touched
  /// costs nothing, copying does.
  @inline(never)
  private func grow(_ needed: Int, done: Int, row: Int) {
    let projected = row > 1000 ? Int(1.02 * Double(needed) / Double(row) * Double(rowCount)) : 0
    // `reserve` adds a quarter of its own.
    indices.reserve(max(needed, 2 * indices.capacity, projected) * 4 / 5 + needed / 5 + 1, keeping: done)
  }

  /// After the last row: the lane order, by counting sort on row lengths.
  func finish() {
    let starts = UnsafePointer(self.starts.pointer)
    longestRow = 0
    for i in 0..<rowCount { longestRow = max(longestRow, starts[i + 1] - starts[i]) }
    histogram.reserve(longestRow + 2)
    let places = histogram.pointer
    places.update(repeating: 0, count: longestRow + 2)
    for i in 0..<rowCount { places[starts[i + 1] - starts[i] + 1] += 1 }
    for length in 0...longestRow { places[length + 1] += places[length] }
    let order = laneOrder.pointer
    for i in 0..<rowCount {
      let length = starts[i + 1] - starts[i]
      order[places[length]] = Int32(truncatingIfNeeded: i)
      places[length] += 1
    }
  }

  func view(reach: Double) -> NeighborView {
    NeighborView(
      kind: kind, rowCount: rowCount, starts: starts.pointer, indices: indices.pointer,
      laneOrder: laneOrder.pointer, reach: reach)
  }

  var pairs: Int { rowCount > 0 ? starts.pointer[rowCount] : 0 }
  var bytes: Int {
    8 * (starts.capacity + histogram.capacity) + 4 * (indices.capacity + laneOrder.capacity)
  }
}
