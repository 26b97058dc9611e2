import MDCore
import MDNumerics

extension GhostExchange {
  /// Wraps the local atoms into the cell along periodic axes and sends each to the rank that owns its place,
  /// however far it moved. Ghosts are dropped. The order of local atoms afterwards depends on the
  /// decomposition; sort them if it matters. Collective.
  ///
  /// With bricks of a tensor product atoms travel axis by axis, brick by brick, the shorter way round; in a quiet run most calls
  /// send only to next neighbours, and nothing along axes that no atom has crossed. With staggered bricks they go straight to
  /// their owners, to the bricks that touch this one, or, where any atom of the system went farther, to any.
  /// - Returns: the number of atoms in the system.
  /// - Throws: a collective run error if an atom's position is not finite or absurdly far away, naming it and
  ///   its rank, or if the number of atoms changed.
  @discardableResult
  package func migrate(box: Box) throws -> Int {
    forgetGhosts()
    let before = atoms.localCount

    let lost = wrap(box)
    if domain.bricks.isTensor { try migrateByAxes(box, lost: lost) } else { try migrateAtOnce(box, lost: lost) }
    atoms.shift.storage.clear(0..<atoms.localCount)

    var counts: [Int64] = [Int64(before), Int64(atoms.localCount)]
    counts.withUnsafeMutableBufferPointer { communicator.allReduce($0, .sum) }
    guard counts[0] == counts[1] else {
      throw FaultlineError(
        .run, "\(counts[0]) atoms before migration became \(counts[1])", isCollective: true)
    }
    return Int(counts[0])
  }

  private func migrateByAxes(_ box: Box, lost: Int?) throws {
    var hops: [Int64] = [0, 0, 0, lost == nil ? 0 : 1]
    if lost == nil {
      for i in 0..<atoms.localCount {
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
  }

  private func migrateAtOnce(_ box: Box, lost: Int?) throws {
    let here = communicator.rank
    // Bricks that touch this one, for both sides the same.
    let touching = domain.bricks.receivers(from: here, within: Vector3(repeating: 1e-9), periodic: domain.periodic)
    var partners = Set(touching.map(\.rank).filter { $0 != here })
    var leaving: [Int: [Int32]] = [:]
    // 1: some atom leaves its brick; 2: beyond those that touch it; 3: for no place at all.
    var way = lost == nil ? 0 : 3
    if lost == nil {
      for i in 0..<atoms.localCount {
        let s = box.fractional(atoms.position[i])
        if domain.contains(s) { continue }
        let owner = domain.owner(of: s)
        leaving[owner, default: []].append(Int32(i))
        way = max(way, partners.contains(owner) ? 1 : 2)
      }
    }
    way = communicator.maximum(way)
    if way == 3 { throw lostAtomError(lost) }
    if way == 2 { partners = Set((0..<communicator.size).filter { $0 != here }) }
    if way > 0 { send(leaving, to: partners.sorted()) }
  }

  /// Atoms to partners, each of which sends some, too, or none.
  private func send(_ leaving: [Int: [Int32]], to partners: [Int]) {
    let columns = atoms.columns.filter { $0.roles.contains(.migrates) }
    let record = columns.reduce(0) { $0 + $1.payload }
    let counts = partners.map { Int64(leaving[$0]?.count ?? 0) }
    var coming = partners.map { _ in Int64(0) }
    let notes = partners.indices.map { Parcel(rank: partners[$0], offset: 8 * $0, count: 8) }
    counts.withUnsafeBytes { out in
      coming.withUnsafeMutableBytes { into in
        // No partners, no addresses.
        guard let from = out.baseAddress, let to = into.baseAddress else { return }
        communicator.exchange(notes, from: from, notes, into: to, tag: Tag.migrate)
      }
    }
    let sends = parcels(zip(partners, counts).lazy.map { ($0, Int($1) * record) })
    let receives = parcels(zip(partners, coming).lazy.map { ($0, Int($1) * record) })
    reserve(sends, receives)
    var offset = 0
    for partner in partners {
      let rows = leaving[partner] ?? []
      for column in columns {
        rows.withUnsafeBufferPointer { column.pack($0, into: outgoing.pointer + offset) }
        offset += rows.count * column.payload
      }
    }
    close(gaps: leaving.values.flatMap { $0 }.sorted(), columns)
    communicator.exchange(sends, from: outgoing.pointer, receives, into: incoming.pointer, tag: Tag.migrate)
    offset = 0
    for count in coming.map({ Int($0) }) { offset += append(count, columns, from: incoming.pointer + offset) }
  }

  /// Atoms of a message, column after column; returns how many bytes.
  private func append(_ count: Int, _ columns: [ColumnStorage], from bytes: UnsafeRawPointer) -> Int {
    let first = atoms.localCount
    atoms.setLocalCount(first + count)
    var at = 0
    for column in columns {
      column.unpack(count, at: first, from: bytes + at)
      at += count * column.payload
    }
    return at
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

      _ = append(came, columns, from: incoming.pointer)
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
