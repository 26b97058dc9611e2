import MDCore
import MDNumerics

extension GhostExchange {
  /// Wraps the local atoms into the cell along periodic axes and sends each to the rank that owns its place,
  /// however far it moved. Ghosts are dropped. The order of local atoms afterwards depends on the
  /// decomposition; sort them if it matters. Collective.
  ///
  /// Atoms travel axis by axis, brick by brick, the shorter way round; in a quiet run most calls send only to
  /// next neighbours, and nothing along axes that no atom has crossed.
  /// - Returns: the number of atoms in the system.
  /// - Throws: a collective run error if an atom's position is not finite or absurdly far away, naming it and
  ///   its rank, or if the number of atoms changed.
  @discardableResult
  package func migrate(box: Box) throws -> Int {
    atoms.dropGhosts()
    swaps.removeAll(keepingCapacity: true)
    statistics = Statistics()
    let before = atoms.localCount

    let lost = wrap(box)
    var hops: [Int64] = [0, 0, 0, lost == nil ? 0 : 1]
    if lost == nil {
      for i in 0..<before {
        let s = box.fractional(atoms.position[i])
        if domain.contains(s) { continue }
        for k in 0..<3 { hops[k] = max(hops[k], Int64(abs(distance(s, axis: k)))) }
      }
    }
    hops.withUnsafeMutableBufferPointer { communicator.allReduce($0, .maximum) }
    if hops[3] > 0 { throw lostAtomError(lost) }

    for axis in 0..<3 {
      for _ in 0..<hops[axis] { advance(box, axis: axis) }
    }
    atoms.shift.storage.clear(0..<atoms.localCount)

    var counts: [Int64] = [Int64(before), Int64(atoms.localCount)]
    counts.withUnsafeMutableBufferPointer { communicator.allReduce($0, .sum) }
    guard counts[0] == counts[1] else {
      throw FaultlineError(
        .run, "\(counts[0]) atoms before migration became \(counts[1])", isCollective: true)
    }
    return Int(counts[0])
  }

  /// Wraps all local atoms; returns the place of the first that has no place in space.
  private func wrap(_ box: Box) -> Int? {
    let positions = atoms.position.pointer
    let images = atoms.image.pointer
    for i in 0..<atoms.localCount {
      let s = box.fractional(positions[i])
      // False for NaN, too.
      guard abs(s.x) < 1e6, abs(s.y) < 1e6, abs(s.z) < 1e6 else { return i }
      box.wrap(&positions[i], image: &images[i])
    }
    return nil
  }

  /// How many bricks up (or, if negative, down) the axis a point lies from this one, the shorter way round.
  private func distance(_ s: Vector3, axis: Int) -> Int {
    let n = domain.grid[axis]
    let d = domain.coordinate(of: s[axis], axis: axis) - domain.coordinates[axis]
    guard domain.periodic[axis] else { return d }
    return 2 * d > n ? d - n : 2 * d <= -n ? d + n : d
  }

  /// One hop: atoms that belong up (down) the axis go to the next brick up (down).
  private func advance(_ box: Box, axis: Int) {
    let columns = atoms.columns.filter { $0.roles.contains(.migrates) }
    let record = columns.reduce(0) { $0 + $1.payload }
    var leaving: [[Int32]] = [[], []]
    for i in 0..<atoms.localCount {
      let d = distance(box.fractional(atoms.position[i]), axis: axis)
      if d != 0 { leaving[d > 0 ? 1 : 0].append(Int32(i)) }
    }
    // Pack down- and upgoing atoms one after the other, then close the gaps from the end.
    let counts = leaving.map(\.count)
    outgoing.reserve((counts[0] + counts[1]) * record)
    var offset = 0
    for side in leaving {
      for column in columns {
        side.withUnsafeBufferPointer { column.pack($0, into: outgoing.pointer + offset) }
        offset += side.count * column.payload
      }
    }
    close(gaps: (leaving[0] + leaving[1]).sorted(), columns)

    var start = 0
    for (side, step) in [-1, 1].enumerated() {
      let to = domain.neighbor(axis: axis, step: step)?.rank
      let from = domain.neighbor(axis: axis, step: -step)?.rank
      let came = communicator.exchange(counts[side], to: to, from: from, tag: Tag.migrate)
      incoming.reserve(came * record)
      let bytes = counts[side] * record
      let received = communicator.exchange(
        UnsafeRawBufferPointer(start: outgoing.pointer + start, count: bytes), to: bytes > 0 ? to : nil,
        into: UnsafeMutableRawBufferPointer(start: incoming.pointer, count: came * record),
        from: came > 0 ? from : nil, tag: Tag.migrate)
      guard received == came * record else { fatalError("migration: a message of another length") }
      start += bytes

      let first = atoms.localCount
      atoms.setLocalCount(first + came)
      var at = 0
      for column in columns {
        column.unpack(came, at: first, from: incoming.pointer + at)
        at += came * column.payload
      }
    }
  }

  /// Removes the rows `gaps` (ascending) by moving rows from the end into them.
  private func close(gaps: [Int32], _ columns: [ColumnStorage]) {
    var end = atoms.localCount
    var last = gaps.count - 1
    var next = 0
    while next <= last {
      end -= 1
      if Int(gaps[last]) == end {
        last -= 1
      } else {
        for column in columns { column.copyRow(end, to: Int(gaps[next])) }
        next += 1
      }
    }
    atoms.setLocalCount(end)
  }

  /// The same error on every rank, naming the lost atom of the lowest rank that has one.
  private func lostAtomError(_ place: Int?) -> FaultlineError {
    var mine = (id: Int64(-1), x: 0.0, y: 0.0, z: 0.0)
    if let place {
      let r = atoms.position[place]
      mine = (atoms.id[place], r.x, r.y, r.z)
    }
    var all = Array(repeating: mine, count: communicator.size)
    withUnsafeBytes(of: &mine) { m in all.withUnsafeMutableBytes { communicator.allGather(m, into: $0) } }
    let rank = all.firstIndex { $0.id >= 0 } ?? 0
    let atom = all[rank]
    return FaultlineError(
      .run, "atom \(atom.id) on rank \(rank) is lost: its position is (\(atom.x), \(atom.y), \(atom.z)) Å",
      hint: "look for overlapping atoms, a time step that is too long, or an unsuitable potential",
      isCollective: true)
  }
}
