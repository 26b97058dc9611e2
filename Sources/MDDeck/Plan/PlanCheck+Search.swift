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
    guard case .grainBoundary(let boundary)? = plan.structure?.source else {
      errors.append(
        section.error("search", "needs `structure.grain_boundary`", hint: "it searches the states of a boundary"))
      return
    }
    let inner = structure.section("grain_boundary")
    for key in ["shift", "expansion", "overlap"] { refuse(inner, key, "is what `search` looks for") }
    refuse(inner, "free_surfaces", "is not for `search`, which has two boundaries in a cell", hint: "leave it out: both are kept in one state")
    refuse(structure, "replicate", "is not for `search`", hint: "give `repeat` in `grain_boundary`")
    refuse(structure, "periodic", "is not for `search`, whose cells are periodic")
    for key in ["groups", "velocities", "analysis"] { refuse(deck, key, "is not for `search`") }
    for key in ["thermo", "trajectories", "checkpoints"] { refuse(deck.section("output"), key, "is not for `search`, which has its own files") }
    refuse(deck.section("decomposition"), "grid", "is not for `search`, whose trials differ in their cells")
    let over = section.section("over")
    if boundary.species.count > 1, search.kept != 1...1 {
      if over.gives("atoms") {
        errors.append(
          over.error(
            "atoms", "takes single atoms out, which a compound does not have to spare", hint: "atoms: [1, 1] keeps all"))
      }
    }
    let ends = over.doubles("atoms")
    if ends[0] > ends[1] { errors.append(over.error("atoms", "has its ends exchanged", hint: "[least, most]")) }
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
    for plane in search.family?.planes ?? [] {
      let axis = boundary.axis
      let product = plane.x * axis.x + plane.y * axis.y + plane.z * axis.z
      if product != 0 || plane == SIMD3(0, 0, 0) {
        errors.append(
          section.section("family").error(
            "planes", "[\(plane.x), \(plane.y), \(plane.z)] does not hold the axis [\(axis.x), \(axis.y), \(axis.z)]",
            hint: "of a tilt boundary h·u + k·v + l·w = 0"))
      }
    }
  }
}
