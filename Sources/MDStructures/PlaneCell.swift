import MDCore
import MDNumerics

/// A crystal of any lattice turned so that the plane (h k l) is the xy plane: its smallest cell with two edges in the plane.
package struct PlaneCell: Sendable {
  /// An atomic plane of one period.
  package struct Gap: Sendable {
    /// Of its middle above the lattice plane through the origin, Å.
    package let height: Double
    /// Between the atoms below and above, Å.
    package let width: Double
  }

  /// Rows u, v in the plane (u along x), w from one lattice plane to the next; Å.
  package let cell: Matrix3
  /// Fractional in `cell`, third coordinate in [0, 1).
  package let sites: [UnitCell.Site]
  package let species: [String]
  /// From a Cartesian vector of the crystal to this frame: r ↦ r·R.
  package let rotation: Matrix3
  /// u and v in fractions of the crystal's cell vectors.
  package let edges: (Vector3, Vector3)
  /// u, v and w in the basis of the crystal's primitive cell.
  package let rows: IntegerMatrix
  /// The crystal's primitive cell, and its vectors in fractions of the cell as given.
  package let primitive: (cell: UnitCell, vectors: Matrix3)
  /// Of the crystal's cell.
  private let crystal: Matrix3

  /// Å².
  package var area: Double { cross(cell.x, cell.y).length }
  /// Between lattice planes, Å.
  package var spacing: Double { cell.z.z }

  /// - Parameter indices: h, k, l of the plane, in terms of the cell of `unitCell`.
  /// - Throws: an input error if they are all zero.
  package init(_ unitCell: UnitCell, _ indices: SIMD3<Int>) throws {
    try self.init(unitCell, primitive: try unitCell.primitive(), indices)
  }

  /// - Parameter primitive: what `unitCell.primitive()` gave, where many planes of one crystal are looked at.
  package init(
    _ unitCell: UnitCell, primitive found: (cell: UnitCell, vectors: Matrix3), _ indices: SIMD3<Int>
  ) throws {
    guard indices != .zero else { throw FaultlineError(.input, "the plane (0 0 0) is none") }
    let (primitive, vectors) = found
    let given = Vector3(Double(indices.x), Double(indices.y), Double(indices.z))
    let plane = try Self.whole(Vector3(dot(vectors.x, given), dot(vectors.y, given), dot(vectors.z, given)))
    let (u, v, w) = try Self.basis(plane, primitive.cell)
    let rows = Matrix3(u, v, w)
    let old = rows * primitive.cell
    let x = (1 / old.x.length) * old.x
    let normal = cross(old.x, old.y)
    let z = (1 / normal.length) * normal
    let y = cross(z, x)
    let turn = Matrix3(x, y, z).transpose
    rotation = turn
    cell = Self.clean(old * turn)
    crystal = unitCell.cell
    self.rows = IntegerMatrix(u.integer, v.integer, w.integer)
    self.primitive = found
    species = unitCell.species
    edges = (u * vectors, v * vectors)
    let change = rows.inverse
    sites = primitive.sites.map {
      let s = $0.position * change
      return UnitCell.Site(s - (s + 1e-9).rounded(.down), $0.species)
    }
  }

  /// Smallest whole numbers in proportion to h.
  private static func whole(_ h: Vector3) throws -> SIMD3<Int> {
    for factor in 1...96 {
      let scaled = Double(factor) * h
      let near = scaled.rounded(.toNearestOrEven)
      guard (scaled - near).length < 1e-6 else { continue }
      let n = [Int(near.x), Int(near.y), Int(near.z)]
      let divisor = n.reduce(0) { greatestCommonDivisor($0, abs($1)) }
      return SIMD3(n[0] / divisor, n[1] / divisor, n[2] / divisor)
    }
    throw FaultlineError(.input, "the plane has no whole indices in the primitive cell")
  }

  /// Short vectors u, v of the plane and w to the next one (whole numbers), right-handed with w above the plane.
  private static func basis(_ h: SIMD3<Int>, _ cell: Matrix3) throws -> (Vector3, Vector3, Vector3) {
    let reach = max(abs(h.x), abs(h.y), abs(h.z), 2) + 1
    guard reach <= 40 else { throw FaultlineError(.input, "the plane's indices are too large", hint: "at most about 20") }
    var flat: [SIMD3<Int>] = []
    var next: [SIMD3<Int>] = []
    for a in -reach...reach { for b in -reach...reach { for c in -reach...reach {
      let p = SIMD3(a, b, c)
      let height = a * h.x + b * h.y + c * h.z
      if height == 0, p != .zero { flat.append(p) }
      if height == 1 { next.append(p) }
    } } }
    func real(_ p: SIMD3<Int>) -> Vector3 { Vector3(Double(p.x), Double(p.y), Double(p.z)) }
    func shorter(_ p: SIMD3<Int>, _ q: SIMD3<Int>) -> Bool {
      let (m, n) = ((real(p) * cell).squaredLength, (real(q) * cell).squaredLength)
      if abs(m - n) > 1e-6 * max(m, n) { return m < n }
      return (p.x, p.y, p.z) > (q.x, q.y, q.z)
    }
    flat.sort(by: shorter)
    next.sort(by: shorter)
    let (u, hReal) = (real(flat[0]), real(h))
    for candidate in flat {
      let v = real(candidate)
      let area = cross(u, v)
      if (area - hReal).length < 1e-9 { return (u, v, real(next[0])) }
      if (area + hReal).length < 1e-9 { return (u, -1 * v, real(next[0])) }
    }
    throw FaultlineError(.input, "the plane's indices are too large")
  }

  /// Rounding errors off the components that are zero.
  private static func clean(_ m: Matrix3) -> Matrix3 {
    Matrix3(m.elements.map { abs($0) < 1e-12 * m.x.length ? 0 : $0 })
  }

  /// The basis u, v of the plane's lattice.
  package var lattice: Matrix2 { Matrix2(SIMD2(cell.x.x, cell.x.y), SIMD2(cell.y.x, cell.y.y)) }

  /// What symmetries of the crystal that leave the plane and its normal do to u and v.
  package var symmetries: [IntegerMatrix2] {
    get throws {
      let inverse = rows.real.inverse
      return try primitive.cell.pointGroup().compactMap { operation in
        let map = IntegerMatrix(operation.matrix[0], operation.matrix[1], operation.matrix[2]).real
        let images = (rows.real * map) * inverse
        let near = Matrix3(images.elements.map { $0.rounded() })
        guard (images - near).norm < 1e-6, near.x.z == 0, near.y.z == 0, near.z.z == 1 else { return nil }
        return IntegerMatrix2(SIMD2(Int(near.x.x), Int(near.x.y)), SIMD2(Int(near.y.x), Int(near.y.y)))
      }
    }
  }

  /// The crystal is itself again after r ↦ τ − r; τ in fractions of `cell`, nil without a centre of inversion.
  package var inversion: Vector3? {
    get throws { try primitive.cell.pointGroup().first(where: \.isInversion).map { $0.translation * rows.real.inverse } }
  }

  /// A vector given in fractions of the crystal's cell vectors, in this frame, Å.
  package func vector(_ fractions: Vector3) -> Vector3 { (fractions * crystal) * rotation }

  /// The gaps between atomic planes of a period, the widest first; of equally wide ones the lowest.
  package var gaps: [Gap] {
    let tolerance = 1e-3
    var heights = sites.map { $0.position.z * spacing }.sorted()
    heights = heights.reduce(into: []) { if $1 - ($0.last ?? -.infinity) > tolerance { $0.append($1) } }
    if heights.count > 1, heights[0] + spacing - heights[heights.count - 1] < tolerance { heights.removeLast() }
    return heights.indices.map { k in
      let above = k + 1 < heights.count ? heights[k + 1] : heights[0] + spacing
      return Gap(height: 0.5 * (heights[k] + above), width: above - heights[k])
    }.sorted { abs($0.width - $1.width) > tolerance ? $0.width > $1.width : $0.height < $1.height }
  }

  /// The lowest gap of each width, the widest first.
  package var distinctGaps: [Gap] {
    gaps.reduce(into: []) { if $1.width < ($0.last?.width ?? .infinity) - 1e-3 { $0.append($1) } }
  }

  /// A slab of `periods` periods of the crystal, cut at `gap`, with `vacuum` (Å) between it and its next image. The cell is
  /// right for any potential: periodic along all axes.
  package func slab(periods: Int, cut gap: Gap, vacuum: Double) -> (structure: Structure, middle: Double) {
    let thickness = Double(periods) * spacing
    let height = thickness + vacuum
    var positions: [Vector3] = []
    var types: [Int32] = []
    for period in 0..<periods {
      for site in sites {
        // Above the cut by less than a period.
        let z = site.position.z * spacing - gap.height
        let lift = (z / spacing).rounded(.down)
        let whole = Double(period) - lift
        let r = site.position * cell + whole * cell.z
        positions.append(Vector3(r.x, r.y, r.z - gap.height + 0.5 * vacuum))
        types.append(Int32(species.firstIndex(of: site.species)!))
      }
    }
    let box = Box(cell: Matrix3(cell.x, cell.y, Vector3(0, 0, height)))
    return (Structure(box: box, species: species, types: types, positions: positions), 0.5 * height)
  }
}
