import MDCore
import MDDeck
import MDDynamics
import MDNumerics
import MDParallel
import MDStructures

/// `constant: equilibrium`: the lattice constants at which the deck's own potential has its crystal at 0 K under the
/// pressure asked.
///
/// The energy is scanned over distances of neighbours from 0.75 to 1.35 times the sum of atomic radii; from the lowest
/// minimum inside, cell and atoms are relaxed (`isotropic` for cubic lattices, `axes` for hcp and wurtzite) to 0.01 bar.
enum EquilibriumLattice {
  struct Constants {
    /// Å.
    var a: Double
    /// Å; nil for cubic lattices.
    var c: Double?
    /// eV an atom.
    var energy: Double
  }

  private static let factors = (0..<31).map { 1.35 - 0.02 * Double($0) }

  /// The plan with numbers for what the deck leaves to the potential, and what the log says of them. Collective.
  static func resolved(_ plan: RunPlan, communicator: any Communicator) throws -> (plan: RunPlan, notes: [String]) {
    guard var structure = plan.structure else { return (plan, []) }
    var plan = plan
    var notes: [String] = []
    /// A crystal with its constants.
    func settled(_ source: CrystalSource) throws -> CrystalSource {
      guard case .lattice(var lattice) = source, lattice.constant == nil else { return source }
      let found = try blaming(structure) {
        try find(
          lattice.type, species: lattice.species, pressure: lattice.pressure, plan: plan, communicator: communicator)
      }
      (lattice.constant, lattice.c) = (found.a, found.c)
      notes.append(Self.note(found, lattice.type, pressure: lattice.pressure))
      return .lattice(lattice)
    }
    switch structure.source {
    case .lattice(let lattice) where lattice.constant == nil:
      guard case .lattice(let found) = try settled(.lattice(lattice)) else { preconditionFailure("a lattice stays one") }
      structure.source = .lattice(found)
    case .interface(var interface):
      interface.lower = try settled(interface.lower)
      interface.upper = try interface.upper.map(settled)
      structure.source = .interface(interface)
    case .polycrystal(var polycrystal):
      polycrystal.crystal = try settled(polycrystal.crystal)
      structure.source = .polycrystal(polycrystal)
    case .sphericalGrain(var grain):
      grain.matrix = try settled(grain.matrix)
      grain.inner = try grain.inner.map(settled)
      structure.source = .sphericalGrain(grain)
    case .crack(var crack):
      crack.crystal = try settled(crack.crystal)
      if crack.material == nil {
        let found = try blaming(structure) { try CrackFactory.material(crack, structure, plan, communicator) }
        crack.material = found.material
        notes += found.notes
      }
      structure.source = .crack(crack)
    case .enumeration(var table):
      table.crystal = try table.crystal.map(settled)
      structure.source = .enumeration(table)
    case .match(var table):
      (table.lower, table.upper) = (try settled(table.lower), try settled(table.upper))
      structure.source = .match(table)
    case .grainBoundary(var boundary) where boundary.constant == nil:
      let found = try blaming(structure) {
        try find(
          boundary.lattice, species: boundary.species, pressure: boundary.pressure, plan: plan,
          communicator: communicator)
      }
      boundary.constant = found.a
      structure.source = .grainBoundary(boundary)
      notes = [Self.note(found, boundary.lattice, pressure: boundary.pressure)]
    default: return (plan, [])
    }
    plan.structure = structure
    return (plan, notes)
  }

  /// What is to be said of a lattice constant of the deck that is not the potential's at no pressure; nil for those that are,
  /// and where the potential has none. Collective.
  static func note(against plan: RunPlan, communicator: any Communicator) throws -> String? {
    let given: (lattice: LatticeKind, constant: Double?, species: [String])
    switch plan.structure?.source {
    case .lattice(let lattice): given = (lattice.type, lattice.constant, lattice.species)
    case .grainBoundary(let boundary): given = (boundary.lattice, boundary.constant, boundary.species)
    default: return nil
    }
    guard let constant = given.constant,
      let found = try? find(
        given.lattice, species: given.species, pressure: 0, plan: plan, communicator: communicator),
      abs(found.a / constant - 1) > 1e-4
    else { return nil }
    return "the lattice constant \(RunLog.fixed(constant, 4)) Å is not this potential's at 0 K, \(RunLog.fixed(found.a, 4)) Å "
      + "(`constant: equilibrium` takes that)"
  }

  private static func note(_ found: Constants, _ lattice: LatticeKind, pressure: Double) -> String {
    "\(lattice.rawValue) of this potential at 0 K and \(RunLog.fixed(pressure, 0)) bar: a = \(RunLog.fixed(found.a, 6)) Å"
      + (found.c.map { ", c = \(RunLog.fixed($0, 6)) Å" } ?? "") + ", \(RunLog.fixed(found.energy, 6)) eV/atom"
  }

  private static func blaming<T>(_ structure: StructurePlan, _ body: () throws -> T) throws -> T {
    do { return try body() } catch var error as FaultlineError {
      error.kind = .input
      if error.location == nil { error.location = structure.location }
      throw error
    }
  }

  /// Collective. `pressure` in bar.
  static func find(
    _ lattice: LatticeKind, species: [String], pressure: Double, plan: RunPlan, communicator: any Communicator
  ) throws -> Constants {
    guard !plan.potential.isEmpty else {
      throw FaultlineError(
        .input, "`constant: equilibrium` needs a potential", hint: "give the lattice constant in Å, or a `potential`",
        isCollective: true)
    }
    guard let type = LatticeType(rawValue: lattice.rawValue) else {
      preconditionFailure("the deck's lattices are those of the builders")
    }
    let guess = try communicator.agree { try Self.guess(type, species, plan) }
    let unit = try type.unitCell(a: guess, species: species)
    let structure = try communicator.agree { try CrystalBlock(unit).build() }
    let system = try SystemFactory.make(
      communicator.isRoot ? structure : nil, plan: plan, communicator: communicator)
    let first = try lowest(system, guess: guess, pressure: pressure, type, species)
    try scale(system, by: first)

    let engine = Engine(system, groups: GroupTable([], species: system.species), seed: plan.seed)
    let row = try engine.run(
      .relaxation(
        cell: lattice.isCubic ? "isotropic" : "axes", stress: -pressure * .identity, forceTolerance: 1e-7,
        maxSteps: 500))
    guard engine.lastStageConverged else {
      throw FaultlineError(
        .input, "the relaxation of the perfect crystal for `constant: equilibrium` did not converge",
        hint: "give the lattice constant in Å", isCollective: true)
    }
    let cell = system.box.cell
    return Constants(
      a: cell.x.length, c: lattice.isCubic ? nil : cell.z.length,
      energy: row.potentialEnergy / Double(system.totalCount))
  }

  /// The constant a at which the closest pair of neighbours, measured by the sum of their radii, just touches, Å.
  private static func guess(_ type: LatticeType, _ species: [String], _ plan: RunPlan) throws -> Double {
    let cell = try type.unitCell(a: 1, species: species)
    let radii = try cell.sites.map { site in
      let element = plan.species[site.species]?.element ?? site.species
      guard let radius = AtomicRadii.radius(of: element) else {
        throw FaultlineError(
          .input, "`constant: equilibrium` needs to know which element \(site.species) is",
          hint: "give `species: {\(site.species): {element: …}}`, or the lattice constant in Å")
      }
      return radius
    }
    var a = 0.0
    for (i, one) in cell.sites.enumerated() {
      for (j, other) in cell.sites.enumerated() {
        for n in 0..<27 {
          let image = Vector3(Double(n % 3 - 1), Double(n / 3 % 3 - 1), Double(n / 9 - 1))
          let distance = ((other.position + image - one.position) * cell.cell).length
          if distance > 1e-6 { a = max(a, (radii[i] + radii[j]) / distance) }
        }
      }
    }
    return a
  }

  /// The factor on the system's lengths at which the enthalpy has its lowest minimum of the scan. Collective.
  private static func lowest(
    _ system: DistributedSystem, guess: Double, pressure: Double, _ type: LatticeType, _ species: [String]
  ) throws -> Double {
    var enthalpies: [Double] = []
    var at = 1.0
    for factor in factors {
      try scale(system, by: factor / at)
      at = factor
      try system.rebuild()
      let energy = system.communicator.sum(try system.compute(.energy, step: 0).energy)
      enthalpies.append(energy + pressure / Units.energyPerVolumeToBar * system.box.volume)
    }
    let inner = (1..<(factors.count - 1)).filter {
      enthalpies[$0] < enthalpies[$0 - 1] && enthalpies[$0] <= enthalpies[$0 + 1]
    }
    guard let best = inner.min(by: { enthalpies[$0] < enthalpies[$1] }) else {
      throw FaultlineError(
        .input,
        "this potential binds no \(type.rawValue) of \(species.joined(separator: ", ")) between a = "
          + "\(RunLog.fixed(guess * factors[factors.count - 1], 2)) and \(RunLog.fixed(guess * factors[0], 2)) Å",
        hint: "give the lattice constant in Å", isCollective: true)
    }
    return factors[best] / at
  }

  private static func scale(_ system: DistributedSystem, by factor: Double) throws {
    let origin = system.box.origin
    for i in 0..<system.atoms.localCount {
      system.atoms.position[i] = origin + factor * (system.atoms.position[i] - origin)
    }
    system.box.setCell(factor * system.box.cell)
  }
}
