import Glibc
import MDCore

/// What a piece of a frame takes in its file, and what the end of a gzip member must know of it.
package struct PieceSize: Equatable, Sendable {
  /// In the file.
  package var bytes: Int
  /// Of compressed files: before compression.
  package var textBytes: Int
  /// Of compressed files: CRC-32 of the text.
  package var checksum: UInt32

  package init(bytes: Int = 0, textBytes: Int = 0, checksum: UInt32 = 0) {
    self.bytes = bytes
    self.textBytes = textBytes
    self.checksum = checksum
  }
}

/// A rank's hand in a file of frames that several ranks write: it writes pieces of frames at their places. Rank 0 holds the
/// file as a whole (`OutputFile`), which notes the pieces and ends the frames.
package final class PieceWriter {
  private let path: String
  private var descriptor: Int32
  private let gzip: GzipStream?
  private var compressed: [UInt8] = []

  /// A file that is there already; names that end in `.gz` are compressed.
  package init(_ path: String) throws {
    self.path = path
    gzip = path.hasSuffix(".gz") ? GzipStream() : nil
    descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure.error("open", path) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// What the text will take. It is compressed here, if the file is.
  package func prepare(_ text: UnsafeRawBufferPointer) throws -> PieceSize {
    var size = PieceSize()
    guard !text.isEmpty else { return size }
    size.bytes = text.count
    if let gzip {
      compressed.removeAll(keepingCapacity: true)
      try gzip.run(of: text) { compressed += $0 }
      size.textBytes = text.count
      size.checksum = CheckpointFormat.checksum(text)
      size.bytes = compressed.count
    }
    return size
  }

  /// Writes what was prepared of this text at its place, without so many bytes at the beginning, which it returns.
  package func write(_ text: UnsafeRawBufferPointer, at place: Int, without beginning: Int = 0) throws -> [UInt8] {
    func put(_ bytes: UnsafeRawBufferPointer) throws -> [UInt8] {
      let first = min(beginning, bytes.count)
      try SystemFailure.writeAll(descriptor, .init(rebasing: bytes[first...]), at: place + first, path)
      return Array(bytes[..<first])
    }
    return gzip == nil ? try put(text) : try compressed.withUnsafeBytes(put)
  }

  /// Waits until this rank's pieces are on the disk.
  package func synchronize() throws {
    guard fsync(descriptor) == 0 else { throw SystemFailure.error("synchronise", path) }
  }

  package func finish() throws {
    guard descriptor >= 0 else { return }
    let result = close(descriptor)
    descriptor = -1
    guard result == 0 else { throw SystemFailure.error("close", path) }
  }
}
