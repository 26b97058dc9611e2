import Foundation
import MDCore
import MDNumerics

/// An interface of two crystals, made ready: grain boundaries, twins, heterointerfaces. Where one lies to the other, their
/// common cell, its strain and how the crystals may end are found once; `structure` then puts atoms together for any shift,
/// termination and distance.
///
/// The interface is in the xy plane, the first edge of its cell along x. Both crystals are thought through all space with a
/// lattice point of each at the origin; the lower one keeps what is below its cut, the upper one what is above its own, and
/// the cuts are brought together: a crystal on itself is the perfect crystal.
package struct Interface: Sendable {
  package enum Ends: Sendable, Equatable {
    /// Two interfaces in a cell that repeats along the normal.
    case periodic
    /// One interface between surfaces, with so much empty space in all, Å.
    case vacuum(Double)
  }

  package enum Removal: String, Sendable, CaseIterable {
    /// Of two atoms that are too close one is left; of one species at the middle of both.
    case atoms
    /// And more atoms of the same crystal with it, until whole formula units are gone.
    case formulaUnits = "formula_units"
  }

  /// A place to cut each crystal.
  package struct Termination: Sendable {
    package let lower: PlaneCell.Gap
    package let upper: PlaneCell.Gap
    /// The species of the last atomic plane of the lower crystal and of the first of the upper one.
    package let planes: (lower: String, upper: String)
    /// Σ q z of a period of each crystal, from the cut, per area, e/Å; nil where charges are not known. An end that has any
    /// is polar (P. W. Tasker, J. Phys. C 12, 4977 (1979), type 3).
    package let dipoles: (lower: Double, upper: Double)?
  }

  package struct Options: Sendable {
    package var limits = MatchLimits()
    package var strainTo = StrainShare.upper
    /// Least thickness of the crystals, Å.
    package var thickness: (lower: Double, upper: Double) = (20, 20)
    package var repeats = SIMD2(1, 1)
    /// Whether the cell is the smallest rectangle, not the smallest cell.
    package var isRectangular = false
    package var ends = Ends.periodic
    /// Atoms closer than this are too close, Å; 0 keeps all; 0.7 of the shorter nearest-neighbour distance unless given.
    package var overlap: Double?
    package var removal = Removal.atoms
    /// e, by species; without all of them there is no word of charge.
    package var charges: [String: Double] = [:]

    package init() {}
  }

  /// One crystal, turned and strained to the common cell.
  struct Side: Sendable {
    var plane: PlaneCell
    /// Edges of the common cell in the plane's lattice.
    var rows: IntegerMatrix2
    /// From the plane's frame to the cell's: r ↦ r·map.
    var map: Matrix2
    /// Lattice planes.
    var periods: Int
    /// Index into the interface's species, by species of the crystal.
    var types: [Int32]
    /// Of a formula unit, by species of the crystal.
    var formula: [Int]
    /// Of the plane's cell.
    var inversion: Vector3?

    var thickness: Double { Double(periods) * plane.spacing }
  }

  package let pair: CrystalPair
  package private(set) var options: Options
  package let species: [String]
  /// Edges of the common cell, Å, repeats not counted.
  package let cell: Matrix2
  package let displacements: NonidenticalDisplacements
  /// From the widest gaps to the narrowest.
  package let terminations: [Termination]
  /// The shorter nearest-neighbour distance of the two crystals, Å.
  package let nearestNeighborDistance: Double
  /// Å.
  package let overlap: Double
  /// Whether both crystals are the same.
  package let isHomophase: Bool
  let lower: Side
  let upper: Side

  /// Å².
  package var area: Double { abs(cell.determinant) * Double(options.repeats.x * options.repeats.y) }
  package var boundaryCount: Int { options.ends == .periodic ? 2 : 1 }
  /// What the lower and the upper crystal are strained by, principal, the larger first.
  package var strains: (lower: (Double, Double), upper: (Double, Double)) {
    let (l, u) = options.strainTo.stretches(pair.match.stretch)
    func principal(_ m: Matrix2) -> (Double, Double) { (m.eigenvalues.0 - 1, m.eigenvalues.1 - 1) }
    return (principal(l), principal(u))
  }
  package var thicknesses: (lower: Double, upper: Double) { (lower.thickness, upper.thickness) }

  /// - Throws: an input error if the relation is impossible within the limits, or a number is out of range.
  package init(_ lower: UnitCell, _ upper: UnitCell, _ relation: InterfaceRelation, _ options: Options = Options()) throws {
    guard options.thickness.lower > 0, options.thickness.upper > 0, options.repeats.x > 0, options.repeats.y > 0 else {
      throw FaultlineError(.input, "the crystals of an interface need a thickness, and at least one cell along each edge")
    }
    nearestNeighborDistance = min(lower.nearestNeighborDistance, upper.nearestNeighborDistance)
    if let overlap = options.overlap, !(0..<nearestNeighborDistance).contains(overlap) {
      throw FaultlineError(
        .input, "overlap distance \(decimal(overlap, 3)) Å would remove atoms of the perfect crystal",
        hint: "0 (keep all) up to less than the nearest-neighbour distance, \(decimal(nearestNeighborDistance, 3)) Å")
    }
    overlap = options.overlap ?? 0.7 * nearestNeighborDistance
    isHomophase = lower == upper
    pair = try CrystalPair(lower, upper, relation, limits: options.limits)
    self.options = options
    let (first, second) = options.strainTo.stretches(pair.match.stretch)
    var rows = (lower: pair.match.lower, upper: pair.match.upper)
    if options.isRectangular {
      let change = try Self.rectangle(rows.lower.real * pair.lower.lattice * first)
      rows = (change * rows.lower, change * rows.upper)
    }
    let edges = rows.lower.real * pair.lower.lattice * first
    let turn = Matrix2(rotation: -atan2(edges.a.y, edges.a.x))
    let common = edges * turn
    cell = Matrix2(SIMD2(common.a.x, 0), common.b)
    species = lower.species + upper.species.filter { !lower.species.contains($0) }
    let all = species
    func side(_ plane: PlaneCell, _ crystal: UnitCell, _ rows: IntegerMatrix2, _ map: Matrix2, _ least: Double) throws -> Side {
      Side(
        plane: plane, rows: rows, map: map, periods: max(1, Int((least / plane.spacing - 1e-6).rounded(.up))),
        types: crystal.species.map { Int32(all.firstIndex(of: $0)!) }, formula: Self.formula(crystal), inversion: try plane.inversion)
    }
    self.lower = try side(pair.lower, lower, rows.lower, first * turn, options.thickness.lower)
    self.upper = try side(
      pair.upper, upper, rows.upper, Matrix2(rotation: pair.match.rotation) * second * turn, options.thickness.upper)
    displacements = try NonidenticalDisplacements(
      edges: (cell.a, cell.b), lower: (rows.lower.a, rows.lower.b), upper: (rows.upper.a, rows.upper.b))
    let charges = all.allSatisfy { options.charges[$0] != nil } ? options.charges : nil
    terminations = Self.terminations(pair.lower, pair.upper, charges)
  }

  /// The same interface with another rule for atoms that are too close.
  package mutating func changeRemoval(to rule: Removal) { options.removal = rule }

  mutating func changeRepeats(to copies: SIMD2<Int>) { options.repeats = copies }

  /// Atoms of the cell in the smallest whole proportion.
  private static func formula(_ crystal: UnitCell) -> [Int] {
    let counts = crystal.species.map { name in crystal.sites.count { $0.species == name } }
    let divisor = counts.reduce(0, greatestCommonDivisor)
    return counts.map { $0 / divisor }
  }

  /// The smallest rectangle of a plane lattice's vectors.
  private static func rectangle(_ edges: Matrix2) throws -> IntegerMatrix2 {
    var best: (area: Double, edge: Double, rows: IntegerMatrix2)?
    let reach = 24
    func vector(_ v: SIMD2<Int>) -> SIMD2<Double> { Double(v.x) * edges.a + Double(v.y) * edges.b }
    for i in 0...reach { for j in -reach...reach where (i > 0 || j > 0) && greatestCommonDivisor(i, j) == 1 {
      let p = vector(SIMD2(i, j))
      // x a·p + y b·p = 0 in whole numbers.
      let (s, t) = ((edges.a * p).sum(), (edges.b * p).sum())
      guard let q = integers(inProportionTo: Vector3(-t, s, 0), limit: reach, tolerance: 1e-7) else { continue }
      let rows = IntegerMatrix2(SIMD2(i, j), SIMD2(q.x, q.y))
      let other = vector(rows.b)
      let size = (p * p).sum().squareRoot() * (other * other).sum().squareRoot()
      let edge = (p * p).sum()
      if size < (best?.area ?? .infinity) * (1 - 1e-9) || (size < (best?.area ?? .infinity) * (1 + 1e-9) && edge < best!.edge - 1e-9) {
        best = (size, edge, rows.determinant < 0 ? IntegerMatrix2(rows.a, .zero &- rows.b) : rows)
      }
    } }
    guard let best else {
      throw FaultlineError(.input, "the cell of this interface has no rectangle", hint: "leave `rectangular` out")
    }
    return best.rows
  }

  // MARK: Terminations

  private static func terminations(
    _ lower: PlaneCell, _ upper: PlaneCell, _ charges: [String: Double]?
  ) -> [Termination] {
    var all: [Termination] = []
    for a in lower.gaps {
      for b in upper.gaps {
        all.append(
          Termination(
            lower: a, upper: b, planes: (lower.plane(at: a, above: false), upper.plane(at: b, above: true)),
            dipoles: charges.map { (lower.dipole(cut: a, $0), upper.dipole(cut: b, $0)) }))
      }
    }
    // A stable order of equals: as the gaps are.
    return all.enumerated().sorted {
      let (x, y) = ($0.element.lower.width + $0.element.upper.width, $1.element.lower.width + $1.element.upper.width)
      return abs(x - y) > 1e-6 ? x > y : $0.offset < $1.offset
    }.map(\.element)
  }

  /// A termination by its number.
  package func termination(_ number: Int) throws -> Termination {
    guard terminations.indices.contains(number) else {
      throw FaultlineError(
        .input, "there is no termination number \(number)",
        hint: "of \(terminations.count), from 0:\n" + terminationLines.joined(separator: "\n"))
    }
    return terminations[number]
  }
}

extension PlaneCell {
  /// Species of the atomic plane next to a gap, "Li" or "Li2O".
  func plane(at gap: Gap, above: Bool) -> String {
    let heights = sites.map { site -> Double in
      let z = (above ? 1 : -1) * (site.position.z * spacing - gap.height)
      return z - spacing * (z / spacing + 1e-9).rounded(.down)
    }
    let least = heights.min()!
    let near = zip(sites, heights).filter { $0.1 < least + 1e-3 }.map(\.0.species)
    return species.compactMap { name in
      let count = near.count { $0 == name }
      return count == 0 ? nil : name + (count == 1 ? "" : "\(count)")
    }.joined()
  }

  /// Σ q z over the area of a period cut at `gap`, e/Å.
  func dipole(cut gap: Gap, _ charges: [String: Double]) -> Double {
    let moment = sites.reduce(0.0) { sum, site in
      let z = site.position.z * spacing - gap.height
      return sum + (charges[site.species] ?? 0) * (z - spacing * (z / spacing).rounded(.down) - 0.5 * spacing)
    }
    return moment / area
  }
}
