import MDCore
import MDNumerics
import MDStructures

/// What one trial of a search is asked to do.
struct TrialOrder: Codable, Equatable, Sendable {
  /// Of the family, from 0.
  var boundary: Int
  /// From 1; 0 is no trial but the crystals of the boundary apart.
  var trial: Int
  var start: BoundarySpace.Start

  var isOfCrystalsApart: Bool { trial == 0 }

  static func crystalsApart(_ boundary: Int) -> TrialOrder {
    TrialOrder(boundary: boundary, trial: 0, start: .init(shift: .zero))
  }
}

/// What a trial found; a line of the journal.
struct TrialResult: Codable, Sendable, Equatable {
  var order: TrialOrder
  /// Of the cell.
  var atoms = 0
  /// Additional distance of the grains at the start, Å.
  var gap = 0.0
  /// J/m², of the start as built; nil if not even that could be computed.
  var startEnergy: Double?
  /// J/m²; nil for a trial that failed.
  var energy: Double?
  /// Of each of the two boundaries, J/m²; where they are told apart. Of crystals apart the energies of their surfaces.
  var energies: [Double] = []
  /// Å.
  var excessVolume: Double?
  /// Along the normal, bar.
  var pressure: Double?
  /// Computations of forces.
  var steps = 0
  var isConverged = false
  /// What both boundaries had before one was copied onto the other, J/m²; empty if none was.
  var energiesBefore: [Double] = []
  /// Excess of the distribution of distances, an Å² of boundary.
  var fingerprint: [Double] = []
  /// Why there is no energy.
  var failure: String?

  /// A state that can be compared with others.
  var state: (energy: Double, volume: Double)? {
    guard isConverged, let energy, let excessVolume else { return nil }
    return (energy, excessVolume)
  }

  /// Whether two trials ended in one state: by energy, excess volume, number of atoms and the distribution of distances.
  func isSameState(as other: TrialResult) -> Bool {
    guard let a = state, let b = other.state else { return false }
    return order.start.content.hasAtoms(of: other.order.start.content) && abs(a.energy - b.energy) < Self.energyTolerance
      && abs(a.volume - b.volume) < Self.volumeTolerance
      && StructureFingerprint.distance(fingerprint, other.fingerprint) < Self.fingerprintTolerance
  }

  /// J/m², Å, relative: relaxations to 1e-3 eV/Å from different starts end closer together than this.
  static let (energyTolerance, volumeTolerance, fingerprintTolerance) = (2e-3, 0.01, 0.05)
}

/// A structure on its way to rank 0.
struct CarriedStructure: Codable, Sendable {
  var cell: [Double]
  var species: [String]
  var types: [Int32]
  var positions: [Double]
  var grains: [Int32]?

  init(_ structure: Structure) {
    cell = structure.box.cell.elements
    (species, types, grains) = (structure.species, structure.types, structure.grains)
    positions = structure.positions.flatMap { [$0.x, $0.y, $0.z] }
  }

  var structure: Structure {
    var structure = Structure(
      box: Box(cell: Matrix3(cell)), species: species, types: types,
      positions: stride(from: 0, to: positions.count, by: 3).map { Vector3(positions[$0], positions[$0 + 1], positions[$0 + 2]) })
    structure.grains = grains
    return structure
  }
}

/// A trial that is done.
struct Trial: Codable, Sendable {
  var result: TrialResult
  /// Of the relaxed state.
  var structure: CarriedStructure?
}
