import Foundation
import MDCore
import MDDynamics
import MDNumerics
import Testing

/// Barostats on an ideal gas, whose volumes are distributed as V^N e^(−PV/k_BT) exactly.
@Suite("Barostats") struct BarostatTests {
  static let temperature = 300.0
  /// Bar.
  static let pressure = 100.0

  enum Kind: String, CaseIterable { case rescale, mtk }

  private func integrator(
    _ kind: Kind, _ components: CellComponents, damping: Double = 3, langevin: Bool = false
  ) throws -> any CellCoupled {
    let target = StressRamp(
      from: -Self.pressure * .identity, to: -Self.pressure * .identity, firstStep: 0, lastStep: 0)
    let coupling = try PressureCoupling(components, target: target, damping: damping)
    let ramp = try TemperatureRamp(constant: Self.temperature)
    let thermostat: any Thermostat =
      langevin
      ? try Langevin(target: ramp, damping: 0.05, seed: 5) : try VelocityRescaling(target: ramp, damping: 0.05, seed: 5)
    switch kind {
    case .rescale: return CellRescaling(coupling, thermostat: thermostat, seed: 7)
    case .mtk: return MartynaTobiasKlein(coupling, thermostat: thermostat)
    }
  }

  private func gas(_ n: Int, motion: GroupMotion = .free, groups: [UInt32]? = nil) throws -> TestBench {
    let volume = Double(n + 1) * Units.boltzmann * Self.temperature / (Self.pressure / Units.energyPerVolumeToBar)
    let l = pow(volume, 1 / 3)
    let bench = try TestBench(
      sites: (0..<n).map { Vector3(Double($0), 1, 2) }, masses: [40], groups: groups, motion: motion, timestep: 0.002,
      box: Box(lengths: Vector3(l, l, l)))
    try VelocityInitialization.maxwellBoltzmann(temperature: Self.temperature, seed: 1, bench.context)
    return bench
  }

  /// Mean and variance of the volume: (N + 1) k_BT/P and (N + 1)(k_BT/P)². Without the share of the drift, which carries no
  /// kinetic energy here, both are N.
  @Test(arguments: Kind.allCases, [CellShape.isotropic, .normal]) func idealGas(kind: Kind, shape: CellShape) throws {
    let n = 8
    let bench = try gas(n)
    // Atoms that never meet do not share the heat of one axis with the others: there each must have a bath.
    let barostat = try integrator(kind, CellComponents(shape, box: bench.box), damping: 1, langevin: shape == .normal)
    _ = try barostat.learn(bench.context, box: bench.box, probe: bench.probe())
    var volumes: [Double] = []
    try bench.run(barostat, steps: 1_000_000) { if $0.context.step % 50 == 0 { volumes.append($0.box.volume) } }
    let unit = Units.boltzmann * Self.temperature / (Self.pressure / Units.energyPerVolumeToBar)
    let mean = blockAverage(volumes)
    #expect(abs(mean.mean / unit - 9) < 4 * mean.error / unit, "\(mean.mean / unit) ± \(mean.error / unit)")
    #expect(mean.error / unit < 0.25, "long enough to tell 9 from 8")
    let squares = blockAverage(volumes.map { ($0 / unit - 9) * ($0 / unit - 9) })
    #expect(abs(squares.mean - 9) < 4 * squares.error, "\(squares.mean) ± \(squares.error)")
    // One axis moves, or all alike.
    let cell = bench.box.cell
    if shape == .normal {
      #expect(abs(cell.x.x - cell.y.y) < 1e-9 && abs(cell.x.x - cell.z.z) > 1e-3)
    } else {
      #expect(abs(cell.x.x - cell.z.z) < 1e-9 * cell.x.x)
    }
  }

  /// What is conserved stays within rounding of how exact the step is: halving it makes the error a quarter.
  @Test(arguments: Kind.allCases) func conserved(kind: Kind) throws {
    func spread(_ timestep: Double) throws -> Double {
      let n = 27
      let sites = (0..<n).map { (i: Int) -> Vector3 in 4 * Vector3(Double(i % 3), Double(i / 3 % 3), Double(i / 9)) }
      let bench = try TestBench(
        sites: sites, masses: [40], timestep: timestep, box: Box(lengths: Vector3(12, 12, 12)))
      try VelocityInitialization.maxwellBoltzmann(temperature: Self.temperature, seed: 1, bench.context)
      let barostat = try integrator(kind, CellComponents(.full, box: bench.box))
      _ = try barostat.learn(bench.context, box: bench.box, probe: bench.probe())
      var values: [Double] = []
      try bench.run(barostat, steps: Int(0.4 / timestep)) { values.append($0.conserved(barostat)) }
      return values.map { abs($0 - values[0]) }.max()!
    }
    let (coarse, fine) = (try spread(0.004), try spread(0.001))
    // A gas at 300 K: 27 atoms have 1 eV of kinetic energy.
    #expect(coarse < 5e-3 && fine < 0.5 * coarse, "\(coarse), \(fine)")
    #expect(coarse > 0)
  }

  @Test func stiffness() throws {
    let bench = try gas(8)
    var barostat = try integrator(.mtk, CellComponents(.axes, box: bench.box))
    // A virial that answers a strain ε with −V M ε along each axis, M = 10, 20 and −1 eV/Å³.
    let volume = bench.box.volume
    let moduli = Vector3(10, 20, -1)
    _ = try barostat.learn(
      bench.context, box: bench.box,
      probe: bench.probe { Matrix3(diagonal: Vector3($0.x.x, $0.y.y, $0.z.z) * moduli * -volume) })
    let thermal = 8 * Units.boltzmann * Self.temperature / volume
    let found = barostat.coupling.moduli
    // Ascending; soft and unstable ones get a part of the largest.
    #expect(abs(found[1] - 10 - thermal) < 1e-9 && abs(found[2] - 20 - thermal) < 1e-9)
    #expect(abs(found[0] - 0.05 * found[2]) < 1e-9)
    // Strains that answer one another are taken together: C₁₁ = 3, C₁₂ = 1 is 5 for the volume, 2 for the shapes.
    barostat = try integrator(.mtk, CellComponents(.axes, box: bench.box))
    _ = try barostat.learn(
      bench.context, box: bench.box, probe: bench.probe { -volume * (2 * $0 + $0.trace * .identity) })
    for (m, expected) in zip(barostat.coupling.moduli, [2, 2, 5.0]) { #expect(abs(m - expected - thermal) < 1e-9) }
    let even = try #require(barostat.coupling.components.basis.last)
    #expect(abs(abs(even.trace) - 3.0.squareRoot()) < 1e-9)
    barostat = try integrator(.mtk, CellComponents(.isotropic, box: bench.box))
    #expect(throws: FaultlineError.self) {
      _ = try barostat.learn(bench.context, box: bench.box, probe: bench.probe { volume * $0 })
    }
  }

  /// Atoms that a strain ε pushes by f = ε a and whose bonds answer a displacement with −k u take back a²/k, all but what
  /// held atoms would; a bond that is no bond (k < 0) gives nothing back.
  @Test func atomsGiveWay() throws {
    let motion = GroupMotion(frozen: 2)
    for (springs, given) in [([4.0, 50], 9.0 / 4 + 25 / 50.0), ([4, -50], 0)] {
      let bench = try gas(3, motion: motion, groups: [1, 1, 2])
      let barostat = try integrator(.rescale, CellComponents(.isotropic, box: bench.box))
      let volume = bench.box.volume
      let pushes = [Vector3(3, 0, 0), Vector3(0, 0, 5), Vector3(0, 7, 0)]
      let k = springs + [1]
      let probe = StrainProbe(
        strained: { strain in
          (-volume * 10 * strain, pushes.map { (strain.trace / 3.0.squareRoot()) * $0 })
        },
        displaced: { zip($0, k).map { -$1 * $0 } })
      _ = try barostat.learn(bench.context, box: bench.box, probe: probe)
      let thermal = 3 * Units.boltzmann * Self.temperature / volume
      let found = barostat.coupling.moduli[0]
      #expect(abs(found - (10 + thermal - given / volume)) < 1e-9 + 0.01 * given / volume, "\(found)")
    }
  }

  @Test func heldAtomsAreCarriedAlong() throws {
    let motion = GroupMotion(frozen: 2, driven: [.init(mask: 4, velocity: Vector3(0, 0, 1))])
    for kind in Kind.allCases {
      let bench = try gas(9, motion: motion, groups: [2, 1, 1, 1, 1, 1, 1, 1, 4])
      let barostat = try integrator(kind, CellComponents(.isotropic, box: bench.box))
      _ = try barostat.learn(bench.context, box: bench.box, probe: bench.probe())
      let before = bench.box
      let held = bench.positions[0]
      try bench.run(barostat, steps: 50)
      #expect(bench.box.volume != before.volume)
      #expect((bench.box.fractional(bench.positions[0]) - before.fractional(held)).length < 1e-12)
      #expect(bench.velocities[0] == .zero && bench.velocities[8] == Vector3(0, 0, 1))
    }
  }
}
