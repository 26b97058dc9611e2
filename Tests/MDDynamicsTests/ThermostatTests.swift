import Foundation
import MDCore
import MDDynamics
import MDNumerics
import Testing

enum ThermostatKind: String, CaseIterable, Sendable {
  case chain, rescaling, langevin

  func make(_ target: TemperatureRamp, damping: Double = 0.05) throws -> any Thermostat {
    switch self {
    case .chain: try NoseHooverChain(target: target, damping: damping)
    case .rescaling: try VelocityRescaling(target: target, damping: damping, seed: 11)
    case .langevin: try Langevin(target: target, damping: damping, seed: 12)
    }
  }
}

@Suite("Thermostats")
struct ThermostatTests {
  /// An anharmonic ring of two species.
  private func ring(
    _ n: Int = 32, timestep: Double = 0.002, groups: [UInt32]? = nil, motion: GroupMotion = .free,
    temperature: Double = 300
  ) throws -> TestBench {
    let bench = try TestBench(
      sites: TestBench.line(n), masses: [27, 60], species: (0..<n).map { Int32($0 % 2) }, groups: groups,
      motion: motion, timestep: timestep, model: Model.ring(3, 30))
    try VelocityInitialization.maxwellBoltzmann(temperature: temperature, seed: 1, bench.context)
    return bench
  }

  @Test("Canonical: mean and variance of the kinetic energy", arguments: ThermostatKind.allCases)
  func canonical(kind: ThermostatKind) throws {
    let bench = try ring()
    let integrator = VelocityVerlet(thermostat: try kind.make(TemperatureRamp(constant: 300)))
    try bench.run(integrator, steps: 2000)
    var kinetic: [Double] = []
    let g = Double(bench.context.degreesOfFreedom(momentumConserved: integrator.conservesMomentum(bench.context)))
    #expect(Int(g) == (kind == .langevin ? 96 : 93))
    try bench.run(integrator, steps: 40_000, beginning: false) { kinetic.append($0.kinetics(integrator).energy) }
    let kT = Units.boltzmann * 300
    let mean = blockAverage(kinetic)
    // Four standard errors of 20 blocks of 4 ps, and 0.3 % for the timestep: the velocities of BAOAB and of
    // velocity Verlet are cold by about (ωΔt)²/12 on the average over the modes.
    #expect(abs(mean.mean - g * kT / 2) < 4 * mean.error + 0.003 * g * kT / 2)
    #expect(mean.error < 0.02 * mean.mean)
    let variance = blockAverage(kinetic.map { ($0 - mean.mean) * ($0 - mean.mean) })
    #expect(abs(variance.mean - g * kT * kT / 2) < 4 * variance.error)
    #expect(variance.error < 0.15 * variance.mean)
  }

  @Test("The conserved quantity does not drift, and varies as the timestep squared", arguments: ThermostatKind.allCases)
  func conserved(kind: ThermostatKind) throws {
    let spreads = try [0.002, 0.001].map { timestep in
      let bench = try ring(timestep: timestep)
      // The ramp does work on the system, which the bath's energy must account for.
      let integrator = VelocityVerlet(
        thermostat: try kind.make(TemperatureRamp(from: 300, to: 450, firstStep: 0, lastStep: Int(20 / timestep))))
      var samples: [Double] = []
      var energies: [Double] = []
      try bench.run(integrator, steps: Int(20 / timestep)) {
        samples.append($0.conserved(integrator))
        energies.append($0.context.tally.energy + $0.kinetics(integrator).energy)
      }
      let mean = energies.reduce(0, +) / Double(energies.count)
      // 20 ps, while the energy itself rises by 150 K and fluctuates.
      #expect(energies.max()! - energies.min()! > 0.3 * mean)
      #expect(abs(slope(samples)) * Double(samples.count) < 2e-3 * mean)
      let middle = samples.reduce(0, +) / Double(samples.count)
      return samples.reduce(0) { $0 + abs($1 - middle) } / Double(samples.count) / mean
    }
    #expect(spreads[0] < 3e-3)
    #expect(spreads[1] < 0.5 * spreads[0])
  }

  @Test("Excluded, frozen and driven atoms are left alone", arguments: ThermostatKind.allCases)
  func groups(kind: ThermostatKind) throws {
    let n = 16
    let groups = (0..<n).map { i -> UInt32 in i == 0 ? 2 : i == 1 ? 4 : i < 6 ? 8 : 1 }
    let driven = Vector3(0, 0.1, 0)
    let motion = GroupMotion(frozen: 2, driven: [.init(mask: 4, velocity: driven)], unthermostatted: 8)
    let bench = try TestBench(
      sites: TestBench.line(n), groups: groups, motion: motion, model: Model.none())
    for i in 2..<6 { bench.atoms.velocity[i] = Vector3(1, 2, Double(i)) }
    for i in 6..<n { bench.atoms.velocity[i] = Vector3(3, 2, Double(i)) }
    let before = bench.velocities
    let integrator = VelocityVerlet(thermostat: try kind.make(TemperatureRamp(constant: 800)))
    try bench.run(integrator, steps: 50)
    #expect(bench.context.counts == .init(all: 16, mobile: 14, thermostatted: 10))
    #expect(bench.velocities[0] == .zero)
    #expect(bench.velocities[1] == driven)
    for i in 2..<6 { #expect(bench.velocities[i] == before[i]) }
    for i in 6..<n { #expect((bench.velocities[i] - before[i]).length > 0.01) }
  }

  @Test("The temperature follows a ramp", arguments: ThermostatKind.allCases)
  func ramp(kind: ThermostatKind) throws {
    let bench = try ring(64, temperature: 100)
    let integrator = VelocityVerlet(
      thermostat: try kind.make(TemperatureRamp(from: 100, to: 700, firstStep: 0, lastStep: 30_000)))
    var temperatures: [Double] = []
    try bench.run(integrator, steps: 30_000) { temperatures.append($0.kinetics(integrator).temperature) }
    for third in 0..<3 {
      let part = temperatures[(third * 10_000)..<((third + 1) * 10_000)]
      let expected = 100 + 600 * (Double(third) + 0.5) / 3
      // 189 degrees of freedom: a sample varies by 10 %, some 100 independent ones by 1 %.
      #expect(abs(part.reduce(0, +) / 10_000 - expected) < 0.05 * expected)
    }
  }

  @Test("Rescaling draws kinetic energies from the canonical distribution of any number of degrees of freedom",
    arguments: [1, 2, 5])
  func rescalingDistribution(atoms n: Int) throws {
    // No forces: the kinetic energy changes by the thermostat alone. One more atom is frozen, so g = 3n.
    let bench = try TestBench(
      sites: TestBench.line(n + 1), groups: [2] + Array(repeating: 1, count: n), motion: GroupMotion(frozen: 2))
    for i in 1...n { bench.atoms.velocity[i] = Vector3(1, 0, 0) }
    let integrator = VelocityVerlet(
      thermostat: try VelocityRescaling(target: TemperatureRamp(constant: 500), damping: 0.002, seed: 2))
    try bench.run(integrator, steps: 100)
    var kinetic: [Double] = []
    try bench.run(integrator, steps: 40_000, beginning: false) { kinetic.append($0.kinetics(integrator).energy) }
    let unit = Units.boltzmann * 500
    let g = Double(3 * n)
    for (power, expected) in [(1, g / 2), (2, g / 2 * (g / 2 + 1)), (3, g / 2 * (g / 2 + 1) * (g / 2 + 2))] {
      let moment = blockAverage(kinetic.map { pow($0 / unit, Double(power)) })
      #expect(abs(moment.mean - expected) < 4 * moment.error)
      #expect(moment.error < 0.05 * expected)
    }
  }

  @Test(
    "BAOAB samples the positions of harmonic oscillators exactly at any stable timestep", arguments: [0.3, 1.0, 1.6])
  func langevinConfigurations(phase: Double) throws {
    // ⟨x²⟩ = kT/k for all ωΔt < 2 (Leimkuhler and Matthews 2013).
    let k = 1.5
    let omega = (k / (63.546 * Units.massVelocitySquaredToEnergy)).squareRoot()
    let bench = try TestBench(
      sites: TestBench.line(100), timestep: phase / omega, model: Model.anchored(Vector3(repeating: k)))
    let integrator = VelocityVerlet(
      thermostat: try Langevin(target: TemperatureRamp(constant: 300), damping: 1 / omega, seed: 8))
    try bench.run(integrator, steps: 200)
    var squares: [Double] = []
    try bench.run(integrator, steps: 3000, beginning: false) { bench in
      squares.append(zip(bench.positions, bench.sites).reduce(0) { $0 + ($1.0 - $1.1).squaredLength } / 300)
    }
    let expected = Units.boltzmann * 300 / k
    let mean = blockAverage(squares)
    #expect(abs(mean.mean - expected) < 4 * mean.error)
    #expect(mean.error < 0.01 * expected)
  }

  @Test("Free Langevin particles diffuse with D = kT τ/m")
  func diffusion() throws {
    let n = 2000
    let (tau, dt, steps) = (0.05, 0.01, 500)
    let bench = try TestBench(sites: TestBench.line(n), timestep: dt)
    try VelocityInitialization.maxwellBoltzmann(
      temperature: 400, seed: 5, zeroMomentum: false, bench.context)
    try bench.run(
      VelocityVerlet(thermostat: Langevin(target: TemperatureRamp(constant: 400), damping: tau, seed: 6)),
      steps: steps)
    let kTm = Units.boltzmann * 400 / (63.546 * Units.massVelocitySquaredToEnergy)
    let msd = zip(bench.positions, bench.sites).reduce(0) { $0 + ($1.0 - $1.1).squaredLength } / Double(n)
    // Exact for the discrete process: a step moves by Δt (v + v′)/2, and ⟨v v′⟩ falls by c = e^(−Δt/τ) a step.
    let c = exp(-dt / tau)
    var sum = 0.0
    for i in 0...steps {
      for j in 0...steps {
        let ends = (i % steps == 0 ? 0.5 : 1) * (j % steps == 0 ? 0.5 : 1)
        sum += ends * pow(c, Double(abs(i - j)))
      }
    }
    let expected = 3 * kTm * dt * dt * sum
    // 6000 independent squares: standard error √(2/6000) = 1.8 %.
    #expect(abs(msd / expected - 1) < 0.075)
    #expect(abs(expected / (6 * kTm * tau * dt * Double(steps)) - 1) < 0.02)
  }

  @Test("A thermostat with nothing to act on, or with senseless parameters, is refused")
  func refusals() throws {
    let bench = try TestBench(
      sites: TestBench.line(3), groups: [2, 2, 2], motion: GroupMotion(frozen: 2))
    for kind in ThermostatKind.allCases {
      let integrator = VelocityVerlet(thermostat: try kind.make(TemperatureRamp(constant: 300)))
      #expect(throws: FaultlineError.self) { try integrator.begin(bench.context, box: bench.box) }
      #expect(throws: FaultlineError.self) { try kind.make(TemperatureRamp(constant: 300), damping: 0) }
    }
    #expect(throws: FaultlineError.self) { try TemperatureRamp(constant: -1) }
    #expect(throws: FaultlineError.self) { try TemperatureRamp(from: 1, to: 2, firstStep: 5, lastStep: 4) }
  }

  @Test("A ramp is a function of the absolute step")
  func rampValues() throws {
    let ramp = try TemperatureRamp(from: 100, to: 300, firstStep: 1000, lastStep: 2000)
    #expect([0, 1000, 1250, 2000, 9999].map(ramp.temperature(at:)) == [100, 100, 150, 300, 300])
  }
}
