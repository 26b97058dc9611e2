import Foundation
import MDCore
import MDDeck
import MDParallel
import MDSimulation
import Testing

/// Engines without files: the numbers are those of a run with them.
@Suite("Engine") struct EngineTests {
  private static let deck = """
    structure: {lattice: {type: fcc, constant: 5.2, species: [Ar], size: [4, 3, 3]}}
    potential:
      - lennard_jones: {cutoff: 8.5, truncation: switched, pairs: [{species: [Ar, Ar], epsilon: 0.0103, sigma: 3.4}]}
    groups: {held: {select: {ids: [1, 5]}, frozen: true}}
    velocities: {temperature: 40}
    stages:
      - minimize: {max_steps: 40, force_tolerance: 1e-8}
      - dynamics: {steps: 30, timestep: 2 fs, thermostat: {langevin: {temperature: 40}}, deform: {axis: y, rate: 0.01}}
    output: {thermo: {every: 1000}}
    """

  @Test("stages in memory end as those of a run", arguments: [1, 2, 3])
  func asARun(ranks: Int) throws {
    let folder = NSTemporaryDirectory() + "faultline-engine-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Self.deck.write(toFile: folder + "/deck.yaml", atomically: true, encoding: .utf8)
    let plan = try RunPlan.parse(Self.deck, file: folder + "/deck.yaml", schema: Registry.schema)

    let rows = Rows()
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let engine = try Engine.make(plan, communicator: communicator)
      try engine.run(plan.stages[0])
      let row = try engine.run(plan.stages[1], velocities: plan.velocities)
      if communicator.isRoot { rows.all.append(row) }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["deck.yaml"], "an engine writes nothing")
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let simulation = try Simulation.start(
        deck: folder + "/deck.yaml", output: folder + "/run", overwrite: false, communicator: communicator,
        log: RunLog(isTerminal: false, emit: nil))
      _ = try simulation.run(limits: RunLimits())
    }
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/run/run.json"))
    let last = try #require(try JSONDecoder().decode(RunSummary.self, from: data).finalThermo)
    let row = try #require(rows.all.first)
    #expect(row.step == last.step && row.stage == 2)
    for (a, b) in [
      (row.time, last.time), (row.potentialEnergy, last.potentialEnergy), (row.kineticEnergy, last.kineticEnergy),
      (row.conserved, last.conserved), (row.pressure, last.pressure), (row.lengths[1], last.lengths[1]),
    ] {
      #expect(abs(a - b) <= 1e-12 * abs(b))
    }
  }

  private final class Rows: @unchecked Sendable {
    var all: [ThermoRow] = []
  }
}
