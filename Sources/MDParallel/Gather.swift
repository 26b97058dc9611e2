import MDCore
import MDNumerics

/// Brings per-atom columns to rank 0 in the order of atom ids, a bounded number of atoms at a time.
package enum Gather {
  /// Calls `body` on rank 0 with the packed rows (`payload` bytes each) of each column for the atoms
  /// `rows` (places in the order of ids, from 0), chunk after chunk. Ids need not be contiguous. Collective.
  ///
  /// - Throws: what `body` throws, as a collective error on every rank; a run error if two atoms have one id.
  package static func inOrder(
    _ columns: [ColumnStorage], of atoms: AtomStore, chunk: Int = 65_536, communicator: any Communicator,
    _ body: (_ rows: Range<Int>, _ buffers: [UnsafeRawBufferPointer]) throws -> Void
  ) throws {
    let ids = UnsafePointer(atoms.id.pointer)
    let order = ascending(ids, atoms.localCount)
    let limits = upperIDs(order, ids, chunk: chunk, communicator)
    let payload = columns.reduce(0) { $0 + $1.payload }

    let mine = AlignedBuffer<UInt8>()
    let theirs = AlignedBuffer<UInt8>()
    let sorted = columns.map { _ in AlignedBuffer<UInt8>() }
    var next = 0
    var row = 0
    for limit in limits {
      // This rank's part: ids first, then column after column.
      let first = next
      while next < order.count, ids[Int(order[next])] <= limit { next += 1 }
      let n = next - first
      mine.reserve(n * (8 + payload))
      order[first..<next].withUnsafeBufferPointer { part in
        atoms.id.storage.pack(part, into: mine.pointer)
        var offset = 8 * n
        for column in columns {
          column.pack(part, into: mine.pointer + offset)
          offset += n * column.payload
        }
      }
      let counts = communicator.allGather(n)
      let total = counts.reduce(0, +)
      var failure: (any Error)?
      if communicator.isRoot {
        do {
          for (column, buffer) in zip(columns, sorted) { buffer.reserve(total * column.payload) }
          theirs.reserve(counts.reduce(0) { $0 + $1 * (8 + payload) })
          collect(mine, counts, 8 + payload, into: theirs, communicator)
          try sort(theirs.pointer, counts, columns, into: sorted)
          try body(
            row..<(row + total),
            zip(columns, sorted).map { UnsafeRawBufferPointer(start: $1.pointer, count: total * $0.payload) })
        } catch { failure = error }
      } else if n > 0 {
        communicator.send(
          UnsafeRawBufferPointer(start: mine.pointer, count: n * (8 + payload)), to: 0, tag: Tag.gather)
      }
      try agree(failure, communicator)
      row += total
    }
  }

  /// The highest id of each chunk: chunks hold `chunk` atoms each, the last what remains.
  ///
  /// All limits are found together by bisection on the value of the id, counting atoms at or below it.
  private static func upperIDs(
    _ order: [Int32], _ ids: UnsafePointer<Int64>, chunk: Int, _ communicator: any Communicator
  ) -> [Int64] {
    let total = communicator.sum(order.count)
    guard total > 0 else { return [] }
    let least = communicator.minimum(order.first.map { Int(ids[Int($0)]) } ?? .max)
    let greatest = communicator.maximum(order.last.map { Int(ids[Int($0)]) } ?? .min)
    let wanted = stride(from: chunk, to: total, by: chunk).map { Int64($0) }
    if greatest - least + 1 == total { return wanted.map { Int64(least) + $0 - 1 } + [Int64(greatest)] }
    var low = wanted.map { _ in Int64(least) }
    var high = wanted.map { _ in Int64(greatest) }
    var counts = wanted
    while zip(low, high).contains(where: { $0 < $1 }) {
      let middle = zip(low, high).map { $0 + ($1 - $0) / 2 }
      for k in counts.indices { counts[k] = Int64(rank(of: middle[k], order, ids)) }
      counts.withUnsafeMutableBufferPointer { communicator.allReduce($0, .sum) }
      for k in counts.indices where low[k] < high[k] {
        if counts[k] >= wanted[k] { high[k] = middle[k] } else { low[k] = middle[k] + 1 }
      }
    }
    return low + [Int64(greatest)]
  }

  /// How many of the ordered ids are at most `value`.
  private static func rank(of value: Int64, _ order: [Int32], _ ids: UnsafePointer<Int64>) -> Int {
    var low = 0
    var high = order.count
    while low < high {
      let middle = (low + high) / 2
      if ids[Int(order[middle])] <= value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// All ranks' parts one after the other on rank 0.
  private static func collect(
    _ mine: AlignedBuffer<UInt8>, _ counts: [Int], _ record: Int, into all: AlignedBuffer<UInt8>,
    _ communicator: any Communicator
  ) {
    all.pointer.update(from: mine.pointer, count: counts[0] * record)
    var offset = counts[0] * record
    for r in 1..<max(counts.count, 1) where counts[r] > 0 {
      let bytes = counts[r] * record
      let came = communicator.receive(
        into: UnsafeMutableRawBufferPointer(start: all.pointer + offset, count: bytes), from: r,
        tag: Tag.gather)
      guard came == bytes else { fatalError("gather: \(came) bytes came instead of \(bytes)") }
      offset += bytes
    }
  }

  /// Rows of all parts in the order of their ids.
  private static func sort(
    _ parts: UnsafePointer<UInt8>, _ counts: [Int], _ columns: [ColumnStorage], into sorted: [AlignedBuffer<UInt8>]
  ) throws {
    let payload = columns.reduce(0) { $0 + $1.payload }
    let total = counts.reduce(0, +)
    let ids = AlignedBuffer<Int64>(capacity: total)
    // Where each row's part begins, and its place there.
    var rows: [(part: Int, start: Int, place: Int)] = []
    rows.reserveCapacity(total)
    var start = 0
    for (p, n) in counts.enumerated() {
      for k in 0..<n {
        ids.pointer[rows.count] = UnsafeRawPointer(parts + start).loadUnaligned(fromByteOffset: 8 * k, as: Int64.self)
        rows.append((p, start, k))
      }
      start += n * (8 + payload)
    }
    let order = ascending(ids.pointer, total)
    for (a, b) in zip(order, order.dropFirst()) where ids.pointer[Int(a)] == ids.pointer[Int(b)] {
      throw FaultlineError(.run, "two atoms have the id \(ids.pointer[Int(a)])")
    }
    var before = 8
    for (column, buffer) in zip(columns, sorted) {
      let width = column.payload
      for (k, i) in order.enumerated() {
        let row = rows[Int(i)]
        let source = parts + (row.start + counts[row.part] * before + row.place * width)
        (buffer.pointer + k * width).update(from: source, count: width)
      }
      before += width
    }
  }

  /// Places in ascending order of their ids (and of place among equals): a radix sort, 11 bits a pass, since
  /// ids are mostly dense.
  static func ascending(_ ids: UnsafePointer<Int64>, _ count: Int) -> [Int32] {
    var order = (0..<Int32(count)).map { $0 }
    guard count > 1 else { return order }
    var least = ids[0]
    var greatest = ids[0]
    for i in 1..<count {
      least = min(least, ids[i])
      greatest = max(greatest, ids[i])
    }
    // As unsigned numbers, so that any span of ids fits.
    let span = UInt64(bitPattern: greatest &- least)
    var other = order
    var places = [Int](repeating: 0, count: 2049)
    var shift: UInt64 = 0
    while shift < 64, span >> shift > 0 {
      func digit(_ i: Int32) -> Int { Int((UInt64(bitPattern: ids[Int(i)] &- least) >> shift) & 2047) }
      for k in places.indices { places[k] = 0 }
      for i in order { places[digit(i) + 1] += 1 }
      for k in 0..<2048 { places[k + 1] += places[k] }
      for i in order {
        let d = digit(i)
        other[places[d]] = i
        places[d] += 1
      }
      swap(&order, &other)
      shift += 11
    }
    return order
  }

  /// Rank 0's failure, if any, on all ranks.
  private static func agree(_ failure: (any Error)?, _ communicator: any Communicator) throws {
    guard communicator.any(failure != nil) else { return }
    let known = failure as? FaultlineError
    let text = Array((known?.message ?? failure.map { "\($0)" } ?? "").utf8)
    let message = String(decoding: communicator.broadcast(text), as: UTF8.self)
    let hint = String(decoding: communicator.broadcast(Array((known?.hint ?? "").utf8)), as: UTF8.self)
    throw FaultlineError(.run, message, hint: hint.isEmpty ? nil : hint, isCollective: true)
  }
}
