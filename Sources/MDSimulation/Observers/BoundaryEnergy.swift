import Foundation
import MDCore
import MDDeck
import MDNumerics

/// The grain-boundary energy γ = (E − N·e) / (n·A) after each minimisation: energy E of the N atoms of the bicrystal, e of
/// an atom in the perfect crystal with the same potential, lattice constant and charge per atom, n boundaries of area A
/// each. J/m². In place of N·e a deck may give Σ N_s μ_s with the chemical potentials of its species. The excess volume is
/// [V] = (V − N·Ω) / (n·A) with the volume Ω of an atom in the perfect crystal, Å.
final class BoundaryEnergy: Observer {
  let name = "boundary_energy"

  /// What the builder knows of the boundaries; checkpoints carry it.
  struct Geometry: Codable, Sendable, Equatable {
    /// Å².
    var area: Double
    var boundaries: Int
    /// Atoms that were too close to others.
    var removed: Int?
  }

  /// Of the perfect crystal.
  private struct Reference {
    /// eV an atom.
    var energy: Double
    /// bar; nil if the deck gave the energy.
    var pressure: Double?
    /// Å³ an atom, of the crystal at no pressure; nil if it is not known.
    var volume: Double?
  }

  /// One measurement, as run.json has it.
  struct Result: Codable, Sendable {
    var step: Int
    var energyJoulePerSquareMetre: Double
    var areaSquareAngstrom: Double
    var boundaries: Int
    var referenceEnergyPerAtom: Double
    /// Of the cell, and those that the builder removed as too close.
    var atoms: Int
    var removedAtoms: Int?
    /// n·P·n with the normal n of the boundaries, bar, as `pzz`: positive under compression. nil along an open
    /// direction.
    var normalPressure: Double?
    /// Of the perfect crystal at the deck's lattice constant, bar; nil if its energy was given.
    var referencePressure: Double?
    /// Whether the minimisation before it had converged.
    var isRelaxed: Bool
    /// (V − N·Ω)/(n·A), Å; nil along an open direction, or where Ω is not known.
    var excessVolume: Double?

    enum CodingKeys: String, CodingKey {
      case step
      case energyJoulePerSquareMetre = "energy_J_per_m2"
      case areaSquareAngstrom = "area_A2"
      case boundaries
      case referenceEnergyPerAtom = "reference_eV_per_atom"
      case atoms
      case removedAtoms = "atoms_removed"
      case normalPressure = "normal_pressure_bar"
      case referencePressure = "reference_pressure_bar"
      case isRelaxed = "converged"
      case excessVolume = "excess_volume_A"
    }
  }

  /// Above this a pressure is worth a warning, bar.
  private static let notable = 1000.0

  private let plan: RunPlan
  private let system: DistributedSystem
  /// eV for each atom of the perfect crystal, from the deck.
  private let givenReference: Double?
  /// eV an atom, by species.
  private let chemicalPotentials: [String: Double]?
  /// Å³ an atom, from the deck.
  private let givenVolume: Double?
  /// Å², from the deck; the cell's area otherwise.
  private let givenArea: Double?
  /// Measured once.
  private var knownReference: Reference?
  private var geometry: Geometry?
  private var measured: [Result] = []

  init(_ section: DeckSection, _ setting: ObserverEntry.Setting) {
    plan = setting.plan
    system = setting.system
    geometry = setting.geometry
    givenReference = section["reference_energy"]?.double
    chemicalPotentials = section["chemical_potentials"].map { value in
      Dictionary(uniqueKeysWithValues: value.section.entries.map { ($0.name, $0.value.double) })
    }
    givenVolume = section["atomic_volume"]?.double
    givenArea = section["area"]?.double
    if case .file? = plan.structure?.source {
      let cell = system.box.cell
      geometry = Geometry(area: givenArea ?? cross(cell.x, cell.y).length, boundaries: section["count"]?.integer ?? 2)
    } else if let count = section["count"]?.integer {
      geometry?.boundaries = count
    }
  }

  // MARK: Observing

  /// Whether the crystal can be computed, and what is to be said of it.
  func rehearse() throws -> [String] {
    let reference = try reference()
    guard let pressure = reference.pressure else { return [] }
    return [
      "boundary energy: perfect crystal \(RunLog.fixed(reference.energy, 6)) eV/atom at \(Self.kilobar(pressure))"
    ] + (abs(pressure) > Self.notable ? ["warning: " + Self.referenceWarning(pressure)] : [])
  }

  func measures(atEndOf stage: StageDriver) -> Bool { !stage.isDynamics }

  func sumUp(_ engine: Engine) throws -> StageReport {
    guard measures(atEndOf: engine.stage) else { return StageReport() }
    let result = try measure(engine)
    measured.append(result)
    return StageReport(lines: [Self.text(result)], warnings: Self.warnings(result))
  }

  var results: (any Encodable)? { measured }

  private struct State: Codable {
    var geometry: Geometry?
    var measured: [Result]
  }

  func state() throws -> Data? { try JSONEncoder().encode(State(geometry: geometry, measured: measured)) }

  func restore(_ section: CheckpointSectionReader, clock: Clock) throws {
    let state = try section.decode(State.self)
    guard let geometry = state.geometry else { throw section.refuse("no boundary's geometry") }
    try section.require(
      geometry.area.isFinite && geometry.area > 0 && geometry.boundaries > 0, "a boundary's geometry \(geometry)")
    for result in state.measured {
      try section.require(
        (0...clock.step).contains(result.step) && result.energyJoulePerSquareMetre.isFinite
          && result.areaSquareAngstrom > 0 && result.boundaries > 0, "a boundary energy of step \(result.step)")
    }
    (self.geometry, measured) = (state.geometry, state.measured)
  }

  // MARK: Measuring

  /// Computes the forces' configuration anew, so that energy and virial are there. Collective.
  private func measure(_ engine: Engine) throws -> Result {
    guard let geometry else {
      preconditionFailure("the deck's check lets boundary_energy through only for grain boundaries")
    }
    let tally = try engine.compute()
    var sums = [tally.energy] + tally.virial.elements
    system.communicator.sum(&sums)
    let reference = try reference()
    // Boundaries lie in the plane of a and b, which a deformation may have changed since they were built.
    let normal = cross(system.box.cell.x, system.box.cell.y)
    let area = givenArea ?? normal.length
    let excess = sums[0] - Double(system.totalCount) * reference.energy
    let share = Double(geometry.boundaries) * area
    let gamma = excess / share * Units.energyPerAreaToJoulePerSquareMetre
    let n = (1 / normal.length) * normal
    let volume = system.box.periodic.isFull
      ? reference.volume.map { (system.box.volume - Double(system.totalCount) * $0) / share } : nil
    let pressure = system.box.periodic.isFull
      ? dot(n, n * Matrix3(Array(sums[1...]))) * Units.energyPerVolumeToBar / system.box.volume : nil
    return Result(
      step: engine.clock.step, energyJoulePerSquareMetre: gamma, areaSquareAngstrom: area,
      boundaries: geometry.boundaries, referenceEnergyPerAtom: reference.energy, atoms: system.totalCount,
      removedAtoms: geometry.removed, normalPressure: pressure, referencePressure: reference.pressure,
      isRelaxed: engine.stage.isAtTolerances, excessVolume: volume)
  }

  /// Energy of an atom, and the pressure, of one conventional cell of the perfect crystal, by the run's own
  /// potentials on the run's own ranks, with the same charge an atom as the bicrystal. Collective.
  private func reference() throws -> Reference {
    if let givenReference { return Reference(energy: givenReference, volume: givenVolume) }
    if let chemicalPotentials { return Reference(energy: try mean(chemicalPotentials), volume: givenVolume) }
    if let knownReference { return knownReference }
    let communicator = system.communicator
    // A resumed run has built nothing.
    let resolved = try EquilibriumLattice.resolved(plan, communicator: communicator).plan
    let crystal = try SystemFactory.make(
      communicator.isRoot ? try StructureFactory.perfectCrystal(of: resolved) : nil, plan: plan,
      communicator: communicator, skin: 0)
    let share = Double(crystal.totalCount) / Double(system.totalCount)
    for case let potential as any ChargeEquilibrating in crystal.potentials { potential.totalCharge *= share }
    try crystal.rebuild()
    let tally = try crystal.compute([.energy, .virial], step: 0)
    var sums = [tally.energy] + tally.virial.elements
    communicator.sum(&sums)
    let reference = Reference(
      energy: sums[0] / Double(crystal.totalCount),
      pressure: Matrix3(Array(sums[1...])).trace / 3 * Units.energyPerVolumeToBar / crystal.box.volume,
      volume: givenVolume ?? crystal.box.volume / Double(crystal.totalCount))
    knownReference = reference
    return reference
  }

  /// Σ N_s μ_s / N, eV. Collective.
  private func mean(_ potentials: [String: Double]) throws -> Double {
    var counts = [Double](repeating: 0, count: system.species.count)
    for i in 0..<system.atoms.localCount { counts[Int(system.atoms.species[i])] += 1 }
    system.communicator.sum(&counts)
    var sum = 0.0
    for (name, count) in zip(system.species, counts) where count > 0 {
      guard let potential = potentials[name] else {
        throw FaultlineError(
          .input, "`chemical_potentials` lacks \(name), of which there are \(Int(count)) atoms",
          at: plan.analysis.first { $0.name == self.name }?.location, isCollective: true)
      }
      sum += count * potential
    }
    return sum / Double(system.totalCount)
  }

  // MARK: What is said of it

  private static func text(_ b: Result) -> String {
    let count = b.boundaries == 1 ? "1 boundary" : "\(b.boundaries) boundaries"
    return "grain-boundary energy \(RunLog.fixed(b.energyJoulePerSquareMetre, 4)) J/m²  "
      + "(\(count) of \(RunLog.fixed(b.areaSquareAngstrom, 2)) Å², \(b.atoms) atoms, "
      + "\(b.removedAtoms ?? 0) removed, perfect crystal \(RunLog.fixed(b.referenceEnergyPerAtom, 6)) eV/atom"
      + (b.referencePressure.map { " at \(kilobar($0))" } ?? "")
      + (b.excessVolume.map { ", excess volume \(RunLog.fixed($0, 4)) Å" } ?? "")
      + (b.normalPressure.map { "; \(kilobar($0)) along the normal" } ?? "") + ")"
      + (b.isRelaxed ? "" : ", not converged")
  }

  private static func warnings(_ b: Result) -> [String] {
    var warnings: [String] = []
    if let p = b.referencePressure, abs(p) > notable {
      warnings.append(referenceWarning(p))
    }
    return warnings
  }

  private static func referenceWarning(_ pressure: Double) -> String {
    "grain-boundary energy: the perfect crystal is under \(kilobar(pressure)): `constant` is too "
      + "\(pressure > 0 ? "small" : "large") for this potential, and everything is strained; `constant: equilibrium` "
      + "finds its own"
  }

  /// "-104.2 kbar".
  static func kilobar(_ bar: Double) -> String { "\(RunLog.fixed(bar / 1000, abs(bar) < 1000 ? 3 : 1)) kbar" }
}

extension ObserverEntry {
  static let boundaryEnergy = ObserverEntry(
    "boundary_energy",
    DeckObject(
      "Energy of the grain boundary in J/m² after each minimisation, γ = (E − N·e)/(n·A) with the energy E of N atoms, e "
        + "of an atom in the perfect crystal, n boundaries of area A; and their excess volume (V − N·Ω)/(n·A). For "
        + "`structure.grain_boundary`, an interface, or a file whose crystal's energy is given; needs a stage `minimize`.",
      [
        .optional(
          "reference_energy", .quantity(.energy, .any),
          "e, for each atom; computed from the perfect crystal if absent."),
        .optional(
          "chemical_potentials", .map(.quantity(.energy, .any), of: "species", maximum: 1000),
          "In place of e: the energy of an atom of each species, E − Σ N·μ is the boundaries'."),
        .optional(
          "atomic_volume", .number(.positive.plausibly(1...1000)),
          "Ω of an atom in the perfect crystal, Å³; that of the perfect crystal if it is computed."),
        .optional(
          "area", .number(.positive.plausibly(1...1e8)), "Of a boundary, Å²; that of the cell's a and b if absent."),
        .optional(
          "count", .integer(1...1000), "Boundaries in the cell; as built if absent, and 2 of a file."),
      ],
      rules: [.init(.atMostOne, of: ["reference_energy", "chemical_potentials"])],
      example: """
        analysis: {boundary_energy: {reference_energy: -6.82}}
        stages:
          - minimize: {force_tolerance: 0.001}
        """),
    check: { section, context in
      let plan = context.plan
      let analysis = context.deck.section("analysis")
      func refuse(_ message: String, hint: String? = nil) {
        context.refuse(analysis.error("boundary_energy", message, hint: hint))
      }
      switch plan.structure?.source {
      case .grainBoundary: break
      case .interface(let interface) where interface.upper == nil: break
      case .interface:
        if section["reference_energy"] == nil, section["chemical_potentials"] == nil {
          refuse("of two crystals has no one energy to compare with", hint: "give `chemical_potentials`")
        }
      case .file:
        if section["reference_energy"] == nil, section["chemical_potentials"] == nil {
          refuse(
            "of a file does not know its perfect crystal", hint: "give `reference_energy` or `chemical_potentials`")
        }
      default: refuse("needs `structure.grain_boundary`, `structure.interface` or `structure.file`")
      }
      var isOpen = false
      if case .grainBoundary(let boundary)? = plan.structure?.source { isOpen = boundary.freeSurfaces }
      if case .interface(let interface)? = plan.structure?.source { isOpen = interface.freeSurfaces }
      if isOpen {
        refuse(
          "would count the energy of the free surfaces too",
          hint: "leave `free_surfaces` out: the periodic bicrystal has two boundaries and no surface")
      }
      if let periodic = plan.structure?.periodic, !periodic.isFull {
        refuse("needs a cell that is periodic along all axes", hint: "leave `periodic` out")
      }
      if section["reference_energy"] == nil, section["chemical_potentials"] == nil { for error in referenceCharges(plan) { context.refuse(error) } }
      let minimizes = plan.stages.contains { if case .minimize = $0.work { true } else { false } }
      if !plan.stages.isEmpty, !minimizes { refuse("needs a `minimize` stage") }
    }
  ) { section, setting in
    BoundaryEnergy(section!, setting)
  }

  /// Charges that belong to the bicrystal's own atoms or field, and which one cell of the crystal has not.
  private static func referenceCharges(_ plan: RunPlan) -> [FaultlineError] {
    let hint = "leave it out, or give `boundary_energy: {reference_energy: …}` for an atom of the crystal"
    var errors: [FaultlineError] = []
    func refuse(_ section: DeckSection, _ key: String) {
      errors.append(
        section.error(key, "leaves `boundary_energy` without a perfect crystal to compare with", hint: hint))
    }
    for item in plan.potential {
      if item.name == "coulomb", item.section.double("net_charge") != 0 { refuse(item.section, "net_charge") }
      guard ["qeq", "hdnnp"].contains(item.name) else { continue }
      let charges = item.section.section("charges")
      for key in ["fixed", "fragments", "constant_potential"] where !charges.list(key).isEmpty { refuse(charges, key) }
    }
    return errors
  }
}
