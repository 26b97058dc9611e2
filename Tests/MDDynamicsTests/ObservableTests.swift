import Foundation
import MDCore
import MDDynamics
import MDNumerics
import Testing

@Suite("Initial velocities and observables")
struct ObservableTests {
  private func gas(_ n: Int, groups: [UInt32]? = nil, motion: GroupMotion = .free) throws -> TestBench {
    try TestBench(
      sites: TestBench.line(n), masses: [12, 100], species: (0..<n).map { Int32($0 % 2) }, groups: groups,
      motion: motion)
  }

  @Test("Maxwell–Boltzmann: Gaussian, variance kT/m for each species, exact temperature, no momentum")
  func distribution() throws {
    let n = 40_000
    let bench = try gas(n)
    try VelocityInitialization.maxwellBoltzmann(temperature: 350, seed: 17, bench.context)
    let state = KineticState(bench.context, momentumConserved: true)
    #expect(abs(state.temperature / 350 - 1) < 1e-12)
    #expect(state.degreesOfFreedom == 3 * n - 3)
    #expect(state.momentum.length < 1e-7)
    for species in 0..<2 {
      let kTm = Units.boltzmann * 350 / (bench.context.masses[species] * Units.massVelocitySquaredToEnergy)
      let parts = stride(from: species, to: n, by: 2).flatMap { i in (0..<3).map { bench.atoms.velocity[i][$0] } }
      let count = Double(parts.count)
      let second = parts.reduce(0) { $0 + $1 * $1 } / count
      let fourth = parts.reduce(0) { $0 + $1 * $1 * $1 * $1 } / count
      // 60,000 components: standard errors √(2/N) = 0.6 % and √(24/N) = 0.02 of the kurtosis 3.
      #expect(abs(second / kTm - 1) < 0.024)
      #expect(abs(fourth / (second * second) - 3) < 0.08)
    }
  }

  @Test("Velocities belong to atom numbers, not to places in memory")
  func order() throws {
    let n = 50
    func draw(_ order: [Int]) throws -> [Int64: Vector3] {
      let bench = try TestBench(sites: TestBench.line(n), ids: order.map { Int64($0 + 1) })
      try VelocityInitialization.maxwellBoltzmann(temperature: 300, seed: 2, bench.context)
      return Dictionary(uniqueKeysWithValues: (0..<n).map { (bench.atoms.id[$0], bench.atoms.velocity[$0]) })
    }
    let a = try draw(Array(0..<n))
    let b = try draw((0..<n).map { ($0 * 7) % n })
    // The sums of momentum and energy are taken in another order.
    for (id, v) in a { #expect((v - b[id]!).length < 1e-12) }
  }

  @Test("Only mobile atoms get thermal velocities")
  func groups() throws {
    let driven = Vector3(0, 0, 2)
    let bench = try gas(
      10, groups: [2, 2, 4, 4, 1, 1, 1, 1, 1, 1],
      motion: GroupMotion(frozen: 2, driven: [.init(mask: 4, velocity: driven)]))
    try VelocityInitialization.maxwellBoltzmann(temperature: 300, seed: 2, bench.context)
    #expect(bench.velocities[0..<2].allSatisfy { $0 == .zero })
    #expect(bench.velocities[2..<4].allSatisfy { $0 == driven })
    let state = KineticState(bench.context, momentumConserved: true)
    #expect(state.degreesOfFreedom == 18)
    #expect(abs(state.temperature - 300) < 1e-9)
    #expect(state.momentum.length < 1e-10)
  }

  @Test("Impossible temperatures are refused")
  func refusals() throws {
    let single = try gas(1)
    #expect(throws: FaultlineError.self) {
      try VelocityInitialization.maxwellBoltzmann(temperature: 300, seed: 2, single.context)
    }
    #expect(throws: FaultlineError.self) {
      try VelocityInitialization.maxwellBoltzmann(temperature: -1, seed: 2, single.context)
    }
    try VelocityInitialization.maxwellBoltzmann(temperature: 0, seed: 2, single.context)
    #expect(single.velocities == [.zero])
  }

  @Test("Kinetic tensor, momentum and pressure of two atoms by hand")
  func byHand() throws {
    let bench = try gas(2)
    bench.atoms.velocity[0] = Vector3(1, 2, 3)
    bench.atoms.velocity[1] = Vector3(-1, 0, 0.5)
    let state = KineticState(bench.context, momentumConserved: false)
    let unit = Units.massVelocitySquaredToEnergy
    let expected: [Double] = [112, 24, -14, 24, 48, 72, -14, 72, 133]
    for (a, b) in zip(state.tensor.elements, expected) { #expect(abs(a - unit * b) < 1e-15) }
    #expect((state.momentum - Vector3(-88, 24, 86)).length < 1e-12)
    #expect(abs(state.mass - 112) < 1e-12)
    #expect(abs(state.energy - 0.5 * unit * 293) < 1e-15)
    #expect(abs(state.temperature - unit * 293 / (6 * Units.boltzmann)) < 1e-9)
    let virial = Matrix3(diagonal: Vector3(1, 2, -3))
    let pressure = state.pressure(virial: virial, volume: 1000)
    #expect(abs(pressure.y.y - 1602.176634 * (unit * 48 + 2)) < 1e-9)
    #expect(pressure.x.y == pressure.y.x)
  }

  @Test("An ideal gas has the pressure N k T/V")
  func idealGas() throws {
    let bench = try gas(1000)
    try VelocityInitialization.maxwellBoltzmann(
      temperature: 300, seed: 1, zeroMomentum: false, momentumConserved: false, bench.context)
    let pressure = KineticState(bench.context, momentumConserved: false)
      .pressure(virial: .zero, volume: bench.box.volume)
    // 1000 atoms at 300 K in (100 Å)³: 1.380649e-23 · 300 · 1000 / 1e-24 Pa = 41.41947 bar.
    #expect(abs(pressure.trace / 3 - 41.41947) < 1e-4)
  }
}
