import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentialFiles
import MDPotentials
import MDTestSupport
import Testing

/// Committees of potentials with charges against their members one by one.
@Suite struct ChargedCommitteeTests {
  enum Kind: Sendable, CaseIterable { case equilibrated, networks }

  static func models(_ kind: Kind) -> [HDNNPModel] {
    switch kind {
    case .equilibrated: [4, 5, 6].map { ChargedHDNNPTests.model(seed: $0) }
    case .networks:
      [ChargeNetworkTests.Case(charges: .shifted), .init(charges: .scaled, hasOwnFunctions: true)].map(\.model)
    }
  }

  static func members(
    _ kind: Kind, mesh: Bool = false, accuracy: Double = 1e-11, communicator: any Communicator = LoopbackCommunicator()
  ) throws -> [any ChargedCommittee.Member] {
    let models = models(kind)
    let cutoff = max(6, models.map { ChargedHDNNPPotential.cutoff($0, accuracy: accuracy) }.max()!)
    let options = LongRangeOptions(accuracy: accuracy, cutoff: cutoff)
    let periodic: any LongRangeSolver =
      mesh ? PPPMSolver(options, communicator: communicator) : EwaldSolver(options, communicator: communicator)
    let sums = BoundarySolver(periodic, open: DirectSolver(cutoff: cutoff, communicator: communicator))
    let solver = ConjugateGradientCharges(
      tolerance: 1e-11, mesh: mesh ? options : nil, communicator: communicator)
    return try models.enumerated().map { member, model in
      switch kind {
      case .equilibrated:
        try ChargedHDNNPPotential(
          model: model, species: ["H", "O"], solver: solver, longRange: sums, cutoff: cutoff,
          constraints: .init(total: 1), member: member, communicator: communicator)
      case .networks:
        try ChargeNetworkPotential(
          model: model, species: ["H", "O"], longRange: sums, cutoff: cutoff, totalCharge: 1,
          communicator: communicator)
      }
    }
  }

  @Test(arguments: Kind.allCases) func isTheMean(_ kind: Kind) throws {
    for structure in TestStructures.all(["H", "O"], spacing: 2.6) {
      let members = try Self.members(kind)
      let committee = try ChargedCommittee("hdnnp", members)
      let count = Double(members.count)
      let reach = committee.requirements.cutoff + 0.1
      let alone = try Self.members(kind).map { member in
        let system = BruteForceSystem(structure, reach: reach)
        return (result: try system.evaluate([member]), charges: system.atoms.charge!.values(structure.count))
      }
      let system = BruteForceSystem(structure, reach: reach)
      let mean = try system.evaluate([committee], want: [.all, .assessment])
      #expect(abs(mean.energy - alone.map(\.result.energy).reduce(0, +) / count) < 1e-9)
      #expect(abs(mean.atomEnergies.reduce(0, +) - mean.energy) < 1e-9)
      let charges = system.atoms.charge!.values(structure.count)
      func column(_ figure: Assessment) -> [Double] { system.atoms.addColumn(figure.column).values(structure.count) }
      func deviation(_ values: [Double]) -> Double {
        let mean = values.reduce(0, +) / count
        return (values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / count).squareRoot()
      }
      var largest = (force: 0.0, charge: 0.0)
      for i in structure.positions.indices {
        let forces = alone.map { $0.result.forces[i] }
        let center = forces.reduce(Vector3.zero, +) / count
        #expect((mean.forces[i] - center).length < 1e-9)
        let spread = (forces.map { ($0 - center).squaredLength }.reduce(0, +) / count).squareRoot()
        #expect(abs(column(.forceDeviation)[i] - spread) < 1e-8)
        #expect(abs(column(.energyDeviation)[i] - deviation(alone.map { $0.result.atomEnergies[i] })) < 1e-8)
        let own = alone.map { $0.charges[i] }
        #expect(abs(charges[i] - own.reduce(0, +) / count) < 1e-10)
        #expect(abs(column(.chargeDeviation)[i] - deviation(own)) < 1e-8)
        largest = (max(largest.force, spread), max(largest.charge, deviation(own)))
        for k in 9 * i..<9 * i + 9 {
          #expect(abs(mean.atomVirials[k] - alone.map { $0.result.atomVirials[k] }.reduce(0, +) / count) < 1e-8)
        }
      }
      #expect(largest.force > 1e-3 && largest.charge > 1e-4, "the members differ: \(largest)")
      let figures = committee.assess(
        sums: committee.assessmentSums, maxima: committee.assessmentMaxima, atoms: structure.count)
      #expect(abs(figures[1] - largest.force) < 1e-8 && abs(figures[3] - largest.charge) < 1e-8)
      #expect(abs(figures[2] - deviation(alone.map(\.result.energy)) / Double(structure.count)) < 1e-9)
      // The same to the last bit whether the committee is assessed or not.
      let plain = try BruteForceSystem(structure, reach: reach).evaluate([
        ChargedCommittee("hdnnp", Self.members(kind))
      ])
      #expect(plain.forces == mean.forces && plain.energy == mean.energy)
    }
  }

  @Test(arguments: Kind.allCases) func derivatives(_ kind: Kind) throws {
    var tolerance = PotentialTolerance(derivative: 1e-7, step: 1e-4)
    tolerance.rounding = 1e-8
    try checkPotential(
      structures: [TestStructures.all(["H", "O"], spacing: 2.6)[0]], continuity: .none, tolerance: tolerance,
      replication: false
    ) {
      [try ChargedCommittee("hdnnp", Self.members(kind, accuracy: 1e-13))]
    }
  }

  @Test(arguments: Kind.allCases) func ranks(_ kind: Kind) throws {
    let structure = TestStructures.crystal(["H", "O"], spacing: 2.6)
    func run(_ ranks: Int) throws -> RankedRun.Results {
      try RankedRun.results(structure, ranks: ranks) {
        try ChargedCommittee("hdnnp", Self.members(kind, mesh: true, accuracy: 1e-8, communicator: $0))
      }
    }
    let one = try run(1)
    #expect(one.assessments[1] > 1e-2)
    for ranks in [2, 3, 4] { try run(ranks).expectEqual(one, "\(ranks) ranks") }
  }

  /// Every member has a history of charges of its own: from the second step on all converge faster.
  @Test func histories() throws {
    let structure = TestStructures.crystal(["H", "O"], spacing: 2.6)
    let members = try Self.members(.equilibrated)
    let committee = try ChargedCommittee("hdnnp", members)
    let system = BruteForceSystem(structure, reach: committee.requirements.cutoff + 0.1)
    func iterations() -> [Int] {
      members.map { ($0 as? ChargedHDNNPPotential)?.solutions?.charges.iterations ?? 0 }
    }
    _ = try system.evaluate([committee])
    let cold = iterations()
    for _ in 0..<3 { _ = try system.evaluate([committee]) }
    // Nothing has moved: the product that measures is the only one.
    #expect(iterations().allSatisfy { $0 <= 2 } && cold.allSatisfy { $0 > 4 }, "\(cold), \(iterations())")
  }
}
