import Foundation
import MDCore

/// Ranks as threads of one process: the whole parallel machinery in a unit test, without mpirun.
///
/// Sums are made in rank order. When a rank throws or aborts, the others are stopped for good at their next
/// (or present) communication, since those calls have no way to fail; `run` then throws that first error.
package final class LoopbackCommunicator: Communicator {
  package let rank: Int
  package var size: Int { hub.size }
  private let hub: LoopbackHub
  /// Calls of `split` so far.
  private var splits = 0

  /// A communicator of one rank, for serial use.
  package init() {
    rank = 0
    hub = LoopbackHub(size: 1, job: LoopbackJob())
  }

  private init(rank: Int, hub: LoopbackHub) {
    self.rank = rank
    self.hub = hub
  }

  /// Runs `body` on `ranks` threads and waits for all; throws the first error of any.
  package static func run(
    ranks: Int, _ body: @escaping @Sendable (LoopbackCommunicator) throws -> Void
  ) throws {
    let job = LoopbackJob()
    let hub = LoopbackHub(size: ranks, job: job)
    for rank in 0..<ranks {
      let thread = Thread {
        do {
          try body(LoopbackCommunicator(rank: rank, hub: hub))
          job.finish(nil)
        } catch {
          job.finish(error)
        }
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    try job.wait(for: ranks)
  }

  package func sendReceive(
    _ send: UnsafeRawBufferPointer, to destination: Int,
    into receive: UnsafeMutableRawBufferPointer, from source: Int, tag: Int
  ) -> Int {
    self.send(send, to: destination, tag: tag)
    return self.receive(into: receive, from: source, tag: tag)
  }

  package func send(_ bytes: UnsafeRawBufferPointer, to destination: Int, tag: Int) {
    hub.put(Array(bytes), in: .init(source: rank, destination: destination, tag: tag))
  }

  package func receive(into bytes: UnsafeMutableRawBufferPointer, from source: Int, tag: Int) -> Int {
    let message = hub.take(from: .init(source: source, destination: rank, tag: tag))
    precondition(
      message.count <= bytes.count,
      "rank \(source) sent \(message.count) bytes to rank \(rank), which has room for \(bytes.count)")
    bytes.copyBytes(from: message)
    return message.count
  }

  package func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ operation: ReduceOperation) {
    reduce(values, operation)
  }

  package func allReduce(_ values: UnsafeMutableBufferPointer<Int64>, _ operation: ReduceOperation) {
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

  package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    hub.meet(rank: rank, UnsafeRawBufferPointer(bytes)) { all in
      precondition(all[root].count == bytes.count, "ranks broadcast different numbers of bytes")
      if rank != root { bytes.copyMemory(from: all[root]) }
    }
  }

  package func allGather(_ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
    hub.meet(rank: rank, mine) { pieces in
      for (r, piece) in pieces.enumerated() {
        precondition(piece.count == mine.count, "ranks gather different numbers of bytes")
        UnsafeMutableRawBufferPointer(rebasing: all[(r * piece.count)..<((r + 1) * piece.count)])
          .copyMemory(from: piece)
      }
    }
  }

  package func allToAll(
    _ send: UnsafeRawBufferPointer, counts sendCounts: [Int], offsets sendOffsets: [Int],
    into receive: UnsafeMutableRawBufferPointer, counts receiveCounts: [Int], offsets receiveOffsets: [Int]
  ) {
    pairwiseAllToAll(
      send, counts: sendCounts, offsets: sendOffsets, into: receive, counts: receiveCounts,
      offsets: receiveOffsets)
  }

  package func barrier() {
    hub.meet(rank: rank, .init(start: nil, count: 0)) { _ in }
  }

  package func split(color: Int?, key: Int) -> (any Communicator)? {
    let colors = allGather(color ?? -1)
    let keys = allGather(key)
    splits += 1
    guard let color else { return nil }
    let members = (0..<size).filter { colors[$0] == color }.sorted { (keys[$0], $0) < (keys[$1], $1) }
    guard let place = members.firstIndex(of: rank) else { return nil }
    let group = hub.group(.init(split: splits, color: color), size: members.count)
    return LoopbackCommunicator(rank: place, hub: group)
  }

  package func abort(_ code: Int32) -> Never {
    hub.job.finish(FaultlineError(.run, "rank \(rank) aborted with code \(code)"))
    hub.job.park()
  }
}

/// What all threads of a run share, whatever groups they were split into: a lock, and who has ended.
private final class LoopbackJob: @unchecked Sendable {
  private let condition = NSCondition()
  private var finished = 0
  private var error: (any Error)?

  func finish(_ failure: (any Error)?) {
    locked {
      finished += 1
      if error == nil { error = failure }
      condition.broadcast()
    }
  }

  func wait(for ranks: Int) throws {
    try locked {
      while finished < ranks && error == nil { condition.wait() }
      if let error { throw error }
    }
  }

  /// Stops the calling thread for good.
  func park() -> Never {
    while true { sleep(1000) }
  }

  /// Within `locked`.
  func wait(until ready: () -> Bool) {
    while !ready() {
      if error != nil {
        condition.unlock()
        park()
      }
      condition.wait()
    }
  }

  /// Within `locked`: whoever waits looks again.
  func wakeAll() { condition.broadcast() }

  func locked<T>(_ body: () throws -> T) rethrows -> T {
    condition.lock()
    defer { condition.unlock() }
    return try body()
  }
}

/// What the threads of a communicator share: mailboxes, a meeting place for collective calls, and the groups that are
/// being made of them.
private final class LoopbackHub: @unchecked Sendable {
  struct Route: Hashable {
    var source: Int
    var destination: Int
    var tag: Int
  }

  /// A group by the call of `split` that makes it and its colour.
  struct Group: Hashable {
    var split: Int
    var color: Int
  }

  let size: Int
  let job: LoopbackJob
  private var mail: [Route: [[UInt8]]] = [:]
  private var contributions: [UnsafeRawBufferPointer]
  private var present = 0
  private var meeting = 0
  /// Groups that not all of their ranks have come for yet.
  private var groups: [Group: (hub: LoopbackHub, due: Int)] = [:]

  init(size: Int, job: LoopbackJob) {
    precondition(size > 0, "at least one rank")
    self.size = size
    self.job = job
    contributions = Array(repeating: .init(start: nil, count: 0), count: size)
  }

  func put(_ message: [UInt8], in route: Route) {
    job.locked {
      mail[route, default: []].append(message)
      job.wakeAll()
    }
  }

  func take(from route: Route) -> [UInt8] {
    job.locked {
      job.wait { !(mail[route]?.isEmpty ?? true) }
      return mail[route]!.removeFirst()
    }
  }

  /// The same for each of the group's `size` ranks; the first makes it.
  func group(_ group: Group, size: Int) -> LoopbackHub {
    job.locked {
      var entry = groups[group] ?? (LoopbackHub(size: size, job: job), size)
      entry.due -= 1
      groups[group] = entry.due > 0 ? entry : nil
      return entry.hub
    }
  }

  /// Every rank shows its bytes; `body` sees those of all ranks, in rank order; nobody leaves before all have.
  func meet(rank: Int, _ mine: UnsafeRawBufferPointer, _ body: ([UnsafeRawBufferPointer]) -> Void) {
    job.locked {
      contributions[rank] = mine
      assemble()
    }
    body(contributions)
    job.locked { assemble() }
  }

  private func assemble() {
    let number = meeting
    present += 1
    if present == size {
      present = 0
      meeting += 1
      job.wakeAll()
    } else {
      job.wait { meeting != number }
    }
  }
}
