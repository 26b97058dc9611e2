import CZlib
import Glibc
import MDCore

/// A gzip member that grows frame by frame (RFC 1951, RFC 1952).
///
/// Each frame, or each piece of one that several ranks write, is a run of deflate blocks of its own: it ends on a byte, by
/// an empty stored block (`Z_SYNC_FLUSH`), and refers to nothing before it. So its bytes depend on its content alone, and a
/// program that goes on after any frame writes what one without a break had written. `trailer` makes what is there a whole
/// member.
final class GzipStream {
  /// The member's first bytes: deflate, no name, no time, made on Unix.
  static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
  /// How a frame ends: the length of a stored block of no bytes, and its complement.
  private static let frameEnd: [UInt8] = [0, 0, 0xFF, 0xFF]

  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var block = [UInt8](repeating: 0, count: 1 << 18)
  private var checksum: UInt32 = 0
  private var length: UInt32 = 0
  private(set) var frameIsOpen = false

  init() {
    stream.initialize(to: z_stream())
    // Window bits −15: deflate without a wrapping. Level 4: most of the gain at a third of the time of 6.
    deflateInit2_(
      stream, 4, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// What closes the member behind the last frame: a last block that is empty, CRC-32 and length modulo 2³² of all
  /// that was compressed.
  var trailer: [UInt8] {
    func littleEndian(_ x: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: x >> (8 * $0)) } }
    return [3, 0] + littleEndian(checksum) + littleEndian(length)
  }

  /// Compresses text of the present frame; `sink` takes what comes out of it so far.
  func compress(_ bytes: UnsafeRawBufferPointer, into sink: (UnsafeRawBufferPointer) throws -> Void) throws {
    if !frameIsOpen { deflateReset(stream) }
    frameIsOpen = true
    note(bytes)
    try deflateAll(bytes, sink)
  }

  /// A run of blocks of its own, as a frame is one, of text that is another stream's (`note` it there).
  func run(of text: UnsafeRawBufferPointer, into sink: (UnsafeRawBufferPointer) throws -> Void) throws {
    deflateReset(stream)
    try deflateAll(text, sink)
    try endFrame(into: sink)
  }

  private func deflateAll(
    _ bytes: UnsafeRawBufferPointer, _ sink: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    // zlib counts in 32 bits.
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      rest = rest.dropFirst(piece.count)
      try deflate(piece, Z_NO_FLUSH, sink)
    }
  }

  /// The rest of the present frame.
  func endFrame(into sink: (UnsafeRawBufferPointer) throws -> Void) throws {
    try deflate(UnsafeRawBufferPointer(start: nil, count: 0), Z_SYNC_FLUSH, sink)
    frameIsOpen = false
  }

  /// Text that follows, by its CRC-32 and length.
  func note(_ piece: PieceSize) {
    checksum = UInt32(crc32_combine(UInt(checksum), UInt(piece.checksum), off_t(piece.textBytes)))
    length &+= UInt32(truncatingIfNeeded: piece.textBytes)
  }

  private func note(_ text: UnsafeRawBufferPointer) {
    guard !text.isEmpty else { return }
    checksum = CheckpointFormat.checksum(text, from: checksum)
    length &+= UInt32(truncatingIfNeeded: text.count)
  }

  private func deflate(
    _ piece: UnsafeRawBufferPointer, _ flush: Int32, _ sink: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    stream.pointee.next_in = UnsafeMutablePointer(mutating: piece.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(piece.count)
    var made: Int
    repeat {
      made = block.withUnsafeMutableBufferPointer { place in
        stream.pointee.next_out = place.baseAddress
        stream.pointee.avail_out = UInt32(place.count)
        CZlib.deflate(stream, flush)
        return place.count - Int(stream.pointee.avail_out)
      }
      try block.withUnsafeBytes { try sink(UnsafeRawBufferPointer(rebasing: $0[..<made])) }
    } while made == block.count
  }

  /// Checksum and length of a file's first `bytes`, which hold whole frames of an earlier program. Throws if they are
  /// anything else.
  func reread(_ descriptor: Int32, bytes: Int, _ path: String) throws {
    func refusal(_ reason: String) -> FaultlineError {
      FaultlineError(
        .run, "\(path) cannot be continued: \(reason)", hint: "move it away to start a new file")
    }
    var inflater = z_stream()
    // 15 + 16: a gzip header is expected.
    inflateInit2_(&inflater, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    defer { inflateEnd(&inflater) }
    var input = [UInt8](repeating: 0, count: 1 << 20)
    var tail: [UInt8] = []
    var place = 0
    while place < bytes {
      let got = pread(descriptor, &input, min(input.count, bytes - place), off_t(place))
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { throw SystemFailure.error("read", path) }
      place += got
      tail = Array((tail + input[..<got].suffix(Self.frameEnd.count)).suffix(Self.frameEnd.count))
      let status = input.withUnsafeMutableBufferPointer { compressed in
        inflater.next_in = compressed.baseAddress
        inflater.avail_in = UInt32(got)
        return inflateAll(&inflater)
      }
      switch status {
      case Z_OK, Z_BUF_ERROR: break
      case Z_STREAM_END: throw refusal("a gzip member ends before the frames do, as an earlier version wrote them")
      default: throw refusal("its compressed data are damaged")
      }
    }
    guard tail == Self.frameEnd else { throw refusal("no frame ends at byte \(bytes)") }
  }

  /// Inflates the input at hand and notes the text.
  private func inflateAll(_ inflater: inout z_stream) -> Int32 {
    block.withUnsafeMutableBytes { text in
      var status: Int32
      repeat {
        inflater.next_out = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
        inflater.avail_out = UInt32(text.count)
        status = inflate(&inflater, Z_NO_FLUSH)
        note(UnsafeRawBufferPointer(rebasing: text[..<(text.count - Int(inflater.avail_out))]))
      } while status == Z_OK && (inflater.avail_in > 0 || inflater.avail_out == 0)
      return status
    }
  }
}
