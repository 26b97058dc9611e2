import CMPI
import MDCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The lifetime of MPI: `initialise` first of all, `finalise` last, both once a process.
public enum MPI {
  /// MPI_Init_thread with MPI_THREAD_FUNNELED. As all calls here, ends the program with MPI's own words if it fails.
  public static func initialise() {
    check(cmpi_init(), "MPI_Init_thread")
  }

  /// MPI_Finalize. Collective; no communication after it.
  public static func finalise() {
    check(cmpi_finalize(), "MPI_Finalize")
  }

  /// All ranks of the program; valid between `initialise` and `finalise`.
  public static var world: MPICommunicator { MPICommunicator() }

  /// Ends all ranks with the library's own words when a call failed: there is nothing to recover.
  @inline(__always)
  static func check(_ code: Int32, _ call: StaticString) {
    if code != 0 { fail(code, call) }
  }

  @inline(never)
  private static func fail(_ code: Int32, _ call: StaticString) -> Never {
    var text = [CChar](repeating: 0, count: Int(cmpi_max_error_string()) + 1)
    _ = cmpi_error_string(code, &text)
    var rank: Int32 = -1
    if cmpi_initialized() != 0 { _ = cmpi_rank(&rank) }
    let words = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let line = Array("rank \(rank): \(call) failed: \(String(decoding: words, as: UTF8.self))\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    _ = cmpi_abort(1)
    exit(1)
  }
}

/// `Communicator` over MPI_COMM_WORLD.
///
/// MPI counts are 32-bit, so longer messages travel in pieces of `pieceSize` bytes; a shorter piece (perhaps
/// an empty one) ends a message.
public final class MPICommunicator: Communicator {
  /// This process, from 0.
  public let rank: Int
  /// Processes of the program.
  public let size: Int

  /// Bytes.
  static let pieceSize = 1 << 30

  init() {
    var value: Int32 = 0
    MPI.check(cmpi_rank(&value), "MPI_Comm_rank")
    rank = Int(value)
    MPI.check(cmpi_size(&value), "MPI_Comm_size")
    size = Int(value)
  }

  /// Both at once, so that rings cannot wait for each other (MPI_Sendrecv). A negative rank: nothing goes there or comes
  /// from there. Returns the bytes that came.
  public func sendReceive(
    _ send: UnsafeRawBufferPointer, to destination: Int,
    into receive: UnsafeMutableRawBufferPointer, from source: Int, tag: Int
  ) -> Int {
    var sent = 0
    var received = 0
    var sending = destination >= 0
    var receiving = source >= 0
    repeat {
      let out = sending ? min(send.count - sent, Self.pieceSize) : 0
      let room = receiving ? min(receive.count - received, Self.pieceSize) : 0
      var came: Int32 = 0
      MPI.check(
        cmpi_send_receive(
          send.baseAddress.map { $0 + sent }, Int32(out), sending ? Int32(destination) : -1,
          receive.baseAddress.map { $0 + received }, Int32(room), receiving ? Int32(source) : -1,
          Int32(tag), &came),
        "MPI_Sendrecv")
      sent += out
      received += receiving ? Int(came) : 0
      sending = sending && out == Self.pieceSize
      receiving = receiving && Int(came) == Self.pieceSize
    } while sending || receiving
    return received
  }

  /// Blocks until `bytes` may be reused.
  public func send(_ bytes: UnsafeRawBufferPointer, to destination: Int, tag: Int) {
    _ = sendReceive(bytes, to: destination, into: .init(start: nil, count: 0), from: -1, tag: tag)
  }

  /// Blocks until the message is there; returns its bytes. One longer than the room ends the program.
  public func receive(into bytes: UnsafeMutableRawBufferPointer, from source: Int, tag: Int) -> Int {
    sendReceive(.init(start: nil, count: 0), to: -1, into: bytes, from: source, tag: tag)
  }

  /// Sums of doubles depend on their order: they are added once and told to all, so that all ranks have the same bits,
  /// which MPI_Allreduce does not promise. That the same arguments give the same sum again is what the MPI standard
  /// strongly recommends for MPI_Reduce and what bitwise restarts rest on.
  public func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ operation: ReduceOperation) {
    forPieces(of: values) { base, count in
      if operation == .sum {
        MPI.check(cmpi_reduce_double(base, count, operation.code, 0, isRoot ? 1 : 0), "MPI_Reduce")
        MPI.check(cmpi_broadcast(base, count * 8, 0), "MPI_Bcast")
      } else {
        MPI.check(cmpi_all_reduce_double(base, count, operation.code), "MPI_Allreduce")
      }
    }
  }

  /// Exact in any order (MPI_Allreduce).
  public func allReduce(_ values: UnsafeMutableBufferPointer<Int64>, _ operation: ReduceOperation) {
    forPieces(of: values) { base, count in
      MPI.check(cmpi_all_reduce_int64(base, count, operation.code), "MPI_Allreduce")
    }
  }

  @inline(__always)
  private func forPieces<T>(
    of values: UnsafeMutableBufferPointer<T>, _ body: (UnsafeMutablePointer<T>, Int32) -> Void
  ) {
    guard let base = values.baseAddress else { return }
    let piece = Self.pieceSize / 8
    for start in stride(from: 0, to: values.count, by: piece) {
      body(base + start, Int32(min(piece, values.count - start)))
    }
  }

  /// MPI_Bcast; as many bytes on every rank.
  public func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    guard let base = bytes.baseAddress else { return }
    for start in stride(from: 0, to: bytes.count, by: Self.pieceSize) {
      let count = min(Self.pieceSize, bytes.count - start)
      MPI.check(cmpi_broadcast(base + start, Int32(count), Int32(root)), "MPI_Bcast")
    }
  }

  /// Everyone's bytes, as many from each, in the order of ranks (MPI_Allgather).
  public func allGather(_ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
    precondition(all.count >= size * mine.count, "allGather: room for \(all.count) bytes")
    guard let from = mine.baseAddress, let to = all.baseAddress else { return }
    if mine.count <= Self.pieceSize {
      MPI.check(cmpi_all_gather(from, Int32(mine.count), to), "MPI_Allgather")
      return
    }
    memcpy(to + rank * mine.count, from, mine.count)
    for r in 0..<size { broadcast(.init(rebasing: all[(r * mine.count)..<((r + 1) * mine.count)]), from: r) }
  }

  /// In turns of pairs of ranks, empty messages left out: see `pairwiseAllToAll`. Counts and offsets in bytes, by rank.
  public func allToAll(
    _ send: UnsafeRawBufferPointer, counts sendCounts: [Int], offsets sendOffsets: [Int],
    into receive: UnsafeMutableRawBufferPointer, counts receiveCounts: [Int], offsets receiveOffsets: [Int]
  ) {
    pairwiseAllToAll(
      send, counts: sendCounts, offsets: sendOffsets, into: receive, counts: receiveCounts,
      offsets: receiveOffsets)
  }

  /// Waits for all ranks.
  public func barrier() { MPI.check(cmpi_barrier(), "MPI_Barrier") }

  /// Ends all ranks with this exit code, whatever they do (MPI_Abort).
  public func abort(_ code: Int32) -> Never {
    _ = cmpi_abort(code)
    exit(code)
  }
}

extension ReduceOperation {
  fileprivate var code: Int32 {
    switch self {
    case .sum: Int32(cmpi_sum)
    case .minimum: Int32(cmpi_minimum)
    case .maximum: Int32(cmpi_maximum)
    }
  }
}
