import MDCore

/// What a deck says twice, contradicts or leaves out across its keys: everything that needs no engine to find.
struct PlanCheck {
  let plan: RunPlan
  let deck: DeckSection
  let parts: DeckParts
  var errors: [FaultlineError] = []
  private(set) var warnings: [FaultlineError] = []

  init(plan: RunPlan, deck: DeckSection, parts: DeckParts) {
    self.plan = plan
    self.deck = deck
    self.parts = parts
  }

  mutating func run() {
    checkStructure()
    checkSpecies()
    checkGroups()
    checkStages()
    checkCrackLoads()
    check(plan.potential, parts.potentials)
    check(plan.analysis, parts.observers)
    checkMeasures()
    checkTasks()
    checkSearch()
    checkTrajectories()
  }

  // MARK: Structure

  private mutating func checkStructure() {
    guard let structure = plan.structure, let section = deck["structure"]?.section else { return }
    switch structure.source {
    case .file(let file):
      let inner = section.section("file")
      if inner.gives("species"), file.format == .extxyz {
        errors.append(
          inner.error("species", "is only for lammps-data and POSCAR files", hint: "extxyz names its species"))
      }
    case .lattice(let lattice): check(lattice, section.section("lattice"))
    case .crystal(let crystal): check(crystal, section.section("crystal"))
    case .grainBoundary(let boundary): check(boundary, section.section("grain_boundary"))
    case .interface(let interface): check(interface, section.section("interface"))
    case .polycrystal(let polycrystal):
      let inner = section.section("polycrystal")
      check(polycrystal.crystal, inner.section("of"))
      if polycrystal.cell.determinant < 1e-6 {
        errors.append(inner.error("cell", "is not right-handed, or has no volume", hint: "a·(b × c) > 0"))
      }
      if let texture = polycrystal.texture, texture.direction == SIMD3(0, 0, 0) {
        errors.append(inner.section("texture").error("direction", "is zero"))
      }
      if polycrystal.isColumnar, polycrystal.texture == nil {
        errors.append(inner.error("columns", "need a texture along z", hint: "`texture: {direction: [1, 1, 1], along: z}`"))
      }
    case .sphericalGrain(let grain):
      let inner = section.section("spherical_grain")
      check(grain.matrix, inner.section("of"))
      if let crystal = grain.inner { check(crystal, inner.section("grain")) }
      if grain.axis == .zero { errors.append(inner.error("axis", "is zero")) }
    case .crack(let crack):
      let inner = section.section("crack")
      check(crack.crystal, inner.section("of"))
      check(crack, inner, whole: section)
    case .enumeration(let table):
      let inner = section.section("enumerate")
      if let crystal = table.crystal { check(crystal, inner.section("of")) }
      if table.axis == SIMD3(0, 0, 0) { errors.append(inner.error("axis", "is zero")) }
    case .match(let table):
      let inner = section.section("match")
      check(table.lower, inner.section("lower"))
      check(table.upper, inner.section("upper"))
      if case .pairs(let pairs) = table.planes, pairs.contains(where: { $0.0 == SIMD3(0, 0, 0) || $0.1 == SIMD3(0, 0, 0) }) {
        errors.append(inner.error("miller", "has a plane (0, 0, 0)"))
      }
      if let elastic = table.elastic, ![elastic.0, elastic.1].allSatisfy({ $0.count == 3 || $0.count == 36 }) {
        errors.append(inner.error("elastic", "has neither 3 nor 36 numbers for each crystal", hint: "[C11, C12, C44], or all 36"))
      }
    }
    check(structure.modifiers, parts.modifiers)
    if structure.isTable, section.gives("modify") { errors.append(section.error("modify", "has no atoms to change")) }
    if structure.isTable, plan.stages.count + plan.tasks.count > 0 {
      errors.append(
        section.error(structure.source.name, "is a table and has no atoms to run with", hint: "`faultline build` prints it"))
    }
  }

  private mutating func check(_ crystal: CrystalPlan, _ section: DeckSection) {
    if abs(crystal.cell.determinant) < 1e-6 {
      errors.append(section.error("cell", "has no volume", hint: "three cell vectors that do not lie in one plane"))
    }
  }

  mutating func check(_ source: CrystalSource, _ section: DeckSection) {
    switch source {
    case .lattice(let lattice): check(lattice, section.section("lattice"))
    case .crystal(let crystal): check(crystal, section.section("crystal"))
    case .file: break
    }
  }

  private mutating func check(_ interface: InterfacePlan, _ section: DeckSection) {
    check(interface.lower, section.section("lower"))
    if let upper = interface.upper { check(upper, section.section("upper")) }
    if !interface.freeSurfaces, section.gives("vacuum") {
      errors.append(section.error("vacuum", "needs `free_surfaces: true`"))
    }
    guard let relation = interface.relation else {
      if plan.search?.family?.miller == nil {
        errors.append(
          section.error("relation", "is missing", hint: "coincidence, rotation, parallel or match: how the crystals lie to each other"))
      }
      return
    }
    if plan.search?.family != nil {
      errors.append(
        section.error("relation", "is said by `search.family`", hint: "leave it out, or search one interface without `family`"))
    }
    let inner = section.section("relation").choice.value.section
    let zero = SIMD3(0, 0, 0)
    switch relation {
    case .coincidence(let axis, _, let plane, _), .rotation(let axis, _, let plane):
      if axis == zero { errors.append(inner.error("axis", "is zero")) }
      if plane == zero { errors.append(inner.error("plane", "is zero")) }
    case .parallel(let planes, let directions):
      if planes.0 == zero || planes.1 == zero { errors.append(inner.error("planes", "has a plane (0, 0, 0)")) }
      if directions.0 == zero || directions.1 == zero { errors.append(inner.error("directions", "has a direction [0, 0, 0]")) }
    case .match(let planes, _):
      if planes.0 == zero || planes.1 == zero { errors.append(inner.error("planes", "has a plane (0, 0, 0)")) }
    }
  }

  private mutating func checkCount(_ species: [String], _ type: LatticeKind, _ section: DeckSection) {
    guard species.count != type.speciesCount else { return }
    errors.append(
      section.error(
        "species", "has \(species.count) names for \(type.rawValue)",
        hint: "\(type.rawValue) has \(type.speciesCount)"))
  }

  private mutating func check(_ lattice: LatticePlan, _ section: DeckSection) {
    checkCount(lattice.species, lattice.type, section)
    if lattice.type.isCubic, lattice.c != nil {
      errors.append(section.error("c", "is only for hcp and wurtzite", hint: "\(lattice.type.rawValue) is cubic"))
    }
    guard let directions = lattice.orientation else { return }
    if !lattice.type.isCubic {
      errors.append(section.error("orientation", "is only for cubic lattices"))
    } else if let trouble = orthogonality(directions) {
      errors.append(
        section.error(
          "orientation", trouble,
          hint: "three orthogonal, right-handed directions such as [[1, 1, 0], [-1, 1, 0], [0, 0, 1]]"))
    }
  }

  private func orthogonality(_ d: [SIMD3<Int>]) -> String? {
    if let zero = d.firstIndex(of: SIMD3(0, 0, 0)) { return "has no direction along \(["x", "y", "z"][zero])" }
    for (i, j) in [(0, 1), (1, 2), (0, 2)] where dot(d[i], d[j]) != 0 {
      return "is not orthogonal: \(text(d[i]))·\(text(d[j])) = \(dot(d[i], d[j]))"
    }
    return dot(cross(d[0], d[1]), d[2]) > 0 ? nil : "is left-handed"
  }

  private mutating func check(_ boundary: GrainBoundaryPlan, _ section: DeckSection) {
    checkCount(boundary.species, boundary.lattice, section)
    if boundary.axis == SIMD3(0, 0, 0) { errors.append(section.error("axis", "is zero")) }
    if plan.search?.family != nil {
      // The planes are the family's.
      for key in ["sigma", "plane"] where section.gives(key) {
        errors.append(
          section.error(key, "is said by `search.family`", hint: "leave it out, or search one boundary without `family`"))
      }
      if boundary.kind != .tilt {
        errors.append(section.error("kind", "is no symmetric tilt, of which `search.family` is", hint: "kind: tilt"))
      }
      if !boundary.freeSurfaces, section.gives("vacuum") {
        errors.append(section.error("vacuum", "needs `free_surfaces: true`"))
      }
      return
    }
    if section["sigma"] == nil {
      errors.append(section.error("sigma", "is missing", hint: "for example 5 for the plane (3 1 0) about [0, 0, 1]"))
    } else if boundary.sigma % 2 == 0 {
      errors.append(section.error("sigma", "is even", hint: "Σ of cubic crystals is odd: 3, 5, 7, 9, 11, …"))
    }
    switch boundary.kind {
    case .tilt where section["plane"] == nil:
      errors.append(
        section.error("plane", "is missing for a tilt boundary", hint: "for example [3, 1, 0] for Σ5 about [0, 0, 1]"))
    case .tilt where boundary.plane == SIMD3(0, 0, 0): errors.append(section.error("plane", "is zero"))
    case .tilt where dot(boundary.plane, boundary.axis) != 0:
      errors.append(
        section.error(
          "plane", "\(text(boundary.plane)) does not hold the axis \(text(boundary.axis))",
          hint: "of a tilt boundary h·u + k·v + l·w = 0"))
    case .twist where cross(boundary.plane, boundary.axis) != SIMD3(0, 0, 0):
      errors.append(
        section.error(
          "plane", "\(text(boundary.plane)) is not normal to the axis \(text(boundary.axis))",
          hint: "leave it out for a twist boundary"))
    default: break
    }
    if !boundary.freeSurfaces, section.gives("vacuum") {
      errors.append(section.error("vacuum", "needs `free_surfaces: true`"))
    }
  }

  // MARK: Species and groups

  private mutating func checkSpecies() {
    for entry in deck["species"]?.section.entries ?? [] {
      let section = entry.value.section
      if let element = section["element"]?.string, Elements.atomicNumber(of: element) == nil {
        errors.append(section.error("element", "\(element) is no chemical symbol", hint: "for example Cu"))
      }
      if section.gives("charge_width") || section.gives("charge"), !plan.potential.isEmpty,
        !plan.potential.contains(where: { $0.name == "coulomb" })
      {
        let key = section.gives("charge") ? "charge" : "charge_width"
        warnings.append(section.error(key, "is not used", hint: "only the potential `coulomb` acts on charges"))
      }
      if let known = plan.structure?.species, !known.contains(entry.name) {
        errors.append(notInStructure(entry.name, known, at: entry.location))
      }
    }
    guard let structure = plan.structure, let known = structure.species else { return }
    // A file may bring masses; without them the run asks again.
    if case .file = structure.source { return }
    for name in known where plan.mass(of: name) == nil {
      errors.append(
        FaultlineError(
          .input, "species `\(name)` is no element and has no mass", hint: "give `species: {\(name): {mass: …}}`",
          at: structure.location))
    }
  }

  private func notInStructure(_ name: String, _ known: [String], at place: SourceLocation) -> FaultlineError {
    FaultlineError(
      .input, "no species `\(name)` in the structure", hint: "it has " + known.joined(separator: ", "), at: place)
  }

  private mutating func checkGroups() {
    for entry in deck["groups"]?.section.entries ?? [] {
      let section = entry.value.section
      if section.boolean("frozen"), section.gives("velocity") {
        errors.append(
          section.error("velocity", "contradicts `frozen: true` of group `\(entry.name)`", hint: "keep one of the two"))
      }
      let select = section.section("select")
      if let ids = select["ids"]?.integers, ids[0] > ids[1] {
        errors.append(select.error("ids", "[\(ids[0]), \(ids[1])] is empty", hint: "[first, last]"))
      }
      for key in ["region", "fractional_region"] {
        guard let region = select[key]?.section else { continue }
        for bound in region.entries where bound.value.doubles[0] >= bound.value.doubles[1] {
          errors.append(region.error(bound.name, "is empty", hint: "[low, high] with low < high"))
        }
      }
      if let known = plan.structure?.species, let names = select["species"]?.list {
        for name in names where !known.contains(name.string) {
          errors.append(notInStructure(name.string, known, at: name.location))
        }
      }
      if select["held"] != nil, let structure = plan.structure {
        if case .file = structure.source {} else {
          errors.append(select.error("held", "selects nothing", hint: "only files hold atoms"))
        }
      }
      if select["grain"] != nil, let structure = plan.structure {
        switch structure.source {
        case .grainBoundary, .interface, .polycrystal, .sphericalGrain, .crack, .file: continue
        default: break
        }
        errors.append(select.error("grain", "selects nothing", hint: "only grain boundaries, interfaces, polycrystals, spherical grains and files have grains"))
      }
    }
  }

  // MARK: Stages

  private mutating func checkStages() {
    var names: [String: SourceLocation] = [:]
    if let velocities = deck["velocities"]?.section, !plan.stages.isEmpty, !plan.hasDynamics {
      warnings.append(
        velocities.error("temperature", "is not used", hint: "velocities are drawn for the first dynamics stage"))
    }
    // Files may bring velocities; what is built is at rest until they are drawn.
    var isAtRest = true
    var areDrawn = false
    if case .file? = plan.structure?.source { isAtRest = false }
    for (stage, value) in zip(plan.stages, deck["stages"]?.list ?? []) {
      let section = value.section.choice.value.section
      if let first = names[stage.name] {
        let line = first.line.map { " at line \($0)" } ?? ""
        errors.append(section.error("name", "\(stage.name) is taken by the stage\(line)"))
      }
      names[stage.name] = stage.location
      switch stage.work {
      case .minimize: isAtRest = true
      case .dynamics(let dynamics):
        if !areDrawn, (plan.velocities?.temperature ?? 0) > 0 { isAtRest = false }
        areDrawn = true
        check(dynamics, section, isAtRest: isAtRest)
        isAtRest = false
      }
    }
  }

  private mutating func check(_ dynamics: DynamicsPlan, _ section: DeckSection, isAtRest: Bool) {
    let stage = DeckContext.StageContext(dynamics: dynamics, isAtRest: isAtRest, section: section)
    if let thermostat = dynamics.thermostat { check([thermostat], parts.thermostats, stage) }
    if dynamics.removeDrift == true, let held = plan.groups.first(where: { $0.frozen || $0.velocity != nil }) {
      errors.append(
        section.error(
          "remove_drift", "is for systems whose atoms are all mobile",
          hint: "those of group `\(held.name)` are not, and hold the others"))
    }
    if let barostat = dynamics.barostat { check([barostat], parts.barostats, stage) }
    check(dynamics.loads, parts.loads, stage)
  }

  /// What the entries themselves find.
  private mutating func check(
    _ plans: [EntryPlan], _ entries: [DeckEntry], _ stage: DeckContext.StageContext? = nil
  ) {
    for item in plans {
      guard let entry = entries.first(where: { $0.name == item.name }) else { continue }
      var context = DeckContext(deck: deck, plan: plan, stage: stage)
      entry.check(item.section, &context)
      errors += context.errors
      warnings += context.warnings
    }
  }

  /// Observers have files of their own, and look at dynamics.
  private mutating func checkMeasures() {
    guard let first = plan.measures.first else { return }
    check(plan.measures, parts.instruments)
    var names: Set<String> = []
    for item in plan.measures {
      let name = item.measureName
      if !names.insert(name).inserted {
        errors.append(
          item.section.error("name", "\(name) is taken by another observer", hint: "give each a `name` of its own"))
      } else if name.contains("/") || name.hasPrefix(".") || name.isEmpty || ["thermo", "loading", "crack"].contains(name) {
        errors.append(item.section.error("name", "\(name) cannot be the name of a table"))
      }
    }
    if !plan.stages.isEmpty, !plan.hasDynamics {
      errors.append(
        first.section.error("every", "never comes: observers look at stages of dynamics, and there is none"))
    }
  }

  /// Tasks build their own cells from one cell of a crystal.
  private mutating func checkTasks() {
    guard !plan.tasks.isEmpty, let structure = plan.structure, let section = deck["structure"]?.section else { return }
    check(plan.tasks, parts.tasks)
    func refuse(_ section: DeckSection, _ key: String) {
      if section.gives(key) {
        errors.append(section.error(key, "is not for tasks, which build their own cells", hint: "leave it out"))
      }
    }
    switch structure.source {
    case .grainBoundary:
      errors.append(section.error("grain_boundary", "is no crystal", hint: "tasks need `lattice`, `crystal` or `file`"))
    case .interface, .polycrystal, .sphericalGrain, .crack, .enumeration, .match:
      errors.append(
        section.error(structure.source.name, "is no crystal", hint: "tasks need `lattice`, `crystal` or `file`"))
    case .lattice: for key in ["size", "orientation", "vacuum", "pressure"] { refuse(section.section("lattice"), key) }
    case .crystal: for key in ["size", "vacuum"] { refuse(section.section("crystal"), key) }
    case .file: break
    }
    for key in ["replicate", "periodic", "modify"] { refuse(section, key) }
    for key in ["groups", "velocities", "analysis"] { refuse(deck, key) }
    for key in ["thermo", "trajectories", "checkpoints"] { refuse(deck.section("output"), key) }
    var names: Set<String> = []
    for task in plan.tasks {
      guard let name = task.section["name"]?.string else { continue }
      if !names.insert(name).inserted {
        errors.append(task.section.error("name", "\(name) is taken by another task"))
      } else if name.contains("/") || Self.reserved.contains(name + ".csv") || name.hasPrefix(".") {
        errors.append(task.section.error("name", "\(name) cannot be the name of a table"))
      }
    }
  }

  // MARK: Output

  /// Names that a run gives its own files.
  private static let reserved = ["thermo.csv", "run.json", "log.txt", "deck.yaml"]

  private mutating func checkTrajectories() {
    var names: Set<String> = []
    for value in deck.section("output").list("trajectories") {
      let section = value.section
      let file = section.string("file")
      if !names.insert(file).inserted {
        errors.append(section.error("file", "\(file) is written by another trajectory"))
      }
      if Self.reserved.contains(file) || file.hasPrefix("checkpoint") {
        errors.append(section.error("file", "\(file) is the name of another file of the run"))
      }
      if section.boolean("unwrapped"), section["columns"]?.list.contains(where: { $0.string == "images" }) ?? false {
        errors.append(
          section.error("columns", "has images, which unwrapped positions hold already", hint: "keep one of the two"))
      }
      let byName = TrajectoryFormat(fileName: file)
      if byName == nil, !section.gives("format") {
        errors.append(
          section.error(
            "file", "\(file) does not tell the format",
            hint: "end it in .extxyz or .dump, with or without .gz, or give `format`"))
      }
      if let byName, let format = section["format"]?.string, format != byName.rawValue {
        errors.append(section.error("format", "\(format) contradicts the name \(file)"))
      }
    }
  }
}

private func dot(_ a: SIMD3<Int>, _ b: SIMD3<Int>) -> Int { a.x * b.x + a.y * b.y + a.z * b.z }

private func cross(_ a: SIMD3<Int>, _ b: SIMD3<Int>) -> SIMD3<Int> {
  SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}

private func text(_ v: SIMD3<Int>) -> String { "[\(v.x), \(v.y), \(v.z)]" }
