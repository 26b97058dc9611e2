import MDCore
import MDNumerics

/// The atoms of one grain of a polycrystal, row by row of its lattice along the crystal's third vector: any rows can be made
/// without the others, and an atom's number follows from how many the rows before it have.
///
/// Of two atoms of different grains that are too close the one of the smaller grain stays, whether or not it goes itself because of
/// a third: the other's lattice points are looked at, not its atoms.
struct GrainRows {
  /// Å³.
  let volume: Double
  /// How many rows there are; most have atoms.
  let count: Int

  private let polycrystal: Polycrystal
  private let grain: Int
  private let walls: [Polycrystal.Wall]
  private let lattice: Matrix3
  /// Where the lattice's origin is in the cell, Å.
  private let origin: Vector3
  /// Rows and cells of a row reach so far on either side of the middle one.
  private let reach: SIMD3<Int>
  private let center: SIMD3<Int>
  /// By wall: the crystal's vector along the rows, per Å along the wall's normal, and how far that one site is within the
  /// wall which reaches farthest beyond its cell's corner.
  private let slopes: [Double]
  private let slacks: [Double]
  /// The other grains that stay where they meet this one, nil for those that give way.
  private let rivals: [Rival?]
  private let inverse: Matrix3
  private let sites: [(position: Vector3, type: Int32)]
  private let flat: Flattening

  /// A vector as the walls see it: columns' walls are the same at any height.
  private struct Flattening {
    let along: Vector3
    let up: Vector3

    init(_ polycrystal: Polycrystal, _ inverse: Matrix3) {
      along = polycrystal.isColumnar ? polycrystal.cell.z : .zero
      up = inverse.transpose.z
    }

    func callAsFunction(_ r: Vector3) -> Vector3 { r - dot(r, up) * along }
  }

  private struct Rival {
    let seed: Vector3
    let lattice: Matrix3
    let inverse: Matrix3
    /// Cells on either side in which a point may be too close.
    let span: SIMD3<Int>
  }

  init(_ polycrystal: Polycrystal, _ g: Int) {
    let (walls, radius, volume, _) = polycrystal.cell(of: g)
    let (cell, isColumnar, overlap) = (polycrystal.cell, polycrystal.isColumnar, polycrystal.overlap)
    (self.polycrystal, grain, self.walls, self.volume) = (polycrystal, g, walls, volume)
    inverse = cell.inverse
    let flat = Flattening(polycrystal, inverse)
    self.flat = flat
    let crystal = polycrystal.crystal
    sites = zip(crystal.sites, crystal.types).map { ($0.position, $1) }
    let lattice = polycrystal.crystal.cell * polycrystal.grains[g].orientation
    self.lattice = lattice
    // A column's crystal has a lattice point at the bottom of the cell.
    origin = polycrystal.seedOf(g)
    let heights = Box(cell: lattice).heights
    var reach = SIMD3<Int>.zero
    for k in 0..<3 { reach[k] = Int((radius / heights[k]).rounded(.up)) + 1 }
    var center = SIMD3<Int>.zero
    if isColumnar {
      // The column's middle, from which its radius is.
      let s = (0.5 * cell.z) * lattice.inverse
      center = SIMD3(Int(s.x.rounded()), Int(s.y.rounded()), Int(s.z.rounded()))
    }
    (self.reach, self.center) = (reach, center)
    count = (2 * reach.x + 1) * (2 * reach.y + 1)
    let basis = crystal.sites.map { flat($0.position * lattice) }
    slopes = walls.map { dot(flat(lattice.z), $0.normal) }
    slacks = walls.map { wall in wall.distance - (basis.map { dot($0, wall.normal) }.min() ?? 0) }
    rivals = walls.map { wall in
      // Between images of one grain the lower one stays.
      let isFirst = wall.grain < g || (wall.grain == g && (wall.image.x, wall.image.y, wall.image.z) < (0, 0, 0))
      guard isFirst else { return nil }
      let shift = Vector3(Double(wall.image.x), Double(wall.image.y), isColumnar ? 0 : Double(wall.image.z))
      let other = crystal.cell * polycrystal.grains[wall.grain].orientation
      let heights = Box(cell: other).heights
      var span = SIMD3<Int>.zero
      for k in 0..<3 { span[k] = Int((overlap / heights[k] + 0.5).rounded(.up)) }
      return Rival(
        seed: polycrystal.seedOf(wall.grain) + shift * cell, lattice: other, inverse: other.inverse, span: span)
    }
  }

  /// Of the lattice, the row's first two numbers.
  private func place(_ row: Int) -> (Int, Int) {
    let (i, j) = row.quotientAndRemainder(dividingBy: 2 * reach.y + 1)
    return (center.x - reach.x + i, center.y - reach.y + j)
  }

  /// Cells of the row that may have atoms.
  private func cells(_ row: Int) -> ClosedRange<Int>? {
    let (i, j) = place(row)
    let start = flat(Vector3(Double(i), Double(j), 0) * lattice)
    var (low, high) = (Double(center.z - reach.z), Double(center.z + reach.z))
    for (k, wall) in walls.enumerated() {
      // r·n ≤ d of r = start + k c.
      let room = slacks[k] - dot(start, wall.normal)
      // What rounding may hide is left to the test of each atom.
      let slack = 1e-9 * (abs(slacks[k]) + wall.normal.squaredLength)
      if abs(slopes[k]) < 1e-12 * wall.normal.squaredLength {
        if room < -slack { return nil }
      } else if slopes[k] > 0 {
        high = min(high, (room + slack) / slopes[k])
      } else {
        low = max(low, (room + slack) / slopes[k])
      }
      if low > high { return nil }
    }
    let (first, last) = (Int(low.rounded(.up)), Int(high.rounded(.down)))
    return first <= last ? first...last : nil
  }

  /// At most so many cells of the row have atoms.
  func length(_ row: Int) -> Int { cells(row)?.count ?? 0 }

  /// The atoms of these rows, of all rows whole formula units where the polycrystal keeps such: species as of the crystal, and
  /// positions in the cell, Å.
  func atoms(_ rows: Range<Int>) -> (types: [Int32], positions: [Vector3]) {
    var atoms: [(type: Int32, r: Vector3, depth: Double)] = []
    for row in rows {
      guard let cells = cells(row) else { continue }
      let (i, j) = place(row)
      for k in cells {
        for (site, type) in sites {
          let p = (site + Vector3(Double(i), Double(j), Double(k))) * lattice
          if polycrystal.isColumnar {
            let z = ((origin + p) * inverse).z
            guard z > -1e-9, z < 1 - 1e-9 else { continue }
          }
          let r = flat(p)
          guard let depth = depth(r) else { continue }
          guard depth > polycrystal.overlap || !yields(origin + p, r) else { continue }
          atoms.append((type, origin + p, depth))
        }
      }
    }
    if polycrystal.keepsFormulaUnits {
      precondition(rows == 0..<count, "formula units are of a whole grain")
      trim(&atoms)
    }
    let box = Box(cell: polycrystal.cell)
    return (
      atoms.map(\.type),
      atoms.map { atom in
        var s = box.fractional(atom.r)
        s -= (s + 1e-12).rounded(.down)
        return box.cartesian(s)
      }
    )
  }

  /// How deep inside the walls a point is, Å; nil outside. On a wall the grain of the smaller number has it.
  private func depth(_ r: Vector3) -> Double? {
    var least = Double.infinity
    for wall in walls {
      let d = (wall.distance - dot(r, wall.normal)) / wall.normal.length
      if d < 0 { return nil }
      least = min(least, d)
    }
    return least
  }

  /// Whether an atom goes because one of another grain, which stays, is too close to it.
  ///
  /// - Parameter r: from the grain's seed.
  private func yields(_ place: Vector3, _ r: Vector3) -> Bool {
    let overlap = polycrystal.overlap
    for (wall, rival) in zip(walls, rivals) {
      guard let rival, wall.distance - dot(r, wall.normal) < overlap * wall.normal.length else { continue }
      for (site, _) in sites {
        let near = ((place - rival.seed) * rival.inverse - site).rounded(.toNearestOrEven)
        let span = rival.span
        for a in -span.x...span.x { for b in -span.y...span.y { for c in -span.z...span.z {
          let q = rival.seed + (near + Vector3(Double(a), Double(b), Double(c)) + site) * rival.lattice
          guard (q - place).squaredLength < overlap * overlap else { continue }
          // Whether that point is on the other side: nearer to its seed by weight.
          if dot(flat(q - origin), wall.normal) > wall.distance { return true }
        } } }
      }
    }
    return false
  }

  /// Takes out what is too much of a species for whole formula units, the least deep first.
  private func trim(_ atoms: inout [(type: Int32, r: Vector3, depth: Double)]) {
    let crystal = polycrystal.crystal
    let count = crystal.species.count
    let cellCounts = crystal.species.map { name in crystal.sites.count { $0.species == name } }
    let divisor = cellCounts.reduce(0, greatestCommonDivisor)
    let formula = cellCounts.map { $0 / divisor }
    var have = [Int](repeating: 0, count: count)
    for atom in atoms { have[Int(atom.type)] += 1 }
    let units = (0..<count).map { have[$0] / formula[$0] }.min() ?? 0
    var excess = (0..<count).map { have[$0] - units * formula[$0] }
    let order = atoms.indices.sorted { atoms[$0].depth != atoms[$1].depth ? atoms[$0].depth < atoms[$1].depth : $0 < $1 }
    var gone: Set<Int> = []
    for i in order where excess[Int(atoms[i].type)] > 0 {
      excess[Int(atoms[i].type)] -= 1
      gone.insert(i)
    }
    atoms = atoms.indices.filter { !gone.contains($0) }.map { atoms[$0] }
  }
}

extension Polycrystal {
  /// Where the grain's lattice has its origin, Å.
  fileprivate func seedOf(_ g: Int) -> Vector3 {
    (isColumnar ? Vector3(grains[g].seed.x, grains[g].seed.y, 0) : grains[g].seed) * cell
  }

  /// The atoms of one grain: species as of the crystal, and positions in the cell, Å.
  package func atoms(of g: Int) -> (types: [Int32], positions: [Vector3]) {
    let rows = GrainRows(self, g)
    return rows.atoms(0..<rows.count)
  }

  /// A part of the atoms, which are in the order of grains, rows and cells: that of rows which have about equal numbers of cells.
  /// Where grains keep formula units, none is shared.
  package func build(part: StructurePart = .whole) -> Structure {
    let all = grains.indices.map { GrainRows(self, $0) }
    // Ends of pieces that stay together, and cells up to each.
    var pieces: [(grain: Int, rows: Range<Int>, cells: Int)] = []
    var total = 0
    for (g, rows) in all.enumerated() {
      for row in 0..<rows.count {
        let cells = rows.length(row)
        total += cells
        if keepsFormulaUnits && row > 0 {
          pieces[pieces.count - 1].rows = 0..<(row + 1)
          pieces[pieces.count - 1].cells = total
        } else if cells > 0 || keepsFormulaUnits {
          pieces.append((g, row..<(row + 1), total))
        }
      }
    }
    var structure = Structure(box: Box(cell: cell), species: crystal.species, types: [], positions: [])
    var places: [Int32] = []
    let most = total * crystal.sites.count / part.ranks
    structure.types.reserveCapacity(most)
    structure.positions.reserveCapacity(most)
    places.reserveCapacity(most)
    var before = 0
    for piece in pieces {
      // The rank in whose part the middle of the piece is.
      let rank = (before + piece.cells) * part.ranks / (2 * max(total, 1))
      before = piece.cells
      guard rank == part.rank else { continue }
      let atoms = all[piece.grain].atoms(piece.rows)
      structure.types += atoms.types
      structure.positions += atoms.positions
      places += repeatElement(Int32(piece.grain), count: atoms.types.count)
    }
    structure.grains = places
    return structure
  }
}
