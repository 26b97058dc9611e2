import Foundation
import MDCore
import MDDynamics
import MDNumerics
import MDParallel
import Testing

@Suite("Independence of the decomposition")
struct DecompositionTests {
  /// What a run leaves, by atom number, on any number of ranks.
  private final class Outcome: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var positions: [Int64: Vector3] = [:]
    private(set) var velocities: [Int64: Vector3] = [:]
    /// One a rank.
    private(set) var states: [Data] = []
    private(set) var bathEnergies: [Double] = []

    func add(_ bench: TestBench, _ integrator: any Integrator) throws {
      let bath = integrator.bathEnergy(bench.context)
      let state = try integrator.state(bench.context)
      lock.withLock {
        for i in 0..<bench.atoms.localCount {
          positions[bench.atoms.id[i]] = bench.atoms.position[i]
          velocities[bench.atoms.id[i]] = bench.atoms.velocity[i]
        }
        states.append(state)
        bathEnergies.append(bath)
      }
    }
  }

  /// Independent oscillators dealt out to the ranks in turn, one of them frozen; some ranks may get none.
  private func run(_ kind: CheckpointTests.Kind, ranks: Int) throws -> Outcome {
    let outcome = Outcome()
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let mine = (0..<6).filter { $0 % ranks == communicator.rank }
      let bench = try TestBench(
        sites: mine.map { Vector3(3 * Double($0), 1, 2) }, masses: [27, 60], species: mine.map { Int32($0 % 2) },
        ids: mine.map { Int64($0 + 1) }, groups: mine.map { $0 == 3 ? 2 : 1 }, motion: GroupMotion(frozen: 2),
        communicator: communicator, model: Model.anchored(Vector3(1, 3, 9)))
      try VelocityInitialization.maxwellBoltzmann(temperature: 400, seed: 21, bench.context)
      for i in mine.indices { bench.atoms.position[i] += Vector3(0.1, 0.2, 0.05 * Double(mine[i])) }
      bench.computeForces()
      let integrator = try kind.make()
      try bench.run(integrator, steps: 100)
      try outcome.add(bench, integrator)
    }
    return outcome
  }

  @Test("The same trajectory on 1, 2, 3 and 8 ranks", arguments: CheckpointTests.Kind.allCases)
  func sameTrajectory(kind: CheckpointTests.Kind) throws {
    let one = try run(kind, ranks: 1)
    #expect(one.positions.count == 6)
    for ranks in [2, 3, 8] {
      let many = try run(kind, ranks: ranks)
      #expect(many.positions.count == 6)
      // Sums in another order (total momentum, kinetic energy) move the last bits.
      for (id, r) in one.positions { #expect((many.positions[id]! - r).length < 1e-11) }
      for (id, v) in one.velocities { #expect((many.velocities[id]! - v).length < 1e-9) }
      #expect(Set(many.states).count == 1)
      #expect(Set(many.bathEnergies).count == 1)
      #expect(abs(many.bathEnergies[0] - one.bathEnergies[0]) < 1e-12)
    }
  }
}
