import Foundation
import MDCore
import MDParallel
import MDPotentials
import MDSimulation
import MDTestSupport
import Testing

/// What a force computation sends besides what its potentials do.
@Suite("Messages of a system") struct SystemMessageTests {
  /// Energies and virials of atoms come home in the messages of the forces.
  @Test func resultsTravelTogether() throws {
    let structure = TestStructures.crystal(["Ar"], spacing: 3.76, cells: [4, 3, 3])
    try LoopbackCommunicator.run(ranks: 4) { loopback in
      let communicator = CountingCommunicator(loopback)
      let root = communicator.isRoot ? structure : nil
      let header = Distribution.header(of: root, communicator: communicator)
      let atoms = AtomStore()
      let domain = try Domain(box: header.box, ranks: 4, rank: communicator.rank)
      try Distribution.scatter(root, header: header, to: atoms, domain: domain, communicator: communicator)
      let potential = try PairPotential(
        lennardJones: [SpeciesPair("Ar", "Ar"): .init(epsilon: 0.0104, sigma: 3.4)], cutoff: 6, species: ["Ar"])
      let system = try DistributedSystem(
        communicator: communicator, atoms: atoms, box: header.box, species: header.species, masses: [39.948],
        potentials: [potential], domain: domain, skin: 0.3)
      try system.rebuild()
      communicator.reset()
      _ = try system.compute([], step: 0)
      let messages = communicator.traffic.messages
      communicator.reset()
      _ = try system.compute([.atomEnergy, .atomVirial], step: 0)
      #expect(messages > 0 && communicator.traffic.messages == messages)
    }
  }

  /// What `check` reckons of the network is what a step sends: messages of a rank exactly, bytes as of a continuum.
  @Test(arguments: [SIMD3(2, 2, 2), SIMD3(3, 3, 3)]) func networkIsAsReckoned(_ grid: SIMD3<Int>) throws {
    // Atoms anywhere: planes of a crystal are in a ghost layer as wholes.
    var gas = TestStructures.crystal(["Ar"], spacing: 3.76, cells: [15, 15, 15])
    var randoms = Randoms(7)
    gas.positions = gas.positions.map { _ in gas.box.cartesian(randoms.vector()) }
    let structure = gas
    let ranks = grid.x * grid.y * grid.z
    try LoopbackCommunicator.run(ranks: ranks) { loopback in
      let communicator = CountingCommunicator(loopback)
      let root = communicator.isRoot ? structure : nil
      let header = Distribution.header(of: root, communicator: communicator)
      let atoms = AtomStore()
      let domain = try Domain(box: header.box, ranks: ranks, rank: communicator.rank, grid: grid)
      try Distribution.scatter(root, header: header, to: atoms, domain: domain, communicator: communicator)
      let potential = try PairPotential(
        lennardJones: [SpeciesPair("Ar", "Ar"): .init(epsilon: 0.0104, sigma: 3.4)], cutoff: 6, species: ["Ar"])
      let system = try DistributedSystem(
        communicator: communicator, atoms: atoms, box: header.box, species: header.species, masses: [39.948],
        potentials: [potential], domain: domain, skin: 0.3)
      try system.rebuild()
      let before = (calls: system.exchange.calls, bytes: system.exchange.bytesOfGhost)
      communicator.reset()
      system.refresh()
      _ = try system.compute([], step: 0)
      let traffic = communicator.traffic
      let forecast = NetworkForecast(
        calls: system.exchange.calls - before.calls, bytesOfGhost: system.exchange.bytesOfGhost - before.bytes,
        domain: domain, block: SIMD3(1, 1, 1), perNode: 1, heights: header.box.heights, width: 6.3,
        atoms: Double(structure.count) / Double(ranks), work: 1e-6, latency: 1e-6, bandwidth: 1e9)
      #expect(forecast.calls == 2 && forecast.bytesOfGhost == 48)
      #expect(Double(traffic.messages) == forecast.messages && traffic.messages == 12)
      let mean = Double(loopback.sum(traffic.bytes)) / Double(ranks)
      #expect(abs(mean / forecast.nodeBytes() - 1) < 0.03, "\(mean) bytes, \(forecast.nodeBytes()) reckoned")
      #expect(forecast.seconds() == 12e-6 + forecast.nodeBytes() * 1e-9)
      let least = try #require(forecast.balance)
      let scale = cbrt(least / forecast.atoms)
      #expect(abs(forecast.seconds(scale: scale) / (least * forecast.work) - 1) < 1e-6)
    }
  }
}
