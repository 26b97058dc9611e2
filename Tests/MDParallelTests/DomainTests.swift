import MDCore
import MDNumerics
import MDParallel
import MDTestSupport
import Testing

@Suite struct DomainTests {
  private static let boxes = [
    Box(lengths: [10, 20, 30]),
    Box(lengths: [10, 20, 30], periodic: .none),
    Box(cell: Matrix3([9, 0, 0], [7, 8, 0], [-6, 5, 9]), periodic: .init(true, false, true)),
  ]

  /// Every point has one owner, whose brick contains it.
  @Test(arguments: boxes, [1, 2, 3, 4, 6, 7, 12])
  func ownersCoverSpace(_ box: Box, _ ranks: Int) throws {
    let domains = try (0..<ranks).map { try Domain(box: box, ranks: ranks, rank: $0) }
    var randoms = Randoms(1)
    for _ in 0..<500 {
      var s = randoms.vector()
      for k in 0..<3 where !box.periodic[k] { s[k] = 3 * s[k] - 1 }
      let holders = domains.filter { $0.contains(s) }.map(\.rank)
      #expect(holders == [domains[0].owner(of: s)])
    }
    // Planes belong to the upper brick.
    for domain in domains where domain.lower.isFinite {
      #expect(domain.owner(of: domain.lower) == domain.rank)
    }
  }

  @Test(arguments: boxes, [1, 2, 6, 8])
  func neighboursAreMutual(_ box: Box, _ ranks: Int) throws {
    let domains = try (0..<ranks).map { try Domain(box: box, ranks: ranks, rank: $0) }
    for domain in domains {
      for axis in 0..<3 {
        for step in [-1, 1] {
          guard let next = domain.neighbor(axis: axis, step: step) else {
            #expect(!box.periodic[axis])
            continue
          }
          let back = domains[next.rank].neighbor(axis: axis, step: -step)
          #expect(back?.rank == domain.rank && back?.crossing == -next.crossing)
        }
      }
    }
  }

  @Test func gridHasTheSmallestSurface() throws {
    func grid(_ lengths: Vector3, _ ranks: Int, _ periodic: Periodicity = .all, halo: Double = 0) throws
      -> SIMD3<Int>
    {
      try Domain(box: Box(lengths: lengths, periodic: periodic), ranks: ranks, rank: 0, halo: halo).grid
    }
    #expect(try grid([100, 100, 100], 8) == SIMD3(2, 2, 2))
    #expect(try grid([10, 10, 400], 8, halo: 6) == SIMD3(1, 1, 8))
    #expect(try grid([400, 10, 10], 7) == SIMD3(7, 1, 1))
    #expect(try grid([100, 200, 50], 4) == SIMD3(1, 4, 1))
    #expect(try grid([90, 90, 30], 9, .none) == SIMD3(3, 3, 1))
  }

  @Test func refusesGridsThatDoNotFit() {
    let box = Box(lengths: [1, 1, 1])
    #expect(throws: FaultlineError.self) { try Domain(box: box, ranks: 6, rank: 0, grid: SIMD3(2, 2, 2)) }
    #expect(throws: FaultlineError.self) {
      try Domain(box: box, ranks: 2, rank: 0, grid: SIMD3(2, 1, 1), cuts: [[0, 1.5, 1], [0, 1], [0, 1]])
    }
  }
}
