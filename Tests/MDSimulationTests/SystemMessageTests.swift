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
}
