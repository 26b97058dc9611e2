import Foundation
import MDCore
import MDDeck
import MDIO
import MDNumerics
import MDParallel

#if canImport(Glibc)
  import Glibc
#endif

/// Everything in a checkpoint besides the atoms.
struct CheckpointHeader: Codable, Sendable {
  static let section = "run"

  /// Version of the program that wrote it; the container has its own format version.
  var version = faultlineVersion
  var deck: DeckSource
  var title: String?
  var clock: Clock
  /// nil when the last stage has ended.
  var stage: StageState?
  var species: [String]
  /// Those that no atom has; nil in checkpoints of programs that did not tell.
  var unused: [String]?
  var masses: [Double]
  var cell: [Double]
  var origin: [Double]
  var periodic: Periodicity
  /// The bricks' planes; used again on the same number of ranks, so that atoms stay where they are.
  var ranks: Int
  var cuts: [[Double]]
  var groups: [String]
  var geometry: BoundaryEnergy.Geometry?
  var boundaryEnergies: [RunSummary.Boundary]
  /// Of run.json; nil in checkpoints of programs without such.
  var warnings: [RunSummary.Warning]?
  /// The step of the last structure that the watch kept.
  var lastSelected: Int?
  /// What the potentials' long-range solvers had chosen, in their order; nil in checkpoints of programs without such.
  var longRange: [LongRangeParameters]?
  var atoms: Int
  /// Atoms a chunk: the atoms stand in order of their ids in sections "column@first row".
  var chunk: Int
  var columns: [String]
  /// Bytes of each output file that belong to the run up to here.
  var files: [String: Int]
  /// Of those bytes; nil in checkpoints of programs that did not keep them.
  var checksums: [String: FileChecksum]?
  /// Of the potentials' files, by path; nil likewise.
  var inputs: [String: FileChecksum]?

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
  static func write(
    _ header: CheckpointHeader, system: DistributedSystem, to store: CheckpointStore
  ) throws {
    let communicator = system.communicator
    let columns = columns(of: system.atoms)
    var header = header
    header.chunk = chunk
    header.columns = columns.map(\.name)
    var writer: CheckpointWriter?
    try communicator.agree {
      guard communicator.isRoot else { return }
      let fresh = try CheckpointWriter(store.path(step: header.clock.step))
      try fresh.writeJSON(header, named: CheckpointHeader.section)
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

  /// The header of an opened checkpoint on every rank. Collective.
  static func header(_ reader: CheckpointReader?, communicator: any Communicator) throws -> CheckpointHeader {
    let bytes = try communicator.fromRoot {
      guard let reader else { return [] }
      let header = try reader.readJSON(CheckpointHeader.self, named: CheckpointHeader.section)
      try CheckpointCheck(file: reader.path).check(header)
      return [UInt8](try JSONEncoder().encode(header))
    }
    return try JSONDecoder().decode(CheckpointHeader.self, from: Data(bytes))
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
    switch column.name {
    case "id": .int64
    case "species", "image": .int32
    case "groups": .uint32
    default: .float64
    }
  }
}
