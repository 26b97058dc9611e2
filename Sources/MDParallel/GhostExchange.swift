import MDCore
import MDNumerics

/// Keeps the atoms of one rank with their owners (`migrate`), gives it the ghosts it needs (`border`), and
/// moves columns between atoms and ghosts (`forward`, `reverse`).
///
/// With bricks of a tensor product ghosts are made axis by axis: along each, every rank passes what its neighbour must see on to
/// that neighbour, in both directions, including ghosts of the axes before (so edges and corners need no messages of
/// their own) and, where bricks are thinner than the width, ghosts received in the hop before (Plimpton,
/// J. Comput. Phys. 117, 1995). A periodic axis on one rank is its own neighbour. Staggered bricks have neighbours of their own
/// each, to all of which they send at once. Either is a table of `stages`; forward goes through it, reverse backwards.
package final class GhostExchange: GhostCommunicator {
  package let atoms: AtomStore
  package let communicator: any Communicator
  /// May be replaced by any other of as many ranks before `migrate`, which sends each atom to its owner, however far.
  package var domain: Domain

  /// Rows `list[start ..< start + count]` become ghosts of a rank.
  struct Outgoing {
    var rank: Int
    /// Added to the sender's shift.
    var shift: SIMD3<Int32>
    /// shift·H of the present box, Å.
    var move: Vector3
    var start: Int
    var count: Int
    /// The first of these ghosts, where the rank is this one: rows are copied without a message.
    var ghost = 0
  }

  /// Ghosts `first ..< first + count` come from a rank.
  struct Incoming {
    var rank: Int
    var first = 0
    var count = 0
  }

  /// What is on the way at the same time; neither depends on the other. What goes to one rank or comes from it stands together
  /// and is one message.
  struct Stage {
    var outgoing: [Outgoing] = []
    var incoming: [Incoming] = []
  }

  var stages: [Stage] = []
  var list = AlignedBuffer<Int32>(capacity: 1024)
  let outgoing = AlignedBuffer<UInt8>(capacity: 4096)
  let incoming = AlignedBuffer<UInt8>(capacity: 4096)
  /// What `forward` and `reverse` took so far, seconds: mostly waiting for others.
  package private(set) var seconds = 0.0
  /// Calls of `forward` and `reverse` so far, and the bytes of a ghost in all of them: the same on any number of ranks.
  package private(set) var calls = 0
  package private(set) var bytesOfGhost = 0

  package struct Statistics: Equatable, Sendable {
    package var ghosts = 0
    /// Messages sent by a forward or reverse.
    package var messages = 0
    /// Bytes sent by `forwardPositions`.
    package var bytes = 0
  }
  /// Of this rank, for the present ghosts.
  package internal(set) var statistics = Statistics()

  func forgetGhosts() {
    atoms.dropGhosts()
    stages.removeAll(keepingCapacity: true)
    statistics = Statistics()
  }

  package init(atoms: AtomStore, domain: Domain, communicator: any Communicator) {
    self.atoms = atoms
    self.domain = domain
    self.communicator = communicator
  }

  /// Moves the ghosts to their owners' present positions, with the image shifts of the present box
  /// (which may have deformed since `border`).
  package func forwardPositions(box: Box) {
    setMoves(box)
    forward([atoms.position.storage])
  }

  func setMoves(_ box: Box) {
    for k in stages.indices {
      for j in stages[k].outgoing.indices { stages[k].outgoing[j].move = box.move(stages[k].outgoing[j].shift) }
    }
  }

  package func forward(_ columns: [ColumnStorage]) {
    let started = ContinuousClock.now
    let record = columns.reduce(0) { $0 + $1.payload }
    calls += 1
    bytesOfGhost += record
    for stage in stages {
      for piece in stage.outgoing where piece.rank == communicator.rank {
        for column in columns { copyToGhosts(column, rows(piece), piece) }
      }
      let sends = parcels(stage.outgoing.lazy.map { ($0.rank, $0.count * record) })
      let receives = parcels(stage.incoming.lazy.map { ($0.rank, $0.count * record) })
      if sends.isEmpty, receives.isEmpty { continue }
      reserve(sends, receives)
      var offset = 0
      for piece in stage.outgoing where piece.rank != communicator.rank {
        offset += pack(columns, piece, into: outgoing.pointer + offset)
      }
      communicator.exchange(sends, from: outgoing.pointer, receives, into: incoming.pointer, tag: Tag.forward)
      offset = 0
      for piece in stage.incoming { offset += unpack(columns, piece, from: incoming.pointer + offset) }
    }
    seconds += (ContinuousClock.now - started) / .seconds(1)
  }

  package func reverse(_ columns: [ColumnStorage]) {
    let started = ContinuousClock.now
    let record = columns.reduce(0) { $0 + $1.payload }
    calls += 1
    bytesOfGhost += record
    for stage in stages.reversed() {
      // What came in goes out.
      let sends = parcels(stage.incoming.lazy.map { ($0.rank, $0.count * record) })
      let receives = parcels(stage.outgoing.lazy.map { ($0.rank, $0.count * record) })
      reserve(sends, receives)
      var offset = 0
      for piece in stage.incoming {
        packGhosts(columns, piece.first, piece.count, into: outgoing.pointer + offset)
        offset += piece.count * record
      }
      communicator.exchange(sends, from: outgoing.pointer, receives, into: incoming.pointer, tag: Tag.reverse)
      offset = 0
      for piece in stage.outgoing {
        if piece.rank == communicator.rank {
          outgoing.reserve(piece.count * record)
          packGhosts(columns, piece.ghost, piece.count, into: outgoing.pointer)
          accumulate(columns, piece, from: outgoing.pointer)
        } else {
          accumulate(columns, piece, from: incoming.pointer + offset)
          offset += piece.count * record
        }
      }
    }
    seconds += (ContinuousClock.now - started) / .seconds(1)
  }

  private func rows(_ piece: Outgoing) -> UnsafeBufferPointer<Int32> {
    UnsafeBufferPointer(start: list.pointer + piece.start, count: piece.count)
  }

  /// The messages of pieces for other ranks, which lie one behind the other; those without bytes are not sent.
  func parcels(_ pieces: some Sequence<(rank: Int, bytes: Int)>) -> [Parcel] {
    var parcels: [Parcel] = []
    var offset = 0
    for (rank, bytes) in pieces where bytes > 0 && rank != communicator.rank {
      if let last = parcels.indices.last, parcels[last].rank == rank {
        parcels[last].count += bytes
      } else {
        parcels.append(Parcel(rank: rank, offset: offset, count: bytes))
      }
      offset += bytes
    }
    return parcels
  }

  /// Room for the messages.
  func reserve(_ sends: [Parcel], _ receives: [Parcel]) {
    outgoing.reserve(sends.reduce(0) { $0 + $1.count })
    incoming.reserve(receives.reduce(0) { $0 + $1.count })
  }

  /// Rows of columns, column after column; returns how many bytes.
  func pack(_ columns: [ColumnStorage], _ piece: Outgoing, into out: UnsafeMutableRawPointer) -> Int {
    var offset = 0
    for column in columns {
      pack(column, rows(piece), piece.move, into: out + offset)
      offset += piece.count * column.payload
    }
    return offset
  }

  /// A message's piece to its ghosts; returns how many bytes.
  func unpack(_ columns: [ColumnStorage], _ piece: Incoming, from bytes: UnsafeRawPointer) -> Int {
    var offset = 0
    for column in columns {
      column.unpack(piece.count, at: piece.first, from: bytes + offset)
      offset += piece.count * column.payload
    }
    return offset
  }

  private func accumulate(_ columns: [ColumnStorage], _ piece: Outgoing, from bytes: UnsafeRawPointer) {
    var from = bytes
    for column in columns {
      column.accumulate(rows(piece), from: from)
      from += piece.count * column.payload
    }
  }

  /// Positions are shifted by `move`.
  private func pack(
    _ column: ColumnStorage, _ rows: UnsafeBufferPointer<Int32>, _ move: Vector3, into out: UnsafeMutableRawPointer
  ) {
    guard column.roles.contains(.coordinate) else {
      column.pack(rows, into: out)
      return
    }
    let positions = column.base.assumingMemoryBound(to: Vector3.self)
    for k in 0..<rows.count {
      let r = positions[Int(rows[k])] + move
      out.storeBytes(of: r.x, toByteOffset: 24 * k, as: Double.self)
      out.storeBytes(of: r.y, toByteOffset: 24 * k + 8, as: Double.self)
      out.storeBytes(of: r.z, toByteOffset: 24 * k + 16, as: Double.self)
    }
  }

  /// Ghosts' rows, column after column.
  private func packGhosts(_ columns: [ColumnStorage], _ first: Int, _ count: Int, into bytes: UnsafeMutableRawPointer) {
    var out = bytes
    for column in columns {
      let from = column.base + column.stride * first
      if column.stride == column.payload {
        out.copyMemory(from: from, byteCount: count * column.payload)
      } else {
        for k in 0..<count {
          (out + column.payload * k).copyMemory(from: from + column.stride * k, byteCount: column.payload)
        }
      }
      out += count * column.payload
    }
  }

  /// Forward of a piece for this rank itself.
  func copyToGhosts(_ column: ColumnStorage, _ rows: UnsafeBufferPointer<Int32>, _ piece: Outgoing) {
    if column.roles.contains(.coordinate) {
      let positions = column.base.assumingMemoryBound(to: Vector3.self)
      let ghosts = positions + piece.ghost
      for k in 0..<rows.count { ghosts[k] = positions[Int(rows[k])] + piece.move }
    } else if column.stride == 8 {
      let values = column.base.assumingMemoryBound(to: UInt64.self)
      let ghosts = values + piece.ghost
      for k in 0..<rows.count { ghosts[k] = values[Int(rows[k])] }
    } else {
      for k in 0..<rows.count { column.copyRow(Int(rows[k]), to: piece.ghost + k) }
    }
  }
}
