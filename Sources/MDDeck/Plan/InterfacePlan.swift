import MDCore
import MDNumerics

/// One cell of a crystal.
package enum CrystalSource: Sendable {
  case lattice(LatticePlan)
  case crystal(CrystalPlan)
  case file(StructureFilePlan)

  init(_ section: DeckSection) {
    let (name, value) = section.choice
    self = switch name {
    case "lattice": .lattice(LatticePlan(value.section))
    case "crystal": .crystal(CrystalPlan(value.section))
    default: .file(StructureFilePlan(value.section))
    }
  }

  /// nil for files, which name them.
  package var species: [String]? {
    switch self {
    case .lattice(let lattice): lattice.species
    case .crystal(let crystal): crystal.basis.reduce(into: []) { if !$0.contains($1.species) { $0.append($1.species) } }
    case .file: nil
    }
  }
}

package struct InterfacePlan: Sendable {
  /// In indices of the crystals' cells.
  package enum Relation: Sendable {
    case coincidence(axis: SIMD3<Int>, sigma: Int, plane: SIMD3<Int>, angle: Double?)
    case rotation(axis: SIMD3<Int>, angle: Double, plane: SIMD3<Int>)
    case parallel(planes: (SIMD3<Int>, SIMD3<Int>), directions: (SIMD3<Int>, SIMD3<Int>))
    case match(planes: (SIMD3<Int>, SIMD3<Int>), number: Int)
  }

  package var lower: CrystalSource
  /// nil: the lower one.
  package var upper: CrystalSource?
  /// nil where a search has the planes.
  package var relation: Relation?
  /// Å².
  package var maxArea: Double
  package var maxStrain: Double
  /// lower, upper or both.
  package var strainTo: String
  /// Å.
  package var thickness: (lower: Double, upper: Double)
  package var repetition: (Int, Int)
  package var isRectangular: Bool
  package var freeSurfaces: Bool
  /// Å; 0 without free surfaces.
  package var vacuum: Double
  package var termination: Int
  /// Fractions of the cell of non-identical displacements.
  package var shift: (Double, Double)
  /// Å.
  package var expansion: Double
  /// Å; nil leaves it to the builder.
  package var overlap: Double?
  package var removesFormulaUnits: Bool
  package var mustBeNeutral: Bool

  /// nil where a file names them.
  package var species: [String]? {
    guard let first = lower.species else { return nil }
    guard let upper else { return first }
    return upper.species.map { second in first + second.filter { !first.contains($0) } }
  }

  init(_ section: DeckSection) {
    lower = CrystalSource(section.section("lower"))
    upper = (section["upper"]?.section).map(CrystalSource.init)
    relation = (section["relation"]?.section).map(Relation.init)
    maxArea = section.double("max_area")
    maxStrain = section.double("max_strain")
    strainTo = section.string("strain_to")
    let lengths = section.list(orOne: "thickness")
    thickness = (lengths[0], lengths[lengths.count - 1])
    let copies = section.integers("repeat")
    repetition = (copies[0], copies[1])
    isRectangular = section.boolean("rectangular")
    freeSurfaces = section.boolean("free_surfaces")
    vacuum = freeSurfaces ? section["vacuum"]?.double ?? GrainBoundaryPlan.defaultVacuum : 0
    termination = section.integer("termination")
    let fractions = section.doubles("shift")
    shift = (fractions[0], fractions[1])
    expansion = section.double("expansion")
    overlap = section["overlap"]?.double
    removesFormulaUnits = section.string("remove") == "formula_units"
    mustBeNeutral = section.boolean("neutral")
  }
}

extension InterfacePlan.Relation {
  fileprivate init(_ section: DeckSection) {
    let (name, value) = section.choice
    let inner = value.section
    self = switch name {
    case "coincidence":
      .coincidence(
        axis: inner.integerVector("axis"), sigma: inner.integer("sigma"), plane: inner.integerVector("plane"),
        angle: inner["angle"]?.double)
    case "rotation":
      .rotation(axis: inner.integerVector("axis"), angle: inner.double("angle"), plane: inner.integerVector("plane"))
    case "parallel": .parallel(planes: inner.pair("planes"), directions: inner.pair("directions"))
    default: .match(planes: inner.pair("planes"), number: inner.integer("number"))
    }
  }
}

/// A table of coincidence rotations.
package struct EnumerationPlan: Sendable {
  /// nil: a cubic lattice.
  package var crystal: CrystalSource?
  package var axis: SIMD3<Int>
  package var largestSigma: Int
  package var maxStrain: Double

  init(_ section: DeckSection) {
    crystal = (section["of"]?.section).map(CrystalSource.init)
    axis = section.integerVector("axis")
    largestSigma = section.integer("sigma_max")
    maxStrain = section.double("max_strain")
  }
}

/// A table of cells that planes of two crystals have in common.
package struct MatchPlan: Sendable {
  package enum Planes: Sendable {
    case pairs([(SIMD3<Int>, SIMD3<Int>)])
    /// All forms up to this index.
    case upTo(Int)

    init(_ value: DeckValue) {
      self = value.isList
        ? .pairs(value.list.map { ($0.list[0].integerVector, $0.list[1].integerVector) }) : .upTo(value.integer)
    }
  }

  package var lower: CrystalSource
  package var upper: CrystalSource
  package var planes: Planes
  /// Å².
  package var maxArea: Double
  package var maxStrain: Double
  /// lower, upper or both.
  package var strainTo: String
  /// GPa: 3 or 36 numbers each.
  package var elastic: ([Double], [Double])?
  /// Rows of each pair.
  package var rows: Int

  init(_ section: DeckSection) {
    lower = CrystalSource(section.section("lower"))
    upper = CrystalSource(section.section("upper"))
    planes = Planes(section["miller"]!)
    maxArea = section.double("max_area")
    maxStrain = section.double("max_strain")
    strainTo = section.string("strain_to")
    elastic = (section["elastic"]?.list).map { ($0[0].doubles, $0[1].doubles) }
    rows = section.integer("show")
  }
}

extension DeckSection {
  fileprivate func pair(_ key: String) -> (SIMD3<Int>, SIMD3<Int>) {
    let both = list(key).map(\.integerVector)
    return (both[0], both[1])
  }
}
