/// Messages between ranks: MPI in production, threads of one process in tests.
/// Calls named `all…`, `broadcast`, `gather` and `barrier` are collective. Failures of the transport abort.
public protocol Communicator: AnyObject {
  var rank: Int { get }
  var size: Int { get }

  /// Sends bytes to `destination` and receives at most `receive.count` bytes from `source`; returns how many came.
  /// Both may be this rank.
  func sendReceive(
    _ send: UnsafeRawBufferPointer, to destination: Int,
    into receive: UnsafeMutableRawBufferPointer, from source: Int, tag: Int
  ) -> Int
  func send(_ bytes: UnsafeRawBufferPointer, to destination: Int, tag: Int)
  func receive(into bytes: UnsafeMutableRawBufferPointer, from source: Int, tag: Int) -> Int
  /// All parcels at once, whoever comes first: `sends` from `outgoing`, `receives` to `incoming`. Both sides know how long each is;
  /// none is empty, and those between the same two ranks arrive in the order in which they are listed on both sides.
  func exchange(
    _ sends: [Parcel], from outgoing: UnsafeRawPointer, _ receives: [Parcel], into incoming: UnsafeMutableRawPointer, tag: Int)
  /// Whether a message of `source` with this tag is there to be received; does not wait.
  func isWaiting(from source: Int, tag: Int) -> Bool

  /// Element-wise over all ranks, in place; the same bits on every rank, and from call to call.
  func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ operation: ReduceOperation)
  func allReduce(_ values: UnsafeMutableBufferPointer<Int64>, _ operation: ReduceOperation)
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int)
  /// Every rank gives `mine.count` bytes (the same everywhere); `all` has room for size · mine.count.
  func allGather(_ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer)
  /// Rank r sends `sendCounts[d]` bytes at `sendOffsets[d]` to rank d. Counts may differ.
  func allToAll(
    _ send: UnsafeRawBufferPointer, counts sendCounts: [Int], offsets sendOffsets: [Int],
    into receive: UnsafeMutableRawBufferPointer, counts receiveCounts: [Int], offsets receiveOffsets: [Int])
  func barrier()
  /// The ranks that give the same `color` (not negative) as a communicator of their own, numbered in the order of `key`
  /// and, where that is equal, of their numbers here; nil on a rank that gives none. Collective over all ranks here.
  ///
  /// What groups and those they were split from send does not mix. All ranks of a group let go of it at the same place
  /// of the program.
  func split(color: Int?, key: Int) -> (any Communicator)?
  /// The lowest rank of those that share this one's node. Collective.
  func firstOnNode() -> Int
  /// Ends every rank of the whole job, whatever groups it was split into, at once with this exit code.
  func abort(_ code: Int32) -> Never
}

/// `count` bytes at an offset of a buffer, to or from another rank.
public struct Parcel: Equatable, Sendable {
  public var rank: Int
  public var offset: Int
  public var count: Int

  public init(rank: Int, offset: Int, count: Int) {
    self.rank = rank
    self.offset = offset
    self.count = count
  }
}

public enum ReduceOperation: Sendable { case sum, minimum, maximum }

extension Communicator {
  public var isRoot: Bool { rank == 0 }

  /// For communicators whose sends do not wait for their receivers.
  public func exchange(
    _ sends: [Parcel], from outgoing: UnsafeRawPointer, _ receives: [Parcel], into incoming: UnsafeMutableRawPointer, tag: Int
  ) {
    for parcel in sends {
      send(UnsafeRawBufferPointer(start: outgoing + parcel.offset, count: parcel.count), to: parcel.rank, tag: tag)
    }
    for parcel in receives {
      let room = UnsafeMutableRawBufferPointer(start: incoming + parcel.offset, count: parcel.count)
      let came = receive(into: room, from: parcel.rank, tag: tag)
      guard came == parcel.count else { fatalError("rank \(parcel.rank) sent \(came) bytes instead of \(parcel.count)") }
    }
  }

  /// Ranks that are threads of one process.
  public func firstOnNode() -> Int { 0 }

  public func sum(_ value: Double) -> Double { reduce(value, .sum) }
  public func maximum(_ value: Double) -> Double { reduce(value, .maximum) }
  public func minimum(_ value: Double) -> Double { reduce(value, .minimum) }
  public func sum(_ value: Int) -> Int { reduce(value, .sum) }
  public func maximum(_ value: Int) -> Int { reduce(value, .maximum) }
  public func minimum(_ value: Int) -> Int { reduce(value, .minimum) }

  public func sum(_ values: inout [Double]) {
    values.withUnsafeMutableBufferPointer { allReduce($0, .sum) }
  }

  /// True on every rank if it is true on any.
  public func any(_ value: Bool) -> Bool { maximum(value ? 1 : 0) == 1 }

  private func reduce(_ value: Double, _ operation: ReduceOperation) -> Double {
    var v = value
    withUnsafeMutablePointer(to: &v) { allReduce(UnsafeMutableBufferPointer(start: $0, count: 1), operation) }
    return v
  }

  private func reduce(_ value: Int, _ operation: ReduceOperation) -> Int {
    var v = Int64(value)
    withUnsafeMutablePointer(to: &v) { allReduce(UnsafeMutableBufferPointer(start: $0, count: 1), operation) }
    return Int(v)
  }

  /// Root's bytes on every rank, whatever was given elsewhere.
  public func broadcast(_ bytes: [UInt8], from root: Int = 0) -> [UInt8] {
    var count = Int64(bytes.count)
    withUnsafeMutableBytes(of: &count) { broadcast($0, from: root) }
    var out = rank == root ? bytes : [UInt8](repeating: 0, count: Int(count))
    out.withUnsafeMutableBytes { broadcast($0, from: root) }
    return out
  }

  /// The value of every rank, in rank order.
  public func allGather(_ value: Int) -> [Int] {
    let mine = [Int64(value)]
    var all = [Int64](repeating: 0, count: size)
    mine.withUnsafeBytes { m in all.withUnsafeMutableBytes { allGather(m, into: $0) } }
    return all.map { Int($0) }
  }
}

/// Ghost communication inside a force computation. All columns of a call travel in one message to each neighbour, so
/// those that are due at the same time belong into one call.
public protocol GhostCommunicator: AnyObject {
  /// Copies the owners' values of columns to their ghosts (positions are shifted to the ghost's image).
  func forward(_ columns: [ColumnStorage])
  /// Adds the ghosts' values of columns to their owners. The columns hold doubles.
  func reverse(_ columns: [ColumnStorage])
}

extension GhostCommunicator {
  public func forward(_ columns: ColumnStorage...) { forward(columns) }
  public func reverse(_ columns: ColumnStorage...) { reverse(columns) }
}
