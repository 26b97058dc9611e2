import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDParallel

#if canImport(Glibc)
  import Glibc
#endif

/// A checkpoint besides the atoms: the run's own section, and a section of JSON of each owner that has something to keep
/// ("stage", "long_range", observers by their names).
struct Checkpoint: Codable, Sendable {
  var header: CheckpointHeader
  var sections: [String: Data] = [:]

  /// The section of an owner, nil if it had nothing to keep. `file` is named in errors.
  func section(_ owner: String, file: String) -> CheckpointSectionReader? {
    sections[owner].map { CheckpointSectionReader(file: file, name: owner, text: $0) }
  }
}

/// A section of JSON on its way back to its owner.
struct CheckpointSectionReader {
  let file: String
  let name: String
  let text: Data

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    do { return try JSONDecoder().decode(type, from: text) } catch {
      throw refuse("something else than expected (\(error))")
    }
  }

  /// The error for contents that no run writes.
  func refuse(_ what: String) -> FaultlineError {
    FaultlineError(
      .input, "checkpoint \(file) holds in its section '\(name)' what no run writes: \(what)",
      hint: "it was not written by this program, or changed since", isCollective: true)
  }

  func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if !condition { throw refuse(what()) }
  }
}

/// A checkpoint's own section.
struct CheckpointHeader: Codable, Sendable {
  static let section = "run"

  /// Version of the program that wrote it; the container has its own format version.
  var version = faultlineVersion
  var deck: DeckSource
  var title: String?
  var clock: Clock
  var species: [String]
  /// Those that no atom has.
  var unused: [String]
  var masses: [Double]
  var cell: [Double]
  var origin: [Double]
  var periodic: Periodicity
  /// The bricks' planes; used again on the same number of ranks, so that atoms stay where they are.
  var ranks: Int
  var cuts: [[Double]]
  var groups: [String]
  /// Of run.json.
  var warnings: [RunSummary.Warning]
  var atoms: Int
  /// Atoms a chunk: the atoms stand in order of their ids in sections "column@first row".
  var chunk = 0
  var columns: [String] = []
  /// Owners of further sections.
  var owners: [String] = []
  /// Bytes of each output file that belong to the run up to here, and their checksums.
  var files: [String: Int] = [:]
  var checksums: [String: FileChecksum] = [:]
  /// Of the potentials' files, by path.
  var inputs: [String: FileChecksum]

  var box: Box {
    Box(cell: Matrix3(cell), origin: Vector3(origin[0], origin[1], origin[2]), periodic: periodic)
  }
}

enum CheckpointFile {
  private static let chunk = 131_072

  /// Columns that checkpoints hold, in the order of the store.
  static func columns(of atoms: AtomStore) -> [ColumnStorage] {
    atoms.columns.filter { $0.roles.contains(.checkpointed) }
  }

  /// Gathers the atoms and writes the file on rank 0. Collective; throws on every rank if it fails.
  static func write(_ checkpoint: Checkpoint, system: DistributedSystem, to store: CheckpointStore) throws {
    let communicator = system.communicator
    let columns = columns(of: system.atoms)
    var header = checkpoint.header
    header.owners = checkpoint.sections.keys.sorted()
    header.chunk = chunk
    header.columns = columns.map(\.name)
    var writer: CheckpointWriter?
    try communicator.agree {
      guard communicator.isRoot else { return }
      let fresh = try CheckpointWriter(store.path(step: header.clock.step))
      try fresh.writeJSON(header, named: CheckpointHeader.section)
      for owner in header.owners { try fresh.write(json: checkpoint.sections[owner] ?? Data(), named: owner) }
      writer = fresh
    }
    try Gather.inOrder(columns, of: system.atoms, chunk: chunk, communicator: communicator) { rows, buffers in
      for (column, bytes) in zip(columns, buffers) {
        let element = element(of: column)
        writer?.begin(
          name(column.name, rows.lowerBound), element, width: column.payload / element.size, count: rows.count)
        try writer?.append(bytes)
        writer?.end()
      }
    }
    try communicator.agree {
      guard communicator.isRoot else { return }
      try writer?.commit()
      store.prune(after: header.clock.step)
    }
  }

  /// All of an opened checkpoint besides the atoms, on every rank. Collective.
  static func read(_ reader: CheckpointReader?, communicator: any Communicator) throws -> Checkpoint {
    let bytes = try communicator.fromRoot {
      guard let reader else { return [] }
      let header = try reader.readJSON(CheckpointHeader.self, named: CheckpointHeader.section)
      try CheckpointCheck(file: reader.path).check(header)
      var checkpoint = Checkpoint(header: header)
      for owner in header.owners { checkpoint.sections[owner] = try reader.json(named: owner) }
      return [UInt8](try JSONEncoder().encode(checkpoint))
    }
    return try JSONDecoder().decode(Checkpoint.self, from: Data(bytes))
  }

  /// Hands the atoms to the ranks that own them. Collective; `reader` is rank 0's. Columns must have been declared.
  static func load(
    _ header: CheckpointHeader, from reader: CheckpointReader?, to atoms: AtomStore, domain: Domain,
    communicator: any Communicator
  ) throws {
    let columns = try header.columns.map { name in
      guard let column = atoms.column(named: name) else {
        throw FaultlineError(
          .input, "the checkpoint has the column '\(name)', which this deck's potentials do not know",
          isCollective: true)
      }
      return column
    }
    if let missing = self.columns(of: atoms).first(where: { !header.columns.contains($0.name) }) {
      throw FaultlineError(
        .input, "the checkpoint lacks the column '\(missing.name)', which this deck's potentials need",
        isCollective: true)
    }
    guard let place = header.columns.firstIndex(of: "position") else {
      throw FaultlineError(.input, "the checkpoint has no positions", isCollective: true)
    }
    let box = header.box
    let buffers = columns.map { _ in AlignedBuffer<UInt8>() }
    atoms.setLocalCount(0)
    var lastID: Int64 = 0
    for first in stride(from: 0, to: header.atoms, by: header.chunk) {
      let count = min(header.chunk, header.atoms - first)
      try communicator.agree {
        guard let reader else { return }
        // Before anything of this size is asked for.
        for column in columns {
          try CheckpointCheck(file: reader.path).check(
            reader.section(name(column.name, first)), element: element(of: column), payload: column.payload,
            count: count)
        }
      }
      let pieces = zip(columns, buffers).map { column, buffer in
        buffer.reserve(count * column.payload)
        return UnsafeMutableRawBufferPointer(start: buffer.pointer, count: count * column.payload)
      }
      try communicator.agree {
        guard let reader else { return }
        for (column, piece) in zip(columns, pieces) {
          let section = name(column.name, first)
          try reader.read(section, element(of: column), rows: 0..<count, into: piece)
          try CheckpointCheck(file: reader.path).check(
            column.name, section, UnsafeRawBufferPointer(piece), rows: count, last: &lastID, header)
        }
      }
      for piece in pieces { communicator.broadcast(piece, from: 0) }
      for k in 0..<count {
        let r = UnsafeRawPointer(buffers[place].pointer).loadUnaligned(fromByteOffset: 24 * k, as: Packed.self)
        guard domain.owner(of: box.fractional(Vector3(r.x, r.y, r.z))) == communicator.rank else { continue }
        let i = atoms.localCount
        atoms.setLocalCount(i + 1)
        for (column, buffer) in zip(columns, buffers) {
          memcpy(column.base + i * column.stride, buffer.pointer + k * column.payload, column.payload)
        }
      }
    }
    atoms.shift.storage.clear(0..<atoms.localCount)
  }

  /// A position as it is packed.
  private struct Packed: BitwiseCopyable {
    var x, y, z: Double
  }

  private static func name(_ column: String, _ first: Int) -> String { "\(column)@\(first)" }

  private static func element(of column: ColumnStorage) -> CheckpointElement {
    switch column.scalar {
    case .f64: .float64
    case .i64: .int64
    case .i32: .int32
    case .u32: .uint32
    }
  }
}
