import MDCore
import MDDeck
import MDNumerics
import MDStructures

/// The deck's interface at work. Runs on rank 0.
enum InterfaceFactory {
  /// The interface made ready: atoms for any shift, termination and expansion come from it.
  static func prepared(_ plan: InterfacePlan, species: [String: SpeciesPlan], types: [String]?) throws -> Interface {
    let lower = try CrystalFactory.unitCell(plan.lower, types: types)
    let upper = try plan.upper.map { try CrystalFactory.unitCell($0, types: types) } ?? lower
    var options = Interface.Options()
    options.limits = MatchLimits(area: plan.maxArea, strain: plan.maxStrain)
    options.strainTo = share(plan.strainTo)
    options.thickness = plan.thickness
    options.repeats = SIMD2(plan.repetition.0, plan.repetition.1)
    options.isRectangular = plan.isRectangular
    options.ends = plan.freeSurfaces ? .vacuum(plan.vacuum) : .periodic
    options.overlap = plan.overlap
    options.removal = plan.removesFormulaUnits ? .formulaUnits : .atoms
    options.charges = species.compactMapValues(\.charge)
    guard let given = plan.relation else {
      throw FaultlineError(
        .input, "a family of interfaces is no single structure", hint: "give a `relation`, and no `search.family`")
    }
    return try Interface(lower, upper, relation(given), options)
  }

  static func build(
    _ plan: InterfacePlan, species: [String: SpeciesPlan], types: [String]?, admit: StructureSize.Admission
  ) throws -> BuiltStructure {
    let interface = try prepared(plan, species: species, types: types)
    let result = try interface.bicrystal(
      shift: plan.shift, termination: plan.termination, expansion: plan.expansion, admit: admit)
    if plan.mustBeNeutral { try interface.requireNeutral(result, shift: plan.shift, termination: plan.termination) }
    var notes = interface.lines
    if interface.terminations.count > 1 { notes += interface.terminationLines.prefix(12).map { "  " + $0 } }
    notes += interface.lines(of: result, termination: plan.termination)
    return BuiltStructure(
      structure: result.structure, notes: notes,
      geometry: .init(area: interface.area, boundaries: interface.boundaryCount, removed: result.removedCount))
  }

  /// Of both crystals.
  static func species(_ plan: InterfacePlan, types: [String]?) throws -> [String] {
    let lower = try CrystalFactory.unitCell(plan.lower, types: types).species
    let upper = try plan.upper.map { try CrystalFactory.unitCell($0, types: types).species } ?? []
    return lower + upper.filter { !lower.contains($0) }
  }

  static func share(_ name: String) -> StrainShare {
    guard let share = StrainShare(rawValue: name) else { preconditionFailure("the deck's words are those of the builder") }
    return share
  }

  private static func relation(_ plan: InterfacePlan.Relation) -> InterfaceRelation {
    switch plan {
    case .coincidence(let axis, let sigma, let plane, let angle):
      .coincidence(axis: axis, sigma: sigma, plane: plane, angle: angle)
    case .rotation(let axis, let angle, let plane): .rotation(axis: axis, angle: angle, plane: plane)
    case .parallel(let planes, let directions): .parallel(planes: planes, directions: directions)
    case .match(let planes, let number): .match(planes: planes, number: number)
    }
  }
}
