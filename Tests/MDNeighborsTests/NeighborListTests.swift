import MDCore
import MDNeighbors
import MDNumerics
import MDTestSupport
import Testing

private func rows(_ view: NeighborView) -> [[Int32]] {
  (0..<view.rowCount).map { i in (view.starts[i]..<view.starts[i + 1]).map { view.indices[$0] } }
}

@Suite struct NeighborListTests {
  @Test(arguments: Sample.all)
  func equalsBruteForce(_ sample: Sample) throws {
    let brute = BruteForceSystem(sample.structure, reach: sample.reach)
    let lists = NeighborLists(reach: sample.reach, kinds: [.full, .half])
    lists.build(atoms: brute.atoms, box: brute.box)
    let full = try #require(lists.full)
    let half = try #require(lists.half)
    #expect(rows(full).map { $0.sorted() } == rows(brute.full))
    #expect(rows(half).map { $0.sorted() } == rows(brute.half))
    // Full lists hold both ends, half lists one, of each pair over all images.
    #expect(full.pairCount == 2 * half.pairCount)
    #expect(lists.statistics.pairs == half.pairCount)
    #expect(lists.statistics.longestRow == rows(full).map(\.count).max())
  }

  @Test(arguments: Sample.all)
  func oneKindAloneIsTheSame(_ sample: Sample) throws {
    let brute = BruteForceSystem(sample.structure, reach: sample.reach)
    let both = NeighborLists(reach: sample.reach, kinds: [.full, .half])
    let full = NeighborLists(reach: sample.reach, kinds: [.full])
    let half = NeighborLists(reach: sample.reach, kinds: [.half])
    for lists in [both, full, half] { lists.build(atoms: brute.atoms, box: brute.box) }
    #expect(full.half == nil && half.full == nil)
    #expect(rows(try #require(full.full)) == rows(try #require(both.full)))
    #expect(rows(try #require(half.half)) == rows(try #require(both.half)))
  }

  @Test(arguments: Sample.all)
  func laneOrderSortsByLength(_ sample: Sample) throws {
    let brute = BruteForceSystem(sample.structure, reach: sample.reach)
    let lists = NeighborLists(reach: sample.reach, kinds: [.full, .half])
    lists.build(atoms: brute.atoms, box: brute.box)
    for view in [try #require(lists.full), try #require(lists.half)] {
      let lengths = rows(view).map(\.count)
      let expected = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
      #expect((0..<view.rowCount).map { Int(view.laneOrder[$0]) } == expected)
    }
  }

  @Test func buildAgainWithFewerAndMore() throws {
    let lists = NeighborLists(reach: 3, kinds: [.full])
    for sample in Sample.all + Sample.all.reversed() where sample.reach >= 3 {
      let brute = BruteForceSystem(sample.structure, reach: 3)
      lists.build(atoms: brute.atoms, box: brute.box)
      #expect(rows(try #require(lists.full)).map { $0.sorted() } == rows(brute.full))
    }
  }

  @Test func noAtoms() throws {
    let lists = NeighborLists(reach: 3, kinds: [.full, .half])
    #expect(lists.full == nil)
    let atoms = AtomStore()
    lists.build(atoms: atoms, box: Box(lengths: [5, 5, 5]))
    #expect(try #require(lists.full).pairCount == 0)
    #expect(lists.largestDisplacement(atoms: atoms, box: Box(lengths: [5, 5, 5])) == 0)
  }

  @Test func farAtomsDoNotMakeLargeGrids() {
    let sample = Sample.all.first { $0.description == "atoms far away" }!
    let brute = BruteForceSystem(sample.structure, reach: sample.reach)
    let lists = NeighborLists(reach: sample.reach, kinds: [.full])
    lists.build(atoms: brute.atoms, box: brute.box)
    // 104 atoms; their extent holds 1e25 cells.
    #expect(lists.statistics.bytes < 200_000)
  }
}

@Suite struct DisplacementTests {
  private let sample = Sample.all[0]

  private func built() -> (BruteForceSystem, NeighborLists) {
    let brute = BruteForceSystem(sample.structure, reach: sample.reach)
    let lists = NeighborLists(reach: sample.reach, halo: 6, kinds: [.half])
    lists.build(atoms: brute.atoms, box: brute.box)
    return (brute, lists)
  }

  @Test func largestOfAll() {
    let (brute, lists) = built()
    #expect(lists.largestDisplacement(atoms: brute.atoms, box: brute.box) == 0)
    brute.atoms.position[17] += [0.3, 0, -0.4]
    brute.atoms.position[90] += [0, 0.1, 0]
    #expect(abs(lists.largestDisplacement(atoms: brute.atoms, box: brute.box) - 0.5) < 1e-14)
  }

  @Test func farthestByItsNumber() {
    let (brute, lists) = built()
    let place = 17
    brute.atoms.position[place] += [0.3, 0, -0.4]
    brute.atoms.position[90] += [0, 0.1, 0]
    let farthest = lists.farthestAtom(atoms: brute.atoms)
    #expect(farthest.id == brute.atoms.id[place] && abs(farthest.distance - 0.5) < 1e-14)
    #expect(farthest.id != Int64(place))
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func notFinite(_ value: Double) {
    let (brute, lists) = built()
    brute.atoms.position[3].y = value
    #expect(lists.largestDisplacement(atoms: brute.atoms, box: brute.box) == .infinity)
  }

  @Test func otherNumberOfAtoms() {
    let (brute, lists) = built()
    brute.atoms.setLocalCount(brute.atoms.localCount - 1)
    #expect(lists.largestDisplacement(atoms: brute.atoms, box: brute.box) == .infinity)
  }

  /// Atoms that follow the cell have not moved, but pairs may have come nearer by the strain times the halo.
  @Test func affineDeformation() {
    let (brute, lists) = built()
    var box = brute.box
    var cell = box.cell
    cell.x.x *= 0.99
    box.setCell(cell)
    for i in 0..<brute.atoms.localCount {
      brute.atoms.position[i] = box.cartesian(brute.box.fractional(brute.atoms.position[i]))
    }
    // Half of 1 % of 6 Å; round-off of a deformation gradient.
    #expect(abs(lists.largestDisplacement(atoms: brute.atoms, box: box) - 0.03) < 1e-13)
  }

  /// As long as the bound holds, every pair within the cutoff is in the old list.
  @Test(arguments: 0..<20)
  func boundIsSafe(_ seed: Int) throws {
    let cutoff = 3.6
    let (brute, lists) = built()
    let half = try #require(lists.half)
    var listed = Set<[Int32]>()
    for i in 0..<half.rowCount {
      for k in half.starts[i]..<half.starts[i + 1] { listed.insert([Int32(i), half.indices[k]]) }
    }
    var randoms = Randoms(UInt64(seed))
    var box = brute.box
    let middle = Vector3(0.5, 0.5, 0.5)
    let strain = Matrix3(randoms.vector() - middle, randoms.vector() - middle, randoms.vector() - middle)
    box.setCell(box.cell * (.identity + 0.03 * randoms.next() * strain))
    let scale = 0.25 * randoms.next()
    for i in 0..<brute.atoms.localCount {
      brute.atoms.position[i] = box.cartesian(brute.box.fractional(brute.atoms.position[i]))
        + scale * (randoms.vector() - middle)
    }
    let bound = lists.largestDisplacement(atoms: brute.atoms, box: box)
    // The halo is wider than the reach here, so the bound covers the reach with room to spare.
    guard bound <= (sample.reach - cutoff) / 2 else { return }
    for i in 0..<half.rowCount {
      for j in 0..<half.rowCount where j > i {
        let close = (brute.atoms.position[j] - brute.atoms.position[i]).length < cutoff
        if close { #expect(listed.contains([Int32(i), Int32(j)])) }
      }
    }
  }
}
