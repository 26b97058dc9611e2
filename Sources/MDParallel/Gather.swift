import MDCore
import MDNumerics

/// Some of the system's atoms in the order of their ids, on the rank that writes them.
package struct GatheredPiece {
  /// Places in the order of all ids, from 0.
  package let rows: Range<Int>
  /// Packed rows of each column.
  package let buffers: [UnsafeRawBufferPointer]
}

/// Brings per-atom columns to the ranks that write them, in the order of atom ids, a bounded number of atoms at a time.
package enum Gather {
  /// Pieces of `chunk` atoms go to the writers in turn, as many at a time as there are writers. `body` is called
  /// on every rank for each such round, with the rank's piece or nil; it may communicate. Ids need not be contiguous. Collective.
  ///
  /// - Throws: what `body` throws, which must do so on every rank; a collective run error if two atoms have one id.
  package static func inOrder(
    _ columns: [ColumnStorage], of atoms: AtomStore, chunk: Int = 65_536, writers: Writers = .root,
    communicator: any Communicator, _ body: (GatheredPiece?) throws -> Void
  ) throws {
    let ids = UnsafePointer(atoms.id.pointer)
    let order = ascending(ids, atoms.localCount)
    let limits = upperIDs(order, ids, chunk: chunk, communicator)
    let record = columns.reduce(8) { $0 + $1.payload }

    let mine = AlignedBuffer<UInt8>()
    let theirs = AlignedBuffer<UInt8>()
    let sorted = columns.map { _ in AlignedBuffer<UInt8>() }
    let none = [Int](repeating: 0, count: communicator.size)
    let seat = writers.ranks.firstIndex(of: communicator.rank)
    var next = 0
    var row = 0
    for first in stride(from: 0, to: limits.count, by: writers.count) {
      let pieces = limits[first..<min(first + writers.count, limits.count)]
      // This rank's part of each piece: ids first, then column after column.
      var (sends, sendOffsets) = (none, none)
      var parts: [Int] = []
      var start = next
      for limit in pieces {
        while next < order.count, ids[Int(order[next])] <= limit { next += 1 }
        parts.append(next - start)
        start = next
      }
      let total = parts.reduce(0, +)
      mine.reserve(total * record)
      start = next - total
      var offset = 0
      for (k, n) in parts.enumerated() {
        let writer = writers.rank(ofPiece: first + k)
        (sends[writer], sendOffsets[writer]) = (n * record, offset)
        order[start..<(start + n)].withUnsafeBufferPointer { part in
          atoms.id.storage.pack(part, into: mine.pointer + offset)
          var at = offset + 8 * n
          for column in columns {
            column.pack(part, into: mine.pointer + at)
            at += n * column.payload
          }
        }
        start += n
        offset += n * record
      }

      let counts = allCounts(parts, communicator)
      let rows = pieces.indices.map { k in counts[k - first].reduce(0, +) }
      let place = seat.flatMap { $0 < pieces.count ? $0 : nil }
      let receives = place.map { counts[$0].map { $0 * record } } ?? none
      var receiveOffsets = none
      for r in 1..<max(communicator.size, 1) { receiveOffsets[r] = receiveOffsets[r - 1] + receives[r - 1] }
      theirs.reserve(receives.reduce(0, +))
      communicator.allToAll(
        UnsafeRawBufferPointer(start: mine.pointer, count: total * record), counts: sends, offsets: sendOffsets,
        into: UnsafeMutableRawBufferPointer(start: theirs.pointer, count: receives.reduce(0, +)), counts: receives,
        offsets: receiveOffsets)
      try communicator.agree {
        guard let place else { return }
        for (column, buffer) in zip(columns, sorted) { buffer.reserve(rows[place] * column.payload) }
        try sort(theirs.pointer, counts[place], columns, into: sorted)
      }
      try body(
        place.map { place in
          let before = row + rows[..<place].reduce(0, +)
          return GatheredPiece(
            rows: before..<(before + rows[place]),
            buffers: zip(columns, sorted).map {
              UnsafeRawBufferPointer(start: $1.pointer, count: rows[place] * $0.payload)
            })
        })
      row += rows.reduce(0, +)
    }
  }

  /// Of each piece, how many atoms each rank has.
  private static func allCounts(_ parts: [Int], _ communicator: any Communicator) -> [[Int]] {
    let mine = parts.map { Int32($0) }
    var all = [Int32](repeating: 0, count: mine.count * communicator.size)
    mine.withUnsafeBytes { m in all.withUnsafeMutableBytes { communicator.allGather(m, into: $0) } }
    return parts.indices.map { k in (0..<communicator.size).map { Int(all[$0 * parts.count + k]) } }
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
}
