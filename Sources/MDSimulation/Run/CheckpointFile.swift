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

  /// Writes the file: rank 0 all but the atoms, the writers these, a chunk each in turn at places that all know.
  /// Collective; throws on every rank if it fails.
  static func write(
    _ checkpoint: Checkpoint, system: DistributedSystem, to store: CheckpointStore, writers: Writers
  ) throws {
    let communicator = system.communicator
    let columns = columns(of: system.atoms)
    var header = checkpoint.header
    header.owners = checkpoint.sections.keys.sorted()
    header.chunk = chunk
    header.columns = columns.map(\.name)
    let path = store.path(step: header.clock.step)
    let writer = try communicator.agree { () -> CheckpointWriter? in
      guard communicator.isRoot else { return nil }
      let fresh = try CheckpointWriter(path)
      try fresh.writeJSON(header, named: CheckpointHeader.section)
      for owner in header.owners { try fresh.write(json: checkpoint.sections[owner] ?? Data(), named: owner) }
      return fresh
    }
    let start = communicator.allGather(writer?.offset ?? 0)[0]
    let hand = try communicator.agree {
      writers.ranks.contains(communicator.rank) ? try PieceWriter(CheckpointWriter.partial(path)) : nil
    }
    let record = columns.reduce(0) { $0 + $1.payload }
    var written: [Double] = []
    try Gather.inOrder(
      columns, of: system.atoms, chunk: chunk, writers: writers, communicator: communicator
    ) { piece in
      try communicator.agree {
        guard let hand, let piece else { return }
        var place = start + piece.rows.lowerBound * record
        for (k, bytes) in piece.buffers.enumerated() {
          _ = try hand.write(bytes, at: place)
          place += bytes.count
          written += [piece.rows.lowerBound, piece.rows.count, k].map { Double($0) }
          written.append(Double(CheckpointWriter.checksum(bytes)))
        }
      }
    }
    try communicator.agree {
      try hand?.synchronize()
      try hand?.finish()
    }
    let table = communicator.gather(written)
    try communicator.agree {
      guard let writer else { return }
      let rows = stride(from: 0, to: table.count, by: 4).map { Array(table[$0..<($0 + 4)]) }
      for row in rows.sorted(by: { ($0[0], $0[2]) < ($1[0], $1[2]) }) {
        let column = columns[Int(row[2])]
        let element = element(of: column)
        writer.add(
          name(column.name, Int(row[0])), element, width: column.payload / element.size, count: Int(row[1]),
          checksum: UInt32(row[3]))
      }
      try writer.commit()
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

  /// Reads the atoms on several ranks, a chunk each in turn, and hands them to the ranks that own them. Collective.
  /// `reader` is rank 0's, which has verified the file; columns must have been declared.
  static func load(
    _ header: CheckpointHeader, from reader: CheckpointReader?, at path: String, to atoms: AtomStore, domain: Domain,
    readers: Writers, communicator: any Communicator
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
    let seat = readers.ranks.firstIndex(of: communicator.rank)
    let mine = try communicator.agree {
      try reader ?? (seat == nil ? nil : CheckpointReader(path, verify: false))
    }
    var rows = CheckpointRows(header, columns, box: header.box)
    atoms.setLocalCount(0)
    var lastID: Int64 = 0
    for round in stride(from: 0, to: header.atoms, by: header.chunk * readers.count) {
      let first = round + (seat ?? 0) * header.chunk
      let count = seat == nil ? 0 : max(0, min(header.chunk, header.atoms - first))
      try communicator.agree {
        if let mine, count > 0 { try rows.read(first, count, from: mine) }
      }
      // Ids ascend over all chunks.
      let lasts = communicator.allGather(count > 0 ? Int(rows.lastID) : 0)
      let before = seat.map { $0 == 0 ? lastID : Int64(lasts[readers.ranks[$0 - 1]]) } ?? 0
      try communicator.agree {
        if let mine, count > 0 { try rows.check(file: mine.path, after: before) }
      }
      lastID = Int64(lasts.max() ?? 0)
      Deal.rows(
        count, record: rows.record, from: readers.ranks, communicator: communicator,
        owner: { domain.owner(of: rows.place($0)) }, pack: rows.pack,
        take: { row in
          let i = atoms.localCount
          atoms.setLocalCount(i + 1)
          rows.unpack(row, to: i)
        })
    }
    atoms.shift.storage.clear(0..<atoms.localCount)
  }

  static func name(_ column: String, _ first: Int) -> String { "\(column)@\(first)" }

  static func element(of column: ColumnStorage) -> CheckpointElement {
    switch column.scalar {
    case .f64: .float64
    case .i64: .int64
    case .i32: .int32
    case .u32: .uint32
    }
  }
}
