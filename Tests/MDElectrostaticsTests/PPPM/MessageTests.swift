import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDSimulation
import MDTestSupport
import Testing

/// Messages of one potential of the mesh, counted, and reductions of a step of `qeq`, against docs/messages.md.
@Suite struct MessageTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var bricks: SIMD3<Int>
    /// Rows and columns of the transform.
    var grid: SIMD2<Int>
    var mesh = SIMD3(32, 32, 32)
    var order = 5
    /// Over all ranks, as docs/messages.md has them.
    var counted: (messages: Int, bytes: Int)
    var ranks: Int { bricks.x * bricks.y * bricks.z }
    var testDescription: String { "\(bricks) bricks, transform on \(grid.x)x\(grid.y)" }
  }
  static let cases = [
    Case(bricks: SIMD3(1, 1, 2), grid: SIMD2(2, 1), counted: (8, 738512)),
    Case(bricks: SIMD3(1, 2, 2), grid: SIMD2(4, 1), counted: (48, 1201008)),
    Case(bricks: SIMD3(1, 2, 2), grid: SIMD2(2, 2), counted: (40, 1340272)),
    Case(bricks: SIMD3(2, 2, 2), grid: SIMD2(8, 1), counted: (192, 1447040)),
    Case(bricks: SIMD3(2, 2, 2), grid: SIMD2(2, 4), counted: (176, 1537664)),
    Case(bricks: SIMD3(2, 2, 4), grid: SIMD2(16, 1), counted: (800, 1850112)),
    Case(bricks: SIMD3(2, 2, 4), grid: SIMD2(4, 4), order: 7, counted: (672, 2690304)),
    // Fewer ranks for the transform; parts of different size.
    Case(bricks: SIMD3(2, 2, 4), grid: SIMD2(2, 2), counted: (136, 1811712)),
    Case(bricks: SIMD3(2, 3, 2), grid: SIMD2(3, 4), mesh: SIMD3(20, 28, 18), counted: (318, 793600)),
  ]

  private static let edge = 64.0
  private static let stray = 0.5

  /// Both transforms and both ways between bricks and transform: (messages, bytes) over all ranks.
  private func expectedTransposes(_ test: Case) -> (messages: Int, bytes: Int) {
    let (rows, columns, n) = (test.grid.x, test.grid.y, test.mesh)
    let half = n.z / 2 + 1
    func share(_ k: Int, _ parts: Int, _ n: Int) -> Int { (k + 1) * n / parts - k * n / parts }
    var messages = 0
    var bytes = 0
    // z → y among the ranks of a row: all but the own part of what each has; only one column, nothing.
    messages += rows * columns * (columns - 1)
    bytes += (0..<columns).reduce(0) { $0 + 16 * n.x * share($1, columns, n.y) * (half - share($1, columns, half)) }
    // y → x among the ranks of a column.
    messages += columns * rows * (rows - 1)
    bytes += (0..<rows).reduce(0) { $0 + 16 * half * share($1, rows, n.x) * (n.y - share($1, rows, n.y)) }
    return (2 * messages, 2 * bytes)
  }

  /// Points of a rank's window along an axis: its part, the reach of a spline, and as far as atoms may stray.
  private func window(_ points: Int, _ bricks: Int, _ order: Int) -> (least: Int, most: Int) {
    guard bricks > 1 else { return (points + order, points + order) }
    let width = Double(points) / Double(bricks) + 2 * Self.stray * Double(points) / Self.edge
    return (Int(width.rounded(.down)) + order, Int(width.rounded(.up)) + order)
  }

  /// Ranks of the transform whose part a window can touch, the own one included.
  private func mostPieces(_ test: Case) -> Int {
    func along(_ axis: Int, _ parts: Int) -> Int {
      let points = Double(window(test.mesh[axis], test.bricks[axis], test.order).most)
      return min(parts, Int((points * Double(parts) / Double(test.mesh[axis])).rounded(.up)) + 1)
    }
    return along(0, test.grid.x) * along(1, test.grid.y)
  }

  /// Sums over ranks.
  private final class Total: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var traffic = CountingCommunicator.Traffic()
    private(set) var exchange = (messages: 0, bytes: 0, kept: 0)
    private(set) var exchanges: [(messages: Int, bytes: Int, kept: Int)] = []

    func add(_ one: CountingCommunicator.Traffic, exchange other: (messages: Int, bytes: Int, kept: Int)) {
      lock.withLock {
        traffic.messages += one.messages
        traffic.bytes += one.bytes
        exchange.messages += other.messages
        exchange.bytes += other.bytes
        exchange.kept += other.kept
        exchanges.append(other)
      }
    }
  }

  @Test(arguments: cases) func potential(_ test: Case) throws {
    let total = Total()
    try LoopbackCommunicator.run(ranks: test.ranks) { loopback in
      let communicator = CountingCommunicator(loopback)
      let box = Box(lengths: Vector3(repeating: Self.edge))
      let domain = try Domain(box: box, ranks: test.ranks, rank: communicator.rank, grid: test.bricks)
      let solver = PPPMSolver(LongRangeOptions(accuracy: 1e-4, cutoff: 10), communicator: communicator)
      solver.processGrid = test.grid
      solver.parameters = LongRangeParameters(
        splitting: 0.3, grid: test.mesh, order: test.order, cell: box.cell, count: test.ranks)
      // An atom in the middle of each brick.
      let s = (0..<3).map { 0.5 * (domain.lower[$0] + domain.upper[$0]) }
      let atoms = AtomStore()
      atoms.needCharge()
      atoms.setLocalCount(1)
      atoms.position[0] = box.cartesian(Vector3(s[0], s[1], s[2]))
      atoms.charge![0] = 1
      let n = test.ranks
      try solver.prepare(
        LongRangeSystem(
          box: box, decomposition: Decomposition(bricks: domain.bricks, stray: Self.stray),
          charges: ChargeStatistics(count: n, sum: Double(n), squares: Double(n), occupiedVolume: box.volume)))
      communicator.reset()
      let potential = AlignedBuffer<Double>(repeating: 0, count: 1)
      try solver.potential(of: atoms.charge!.pointer, on: atoms.view, into: potential.pointer)
      #expect(communicator.traffic.reductions == 1)
      total.add(communicator.traffic, exchange: solver.exchangeTraffic)
    }
    // Each window goes to the transform's ranks and comes back, less what stays.
    let transposes = expectedTransposes(test)
    #expect(total.traffic.messages == test.counted.messages && total.traffic.bytes == test.counted.bytes)
    #expect(total.traffic.messages == transposes.messages + 2 * total.exchange.messages)
    #expect(total.traffic.bytes == transposes.bytes + 2 * (total.exchange.bytes - total.exchange.kept))
    for exchange in total.exchanges {
      #expect(exchange.messages <= mostPieces(test), "\(exchange.messages) messages")
    }

    let sides = (0..<3).map { window(test.mesh[$0], test.bricks[$0], test.order) }
    let least = 8 * test.ranks * sides.reduce(1) { $0 * $1.least }
    let most = 8 * test.ranks * sides.reduce(1) { $0 * $1.most }
    #expect(total.exchange.bytes >= least && total.exchange.bytes <= most, "\(least) … \(most)")
  }

  /// What is due to ghosts, or back from them, at the same time travels together.
  @Test func columnsTogether() throws {
    let structure = TestStructures.crystal(["H", "O"], spacing: 2.6)
    func exchanges(_ potential: any Potential, _ want: Want = .all) throws -> [[String]] {
      let system = BruteForceSystem(structure, reach: potential.requirements.cutoff + 0.1)
      _ = try system.evaluate([potential], want: want)
      return system.exchanges.filter { $0 != ["charge vector"] }
    }
    let results = ["force", "energy", "virial"]
    let box = structure.box
    let qeq = try exchanges(ConstrainedCharges.all[0].potential(.qeq, in: box))
    #expect(qeq == [["charge", "charge weights"], results])
    for kind in ChargedCommitteeTests.Kind.allCases {
      let members = try ChargedCommitteeTests.members(kind, accuracy: 1e-4)
      let found = try exchanges(members[0])
      let moments = try #require(found.first { $0[0].hasPrefix("hdnnp moments") })
      #expect(found == [["hdnnp order"], moments, ["charge"], ["charge weights"] + moments, results])
      let committee = try exchanges(ChargedCommittee("hdnnp", members), [.all, .assessment])
      #expect(committee.count { $0.count == 2 && $0[0].contains("force") && $0[1].contains("energ") } == members.count)
    }
  }

  /// Of a step with n products: 2n of the products, 2n + 2 of conjugate gradients, n − 1 for zᵀr, 2 for Λ, and that of
  /// the forces on the mesh.
  @Test(arguments: [1e-1, 1e-4, 1e-8]) func chargeReductions(tolerance: Double) throws {
    let structure = TestStructures.crystal(["H", "O"], spacing: 2.6, cells: [4, 2, 2])
    try LoopbackCommunicator.run(ranks: 2) { loopback in
      let communicator = CountingCommunicator(loopback)
      let header = Distribution.header(of: communicator.isRoot ? structure : nil, communicator: communicator)
      let options = LongRangeOptions(accuracy: 1e-4, cutoff: 5)
      let potential = try QEqPotential(
        elements: ConstrainedCharges.elements, species: ["H", "O"],
        solver: ConjugateGradientCharges(tolerance: tolerance, mesh: options, communicator: communicator),
        longRange: PPPMSolver(options, communicator: communicator), cutoff: 5, communicator: communicator)
      let domain = try Domain(
        box: header.box, ranks: 2, rank: communicator.rank, halo: potential.requirements.halo)
      let atoms = AtomStore()
      try Distribution.scatter(
        communicator.isRoot ? structure : nil, header: header, to: atoms, domain: domain, communicator: communicator)
      let system = try DistributedSystem(
        communicator: communicator, atoms: atoms, box: header.box, species: header.species, masses: [1, 16],
        potentials: [potential], domain: domain, skin: 0)
      try system.rebuild()
      _ = try system.compute([], step: 0)
      // Once more, with meshes that are there and atoms that have moved.
      for i in 0..<atoms.localCount { atoms.position[i] += 0.05 * Vector3(sin(Double(atoms.id[i])), 0, 0) }
      communicator.reset()
      _ = try system.compute([], step: 1)
      let reductions = communicator.traffic.reductions
      let n = Int(potential.values(atoms.view, box: header.box, potentialEnergy: 0)[0])
      if tolerance < 1e-3 { #expect(n > 2) }
      #expect(reductions == 2 * n + (2 * n + 2) + (n - 1) + 2 + 1, "\(n) products, \(reductions) reductions")
    }
  }
}
