import MDCore
import MDNumerics

/// A whole deck: typed, in internal units (Å, ps, eV, K, g/mol), defaults filled in.
package struct RunPlan: Sendable {
  package var title: String?
  /// Of every random number.
  package var seed: UInt64
  /// nil if the deck has none; a run and a build always have one.
  package var structure: StructurePlan?
  /// By name; only species that the deck lists.
  package var species: [String: SpeciesPlan]
  package var potential: [EntryPlan]
  /// In the order of the deck.
  package var groups: [GroupPlan]
  package var velocities: VelocitiesPlan?
  package var neighbors: NeighborPlan
  package var decomposition: DecompositionPlan
  /// At least one for a run, unless it has tasks.
  package var stages: [StagePlan]
  /// In place of stages.
  package var tasks: [EntryPlan]
  /// In place of stages and tasks.
  package var search: SearchPlan?
  /// Observers, in the order of the registry.
  package var analysis: [EntryPlan]
  /// `analysis.measure`, in the order of the deck, and `analysis.regions`.
  package var measures: [EntryPlan]
  package var regions: DeckSection?
  package var output: OutputPlan
  /// Whether it is for single points, which are made to be compared: defaults of accuracies are then tighter.
  package var isForSinglePoints = false
  /// Where it all comes from; checkpoints keep it.
  package var source: DeckSource
  /// Legal, but probably not meant.
  package var warnings: [FaultlineError]

  /// Whether any stage moves atoms in time.
  package var hasDynamics: Bool { stages.contains { if case .dynamics = $0.work { true } else { false } } }

  /// The elements of an `mtp` potential in the order of its types, which are numbers in the files of MLIP.
  package var numberedTypes: [String]? {
    potential.first { $0.name == "mtp" }?.section.strings("elements")
  }

  /// Whether the deck says that the cell is open along a Cartesian axis; files may say so too.
  package func isOpen(_ axis: Int) -> Bool {
    guard let structure else { return false }
    if let periodic = structure.periodic { return !periodic[axis] }
    if case .grainBoundary(let boundary) = structure.source { return axis == 2 && boundary.freeSurfaces }
    if case .crack = structure.source { return axis < 2 }
    if case .interface(let interface) = structure.source { return axis == 2 && interface.freeSurfaces }
    return false
  }

  /// The chemical symbol of a species: what the deck says, or its name; nil if that is no element.
  package func element(of name: String) -> String? {
    let symbol = species[name]?.element ?? name
    return Elements.atomicNumber(of: symbol) == nil ? nil : symbol
  }

  /// g/mol: what the deck says, or what is given (by the structure), or the element's standard weight; nil if none of
  /// them is known.
  package func mass(of name: String, given: Double? = nil) -> Double? {
    species[name]?.mass ?? given ?? element(of: name).flatMap(Elements.mass(of:))
  }
}

/// The deck's text and its path, and what was given beside it.
package struct DeckSource: Sendable, Equatable, Codable {
  package var text: String
  /// As given; relative input paths start at its folder.
  package var file: String
  /// KEY=VALUE, see `DeckSetting`; later ones win.
  package var settings: [String]

  package init(text: String, file: String, settings: [String] = []) {
    self.text = text
    self.file = file
    self.settings = settings
  }

  /// Older checkpoints have no settings.
  package init(from decoder: any Decoder) throws {
    let keys = try decoder.container(keyedBy: CodingKeys.self)
    text = try keys.decode(String.self, forKey: .text)
    file = try keys.decode(String.self, forKey: .file)
    settings = try keys.decodeIfPresent([String].self, forKey: .settings) ?? []
  }
}

package struct SpeciesPlan: Sendable {
  /// g/mol.
  package var mass: Double?
  /// Chemical symbol.
  package var element: String?
  /// e.
  package var charge: Double?
  /// σ of a Gaussian charge, Å; nil for points.
  package var chargeWidth: Double?
}

/// What a deck chose by name, validated against the schema of its entry: a potential, a thermostat, an observer.
package struct EntryPlan: Sendable {
  /// Of the entry, for example "snap".
  package var name: String
  package var section: DeckSection
  package var location: SourceLocation { section.location }
  /// Of an item of `analysis.measure`: what its files are called.
  package var measureName: String { section["name"]?.string ?? name }
}

/// A named set of atoms and what happens to it.
package struct GroupPlan: Sendable {
  package var name: String
  package var selection: SelectionPlan
  package var frozen: Bool
  /// Å/ps; the atoms move at this constant velocity.
  package var velocity: Vector3?
  /// Whether thermostats act on it.
  package var thermostat: Bool
  package var location: SourceLocation
}

/// Criteria that an atom must all meet; nil ones are not looked at.
package struct SelectionPlan: Sendable {
  package var species: [String]?
  package var region: RegionPlan?
  package var fractionalRegion: RegionPlan?
  package var sphere: SpherePlan?
  package var cylinder: CylinderPlan?
  /// First and last atom number, both included.
  package var ids: ClosedRange<Int>?
  /// From 0.
  package var grain: Int?
  /// Whether the structure's file holds the atom; nil: either.
  package var isHeld: Bool?
}

/// [low, high) by axis, in Å or in fractions of the cell vectors; nil is unbounded.
package struct RegionPlan: Sendable {
  package var x: Range<Double>?
  package var y: Range<Double>?
  package var z: Range<Double>?
}

package struct SpherePlan: Sendable {
  /// Å.
  package var center: Vector3
  package var radius: Double
}

/// Along a Cartesian axis, without ends.
package struct CylinderPlan: Sendable {
  /// 0, 1, 2 for x, y, z.
  package var axis: Int
  /// A point of its axis, Å.
  package var center: Vector3
  package var radius: Double
}

package struct VelocitiesPlan: Sendable {
  /// K.
  package var temperature: Double
  package var zeroMomentum: Bool
  /// Whether atoms of a crystal at rest get twice the energy of motion, half of which becomes potential energy.
  package var ofCrystal: Bool
  /// Of the temperature.
  package var location: SourceLocation
}

package struct NeighborPlan: Sendable {
  /// Å.
  package var skin: Double
}

/// What bricks even out.
package enum Balance: String, Sendable { case none, atoms, time }

package struct DecompositionPlan: Sendable {
  /// Ranks along a, b, c; nil lets the program choose.
  package var grid: SIMD3<Int>?
  package var balance: Balance
  /// Of the network, for forecasts: ps a message, GB/s a node.
  package var latency: Double
  package var bandwidth: Double
  /// For an error when the grid does not fit the number of ranks.
  package var location: SourceLocation
}
