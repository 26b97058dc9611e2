import MDCore

/// A rank of another communicator that counts what it sends.
public final class CountingCommunicator: Communicator {
  /// Messages to other ranks and their bytes, and how many sums over all ranks.
  public struct Traffic: Equatable, Sendable {
    public var messages = 0
    public var bytes = 0
    public var reductions = 0

    public init() {}
  }

  private let base: any Communicator
  public private(set) var traffic = Traffic()

  public init(_ base: any Communicator) { self.base = base }

  public var rank: Int { base.rank }
  public var size: Int { base.size }

  public func reset() { traffic = Traffic() }

  private func count(_ bytes: Int, to destination: Int) {
    guard destination != rank else { return }
    traffic.messages += 1
    traffic.bytes += bytes
  }

  public func sendReceive(
    _ send: UnsafeRawBufferPointer, to destination: Int,
    into receive: UnsafeMutableRawBufferPointer, from source: Int, tag: Int
  ) -> Int {
    count(send.count, to: destination)
    return base.sendReceive(send, to: destination, into: receive, from: source, tag: tag)
  }

  public func send(_ bytes: UnsafeRawBufferPointer, to destination: Int, tag: Int) {
    count(bytes.count, to: destination)
    base.send(bytes, to: destination, tag: tag)
  }

  public func receive(into bytes: UnsafeMutableRawBufferPointer, from source: Int, tag: Int) -> Int {
    base.receive(into: bytes, from: source, tag: tag)
  }

  public func exchange(
    _ sends: [Parcel], from outgoing: UnsafeRawPointer, _ receives: [Parcel], into incoming: UnsafeMutableRawPointer, tag: Int
  ) {
    for parcel in sends { count(parcel.count, to: parcel.rank) }
    base.exchange(sends, from: outgoing, receives, into: incoming, tag: tag)
  }

  public func isWaiting(from source: Int, tag: Int) -> Bool { base.isWaiting(from: source, tag: tag) }

  public func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ operation: ReduceOperation) {
    traffic.reductions += 1
    base.allReduce(values, operation)
  }

  public func allReduce(_ values: UnsafeMutableBufferPointer<Int64>, _ operation: ReduceOperation) {
    traffic.reductions += 1
    base.allReduce(values, operation)
  }

  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) { base.broadcast(bytes, from: root) }

  public func allGather(_ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
    base.allGather(mine, into: all)
  }

  /// Pieces without bytes are not sent.
  public func allToAll(
    _ send: UnsafeRawBufferPointer, counts sendCounts: [Int], offsets sendOffsets: [Int],
    into receive: UnsafeMutableRawBufferPointer, counts receiveCounts: [Int], offsets receiveOffsets: [Int]
  ) {
    for (destination, bytes) in sendCounts.enumerated() where bytes > 0 { count(bytes, to: destination) }
    base.allToAll(
      send, counts: sendCounts, offsets: sendOffsets, into: receive, counts: receiveCounts, offsets: receiveOffsets)
  }

  public func barrier() { base.barrier() }
  /// Groups are not counted.
  public func split(color: Int?, key: Int) -> (any Communicator)? { base.split(color: color, key: key) }
  public func abort(_ code: Int32) -> Never { base.abort(code) }
}
