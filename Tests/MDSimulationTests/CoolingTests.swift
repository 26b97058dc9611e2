import MDCore
import MDDeck
import MDNumerics
import MDParallel
import MDSimulation
import Testing

/// A crystal in a triclinic cell under a whole stress tensor: heated and cooled by a barostat it comes back to the shape that
/// a relaxation under that stress gives, whichever barostat it was. (A cell that turned on the way would feel another stress
/// and have another shape.)
@Suite("Cooling under stress") struct CoolingTests {
  private static func deck(_ barostat: String, _ thermostat: String) -> String {
    let stress = "{xx: 2 GPa, yy: -1 GPa, zz: 0.5 GPa, yz: 0.4 GPa, xz: -0.3 GPa, xy: 0.6 GPa}"
    func stage(_ temperature: String, steps: Int) -> String {
      "dynamics: {steps: \(steps), timestep: 2 fs, thermostat: {\(thermostat): {temperature: \(temperature), damping: 0.1}}, "
        + "barostat: {\(barostat): {stress: \(stress), cell: full, damping: 0.4}}}"
    }
    return """
      structure:
        crystal:
          cell: [[2.58, 0, 0], [0.02, 2.55, 0], [1.29, 1.26, 1.8]]
          basis: [{species: Cu, position: [0, 0, 0]}]
          size: [6, 6, 4]
      potential: [{eam: {parameters: zhou2004}}]
      velocities: {temperature: 600}
      stages:
        - minimize: {cell: full, stress: \(stress), force_tolerance: 1e-5}
        - \(stage("300", steps: 2500))
        - \(stage("[300, 0.5]", steps: 4000))
      """
  }

  @Test(arguments: [("mtk", "nose_hoover"), ("rescale", "langevin")]) func comesBack(
    barostat: String, thermostat: String
  ) throws {
    let plan = try RunPlan.parse(
      Self.deck(barostat, thermostat), file: "deck.yaml", schema: Registry.schema, purpose: .run)
    try LoopbackCommunicator.run(ranks: 1) { communicator in
      let engine = try Engine.make(plan, communicator: communicator)
      /// Lengths and angles of the cell, without its orientation: H Hᵀ, Å².
      func metric() -> Matrix3 { engine.system.box.cell * engine.system.box.cell.transpose }
      try engine.run(plan.stages[0])
      #expect(engine.lastStageConverged)
      let (cold, volume) = (metric(), engine.system.box.volume)
      let size = cold.norm
      let row = try engine.run(plan.stages[1], velocities: plan.velocities)
      let hot = (metric() - cold).norm / size
      #expect(row.temperature > 150)
      #expect(hot > 2e-3, "heat changes the shape: \(hot)")
      try engine.run(plan.stages[2])
      let left = (metric() - cold).norm / size
      #expect(left < 1e-3, "\(left) of the metric left, \(hot) when hot")
      #expect(abs(engine.system.box.volume / volume - 1) < 1e-3)
      try engine.run(plan.stages[0])
      #expect((metric() - cold).norm / size < 1e-6)
    }
  }
}
