import MDCore

extension PlanCheck {
  /// A search builds its own bicrystals from the deck's.
  mutating func checkSearch() {
    guard let search = plan.search, let section = deck["search"]?.section,
      let structure = deck["structure"]?.section
    else { return }
    func refuse(_ section: DeckSection, _ key: String, _ why: String, hint: String = "leave it out") {
      if section.gives(key) { errors.append(section.error(key, why, hint: hint)) }
    }
    let over = section.section("over")
    switch plan.structure?.source {
    case .grainBoundary(let boundary):
      let inner = structure.section("grain_boundary")
      for key in ["shift", "expansion", "overlap"] { refuse(inner, key, "is what `search` looks for") }
      refuse(inner, "free_surfaces", "is not for `search`, which has two boundaries in a cell", hint: "leave it out: both are kept in one state")
      refuse(over, "termination", "is of `structure.interface`")
      checkContents(search, section, species: boundary.species, isOfOneCrystal: true)
      checkTilts(search, section, axis: boundary.axis)
    case .interface:
      let inner = structure.section("interface")
      for key in ["shift", "expansion", "overlap"] { refuse(inner, key, "is what `search` looks for") }
      refuse(inner, "termination", "is what `search` looks for", hint: "`search: {over: {termination: [0]}}` has one of them")
      refuse(inner, "free_surfaces", "is not for `search`, which has two interfaces in a cell")
      for key in ["remove", "neutral"] { refuse(inner, key, "is not for `search`, which leaves no atoms that are too close") }
      checkInterfaces(search, section)
      if let species = plan.structure?.species { checkContents(search, section, species: species, isOfOneCrystal: false) }
    default:
      errors.append(
        section.error(
          "search", "needs `structure.grain_boundary` or `structure.interface`", hint: "it searches the states of a boundary"))
      return
    }
    refuse(structure, "replicate", "is not for `search`", hint: "give `repeat` in the boundary")
    refuse(structure, "periodic", "is not for `search`, whose cells are periodic")
    refuse(structure, "modify", "is not for `search`, which builds its own bicrystals")
    for key in ["groups", "velocities", "analysis"] { refuse(deck, key, "is not for `search`") }
    for key in ["thermo", "trajectories", "checkpoints"] { refuse(deck.section("output"), key, "is not for `search`, which has its own files") }
    refuse(deck.section("decomposition"), "grid", "is not for `search`, whose trials differ in their cells")
    if let ends = over["atoms"]?.doubles, ends[0] > ends[1] {
      errors.append(over.error("atoms", "has its ends exchanged", hint: "[least, most]"))
    }
    if search.method != .grid {
      if over["shift"]?.isList ?? false {
        errors.append(over.error("shift", "is a grid, which only `method: grid` has", hint: "shift: cnid"))
      }
      refuse(over, "spacing", "is of a grid, which only `method: grid` has")
    } else if over["shift"]?.isList ?? false {
      refuse(over, "spacing", "contradicts the numbers of points in `shift`", hint: "keep one of the two")
    }
    if search.method == .grid {
      refuse(section.section("stop"), "unchanged", "is not for `method: grid`, which is done whole")
    }
    if search.method != .bayes { refuse(section, "bayes", "is only for `method: bayes`") }
    if search.method != .anneal { refuse(section, "anneal", "is only for `method: anneal`") }
    for (key, method) in [("bayes", SearchPlan.Method.bayes), ("anneal", .anneal)] where search.method == method {
      let temperatures = key == "anneal" ? section.section(key).doubles("temperature") : [0, 1]
      if temperatures[0] > temperatures[1] {
        errors.append(section.section(key).error("temperature", "has its ends exchanged", hint: "[lowest, highest]"))
      }
    }
  }

  /// What atoms are taken out besides whole formula units, and exchanged.
  private mutating func checkContents(_ search: SearchPlan, _ section: DeckSection, species: [String], isOfOneCrystal: Bool) {
    let over = section.section("over")
    let list = "of the boundary's: " + species.joined(separator: ", ")
    for (holder, key, names) in [
      (over, "vacancies", Array(search.vacancies.keys)), (section, "chemical_potentials", Array(search.chemicalPotentials.keys)),
    ] {
      for name in names.sorted() where !species.contains(name) {
        errors.append(holder.error(key, "names \(name), which is no species of the boundary", hint: list))
      }
    }
    if species.count == 1 {
      if isOfOneCrystal, !search.vacancies.isEmpty {
        errors.append(over.error("vacancies", "are of compounds", hint: "`atoms` has all numbers of an element"))
      }
      if search.swaps > 0 { errors.append(over.error("swap", "needs two species", hint: "swap: none")) }
    }
    if search.vacancies.isEmpty, section.gives("chemical_potentials") {
      errors.append(section.error("chemical_potentials", "are only for `over.vacancies`", hint: "leave it out"))
    }
    if search.chemicalPotentials.values.count(where: { $0.lowerBound < $0.upperBound }) > 1 {
      errors.append(section.error("chemical_potentials", "has more than one range", hint: "single energies for all but one"))
    }
  }

  private mutating func checkTilts(_ search: SearchPlan, _ section: DeckSection, axis: SIMD3<Int>) {
    guard let family = search.family else { return }
    let inner = section.section("family")
    for key in ["miller", "matches"] where inner.gives(key) {
      errors.append(inner.error(key, "is of `structure.interface`", hint: "`sigma_max` or `planes`"))
    }
    for plane in family.planes ?? [] {
      let product = plane.x * axis.x + plane.y * axis.y + plane.z * axis.z
      if product != 0 || plane == SIMD3(0, 0, 0) {
        errors.append(
          inner.error(
            "planes", "[\(plane.x), \(plane.y), \(plane.z)] does not hold the axis [\(axis.x), \(axis.y), \(axis.z)]",
            hint: "of a tilt boundary h·u + k·v + l·w = 0"))
      }
    }
  }

  private mutating func checkInterfaces(_ search: SearchPlan, _ section: DeckSection) {
    guard let family = search.family else { return }
    let inner = section.section("family")
    for key in ["sigma_max", "planes"] where inner.gives(key) {
      errors.append(inner.error(key, "is of `structure.grain_boundary`", hint: "`miller`: pairs of planes, or a largest index"))
    }
    if case .pairs(let pairs)? = family.miller, pairs.contains(where: { $0.0 == SIMD3(0, 0, 0) || $0.1 == SIMD3(0, 0, 0) }) {
      errors.append(inner.error("miller", "has a plane (0, 0, 0)"))
    }
  }
}
