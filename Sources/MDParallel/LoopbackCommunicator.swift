import Foundation
import MDCore

/// Ranks as threads of one process: the whole parallel machinery in a unit test, without mpirun.
///
/// Sums are made in rank order. When a rank throws or aborts, the others are stopped for good at their next
/// (or present) communication, since those calls have no way to fail; `run` then throws that first error.
public final class LoopbackCommunicator: Communicator {
  public let rank: Int
  public var size: Int { hub.size }
  private let hub: LoopbackHub

  /// A communicator of one rank, for serial use.
  public init() {
    rank = 0
    hub = LoopbackHub(size: 1)
  }

  private init(rank: Int, hub: LoopbackHub) {
    self.rank = rank
    self.hub = hub
  }

  /// Runs `body` on `ranks` threads and waits for all; throws the first error of any.
  public static func run(
    ranks: Int, _ body: @escaping @Sendable (LoopbackCommunicator) throws -> Void
  ) throws {
    let hub = LoopbackHub(size: ranks)
    for rank in 0..<ranks {
      let thread = Thread {
        do {
          try body(LoopbackCommunicator(rank: rank, hub: hub))
          hub.finish(nil)
        } catch {
          hub.finish(error)
        }
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    try hub.waitForAll()
  }

  public func sendReceive(
    _ send: UnsafeRawBufferPointer, to destination: Int,
    into receive: UnsafeMutableRawBufferPointer, from source: Int, tag: Int
  ) -> Int {
    self.send(send, to: destination, tag: tag)
    return self.receive(into: receive, from: source, tag: tag)
  }

  public func send(_ bytes: UnsafeRawBufferPointer, to destination: Int, tag: Int) {
    hub.put(Array(bytes), in: .init(source: rank, destination: destination, tag: tag))
  }

  public func receive(into bytes: UnsafeMutableRawBufferPointer, from source: Int, tag: Int) -> Int {
    let message = hub.take(from: .init(source: source, destination: rank, tag: tag))
    precondition(
      message.count <= bytes.count,
      "rank \(source) sent \(message.count) bytes to rank \(rank), which has room for \(bytes.count)")
    bytes.copyBytes(from: message)
    return message.count
  }

  public func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ operation: ReduceOperation) {
    reduce(values, operation)
  }

  public func allReduce(_ values: UnsafeMutableBufferPointer<Int64>, _ operation: ReduceOperation) {
    reduce(values, operation)
  }

  private func reduce<T: Numeric & Comparable>(
    _ values: UnsafeMutableBufferPointer<T>, _ operation: ReduceOperation
  ) {
    let mine = UnsafeRawBufferPointer(values)
    var result: [T] = []
    hub.meet(rank: rank, mine) { all in
      precondition(all.allSatisfy { $0.count == mine.count }, "ranks reduce different numbers of values")
      result = Array(all[0].bindMemory(to: T.self))
      for other in all.dropFirst() {
        for (k, value) in other.bindMemory(to: T.self).enumerated() {
          switch operation {
          case .sum: result[k] += value
          case .minimum: result[k] = min(result[k], value)
          case .maximum: result[k] = max(result[k], value)
          }
        }
      }
    }
    _ = values.update(from: result)
  }

  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    hub.meet(rank: rank, UnsafeRawBufferPointer(bytes)) { all in
      precondition(all[root].count == bytes.count, "ranks broadcast different numbers of bytes")
      if rank != root { bytes.copyMemory(from: all[root]) }
    }
  }

  public func allGather(_ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
    hub.meet(rank: rank, mine) { pieces in
      for (r, piece) in pieces.enumerated() {
        precondition(piece.count == mine.count, "ranks gather different numbers of bytes")
        UnsafeMutableRawBufferPointer(rebasing: all[(r * piece.count)..<((r + 1) * piece.count)])
          .copyMemory(from: piece)
      }
    }
  }

  public func allToAll(
    _ send: UnsafeRawBufferPointer, counts sendCounts: [Int], offsets sendOffsets: [Int],
    into receive: UnsafeMutableRawBufferPointer, counts receiveCounts: [Int], offsets receiveOffsets: [Int]
  ) {
    pairwiseAllToAll(
      send, counts: sendCounts, offsets: sendOffsets, into: receive, counts: receiveCounts,
      offsets: receiveOffsets)
  }

  public func barrier() {
    hub.meet(rank: rank, .init(start: nil, count: 0)) { _ in }
  }

  public func abort(_ code: Int32) -> Never {
    hub.finish(FaultlineError(.run, "rank \(rank) aborted with code \(code)"))
    hub.park()
  }
}

/// What the threads share: mailboxes, a meeting place for collective calls, and who has ended.
private final class LoopbackHub: @unchecked Sendable {
  struct Route: Hashable {
    var source: Int
    var destination: Int
    var tag: Int
  }

  let size: Int
  private let condition = NSCondition()
  private var mail: [Route: [[UInt8]]] = [:]
  private var contributions: [UnsafeRawBufferPointer]
  private var present = 0
  private var meeting = 0
  private var finished = 0
  private var error: (any Error)?

  init(size: Int) {
    precondition(size > 0, "at least one rank")
    self.size = size
    contributions = Array(repeating: .init(start: nil, count: 0), count: size)
  }

  func put(_ message: [UInt8], in route: Route) {
    locked {
      mail[route, default: []].append(message)
      condition.broadcast()
    }
  }

  func take(from route: Route) -> [UInt8] {
    locked {
      wait { !(mail[route]?.isEmpty ?? true) }
      return mail[route]!.removeFirst()
    }
  }

  /// Every rank shows its bytes; `body` sees those of all ranks, in rank order; nobody leaves before all have.
  func meet(rank: Int, _ mine: UnsafeRawBufferPointer, _ body: ([UnsafeRawBufferPointer]) -> Void) {
    locked {
      contributions[rank] = mine
      assemble()
    }
    body(contributions)
    locked { assemble() }
  }

  private func assemble() {
    let number = meeting
    present += 1
    if present == size {
      present = 0
      meeting += 1
      condition.broadcast()
    } else {
      wait { meeting != number }
    }
  }

  func finish(_ failure: (any Error)?) {
    locked {
      finished += 1
      if error == nil { error = failure }
      condition.broadcast()
    }
  }

  func waitForAll() throws {
    try locked {
      while finished < size && error == nil { condition.wait() }
      if let error { throw error }
    }
  }

  /// Stops the calling thread for good.
  func park() -> Never {
    while true { sleep(1000) }
  }

  private func wait(until ready: () -> Bool) {
    while !ready() {
      if error != nil {
        condition.unlock()
        park()
      }
      condition.wait()
    }
  }

  private func locked<T>(_ body: () throws -> T) rethrows -> T {
    condition.lock()
    defer { condition.unlock() }
    return try body()
  }
}
