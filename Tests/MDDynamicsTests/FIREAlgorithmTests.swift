import MDCore
import MDDynamics
import MDNumerics
import Testing

@Suite("FIRE 2.0 as published")
struct FIREAlgorithmTests {
  /// J. Guénolé et al., Comput. Mater. Sci. 175, 109584 (2020), semi-implicit Euler, step by step; displacements are
  /// limited as ours are.
  private struct Published {
    var r: [Vector3]
    var v: [Vector3]
    let start: Double
    var timestep: Double
    var mixing = 0.25
    var lastMove: Double
    var (steps, uphill, downhill) = (0, 0, 0)
    var turns = 0
    let largest: Double

    init(_ r: [Vector3], timestep: Double, largest: Double) {
      self.r = r
      v = r.map { _ in .zero }
      start = timestep
      self.timestep = timestep
      lastMove = timestep
      self.largest = largest
    }

    mutating func step(_ f: [Vector3], mass: Double, maximumStep: Double) {
      let power = zip(f, v).reduce(0) { $0 + dot($1.0, $1.1) }
      steps += 1
      if power > 0 {
        downhill += 1
        if downhill > 20 {
          timestep = min(1.1 * timestep, largest * start)
          mixing *= 0.99
        }
      } else {
        downhill = 0
        turns += 1
        if steps > 20 {
          timestep = max(0.5 * timestep, 0.02 * start)
          mixing = 0.25
        }
        for i in r.indices {
          r[i] -= 0.5 * min(timestep, lastMove) * v[i]
          v[i] = .zero
        }
      }
      for i in r.indices { v[i] += timestep / mass * f[i] }
      let speed = v.reduce(0) { $0 + $1.squaredLength }.squareRoot()
      let force = f.reduce(0) { $0 + $1.squaredLength }.squareRoot()
      for i in r.indices { v[i] = (1 - mixing) * v[i] + mixing * speed / force * f[i] }
      lastMove = min(timestep, maximumStep / v.map(\.length).max()!)
      for i in r.indices { r[i] += lastMove * v[i] }
    }
  }

  @Test("Step by step the same positions", arguments: [0.1, 0.002])
  func steps(maximumStep: Double) throws {
    let model = Model.lennardJones(epsilon: 0.0104, sigma: 3.4)
    let bench = try TestBench(
      sites: lennardJones13(sigma: 3.4), masses: [39.95, 10], species: (0..<13).map { Int32($0 % 2) },
      timestep: 0.004, model: model)
    for i in 0..<13 {
      var random = CounterRandom(seed: 1, stream: .structures, id: Int64(i))
      bench.atoms.position[i] += 0.2 * random.gaussianVector()
    }
    bench.computeForces()
    var options = FIRE.Options(forceTolerance: 1e-12)
    options.maximumStep = maximumStep
    options.largestTimestep = 2
    let fire = try FIRE(options)
    try fire.begin(bench.context, box: bench.box)
    var published = Published(bench.positions, timestep: 0.004, largest: 2)
    let mass = (7 * 39.95 + 6 * 10) / 13 * Units.massVelocitySquaredToEnergy
    var limited = 0
    var grown = 0.0
    for step in 1...250 {
      published.step((0..<13).map { bench.atoms.force[$0] }, mass: mass, maximumStep: maximumStep)
      try bench.step(fire)
      let apart = zip(published.r, bench.positions).map { ($0 - $1).length }.max()!
      #expect(apart < 1e-9, "step \(step)")
      // The next step starts from the same place: round-off does not add up.
      published.r = bench.positions
      if published.lastMove < published.timestep { limited += 1 }
      grown = max(grown, published.timestep)
    }
    #expect((published.turns > 2 || maximumStep < 0.01) && abs(grown - 0.008) < 1e-12)
    #expect((limited > 0) == (maximumStep < 0.01))
  }

  @Test("A force along any axis counts", arguments: 0..<3)
  func axes(axis: Int) throws {
    let bench = try TestBench(sites: TestBench.line(2), model: Model.anchored(Vector3(1, 1, 1)))
    bench.atoms.position[1][axis] += 0.3
    bench.computeForces()
    let fire = try FIRE(.init(forceTolerance: 1e-6))
    try fire.begin(bench.context, box: bench.box)
    #expect(fire.status == .running && abs(fire.largestForce - 0.3) < 1e-14)
    for _ in 0..<3000 where fire.status == .running { try bench.step(fire) }
    #expect(fire.status == .forceConverged)
    #expect((bench.positions[1] - bench.sites[1]).length <= 1.0001e-6)
  }

  @Test("The energy criterion: ten calm steps in a row, by atom")
  func calmSteps() throws {
    let bench = try TestBench(sites: TestBench.line(1000), model: Model.anchored(Vector3(0.5, 1, 2)))
    for i in 0..<1000 { bench.atoms.position[i] += Vector3(0.2, 0.1, 0.3) }
    bench.computeForces()
    let tolerance = 1e-9
    let fire = try FIRE(.init(forceTolerance: 1e-15, energyTolerance: tolerance))
    try fire.begin(bench.context, box: bench.box)
    var energies = [bench.context.tally.energy]
    while fire.status == .running && energies.count < 5000 {
      try bench.step(fire)
      energies.append(bench.context.tally.energy)
    }
    #expect(fire.status == .energyConverged)
    let changes = zip(energies, energies.dropFirst()).map { abs($1 - $0) / 1000 }
    #expect(changes.suffix(10).allSatisfy { $0 < tolerance })
    #expect(changes.dropLast(10).last! >= tolerance)
  }

  @Test("A search that only goes uphill ends after as many steps as it has patience")
  func patience() throws {
    var sign = 1.0
    let bench = try TestBench(sites: [.zero]) { _, _, f in
      sign = -sign
      f[0] = Vector3(sign, 0, 0)
      return 0
    }
    var options = FIRE.Options(forceTolerance: 1e-3)
    options.patience = 30
    let fire = try FIRE(options)
    try fire.begin(bench.context, box: bench.box)
    var steps = 0
    while fire.status == .running && steps < 1000 {
      try bench.step(fire)
      steps += 1
    }
    #expect(fire.status == .stalled && steps == 31)
  }

  @Test("Relaxed atoms are at rest, also where the steps ran out")
  func atRest() throws {
    let bench = try TestBench(sites: TestBench.line(2), model: Model.anchored(Vector3(1, 1, 1)))
    bench.atoms.position[1].x += 0.3
    bench.computeForces()
    let fire = try FIRE(.init(forceTolerance: 1e-9))
    try fire.begin(bench.context, box: bench.box)
    for _ in 0..<5 { try bench.step(fire) }
    #expect(bench.velocities[1].length > 1e-3)
    try fire.finish(bench.context)
    #expect(bench.velocities == [.zero, .zero])
  }
}
