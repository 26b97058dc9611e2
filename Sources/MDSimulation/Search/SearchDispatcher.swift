import Foundation
import MDCore
import MDIO
import MDParallel

/// Hands trials to groups of ranks as they become free. Rank 0 keeps the table and works in a group of its own: it looks for
/// messages after each step of its own trials.
///
///     root of a group → rank 0: the trial that it has done, nothing the first time
///     rank 0 → root of a group: what to do next, or that all is done
///
/// Groups never talk to one another, so that an error in one is nobody else's.
final class SearchDispatcher {
  /// What the ranks do.
  struct Work {
    /// Makes a trial; called by all ranks of a group.
    var run: (TrialOrder, _ each: () throws -> Void) throws -> Trial
    /// On rank 0: the next trial, or why there is none.
    var next: () throws -> SearchCampaign.Next
    /// On rank 0: a trial has ended.
    var take: (Trial) throws -> Void
    /// On rank 0, from time to time: whether no more trials are to begin.
    var isHalted: () -> Bool
    /// Of this start of the program, as `PhaseTimers.now()` counts: trials that still run then are given up.
    var deadline: Double?
  }

  /// The number of no signal: the deadline is over.
  static let late: Int32 = 1000

  /// Trouble of rank 0's own work, which is no trial's.
  private struct Broken: Error {
    let reason: any Error
  }

  private enum Order: Codable {
    case trial(TrialOrder)
    case end
  }

  private static let tag = 301

  let world: any Communicator
  let group: any Communicator
  /// Ranks of the world that are the first of a group, without rank 0.
  private let roots: [Int]
  private let work: Work
  /// What this rank has spent on trials, s.
  private(set) var working = 0.0

  /// The group of this rank, of `ranks` each. Collective.
  /// - Throws: an input error if the ranks cannot be divided so.
  static func group(of world: any Communicator, ranks: Int) throws -> any Communicator {
    guard world.size % ranks == 0 else {
      throw FaultlineError(
        .input, "\(RunLog.counted(world.size, "rank")) cannot be divided into groups of \(ranks)",
        hint: "start a multiple of `search.ranks_per_trial`, or change it", isCollective: true)
    }
    guard let group = world.split(color: world.rank / ranks, key: world.rank) else { preconditionFailure("every rank has a colour") }
    return group
  }

  init(world: any Communicator, group: any Communicator, work: Work) {
    self.world = world
    self.group = group
    self.work = work
    roots = stride(from: group.size, to: world.size, by: group.size).map { $0 }
  }

  /// Works until all is done, on every rank. Returns whether a signal ended it.
  func run() throws -> Int32 {
    guard world.rank == 0 else { return try follow() }
    do { return try lead() } catch {
      let reason = (error as? Broken)?.reason ?? error
      guard var failure = reason as? FaultlineError, world.size > 1 else { throw reason }
      // The others wait for orders: they are not told, the job ends.
      failure.isCollective = false
      throw failure
    }
  }

  // MARK: Groups

  /// Every ten steps the ranks of a group agree on whether a signal came.
  private func watch(_ also: @escaping () throws -> Void = {}) -> () throws -> Void {
    var steps = 0
    return { [group, work] in
      steps += 1
      do { try also() } catch { throw Broken(reason: error) }
      guard group.size == 1 || steps % 10 == 0 else { return }
      let own = Int(StopRequest.pending != 0 ? StopRequest.pending : Self.isLate(work.deadline) ? Self.late : 0)
      let signal = group.size == 1 ? own : group.maximum(own)
      if signal != 0 { throw SearchInterrupted(signal: Int32(signal)) }
    }
  }

  private static func isLate(_ deadline: Double?) -> Bool { deadline.map { PhaseTimers.now() > $0 } ?? false }

  /// A trial on the ranks of the group, nil if a signal came.
  private func perform(_ order: TrialOrder, _ each: @escaping () throws -> Void = {}) throws -> (Trial?, Int32) {
    let began = PhaseTimers.now()
    defer { working += PhaseTimers.now() - began }
    do { return (try work.run(order, watch(each)), 0) } catch let stop as SearchInterrupted { return (nil, stop.signal) }
  }

  private func follow() throws -> Int32 {
    var done: Trial?
    var signal: Int32 = 0
    while true {
      // The root asks for all of its group.
      var bytes: [UInt8] = []
      if group.isRoot {
        try Self.send(done, to: 0, world)
        bytes = Self.receive(from: 0, world)
      }
      bytes = group.broadcast(bytes, from: 0)
      guard case .trial(let order) = try Self.decode(Order.self, bytes) else { return signal }
      (done, signal) = try perform(order)
    }
  }

  // MARK: Rank 0

  private func lead() throws -> Int32 {
    var asking: [Int] = []
    var left = roots
    var signal: Int32 = 0

    /// Answers those that can be answered.
    func serve() throws {
      for root in left where !asking.contains(root) && world.isWaiting(from: root, tag: Self.tag) {
        if let trial = try Self.decode(Trial?.self, Self.receive(from: root, world)) { try work.take(trial) }
        asking.append(root)
      }
      while let root = asking.first {
        let order: Order
        if signal != 0 || work.isHalted() {
          order = .end
        } else {
          switch try work.next() {
          case .trial(let trial): order = .trial(trial)
          case .wait: return
          case .over: order = .end
          }
        }
        try Self.send(order, to: root, world)
        asking.removeFirst()
        if case .end = order { left.removeAll { $0 == root } }
      }
    }

    while true {
      try serve()
      var own: TrialOrder?
      var isOver = signal != 0 || work.isHalted()
      if !isOver {
        switch try work.next() {
        case .trial(let order): own = order
        case .wait: break
        case .over: isOver = true
        }
      }
      if let own {
        tell(.trial(own))
        // What others take of the time is no work at a trial.
        let (trial, came) = try perform(own) { [self] in
          let began = PhaseTimers.now()
          defer { working -= PhaseTimers.now() - began }
          try serve()
        }
        if let trial { try work.take(trial) }
        signal = came
      } else if isOver && left.isEmpty {
        tell(.end)
        return signal
      } else {
        // Others work; there is nothing to do here.
        if StopRequest.pending != 0 { signal = StopRequest.pending } else if Self.isLate(work.deadline) { signal = Self.late }
        usleep(2000)
      }
    }
  }

  /// To the other ranks of rank 0's group, which wait for it in `follow`'s broadcast.
  private func tell(_ order: Order) {
    guard group.size > 1 else { return }
    _ = group.broadcast((try? Self.encode(order)) ?? [], from: 0)
  }

  // MARK: Messages

  private static func encode(_ value: some Encodable) throws -> [UInt8] {
    [UInt8](try JSONEncoder.ofAnyNumber.encode([value]))
  }

  private static func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8]) throws -> T {
    try JSONDecoder.ofAnyNumber.decode([T].self, from: Data(bytes))[0]
  }

  private static func send(_ value: some Encodable, to rank: Int, _ world: any Communicator) throws {
    let bytes = try encode(value)
    var count = Int64(bytes.count)
    withUnsafeBytes(of: &count) { world.send($0, to: rank, tag: tag) }
    bytes.withUnsafeBytes { world.send($0, to: rank, tag: tag) }
  }

  private static func receive(from rank: Int, _ world: any Communicator) -> [UInt8] {
    var count = Int64(0)
    _ = withUnsafeMutableBytes(of: &count) { world.receive(into: $0, from: rank, tag: tag) }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    _ = bytes.withUnsafeMutableBytes { world.receive(into: $0, from: rank, tag: tag) }
    return bytes
  }
}
