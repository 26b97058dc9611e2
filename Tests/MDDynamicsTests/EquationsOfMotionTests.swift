import Foundation
import MDCore
import MDDynamics
import MDNumerics
import MDParallel
import Testing

/// The equations and algorithms of the papers, written down once more in the plainest way.
@Suite("Equations of motion")
struct EquationsOfMotionTests {
  /// Nosé–Hoover chain over free particles, of which 2K is all that matters, by the Runge–Kutta method.
  private struct Chain {
    var twiceKinetic: Double
    var velocities = [0.0, 0, 0]

    private func slopes(_ y: [Double], kT: Double, g: Double, tau: Double) -> [Double] {
      let q = [g * kT * tau * tau, kT * tau * tau, kT * tau * tau]
      return [
        -2 * y[1] * y[0],
        (y[0] - g * kT) / q[0] - y[1] * y[2],
        (q[0] * y[1] * y[1] - kT) / q[1] - y[2] * y[3],
        (q[1] * y[2] * y[2] - kT) / q[2],
      ]
    }

    mutating func advance(_ time: Double, kT: Double, g: Double, tau: Double) {
      var y = [twiceKinetic] + velocities
      let h = time / 10
      func shifted(_ k: [Double], _ by: Double) -> [Double] { zip(y, k).map { $0 + by * $1 } }
      for _ in 0..<10 {
        let k1 = slopes(y, kT: kT, g: g, tau: tau)
        let k2 = slopes(shifted(k1, h / 2), kT: kT, g: g, tau: tau)
        let k3 = slopes(shifted(k2, h / 2), kT: kT, g: g, tau: tau)
        let k4 = slopes(shifted(k3, h), kT: kT, g: g, tau: tau)
        for i in y.indices { y[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) }
      }
      twiceKinetic = y[0]
      velocities = Array(y[1...])
    }
  }

  @Test("Nosé–Hoover chain: the differential equations, with atoms outside and along a ramp", arguments: [200.0, 500])
  func chain(end: Double) throws {
    let n = 10
    // Two of the ten are outside of the thermostat's reach, and hot.
    let bench = try TestBench(
      sites: TestBench.line(n), masses: [27, 60], species: (0..<n).map { Int32($0 % 2) },
      groups: (0..<n).map { $0 < 2 ? 2 : 1 }, motion: GroupMotion(unthermostatted: 2), timestep: 0.0005)
    try VelocityInitialization.maxwellBoltzmann(temperature: 600, seed: 4, bench.context)
    for i in 0..<2 { bench.atoms.velocity[i] = Vector3(40, 0, 0) }
    func twiceKinetic() -> Double {
      (2..<n).reduce(0) { sum, i in
        let mass = bench.context.masses[i % 2] * Units.massVelocitySquaredToEnergy
        return sum + mass * bench.atoms.velocity[i].squaredLength
      }
    }
    let (tau, g) = (0.03, 24.0)
    let ramp = try TemperatureRamp(from: 200, to: end, firstStep: 0, lastStep: 400)
    let integrator = VelocityVerlet(thermostat: try NoseHooverChain(target: ramp, damping: tau))
    var reference = Chain(twiceKinetic: twiceKinetic())
    try integrator.begin(bench.context, box: bench.box)
    let start = bench.conserved(integrator)
    var largest = 0.0
    for step in 1...400 {
      try bench.step(integrator)
      reference.advance(0.0005, kT: Units.boltzmann * ramp.temperature(at: step), g: g, tau: tau)
      // (ωΔt)² is 5e-4 with ω = √2/τ.
      #expect(abs(twiceKinetic() / reference.twiceKinetic - 1) < 2e-3, "step \(step)")
      largest = max(largest, abs(bench.conserved(integrator) - start))
    }
    #expect(largest < 1e-3 * g * Units.boltzmann * 300)
  }

  @Test("Stochastic rescaling: the kinetic energy approaches its target as e^(−t/τ)")
  func rescalingRate() throws {
    let n = 1000
    let bench = try TestBench(sites: TestBench.line(n), timestep: 0.002)
    try VelocityInitialization.maxwellBoltzmann(temperature: 30, seed: 4, bench.context)
    let integrator = VelocityVerlet(
      thermostat: try VelocityRescaling(target: TemperatureRamp(constant: 300), damping: 0.1, seed: 3))
    try bench.run(integrator, steps: 50)
    // 3000 degrees of freedom: 2.6 % of the target.
    #expect(abs(bench.kinetics(integrator).temperature / 300 - (1 - 0.9 * exp(-1))) < 0.1)
  }

  @Test("Langevin: a stream of free particles slows down as e^(−t/τ)")
  func langevinRate() throws {
    let n = 1000
    let bench = try TestBench(sites: TestBench.line(n), timestep: 0.002)
    for i in 0..<n { bench.atoms.velocity[i] = Vector3(10, 0, 0) }
    let langevin = try Langevin(target: TemperatureRamp(constant: 100), damping: 0.1, seed: 3)
    try bench.run(VelocityVerlet(thermostat: langevin), steps: 50)
    let mean = bench.velocities.reduce(.zero) { $0 + $1 } * (1 / Double(n))
    // Thermal velocities are of 1.1 Å/ps.
    #expect((mean - Vector3(10 * exp(-1), 0, 0)).length < 0.2)
  }

  @Test("Seeds matter: velocities, Langevin's noise, rescaling's numbers")
  func seeds() throws {
    func run(_ velocities: UInt64, _ thermostat: (UInt64) throws -> any Thermostat, _ seed: UInt64) throws -> [Vector3]
    {
      let bench = try TestBench(sites: TestBench.line(8))
      try VelocityInitialization.maxwellBoltzmann(temperature: 300, seed: velocities, bench.context)
      try bench.run(VelocityVerlet(thermostat: try thermostat(seed)), steps: 3)
      return bench.velocities
    }
    let target = try TemperatureRamp(constant: 300)
    let thermostats: [(UInt64) throws -> any Thermostat] = [
      { try Langevin(target: target, damping: 0.1, seed: $0) },
      { try VelocityRescaling(target: target, damping: 0.1, seed: $0) },
    ]
    for thermostat in thermostats {
      let first = try run(1, thermostat, 5)
      #expect(try run(1, thermostat, 5) == first)
      #expect(try run(2, thermostat, 5) != first)
      #expect(try run(1, thermostat, 6) != first)
    }
  }

  @Test("The kicks take each atom's own mass, beside frozen atoms too", arguments: [0, 2])
  func masses(frozen: UInt32) throws {
    let bench = try TestBench(
      sites: TestBench.line(3), masses: [10, 40], species: [0, 1, 1], groups: [1, 1, 2],
      motion: GroupMotion(frozen: frozen), timestep: 0.01
    ) { _, _, f in
      for i in 0..<3 { f[i] = Vector3(1, 2, -1) }
      return 0
    }
    try bench.run(VelocityVerlet(), steps: 4)
    for (i, mass) in [10.0, 40].enumerated() {
      let expected = 0.04 / (mass * Units.massVelocitySquaredToEnergy) * Vector3(1, 2, -1)
      #expect((bench.velocities[i] - expected).length < 1e-11)
      #expect((bench.positions[i] - bench.sites[i] - 0.02 * expected).length < 1e-11)
    }
    #expect((bench.positions[2] == bench.sites[2]) == (frozen != 0))
  }

  @Test("An atom in several groups obeys the first rule that fits")
  func firstRule() throws {
    let motion = GroupMotion(
      driven: [.init(mask: 2, velocity: Vector3(1, 0, 0)), .init(mask: 4, velocity: Vector3(0, 1, 0))])
    let bench = try TestBench(sites: TestBench.line(3), groups: [2, 2 | 4, 4], motion: motion)
    bench.context.imposeVelocities()
    #expect(bench.velocities == [Vector3(1, 0, 0), Vector3(1, 0, 0), Vector3(0, 1, 0)])
  }

  @Test("Loading moves ghosts along, about the cell's origin")
  func ghosts() throws {
    let bench = try TestBench(
      sites: [Vector3(1, 2, 3)], timestep: 0.01,
      box: Box(cell: Matrix3(diagonal: Vector3(10, 10, 10)), origin: Vector3(1, 1, 1)))
    let ghost = bench.atoms.appendGhosts(1)
    bench.atoms.position[ghost] = Vector3(11, 2, 3)
    bench.context.step = 1
    let loading = try Loading(axis: 0, strainRate: 10, step: 0)
    try loading.apply(bench.context, box: &bench.box)
    #expect((bench.atoms.position[0] - Vector3(1, 2, 3)).length < 1e-14)
    #expect((bench.atoms.position[ghost] - Vector3(12, 2, 3)).length < 1e-14)
  }

  @Test("The heat of a Langevin thermostat is the same on any number of ranks after a restart")
  func restartedHeat() throws {
    let bench = try TestBench(sites: TestBench.line(20))
    let thermostat = { try Langevin(target: TemperatureRamp(constant: 500), damping: 0.05, seed: 3) }
    let first = try thermostat()
    try bench.run(VelocityVerlet(thermostat: first), steps: 20)
    let (heat, state) = (first.bathEnergy(bench.context), try first.state(bench.context))
    #expect(heat < -0.1)
    try LoopbackCommunicator.run(ranks: 3) { communicator in
      let rank = try TestBench(sites: TestBench.line(2), communicator: communicator)
      let again = try Langevin(target: TemperatureRamp(constant: 500), damping: 0.05, seed: 3)
      try again.begin(rank.context, from: state)
      #expect(again.bathEnergy(rank.context) == heat)
    }
    // The state of one thermostat is not that of another, though both are one number.
    let other = try VelocityRescaling(target: TemperatureRamp(constant: 500), damping: 0.05, seed: 3)
    #expect(throws: FaultlineError.self) { try other.begin(bench.context, from: state) }
  }
}
