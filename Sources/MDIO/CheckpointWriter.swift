import FoundationEssentials
import Glibc
import MDCore

/// Writes a checkpoint section by section; see `CheckpointFormat`. Nothing stands under the final name until `commit`.
package final class CheckpointWriter {
  package let path: String
  private let partial: String
  private var descriptor: Int32
  /// Where the next section begins.
  package private(set) var offset = 0
  private var sections: [CheckpointSection] = []
  private var open: (name: String, element: CheckpointElement, width: Int, count: Int, start: Int, checksum: UInt32)?

  /// Opens `path` with `AtomicFile.partialSuffix`, which is removed again if there is no `commit`. Throws when it cannot be
  /// opened or written.
  package init(_ path: String) throws {
    self.path = path
    partial = Self.partial(path)
    descriptor = Glibc.open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemFailure.error("write checkpoint", partial) }
    try put(CheckpointFormat.magic)
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(partial)
  }

  /// What the file is called until `commit`.
  package static func partial(_ path: String) -> String { path + AtomicFile.partialSuffix }

  package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { CheckpointFormat.checksum(bytes) }

  /// A section of JSON.
  package func writeJSON(_ value: some Encodable, named name: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let text: Data
    do {
      text = try encoder.encode(value)
    } catch {
      throw FaultlineError(.run, "checkpoint section \(name) cannot be encoded: \(error)")
    }
    try write(json: text, named: name)
  }

  /// A section of JSON that is encoded already.
  package func write(json text: Data, named name: String) throws {
    begin(name, .json, width: 1, count: text.count)
    try text.withUnsafeBytes { try append($0) }
    end()
  }

  /// A whole column, `width` numbers a row.
  package func write<T: CheckpointNumber>(_ values: [T], width: Int = 1, named name: String) throws {
    begin(name, T.checkpointElement, width: width, count: values.count / width)
    try values.withUnsafeBytes { try append($0) }
    end()
  }

  /// Begins a column of `count` rows that comes in pieces; `append` them, then `end`.
  package func begin(_ name: String, _ element: CheckpointElement, width: Int, count: Int) {
    precondition(open == nil, "section \(name) begins before the last one ended")
    precondition(!sections.contains { $0.name == name }, "section \(name) is written twice")
    open = (name, element, width, count, offset, 0)
  }

  /// Little-endian bytes of the open section.
  package func append(_ bytes: UnsafeRawBufferPointer) throws {
    guard let section = open else { preconditionFailure("no section is open") }
    open?.checksum = CheckpointFormat.checksum(bytes, from: section.checksum)
    try put(bytes)
  }

  /// Ends the open section, which must have got as many bytes as `begin` announced.
  package func end() {
    guard let section = open else { preconditionFailure("no section is open") }
    let bytes = section.element.size * section.width * section.count
    precondition(offset - section.start == bytes, "section \(section.name) did not get the rows it announced")
    sections.append(
      CheckpointSection(
        name: section.name, element: section.element, width: section.width, count: section.count,
        offset: section.start, bytes: bytes, checksum: section.checksum))
    open = nil
  }

  /// A column that another rank writes behind the sections before it (`PieceWriter`), with the checksum of its bytes.
  package func add(_ name: String, _ element: CheckpointElement, width: Int, count: Int, checksum: UInt32) {
    precondition(open == nil, "section \(name) begins before the last one ended")
    let bytes = element.size * width * count
    sections.append(
      CheckpointSection(
        name: name, element: element, width: width, count: count, offset: offset, bytes: bytes, checksum: checksum))
    offset += bytes
  }

  /// Writes the table, brings all to the disk and gives the file its name.
  package func commit() throws {
    precondition(open == nil, "a section is still open")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let table = try [UInt8](encoder.encode(sections))
    try put(table)
    let checksum = table.withUnsafeBytes { CheckpointFormat.checksum($0) }
    try withUnsafeBytes(of: UInt64(table.count).littleEndian) { try put($0) }
    try withUnsafeBytes(of: checksum.littleEndian) { try put($0) }
    try put(CheckpointFormat.endMagic)
    guard fsync(descriptor) == 0 else { throw SystemFailure.error("synchronise", partial) }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else {
      let error = SystemFailure.error("close", partial)
      unlink(partial)
      throw error
    }
    try AtomicFile.publish(partial, as: path)
  }

  private func put(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try put($0) } }

  private func put(_ bytes: UnsafeRawBufferPointer) throws {
    try SystemFailure.writeAll(descriptor, bytes, at: offset, partial)
    offset += bytes.count
  }
}
