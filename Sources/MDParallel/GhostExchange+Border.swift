import MDCore
import MDNumerics

extension GhostExchange {
  /// Makes the ghosts of all images (of all atoms of the system) within `width` (Å, perpendicular to the
  /// faces) of this rank's brick, each once. Call it after `migrate`, when the atoms are in their owners' bricks.
  ///
  /// Ghosts get the columns with the role `.ghosted`, and `shift`, the whole cell vectors between the owner's
  /// position and theirs. Their order depends on the order of local atoms and on the grid alone.
  package func border(box: Box, width: Double) {
    atoms.dropGhosts()
    swaps.removeAll(keepingCapacity: true)
    statistics = Statistics()
    var listed = 0
    for axis in 0..<3 {
      // Whatever was there before this axis is offered in both directions.
      let before = atoms.count
      // Rounding of fractional coordinates must not lose an atom at exactly `width`.
      let w = width / box.heights[axis] * (1 + 1e-12) + 1e-13
      for step in [-1, 1] {
        var offered = 0..<before
        let place = domain.coordinates[axis]
        let onward = domain.neighbor(axis: axis, step: step)
        let behind = domain.neighbor(axis: axis, step: -step)
        // Atoms travel by `step`, so their receivers look the other way.
        let wanted = domain.hops(axis: axis, coordinate: place, step: -step, width: w)
        var next = place + step
        if next < 0 || next >= domain.grid[axis] { next -= step * domain.grid[axis] }
        let due = onward == nil ? 0 : domain.hops(axis: axis, coordinate: next, step: -step, width: w)
        for hop in 0..<max(wanted, due) {
          var shift = SIMD3<Int32>.zero
          shift[axis] = Int32(-(onward?.crossing ?? 0))
          var swap = Swap(
            destination: hop < due ? onward?.rank : nil, source: hop < wanted ? behind?.rank : nil,
            shift: shift, isLocal: onward?.rank == communicator.rank)
          swap.sendStart = listed
          if swap.destination != nil {
            let face = domain.cuts[axis][step < 0 ? place : place + 1]
            swap.sendCount = select(
              offered, box: box, axis: axis, step: step, limit: face - Double(step) * w, at: listed)
            listed += swap.sendCount
          }
          swap.firstGhost = atoms.count
          let s = swap.shift
          swap.move = Double(s.x) * box.cell.x + Double(s.y) * box.cell.y + Double(s.z) * box.cell.z
          fill(&swap)
          offered = swap.firstGhost..<(swap.firstGhost + swap.receiveCount)
          swaps.append(swap)
        }
      }
    }
    statistics.ghosts = atoms.ghostCount
    for swap in swaps where !swap.isLocal && swap.sendCount > 0 {
      statistics.messages += 1
      statistics.bytes += swap.sendCount * atoms.position.storage.payload
    }
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

  /// Sends the selected atoms and appends what comes as ghosts.
  private func fill(_ swap: inout Swap) {
    let columns = atoms.columns.filter { $0.roles.contains(.ghosted) }
    if swap.isLocal {
      swap.receiveCount = swap.sendCount
      _ = atoms.appendGhosts(swap.receiveCount)
      let rows = UnsafeBufferPointer(start: list.pointer + swap.sendStart, count: swap.sendCount)
      for column in columns { copyToGhosts(column, rows, swap) }
      let shifts = atoms.shift.pointer
      for k in 0..<rows.count { shifts[swap.firstGhost + k] = shifts[Int(rows[k])] &+ swap.shift }
      return
    }
    swap.receiveCount = communicator.exchange(
      swap.sendCount, to: swap.destination, from: swap.source, tag: Tag.border)
    _ = atoms.appendGhosts(swap.receiveCount)

    let shift = atoms.shift.storage
    let bytes = columns.reduce(shift.payload) { $0 + $1.payload }
    reserveBuffers(out: swap.sendCount * bytes, in: swap.receiveCount * bytes)
    let rows = UnsafeBufferPointer(start: list.pointer + swap.sendStart, count: swap.sendCount)
    var offset = pack(columns, rows, swap.move)
    for i in rows {
      let total = atoms.shift[Int(i)] &+ swap.shift
      let out = UnsafeMutableRawPointer(outgoing.pointer + offset)
      for k in 0..<3 { out.storeBytes(of: total[k], toByteOffset: 4 * k, as: Int32.self) }
      offset += shift.payload
    }
    transfer(
      swap.sendCount * bytes, to: swap.destination, swap.receiveCount * bytes, from: swap.source,
      tag: Tag.border)
    shift.unpack(swap.receiveCount, at: swap.firstGhost, from: incoming.pointer + unpack(columns, swap))
  }
}
