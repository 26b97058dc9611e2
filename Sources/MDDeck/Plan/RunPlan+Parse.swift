import Foundation
import MDCore
import MDNumerics

extension RunPlan {
  /// Reads a deck from a file.
  package static func read(
    _ path: String, schema: DeckSchema, purpose: Purpose = .run
  ) throws(DeckErrors) -> RunPlan {
    try parse(text(of: path), file: path, schema: schema, purpose: purpose)
  }

  /// The text of a deck's file.
  package static func text(of path: String) throws(DeckErrors) -> String {
    let place = SourceLocation(file: path)
    guard let data = FileManager.default.contents(atPath: path) else {
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      let reason = !exists ? "no such deck" : isFolder.boolValue ? "is a folder" : "cannot be read"
      throw DeckErrors([FaultlineError(.input, reason, hint: "expected the path of a YAML file", at: place)])
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw DeckErrors([FaultlineError(.input, "not a text file: bytes that are not UTF-8", at: place)])
    }
    return text
  }

  /// Parses a deck. `file` is its path: it stands in the errors, and relative input paths start at its folder.
  /// `settings` are values given beside it, see `DeckSetting`. Throws everything that is wrong at once.
  package static func parse(
    _ text: String, file: String, settings: [String] = [], schema: DeckSchema, purpose: Purpose = .run
  ) throws(DeckErrors) -> RunPlan {
    let (deck, warnings) = try schema.validate(
      text, file: file, for: purpose, settings: settings, checksFiles: true)
    var plan = RunPlan(
      deck, parts: schema.parts, source: DeckSource(text: text, file: file, settings: settings))
    plan.isForSinglePoints = purpose == .evaluate
    var check = PlanCheck(plan: plan, deck: deck, parts: schema.parts)
    check.run()
    if !check.errors.isEmpty { throw DeckErrors(check.errors) }
    return plan.with(warnings: DeckErrors(warnings + check.warnings).errors)
  }

  private func with(warnings: [FaultlineError]) -> RunPlan {
    var copy = self
    copy.warnings = warnings
    return copy
  }

  private init(_ deck: DeckSection, parts: DeckParts, source: DeckSource) {
    title = deck["title"]?.string
    seed = UInt64(deck.integer("seed"))
    structure = (deck["structure"]?.section).map(StructurePlan.init)
    species = Dictionary(
      uniqueKeysWithValues: (deck["species"]?.section.entries ?? []).map {
        ($0.name, SpeciesPlan($0.value.section))
      })
    potential = (deck["potential"]?.list ?? []).map { EntryPlan(chosenIn: $0.section) }
    groups = (deck["groups"]?.section.entries ?? []).map(GroupPlan.init)
    if case .crack? = structure?.source, let structure { groups.append(GroupPlan(ringOf: structure)) }
    velocities = (deck["velocities"]?.section).map {
      VelocitiesPlan(temperature: $0.double("temperature"), zeroMomentum: $0.boolean("zero_momentum"),
        ofCrystal: $0.boolean("of_crystal"), location: $0.location(of: "temperature"))
    }
    neighbors = NeighborPlan(skin: deck.section("neighbors").double("skin"))
    let decomposition = deck.section("decomposition")
    self.decomposition = DecompositionPlan(
      grid: decomposition["grid"]?.integerVector, balance: decomposition["balance"].map { Balance($0) } ?? .none,
      latency: decomposition.double("latency"), bandwidth: decomposition.double("bandwidth"),
      location: decomposition.location(of: "grid"))
    let structure = structure
    stages = (deck["stages"]?.list ?? []).enumerated().map {
      StagePlan($1.section, number: $0 + 1, parts: parts, structure: structure)
    }
    tasks = (deck["tasks"]?.list ?? []).map { EntryPlan(chosenIn: $0.section) }
    search = (deck["search"]?.section).map(SearchPlan.init)
    analysis = EntryPlan.given(parts.observers, in: deck.section("analysis"))
    measures = (deck.section("analysis")["measure"]?.list ?? []).map { EntryPlan(chosenIn: $0.section) }
    regions = deck.section("analysis")["regions"]?.section
    let name = URL(fileURLWithPath: source.file).deletingPathExtension().lastPathComponent
    output = OutputPlan(deck.section("output"), parts: parts, defaultDirectory: name + "-run")
    self.source = source
    warnings = []
  }
}

extension EntryPlan {
  /// The one entry that a section of choices names.
  fileprivate init(chosenIn section: DeckSection) {
    let (name, value) = section.choice
    self.init(name: name, section: value.section)
  }

  /// The entries that a section has among its keys.
  fileprivate static func given(_ entries: [DeckEntry], in section: DeckSection) -> [EntryPlan] {
    entries.compactMap { entry in
      (section[entry.name]?.section).map { EntryPlan(name: entry.name, section: $0) }
    }
  }
}

extension SpeciesPlan {
  fileprivate init(_ section: DeckSection) {
    mass = section["mass"]?.double
    element = section["element"]?.string
    charge = section["charge"]?.double
    chargeWidth = section["charge_width"]?.double
  }
}

extension StructurePlan {
  fileprivate init(_ section: DeckSection) {
    let (name, value) = section.choice(among: DeckSchema.sources)!
    let inner = value.section
    source = switch name {
    case "file": .file(StructureFilePlan(inner))
    case "lattice": .lattice(LatticePlan(inner))
    case "crystal": .crystal(CrystalPlan(inner))
    case "interface": .interface(InterfacePlan(inner))
    case "crack": .crack(CrackPlan(inner))
    case "polycrystal": .polycrystal(PolycrystalPlan(inner))
    case "spherical_grain": .sphericalGrain(SphericalGrainPlan(inner))
    case "enumerate": .enumeration(EnumerationPlan(inner))
    case "match": .match(MatchPlan(inner))
    default: .grainBoundary(GrainBoundaryPlan(inner))
    }
    replicate = section.integerVector("replicate")
    periodic = (section["periodic"]?.list).map { Periodicity($0[0].boolean, $0[1].boolean, $0[2].boolean) }
    modifiers = (section["modify"]?.list ?? []).map { EntryPlan(chosenIn: $0.section) }
    location = inner.location
  }
}

extension StructureFilePlan {
  init(_ section: DeckSection) {
    path = section.path("path")
    format = section["format"].map { StructureFormat(rawValue: $0.string)! }
    species = section["species"]?.strings
  }
}

extension LatticePlan {
  init(_ section: DeckSection) {
    type = LatticeKind(rawValue: section.string("type"))!
    constant = section.number("constant")
    pressure = section.double("pressure")
    c = section["c"]?.double
    species = section.strings("species")
    size = section["size"]?.integerVector ?? SIMD3(1, 1, 1)
    orientation = (section["orientation"]?.list)?.map(\.integerVector)
    vacuum = section["vacuum"]?.vector ?? .zero
  }
}

extension CrystalPlan {
  init(_ section: DeckSection) {
    let rows = section.list("cell").map(\.vector)
    cell = Matrix3(rows[0], rows[1], rows[2])
    basis = section.list("basis").map { ($0.section.string("species"), $0.section.vector("position")) }
    size = section["size"]?.integerVector ?? SIMD3(1, 1, 1)
    vacuum = section["vacuum"]?.vector ?? .zero
  }
}

extension GrainBoundaryPlan {
  /// Empty space that free surfaces get if the deck says nothing, Å.
  static let defaultVacuum = 20.0

  fileprivate init(_ section: DeckSection) {
    kind = Kind(rawValue: section.string("kind"))!
    lattice = LatticeKind(rawValue: section.string("lattice"))!
    constant = section.number("constant")
    pressure = section.double("pressure")
    species = section.strings("species")
    axis = section.integerVector("axis")
    sigma = section["sigma"]?.integer ?? 0
    plane = section["plane"]?.integerVector ?? axis
    let copies = section.integers("repeat")
    repetition = (copies[0], copies[1])
    thickness = section.double("thickness")
    freeSurfaces = section.boolean("free_surfaces")
    vacuum = freeSurfaces ? section["vacuum"]?.double ?? Self.defaultVacuum : 0
    let fractions = section.doubles("shift")
    shift = (fractions[0], fractions[1])
    expansion = section.double("expansion")
    overlap = section["overlap"]?.double
  }
}

extension GroupPlan {
  fileprivate init(_ entry: DeckSection.Entry) {
    let section = entry.value.section
    name = entry.name
    selection = SelectionPlan(section.section("select"))
    frozen = section.boolean("frozen")
    velocity = section["velocity"]?.vector
    thermostat = section.boolean("thermostat")
    location = entry.location
  }
}

extension GroupPlan {
  /// The outer ring of a crack, which its builder has made grain 1.
  fileprivate init(ringOf structure: StructurePlan) {
    self.init(
      name: CrackFrame.ringName, selection: SelectionPlan(grain: 1), frozen: true, velocity: nil, thermostat: true,
      location: structure.location)
  }
}

extension SelectionPlan {
  package init(_ select: DeckSection) {
    self.init(
      species: select["species"]?.strings, region: (select["region"]?.section).map(RegionPlan.init),
      fractionalRegion: (select["fractional_region"]?.section).map(RegionPlan.init),
      sphere: (select["sphere"]?.section).map {
        SpherePlan(center: $0.vector("center"), radius: $0.double("radius"))
      },
      cylinder: (select["cylinder"]?.section).map {
        CylinderPlan(
          axis: $0.axis("axis"), center: $0.vector("center"), radius: $0.double("radius"))
      },
      ids: (select["ids"]?.integers).map { $0[0]...max($0[0], $0[1]) }, grain: select["grain"]?.integer,
      isHeld: select["held"]?.boolean)
  }
}

extension RegionPlan {
  fileprivate init(_ section: DeckSection) {
    func range(_ key: String) -> Range<Double>? {
      (section[key]?.doubles).map { $0[0]..<max($0[0], $0[1]) }
    }
    (x, y, z) = (range("x"), range("y"), range("z"))
  }
}

extension StagePlan {
  /// - Parameter structure: decides what of the cell changes if the deck does not say.
  fileprivate init(_ section: DeckSection, number: Int, parts: DeckParts, structure: StructurePlan?) {
    let (kind, value) = section.choice
    let inner = value.section
    name = inner["name"]?.string ?? "\(kind) \(number)"
    location = inner.location
    work =
      kind == "minimize"
      ? .minimize(MinimizePlan(inner, cell: structure?.relaxedCell ?? "fixed"))
      : .dynamics(DynamicsPlan(inner, parts, hasBoundaries: structure?.hasBoundaries ?? false))
  }
}

extension MinimizePlan {
  fileprivate init(_ section: DeckSection, cell usual: String) {
    method = section.string("method")
    forceTolerance = section.double("force_tolerance")
    energyTolerance = section["energy_tolerance"]?.double
    maxSteps = section.integer("max_steps")
    timestep = section.double("timestep")
    location = section.location
    increments = (section["increments"]?.section).map {
      IncrementsPlan(
        component: Voigt.names.firstIndex(of: $0.string("component"))!,
        strain: $0.double("strain"), count: $0.integer("count"), isPure: $0.string("shear") == "pure", section: $0)
    }
    crack = (section["k_increments"]?.section).map(CrackLoad.init)
    path = (section["k_path"]?.section).map(CrackPathPlan.init)
    let shape = section["cell"]?.string ?? usual
    cell = shape == "fixed" ? nil
      : RelaxedCellPlan(
        shape: shape, stress: Voigt.stress(in: section), tolerance: section.double("stress_tolerance"))
  }
}

extension DynamicsPlan {
  fileprivate init(_ section: DeckSection, _ parts: DeckParts, hasBoundaries: Bool) {
    self.hasBoundaries = hasBoundaries
    barostat = (section["barostat"]?.section).map(EntryPlan.init(chosenIn:))
    steps = section.integer("steps")
    timestep = section.double("timestep")
    thermostat = (section["thermostat"]?.section).map(EntryPlan.init(chosenIn:))
    loads = EntryPlan.given(parts.loads, in: section)
    removeDrift = section["remove_drift"]?.boolean
  }
}

extension OutputPlan {
  fileprivate init(_ section: DeckSection, parts: DeckParts, defaultDirectory: String) {
    directory = section["directory"]?.string ?? defaultDirectory
    overwrite = section.boolean("overwrite")
    let thermo = section.section("thermo")
    self.thermo = ThermoPlan(
      every: thermo.integer("every"),
      columns: thermo["columns"]?.strings ?? parts.thermoColumns.map(\.name),
      isDefault: thermo["columns"] == nil, figures: thermo.boolean("figures"))
    trajectories = section.list("trajectories").map { TrajectoryPlan($0.section) }
    let checkpoints = section.section("checkpoints")
    self.checkpoints = CheckpointPlan(every: checkpoints.integer("every"), keep: checkpoints.integer("keep"))
    writers = section["writers"]?.integer
    report = section.boolean("report")
  }
}

extension TrajectoryPlan {
  fileprivate init(_ section: DeckSection) {
    let file = section.string("file")
    // A name that says nothing is refused by PlanCheck.
    let format = section["format"].map { TrajectoryFormat(rawValue: $0.string)! } ?? TrajectoryFormat(fileName: file)
    self.init(
      file: file, every: section.integer("every"), format: format ?? .extxyz, gzip: file.hasSuffix(".gz"),
      columns: section.strings("columns"),
      unwrapped: section.boolean("unwrapped"), location: section.location)
  }
}

extension Balance {
  /// true, false, or what is evened out.
  fileprivate init(_ value: DeckValue) {
    if case .boolean(let isOn) = value.content { self = isOn ? .atoms : .none } else { self = Balance(rawValue: value.string) ?? .none }
  }
}
