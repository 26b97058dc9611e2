import Foundation
import MDCore
import MDDynamics
import MDNumerics
import Testing

@Suite("FIRE relaxation")
struct FIRETests {
  /// Steps until FIRE stops.
  @discardableResult
  private func relax(_ bench: TestBench, _ fire: FIRE, limit: Int = 5000) throws -> Int {
    try fire.begin(bench.context, box: bench.box)
    var steps = 0
    while fire.status == .running && steps < limit {
      try bench.step(fire)
      steps += 1
    }
    try fire.finish(bench.context)
    return steps
  }

  @Test("The 13-atom Lennard-Jones cluster reaches its known minimum, −44.326801 ε")
  func cluster() throws {
    // D. J. Wales, J. P. K. Doye, J. Phys. Chem. A 101, 5111 (1997).
    let epsilon = 0.0104
    let bench = try TestBench(
      sites: lennardJones13(sigma: 3.4), masses: [39.95, 10], species: (0..<13).map { Int32($0 % 2) },
      model: Model.lennardJones(epsilon: epsilon, sigma: 3.4))
    for i in 0..<13 {
      var random = CounterRandom(seed: 1, stream: .structures, id: Int64(i))
      bench.atoms.position[i] += 0.15 * random.gaussianVector()
    }
    bench.computeForces()
    let fire = try FIRE(.init(forceTolerance: 1e-8))
    let steps = try relax(bench, fire)
    #expect(fire.status == .forceConverged)
    #expect(abs(bench.context.tally.energy / epsilon + 44.326801) < 1e-6)
    #expect(fire.largestForce <= 1e-8)
    #expect(steps < 1000)
    #expect(bench.velocities.allSatisfy { $0 == .zero })
  }

  @Test("An anisotropic well with stiffness ratio 1000 is found", arguments: [0.0005, 0.002, 0.01])
  func anisotropic(timestep: Double) throws {
    let bench = try TestBench(
      sites: TestBench.line(5), timestep: timestep, model: Model.anchored(Vector3(0.02, 1, 20)))
    for i in 0..<5 { bench.atoms.position[i] += Vector3(0.5, -0.4, 0.3) }
    bench.computeForces()
    let fire = try FIRE(.init(forceTolerance: 1e-7))
    try relax(bench, fire)
    #expect(fire.status == .forceConverged)
    for (r, site) in zip(bench.positions, bench.sites) { #expect((r - site).length < 1e-5) }
  }

  @Test("No atom moves farther than the limit at once, frozen and driven atoms not at all")
  func limits() throws {
    let motion = GroupMotion(frozen: 2, driven: [.init(mask: 4, velocity: Vector3(1, 0, 0))])
    let bench = try TestBench(
      sites: TestBench.line(6), groups: [2, 1, 1, 1, 1, 4], motion: motion, model: Model.ring(2, 500))
    for i in 0..<6 { bench.atoms.position[i] += Vector3(0, Double(i % 2) * 2, 0) }
    bench.computeForces()
    let start = bench.positions
    var options = FIRE.Options(forceTolerance: 1e-6)
    options.maximumStep = 0.05
    let fire = try FIRE(options)
    try fire.begin(bench.context, box: bench.box)
    var previous = start
    var longest = 0.0
    for _ in 0..<3000 where fire.status == .running {
      try bench.step(fire)
      longest = max(longest, zip(previous, bench.positions).map { ($0 - $1).length }.max()!)
      previous = bench.positions
    }
    #expect(fire.status == .forceConverged)
    // Half a step back, where it happens, is part of the move.
    #expect(longest > 0.049 && longest < 0.0751)
    #expect(bench.positions[0] == start[0] && bench.positions[5] == start[5])
    try fire.finish(bench.context)
    #expect(bench.velocities[5] == Vector3(1, 0, 0))
  }

  @Test("A small energy change ends the search when it is asked for")
  func energyCriterion() throws {
    let bench = try TestBench(
      sites: TestBench.line(3), model: Model.anchored(Vector3(0.5, 1, 2)))
    for i in 0..<3 { bench.atoms.position[i] += Vector3(0.2, 0.1, 0.3) }
    bench.computeForces()
    let fire = try FIRE(.init(forceTolerance: 1e-14, energyTolerance: 1e-12))
    #expect(fire.wants == .energy)
    #expect(try FIRE(.init(forceTolerance: 1e-3)).wants == [])
    try relax(bench, fire)
    #expect(fire.status == .energyConverged)
    #expect(bench.context.tally.energy < 1e-9)
  }

  @Test("A relaxed structure is left as it is; forces that are no gradient, or not finite, are reported")
  func ends() throws {
    let relaxed = try TestBench(sites: TestBench.line(3), model: Model.anchored(Vector3(1, 1, 1)))
    #expect(try relax(relaxed, FIRE(.init(forceTolerance: 1e-3))) == 0)
    #expect(relaxed.positions == relaxed.sites)

    var sign = 1.0
    let flipping = try TestBench(sites: [.zero]) { _, _, f in
      sign = -sign
      f[0] = Vector3(sign, 0, 0)
      return 0
    }
    var options = FIRE.Options(forceTolerance: 1e-3)
    options.patience = 30
    let fire = try FIRE(options)
    try relax(flipping, fire)
    #expect(fire.status == .stalled)

    let broken = try TestBench(sites: [.zero]) { _, _, f in
      f[0] = Vector3(.nan, 0, 0)
      return 0
    }
    #expect(throws: FaultlineError.self) { try relax(broken, FIRE(.init(forceTolerance: 1e-3))) }
    #expect(throws: FaultlineError.self) { try FIRE(.init(forceTolerance: 0)) }
  }
}
