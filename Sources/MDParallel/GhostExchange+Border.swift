import MDCore
import MDNumerics

extension GhostExchange {
  /// Makes the ghosts of all images (of all atoms of the system) within `width` (Å, perpendicular to the
  /// faces) of this rank's brick, each once. Call it after `migrate`, when the atoms are in their owners' bricks.
  ///
  /// Ghosts get the columns with the role `.ghosted`, and `shift`, the whole cell vectors between the owner's
  /// position and theirs. Their order depends on the order of local atoms and on the bricks alone.
  package func border(box: Box, width: Double) {
    forgetGhosts()
    // Rounding of fractional coordinates must not lose an atom at exactly `width`.
    let w = Vector3(repeating: width) / box.heights * (1 + 1e-12) + Vector3(repeating: 1e-13)
    if domain.bricks.isTensor { borderByAxes(box, w) } else { borderAtOnce(box, w) }
    statistics.ghosts = atoms.ghostCount
    let payload = atoms.position.storage.payload
    for stage in stages {
      let sends = parcels(stage.outgoing.lazy.map { ($0.rank, $0.count * payload) })
      statistics.messages += sends.count
      statistics.bytes += sends.reduce(0) { $0 + $1.count }
    }
  }

  /// Along each axis whatever was there before it is offered in both directions.
  private func borderByAxes(_ box: Box, _ width: Vector3) {
    var listed = 0
    for axis in 0..<3 {
      let before = atoms.count
      let w = width[axis]
      for step in [-1, 1] {
        var offered = 0..<before
        let place = domain.coordinates[axis]
        let onward = domain.neighbor(axis: axis, step: step)
        let behind = domain.neighbor(axis: axis, step: -step)
        // Atoms travel by `step`, so their receivers look the other way.
        let wanted = behind == nil ? 0 : domain.hops(axis: axis, coordinate: place, step: -step, width: w)
        var next = place + step
        if next < 0 || next >= domain.grid[axis] { next -= step * domain.grid[axis] }
        let due = onward == nil ? 0 : domain.hops(axis: axis, coordinate: next, step: -step, width: w)
        for hop in 0..<max(wanted, due) {
          var stage = Stage()
          if let onward, hop < due {
            var shift = SIMD3<Int32>.zero
            shift[axis] = Int32(-onward.crossing)
            let face = domain.bricks.planes(axis: axis, at: domain.coordinates)[step < 0 ? place : place + 1]
            let limit = face - Double(step) * w
            let count = select(offered, box: box, axis: axis, step: step, limit: limit, at: listed)
            stage.outgoing = [
              Outgoing(rank: onward.rank, shift: shift, move: box.move(shift), start: listed, count: count)
            ]
            listed += count
          }
          if let behind, hop < wanted, behind.rank != communicator.rank {
            stage.incoming = [Incoming(rank: behind.rank)]
          }
          let first = atoms.count
          fill(&stage)
          offered = first..<atoms.count
          stages.append(stage)
        }
      }
    }
  }

  /// All neighbours of a staggered brick, each with all of the rank's atoms that it must see.
  private func borderAtOnce(_ box: Box, _ width: Vector3) {
    var stage = Stage()
    var listed = 0
    let bricks = domain.bricks
    for receiver in bricks.receivers(from: communicator.rank, within: width, periodic: domain.periodic) {
      let other = Domain(bricks: bricks, rank: receiver.rank, periodic: domain.periodic)
      let n = receiver.shift
      let moved = Vector3(Double(n.x), Double(n.y), Double(n.z))
      let count = select(box, from: other.lower - width - moved, to: other.upper + width - moved, at: listed)
      let shift = SIMD3<Int32>(truncatingIfNeeded: n)
      stage.outgoing.append(
        Outgoing(rank: receiver.rank, shift: shift, move: box.move(shift), start: listed, count: count))
      listed += count
    }
    for sender in bricks.senders(to: communicator.rank, within: width, periodic: domain.periodic)
    where sender.rank != communicator.rank {
      stage.incoming.append(Incoming(rank: sender.rank))
    }
    fill(&stage)
    stages = [stage]
  }

  /// Lists the atoms of a range on the near side of the plane s = `limit` for a neighbour in direction `step`;
  /// returns how many.
  private func select(_ range: Range<Int>, box: Box, axis: Int, step: Int, limit: Double, at start: Int) -> Int {
    list.reserve(start + range.count, keeping: start)
    let out = list.pointer + start
    let positions = UnsafePointer(atoms.position.pointer)
    let inverse = box.inverse
    let column = Vector3(inverse.x[axis], inverse.y[axis], inverse.z[axis]) * Double(step)
    let origin = box.origin
    let bound = limit * Double(step)
    var n = 0
    for i in range {
      out[n] = Int32(truncatingIfNeeded: i)
      n += dot(positions[i] - origin, column) >= bound ? 1 : 0
    }
    return n
  }

  /// Lists the local atoms with lower ≤ s < upper; returns how many.
  private func select(_ box: Box, from lower: Vector3, to upper: Vector3, at start: Int) -> Int {
    list.reserve(start + atoms.localCount, keeping: start)
    let out = list.pointer + start
    let positions = UnsafePointer(atoms.position.pointer)
    var n = 0
    for i in 0..<atoms.localCount {
      let s = box.fractional(positions[i])
      out[n] = Int32(truncatingIfNeeded: i)
      n += all((s .>= lower) .& (s .< upper)) ? 1 : 0
    }
    return n
  }

  /// Tells the receivers how many come, sends the selected atoms and appends what comes as ghosts.
  private func fill(_ stage: inout Stage) {
    let here = communicator.rank
    let announced = parcels(stage.outgoing.lazy.map { ($0.rank, 8) })
    let expected = parcels(stage.incoming.lazy.map { ($0.rank, 8) })
    reserve(announced, expected)
    var offset = 0
    for piece in stage.outgoing where piece.rank != here {
      UnsafeMutableRawPointer(outgoing.pointer).storeBytes(of: Int64(piece.count), toByteOffset: offset, as: Int64.self)
      offset += 8
    }
    communicator.exchange(announced, from: outgoing.pointer, expected, into: incoming.pointer, tag: Tag.border)
    for k in stage.incoming.indices {
      let count = UnsafeRawPointer(incoming.pointer).load(fromByteOffset: 8 * k, as: Int64.self)
      stage.incoming[k].first = atoms.count
      stage.incoming[k].count = Int(count)
      _ = atoms.appendGhosts(Int(count))
    }
    let columns = atoms.columns.filter { $0.roles.contains(.ghosted) }
    for k in stage.outgoing.indices where stage.outgoing[k].rank == here {
      stage.outgoing[k].ghost = atoms.count
      let piece = stage.outgoing[k]
      _ = atoms.appendGhosts(piece.count)
      let rows = UnsafeBufferPointer(start: list.pointer + piece.start, count: piece.count)
      for column in columns { copyToGhosts(column, rows, piece) }
      let shifts = atoms.shift.pointer
      for k in 0..<rows.count { shifts[piece.ghost + k] = shifts[Int(rows[k])] &+ piece.shift }
    }

    let shift = atoms.shift.storage
    let record = columns.reduce(shift.payload) { $0 + $1.payload }
    let sends = parcels(stage.outgoing.lazy.map { ($0.rank, $0.count * record) })
    let receives = parcels(stage.incoming.lazy.map { ($0.rank, $0.count * record) })
    reserve(sends, receives)
    offset = 0
    for piece in stage.outgoing where piece.rank != here {
      offset += pack(columns, piece, into: outgoing.pointer + offset)
      for k in 0..<piece.count {
        let total = atoms.shift[Int(list.pointer[piece.start + k])] &+ piece.shift
        let out = UnsafeMutableRawPointer(outgoing.pointer + offset)
        for k in 0..<3 { out.storeBytes(of: total[k], toByteOffset: 4 * k, as: Int32.self) }
        offset += shift.payload
      }
    }
    communicator.exchange(sends, from: outgoing.pointer, receives, into: incoming.pointer, tag: Tag.border)
    offset = 0
    for piece in stage.incoming {
      offset += unpack(columns, piece, from: incoming.pointer + offset)
      shift.unpack(piece.count, at: piece.first, from: incoming.pointer + offset)
      offset += piece.count * shift.payload
    }
  }
}

extension Box {
  /// Whole cell vectors, Å.
  func move(_ shift: SIMD3<Int32>) -> Vector3 {
    Double(shift.x) * cell.x + Double(shift.y) * cell.y + Double(shift.z) * cell.z
  }
}
