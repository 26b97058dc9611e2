import MDCore
import MDNumerics

/// A symmetric tilt or a twist boundary between two grains of a cubic crystal, with the exact periods of the
/// coincidence-site lattice.
///
/// Tilt: the boundary plane (hkl) contains the axis [uvw]; the second grain is the mirror image of the first.
/// Twist: the plane is perpendicular to the axis; the second grain is turned about it.
///
/// The normal of the boundary is along z (or `normalAxis`), the tilt axis along y, the period of the tilt
/// boundary along x. The first grain lies below the second. With a periodic normal there are two boundaries, in
/// the middle and at the faces of the cell; with free surfaces one, in the middle.
package struct GrainBoundary: Sendable {
  package enum Kind: String, Sendable, CaseIterable { case tilt, twist }

  /// How thick each grain is, along the normal.
  package enum Thickness: Sendable, Equatable {
    /// At least this much, Å; the next thickness that keeps the two boundaries alike is taken.
    case atLeast(Double)
    /// Periods of the crystal along the normal.
    case periods(Int)
  }

  package var kind: Kind
  package var unitCell: UnitCell
  /// The tilt or twist axis [uvw].
  package var axis: IntegerVector
  /// Checked against the plane of a tilt boundary when given; a twist boundary needs it.
  package var sigma: Int?
  /// (hkl); a tilt boundary needs it, for a twist boundary it is the axis.
  package var plane: IntegerVector?
  /// Repetitions of the boundary's cell along its two edges.
  package var repeats = SIMD2(1, 1)
  package var thickness = Thickness.atLeast(20)
  package var freeSurfaces = false
  /// Empty length in all beyond free surfaces, Å.
  package var vacuum = 20.0
  /// Rigid translation of the second grain in the plane, fractions of the boundary's cell.
  package var shift = SIMD2<Double>.zero
  /// Additional distance between the grains at each boundary, Å; negative brings them together. Atoms in the middle of
  /// merged ones go half of it.
  package var expansion = 0.0
  /// Atoms closer than this become one (`Structure.removeOverlaps`), Å; 0 keeps all. Unless given,
  /// `defaultOverlap` nearest-neighbour distances. Judged before the expansion, which so changes no number of atoms.
  package var overlap: Double?
  /// 0, 1 or 2: the boundary's normal along x, y or z.
  package var normalAxis = 2

  package static let defaultOverlap = 0.7

  package init(
    _ kind: Kind, _ unitCell: UnitCell, axis: IntegerVector, sigma: Int? = nil, plane: IntegerVector? = nil
  ) {
    self.kind = kind
    self.unitCell = unitCell
    self.axis = axis
    self.sigma = sigma
    self.plane = plane
  }

  /// Two grains with their boundaries, and what is known about them.
  package struct Bicrystal: Sendable {
    /// `grains` is 0 in the first grain and 1 in the second.
    package var structure: Structure
    package var sigma: Int
    package var axis: IntegerVector
    package var plane: IntegerVector
    /// Degrees: the smallest rotation about the axis that relates the grains.
    package var misorientation: Double
    /// One, or two with a periodic normal.
    package var boundaryCount: Int
    /// Where the boundaries lie along the normal, Å from the cell's origin.
    package var boundaryHeights: [Double]
    /// Area of one boundary, Å².
    package var area: Double
    /// Edges of the smallest rectangular cell of the boundary, Å.
    package var periods: SIMD2<Double>
    /// Crystal directions along the edges and the normal, of each grain (the first grain's before mirroring).
    package var directions: [[IntegerVector]]
    /// Å.
    package var grainThickness: Double
    package var removedCount: Int
    /// Whether a symmetry of the crystal makes the two boundaries the same; true for a single one.
    package var boundariesAreEquivalent: Bool
    /// For the user to read: polarity, composition.
    package var warnings: [String]
  }

  /// Throws when axis, plane and Σ do not belong together (naming those that do), when the crystal is not cubic
  /// and when a number is out of range, or when `admit` does, which is asked before any atom of the grains is made.
  package func build(admit: StructureSize.Admission = { _, _ in }) throws -> Bicrystal {
    try check()
    let geometry =
      switch kind {
      case .tilt: try tiltGeometry()
      case .twist: try twistGeometry()
      }
    return try assemble(geometry, admit: admit)
  }

  private func check() throws {
    try OrientedCrystal.check(axis, "the axis")
    if let plane { try OrientedCrystal.check(plane, "the boundary plane") }
    guard repeats.x > 0, repeats.y > 0 else {
      throw FaultlineError(.input, "a boundary is repeated at least once along each edge")
    }
    switch thickness {
    case .atLeast(let length) where !(length.isFinite && length > 0):
      throw FaultlineError(.input, "the thickness of a grain must be positive, in Å")
    case .periods(let number) where number < 1:
      throw FaultlineError(.input, "a grain is at least one period thick")
    default: break
    }
    guard shift.x.isFinite, shift.y.isFinite, expansion.isFinite, vacuum.isFinite, vacuum >= 0 else {
      throw FaultlineError(.input, "shift, expansion and vacuum must be finite, the vacuum not negative")
    }
    guard (0...2).contains(normalAxis) else {
      throw FaultlineError(.input, "the normal is along axis 0, 1 or 2")
    }
    let nearest = unitCell.nearestNeighborDistance
    if let overlap {
      guard overlap >= 0, overlap < nearest else {
        throw FaultlineError(
          .input, "overlap distance \(overlap) Å would remove atoms of the perfect crystal",
          hint: "0 (keep all) up to less than the nearest-neighbour distance, \(nearest) Å")
      }
    }
  }

  /// What a boundary of either kind needs to be put together.
  struct Geometry {
    var lower: OrientedCrystal
    var upper: OrientedCrystal
    var isMirrored: Bool
    /// Crystal height of the lower grain's bottom, Å.
    var bottom: Double
    /// The thickness of a grain is a whole number of these, Å.
    var step: Double
    var sigma: Int
    var plane: IntegerVector
    var misorientation: Double
    var directions: [[IntegerVector]]
    var boundariesAreEquivalent: Bool
    var warnings: [String] = []

    func thickness(_ wanted: Thickness) -> Double {
      let least =
        switch wanted {
        case .atLeast(let length): length
        case .periods(let number): Double(number) * lower.normalPeriod
        }
      return step * max(1, (least / step - 1e-6).rounded(.up))
    }
  }

  /// Stacks the grains of the geometry and removes overlaps; `repeats` and `thickness` of the boundary.
  func assemble(_ geometry: Geometry, admit: StructureSize.Admission = { _, _ in }) throws -> Bicrystal {
    let thickness = geometry.thickness(thickness)
    guard 2 * thickness + expansion > 0, expansion > -thickness else {
      throw FaultlineError(.input, "expansion \(expansion) Å is more than a grain's thickness, \(thickness) Å")
    }
    let edges = geometry.lower.periods
    let area = edges.x * edges.y * Double(repeats.x) * Double(repeats.y)
    let atoms = 2 * thickness * unitCell.density * area
    try StructureSize.check(
      atoms: atoms,
      "the atoms of two grains of \(thickness) Å and \(repeats.x) × \(repeats.y) periods of "
        + "\(edges.x) × \(edges.y) Å")
    let periodic = freeSurfaces ? Periodicity(normalAxis != 0, normalAxis != 1, normalAxis != 2) : .all
    var lengths = Vector3.zero
    lengths[normalAxis] = 2 * thickness + (freeSurfaces ? expansion + vacuum : 2 * expansion)
    lengths[(normalAxis + 1) % 3] = edges.x * Double(repeats.x)
    lengths[(normalAxis + 2) % 3] = edges.y * Double(repeats.y)
    try admit(Box(lengths: lengths, periodic: periodic), atoms)

    let lower = Slab(geometry.lower, bottom: geometry.bottom, thickness: thickness)
    let upper = Slab(
      geometry.upper, bottom: geometry.bottom, thickness: thickness, isMirrored: geometry.isMirrored)
    let stack = SlabStack(
      [.init(lower), .init(upper, shift: shift)],
      edges: edges, repeats: repeats, normalAxis: normalAxis)
    var structure = stack.build()
    structure.box.periodic = periodic

    var warnings = geometry.warnings
    let distance = overlap ?? Self.defaultOverlap * unitCell.nearestNeighborDistance
    let total = structure.box.cell[normalAxis][normalAxis]
    // A middle of two atoms is nearer to the boundary than they were, and may in turn be too close to others.
    let zone = 4 * distance
    let candidates = structure.positions.indices.filter { i in
      let z = structure.positions[i][normalAxis]
      return abs(z - thickness) < zone || (!freeSurfaces && min(z, total - z) < zone)
    }
    let (removed, middles, _) = structure.merge(closerThan: distance, among: candidates)
    expand(&structure, thickness, middles)
    var heights = [thickness + 0.5 * expansion]
    if freeSurfaces {
      try structure.addVacuum(stack.onAxes(0, 0, vacuum))
      heights[0] += 0.5 * vacuum
    } else {
      heights.append(2 * thickness + 1.5 * expansion)
    }
    let removedCount = removed.reduce(0, +)
    if removedCount > 0, !isStoichiometric(removed, structure.species) {
      let list = zip(structure.species, removed).map { "\($1) \($0)" }.joined(separator: ", ")
      warnings.append(
        "the atoms removed as too close (\(list)) are not in the crystal's proportions: "
          + "an ionic model of the boundary is not neutral")
    }
    return Bicrystal(
      structure: structure, sigma: geometry.sigma, axis: axis, plane: geometry.plane,
      misorientation: geometry.misorientation, boundaryCount: heights.count, boundaryHeights: heights,
      area: area, periods: edges, directions: geometry.directions,
      grainThickness: thickness, removedCount: removedCount,
      boundariesAreEquivalent: freeSurfaces || geometry.boundariesAreEquivalent, warnings: warnings)
  }

  /// Draws the grains apart by `expansion` at each boundary; an atom between them goes half of it.
  private func expand(_ structure: inout Structure, _ thickness: Double, _ middles: Set<Int>) {
    guard expansion != 0, let grains = structure.grains else { return }
    var cell = structure.box.cell
    cell[normalAxis][normalAxis] += (freeSurfaces ? 1 : 2) * expansion
    structure.box.setCell(cell)
    for i in structure.positions.indices {
      let z = structure.positions[i][normalAxis]
      let moves: Double
      if middles.contains(i) {
        // The faces of the periodic cell are half of it below 0, and 1.5 of it above the second grain.
        moves = z < 0.5 * thickness ? -0.5 : z < 1.5 * thickness ? 0.5 : 1.5
      } else {
        moves = Double(grains[i])
      }
      structure.positions[i][normalAxis] += moves * expansion
    }
  }

  private func isStoichiometric(_ removed: [Int], _ species: [String]) -> Bool {
    let formula = species.map { name in unitCell.sites.count { $0.species == name } }
    return zip(removed, formula).allSatisfy { $0 * formula[0] == removed[0] * $1 }
  }
}
