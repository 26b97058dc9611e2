import Foundation
import MDCore
import MDDeck
import MDNumerics

/// The grain-boundary energy γ = (E − N·e) / (n·A): energy E of the N atoms of the bicrystal, e of an atom in the
/// perfect crystal with the same potential, lattice constant and charge per atom, n boundaries of area A each. J/m².
struct BoundaryEnergy {
  let summary: RunSummary.Boundary
  let text: String
  /// What makes the number doubtful.
  let warnings: [String]

  /// What the builder knows of the boundaries; checkpoints carry it.
  struct Geometry: Codable, Sendable, Equatable {
    /// Å².
    var area: Double
    var boundaries: Int
    /// Atoms that were too close to others; nil in checkpoints of programs that did not say.
    var removed: Int?
  }

  /// Of the perfect crystal.
  struct Reference {
    /// eV an atom.
    var energy: Double
    /// bar; nil if the deck gave the energy.
    var pressure: Double?
  }

  /// Above this a pressure is worth a warning, bar.
  private static let notable = 1000.0

  /// Collective. Measures the forces' configuration anew, so that energy and virial are there.
  static func measure(_ run: Simulation, _ plan: BoundaryEnergyPlan, isRelaxed: Bool) throws -> BoundaryEnergy {
    guard let geometry = run.geometry else {
      preconditionFailure("the deck's check lets boundary_energy through only for grain boundaries")
    }
    let system = run.system
    let tally = try system.compute([.energy, .virial], step: run.clock.step)
    var sums = [tally.energy] + tally.virial.elements
    system.communicator.sum(&sums)
    let reference = try reference(run.plan, plan, for: system)
    // Boundaries lie in the plane of a and b, which a deformation may have changed since they were built.
    let normal = cross(system.box.cell.x, system.box.cell.y)
    let area = normal.length
    let excess = sums[0] - Double(system.totalCount) * reference.energy
    let gamma =
      excess / (Double(geometry.boundaries) * area) * Units.energyPerAreaToJoulePerSquareMetre
    let n = (1 / area) * normal
    let pressure = system.box.periodic.isFull
      ? dot(n, n * Matrix3(Array(sums[1...]))) * Units.energyPerVolumeToBar / system.box.volume : nil
    let summary = RunSummary.Boundary(
      step: run.clock.step, energyJoulePerSquareMetre: gamma, areaSquareAngstrom: area,
      boundaries: geometry.boundaries, referenceEnergyPerAtom: reference.energy, atoms: system.totalCount,
      removedAtoms: geometry.removed, normalPressure: pressure, referencePressure: reference.pressure,
      isRelaxed: isRelaxed)
    return BoundaryEnergy(summary: summary, text: text(summary), warnings: warnings(summary))
  }

  private static func text(_ b: RunSummary.Boundary) -> String {
    let count = b.boundaries == 1 ? "1 boundary" : "\(b.boundaries) boundaries"
    return "grain-boundary energy \(RunLog.fixed(b.energyJoulePerSquareMetre, 4)) J/m²  "
      + "(\(count) of \(RunLog.fixed(b.areaSquareAngstrom, 2)) Å², \(b.atoms ?? 0) atoms, "
      + "\(b.removedAtoms ?? 0) removed, perfect crystal \(RunLog.fixed(b.referenceEnergyPerAtom, 6)) eV/atom"
      + (b.referencePressure.map { " at \(kilobar($0))" } ?? "")
      + (b.normalPressure.map { "; \(kilobar($0)) along the normal" } ?? "") + ")"
      + (b.isRelaxed ? "" : ", not converged")
  }

  private static func warnings(_ b: RunSummary.Boundary) -> [String] {
    var warnings: [String] = []
    if let p = b.normalPressure, abs(p) > notable {
      warnings.append(
        "grain-boundary energy: \(kilobar(p)) are left along the normal: the cell is too "
          + "\(p > 0 ? "short" : "long") for this boundary, and γ holds the energy of that strain; "
          + "\(p > 0 ? "raise" : "lower") `expansion`, and see docs/grain-boundaries.md")
    }
    if let p = b.referencePressure, abs(p) > notable {
      warnings.append(referenceWarning(p))
    }
    return warnings
  }

  private static func referenceWarning(_ pressure: Double) -> String {
    "grain-boundary energy: the perfect crystal is under \(kilobar(pressure)): `constant` is too "
      + "\(pressure > 0 ? "small" : "large") for this potential, and everything is strained"
  }

  /// "-104.2 kbar".
  static func kilobar(_ bar: Double) -> String { "\(RunLog.fixed(bar / 1000, abs(bar) < 1000 ? 3 : 1)) kbar" }

  /// Energy of an atom, and the pressure, of one conventional cell of the perfect crystal, by the run's own
  /// potentials on the run's own ranks, with the same charge an atom as the bicrystal. Collective.
  static func reference(
    _ plan: RunPlan, _ analysis: BoundaryEnergyPlan, for system: DistributedSystem
  ) throws -> Reference {
    if let given = analysis.referenceEnergy { return Reference(energy: given) }
    guard case .grainBoundary(let boundary)? = plan.structure?.source else {
      preconditionFailure("the deck's check lets boundary_energy through only for grain boundaries")
    }
    let communicator = system.communicator
    let crystal = try SystemFactory.make(
      communicator.isRoot ? try StructureFactory.perfectCrystal(of: boundary) : nil, plan: plan,
      communicator: communicator, skin: 0)
    let share = Double(crystal.totalCount) / Double(system.totalCount)
    for case let potential as any ChargeEquilibrating in crystal.potentials { potential.totalCharge *= share }
    try crystal.rebuild()
    let tally = try crystal.compute([.energy, .virial], step: 0)
    var sums = [tally.energy] + tally.virial.elements
    communicator.sum(&sums)
    return Reference(
      energy: sums[0] / Double(crystal.totalCount),
      pressure: Matrix3(Array(sums[1...])).trace / 3 * Units.energyPerVolumeToBar / crystal.box.volume)
  }

  /// Before anything starts: whether the crystal can be computed, and what is to be said of it. Collective.
  static func rehearse(_ plan: RunPlan, _ system: DistributedSystem) throws -> [String] {
    guard let analysis = plan.analysis.boundaryEnergy else { return [] }
    let reference = try reference(plan, analysis, for: system)
    guard let pressure = reference.pressure else { return [] }
    return [
      "boundary energy: perfect crystal \(RunLog.fixed(reference.energy, 6)) eV/atom at \(kilobar(pressure))"
    ] + (abs(pressure) > notable ? ["warning: " + referenceWarning(pressure)] : [])
  }
}
