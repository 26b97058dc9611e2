import MDCore
import MDNumerics

/// A cylinder or a bar of crystal around a crack front: periodic along the front z, free outside, displaced by the crack's elastic
/// field, with an outer ring that is to be held.
///
/// The crack plane y = 0 is a gap between atomic planes; the crack is open at x < tip.
package struct CrackBody: Sendable {
  package typealias Shape = CrackOutline

  package var orientation: CrackOrientation
  package var shape: Shape
  /// Of the outer ring, Å.
  package var ring: Double
  /// Periods along the front.
  package var periods: Int
  /// Which of the gaps between atomic planes is the crack's, the widest 0; those of one width are one.
  package var cut: Int
  /// From the middle of the body, Å.
  package var tip: SIMD2<Double>
  /// Height of the slit that is cut out at x < tip, Å; 0 leaves a sharp crack.
  package var slit: Double

  package init(
    _ orientation: CrackOrientation, shape: Shape, ring: Double, periods: Int = 1, cut: Int = 0,
    tip: SIMD2<Double> = .zero, slit: Double = 0
  ) {
    (self.orientation, self.shape, self.ring, self.periods) = (orientation, shape, ring, periods)
    (self.cut, self.tip, self.slit) = (cut, tip, slit)
  }

  /// Empty space that the box has around the body, so that it is there to be seen; Å.
  private static let margin = 10.0

  /// Where the middle of a body of this shape is in its box, Å.
  package static func middle(of shape: Shape) -> SIMD2<Double> { shape.reach + SIMD2(margin, margin) }
  private var middle: SIMD2<Double> { Self.middle(of: shape) }
  /// Of the tip in the box, Å.
  package var tipInBox: SIMD2<Double> { middle + tip }

  package var box: Box {
    let m = 2 * middle
    return Box(
      cell: Matrix3(diagonal: Vector3(m.x, m.y, Double(periods) * orientation.period)), periodic: Periodicity(false, false, true))
  }

  /// Atoms with their sites in the crystal (`Structure.crystalSites`) and the ring as grain 1, displaced by `field`.
  ///
  /// - Throws: an input error if nothing is free, the tip is outside of what is, or there is no such gap, and what `admit` throws, which is
  ///   asked before any atom is made.
  package func build(_ field: CrackField?, admit: StructureSize.Admission = { _, _ in }) throws -> Structure {
    guard shape.depth(0, 0) > ring else {
      throw FaultlineError(
        .input, "the ring of \(ring) Å leaves nothing free of a body that is \(shape.depth(0, 0)) Å from its middle to its surface",
        hint: "a larger body, or a thinner ring")
    }
    guard shape.depth(tip.x, tip.y) > ring else {
      throw FaultlineError(
        .input, "the crack tip at (\(tip.x), \(tip.y)) Å from the middle is not inside of the ring",
        hint: "the body is free to \(shape.reach.x - ring) Å from its middle along x and \(shape.reach.y - ring) Å along y")
    }
    let gaps = orientation.gaps
    guard cut < gaps.count else {
      throw FaultlineError(
        .input, "`cut` is \(cut), but the crack plane has \(gaps.count) kind\(gaps.count == 1 ? "" : "s") of gap", hint: "they count from 0")
    }
    let height = gaps[cut].height
    let cell = orientation.cell
    let area = 4 * shape.reach.x * shape.reach.y
    let density = Double(orientation.sites.count) / (cell.x.x * cell.y.y - cell.x.y * cell.y.x)
    try StructureSize.check(atoms: area * density * Double(periods), "the atoms of a body of this size")
    try admit(box, area * density * Double(periods))

    // Lattice points whose cells may touch the rectangle that holds the body.
    let plane = Matrix2(SIMD2(cell.x.x, cell.x.y), SIMD2(cell.y.x, cell.y.y))
    let determinant = plane.a.x * plane.b.y - plane.a.y * plane.b.x
    let pad = SIMD2(abs(plane.a.x) + abs(plane.b.x), abs(plane.a.y) + abs(plane.b.y))
    let far = shape.reach + pad + SIMD2(0, orientation.spacing)
    let most = Int(((far.x * abs(plane.a.y) + far.y * abs(plane.a.x)) / abs(determinant)).rounded(.up))
    var structure = Structure(box: box, species: orientation.species, types: [], positions: [])
    var (sites, grains) = ([Vector3](), [Int32]())
    let types = orientation.sites.map { Int32(orientation.species.firstIndex(of: $0.species)!) }
    for j in -most...most {
      // x + iy runs over the line i a + j b: the part of it that is inside of |x| ≤ far.x, |y| ≤ far.y.
      var low = -Double.infinity, high = Double.infinity
      for k in 0..<2 where abs(plane.a[k]) > 1e-9 {
        let (p, q) = ((-far[k] - Double(j) * plane.b[k]) / plane.a[k], (far[k] - Double(j) * plane.b[k]) / plane.a[k])
        (low, high) = (max(low, min(p, q)), min(high, max(p, q)))
      }
      guard low <= high else { continue }
      for i in Int(low.rounded(.down))...Int(high.rounded(.up)) {
        for (site, type) in zip(orientation.sites, types) {
          var r = (site.position + Vector3(Double(i), Double(j), 0)) * cell
          r.y -= height
          guard shape.depth(r.x, r.y) >= 0 else { continue }
          if slit > 0, r.x < tip.x, abs(r.y - tip.y) < 0.5 * slit { continue }
          r.z -= orientation.period * (r.z / orientation.period + 1e-9).rounded(.down)
          for period in 0..<periods {
            sites.append(
              Vector3(r.x + middle.x, r.y + middle.y, r.z + Double(period) * orientation.period))
            structure.types.append(type)
            grains.append(shape.depth(r.x, r.y) < ring ? 1 : 0)
          }
        }
      }
    }
    let origin = tipInBox
    structure.positions = sites.map { r in
      guard let field else { return r }
      return r + field.displacement(r.x - origin.x, r.y - origin.y)
    }
    structure.crystalSites = sites
    structure.grains = grains
    return structure
  }
}
