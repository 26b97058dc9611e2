import MDCore
import MDNumerics

/// `structure.crack`.
package struct CrackPlan: Sendable {
  package enum Shape: Sendable {
    /// Å.
    case cylinder(Double)
    case bar(SIMD2<Double>)
  }

  /// What the field needs to know of the crystal.
  package struct Material: Sendable {
    /// C_ij, GPa, in the crack's frame.
    package var elastic: [[Double]]
    /// γ, J/m².
    package var surfaceEnergy: Double?
    /// K at which a dislocation leaves the tip after Rice, MPa√m.
    package var emission: Double?
    /// The shortest distance of two atoms, Å.
    package var bond: Double
    /// Its sites and their energies, where J is to be measured.
    package var crystal: CrackCrystal?

    package init(elastic: [[Double]], surfaceEnergy: Double?, emission: Double? = nil, bond: Double, crystal: CrackCrystal? = nil) {
      self.emission = emission
      (self.elastic, self.surfaceEnergy, self.bond, self.crystal) = (elastic, surfaceEnergy, bond, crystal)
    }
  }

  /// γ of the faces.
  package enum SurfaceEnergy: Sendable {
    case measured
    /// J/m².
    case given(Double)
  }

  /// A slip system that may take the load from the tip.
  package struct Emission: Sendable {
    package var plane: SIMD3<Int>
    /// In fractions of the cell's vectors: the line whose highest energy is γ_us.
    package var displacement: Vector3
    /// γ_us.
    package var unstable: SurfaceEnergy
    package var section: DeckSection

    init(_ section: DeckSection) {
      plane = section.integerVector("plane")
      displacement = section.vector("displacement")
      unstable = section["unstable_energy"].map { $0.isText ? .measured : .given($0.double) } ?? .measured
      self.section = section
    }
  }

  package var crystal: CrystalSource
  package var plane: SIMD3<Int>
  package var front: SIMD3<Int>
  package var shape: Shape
  /// Å.
  package var ring: Double
  package var periods: Int
  package var cut: Int
  package var tip: SIMD2<Double>
  package var slit: Double
  /// GPa along the axes of the crystal's cell: 3 of a cubic crystal or 36; nil: measured.
  package var elastic: [Double]?
  package var surfaceEnergy: SurfaceEnergy?
  package var emission: Emission?
  /// Of K_II, K_I, K_III, as the axes x, y, z of the tractions on the crack plane.
  package var mode: Vector3
  package var load: CrackLoad
  /// Once it is known.
  package var material: Material?

  init(_ section: DeckSection) {
    crystal = CrystalSource(section.section("of"))
    plane = section.integerVector("plane")
    front = section.integerVector("front")
    let lengths = section["size"]?.doubles
    shape = lengths.map { .bar(SIMD2($0[0], $0[1])) } ?? .cylinder(section["radius"]?.double ?? 0)
    ring = section.double("ring")
    periods = section.integer("repeat")
    cut = section.integer("cut")
    let place = section.doubles("tip")
    tip = SIMD2(place[0], place[1])
    slit = section.double("slit")
    elastic = section["elastic"].flatMap { $0.isText ? nil : $0.doubles }
    surfaceEnergy = section["surface_energy"].map { $0.isText ? .measured : .given($0.double) }
    emission = (section["emission"]?.section).map(Emission.init)
    let modes = section.vector("mode")
    mode = Vector3(modes.y, modes.x, modes.z)
    load = CrackLoad(section)
  }

  /// Whether K along the mode would press the faces of the crack together.
  func closes(_ load: CrackLoad) -> Bool { mode.y * load.start < 0 || mode.y * load.end < 0 }
}

/// K or two of them, by which a crack is loaded along its structure's mode.
package struct CrackLoad: Sendable {
  /// MPa√m, or in units of K_G.
  package var start: Double
  package var end: Double
  package var isOfGriffith: Bool
  /// Whether the field's centre follows the tip.
  package var follows: Bool
  /// Increments of quasi-static loading.
  package var count: Int
  package var location: SourceLocation

  package init(_ section: DeckSection) {
    isOfGriffith = section["k"] == nil
    let both = section.list(orOne: isOfGriffith ? "of_griffith" : "k")
    (start, end) = (both[0], both[both.count - 1])
    follows = section["follow"]?.boolean ?? false
    count = section["count"]?.integer ?? 0
    location = section.location
  }
}

/// `minimize.k_path`: equilibria of a crack one after the other.
package struct CrackPathPlan: Sendable {
  /// K of the start.
  package var load: CrackLoad
  package var points: Int
  /// Largest, along the curve of α and 100 Å · ln K, Å.
  package var step: Double
  /// Whether it sets out backwards.
  package var retreats: Bool

  init(_ section: DeckSection) {
    load = CrackLoad(section)
    points = section.integer("points")
    step = section.double("step")
    retreats = section.string("direction") == "retreat"
  }
}

extension PlanCheck {
  mutating func check(_ crack: CrackPlan, _ section: DeckSection, whole: DeckSection) {
    if crack.plane == SIMD3(0, 0, 0) { errors.append(section.error("plane", "is zero")) }
    if crack.front == SIMD3(0, 0, 0) {
      errors.append(section.error("front", "is zero"))
    } else {
      let product = (0..<3).reduce(0) { $0 + crack.plane[$1] * crack.front[$1] }
      if product != 0 {
        errors.append(
          section.error("front", "is not in the crack plane", hint: "h·u + k·v + l·w must be 0, and is \(product)"))
      }
    }
    if crack.mode == .zero || crack.mode.y < 0 {
      errors.append(
        section.error("mode", crack.mode == .zero ? "is zero" : "closes the crack", hint: "[1, 0, 0] opens it: K_I is at least 0"))
    } else if crack.closes(crack.load) {
      errors.append(
        section.error(crack.load.isOfGriffith ? "of_griffith" : "k", "would press the crack's faces together", hint: "K_I must not be negative"))
    }
    if let elastic = crack.elastic, elastic.count != 3, elastic.count != 36 {
      errors.append(section.error("elastic", "has \(elastic.count) numbers", hint: "3 (C₁₁, C₁₂, C₄₄ of a cubic crystal) or 36, row by row"))
    }
    if let emission = crack.emission {
      func product(_ v: Vector3) -> Double { dot(Vector3(Double(emission.plane.x), Double(emission.plane.y), Double(emission.plane.z)), v) }
      let front = Vector3(Double(crack.front.x), Double(crack.front.y), Double(crack.front.z))
      if emission.plane == SIMD3(0, 0, 0) || abs(product(front)) > 1e-9 {
        errors.append(
          emission.section.error(
            "plane", emission.plane == SIMD3(0, 0, 0) ? "is zero" : "does not have the front in it",
            hint: "dislocations leave a straight front on planes with h·u + k·v + l·w = 0"))
      } else if emission.displacement.length < 1e-6 || abs(product(emission.displacement)) > 1e-4 {
        errors.append(
          emission.section.error(
            "displacement", emission.displacement.length < 1e-6 ? "is zero" : "does not lie in the slip plane", hint: "h·x + k·y + l·z must be 0"))
      }
    }
    if crack.load.isOfGriffith, crack.surfaceEnergy == nil {
      errors.append(section.error("of_griffith", "needs γ", hint: "give `surface_energy`, `measured` or in J/m²"))
    }
    for key in ["replicate", "periodic"] where whole.gives(key) {
      errors.append(
        whole.error(key, "is not for cracks, whose body is open across the front and repeats along it", hint: "`repeat` in `crack` makes it longer"))
    }
    for modifier in plan.structure?.modifiers ?? [] where ["rotate", "supercell"].contains(modifier.name) {
      errors.append(
        FaultlineError(
          .input, "`\(modifier.name)` would turn the crack away from its field", hint: "leave it out", at: modifier.location))
    }
    if deck["groups"]?.section.entries.contains(where: { $0.name == CrackFrame.ringName }) ?? false {
      errors.append(deck.section("groups").error(CrackFrame.ringName, "is the name of the crack's own ring"))
    }
    for stage in plan.stages {
      let key: String? =
        switch stage.work {
        case .minimize(let minimize): minimize.cell != nil ? "cell" : minimize.increments != nil ? "increments" : nil
        case .dynamics(let dynamics): dynamics.barostat != nil ? "barostat" : dynamics.loads.first { $0.name != "k_field" }?.name
        }
      if let key {
        errors.append(
          FaultlineError(
            .input, "`\(key)` would change the cell of a crack, which its ring holds", hint: "leave it out; `k_field`, `k_increments` and `k_path` load cracks",
            at: stage.location))
      }
    }
  }

  /// Loads of cracks where there is one.
  mutating func checkCrackLoads() {
    for stage in plan.stages {
      guard case .minimize(let minimize) = stage.work else { continue }
      if let load = minimize.crack, let error = plan.mistake(of: load, "k_increments") { errors.append(error) }
      if let load = minimize.path?.load {
        if let error = plan.mistake(of: load, "k_path") {
          errors.append(error)
        } else if load.start <= 0 {
          errors.append(
            FaultlineError(.input, "a path of a crack that is not loaded leads nowhere", hint: "K of `k_path` must be positive", at: load.location))
        }
      }
    }
  }
}

extension RunPlan {
  /// The crack of the structure.
  package var crack: CrackPlan? {
    if case .crack(let crack)? = structure?.source { return crack }
    return nil
  }

  /// Whether a stage relaxes.
  package var hasRelaxation: Bool {
    stages.contains { if case .minimize = $0.work { true } else { false } }
  }

  /// What is wrong with a load of a crack in this deck.
  package func mistake(of load: CrackLoad, _ key: String) -> FaultlineError? {
    guard let crack else {
      return FaultlineError(.input, "`\(key)` loads a crack, but the structure has none", hint: "`structure: {crack: …}`", at: load.location)
    }
    if load.isOfGriffith, crack.surfaceEnergy == nil {
      return FaultlineError(
        .input, "`of_griffith` needs γ", hint: "give `surface_energy` in `structure.crack`, `measured` or in J/m²", at: load.location)
    }
    if crack.closes(load) {
      return FaultlineError(
        .input, "K of `\(key)` would press the crack's faces together", hint: "K_I must not be negative", at: load.location)
    }
    return nil
  }
}
