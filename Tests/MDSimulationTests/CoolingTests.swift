import MDCore
import MDDeck
import MDNumerics
import MDParallel
import MDSimulation
import Testing

/// A crystal in a triclinic cell under a whole stress tensor: heated and cooled by a barostat it comes back to the shape that
/// a relaxation under that stress gives, whichever barostat it was.
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
        - minimize: {cell: full, stress: \(stress), force_tolerance: 1e-6, stress_tolerance: 0.05 bar}
        - \(stage("300", steps: 2500))
        - \(stage("[300, 0.5]", steps: 5000))
        - \(stage("0.5", steps: 300))
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
      // At 0.5 K the softest strain still moves by √(k_B T/(V C')), 5e-4: a mean over ten places in time.
      var (mean, meanVolume) = (Matrix3.zero, 0.0)
      for _ in 0..<10 {
        try engine.run(plan.stages[3])
        mean = mean + 0.1 * metric()
        meanVolume += 0.1 * engine.system.box.volume
      }
      let left = (mean - cold).norm / size
      #expect(left < 5e-4, "\(left) of the metric left, \(hot) when hot")
      #expect(abs(meanVolume / volume - 1) < 2e-4, "\(meanVolume) Å³, \(volume)")
      try engine.run(plan.stages[0])
      let found = (metric() - cold).norm / size
      // Small symmetric strains one after the other do not commute: the crystal may have turned by some 1e-3 against the
      // axes of the stress, which changes its shape by as much of the strain that the stress makes.
      #expect(found < 1e-4, "\(found)")
    }
  }
}
