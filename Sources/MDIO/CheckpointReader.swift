import FoundationEssentials
import Glibc
import MDCore

/// Opens a checkpoint after verifying every byte of it; see `CheckpointFormat`.
package final class CheckpointReader {
  package let path: String
  package private(set) var sections: [CheckpointSection] = []
  private let descriptor: Int32

  /// - Parameter verify: false reads only the table, for ranks that open what the root has verified just now.
  /// - Throws: an input error that names the file and the reason: not a checkpoint, a newer format, cut short, or the
  ///   section that is damaged.
  package init(_ path: String, verify: Bool = true) throws {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw FaultlineError(.input, "cannot read checkpoint \(path): \(String(cString: strerror(errno)))")
    }
    try readTable()
    guard verify else { return }
    for section in sections { try self.verify(section) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  private func refuse(_ reason: String) -> FaultlineError { FaultlineError(.input, "checkpoint \(path) \(reason)") }

  private func readTable() throws {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw refuse("is not a file")
    }
    let size = Int(status.st_size)
    let magic = CheckpointFormat.magic
    let head = try bytes(at: 0, min(size, magic.count))
    guard head == magic else {
      let stem = Array(CheckpointFormat.magicStem.utf8)
      if head.starts(with: stem), size >= magic.count {
        let rest = try bytes(at: stem.count, min(size - stem.count, 20))
        let version = String(decoding: rest.prefix { $0 != 0x0A }, as: UTF8.self)
        throw refuse("has the format version \(version); this program reads version \(CheckpointFormat.version)")
      }
      if magic.starts(with: head) { throw refuse("is cut short: it has only \(size) bytes") }
      throw refuse("is not a Faultline checkpoint")
    }
    let end = CheckpointFormat.endMagic
    let tail = end.count + CheckpointFormat.footerLength
    guard size >= magic.count + tail, try bytes(at: size - end.count, end.count) == end else {
      throw refuse("is cut short or damaged at its end")
    }
    let footer = try bytes(at: size - tail, CheckpointFormat.footerLength)
    let length = footer.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    let checksum = footer.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self)) }
    guard length <= UInt64(size - tail - magic.count) else { throw refuse("is damaged in its table of sections") }
    let start = size - tail - Int(length)
    let table = try bytes(at: start, Int(length))
    guard table.withUnsafeBytes({ CheckpointFormat.checksum($0) }) == checksum,
      let list = try? JSONDecoder().decode([CheckpointSection].self, from: Data(table))
    else { throw refuse("is damaged in its table of sections") }
    var place = magic.count
    for section in list {
      guard section.offset == place, section.bytes >= 0, section.count >= 0, (1...1 << 32).contains(section.width),
        section.bytes == section.count.multipliedReportingOverflow(by: section.stride).partialValue
      else { throw refuse("is damaged in its table of sections") }
      place += section.bytes
    }
    guard place == start else { throw refuse("is damaged: sections and table do not meet") }
    sections = list
  }

  private func verify(_ section: CheckpointSection) throws {
    var buffer = [UInt8](repeating: 0, count: min(section.bytes, 1 << 20))
    var checksum: UInt32 = 0
    var done = 0
    while done < section.bytes {
      let n = min(buffer.count, section.bytes - done)
      try buffer.withUnsafeMutableBytes {
        let piece = UnsafeMutableRawBufferPointer(rebasing: $0[..<n])
        try read(at: section.offset + done, into: piece)
        checksum = CheckpointFormat.checksum(UnsafeRawBufferPointer(piece), from: checksum)
      }
      done += n
    }
    guard checksum == section.checksum else { throw refuse("is damaged in its section '\(section.name)'") }
  }

  package func has(_ name: String) -> Bool { sections.contains { $0.name == name } }

  package func section(_ name: String) throws -> CheckpointSection {
    guard let section = sections.first(where: { $0.name == name }) else {
      throw refuse("has no section '\(name)'")
    }
    return section
  }

  /// The text of a section of JSON.
  package func json(named name: String) throws -> Data {
    let section = try expect(name, .json)
    return Data(try bytes(at: section.offset, section.bytes))
  }

  /// Decodes a section of JSON.
  package func readJSON<T: Decodable>(_ type: T.Type, named name: String) throws -> T {
    let text = try json(named: name)
    do {
      return try JSONDecoder().decode(type, from: text)
    } catch {
      throw refuse("holds in its section '\(name)' something else than expected: \(error)")
    }
  }

  /// A whole column.
  package func column<T: CheckpointNumber>(_ type: T.Type, named name: String) throws -> [T] {
    let section = try expect(name, T.checkpointElement)
    return try [T](unsafeUninitializedCapacity: section.count * section.width) { place, count in
      try read(at: section.offset, into: UnsafeMutableRawBufferPointer(place))
      count = section.count * section.width
    }
  }

  /// Rows of a column into memory of `rows.count · stride` bytes.
  package func read(
    _ name: String, _ element: CheckpointElement, rows: Range<Int>, into place: UnsafeMutableRawBufferPointer
  ) throws {
    let section = try expect(name, element)
    precondition(rows.lowerBound >= 0 && rows.upperBound <= section.count, "rows beyond section \(name)")
    precondition(place.count == rows.count * section.stride, "memory does not fit the rows of section \(name)")
    try read(at: section.offset + rows.lowerBound * section.stride, into: place)
  }

  private func expect(_ name: String, _ element: CheckpointElement) throws -> CheckpointSection {
    let section = try section(name)
    guard section.element == element else {
      throw refuse("holds \(section.element.rawValue) in its section '\(name)' where \(element.rawValue) is expected")
    }
    return section
  }

  private func bytes(at offset: Int, _ count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { place, n in
      try read(at: offset, into: UnsafeMutableRawBufferPointer(place))
      n = count
    }
  }

  private func read(at offset: Int, into place: UnsafeMutableRawBufferPointer) throws {
    var done = 0
    while done < place.count {
      let n = pread(descriptor, place.baseAddress! + done, place.count - done, off_t(offset + done))
      if n > 0 {
        done += n
      } else if n == 0 {
        throw refuse("became shorter while it was read")
      } else if errno != EINTR {
        throw refuse("cannot be read: \(String(cString: strerror(errno)))")
      }
    }
  }
}
