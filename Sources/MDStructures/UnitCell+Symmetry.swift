import MDCore
import MDNumerics

/// What maps a crystal onto itself.
extension UnitCell {
  /// Å; sites that are closer coincide.
  private static let tolerance = 1e-4

  /// An operation of the point group.
  package struct Operation: Sendable {
    /// In fractions of the cell vectors: (a, b, c) ↦ M·(a, b, c), rows of whole numbers.
    package let matrix: [SIMD3<Int>]
    /// Cartesian, for row vectors: r ↦ r·R.
    package let rotation: Matrix3
  }

  /// Translations by less than a cell vector that map the crystal onto itself, fractional; the first is zero.
  package var translations: [Vector3] {
    let first = sites[0]
    return sites.filter { $0.species == first.species }.map { $0.position - first.position }.filter { move in
      sites.allSatisfy { site in has(site.species, at: site.position + move) }
    }.map { $0 - ($0 + 1e-9).rounded(.down) }
  }

  private func has(_ species: String, at position: Vector3) -> Bool {
    sites.contains { site in
      guard site.species == species else { return false }
      var difference = site.position - position
      difference -= difference.rounded(.toNearestOrEven)
      return (difference * cell).length < Self.tolerance
    }
  }

  /// The smallest cell of the same crystal, with short vectors, and these vectors in fractions of the cell.
  package func primitive() throws -> (cell: UnitCell, vectors: Matrix3) {
    let moves = translations
    var lattice: [Vector3] = []
    let range = -1...1
    for move in moves {
      for a in range { for b in range { for c in range {
        let v = move + Vector3(Double(a), Double(b), Double(c))
        if (v * cell).length > Self.tolerance { lattice.append(v) }
      } } }
    }
    lattice.sort { p, q in
      let (m, n) = ((p * cell).squaredLength, (q * cell).squaredLength)
      // Of vectors of one length those along the axes first: the choice must not hang on rounding.
      if abs(m - n) > 1e-6 * max(m, n) { return m < n }
      return (p.x, p.y, p.z) > (q.x, q.y, q.z)
    }
    let part = 1 / Double(moves.count)
    let limit = min(lattice.count, 60)
    for i in 0..<limit {
      for j in (i + 1)..<max(limit, i + 1) where cross(lattice[i], lattice[j]).length > 1e-6 {
        for k in (j + 1)..<max(limit, j + 1) {
          let volume = dot(lattice[i], cross(lattice[j], lattice[k]))
          guard abs(abs(volume) - part) < 1e-6 * part else { continue }
          let rows = Matrix3(lattice[i], lattice[j], volume > 0 ? lattice[k] : -1 * lattice[k])
          return (try UnitCell(cell: rows * cell, sites: Self.fold(sites, into: rows, cell)), rows)
        }
      }
    }
    return (self, .identity)
  }

  /// One of each set of sites that coincide modulo the lattice of `rows` (fractions of `cell`).
  private static func fold(_ sites: [Site], into rows: Matrix3, _ cell: Matrix3) -> [Site] {
    let change = rows.inverse
    var kept: [Site] = []
    for site in sites {
      var position = site.position * change
      position -= (position + 1e-9).rounded(.down)
      let isThere = kept.contains { other in
        var difference = other.position - position
        difference -= difference.rounded(.toNearestOrEven)
        return other.species == site.species && (difference * (rows * cell)).length < tolerance
      }
      if !isThere { kept.append(Site(position, site.species)) }
    }
    return kept
  }

  /// The point group. Call it on a primitive cell: a larger one may hide operations of the lattice.
  package func pointGroup() -> [Operation] {
    var candidates: [SIMD3<Int>] = []
    let range = -2...2
    for a in range { for b in range { for c in range { candidates.append(SIMD3(a, b, c)) } } }
    func cartesian(_ v: SIMD3<Int>) -> Vector3 { Vector3(Double(v.x), Double(v.y), Double(v.z)) * cell }
    let length = (0..<3).map { cell[$0].length }
    let slack = Self.tolerance
    let choices = (0..<3).map { k in candidates.filter { abs(cartesian($0).length - length[k]) < slack } }
    func fits(_ p: SIMD3<Int>, _ q: SIMD3<Int>, _ i: Int, _ j: Int) -> Bool {
      abs(dot(cartesian(p), cartesian(q)) - dot(cell[i], cell[j])) < slack * max(length[i], length[j])
    }
    var found: [Operation] = []
    for a in choices[0] {
      for b in choices[1] where fits(a, b, 0, 1) {
        for c in choices[2] where fits(a, c, 0, 2) && fits(b, c, 1, 2) {
          let rows = Matrix3(
            Vector3(Double(a.x), Double(a.y), Double(a.z)), Vector3(Double(b.x), Double(b.y), Double(b.z)),
            Vector3(Double(c.x), Double(c.y), Double(c.z)))
          guard abs(abs(rows.determinant) - 1) < 1e-9, maps(rows) else { continue }
          found.append(Operation(matrix: [a, b, c], rotation: cell.inverse * (rows * cell)))
        }
      }
    }
    return found
  }

  /// Whether the crystal is itself again after `rows` and some translation.
  private func maps(_ rows: Matrix3) -> Bool {
    let first = sites[0]
    let image = first.position * rows
    return sites.contains { target in
      guard target.species == first.species else { return false }
      let move = target.position - image
      return sites.allSatisfy { has($0.species, at: $0.position * rows + move) }
    }
  }
}
