import MDCore
import MDNumerics
import MDParallel
import Testing

@Suite struct DistributionTests {
  @Test(arguments: [1, 3, 8])
  func headerReachesEveryRank(_ ranks: Int) throws {
    var structure = Sample.all[3].structure
    structure.masses = [63.5, nil]
    let box = structure.box
    let sent = structure
    for header in try onRanks(ranks, { Distribution.header(of: $0.isRoot ? sent : nil, communicator: $0) }) {
      #expect(header.box == box)
      #expect(header.species == ["Cu", "Zr"])
      #expect(header.masses == [63.5, nil])
      #expect(header.count == structure.count)
    }
  }

  /// Whatever axes are open, on every rank.
  @Test(arguments: [(true, false, true), (false, true, false), (true, false, false)])
  func periodicityReachesEveryRank(_ p: (Bool, Bool, Bool)) throws {
    var structure = Sample.all[0].structure
    structure.box.periodic = Periodicity(p.0, p.1, p.2)
    let sent = structure
    for header in try onRanks(3, { Distribution.header(of: $0.isRoot ? sent : nil, communicator: $0) }) {
      #expect(header.box == sent.box)
    }
  }

  /// Images, grains, charges, velocities and species arrive with their atoms.
  @Test(arguments: [1, 2, 5])
  func everyColumnArrives(_ ranks: Int) throws {
    var sample = Sample.all[0]
    let n = sample.structure.count
    sample.structure.images = (0..<n).map { SIMD3(Int32($0 % 3), -2, Int32($0 % 5)) }
    sample.structure.grains = (0..<n).map { Int32($0 % 2) }
    let full = sample
    let found = try onRanks(ranks) { comm -> Int in
      let atoms = try full.distribute(comm).atoms
      let grain = atoms.addColumn("grain")
      let places = Dictionary(uniqueKeysWithValues: full.structure.ids!.enumerated().map { ($1, $0) })
      for i in 0..<atoms.localCount {
        let k = places[atoms.id[i]]!
        #expect(atoms.image[i] == full.structure.images![k])
        #expect(grain[i] == Double(full.structure.grains![k]))
        #expect(atoms.charge![i] == full.structure.charges![k])
        #expect(atoms.velocity[i] == full.structure.velocities![k])
        #expect(atoms.species[i] == full.structure.types[k])
      }
      return atoms.localCount
    }
    #expect(found.reduce(0, +) == n)
  }

  /// Shares of all ranks, some empty: the same atoms as from rank 0, which also gets the whole back.
  @Test(arguments: [true, false], [1, 2, 5])
  func sharesOfAllRanks(_ numbered: Bool, _ ranks: Int) throws {
    var whole = Sample.all[0].structure
    let n = whole.count
    whole.grains = (0..<n).map { Int32($0 % 3) }
    if !numbered { whole.ids = nil }
    let sent = whole
    let found = try onRanks(ranks) { comm -> ([Int64: Vector3], Structure?, Structure) in
      // Rank 1 has none: rank 0 has its part too.
      let size = comm.size
      let end = comm.rank == 0 ? min(2, size) : comm.rank + 1
      let own = comm.rank == 1 ? 0..<0 : (comm.rank * n / size)..<(end * n / size)
      var share = Structure(
        box: sent.box, species: sent.species, types: Array(sent.types[own]), positions: Array(sent.positions[own]))
      share.grains = Array(sent.grains![own])
      if let ids = sent.ids { share.ids = Array(ids[own]) }
      let given = comm.rank == 1 ? nil : share
      let header = Distribution.header(of: given, communicator: comm)
      #expect(header.count == n && header.isPresent == [true, true])
      let domain = try Domain(box: header.box, ranks: size, rank: comm.rank)
      let atoms = AtomStore()
      try Distribution.scatter(given, header: header, to: atoms, domain: domain, communicator: comm, chunk: 9)
      var places: [Int64: Vector3] = [:]
      let grain = atoms.addColumn("grain")
      for i in 0..<atoms.localCount {
        let s = header.box.fractional(atoms.position[i])
        #expect(domain.owner(of: s) == comm.rank)
        places[atoms.id[i]] = atoms.position[i] + Vector3(atoms.image[i]) * header.box.cell
        let k = sent.ids?.firstIndex(of: atoms.id[i]) ?? Int(atoms.id[i] - 1)
        #expect(grain[i] == Double(sent.grains![k]) && atoms.species[i] == sent.types[k])
      }
      return (
        places, Distribution.gather(given, communicator: comm), Distribution.everywhere(comm.isRoot ? sent : nil, communicator: comm, chunk: 50)
      )
    }
    var all: [Int64: Vector3] = [:]
    for (places, _, _) in found { all.merge(places) { a, _ in a } }
    #expect(all.count == n && found.reduce(0) { $0 + $1.0.count } == n)
    for i in 0..<n {
      let place = all[sent.ids?[i] ?? Int64(i + 1)]
      #expect(place.map { ($0 - sent.positions[i]).length < 1e-12 } == true)
    }
    let back = try #require(found[0].1)
    #expect(back.positions == sent.positions && back.types == sent.types && back.grains == sent.grains)
    #expect(found.dropFirst().allSatisfy { $0.1 == nil })
    for (_, _, copy) in found {
      #expect(copy.positions == sent.positions && copy.types == sent.types && copy.ids == sent.ids)
      #expect(copy.charges == sent.charges && copy.velocities == sent.velocities && copy.box == sent.box)
    }
  }

  @Test(arguments: [1, 4])
  func absurdPositionIsRefused(_ ranks: Int) {
    for (axis, value) in [(0, Double.nan), (0, 1e9), (1, -1e9), (2, 1e30)] {
      var sample = Sample.all[0]
      sample.structure.positions[7][axis] = value
      let broken = sample
      let error = #expect(throws: FaultlineError.self) { try onRanks(ranks) { _ = try broken.distribute($0) } }
      #expect(error?.message.hasPrefix("atom 46 has the position") == true)
      #expect(error?.isCollective == true)
    }
  }

  /// Out and back: everything a structure holds returns in the order of ids, in chunks.
  @Test(arguments: Sample.all, [1, 2, 7])
  func roundTrip(_ sample: Sample, _ ranks: Int) throws {
    let structure = sample.structure
    for chunk in [1, 13, 1000] {
      let collected = try onRanks(ranks) { comm in
        let ghosts = try sample.distribute(comm)
        let atoms = ghosts.atoms
        try ghosts.migrate(box: structure.box)
        var ids: [Int64] = []
        var places: [Vector3] = []
        var images: [SIMD3<Int32>] = []
        var species: [Int32] = []
        try Gather.inOrder(
          [atoms.id.storage, atoms.position.storage, atoms.image.storage, atoms.species.storage], of: atoms,
          chunk: chunk, communicator: comm
        ) { piece in
          guard let piece else { return }
          let (rows, buffers) = (piece.rows, piece.buffers)
          #expect(rows.lowerBound == ids.count && rows.count <= chunk)
          for k in 0..<rows.count {
            ids.append(buffers[0].loadUnaligned(fromByteOffset: 8 * k, as: Int64.self))
            let r = (0..<3).map { buffers[1].loadUnaligned(fromByteOffset: 24 * k + 8 * $0, as: Double.self) }
            places.append(Vector3(r[0], r[1], r[2]))
            let n = (0..<3).map { buffers[2].loadUnaligned(fromByteOffset: 12 * k + 4 * $0, as: Int32.self) }
            images.append(SIMD3(n[0], n[1], n[2]))
            species.append(buffers[3].loadUnaligned(fromByteOffset: 4 * k, as: Int32.self))
          }
        }
        return (ids, places, images, species)
      }
      let (ids, places, images, species) = collected[0]
      #expect(ids == (structure.ids ?? (1...Int64(structure.count)).map { $0 }))
      #expect(species == structure.types)
      for i in places.indices {
        let unwrapped = places[i] + Vector3(images[i]) * structure.box.cell
        #expect((unwrapped - structure.positions[i]).length < 1e-12)
      }
      #expect(collected.dropFirst().allSatisfy { $0.0.isEmpty })
    }
  }

  @Test(arguments: [1, 3])
  func failureOnRootReachesEveryRank(_ ranks: Int) throws {
    let sample = Sample.all[0]
    let errors = try onRanks(ranks) { comm -> FaultlineError? in
      let atoms = try sample.distribute(comm).atoms
      do {
        try Gather.inOrder([atoms.id.storage], of: atoms, chunk: 50, communicator: comm) { piece in
          try comm.agree {
            if let piece, piece.rows.lowerBound > 0 { throw FaultlineError(.run, "disk full", hint: "make room") }
          }
        }
      } catch { return error as? FaultlineError }
      return nil
    }
    let expected = FaultlineError(.run, "disk full; make room", isCollective: true)
    #expect(errors.allSatisfy { $0 == expected })
  }

  /// Ids of any size and sign come back in order.
  @Test(arguments: [1, 3])
  func sparseIds(_ ranks: Int) throws {
    var sample = Sample.all[0]
    let ids: [Int64] = (0..<120).map { (k: Int64) -> Int64 in (k * k * k - 5000) * (1 << (k % 30)) }
    sample.structure.ids = ids
    let sparse = sample
    let gathered = try onRanks(ranks) { comm in
      let atoms = try sparse.distribute(comm).atoms
      var out: [Int64] = []
      try Gather.inOrder([atoms.id.storage], of: atoms, chunk: 9, communicator: comm) { piece in
        guard let piece else { return }
        #expect(piece.rows.count == min(9, 120 - piece.rows.lowerBound))
        out += piece.buffers[0].bindMemory(to: Int64.self)
      }
      return out
    }
    #expect(Set(ids).count == 120)
    #expect(gathered[0] == ids.sorted())
  }

  /// Pieces go to the writers in turn, each as a whole, in rounds that all ranks see; together they are what rank 0 alone gets.
  @Test(arguments: [1, 2, 3, 5, 8], [1, 7, 13])
  func piecesGoToWritersInTurn(_ count: Int, _ chunk: Int) throws {
    let sample = Sample.all[0]
    let n = sample.structure.count
    let found = try onRanks(8) { comm in
      let atoms = try sample.distribute(comm).atoms
      let writers = Writers(count: count, of: 8)
      var pieces: [Int: [Int64]] = [:]
      var rounds = 0
      try Gather.inOrder(
        [atoms.position.storage, atoms.id.storage], of: atoms, chunk: chunk, writers: writers, communicator: comm
      ) { piece in
        // All are here at the same time.
        #expect(comm.maximum(rounds) == rounds)
        rounds += 1
        guard let piece else { return }
        #expect(piece.rows.lowerBound % chunk == 0 && piece.rows.count == min(chunk, n - piece.rows.lowerBound))
        #expect(writers.rank(ofPiece: piece.rows.lowerBound / chunk) == comm.rank)
        pieces[piece.rows.lowerBound] = Array(piece.buffers[1].bindMemory(to: Int64.self))
      }
      return (pieces, rounds)
    }
    let all = found.reduce(into: [Int: [Int64]]()) { $0.merge($1.0) { _, _ in [] } }
    #expect(all.sorted { $0.key < $1.key }.flatMap(\.value) == sample.structure.ids!.sorted())
    let number = (n + chunk - 1) / chunk
    #expect(found.allSatisfy { $0.1 == (number + count - 1) / count })
    #expect(found.filter { !$0.0.isEmpty }.count == min(count, number))
  }

  @Test func writersAreSpread() {
    #expect(Writers(count: 1, of: 8) == .root)
    #expect(Writers(count: 3, of: 8).ranks == [0, 2, 5])
    #expect(Writers(count: 20, of: 3).ranks == [0, 1, 2])
    // Two nodes of six and three ranks whose numbers are mixed.
    let nodes = [0, 0, 2, 0, 2, 0, 0, 2, 0]
    #expect(Writers(nodes: nodes, perNode: 1).ranks == [0, 2])
    #expect(Writers(nodes: nodes, perNode: 2).ranks == [0, 2, 4, 5])
    #expect(Writers(nodes: nodes).ranks == [0, 1, 2, 4, 5, 6, 7])
  }

  @Test func doubledIdIsRefused() throws {
    var sample = Sample.all[0]
    let id = Int64(5 * 80 + 11)
    sample.structure.ids?[5] = id
    let doubled = sample
    #expect(throws: FaultlineError.self) {
      try onRanks(2) { comm in
        let atoms = try doubled.distribute(comm).atoms
        try Gather.inOrder([atoms.id.storage], of: atoms, communicator: comm) { _ in }
      }
    }
  }
}
