import CMPI
import MDCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The lifetime of MPI: `initialise` first of all, `finalise` last, both once a process.
package enum MPI {
  /// MPI_Init_thread with MPI_THREAD_FUNNELED. As all calls here, ends the program with MPI's own words if it fails.
  package static func initialise() {
    let code = cmpi_init()
    if code != 0 {
      complain(code, "MPI_Init_thread", rank: -1)
      exit(1)
    }
  }

  /// MPI_Finalize. Collective; no communication after it.
  package static func finalise() {
    let code = cmpi_finalize()
    if code != 0 {
      complain(code, "MPI_Finalize", rank: -1)
      exit(1)
    }
  }

  /// The library's own words for an error code, on standard error.
  fileprivate static func complain(_ code: Int32, _ call: StaticString, rank: Int) {
    var text = [CChar](repeating: 0, count: Int(cmpi_max_error_string()) + 1)
    _ = cmpi_error_string(code, &text)
    let words = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let who = rank < 0 ? "" : "rank \(rank): "
    let line = Array("\(who)\(call) failed: \(String(decoding: words, as: UTF8.self))\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}

/// `Communicator` over one of MPI's own: all ranks of the job, or a group that `split` made.
///
/// MPI counts are 32-bit, so longer messages travel in pieces of `pieceSize` bytes; a shorter piece (perhaps
/// an empty one) ends a message.
package final class MPICommunicator: Communicator {
  /// This process, from 0.
  package let rank: Int
  /// Processes of the communicator.
  package let size: Int

  private let handle: MPI_Comm
  /// All ranks of the job and this one's number there, for ends of the program.
  private let job: (handle: MPI_Comm, rank: Int)
  /// Made by `split`, so given back when nobody holds it any more.
  private let isGroup: Bool

  /// Bytes.
  static let pieceSize = 1 << 30

  /// All ranks of the job, by MPI's handle; valid between `MPI.initialise` and `MPI.finalise`. Whoever gives the handle
  /// keeps it: it is not freed.
  package convenience init(handle: MPI_Comm) {
    self.init(handle, job: nil)
  }

  /// A group of a job, or without one the job itself.
  private init(_ handle: MPI_Comm, job: (handle: MPI_Comm, rank: Int)?) {
    func check(_ code: Int32, _ call: StaticString) {
      if code != 0 { Self.fail(code, call, job ?? (handle, -1)) }
    }
    check(cmpi_return_errors(handle), "MPI_Comm_set_errhandler")
    var (rank, size): (Int32, Int32) = (0, 0)
    check(cmpi_rank(handle, &rank), "MPI_Comm_rank")
    check(cmpi_size(handle, &size), "MPI_Comm_size")
    self.rank = Int(rank)
    self.size = Int(size)
    self.handle = handle
    self.job = job ?? (handle, Int(rank))
    isGroup = job != nil
  }

  /// MPI_Comm_free, which the standard calls collective: see `split`.
  deinit {
    if isGroup { check(cmpi_free(handle), "MPI_Comm_free") }
  }

  /// MPI_Comm_split. The group is freed when its last reference goes, which must be at the same place of the program
  /// on all its ranks, or after `MPI.finalise`.
  package func split(color: Int?, key: Int) -> (any Communicator)? {
    let group = cmpi_split(handle, color.map { Int32($0) } ?? -1, Int32(key))
    check(group.code, "MPI_Comm_split")
    return group.is_member != 0 ? MPICommunicator(group.comm, job: job) : nil
  }

  /// By MPI_Comm_split_type.
  package func firstOnNode() -> Int {
    var first: Int32 = 0
    check(cmpi_first_on_node(handle, Int32(rank), &first), "MPI_Comm_split_type")
    return Int(first)
  }

  /// Ends all ranks with the library's own words when a call failed: there is nothing to recover.
  @inline(__always)
  private func check(_ code: Int32, _ call: StaticString) {
    if code != 0 { Self.fail(code, call, job) }
  }

  @inline(never)
  private static func fail(_ code: Int32, _ call: StaticString, _ job: (handle: MPI_Comm, rank: Int)) -> Never {
    MPI.complain(code, call, rank: job.rank)
    _ = cmpi_abort(job.handle, 1)
    exit(1)
  }

  /// Both at once, so that rings cannot wait for each other (MPI_Sendrecv). A negative rank: nothing goes there or comes
  /// from there. Returns the bytes that came.
  package func sendReceive(
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
      check(
        cmpi_send_receive(
          handle, send.baseAddress.map { $0 + sent }, Int32(out), sending ? Int32(destination) : -1,
          receive.baseAddress.map { $0 + received }, Int32(room), receiving ? Int32(source) : -1, Int32(tag), &came),
        "MPI_Sendrecv")
      sent += out
      received += receiving ? Int(came) : 0
      sending = sending && out == Self.pieceSize
      receiving = receiving && Int(came) == Self.pieceSize
    } while sending || receiving
    return received
  }

  /// Blocks until `bytes` may be reused.
  package func send(_ bytes: UnsafeRawBufferPointer, to destination: Int, tag: Int) {
    _ = sendReceive(bytes, to: destination, into: .init(start: nil, count: 0), from: -1, tag: tag)
  }

  /// Blocks until the message is there; returns its bytes. One longer than the room ends the program.
  package func receive(into bytes: UnsafeMutableRawBufferPointer, from source: Int, tag: Int) -> Int {
    sendReceive(.init(start: nil, count: 0), to: -1, into: bytes, from: source, tag: tag)
  }

  /// MPI_Isend and MPI_Irecv of all, then MPI_Waitall; of one message each way MPI_Sendrecv.
  package func exchange(
    _ sends: [Parcel], from outgoing: UnsafeRawPointer, _ receives: [Parcel], into incoming: UnsafeMutableRawPointer, tag: Int
  ) {
    if sends.isEmpty, receives.isEmpty { return }
    if sends.count <= 1, receives.count <= 1 {
      let came = sendReceive(
        sends.first.map { .init(start: outgoing + $0.offset, count: $0.count) } ?? .init(start: nil, count: 0),
        to: sends.first?.rank ?? -1,
        into: receives.first.map { .init(start: incoming + $0.offset, count: $0.count) } ?? .init(start: nil, count: 0),
        from: receives.first?.rank ?? -1, tag: tag)
      guard came == receives.first?.count ?? 0 else {
        fatalError("\(came) bytes came instead of \(receives.first?.count ?? 0)")
      }
      return
    }
    let (out, into) = (Self.pieces(of: sends), Self.pieces(of: receives))
    check(
      cmpi_exchange(
        handle, outgoing.assumingMemoryBound(to: CChar.self), Int32(out.count / 3),
        incoming.assumingMemoryBound(to: CChar.self), Int32(into.count / 3), out + into, Int32(tag)),
      "MPI_Waitall")
  }

  /// Rank, offset and length of parcels, long ones cut.
  private static func pieces(of parcels: [Parcel]) -> [Int64] {
    var numbers: [Int64] = []
    for parcel in parcels {
      for start in stride(from: 0, to: parcel.count, by: pieceSize) {
        numbers += [Int64(parcel.rank), Int64(parcel.offset + start), Int64(min(pieceSize, parcel.count - start))]
      }
    }
    return numbers
  }

  /// MPI_Iprobe.
  package func isWaiting(from source: Int, tag: Int) -> Bool {
    var isThere: Int32 = 0
    check(cmpi_probe(handle, Int32(source), Int32(tag), &isThere), "MPI_Iprobe")
    return isThere != 0
  }

  /// Sums of doubles depend on their order: they are added once and told to all, so that all ranks have the same bits,
  /// which MPI_Allreduce does not promise. That the same arguments give the same sum again is what the MPI standard
  /// strongly recommends for MPI_Reduce and what bitwise restarts rest on.
  package func allReduce(_ values: UnsafeMutableBufferPointer<Double>, _ operation: ReduceOperation) {
    forPieces(of: values) { base, count in
      if operation == .sum {
        check(cmpi_reduce_double(handle, base, count, operation.code, 0, isRoot ? 1 : 0), "MPI_Reduce")
        check(cmpi_broadcast(handle, base, count * 8, 0), "MPI_Bcast")
      } else {
        check(cmpi_all_reduce_double(handle, base, count, operation.code), "MPI_Allreduce")
      }
    }
  }

  /// Exact in any order (MPI_Allreduce).
  package func allReduce(_ values: UnsafeMutableBufferPointer<Int64>, _ operation: ReduceOperation) {
    forPieces(of: values) { base, count in
      check(cmpi_all_reduce_int64(handle, base, count, operation.code), "MPI_Allreduce")
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
  package func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    guard let base = bytes.baseAddress else { return }
    for start in stride(from: 0, to: bytes.count, by: Self.pieceSize) {
      let count = min(Self.pieceSize, bytes.count - start)
      check(cmpi_broadcast(handle, base + start, Int32(count), Int32(root)), "MPI_Bcast")
    }
  }

  /// Everyone's bytes, as many from each, in the order of ranks (MPI_Allgather).
  package func allGather(_ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
    precondition(all.count >= size * mine.count, "allGather: room for \(all.count) bytes")
    guard let from = mine.baseAddress, let to = all.baseAddress else { return }
    if mine.count <= Self.pieceSize {
      check(cmpi_all_gather(handle, from, Int32(mine.count), to), "MPI_Allgather")
      return
    }
    memcpy(to + rank * mine.count, from, mine.count)
    for r in 0..<size { broadcast(.init(rebasing: all[(r * mine.count)..<((r + 1) * mine.count)]), from: r) }
  }

  /// In turns of pairs of ranks, empty messages left out: see `pairwiseAllToAll`. Counts and offsets in bytes, by rank.
  package func allToAll(
    _ send: UnsafeRawBufferPointer, counts sendCounts: [Int], offsets sendOffsets: [Int],
    into receive: UnsafeMutableRawBufferPointer, counts receiveCounts: [Int], offsets receiveOffsets: [Int]
  ) {
    pairwiseAllToAll(
      send, counts: sendCounts, offsets: sendOffsets, into: receive, counts: receiveCounts,
      offsets: receiveOffsets)
  }

  /// Waits for all ranks.
  package func barrier() { check(cmpi_barrier(handle), "MPI_Barrier") }

  /// Ends all ranks of the job, not of the group alone, with this exit code, whatever they do (MPI_Abort).
  package func abort(_ code: Int32) -> Never {
    _ = cmpi_abort(job.handle, code)
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
