import Foundation
import MDCore
import MDDynamics
import MDNumerics
import Testing

@Suite("Velocity Verlet")
struct VelocityVerletTests {
  @Test("Second order: the error of a harmonic oscillator falls fourfold with half the timestep")
  func order() throws {
    let k = 2.0
    let mass = 63.546
    let omega = (k / (mass * Units.massVelocitySquaredToEnergy)).squareRoot()
    let time = 0.4
    let errors = try [100, 200, 400].map { steps in
      let bench = try TestBench(
        sites: [.zero], masses: [mass], timestep: time / Double(steps),
        model: Model.anchored(Vector3(repeating: k)))
      bench.atoms.position[0] = Vector3(0.3, 0, 0)
      bench.atoms.velocity[0] = Vector3(0, 2, 0)
      bench.computeForces()
      try bench.run(VelocityVerlet(), steps: steps)
      let exact = Vector3(0.3 * cos(omega * time), 2 / omega * sin(omega * time), 0)
      return (bench.positions[0] - exact).length
    }
    // Next order: (ωΔt)² relative, 0.5 % at the largest step.
    for (a, b) in zip(errors, errors.dropFirst()) { #expect(abs(a / b - 4) < 0.05) }
  }

  private func cluster(timestep: Double = 0.002) throws -> TestBench {
    let bench = try TestBench(
      sites: lennardJones13(sigma: 3.4), masses: [39.95, 20], species: (0..<13).map { Int32($0 % 2) },
      timestep: timestep, model: Model.lennardJones(epsilon: 0.0104, sigma: 3.4))
    try VelocityInitialization.maxwellBoltzmann(temperature: 20, seed: 3, bench.context)
    return bench
  }

  @Test("Time reversible: with turned velocities a cluster goes back where it came from")
  func reversible() throws {
    let bench = try cluster()
    let start = bench.positions
    try bench.run(VelocityVerlet(), steps: 1000)
    let far = zip(start, bench.positions).map { ($0 - $1).length }.max()!
    for i in 0..<13 { bench.atoms.velocity[i] *= -1 }
    try bench.run(VelocityVerlet(), steps: 1000)
    let back = zip(start, bench.positions).map { ($0 - $1).length }.max()!
    #expect(far > 0.1)
    // Round-off (1e-16 Å) grown by 2000 steps of slightly chaotic motion.
    #expect(back < 1e-9)
  }

  @Test("Energy does not drift and momentum stays at round-off; no communication")
  func conservation() throws {
    let bench = try cluster(timestep: 0.005)
    let integrator = VelocityVerlet()
    var energies: [Double] = []
    var kinetic: [Double] = []
    try integrator.begin(bench.context, box: bench.box)
    let communicator = try #require(bench.communicator as? SingleRank)
    let reductions = communicator.reductions
    for _ in 0..<20_000 { try bench.step(integrator) }
    #expect(communicator.reductions == reductions)
    try bench.run(integrator, steps: 20_000) {
      energies.append($0.conserved(integrator))
      kinetic.append($0.kinetics(integrator).energy)
    }
    let scale = kinetic.reduce(0, +) / Double(kinetic.count)
    // Over 100 ps, relative to the kinetic energy; fluctuations are O(Δt²) ≈ 1e-3.
    #expect(abs(slope(energies)) * 20_000 < 2e-5 * scale)
    #expect(energies.max()! - energies.min()! < 5e-3 * scale)
    // 40,000 steps add round-off of 13 momenta of some 100 g/mol Å/ps.
    #expect(bench.kinetics(integrator).momentum.length < 1e-9)
  }

  @Test("Frozen atoms stay, driven atoms move at their velocity, free atoms feel both")
  func groups() throws {
    let velocity = Vector3(0.5, -0.25, 1)
    let motion = GroupMotion(frozen: 2, driven: [.init(mask: 4, velocity: velocity)])
    let bench = try TestBench(
      sites: TestBench.line(4), groups: [1 | 2, 1 | 4, 1, 1 | 2 | 4], motion: motion, model: Model.ring(1, 1))
    for i in 0..<4 { bench.atoms.velocity[i] = Vector3(9, 9, 9) }
    bench.atoms.velocity[2] = .zero
    bench.atoms.position[0] += Vector3(0.2, 0, 0)
    let start = bench.positions
    bench.computeForces()
    let integrator = VelocityVerlet()
    try bench.run(integrator, steps: 200)
    #expect(bench.positions[0] == start[0])
    #expect(bench.positions[3] == start[3])
    #expect((bench.positions[1] - start[1] - 0.2 * velocity).length < 1e-12)
    #expect(bench.velocities[1] == velocity)
    #expect((bench.positions[2] - start[2]).length > 1e-3)
    #expect(bench.context.counts == .init(all: 4, mobile: 1, thermostatted: 1))
    #expect(bench.kinetics(integrator).count == 1)
    #expect(bench.context.degreesOfFreedom(momentumConserved: true) == 3)
  }

  @Test("The order of the atoms does not matter")
  func atomOrder() throws {
    let n = 20
    let sites = TestBench.line(n)
    func run(_ order: [Int]) throws -> [Int64: Vector3] {
      let bench = try TestBench(
        sites: order.map { sites[$0] }, ids: order.map { Int64($0 + 1) },
        model: Model.anchored(Vector3(1, 2, 3)))
      let langevin = try Langevin(target: TemperatureRamp(constant: 300), damping: 0.1, seed: 4)
      try bench.run(VelocityVerlet(thermostat: langevin), steps: 100)
      return Dictionary(uniqueKeysWithValues: (0..<n).map { (bench.atoms.id[$0], bench.atoms.position[$0]) })
    }
    // Independent atoms with noise of their own: the same bits.
    #expect(try run(Array(0..<n)) == run((0..<n).map { ($0 * 7) % n }))
  }
}

/// The 13-atom icosahedron with neighbour distance near the Lennard-Jones minimum.
func lennardJones13(sigma: Double) -> [Vector3] {
  let golden = (1 + 5.0.squareRoot()) / 2
  let radius = 1.08 * sigma / (1 + golden * golden).squareRoot()
  var points = [Vector3.zero]
  for a in [-1.0, 1] {
    for b in [-golden, golden] {
      points += [Vector3(0, a, b), Vector3(a, b, 0), Vector3(b, 0, a)].map { radius * $0 }
    }
  }
  return points
}
