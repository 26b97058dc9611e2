import MDCore

/// A fixed set of messages among ranks: pieces of one buffer to others' buffers. What a rank has for itself is copied.
struct MessagePattern {
  /// Bytes by rank, without the own piece.
  private var sendCounts: [Int]
  private var sendOffsets: [Int]
  private var receiveCounts: [Int]
  private var receiveOffsets: [Int]
  private var own = (count: 0, from: 0, to: 0)
  private(set) var sendBytes = 0
  private(set) var receiveBytes = 0

  /// Pieces are laid out one after the other, in rank order.
  init(sendBytes send: [Int], receiveBytes receive: [Int], rank: Int) {
    func offsets(_ counts: [Int]) -> [Int] {
      var sum = 0
      return counts.map { count in
        defer { sum += count }
        return sum
      }
    }
    sendCounts = send
    receiveCounts = receive
    sendOffsets = offsets(send)
    receiveOffsets = offsets(receive)
    sendBytes = send.reduce(0, +)
    receiveBytes = receive.reduce(0, +)
    own = (send[rank], sendOffsets[rank], receiveOffsets[rank])
    sendCounts[rank] = 0
    receiveCounts[rank] = 0
  }

  /// The same the other way round.
  var reversed: MessagePattern {
    var r = self
    swap(&r.sendCounts, &r.receiveCounts)
    swap(&r.sendOffsets, &r.receiveOffsets)
    swap(&r.sendBytes, &r.receiveBytes)
    r.own = (own.count, own.to, own.from)
    return r
  }

  /// Offset of the piece for a rank, in doubles.
  func sendStart(_ rank: Int) -> Int { sendOffsets[rank] / 8 }

  /// Of the piece that a rank has for itself.
  var ownBytes: Int { own.count }

  /// Number of messages that this rank sends.
  var messages: Int { sendCounts.reduce(0) { $0 + ($1 > 0 ? 1 : 0) } }

  func run(
    _ send: UnsafeMutablePointer<Double>, into receive: UnsafeMutablePointer<Double>, _ communicator: any Communicator
  ) {
    let out = UnsafeMutableRawPointer(send)
    let into = UnsafeMutableRawPointer(receive)
    (into + own.to).copyMemory(from: out + own.from, byteCount: own.count)
    communicator.allToAll(
      UnsafeRawBufferPointer(start: out, count: sendBytes), counts: sendCounts, offsets: sendOffsets,
      into: UnsafeMutableRawBufferPointer(start: into, count: receiveBytes), counts: receiveCounts,
      offsets: receiveOffsets)
  }
}
