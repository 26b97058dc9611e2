import MDCore
import MDNumerics

/// Hands rows out to the ranks that own them; nobody else sees them.
package enum Deal {
  /// Each reader deals `count` rows of `record` bytes (others none). Collective.
  ///
  /// - Parameters:
  ///   - readers: the ranks that have rows.
  ///   - owner: of a row, the rank that gets it.
  ///   - pack: writes a row's `record` bytes.
  ///   - take: is given each row that came, reader after reader, in their order there.
  package static func rows(
    _ count: Int, record: Int, from readers: [Int], communicator: any Communicator, owner: (Int) -> Int,
    pack: (Int, UnsafeMutableRawPointer) -> Void, take: (UnsafeRawPointer) -> Void
  ) {
    let size = communicator.size
    let owners = (0..<count).map(owner)
    var sends = [Int](repeating: 0, count: size)
    for rank in owners { sends[rank] += record }
    let sendOffsets = offsets(sends)
    let out = AlignedBuffer<UInt8>(capacity: max(count * record, 1))
    var places = sendOffsets
    for (row, rank) in owners.enumerated() {
      pack(row, UnsafeMutableRawPointer(out.pointer + places[rank]))
      places[rank] += record
    }

    let receives = announce(sends, from: readers, communicator)
    let total = receives.reduce(0, +)
    let came = AlignedBuffer<UInt8>(capacity: max(total, 1))
    communicator.allToAll(
      UnsafeRawBufferPointer(start: out.pointer, count: count * record), counts: sends, offsets: sendOffsets,
      into: UnsafeMutableRawBufferPointer(start: came.pointer, count: total), counts: receives,
      offsets: offsets(receives))
    for place in stride(from: 0, to: total, by: record) { take(came.pointer + place) }
  }

  /// What each rank will get from each reader, bytes: a message from each reader to each rank.
  private static func announce(_ sends: [Int], from readers: [Int], _ communicator: any Communicator) -> [Int] {
    let none = [Int](repeating: 0, count: communicator.size)
    let isReader = readers.contains(communicator.rank)
    var receives = none
    for reader in readers { receives[reader] = 8 }
    let each = isReader ? none.map { _ in 8 } : none
    var all = none
    sends.withUnsafeBytes { mine in
      all.withUnsafeMutableBytes {
        communicator.allToAll(
          mine, counts: each, offsets: offsets(each), into: $0, counts: receives,
          offsets: (0..<communicator.size).map { 8 * $0 })
      }
    }
    return all
  }

  private static func offsets(_ counts: [Int]) -> [Int] {
    var offset = 0
    return counts.map { count in
      defer { offset += count }
      return offset
    }
  }
}
