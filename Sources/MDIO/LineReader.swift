import CZlib
import Glibc
import MDCore

/// Lines of a text file, plain or gzip, read in blocks; a line is a view of the buffer until the next call.
package final class LineReader {
  package let path: String
  /// The number of the line returned last, from 1.
  package private(set) var number = 0
  private let file: gzFile
  private var buffer: UnsafeMutablePointer<UInt8>
  private var capacity = 1 << 20
  private var start = 0
  private var end = 0
  private var finished = false
  private var pushedBack: Field?
  private static let longestLine = 1 << 26

  /// Throws when the file is not there, is a directory or cannot be opened. Contents decide whether it is gzip.
  package init(_ path: String) throws {
    self.path = path
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw FaultlineError(.input, "cannot read \(path): \(String(cString: strerror(errno)))")
    }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw FaultlineError(.input, "cannot read \(path): it is a directory")
    }
    guard let file = gzopen(path, "rb") else {
      throw FaultlineError(.input, "cannot read \(path): \(String(cString: strerror(errno)))")
    }
    self.file = file
    gzbuffer(file, 1 << 18)
    buffer = .allocate(capacity: capacity)
  }

  deinit {
    gzclose(file)
    buffer.deallocate()
  }

  /// The next line without its end (`\n` or `\r\n`), nil at the end of the file.
  package func next() throws -> Field? {
    if let line = pushedBack {
      pushedBack = nil
      number += 1
      return line
    }
    var searched = start
    while true {
      if searched < end, let found = memchr(buffer + searched, 0x0A, end - searched) {
        let stop = found.assumingMemoryBound(to: UInt8.self) - buffer
        defer { start = stop + 1 }
        return line(to: stop)
      }
      searched = end
      if finished {
        guard start < end else { return nil }
        defer { start = end }
        return line(to: end)
      }
      let moved = try fill()
      searched -= moved
    }
  }

  /// Makes `next` return the same line again.
  package func unread(_ line: Field) {
    pushedBack = line
    number -= 1
  }

  /// Where the next line begins.
  package struct Place: Sendable {
    /// Of the text, of a compressed file of what it holds.
    fileprivate var byte: Int
    fileprivate var number: Int
  }

  package var place: Place {
    let at = pushedBack.map { $0.baseAddress! - UnsafePointer(buffer) } ?? start
    return Place(byte: Int(gztell(file)) - (end - at), number: number)
  }

  /// Goes on at a place of this file; a compressed one is read again up to it where the place is behind.
  package func seek(to place: Place) throws {
    guard gzseek(file, place.byte, SEEK_SET) >= 0 else { throw error("cannot go to byte \(place.byte) of the file") }
    (start, end, finished, pushedBack, number) = (0, 0, false, nil, place.number)
  }

  private func line(to stop: Int) -> Field {
    number += 1
    var length = stop - start
    if length > 0, buffer[stop - 1] == 0x0D { length -= 1 }
    return Field(start: buffer + start, count: length)
  }

  /// Reads a block behind what is left; returns by how much that was moved down.
  private func fill() throws -> Int {
    let moved = start
    let left = end - start
    if left > 0, moved > 0 { memmove(buffer, buffer + start, left) }
    start = 0
    end = left
    if left > capacity / 2 {
      guard capacity < Self.longestLine else {
        throw FaultlineError(
          .input, "a line is longer than \(Self.longestLine >> 20) MiB; this is not a text file of atoms",
          at: SourceLocation(file: path, line: number + 1))
      }
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * capacity)
      larger.update(from: buffer, count: left)
      buffer.deallocate()
      buffer = larger
      capacity *= 2
    }
    let got = gzread(file, buffer + end, UInt32(capacity - end))
    if got <= 0 {
      finished = true
      var code: Int32 = 0
      let text = gzerror(file, &code)
      if got < 0 || code != Z_OK {
        let told = text.map { String(cString: $0) } ?? ""
        let reason = code == Z_BUF_ERROR ? "the compressed data end too early" : told
        throw FaultlineError(
          .input, "cannot read the file: \(reason)", at: SourceLocation(file: path, line: number + 1))
      }
    } else {
      end += Int(got)
    }
    return moved
  }

  /// An error at a field of the current line, or of another.
  package func error(
    _ message: String, hint: String? = nil, line: Int? = nil, column: Int? = nil
  ) -> FaultlineError {
    FaultlineError(
      .input, message, hint: hint, at: SourceLocation(file: path, line: line ?? max(number, 1), column: column))
  }
}

/// Splits a line at blanks.
package struct FieldScanner {
  package let line: Field
  package private(set) var position = 0
  /// Where the field returned last begins, from 1.
  package private(set) var column = 1

  package init(_ line: Field) { self.line = line }

  @inline(__always)
  package mutating func next() -> Field? {
    let n = line.count
    while position < n, line[position] == 0x20 || line[position] == 0x09 { position += 1 }
    column = position + 1
    guard position < n else { return nil }
    let first = position
    while position < n, line[position] != 0x20, line[position] != 0x09 { position += 1 }
    return Field(rebasing: line[first..<position])
  }

  /// All the fields as strings, for headers.
  package static func strings(_ line: Field) -> [String] {
    var scanner = FieldScanner(line)
    var out: [String] = []
    while let field = scanner.next() { out.append(String(decoding: field, as: UTF8.self)) }
    return out
  }
}
