import MDCore
import MDDeck
import MDNumerics

/// The grain-boundary energy γ = (E − N·e) / (n·A): energy E of the N atoms of the bicrystal, e of an atom in the
/// perfect crystal with the same potential and lattice constant, n boundaries of area A each. J/m².
struct BoundaryEnergy {
  let summary: RunSummary.Boundary
  let text: String

  /// What the builder knows of the boundaries; checkpoints carry it.
  struct Geometry: Codable, Sendable, Equatable {
    /// Å².
    var area: Double
    var boundaries: Int
  }

  /// Collective. Measures the forces' configuration anew, so that the energy is there.
  static func measure(_ run: Simulation, _ plan: BoundaryEnergyPlan, isRelaxed: Bool) throws -> BoundaryEnergy {
    guard let geometry = run.geometry, let structure = run.plan.structure,
      case .grainBoundary(let boundary) = structure.source
    else { preconditionFailure("the deck's check lets boundary_energy through only for grain boundaries") }
    let system = run.system
    let tally = try system.compute(.energy, step: run.clock.step)
    let energy = system.communicator.sum(tally.energy)
    let reference =
      try plan.referenceEnergy ?? perfectCrystalEnergy(boundary, system: system, plan: run.plan)
    // Boundaries lie in the plane of a and b, which a deformation may have changed since they were built.
    let area = cross(system.box.cell.x, system.box.cell.y).length
    let excess = energy - Double(system.totalCount) * reference
    let gamma =
      excess / (Double(geometry.boundaries) * area) * Units.energyPerAreaToJoulePerSquareMetre
    let summary = RunSummary.Boundary(
      step: run.clock.step, energyJoulePerSquareMetre: gamma, areaSquareAngstrom: area,
      boundaries: geometry.boundaries, referenceEnergyPerAtom: reference, isRelaxed: isRelaxed)
    let count = geometry.boundaries == 1 ? "1 boundary" : "\(geometry.boundaries) boundaries"
    return BoundaryEnergy(
      summary: summary,
      text: "grain-boundary energy \(RunLog.fixed(gamma, 4)) J/m²  (\(count) of \(RunLog.fixed(area, 2)) Å², "
        + "perfect crystal \(RunLog.fixed(reference, 6)) eV/atom)"
        + (isRelaxed ? "" : ", not converged"))
  }

  /// eV an atom of one conventional cell of the perfect crystal, by the run's own potentials on the run's own ranks.
  private static func perfectCrystalEnergy(
    _ boundary: GrainBoundaryPlan, system: DistributedSystem, plan: RunPlan
  ) throws -> Double {
    let communicator = system.communicator
    let crystal = try SystemFactory.make(
      communicator.isRoot ? try StructureFactory.perfectCrystal(of: boundary) : nil, plan: plan,
      communicator: communicator, skin: 0)
    try crystal.rebuild()
    return communicator.sum(try crystal.compute(.energy, step: 0).energy) / Double(crystal.totalCount)
  }
}
