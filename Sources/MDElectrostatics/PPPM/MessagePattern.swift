import MDCore

/// A fixed set of messages among ranks: each rank sends pieces of its buffer to other ranks, all at once, and copies its own
/// piece. Ranks that share nothing do not appear.
struct MessagePattern {
  /// Pieces by rank, without the own one and those without bytes.
  private var sends: [Parcel]
  private var receives: [Parcel]
  private var own = (count: 0, from: 0, to: 0)
  private(set) var sendBytes = 0
  private(set) var receiveBytes = 0

  /// Pieces are laid out one after the other, in rank order.
  init(sendBytes send: [Int], receiveBytes receive: [Int], rank: Int) {
    func parcels(_ counts: [Int]) -> (others: [Parcel], own: Int, total: Int) {
      var parcels: [Parcel] = []
      var (sum, own) = (0, 0)
      for (other, count) in counts.enumerated() {
        if other == rank { own = sum } else if count > 0 { parcels.append(Parcel(rank: other, offset: sum, count: count)) }
        sum += count
      }
      return (parcels, own, sum)
    }
    let (out, into) = (parcels(send), parcels(receive))
    (sends, receives) = (out.others, into.others)
    (sendBytes, receiveBytes) = (out.total, into.total)
    own = (send[rank], out.own, into.own)
  }

  /// The same the other way round.
  var reversed: MessagePattern {
    var r = self
    swap(&r.sends, &r.receives)
    swap(&r.sendBytes, &r.receiveBytes)
    r.own = (own.count, own.to, own.from)
    return r
  }

  /// Of the piece that a rank has for itself.
  var ownBytes: Int { own.count }

  /// Number of messages that this rank sends.
  var messages: Int { sends.count }

  func run(
    _ send: UnsafeMutablePointer<Double>, into receive: UnsafeMutablePointer<Double>, _ communicator: any Communicator
  ) {
    let out = UnsafeMutableRawPointer(send)
    let into = UnsafeMutableRawPointer(receive)
    (into + own.to).copyMemory(from: out + own.from, byteCount: own.count)
    communicator.exchange(sends, from: out, receives, into: into, tag: 201)
  }
}
