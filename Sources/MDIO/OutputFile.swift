import CZlib
import Glibc
import MDCore

/// A file that grows at its end, plain or gzip.
///
/// Compressed output is a row of gzip members: `finishFrame` ends one, so a file cut at a frame's end is whole.
/// Every failure of the system (full disk, quota, permission) is thrown with the path and its reason.
public final class OutputFile {
  public enum Mode: Sendable {
    case create
    /// Keeps the first `bytes` of an existing file and goes on after them.
    case append(truncatingTo: Int)
  }

  public let path: String
  public let isCompressed: Bool
  /// Bytes in the file; a safe place to truncate to after `finishFrame`.
  public private(set) var offset = 0
  private var descriptor: Int32
  private var stream: UnsafeMutablePointer<z_stream>?
  private var memberIsOpen = false
  private var block: [UInt8] = []

  /// Names that end in `.gz` are compressed.
  public init(_ path: String, mode: Mode = .create) throws {
    self.path = path
    isCompressed = path.hasSuffix(".gz")
    let flags: Int32
    switch mode {
    case .create: flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
    case .append: flags = O_WRONLY | O_CREAT | O_CLOEXEC
    }
    descriptor = open(path, flags, 0o644)
    guard descriptor >= 0 else { throw SystemFailure.error("open", path) }
    if case .append(let bytes) = mode {
      let size = Int(lseek(descriptor, 0, SEEK_END))
      guard size >= bytes else {
        close(descriptor)
        descriptor = -1
        throw FaultlineError(
          .run, "\(path) has \(size) bytes but \(bytes) had been written when the run stopped",
          hint: "it was changed or cut since; move it away to start a new file")
      }
      guard ftruncate(descriptor, bytes) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
        let error = SystemFailure.error("truncate", path)
        close(descriptor)
        descriptor = -1
        throw error
      }
      offset = bytes
    }
    if isCompressed {
      let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      stream.initialize(to: z_stream())
      // Window bits 15 + 16: a gzip header and trailer. Level 4: most of the gain at a third of the time of 6.
      deflateInit2_(
        stream, 4, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
      self.stream = stream
      block = [UInt8](repeating: 0, count: 1 << 18)
    }
  }

  deinit {
    if let stream {
      deflateEnd(stream)
      stream.deallocate()
    }
    if descriptor >= 0 { close(descriptor) }
  }

  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    if isCompressed {
      try compress(bytes, flush: Z_NO_FLUSH)
    } else {
      try SystemFailure.writeAll(descriptor, bytes, path)
      offset += bytes.count
    }
  }

  public func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
  }

  /// Ends a frame: the file may be cut at `offset` now.
  public func finishFrame() throws {
    if memberIsOpen { try compress(UnsafeRawBufferPointer(start: nil, count: 0), flush: Z_FINISH) }
  }

  /// Ends the frame and waits until it is on the disk.
  public func synchronize() throws {
    try finishFrame()
    guard fsync(descriptor) == 0 else { throw SystemFailure.error("synchronise", path) }
  }

  /// Ends the frame and closes the file; a full disk may show itself only here.
  public func finish() throws {
    guard descriptor >= 0 else { return }
    try finishFrame()
    let result = close(descriptor)
    descriptor = -1
    guard result == 0 else { throw SystemFailure.error("close", path) }
  }

  private func compress(_ bytes: UnsafeRawBufferPointer, flush: Int32) throws {
    guard let stream else { return }
    if !memberIsOpen {
      guard bytes.count > 0 else { return }
      deflateReset(stream)
      memberIsOpen = true
    }
    // zlib counts in 32 bits.
    var rest = bytes[...]
    repeat {
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
      rest = rest.dropFirst(piece.count)
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: piece.baseAddress?.assumingMemoryBound(to: UInt8.self))
      stream.pointee.avail_in = UInt32(piece.count)
      var more = true
      while more {
        let made = block.withUnsafeMutableBufferPointer { place in
          stream.pointee.next_out = place.baseAddress
          stream.pointee.avail_out = UInt32(place.count)
          deflate(stream, rest.isEmpty ? flush : Z_NO_FLUSH)
          return place.count - Int(stream.pointee.avail_out)
        }
        try block.withUnsafeBytes {
          try SystemFailure.writeAll(descriptor, UnsafeRawBufferPointer(rebasing: $0[..<made]), path)
        }
        offset += made
        more = made == block.count
      }
    } while !rest.isEmpty
    if flush == Z_FINISH { memberIsOpen = false }
  }
}

/// The system's complaints as errors of a run.
enum SystemFailure {
  static func error(_ action: String, _ path: String, _ code: Int32 = errno) -> FaultlineError {
    let hint: String? =
      switch code {
      case ENOSPC: "the disk is full"
      case EDQUOT: "the disk quota is used up"
      case EACCES, EPERM, EROFS: "check that the directory may be written"
      case ENOENT: "the directory does not exist"
      default: nil
      }
    return FaultlineError(.run, "cannot \(action) \(path): \(String(cString: strerror(code)))", hint: hint)
  }

  /// Writes every byte, however many calls that takes.
  static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ path: String) throws {
    var done = 0
    while done < bytes.count {
      let n = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if n > 0 {
        done += n
      } else if n == 0 || errno != EINTR {
        throw error("write to", path)
      }
    }
  }
}
