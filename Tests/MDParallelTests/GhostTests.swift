import MDCore
import MDNumerics
import MDParallel
import MDTestSupport
import Testing

private let rankCounts = [1, 2, 3, 4, 5, 7, 8]

@Suite struct GhostTests {
  /// Every image within the width of a local atom is there once, as the O(N²) reference finds them.
  @Test(arguments: Sample.all, rankCounts)
  func everyImageOnce(_ sample: Sample, _ ranks: Int) throws {
    let width = sample.width
    let brute = BruteForceSystem(sample.structure, reach: width)
    let expected = surroundings(brute.atoms, width: width)
    let parts = try onRanks(ranks) { comm in
      let ghosts = try sample.distribute(comm)
      #expect(try ghosts.migrate(box: sample.structure.box) == sample.structure.count)
      ghosts.border(box: sample.structure.box, width: width)
      return surroundings(ghosts.atoms, width: width)
    }
    var merged: [Int64: [Image: Int]] = [:]
    for part in parts { merged.merge(part) { _, _ in Issue.record("an atom on two ranks"); return [:] } }
    #expect(merged == expected)
  }

  /// What is reckoned before ghosts are made is what is made: copies of every atom over all ranks, and hops.
  @Test(arguments: Sample.all.filter { !$0.description.hasPrefix("atoms on faces") }, [1, 4, 8])
  func forecast(_ sample: Sample, _ ranks: Int) throws {
    let box = sample.structure.box
    let width = Vector3(repeating: sample.width) / box.heights
    let parts = try onRanks(ranks) { comm in
      let ghosts = try sample.distribute(comm)
      try ghosts.migrate(box: box)
      let atoms = ghosts.atoms
      let reckoned = (0..<atoms.localCount).reduce(0.0) {
        $0 + ghosts.domain.copies(of: box.fractional(atoms.position[$1]), width: width)
      }
      ghosts.border(box: box, width: sample.width)
      return (reckoned: reckoned, made: atoms.count, domain: ghosts.domain)
    }
    #expect(parts.reduce(0) { $0 + $1.reckoned } == Double(parts.reduce(0) { $0 + $1.made }))
    let domain = parts[0].domain
    if sample.axes != nil { return }
    for axis in 0..<3 {
      // Even bricks: as many as the width spans, but no further than an open end.
      let spanned = (width[axis] * Double(domain.grid[axis]) * (1 - 1e-12)).rounded(.up)
      let expected = box.periodic[axis] ? spanned : min(spanned, Double(domain.grid[axis] - 1))
      #expect(abs(domain.hops(axis: axis, width: width[axis]) - expected) <= 1)
      #expect(domain.hops(axis: axis, width: 0) == 0)
    }
  }

  /// Any grid and uneven cuts serve, with bricks far thinner than the width.
  @Test(arguments: [SIMD3(8, 1, 1), SIMD3(1, 4, 2), SIMD3(2, 2, 2), SIMD3(1, 1, 8)])
  func unevenBricks(_ grid: SIMD3<Int>) throws {
    for sample in Sample.plain {
      let width = sample.width
      let cuts = (0..<3).map { k in (0...grid[k]).map { n in
        let t = Double(n) / Double(grid[k])
        return t * t
      } }
      let expected = surroundings(BruteForceSystem(sample.structure, reach: width).atoms, width: width)
      let parts = try onRanks(8) { comm in
        let ghosts = try sample.distribute(comm, grid: grid, cuts: cuts)
        try ghosts.migrate(box: sample.structure.box)
        ghosts.border(box: sample.structure.box, width: width)
        return surroundings(ghosts.atoms, width: width)
      }
      #expect(parts.reduce(into: [:]) { $0.merge($1) { a, _ in a } } == expected, "\(sample)")
    }
  }

  /// Ghosts carry id, species and charge of their owners, and lie at the owner's position plus whole vectors.
  @Test(arguments: Sample.all, [1, 3, 8])
  func ghostsEqualOwners(_ sample: Sample, _ ranks: Int) throws {
    let structure = sample.structure
    let places = Dictionary(
      uniqueKeysWithValues: (0..<structure.count).map { (structure.ids?[$0] ?? Int64($0 + 1), $0) })
    _ = try onRanks(ranks) { comm in
      let ghosts = try sample.distribute(comm)
      var box = structure.box
      try ghosts.migrate(box: box)
      ghosts.border(box: box, width: sample.width)
      let atoms = ghosts.atoms
      func check() {
        for j in atoms.localCount..<atoms.count {
          let k = places[atoms.id[j]]!
          #expect(atoms.species[j] == structure.types[k])
          if let charge = atoms.charge { #expect(charge[j] == structure.charges![k]) }
          var owner = structure.positions[k]
          var image = SIMD3<Int32>.zero
          structure.box.wrap(&owner, image: &image)
          let s = structure.box.fractional(owner) + Vector3(atoms.shift[j])
          #expect((atoms.position[j] - box.cartesian(s)).length < 1e-12)
        }
      }
      check()
      // The cell deforms, and atoms with it: ghosts follow with the new vectors.
      var cell = box.cell
      cell.y += 0.1 * cell.x
      cell.z = 1.02 * cell.z
      box.setCell(cell)
      for i in 0..<atoms.localCount {
        atoms.position[i] = box.cartesian(structure.box.fractional(atoms.position[i]))
      }
      ghosts.forwardPositions(box: box)
      check()
      #expect(ghosts.statistics.ghosts == atoms.ghostCount)
      #expect((ghosts.statistics.messages == 0) == (ghosts.statistics.bytes == 0))
      if ranks == 1 { #expect(ghosts.statistics.messages == 0) }
    }
  }

  /// Reverse is the adjoint of forward: ⟨forward x, y⟩ = ⟨x, reverse y⟩ for any columns x and y.
  @Test(arguments: Sample.all, rankCounts)
  func reverseIsAdjointOfForward(_ sample: Sample, _ ranks: Int) throws {
    let sums = try onRanks(ranks) { comm in
      let ghosts = try sample.distribute(comm)
      try ghosts.migrate(box: sample.structure.box)
      ghosts.border(box: sample.structure.box, width: sample.width)
      let atoms = ghosts.atoms
      let wide = atoms.addColumn("wide", width: 9)
      let narrow = atoms.addColumn("narrow")
      func value(_ i: Int, _ c: Int, _ salt: Int64) -> Double {
        var randoms = Randoms(UInt64(atoms.id[i] * 1000 + Int64(c) + salt + Int64(comm.rank) * 77 * salt))
        return randoms.next() - 0.5
      }
      var left = 0.0
      var right = 0.0
      for (column, width) in [(wide, 9), (narrow, 1)] {
        let local = atoms.localCount * width
        // x on local atoms, forwarded.
        for i in 0..<atoms.localCount { for c in 0..<width { column[width * i + c] = value(i, c, 0) } }
        let x = (0..<local).map { column[$0] }
        ghosts.forward(column.storage)
        let y = (0..<atoms.count).flatMap { i in (0..<width).map { value(i, $0, Int64(i + 1)) } }
        for k in y.indices { left += column[k] * y[k] }
        for k in y.indices { column[k] = y[k] }
        ghosts.reverse(column.storage)
        for k in 0..<local { right += x[k] * column[k] }
      }
      // Vectors, whose rows are padded.
      for i in 0..<atoms.count { atoms.force[i] = i < atoms.localCount ? .zero : [1, 2, 3] }
      let ghostSum = comm.sum(Double(atoms.ghostCount))
      ghosts.reverse(atoms.force.storage)
      let total = (0..<atoms.localCount).reduce(into: Vector3.zero) { $0 += atoms.force[$1] }
      #expect(comm.sum(total.x) == ghostSum && comm.sum(total.y) == 2 * ghostSum)
      #expect(comm.sum(total.z) == 3 * ghostSum)
      return (comm.sum(left), comm.sum(right))
    }
    for (left, right) in sums {
      // Sums of up to 1e4 products below 1/4.
      #expect(abs(left - right) < 1e-10)
      #expect(left == sums[0].0 && right == sums[0].1)
    }
  }

  /// Several columns at once are what each is alone, bit for bit, in the messages of one.
  @Test(arguments: Sample.all, [1, 3, 8])
  func columnsTogether(_ sample: Sample, _ ranks: Int) throws {
    _ = try onRanks(ranks) { loopback in
      let comm = CountingCommunicator(loopback)
      let ghosts = try sample.distribute(comm)
      try ghosts.migrate(box: sample.structure.box)
      ghosts.border(box: sample.structure.box, width: sample.width)
      let atoms = ghosts.atoms
      let doubles = ["a", "b", "c", "d"].map { atoms.addColumn($0, width: $0 == "b" ? 5 : 1) }
      let integers = ["e", "f"].map { atoms.addColumn($0, of: Int32.self, width: 3) }
      let storages = doubles.map(\.storage) + integers.map(\.storage) + [atoms.position.storage, atoms.force.storage]
      func fill() {
        var randoms = Randoms(UInt64(comm.rank + 1))
        for column in storages where column !== atoms.position.storage {
          for k in 0..<(atoms.count * column.stride / 4) {
            if column.scalar == .f64, k % 2 == 0 {
              column.base.storeBytes(of: randoms.next() - 0.5, toByteOffset: 4 * k, as: Double.self)
            } else if column.scalar == .i32 {
              column.base.storeBytes(of: Int32(1e6 * randoms.next()), toByteOffset: 4 * k, as: Int32.self)
            }
          }
        }
      }
      func bytes() -> [[UInt8]] {
        storages.map { s in
          (0..<atoms.count).flatMap { i in
            [UInt8](UnsafeRawBufferPointer(start: s.base + s.stride * i, count: s.payload))
          }
        }
      }
      let summed = doubles.map(\.storage) + [atoms.force.storage]
      fill()
      for column in storages { ghosts.forward(column) }
      for column in summed { ghosts.reverse(column) }
      let alone = bytes()
      fill()
      comm.reset()
      ghosts.forward(storages)
      #expect(comm.traffic.messages == ghosts.statistics.messages)
      let record = storages.reduce(0) { $0 + $1.payload }
      #expect(comm.traffic.bytes == ghosts.statistics.bytes / 24 * record)
      comm.reset()
      ghosts.reverse(summed)
      #expect(loopback.sum(comm.traffic.messages) == loopback.sum(ghosts.statistics.messages))
      #expect(bytes() == alone)
    }
  }

  /// Two runs give the same ghosts in the same order.
  @Test func orderIsReproducible() throws {
    let sample = Sample.all[2]
    func run() throws -> [[Int64]] {
      try onRanks(5) { comm in
        let ghosts = try sample.distribute(comm)
        try ghosts.migrate(box: sample.structure.box)
        ghosts.border(box: sample.structure.box, width: sample.width)
        return (0..<ghosts.atoms.count).map { ghosts.atoms.id[$0] }
      }
    }
    let first = try run()
    for _ in 0..<5 { #expect(try run() == first) }
  }
}
