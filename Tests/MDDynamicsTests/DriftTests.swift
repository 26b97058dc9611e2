import Foundation
import MDCore
import MDDynamics
import MDNumerics
import Testing

/// What is counted as thermal motion when the centre of mass moves.
@Suite("Drift of the centre of mass")
struct DriftTests {
  private static let drift = Vector3(3, -40, 12)

  /// 24 atoms of two species on a translation-invariant ring, with given velocities relative to a common one.
  private func bench(
    drift: Vector3 = .zero, groups: [UInt32]? = nil, motion: GroupMotion = .free,
    model: @escaping ForceModel = Model.ring(3, 30)
  ) throws -> TestBench {
    let bench = try TestBench(
      sites: TestBench.line(24), masses: [27, 60], species: (0..<24).map { Int32($0 % 2) }, groups: groups,
      motion: motion, timestep: 0.002, model: model)
    for i in 0..<24 {
      let x = Double(i)
      bench.atoms.velocity[i] = Vector3(3 * sin(x), 2 * cos(3 * x), sin(2 * x + 1)) + drift
    }
    return bench
  }

  private func mass(_ i: Int) -> Double { (i % 2 == 0 ? 27 : 60) * Units.massVelocitySquaredToEnergy }

  /// Σ m (v − V)² of free particles by the definition, with V or without.
  @Test("Temperature, degrees of freedom and pressure by their definitions", arguments: [true, false])
  func definitions(conserved: Bool) throws {
    let bench = try bench(drift: Self.drift, model: Model.none())
    let v = bench.velocities
    let total = (0..<24).reduce(0) { $0 + mass($1) }
    let centre = conserved ? (1 / total) * (0..<24).reduce(Vector3.zero) { $0 + mass($1) * v[$1] } : .zero
    let twice = (0..<24).reduce(0) { $0 + mass($1) * (v[$1] - centre).squaredLength }
    let state = KineticState(bench.context, momentumConserved: conserved)
    #expect(state.degreesOfFreedom == (conserved ? 69 : 72))
    #expect(abs(state.temperature / (twice / (Double(conserved ? 69 : 72) * Units.boltzmann)) - 1) < 1e-12)
    // The energy is that of the motion as it is.
    let all = (0..<24).reduce(0) { $0 + mass($1) * v[$1].squaredLength }
    #expect(abs(2 * state.energy / all - 1) < 1e-13)
    let pressure = state.pressure(virial: .zero, volume: 1000)
    #expect(abs(pressure.trace / (Units.energyPerVolumeToBar / 1000 * twice) - 1) < 1e-12)
    let shear = (0..<24).reduce(0) { $0 + mass($1) * (v[$1] - centre).x * (v[$1] - centre).y }
    #expect(abs(pressure.x.y - Units.energyPerVolumeToBar / 1000 * shear) < 1e-9 * pressure.trace)
  }

  /// Galileo: what is deterministic given its random numbers goes on alike in a moving frame.
  @Test("Thermostats do not see the drift", arguments: [ThermostatKind.chain, .rescaling])
  func movingFrame(kind: ThermostatKind) throws {
    let (still, moving) = (try bench(), try bench(drift: Self.drift))
    let rest = KineticState(still.context, momentumConserved: false)
    let centre = (1 / rest.mass) * rest.momentum + Self.drift
    for bench in [still, moving] {
      try bench.run(VelocityVerlet(thermostat: try kind.make(TemperatureRamp(constant: 150))), steps: 2000)
    }
    for (a, b) in zip(still.velocities, moving.velocities) { #expect((b - a - Self.drift).length < 1e-6) }
    let state = KineticState(moving.context, momentumConserved: true)
    #expect(((1 / state.mass) * state.momentum - centre).length < 1e-9)
    #expect(abs(state.temperature - KineticState(still.context, momentumConserved: true).temperature) < 1e-6)
  }

  /// Friction and noise, a thermostat on a part, or held atoms: all velocities are thermal.
  @Test("Where momentum is not conserved all 3N count")
  func notConserved() throws {
    let free = try bench()
    let ramp = try TemperatureRamp(constant: 300)
    func counts(_ bench: TestBench, _ kind: ThermostatKind?) throws -> (Bool, Int) {
      let integrator = VelocityVerlet(thermostat: try kind?.make(ramp))
      let conserves = integrator.conservesMomentum(bench.context)
      return (conserves, bench.context.degreesOfFreedom(momentumConserved: conserves))
    }
    #expect(try counts(free, nil) == (true, 69))
    #expect(try counts(free, .chain) == (true, 69))
    #expect(try counts(free, .rescaling) == (true, 69))
    #expect(try counts(free, .langevin) == (false, 72))
    let groups = (0..<24).map { UInt32($0 < 4 ? 2 : 1) }
    let part = try bench(groups: groups, motion: GroupMotion(unthermostatted: 2))
    #expect(try counts(part, .chain) == (false, 72))
    #expect(part.context.thermostattedDegreesOfFreedom(momentumConserved: true) == 60)
    let held = try bench(drift: Self.drift, groups: groups, motion: GroupMotion(frozen: 2))
    #expect(try counts(held, nil) == (true, 60))
    let state = KineticState(held.context, momentumConserved: true)
    #expect(state.thermal == state.tensor && state.momentum.length > 0)
  }

  /// A thermostat on a part scales velocities as they stand.
  @Test("A thermostatted part keeps no drift") func part() throws {
    let bench = try bench(
      drift: Self.drift, groups: (0..<24).map { UInt32($0 < 4 ? 2 : 1) }, motion: GroupMotion(unthermostatted: 2),
      model: Model.none())
    let before = bench.velocities
    try bench.run(
      VelocityVerlet(thermostat: try ThermostatKind.rescaling.make(TemperatureRamp(constant: 150))), steps: 1)
    let ratios = (4..<24).map { bench.velocities[$0].y / before[$0].y }
    #expect(bench.velocities[..<4] == before[..<4])
    #expect(ratios.allSatisfy { abs($0 - ratios[0]) < 1e-12 } && abs(ratios[0] - 1) > 1e-3)
  }

  @Test("Initial velocities have the temperature that is shown, with drift or without", arguments: [true, false])
  func initial(conserved: Bool) throws {
    for zero in [true, false] {
      let bench = try bench()
      try VelocityInitialization.maxwellBoltzmann(
        temperature: 300, seed: 4, zeroMomentum: zero, momentumConserved: conserved, bench.context)
      let state = KineticState(bench.context, momentumConserved: conserved)
      #expect(abs(state.temperature / 300 - 1) < 1e-12)
      #expect((state.momentum.length < 1e-9) == zero)
    }
  }

  @Test("The drift is taken off, and velocities without one keep their bits") func removal() throws {
    let bench = try bench(drift: Self.drift)
    let taken = VelocityInitialization.removeMomentum(bench.context, unlessBelow: 1e-12)
    #expect((taken - Self.drift).length < 1)
    #expect(KineticState(bench.context, momentumConserved: false).momentum.length < 1e-9)
    let before = bench.velocities
    #expect(VelocityInitialization.removeMomentum(bench.context, unlessBelow: 1e-12) == .zero)
    #expect(bench.velocities == before)
  }
}
