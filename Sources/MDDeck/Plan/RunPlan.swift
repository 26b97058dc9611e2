import MDCore
import MDNumerics

/// A whole deck: typed, in internal units (Å, ps, eV, K, g/mol), defaults filled in.
public struct RunPlan: Sendable {
  public var title: String?
  /// Of every random number.
  public var seed: UInt64
  /// nil if the deck has none; a run and a build always have one.
  public var structure: StructurePlan?
  /// By name; only species that the deck lists.
  public var species: [String: SpeciesPlan]
  public var potential: [EntryPlan]
  /// In the order of the deck.
  public var groups: [GroupPlan]
  public var velocities: VelocitiesPlan?
  public var neighbors: NeighborPlan
  public var decomposition: DecompositionPlan
  /// At least one for a run, unless it has tasks.
  public var stages: [StagePlan]
  /// In place of stages.
  public var tasks: [EntryPlan]
  /// Observers, in the order of the registry.
  public var analysis: [EntryPlan]
  /// `analysis.measure`, in the order of the deck, and `analysis.regions`.
  public var measures: [EntryPlan]
  public var regions: DeckSection?
  public var output: OutputPlan
  /// Whether it is for single points, which are made to be compared: defaults of accuracies are then tighter.
  public var isForSinglePoints = false
  /// Where it all comes from; checkpoints keep it.
  public var source: DeckSource
  /// Legal, but probably not meant.
  public var warnings: [FaultlineError]

  /// Whether any stage moves atoms in time.
  public var hasDynamics: Bool { stages.contains { if case .dynamics = $0.work { true } else { false } } }

  /// The elements of an `mtp` potential in the order of its types, which are numbers in the files of MLIP.
  public var numberedTypes: [String]? {
    potential.first { $0.name == "mtp" }?.section.strings("elements")
  }

  /// Whether the deck says that the cell is open along a Cartesian axis; files may say so too.
  public func isOpen(_ axis: Int) -> Bool {
    guard let structure else { return false }
    if let periodic = structure.periodic { return !periodic[axis] }
    if case .grainBoundary(let boundary) = structure.source { return axis == 2 && boundary.freeSurfaces }
    return false
  }

  /// The chemical symbol of a species: what the deck says, or its name; nil if that is no element.
  public func element(of name: String) -> String? {
    let symbol = species[name]?.element ?? name
    return Elements.atomicNumber(of: symbol) == nil ? nil : symbol
  }

  /// g/mol: what the deck says, or what is given (by the structure), or the element's standard weight; nil if none of
  /// them is known.
  public func mass(of name: String, given: Double? = nil) -> Double? {
    species[name]?.mass ?? given ?? element(of: name).flatMap(Elements.mass(of:))
  }
}

/// The deck's text and its path, and what was given beside it.
public struct DeckSource: Sendable, Equatable, Codable {
  public var text: String
  /// As given; relative input paths start at its folder.
  public var file: String
  /// KEY=VALUE, see `DeckSetting`; later ones win.
  public var settings: [String]

  public init(text: String, file: String, settings: [String] = []) {
    self.text = text
    self.file = file
    self.settings = settings
  }

  /// Older checkpoints have no settings.
  public init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: CodingKeys.self)
    text = try keys.decode(String.self, forKey: .text)
    file = try keys.decode(String.self, forKey: .file)
    settings = try keys.decodeIfPresent([String].self, forKey: .settings) ?? []
  }
}

public struct SpeciesPlan: Sendable {
  /// g/mol.
  public var mass: Double?
  /// Chemical symbol.
  public var element: String?
  /// e.
  public var charge: Double?
  /// σ of a Gaussian charge, Å; nil for points.
  public var chargeWidth: Double?
}

/// What a deck chose by name, validated against the schema of its entry: a potential, a thermostat, an observer.
public struct EntryPlan: Sendable {
  /// Of the entry, for example "snap".
  public var name: String
  public var section: DeckSection
  public var location: SourceLocation { section.location }
  /// Of an item of `analysis.measure`: what its files are called.
  package var measureName: String { section["name"]?.string ?? name }
}

/// A named set of atoms and what happens to it.
public struct GroupPlan: Sendable {
  public var name: String
  public var selection: SelectionPlan
  public var frozen: Bool
  /// Å/ps; the atoms move at this constant velocity.
  public var velocity: Vector3?
  /// Whether thermostats act on it.
  public var thermostat: Bool
  public var location: SourceLocation
}

/// Criteria that an atom must all meet; nil ones are not looked at.
public struct SelectionPlan: Sendable {
  public var species: [String]?
  public var region: RegionPlan?
  public var fractionalRegion: RegionPlan?
  public var sphere: SpherePlan?
  public var cylinder: CylinderPlan?
  /// First and last atom number, both included.
  public var ids: ClosedRange<Int>?
  /// From 0.
  public var grain: Int?
}

/// [low, high) by axis, in Å or in fractions of the cell vectors; nil is unbounded.
public struct RegionPlan: Sendable {
  public var x: Range<Double>?
  public var y: Range<Double>?
  public var z: Range<Double>?
}

public struct SpherePlan: Sendable {
  /// Å.
  public var center: Vector3
  public var radius: Double
}

/// Along a Cartesian axis, without ends.
public struct CylinderPlan: Sendable {
  /// 0, 1, 2 for x, y, z.
  public var axis: Int
  /// A point of its axis, Å.
  public var center: Vector3
  public var radius: Double
}

public struct VelocitiesPlan: Sendable {
  /// K.
  public var temperature: Double
  public var zeroMomentum: Bool
  /// Whether atoms of a crystal at rest get twice the energy of motion, half of which becomes potential energy.
  public var ofCrystal: Bool
  /// Of the temperature.
  public var location: SourceLocation
}

public struct NeighborPlan: Sendable {
  /// Å.
  public var skin: Double
}

public struct DecompositionPlan: Sendable {
  /// Ranks along a, b, c; nil lets the program choose.
  public var grid: SIMD3<Int>?
  public var balance: Bool
  /// For an error when the grid does not fit the number of ranks.
  public var location: SourceLocation
}
