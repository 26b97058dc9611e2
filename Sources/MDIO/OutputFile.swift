import Glibc
import MDCore

/// A file that grows at its end, plain or gzip.
///
/// Compressed output is one gzip member, because many readers stop after the first (`GzipStream`). The end of the
/// member stands behind the last frame and the next frame overwrites it. A frame's first bytes go to the file after
/// its others, so what a killed program leaves is whole up to the frame before, with surplus bytes behind it if the
/// frame was a large one. Every failure of the system (full disk, quota, permission) is thrown with the path and its
/// reason.
package final class OutputFile {
  /// How the file begins.
  package enum Mode: Sendable {
    /// Empty; what was there is lost.
    case create
    /// Keeps the first `bytes` of an existing file, an `offset` of the program that wrote it, and goes on after them.
    case append(truncatingTo: Int)
  }

  package let path: String
  package var isCompressed: Bool { gzip != nil }
  /// A safe place to truncate to after `finishFrame`: bytes in the file, without the end of a gzip member.
  package private(set) var offset = 0
  private var descriptor: Int32
  private var gzip: GzipStream?
  /// Bytes of the present frame, if it is compressed or comes in pieces, and its beginning, which is written last.
  private var frameBytes = 0
  private var held: [UInt8] = []
  package static let heldBytes = 1 << 18

  /// Names that end in `.gz` are compressed. Throws when the file cannot be opened or cut, or is shorter than what `mode`
  /// says had been written.
  package init(_ path: String, mode: Mode = .create) throws {
    self.path = path
    let isCompressed = path.hasSuffix(".gz")
    var kept = 0
    if case .append(let bytes) = mode { kept = bytes }
    // A compressed file is read when it is continued.
    let access = isCompressed ? O_RDWR : O_WRONLY
    descriptor = open(path, access | O_CREAT | O_CLOEXEC | (kept == 0 ? O_TRUNC : 0), 0o644)
    guard descriptor >= 0 else { throw SystemFailure.error("open", path) }
    do {
      if kept > 0 { try cut(to: kept) }
      if isCompressed { try openMember() }
    } catch {
      close(descriptor)
      descriptor = -1
      throw error
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private func cut(to bytes: Int) throws {
    let size = Int(lseek(descriptor, 0, SEEK_END))
    guard size >= bytes else {
      throw FaultlineError(
        .run, "\(path) has \(size) bytes but \(bytes) had been written when the run stopped",
        hint: "it was changed or cut since; move it away to start a new file")
    }
    guard ftruncate(descriptor, bytes) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
      throw SystemFailure.error("truncate", path)
    }
    offset = bytes
  }

  /// Begins the gzip member, or finds out what its end needs to know of the frames that are kept.
  private func openMember() throws {
    let gzip = GzipStream()
    if offset <= GzipStream.header.count {
      try SystemFailure.writeAll(descriptor, GzipStream.header + gzip.trailer, at: 0, path)
      offset = GzipStream.header.count
    } else {
      try gzip.reread(descriptor, bytes: offset, path)
      try SystemFailure.writeAll(descriptor, gzip.trailer, at: offset, path)
    }
    self.gzip = gzip
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    if let gzip {
      if !bytes.isEmpty { try gzip.compress(bytes, into: keep) }
    } else {
      try SystemFailure.writeAll(descriptor, bytes, path)
      offset += bytes.count
    }
  }

  package func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
  }

  /// Compressed bytes of the present frame: its beginning is held back, the rest goes to its place.
  private func keep(_ bytes: UnsafeRawBufferPointer) throws {
    let first = bytes.prefix(Self.heldBytes - held.count)
    let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(first.count))
    held += first
    try SystemFailure.writeAll(descriptor, rest, at: offset + frameBytes + first.count, path)
    frameBytes += bytes.count
  }

  // MARK: Frames in pieces that others write (`PieceWriter`)

  /// Whether bytes can be written at any place; not in pipes and devices.
  package var isRegular: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// Notes the next piece of the present frame, which stands behind those before it.
  package func add(_ piece: PieceSize) {
    frameBytes += piece.bytes
    gzip?.note(piece)
  }

  /// The first bytes of the present compressed frame, which are written last.
  package func hold(_ beginning: [UInt8]) { held = beginning }

  /// Ends a frame: the file may be cut at `offset` now.
  package func finishFrame() throws {
    if let gzip, gzip.frameIsOpen { try gzip.endFrame(into: keep) }
    guard frameBytes > 0 else { return }
    guard let gzip else {
      offset += frameBytes
      frameBytes = 0
      guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw SystemFailure.error("write to", path) }
      return
    }
    if held.count == frameBytes {
      try SystemFailure.writeAll(descriptor, held + gzip.trailer, at: offset, path)
    } else {
      try SystemFailure.writeAll(descriptor, gzip.trailer, at: offset + frameBytes, path)
      try SystemFailure.writeAll(descriptor, held, at: offset, path)
    }
    offset += frameBytes
    frameBytes = 0
    held.removeAll(keepingCapacity: true)
  }

  /// Ends the frame and waits until it is on the disk.
  package func synchronize() throws {
    try finishFrame()
    guard fsync(descriptor) == 0 else { throw SystemFailure.error("synchronise", path) }
  }

  /// Ends the frame and closes the file; a full disk may show itself only here.
  package func finish() throws {
    guard descriptor >= 0 else { return }
    try finishFrame()
    let result = close(descriptor)
    descriptor = -1
    guard result == 0 else { throw SystemFailure.error("close", path) }
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

  /// Writes every byte, however many calls that takes; at a place of the file, or else where the last call ended.
  static func writeAll(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at place: Int? = nil, _ path: String
  ) throws {
    var done = 0
    while done < bytes.count {
      let (from, rest) = (bytes.baseAddress! + done, bytes.count - done)
      let n = place.map { pwrite(descriptor, from, rest, off_t($0 + done)) } ?? Glibc.write(descriptor, from, rest)
      if n > 0 {
        done += n
      } else if n == 0 || errno != EINTR {
        throw error("write to", path)
      }
    }
  }

  static func writeAll(_ descriptor: Int32, _ bytes: [UInt8], at place: Int, _ path: String) throws {
    try bytes.withUnsafeBytes { try writeAll(descriptor, $0, at: place, path) }
  }
}
