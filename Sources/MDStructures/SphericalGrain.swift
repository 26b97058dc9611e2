import MDCore
import MDNumerics

/// A ball of one crystal in another: a bicrystal whose boundary has every plane. The matrix is whole cells of its crystal, which
/// repeat; within `radius` of the centre there is the other crystal, turned about the centre: r = c + (p − c)·R with p of its lattice
/// through the origin. The same crystal that is turned by nothing is the perfect one.
///
/// Of two atoms of both that are too close the matrix's goes. Whether an atom is there follows from its place in its lattice, so that
/// ranks may share rows of cells out as they like; where whole formula units are kept, each also finds the few atoms at the
/// surface of the ball that have to go besides.
package struct SphericalGrain: Sendable {
  package let matrix: UnitCell
  package let inner: UnitCell
  /// Cells of the matrix.
  package let size: SIMD3<Int>
  /// r ↦ r·R.
  package let rotation: Matrix3
  /// Å.
  package let center: Vector3
  package let radius: Double
  package let overlap: Double
  package let keepsFormulaUnits: Bool
  /// Of the structure, those of the matrix first.
  package let species: [String]
  package let box: Box

  private let lattice: Matrix3
  private let inverse: Matrix3
  /// Of the inner crystal, where p = 0 is, Å.
  private let origin: Vector3
  /// Of sites, as the structure counts species.
  private let types: (matrix: [Int32], inner: [Int32])

  /// - Parameters:
  ///   - center: fractions of the whole cell.
  ///   - overlap: Å; 0.7 of the shorter nearest-neighbour distance unless given.
  /// - Throws: an input error if the ball meets its own images, or atoms of a perfect crystal would be too close.
  package init(
    _ matrix: UnitCell, _ inner: UnitCell, size: SIMD3<Int>, rotation: Matrix3, center: Vector3 = [0.5, 0.5, 0.5],
    radius: Double, overlap: Double? = nil, keepsFormulaUnits: Bool = false
  ) throws {
    let nearest = min(matrix.nearestNeighborDistance, inner.nearestNeighborDistance)
    if let overlap, !(0..<nearest).contains(overlap) {
      throw FaultlineError(
        .input, "overlap distance \(decimal(overlap, 3)) Å would remove atoms of the perfect crystal",
        hint: "0 (keep all) up to less than the nearest-neighbour distance, \(decimal(nearest, 3)) Å")
    }
    let cell = Matrix3(Double(size.x) * matrix.cell.x, Double(size.y) * matrix.cell.y, Double(size.z) * matrix.cell.z)
    box = Box(cell: cell)
    let heights = box.heights
    let most = 0.5 * min(heights.x, heights.y, heights.z) - nearest
    guard radius > 0, radius <= most else {
      throw FaultlineError(
        .input, "a ball with a radius of \(decimal(radius, 3)) Å does not fit into the cell",
        hint: most > 0 ? "at most \(decimal(most, 3)) Å, half of the cell's least height less an atom" : "a larger `size`")
    }
    (self.matrix, self.inner, self.size, self.rotation, self.radius) = (matrix, inner, size, rotation, radius)
    self.overlap = overlap ?? 0.7 * nearest
    self.keepsFormulaUnits = keepsFormulaUnits
    self.center = center * cell
    species = matrix.species + inner.species.filter { !matrix.species.contains($0) }
    lattice = inner.cell * rotation
    inverse = lattice.inverse
    origin = self.center - self.center * rotation
    let names = inner.species.map { [species] in Int32(species.firstIndex(of: $0)!) }
    types = (matrix.types, inner.types.map { names[Int($0)] })
  }

  // MARK: Where atoms are

  /// A site: a cell of its crystal, and the site in it.
  private struct Place: Hashable {
    var cell: SIMD3<Int>
    var site: Int
  }

  /// To the nearest image of a point from the centre; right within half of the cell's heights.
  private func fromCenter(_ r: Vector3) -> Vector3 {
    var s = box.fractional(r - center)
    s -= s.rounded(.toNearestOrEven)
    return s * box.cell
  }

  private static func real(_ v: SIMD3<Int>) -> Vector3 { Vector3(Double(v.x), Double(v.y), Double(v.z)) }

  private func matrixPosition(_ place: Place) -> Vector3 {
    (Self.real(place.cell) + matrix.sites[place.site].position) * matrix.cell
  }

  private func innerPosition(_ place: Place) -> Vector3 {
    origin + (Self.real(place.cell) + inner.sites[place.site].position) * lattice
  }

  /// A point on the surface is outside, whichever way its place was computed.
  private func isInside(_ fromCenter: Vector3) -> Bool { fromCenter.squaredLength < (1 - 1e-9) * radius * radius }

  /// Whether a point outside of the ball, given from the centre, is too close to an atom in it.
  private func isCrowded(_ d: Vector3) -> Bool {
    guard d.length < radius + overlap else { return false }
    let r = center + d
    let heights = Box(cell: lattice).heights
    var span = SIMD3<Int>.zero
    for k in 0..<3 { span[k] = Int((overlap / heights[k] + 0.5).rounded(.up)) }
    for site in inner.sites {
      let near = ((r - origin) * inverse - site.position).rounded(.toNearestOrEven)
      for a in -span.x...span.x { for b in -span.y...span.y { for c in -span.z...span.z {
        let q = origin + (near + Vector3(Double(a), Double(b), Double(c)) + site.position) * lattice
        if (q - r).squaredLength < overlap * overlap, isInside(q - center) { return true }
      } } }
    }
    return false
  }

  // MARK: Rows

  /// Cells (i, j) of a crystal and those along its third vector.
  private struct Row {
    var isInner: Bool
    var i: Int
    var j: Int
    var cells: Range<Int>
  }

  private var rows: [Row] {
    let outer = (0..<size.x).flatMap { i in (0..<size.y).map { Row(isInner: false, i: i, j: $0, cells: 0..<size.z) } }
    // The cells that touch the ball.
    let reach = radius + lattice.x.length + lattice.y.length + lattice.z.length
    let middle = (center - origin) * inverse
    let heights = Box(cell: lattice).heights
    func range(_ k: Int) -> ClosedRange<Int> {
      Int((middle[k] - reach / heights[k]).rounded(.down))...Int((middle[k] + reach / heights[k]).rounded(.up))
    }
    let c = lattice.z
    let ball = range(0).flatMap { i in
      range(1).compactMap { j -> Row? in
        // |start + k c|² ≤ reach², from the centre.
        let start = Vector3(Double(i), Double(j), 0) * lattice + origin - center
        let (p, q) = (dot(start, c) / c.squaredLength, (start.squaredLength - reach * reach) / c.squaredLength)
        guard p * p > q else { return nil }
        let half = (p * p - q).squareRoot()
        return Row(isInner: true, i: i, j: j, cells: Int((-p - half).rounded(.down))..<Int((-p + half).rounded(.up)) + 1)
      }
    }
    return outer + ball
  }

  /// About how many atoms a row has: of its cells those in the ball, or outside of it. How evenly ranks share hangs on it, no more.
  private func weight(_ row: Row) -> Int {
    let edges = row.isInner ? lattice : matrix.cell
    let start = Vector3(Double(row.i) + 0.5, Double(row.j) + 0.5, 0) * edges
    let d = row.isInner ? start + origin - center : fromCenter(start)
    let across = d - (dot(d, edges.z) / edges.z.squaredLength) * edges.z
    let chord = 2 * max(0, radius * radius - across.squaredLength).squareRoot() / edges.z.length
    let cells = row.isInner ? chord : max(0, Double(row.cells.count) - chord)
    return Int((cells * Double(row.isInner ? inner.sites.count : matrix.sites.count)).rounded())
  }

  /// Calls `body` for the places of a row that have an atom, and where it is from the centre; formula units not counted.
  private func forEach(_ row: Row, _ body: (Place, Vector3) -> Void) {
    let sites = row.isInner ? inner.sites.indices : matrix.sites.indices
    for k in row.cells {
      for site in sites {
        let place = Place(cell: SIMD3(row.i, row.j, k), site: site)
        if row.isInner {
          let d = innerPosition(place) - center
          if isInside(d) { body(place, d) }
        } else {
          let d = fromCenter(matrixPosition(place))
          if !isInside(d), !isCrowded(d) { body(place, d) }
        }
      }
    }
  }

  /// What is too much of a species for whole formula units of either crystal: those nearest to the ball's surface.
  private func excess(_ rows: [Row]) -> (matrix: Set<Place>, inner: Set<Place>) {
    guard keepsFormulaUnits else { return ([], []) }
    func chosen(_ crystal: UnitCell, isInner: Bool) -> Set<Place> {
      let types = crystal.types
      let perCell = crystal.species.indices.map { k in types.count { Int($0) == k } }
      let divisor = perCell.reduce(0, greatestCommonDivisor)
      var have = perCell.map { _ in 0 }
      var near: [(place: Place, depth: Double)] = []
      // Excesses are some atoms of the surface: a shell of a few cells has enough of each species.
      let shell = 2 * (crystal.cell.x.length + crystal.cell.y.length + crystal.cell.z.length)
      for row in rows where row.isInner == isInner {
        forEach(row) { place, d in
          have[Int(types[place.site])] += 1
          let depth = abs(d.length - radius)
          if depth < shell { near.append((place, (depth * 1e6).rounded())) }
        }
      }
      let units = have.indices.map { have[$0] * divisor / perCell[$0] }.min() ?? 0
      var over = have.indices.map { have[$0] - units * perCell[$0] / divisor }
      near.sort { p, q in
        let (a, b) = (p.place, q.place)
        return (p.depth, a.cell.x, a.cell.y, a.cell.z, a.site) < (q.depth, b.cell.x, b.cell.y, b.cell.z, b.site)
      }
      var gone: Set<Place> = []
      for item in near where over[Int(types[item.place.site])] > 0 {
        over[Int(types[item.place.site])] -= 1
        gone.insert(item.place)
      }
      return gone
    }
    return (chosen(matrix, isInner: false), chosen(inner, isInner: true))
  }

  /// A part of the atoms: those of the matrix (grain 0), then of the ball (grain 1), each in the order of their cells.
  package func build(part: StructurePart = .whole) -> Structure {
    let rows = rows
    let gone = excess(rows)
    let sizes = rows.map(weight)
    let total = sizes.reduce(0, +)
    var structure = Structure(box: box, species: species, types: [], positions: [])
    structure.positions.reserveCapacity(total / part.ranks)
    structure.types.reserveCapacity(total / part.ranks)
    var grains: [Int32] = []
    grains.reserveCapacity(total / part.ranks)
    var before = 0
    for (row, size) in zip(rows, sizes) {
      // The rank in whose part the middle of the row is.
      let rank = min((2 * before + size) * part.ranks / (2 * max(total, 1)), part.ranks - 1)
      before += size
      guard rank == part.rank else { continue }
      forEach(row) { place, d in
        guard !(row.isInner ? gone.inner : gone.matrix).contains(place) else { return }
        structure.positions.append(row.isInner ? center + d : matrixPosition(place))
        structure.types.append(row.isInner ? types.inner[place.site] : types.matrix[place.site])
        grains.append(row.isInner ? 1 : 0)
      }
    }
    structure.grains = grains
    return structure
  }
}
