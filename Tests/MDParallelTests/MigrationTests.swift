import MDCore
import MDNumerics
import MDParallel
import MDTestSupport
import Testing

@Suite struct MigrationTests {
  /// Atoms thrown anywhere arrive at their owners with all they carry; unwrapped positions are kept.
  @Test(arguments: Sample.all, [1, 2, 3, 5, 8])
  func farMoves(_ sample: Sample, _ ranks: Int) throws {
    let structure = sample.structure
    let parts = try onRanks(ranks) { comm -> [Int64] in
      let ghosts = try sample.distribute(comm)
      let atoms = ghosts.atoms
      let tag = atoms.addColumn("tag", width: 2, roles: [.migrates])
      var box = structure.box
      for i in 0..<atoms.localCount {
        tag[2 * i] = Double(atoms.id[i])
        tag[2 * i + 1] = -1
      }
      for round in 0..<4 {
        var unwrapped: [Int64: Vector3] = [:]
        for i in 0..<atoms.localCount {
          var randoms = Randoms(UInt64(atoms.id[i]) * 31 + UInt64(round))
          atoms.position[i] += box.cartesian(4 * (randoms.vector() - [0.5, 0.5, 0.5])) - box.origin
          unwrapped[atoms.id[i]] = atoms.position[i] + Vector3(atoms.image[i]) * box.cell
        }
        #expect(try ghosts.migrate(box: box) == structure.count)
        ghosts.border(box: box, width: 2)
        for i in 0..<atoms.localCount {
          let s = box.fractional(atoms.position[i])
          #expect(ghosts.domain.owner(of: s) == comm.rank)
          for k in 0..<3 where box.periodic[k] { #expect(s[k] > -1.1e-14 && s[k] < 1 + 1e-15) }
          #expect(tag[2 * i] == Double(atoms.id[i]) && tag[2 * i + 1] == -1)
          #expect(atoms.shift[i] == .zero)
          if let before = unwrapped[atoms.id[i]] {
            let now = atoms.position[i] + Vector3(atoms.image[i]) * box.cell
            #expect((now - before).length < 1e-11)
          }
        }
        box.setCell(1.01 * box.cell)
      }
      return (0..<atoms.localCount).map { atoms.id[$0] }
    }
    #expect(parts.flatMap { $0 }.sorted() == (structure.ids ?? (1...Int64(structure.count)).map { $0 }))
  }

  /// Along any axis, on the last of several ranks.
  @Test(arguments: [(Double.nan, 0), (.nan, 1), (.nan, 2), (.infinity, 1), (1e30, 1), (-1e30, 0)], [1, 4])
  func lostAtomIsNamedOnEveryRank(_ lost: (value: Double, axis: Int), _ ranks: Int) throws {
    let sample = Sample.all[0]
    let errors = try onRanks(ranks) { comm -> FaultlineError? in
      let ghosts = try sample.distribute(comm)
      for i in 0..<ghosts.atoms.localCount where comm.rank == ranks - 1 && i == 0 {
        ghosts.atoms.position[i][lost.axis] = lost.value
      }
      do { try ghosts.migrate(box: sample.structure.box) } catch { return error as? FaultlineError }
      return nil
    }
    for error in errors {
      let error = try #require(error)
      #expect(error.kind == .run && error.isCollective)
      #expect(error.message.contains(" on rank \(ranks - 1) is lost"))
      #expect(error == errors[0])
    }
  }

  /// Atoms in a thin layer: bricks are no thinner than asked for all the same.
  @Test func leastWidth() throws {
    let box = Box(lengths: [20, 20, 80], periodic: .init(true, true, false))
    var randoms = Randoms(4)
    let positions = (0..<400).map { _ in box.cartesian(randoms.vector() * [1, 1, 0.01]) }
    let structure = Structure(box: box, species: ["Cu"], types: Array(repeating: 0, count: 400), positions: positions)
    let sample = Sample(description: "layer", structure: structure, width: 3)
    for cuts in try onRanks(4, { comm in
      let ghosts = try sample.distribute(comm)
      return try Domain.balanced(
        box: box, atoms: ghosts.atoms, communicator: comm, grid: SIMD3(1, 1, 4), halo: 3, minimumWidth: 6
      ).cuts[2]
    }) {
      #expect(zip(cuts, cuts.dropFirst()).allSatisfy { ($1 - $0) * 80 > 6 - 1e-9 })
    }
  }

  /// New bricks with equal shares: cuts move, atoms follow.
  @Test(arguments: [2, 3, 4, 8])
  func balance(_ ranks: Int) throws {
    var randoms = Randoms(3)
    let box = Box(lengths: [20, 20, 80], periodic: .init(true, true, false))
    // Dense at the bottom, nothing above a half.
    let positions = (0..<4000).map { _ -> Vector3 in
      let s = randoms.vector()
      return box.cartesian([s.x, s.y, 0.5 * s.z * s.z])
    }
    let structure = Structure(
      box: box, species: ["Cu"], types: Array(repeating: 0, count: 4000), positions: positions)
    let sample = Sample(description: "slope", structure: structure, width: 3)
    let counts = try onRanks(ranks) { comm in
      let ghosts = try sample.distribute(comm)
      ghosts.domain = try Domain.balanced(
        box: box, atoms: ghosts.atoms, communicator: comm, halo: 3, minimumWidth: 0.5)
      for k in 0..<3 {
        for (low, high) in zip(ghosts.domain.cuts[k], ghosts.domain.cuts[k].dropFirst()) {
          #expect((high - low) * box.heights[k] > 0.5 - 1e-12)
        }
      }
      #expect(try ghosts.migrate(box: box) == 4000)
      return (ghosts.atoms.localCount, ghosts.domain.cuts)
    }
    for (count, cuts) in counts {
      #expect(cuts == counts[0].1)
      // Within a bin's worth and the noise of products of quantiles.
      #expect(abs(Double(count) * Double(ranks) / 4000 - 1) < 0.12)
    }
  }
}
