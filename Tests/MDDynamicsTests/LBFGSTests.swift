import Foundation
import MDCore
import MDDynamics
import MDNumerics
import Testing

@Suite("L-BFGS relaxation") struct LBFGSTests {
  @discardableResult
  private func relax(_ bench: TestBench, _ minimizer: LBFGS, limit: Int = 2000) throws -> Int {
    try minimizer.begin(bench.context, box: bench.box)
    var steps = 0
    while !minimizer.isOver && steps < limit {
      try bench.step(minimizer)
      steps += 1
    }
    try minimizer.finish(bench.context)
    return steps
  }

  @Test("The 13-atom Lennard-Jones cluster reaches its known minimum, −44.326801 ε")
  func cluster() throws {
    let epsilon = 0.0104
    let bench = try TestBench(
      sites: lennardJones13(sigma: 3.4), masses: [39.95], model: Model.lennardJones(epsilon: epsilon, sigma: 3.4))
    for i in 0..<13 {
      var random = CounterRandom(seed: 1, stream: .structures, id: Int64(i))
      bench.atoms.position[i] += 0.15 * random.gaussianVector()
    }
    bench.computeForces()
    let minimizer = try LBFGS(.init(forceTolerance: 1e-8))
    let steps = try relax(bench, minimizer)
    #expect(minimizer.status == .forceConverged && minimizer.largestForce <= 1e-8)
    #expect(abs(bench.context.tally.energy / epsilon + 44.326801) < 1e-6)
    #expect(steps < 120, "\(steps): FIRE needs some 500")
    #expect(bench.atoms.columns.allSatisfy { !$0.name.hasPrefix("lbfgs") }, "the vectors' memory is given back")
  }

  /// A quadratic form of 15 coordinates and three stiffnesses: a method that learns them is done in tens of steps, one that
  /// follows the gradient needs hundreds.
  @Test func quadratic() throws {
    let bench = try TestBench(sites: TestBench.line(5), model: Model.anchored(Vector3(0.02, 1, 20)))
    for i in 0..<5 { bench.atoms.position[i] += Vector3(0.05, -0.04, 0.03) }
    bench.computeForces()
    let minimizer = try LBFGS(.init(forceTolerance: 1e-9))
    let steps = try relax(bench, minimizer)
    #expect(minimizer.status == .forceConverged && steps <= 40, "\(steps)")
    for (r, site) in zip(bench.positions, bench.sites) { #expect((r - site).length < 1e-7) }
  }

  @Test("No atom moves farther than the limit at once, frozen and driven atoms not at all, and the energy never rises")
  func limits() throws {
    let motion = GroupMotion(frozen: 2, driven: [.init(mask: 4, velocity: Vector3(1, 0, 0))])
    let bench = try TestBench(
      sites: TestBench.line(6), groups: [2, 1, 1, 1, 1, 4], motion: motion, model: Model.ring(2, 500))
    for i in 0..<6 { bench.atoms.position[i] += Vector3(0, Double(i % 2) * 2, 0) }
    bench.computeForces()
    let start = bench.positions
    var options = LBFGS.Options(forceTolerance: 1e-6)
    options.maximumStep = 0.05
    let minimizer = try LBFGS(options)
    try minimizer.begin(bench.context, box: bench.box)
    var (previous, longest, lowest) = (start, 0.0, bench.context.tally.energy)
    for _ in 0..<2000 where !minimizer.isOver {
      try bench.step(minimizer)
      longest = max(longest, zip(previous, bench.positions).map { ($0 - $1).length }.max()!)
      previous = bench.positions
      lowest = min(lowest, bench.context.tally.energy)
    }
    #expect(minimizer.status == .forceConverged)
    #expect(longest > 0.045 && longest < 0.0501)
    #expect(abs(bench.context.tally.energy - lowest) < 1e-12)
    #expect(bench.positions[0] == start[0] && bench.positions[5] == start[5])
    try minimizer.finish(bench.context)
    #expect(bench.velocities[5] == Vector3(1, 0, 0))
  }

  /// Forces that point away from the minimum of the energy that is reported: no step lowers it.
  @Test func stalls() throws {
    let bench = try TestBench(sites: TestBench.line(3)) { sites, r, f in
      var energy = 0.0
      for i in sites.indices {
        let d = r[i] - sites[i]
        f[i] = d + Vector3(1, 0, 0)
        energy += 0.5 * d.squaredLength + d.x
      }
      return energy
    }
    let minimizer = try LBFGS(.init(forceTolerance: 1e-6))
    try relax(bench, minimizer)
    #expect(minimizer.status == .stalled && !minimizer.isConverged)
    #expect(minimizer.outcome.contains("stalled"))
  }

  @Test func absurdOptions() {
    for change: (inout LBFGS.Options) -> Void in [
      { $0.forceTolerance = 0 }, { $0.memory = 0 }, { $0.maximumStep = -1 }, { $0.stiffness = 0 }, { $0.patience = 0 },
      { $0.energyTolerance = 0 }, { $0.maximumStrain = 0 },
    ] {
      var options = LBFGS.Options(forceTolerance: 1e-3)
      change(&options)
      #expect(throws: FaultlineError.self) { _ = try LBFGS(options) }
    }
  }
}
