import MDCore
import MDDeck
import MDNumerics

extension TaskEntry {
  static let surface = TaskEntry(
    "surface",
    "Energy of a free surface, (E − N·e)/2A for a slab of whole periods of the crystal between two of them, relaxed and not. "
      + "Surfaces that are not alike give their mean. Atoms keep the period of `repeat` cells, and the symmetry unless they are rattled: a "
      + "surface that would reconstruct is found only so.",
    [
      plane, thickness, vacuum,
      .defaulted("repeat", .list(.copies, count: 2...2), "[1, 1]", "Smallest cells along both edges in the plane."),
      .defaulted(
        "rattle", .quantity(.length, .nonNegative.plausibly(1e-4...0.5)), "0",
        "Standard deviation of random displacements along each axis before atoms relax."),
      cut("Which of the planes' gaps is the surface."), tolerance,
    ], example: "plane: [1, 1, 0]"
  ) { section, crystal in
    let number = section.integer("cut")
    let slab = try PlaneSlab(section, crystal, surface: number)
    let copies = section.integers("repeat")
    let structure = try slab.structure.replicated(SIMD3(copies[0], copies[1], 1))
    let cell = try crystal.cell(of: structure)
    let area = slab.area * Double(copies[0] * copies[1])
    func perArea(_ energy: Double) -> Double { energy / area * Units.energyPerAreaToJoulePerSquareMetre }
    let perfect = crystal.energy * Double(cell.count)
    let unrelaxed = perArea(try cell.state().energy - perfect) / 2
    let rattle = section.double("rattle")
    if rattle > 0 {
      try cell.move(
        to: structure.positions.enumerated().map { index, r in
          var random = CounterRandom(seed: crystal.plan.seed, stream: .structures, id: Int64(index + 1), step: 0)
          return r + rattle * random.gaussianVector()
        })
    }
    let relaxation = try cell.relax(to: section.double("force_tolerance"))
    let relaxed = perArea(relaxation.state.energy - perfect) / 2
    let name = PlaneSlab.name(section)
    return TaskResult(
      lines: [
        "surface \(name) \(RunLog.fixed(relaxed, 4)) J/m² (\(RunLog.fixed(unrelaxed, 4)) unrelaxed; \(cell.count) atoms, "
          + "\(RunLog.fixed(slab.thickness, 1)) Å thick, \(RunLog.fixed(area, 2)) Å²)"
      ],
      warnings: relaxation.warnings("surface \(name)"),
      table: TaskTable(
        [("relaxed", "J/m²"), ("unrelaxed", "J/m²"), ("area", "Å²"), ("atoms", ""), ("thickness", "Å")],
        [[relaxed, unrelaxed, area, Double(cell.count), slab.thickness]]),
      numbers: [
        "plane": .text(name), "energy_J_per_m2": .number(relaxed), "unrelaxed_energy_J_per_m2": .number(unrelaxed),
        "area_A2": .number(area), "atoms": .count(cell.count), "thickness_A": .number(slab.thickness),
        "converged": .flag(relaxation.isConverged),
      ])
  }
}
