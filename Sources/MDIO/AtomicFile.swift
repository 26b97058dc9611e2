import FoundationEssentials
import Glibc
import MDCore

/// Small files that are replaced as a whole: a reader sees the old one or the new one.
package enum AtomicFile {
  /// Ends the name of a file that is not whole yet.
  static let partialSuffix = ".partial"

  /// Writes `path.partial`, synchronises it and renames it to `path`.
  package static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
    let partial = path + partialSuffix
    let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemFailure.error("write", partial) }
    do {
      try SystemFailure.writeAll(descriptor, bytes, partial)
      guard fsync(descriptor) == 0 else { throw SystemFailure.error("synchronise", partial) }
    } catch {
      close(descriptor)
      unlink(partial)
      throw error
    }
    guard close(descriptor) == 0 else { throw SystemFailure.error("close", partial) }
    try publish(partial, as: path)
  }

  package static func write(_ text: String, to path: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0), to: path) }
  }

  /// Indented JSON with sorted keys; numbers that are not finite become the texts "nan", "inf" and "-inf".
  package static func writeJSON(_ value: some Encodable, to path: String) throws {
    let encoder = JSONEncoder.ofAnyNumber
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var data: Data
    do {
      data = try encoder.encode(value)
    } catch {
      throw FaultlineError(.run, "\(path) cannot be encoded: \(error)")
    }
    data.append(0x0A)
    try data.withUnsafeBytes { try write($0, to: path) }
  }

  /// Reads what `writeJSON` wrote.
  package static func readJSON<T: Decodable>(_ type: T.Type, from path: String) throws -> T {
    do {
      return try JSONDecoder.ofAnyNumber.decode(type, from: Data(contentsOf: URL(filePath: path)))
    } catch {
      throw FaultlineError(.input, "cannot read \(path): \(error)")
    }
  }

  /// Renames and brings the change of the directory to the disk.
  static func publish(_ partial: String, as path: String) throws {
    guard rename(partial, path) == 0 else {
      let error = SystemFailure.error("rename \(partial) to", path)
      unlink(partial)
      throw error
    }
    try synchronizeDirectory(of: path)
  }

  static func synchronizeDirectory(of path: String) throws {
    let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure.error("open directory", directory) }
    defer { close(descriptor) }
    // Some network filesystems cannot synchronise directories and say so with EINVAL.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw SystemFailure.error("synchronise directory", directory)
    }
  }
}

/// A file that is written under another name in the same folder and gets its own when it is whole; until then what
/// stood there stays. Given up without `commit` it leaves nothing.
package final class PendingFile {
  /// Where to write: `partial-PROCESS-NAME` beside the file. What is no plain file, such as a pipe, is written directly.
  package let temporary: String
  private let target: String
  private var isPending: Bool

  /// Links are followed: the file that they lead to is replaced, not the link.
  /// - Throws: a run error if what is there may not be replaced.
  package init(_ path: String) throws {
    var resolved = path
    if let real = realpath(path, nil) {
      resolved = String(cString: real)
      free(real)
    }
    target = resolved
    var status = stat()
    let exists = stat(resolved, &status) == 0
    guard !exists || status.st_mode & S_IFMT == S_IFREG else {
      guard status.st_mode & S_IFMT != S_IFDIR else { throw SystemFailure.error("write", path, EISDIR) }
      temporary = resolved
      isPending = false
      return
    }
    guard !exists || access(resolved, W_OK) == 0 else { throw SystemFailure.error("write", path) }
    let slash = resolved.lastIndex(of: "/")
    let folder = slash.map { resolved[...$0] } ?? ""
    temporary = "\(folder)partial-\(getpid())-\(resolved.dropFirst(folder.count))"
    isPending = true
  }

  deinit {
    if isPending { unlink(temporary) }
  }

  /// Gives the file its name. It must have been closed.
  package func commit() throws {
    guard isPending else { return }
    isPending = false
    var status = stat()
    if stat(target, &status) == 0 { chmod(temporary, status.st_mode & 0o777) }
    try AtomicFile.publish(temporary, as: target)
  }
}

/// Free space of filesystems.
package enum DiskSpace {
  /// Bytes that this user may still write where `path` is, or where its nearest existing parent is.
  package static func available(_ path: String) throws -> Int {
    var place = path.isEmpty ? "." : path
    var status = statvfs()
    while statvfs(place, &status) != 0 {
      guard errno == ENOENT, place != "/", place != "." else {
        throw SystemFailure.error("find the free disk space of", path)
      }
      let slash = place.lastIndex(of: "/")
      place = slash.map { $0 == place.startIndex ? "/" : String(place[..<$0]) } ?? "."
    }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }
}

extension JSONEncoder {
  /// Numbers that are not finite become the texts "nan", "inf" and "-inf".
  package static var ofAnyNumber: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }
}

extension JSONDecoder {
  /// Reads what `JSONEncoder.ofAnyNumber` writes.
  package static var ofAnyNumber: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }
}
