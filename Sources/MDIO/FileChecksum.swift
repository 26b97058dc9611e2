import Glibc
import MDCore

/// A CRC-32 (ISO 3309) of a file's first bytes, which can be carried on as the file grows.
package struct FileChecksum: Codable, Equatable, Sendable {
  /// The bytes that it is of.
  package private(set) var bytes = 0
  package private(set) var checksum: UInt32 = 0

  package init() {}

  /// Of a whole file.
  package init(of path: String) throws {
    try extend(over: path, to: .max)
  }

  /// Goes on over the bytes of `path` behind those it knows, up to `end` or the end of the file, whichever comes first.
  ///
  /// - Throws: an input error if the file cannot be read.
  package mutating func extend(over path: String, to end: Int) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.failure(path) }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while bytes < end {
      let wanted = min(buffer.count, end - bytes)
      let (from, sum) = (bytes, checksum)
      let (count, extended) = buffer.withUnsafeMutableBytes { place -> (Int, UInt32) in
        let n = pread(descriptor, place.baseAddress!, wanted, off_t(from))
        guard n > 0 else { return (n, sum) }
        return (n, CheckpointFormat.checksum(UnsafeRawBufferPointer(rebasing: place[..<n]), from: sum))
      }
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.failure(path)
      }
      checksum = extended
      bytes += count
    }
  }

  /// Pipes and devices have no bytes to come back to.
  package static func isPossible(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  private static func failure(_ path: String) -> FaultlineError {
    FaultlineError(.input, "cannot read \(path): \(String(cString: strerror(errno)))")
  }
}
