import MDCore
import MDNumerics

/// Keeps the atoms of one rank with their owners (`migrate`), gives it the ghosts it needs (`border`), and
/// moves columns between atoms and ghosts (`forward`, `reverse`).
///
/// Ghosts are made axis by axis: along each, every rank passes what its neighbour must see on to that
/// neighbour, in both directions, including ghosts of the axes before (so edges and corners need no messages of
/// their own) and, where bricks are thinner than the width, ghosts received in the hop before (Plimpton,
/// J. Comput. Phys. 117, 1995). A periodic axis on one rank is its own neighbour. Each of these transfers is an
/// entry of one table, `swaps`; forward goes through the table, reverse goes through it backwards.
package final class GhostExchange: GhostCommunicator {
  package let atoms: AtomStore
  package let communicator: any Communicator
  /// May be replaced by any other of as many ranks before `migrate`, which sends each atom to its owner, however far.
  package var domain: Domain

  /// One transfer: rows `list[sendStart ..< sendStart + sendCount]` become the ghosts
  /// `firstGhost ..< firstGhost + receiveCount` of the destination.
  struct Swap {
    var destination: Int?
    var source: Int?
    /// Added to the sender's shift.
    var shift: SIMD3<Int32>
    /// shift·H of the present box, Å.
    var move: Vector3 = .zero
    var sendStart = 0
    var sendCount = 0
    var firstGhost = 0
    var receiveCount = 0
    /// The rank is its own neighbour: rows are copied without a message.
    var isLocal: Bool
  }

  var swaps: [Swap] = []
  var list = AlignedBuffer<Int32>(capacity: 1024)
  let outgoing = AlignedBuffer<UInt8>(capacity: 4096)
  let incoming = AlignedBuffer<UInt8>(capacity: 4096)

  package struct Statistics: Equatable, Sendable {
    package var ghosts = 0
    /// Messages sent by a forward or reverse.
    package var messages = 0
    /// Bytes sent by `forwardPositions`.
    package var bytes = 0
  }
  /// Of this rank, for the present ghosts.
  package internal(set) var statistics = Statistics()

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
    for k in swaps.indices {
      let s = swaps[k].shift
      swaps[k].move = Double(s.x) * box.cell.x + Double(s.y) * box.cell.y + Double(s.z) * box.cell.z
    }
  }

  package func forward(_ columns: [ColumnStorage]) {
    let record = columns.reduce(0) { $0 + $1.payload }
    for swap in swaps {
      let rows = UnsafeBufferPointer(start: list.pointer + swap.sendStart, count: swap.sendCount)
      if swap.isLocal {
        for column in columns { copyToGhosts(column, rows, swap) }
        continue
      }
      reserveBuffers(out: swap.sendCount * record, in: swap.receiveCount * record)
      pack(columns, rows, swap.move)
      transfer(
        swap.sendCount * record, to: swap.destination, swap.receiveCount * record, from: swap.source,
        tag: Tag.forward)
      unpack(columns, swap)
    }
  }

  package func reverse(_ columns: [ColumnStorage]) {
    let record = columns.reduce(0) { $0 + $1.payload }
    for swap in swaps.reversed() {
      let rows = UnsafeBufferPointer(start: list.pointer + swap.sendStart, count: swap.sendCount)
      // What came in goes out: the counts change places.
      reserveBuffers(out: swap.receiveCount * record, in: swap.sendCount * record)
      packGhosts(columns, swap)
      if !swap.isLocal {
        transfer(
          swap.receiveCount * record, to: swap.source, swap.sendCount * record, from: swap.destination,
          tag: Tag.reverse)
      }
      var from = UnsafePointer(swap.isLocal ? outgoing.pointer : incoming.pointer)
      for column in columns {
        column.accumulate(rows, from: from)
        from += swap.sendCount * column.payload
      }
    }
  }

  /// Sends what `outgoing` holds and fills `incoming`; sides without bytes send no message.
  func transfer(_ sendBytes: Int, to destination: Int?, _ receiveBytes: Int, from source: Int?, tag: Int) {
    let came = communicator.exchange(
      UnsafeRawBufferPointer(start: outgoing.pointer, count: sendBytes), to: sendBytes > 0 ? destination : nil,
      into: UnsafeMutableRawBufferPointer(start: incoming.pointer, count: receiveBytes),
      from: receiveBytes > 0 ? source : nil, tag: tag)
    // Not a precondition: those are gone (and believed) in unchecked builds.
    guard came == receiveBytes else {
      fatalError("ghost exchange: \(came) bytes came instead of \(receiveBytes)")
    }
  }

  @inline(__always)
  func reserveBuffers(out: Int, in bytes: Int) {
    outgoing.reserve(out)
    incoming.reserve(bytes)
  }

  /// Rows of columns to `outgoing`, column after column; returns how many bytes.
  @discardableResult
  func pack(_ columns: [ColumnStorage], _ rows: UnsafeBufferPointer<Int32>, _ move: Vector3) -> Int {
    var offset = 0
    for column in columns {
      pack(column, rows, move, into: outgoing.pointer + offset)
      offset += rows.count * column.payload
    }
    return offset
  }

  /// What `incoming` holds to the ghosts of a swap; returns how many bytes.
  @discardableResult
  func unpack(_ columns: [ColumnStorage], _ swap: Swap) -> Int {
    var offset = 0
    for column in columns {
      column.unpack(swap.receiveCount, at: swap.firstGhost, from: incoming.pointer + offset)
      offset += swap.receiveCount * column.payload
    }
    return offset
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

  /// The ghosts' rows of a swap to `outgoing`, column after column.
  private func packGhosts(_ columns: [ColumnStorage], _ swap: Swap) {
    var out = UnsafeMutableRawPointer(outgoing.pointer)
    for column in columns {
      let from = column.base + column.stride * swap.firstGhost
      if column.stride == column.payload {
        out.copyMemory(from: from, byteCount: swap.receiveCount * column.payload)
      } else {
        for k in 0..<swap.receiveCount {
          (out + column.payload * k).copyMemory(from: from + column.stride * k, byteCount: column.payload)
        }
      }
      out += swap.receiveCount * column.payload
    }
  }

  /// Forward of a swap with itself.
  func copyToGhosts(_ column: ColumnStorage, _ rows: UnsafeBufferPointer<Int32>, _ swap: Swap) {
    if column.roles.contains(.coordinate) {
      let positions = column.base.assumingMemoryBound(to: Vector3.self)
      let ghosts = positions + swap.firstGhost
      for k in 0..<rows.count { ghosts[k] = positions[Int(rows[k])] + swap.move }
    } else if column.stride == 8 {
      let values = column.base.assumingMemoryBound(to: UInt64.self)
      let ghosts = values + swap.firstGhost
      for k in 0..<rows.count { ghosts[k] = values[Int(rows[k])] }
    } else {
      for k in 0..<rows.count { column.copyRow(Int(rows[k]), to: swap.firstGhost + k) }
    }
  }
}
