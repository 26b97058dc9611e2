import MDCore
import MDParallel

/// A rank of `LoopbackCommunicator` that counts what it sends.
final class CountingCommunicator: Communicator {
  /// Messages to other ranks and their bytes, and how many sums over all ranks.
  struct Traffic: Equatable, Sendable {
    var messages = 0
    var bytes = 0
    var reductions = 0
  }

  private let base: LoopbackCommunicator
  private(set) var traffic = Traffic()

  init(_ base: LoopbackCommunicator) { self.base = base }

  var rank: Int { base.rank }
  var size: Int { base.size }

  func reset() { traffic = Traffic() }

  private func count(_ bytes: Int, to destination: Int) {
    guard destination != rank else { return }
    traffic.messages += 1
    traffic.bytes += bytes
  }

  func sendReceive(
    _ send: UnsafeRawBufferPointer, to destination: Int,
    into receive: UnsafeMutableRawBufferPointer, from source: Int, tag: Int
  ) -> Int {
    count(send.count, to: destination)
    return base.sendReceive(send, to: destination, into: receive, from: source, tag: tag)
  }

  func send(_ bytes: UnsafeRawBufferPointer, to destination: Int, tag: Int) {
    count(bytes.count, to: destination)
    base.send(bytes, to: destination, tag: tag)
  }

  func receive(into bytes: UnsafeMutableRawBufferPointer, from source: Int, tag: Int) -> Int {
    base.receive(into: bytes, from: source, tag: tag)
  }

  func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ operation: ReduceOperation) {
    traffic.reductions += 1
    base.allReduce(values, operation)
  }

  func allReduce(_ values: UnsafeMutableBufferPointer<Int64>, _ operation: ReduceOperation) {
    traffic.reductions += 1
    base.allReduce(values, operation)
  }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) { base.broadcast(bytes, from: root) }

  func allGather(_ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
    base.allGather(mine, into: all)
  }

  /// Pieces without bytes are not sent.
  func allToAll(
    _ send: UnsafeRawBufferPointer, counts sendCounts: [Int], offsets sendOffsets: [Int],
    into receive: UnsafeMutableRawBufferPointer, counts receiveCounts: [Int], offsets receiveOffsets: [Int]
  ) {
    for (destination, bytes) in sendCounts.enumerated() where bytes > 0 { count(bytes, to: destination) }
    base.allToAll(
      send, counts: sendCounts, offsets: sendOffsets, into: receive, counts: receiveCounts, offsets: receiveOffsets)
  }

  func barrier() { base.barrier() }
  /// Groups are not counted.
  func split(color: Int?, key: Int) -> (any Communicator)? { base.split(color: color, key: key) }
  func abort(_ code: Int32) -> Never { base.abort(code) }
}
