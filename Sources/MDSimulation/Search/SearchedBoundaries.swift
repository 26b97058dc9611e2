import MDCore
import MDDeck
import MDStructures

/// The boundaries of a search: the deck's, or those of its family; of an interface one for each termination.
enum SearchedBoundaries {
  /// The most that one search takes.
  private static let most = 10_000

  /// - Parameter plan: with its lattice constants.
  /// - Returns: and what is to be said of pairs of planes that have no interface.
  static func spaces(_ plan: RunPlan) throws -> (spaces: [BoundarySpace], notes: [String]) {
    guard let search = plan.search, let structure = plan.structure else { preconditionFailure("a plan without a search") }
    do {
      let models: [any BoundaryModel]
      var notes: [String] = []
      switch structure.source {
      case .grainBoundary(let given): models = try tilts(given, search)
      case .interface(let given): (models, notes) = try interfaces(given, search, plan)
      default: preconditionFailure("the deck's check lets searches through for boundaries only")
      }
      guard models.count <= most else {
        throw FaultlineError(
          .input, "\(models.count) interfaces to search", hint: "at most \(most): fewer planes, or `search.over.termination`")
      }
      return (try models.enumerated().map { try BoundarySpace($1, number: $0, search) }, notes)
    } catch var error as FaultlineError {
      error.kind = .input
      if error.location == nil { error.location = structure.location }
      throw error
    }
  }

  private static func tilts(_ given: GrainBoundaryPlan, _ search: SearchPlan) throws -> [GrainBoundaryModel] {
    guard let family = search.family else { return [try GrainBoundaryModel(given)] }
    var planes: [SIMD3<Int>] = family.planes ?? []
    if family.planes == nil {
      for sigma in stride(from: 3, through: family.largestSigma, by: 2) {
        planes += SymmetricTilt.planes(axis: given.axis, sigma: sigma).filter {
          SymmetricTilt.angle(axis: given.axis, plane: $0) != nil
        }
      }
    }
    guard !planes.isEmpty else {
      throw FaultlineError(
        .input, "there is no symmetric tilt boundary about [\(given.axis.x), \(given.axis.y), \(given.axis.z)] up to Σ\(family.largestSigma)",
        hint: "a larger `sigma_max`", at: family.location, isCollective: true)
    }
    return try planes.map { plane in
      var one = given
      (one.plane, one.sigma) = (plane, SymmetricTilt.sigma(of: plane))
      return try GrainBoundaryModel(one)
    }
  }

  // MARK: Interfaces

  private static func interfaces(
    _ given: InterfacePlan, _ search: SearchPlan, _ plan: RunPlan
  ) throws -> ([InterfaceModel], [String]) {
    let (species, types) = (plan.species, plan.numberedTypes)
    let lower = try CrystalFactory.unitCell(given.lower, types: types)
    let upper = try given.upper.map { try CrystalFactory.unitCell($0, types: types) } ?? lower
    func models(_ plan: InterfacePlan, match: Int) throws -> [InterfaceModel] {
      var plan = plan
      // Grains are drawn apart instead.
      plan.overlap = 0
      let interface = try InterfaceFactory.prepared(plan, species: species, types: types)
      let numbers = search.terminations ?? Array(interface.terminations.indices)
      return try numbers.map { number in
        _ = try interface.termination(number)
        return InterfaceModel(interface: interface, termination: number, match: match, names: (lower.formula, upper.formula))
      }
    }
    guard let family = search.family, let miller = family.miller else { return (try models(given, match: 0), []) }
    let pairs: [(SIMD3<Int>, SIMD3<Int>)]
    switch miller {
    case .pairs(let list): pairs = list
    case .upTo(let largest):
      let forms = (try lower.planeForms(upTo: largest), try upper.planeForms(upTo: largest))
      pairs = forms.0.flatMap { p in forms.1.map { (p, $0) } }
    }
    let primitives = (try lower.primitive(), try upper.primitive())
    var found: [InterfaceModel] = []
    var notes: [String] = []
    for pair in pairs {
      let cells = (try PlaneCell(lower, primitive: primitives.0, pair.0), try PlaneCell(upper, primitive: primitives.1, pair.1))
      let matches = try PlaneMatcher(cells.0, cells.1).matches(area: given.maxArea, strain: given.maxStrain)
      let best = MatchTable(matches, cells.0, cells.1).rows.enumerated().filter(\.element.isBest).prefix(family.matches)
      if best.isEmpty {
        notes.append(
          "no match of \(upper.formula) (\(GrainBoundaryModel.indices(pair.1))) on \(lower.formula) "
            + "(\(GrainBoundaryModel.indices(pair.0))) within `max_area` and `max_strain`")
      }
      for row in best {
        var one = given
        one.relation = .match(planes: pair, number: row.offset)
        found += try models(one, match: row.offset)
      }
    }
    guard !found.isEmpty else {
      throw FaultlineError(
        .input, "no pair of planes matches within \(decimal(given.maxArea, 1)) Å² and \(decimal(100 * given.maxStrain, 2)) % of strain",
        hint: "`structure: {match: …}` prints the nearest misses", at: family.location, isCollective: true)
    }
    return (found, notes)
  }
}
