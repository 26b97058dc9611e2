import MDCore
import MDIO
import MDNumerics

/// A chunk of a checkpoint's atoms on the rank that reads it.
struct CheckpointRows {
  private let header: CheckpointHeader
  private let columns: [ColumnStorage]
  private let buffers: [AlignedBuffer<UInt8>]
  private let box: Box
  private let position: Int
  private let id: Int
  private var first = 0
  private var count = 0
  /// Bytes of an atom.
  let record: Int

  /// `columns` are the header's, in its order; it names ids and positions (`CheckpointCheck`).
  init(_ header: CheckpointHeader, _ columns: [ColumnStorage], box: Box) {
    self.header = header
    self.columns = columns
    self.box = box
    buffers = columns.map { _ in AlignedBuffer<UInt8>() }
    position = header.columns.firstIndex(of: "position")!
    id = header.columns.firstIndex(of: "id")!
    record = columns.reduce(0) { $0 + $1.payload }
  }

  /// Reads the columns of `count` rows from row `first` on, whose sections must be of that size.
  mutating func read(_ first: Int, _ count: Int, from reader: CheckpointReader) throws {
    (self.first, self.count) = (first, count)
    let check = CheckpointCheck(file: reader.path)
    // Before anything of this size is asked for.
    for column in columns {
      try check.check(
        reader.section(CheckpointFile.name(column.name, first)), element: CheckpointFile.element(of: column),
        payload: column.payload, count: count)
    }
    for (k, column) in columns.enumerated() {
      buffers[k].reserve(count * column.payload)
      try reader.read(
        CheckpointFile.name(column.name, first), CheckpointFile.element(of: column), rows: 0..<count,
        into: UnsafeMutableRawBufferPointer(start: buffers[k].pointer, count: count * column.payload))
    }
  }

  /// The id of the last row.
  var lastID: Int64 { raw(id).loadUnaligned(fromByteOffset: 8 * (count - 1), as: Int64.self) }

  /// That the values are such as runs write; `before` is the id of the row before the first.
  func check(file: String, after before: Int64) throws {
    var last = before
    for (k, column) in columns.enumerated() {
      try CheckpointCheck(file: file).check(
        column.name, CheckpointFile.name(column.name, first),
        UnsafeRawBufferPointer(start: buffers[k].pointer, count: count * column.payload), rows: count, last: &last,
        header)
    }
  }

  /// Fractional coordinates of a row.
  func place(_ row: Int) -> Vector3 {
    func number(_ k: Int) -> Double {
      raw(position).loadUnaligned(fromByteOffset: 24 * row + 8 * k, as: Double.self)
    }
    return box.fractional(Vector3(number(0), number(1), number(2)))
  }

  func pack(_ row: Int, into out: UnsafeMutableRawPointer) {
    var out = out
    for (k, column) in columns.enumerated() {
      out.copyMemory(from: raw(k) + row * column.payload, byteCount: column.payload)
      out += column.payload
    }
  }

  /// A packed row to a row of the store.
  func unpack(_ row: UnsafeRawPointer, to i: Int) {
    var row = row
    for column in columns {
      (column.base + i * column.stride).copyMemory(from: row, byteCount: column.payload)
      row += column.payload
    }
  }

  private func raw(_ k: Int) -> UnsafeRawPointer { UnsafeRawPointer(buffers[k].pointer) }
}
