import MDCore
import MDNumerics

/// Where the atoms come from.
package struct StructurePlan: Sendable {
  package enum Source: Sendable {
    case file(StructureFilePlan)
    case lattice(LatticePlan)
    case crystal(CrystalPlan)
    case grainBoundary(GrainBoundaryPlan)
    case interface(InterfacePlan)
    case polycrystal(PolycrystalPlan)
    case sphericalGrain(SphericalGrainPlan)
    case crack(CrackPlan)
    /// Tables, which have no atoms.
    case enumeration(EnumerationPlan)
    case match(MatchPlan)

    /// Its key in decks.
    var name: String {
      switch self {
      case .file: "file"
      case .lattice: "lattice"
      case .crystal: "crystal"
      case .grainBoundary: "grain_boundary"
      case .interface: "interface"
      case .polycrystal: "polycrystal"
      case .sphericalGrain: "spherical_grain"
      case .crack: "crack"
      case .enumeration: "enumerate"
      case .match: "match"
      }
    }
  }

  package var source: Source
  /// Copies along the cell vectors, after building or reading.
  package var replicate: SIMD3<Int>
  /// nil: as the source says.
  package var periodic: Periodicity?
  /// Changes, in order.
  package var modifiers: [EntryPlan]
  /// Of the source's section, for errors of the builders.
  package var location: SourceLocation

  /// Whether it is a cell that repeats along the normal of boundaries, whose length is theirs to say.
  package var hasBoundaries: Bool {
    let isClosed =
      switch source {
      case .grainBoundary(let boundary): !boundary.freeSurfaces
      case .interface(let interface): !interface.freeSurfaces
      default: false
      }
    return isClosed && periodic?.c ?? true
  }

  /// What of the cell a relaxation changes if the deck does not say: crystals of an interface may slide, those of a grain
  /// boundary are mirror images and need not.
  package var relaxedCell: String {
    guard hasBoundaries else { return "fixed" }
    if case .interface = source { return "out_of_plane" }
    return "normal"
  }

  /// Whether it is a table to print, not atoms.
  package var isTable: Bool {
    switch source {
    case .enumeration, .match: true
    default: false
    }
  }

  /// The species, where the deck says them; nil for most files.
  package var species: [String]? { ownSpecies.map { $0 + added(to: $0) } }

  /// Species that changes bring and that are not among `own`.
  package func added(to own: [String]) -> [String] {
    modifiers.reduce(into: [String]()) { all, plan in
      for entry in plan.section["composition"]?.section.entries ?? []
      where entry.name != "vacancy" && !own.contains(entry.name) && !all.contains(entry.name) { all.append(entry.name) }
    }
  }

  /// Of the source.
  private var ownSpecies: [String]? {
    switch source {
    case .file(let file): file.species
    case .lattice(let lattice): lattice.species
    case .crystal(let crystal):
      crystal.basis.reduce(into: []) { if !$0.contains($1.species) { $0.append($1.species) } }
    case .grainBoundary(let boundary): boundary.species
    case .interface(let interface): interface.species
    case .polycrystal(let polycrystal): polycrystal.crystal.species
    case .sphericalGrain(let grain): grain.species
    case .crack(let crack): crack.crystal.species
    case .enumeration, .match: []
    }
  }
}

package enum StructureFormat: String, Sendable, CaseIterable {
  case extxyz
  case lammpsData = "lammps-data"
  case lammpsDump = "lammps-dump"
  case poscar
  case mlipConfiguration = "mlip-cfg"
  case cif
}

package struct StructureFilePlan: Sendable {
  /// Absolute.
  package var path: String
  /// nil: to be found from the name and the content.
  package var format: StructureFormat?
  /// Names of the types of a lammps-data or mlip-cfg file.
  package var species: [String]?
}

package enum LatticeKind: String, Sendable, CaseIterable {
  case sc, bcc, fcc, hcp, diamond, rocksalt, cscl, zincblende, wurtzite, fluorite, perovskite

  package static let cubic: [LatticeKind] = allCases.filter(\.isCubic)
  package var isCubic: Bool { self != .hcp && self != .wurtzite }

  /// How many sublattices need a species.
  package var speciesCount: Int {
    switch self {
    case .sc, .fcc, .bcc, .hcp, .diamond: 1
    case .rocksalt, .cscl, .zincblende, .wurtzite, .fluorite: 2
    case .perovskite: 3
    }
  }
}

package struct LatticePlan: Sendable {
  package var type: LatticeKind
  /// a, Å; nil: that of the potential at `pressure`.
  package var constant: Double?
  /// bar.
  package var pressure: Double
  /// c of hcp and wurtzite, Å; nil: √(8/3)·a.
  package var c: Double?
  package var species: [String]
  package var size: SIMD3<Int>
  /// Crystal directions along x, y, z.
  package var orientation: [SIMD3<Int>]?
  /// Å added along each axis.
  package var vacuum: Vector3
}

package struct CrystalPlan: Sendable {
  /// Rows a, b, c, Å.
  package var cell: Matrix3
  /// Fractional positions.
  package var basis: [(species: String, position: Vector3)]
  package var size: SIMD3<Int>
  /// Å added along each axis.
  package var vacuum: Vector3
}

package struct GrainBoundaryPlan: Sendable {
  package enum Kind: String, Sendable { case tilt, twist }

  package var kind: Kind
  package var lattice: LatticeKind
  /// Å; nil: that of the potential at `pressure`.
  package var constant: Double?
  /// bar.
  package var pressure: Double
  package var species: [String]
  package var axis: SIMD3<Int>
  /// 0 for a family of boundaries, whose members have their own.
  package var sigma: Int
  /// For a twist boundary, the axis.
  package var plane: SIMD3<Int>
  /// Copies of the in-plane period.
  package var repetition: (Int, Int)
  /// Least length of each grain along the normal, Å.
  package var thickness: Double
  package var freeSurfaces: Bool
  /// Å; 0 without free surfaces.
  package var vacuum: Double
  /// Of the upper grain, fractions of the in-plane period.
  package var shift: (Double, Double)
  /// Additional distance between the grains at each boundary, Å.
  package var expansion: Double
  /// Atoms closer than this become one, Å; 0 keeps all, nil leaves it to the builder.
  package var overlap: Double?
}
