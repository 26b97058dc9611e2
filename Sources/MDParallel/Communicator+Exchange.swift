import MDCore

extension Communicator {
  /// `sendReceive` with either side left out where there is no neighbour.
  @inline(__always)
  func exchange(
    _ send: UnsafeRawBufferPointer, to destination: Int?,
    into receive: UnsafeMutableRawBufferPointer, from source: Int?, tag: Int
  ) -> Int {
    switch (destination, source) {
    case (let d?, let s?): return sendReceive(send, to: d, into: receive, from: s, tag: tag)
    case (let d?, nil):
      self.send(send, to: d, tag: tag)
      return 0
    case (nil, let s?): return self.receive(into: receive, from: s, tag: tag)
    case (nil, nil): return 0
    }
  }

  /// One integer to a neighbour and one from another; 0 where nobody sends.
  func exchange(_ value: Int, to destination: Int?, from source: Int?, tag: Int) -> Int {
    var mine = Int64(value)
    var theirs: Int64 = 0
    _ = withUnsafeBytes(of: &mine) { m in
      withUnsafeMutableBytes(of: &theirs) { exchange(m, to: destination, into: $0, from: source, tag: tag) }
    }
    return Int(theirs)
  }

  /// All-to-all in `size` rounds: in round k a rank sends to rank + k and receives from rank − k.
  /// Empty messages are left out, so sparse patterns cost only what they send.
  func pairwiseAllToAll(
    _ send: UnsafeRawBufferPointer, counts sendCounts: [Int], offsets sendOffsets: [Int],
    into receive: UnsafeMutableRawBufferPointer, counts receiveCounts: [Int], offsets receiveOffsets: [Int]
  ) {
    for k in 0..<size {
      let d = (rank + k) % size
      let s = (rank - k + size) % size
      let out = UnsafeRawBufferPointer(rebasing: send[sendOffsets[d]..<(sendOffsets[d] + sendCounts[d])])
      let room = UnsafeMutableRawBufferPointer(
        rebasing: receive[receiveOffsets[s]..<(receiveOffsets[s] + receiveCounts[s])])
      let came = exchange(
        out, to: out.isEmpty ? nil : d, into: room, from: room.isEmpty ? nil : s, tag: Tag.allToAll)
      guard came == room.count else {
        fatalError("allToAll: rank \(s) sent \(came) bytes instead of \(room.count)")
      }
    }
  }
}

/// Message tags of this module. Messages between two ranks with one tag keep their order.
enum Tag {
  static let allToAll = 101
  static let migrate = 102
  static let border = 103
  static let forward = 104
  static let reverse = 105
  static let gather = 106
}
