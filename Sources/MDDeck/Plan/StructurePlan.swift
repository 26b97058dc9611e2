import MDCore
import MDNumerics

/// Where the atoms come from.
public struct StructurePlan: Sendable {
  public enum Source: Sendable {
    case file(StructureFilePlan)
    case lattice(LatticePlan)
    case crystal(CrystalPlan)
    case grainBoundary(GrainBoundaryPlan)
  }

  public var source: Source
  /// Copies along the cell vectors, after building or reading.
  public var replicate: SIMD3<Int>
  /// nil: as the source says.
  public var periodic: Periodicity?
  /// Of the source's section, for errors of the builders.
  public var location: SourceLocation

  /// Whether it is a cell that repeats along the normal of boundaries, whose length is theirs to say.
  public var hasBoundaries: Bool {
    guard case .grainBoundary(let boundary) = source else { return false }
    return !boundary.freeSurfaces && periodic?.c ?? true
  }

  /// The species, where the deck says them; nil for most files.
  public var species: [String]? {
    switch source {
    case .file(let file): file.species
    case .lattice(let lattice): lattice.species
    case .crystal(let crystal):
      crystal.basis.reduce(into: []) { if !$0.contains($1.species) { $0.append($1.species) } }
    case .grainBoundary(let boundary): boundary.species
    }
  }
}

public enum StructureFormat: String, Sendable, CaseIterable {
  case extxyz
  case lammpsData = "lammps-data"
  case poscar
  case mlipConfiguration = "mlip-cfg"
}

public struct StructureFilePlan: Sendable {
  /// Absolute.
  public var path: String
  /// nil: to be found from the name and the content.
  public var format: StructureFormat?
  /// Names of the types of a lammps-data or mlip-cfg file.
  public var species: [String]?
}

public enum LatticeKind: String, Sendable, CaseIterable {
  case sc, bcc, fcc, hcp, diamond, rocksalt, cscl, zincblende, wurtzite, fluorite, perovskite

  public static let cubic: [LatticeKind] = allCases.filter(\.isCubic)
  public var isCubic: Bool { self != .hcp && self != .wurtzite }

  /// How many sublattices need a species.
  public var speciesCount: Int {
    switch self {
    case .sc, .fcc, .bcc, .hcp, .diamond: 1
    case .rocksalt, .cscl, .zincblende, .wurtzite, .fluorite: 2
    case .perovskite: 3
    }
  }
}

public struct LatticePlan: Sendable {
  public var type: LatticeKind
  /// a, Å; nil: that of the potential at `pressure`.
  public var constant: Double?
  /// bar.
  public var pressure: Double
  /// c of hcp and wurtzite, Å; nil: √(8/3)·a.
  public var c: Double?
  public var species: [String]
  public var size: SIMD3<Int>
  /// Crystal directions along x, y, z.
  public var orientation: [SIMD3<Int>]?
  /// Å added along each axis.
  public var vacuum: Vector3
}

public struct CrystalPlan: Sendable {
  /// Rows a, b, c, Å.
  public var cell: Matrix3
  /// Fractional positions.
  public var basis: [(species: String, position: Vector3)]
  public var size: SIMD3<Int>
  /// Å added along each axis.
  public var vacuum: Vector3
}

public struct GrainBoundaryPlan: Sendable {
  public enum Kind: String, Sendable { case tilt, twist }

  public var kind: Kind
  public var lattice: LatticeKind
  /// Å; nil: that of the potential at `pressure`.
  public var constant: Double?
  /// bar.
  public var pressure: Double
  public var species: [String]
  public var axis: SIMD3<Int>
  /// 0 for a family of boundaries, whose members have their own.
  public var sigma: Int
  /// For a twist boundary, the axis.
  public var plane: SIMD3<Int>
  /// Copies of the in-plane period.
  public var repetition: (Int, Int)
  /// Least length of each grain along the normal, Å.
  public var thickness: Double
  public var freeSurfaces: Bool
  /// Å; 0 without free surfaces.
  public var vacuum: Double
  /// Of the upper grain, fractions of the in-plane period.
  public var shift: (Double, Double)
  /// Additional distance between the grains at each boundary, Å.
  public var expansion: Double
  /// Atoms closer than this become one, Å; 0 keeps all, nil leaves it to the builder.
  public var overlap: Double?
}
