import CSpglib
import Foundation
import MDCore
import MDNumerics

/// What maps a crystal onto itself, as spglib finds it (A. Togo, K. Shinohara, I. Tanaka, Sci. Technol. Adv. Mater. Methods 4,
/// 2384822 (2024)).
package struct CrystalSymmetry: Sendable {
  package struct Operation: Sendable {
    /// In fractions of the cell vectors: (a, b, c) ↦ (a, b, c)·M + t, rows of whole numbers.
    package let matrix: [SIMD3<Int>]
    package let translation: Vector3
    /// Cartesian, for row vectors: r ↦ r·R.
    package let rotation: Matrix3

    package var isTranslation: Bool { matrix == [SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)] }
    package var isInversion: Bool { matrix == [SIMD3(-1, 0, 0), SIMD3(0, -1, 0), SIMD3(0, 0, -1)] }
  }

  /// Å; atoms that are closer coincide.
  package static let tolerance = 1e-4

  /// Of the space group, 1 to 230.
  package let number: Int
  /// Hermann–Mauguin, "Fm-3m".
  package let symbol: String
  /// Of the cell as given: a cell that is not primitive has translations among them, and may hide operations of the lattice.
  package let operations: [Operation]

  /// spglib keeps the reason of its last failure in a variable of its own.
  private static let library = NSLock()

  fileprivate init(_ crystal: UnitCell) throws {
    // Columns are its cell vectors.
    let columns = crystal.cell.transpose
    var lattice = [columns.x, columns.y, columns.z].map { ($0.x, $0.y, $0.z) }
    var positions = crystal.sites.map { ($0.position.x, $0.position.y, $0.position.z) }
    let types = crystal.types
    Self.library.lock()
    defer { Self.library.unlock() }
    guard let found = spg_get_dataset(&lattice, &positions, types, Int32(types.count), Self.tolerance) else {
      throw FaultlineError(
        .input, "spglib finds no space group of the crystal: \(String(cString: spg_get_error_message(spg_get_error_code())))",
        hint: "are its atoms where they should be to better than \(decimal(Self.tolerance, 4)) Å?")
    }
    defer { spg_free_dataset(found) }
    let data = found.pointee
    number = Int(data.spacegroup_number)
    symbol = withUnsafeBytes(of: data.international_symbol) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    operations = (0..<Int(data.n_operations)).map { k in
      // Theirs turns columns.
      let (x, y, z) = data.rotations[k]
      let matrix = [
        SIMD3(Int(x.0), Int(y.0), Int(z.0)), SIMD3(Int(x.1), Int(y.1), Int(z.1)), SIMD3(Int(x.2), Int(y.2), Int(z.2)),
      ]
      let rows = IntegerMatrix(matrix[0], matrix[1], matrix[2]).real
      let t = data.translations[k]
      return Operation(
        matrix: matrix, translation: Vector3(t.0, t.1, t.2), rotation: crystal.cell.inverse * (rows * crystal.cell))
    }
  }

  /// Translations by less than a cell vector that map the crystal onto itself, fractional; the first is zero.
  ///
  /// There are n of them, and each n times is a vector of the cell's lattice: so they are n-ths, exactly.
  package var translations: [Vector3] {
    let found = operations.filter(\.isTranslation).map(\.translation)
    let parts = Double(found.count)
    let exact = found.map { t -> Vector3 in
      let s = (1 / parts) * (parts * t).rounded(.toNearestOrEven)
      return s - s.rounded(.down)
    }
    return exact.sorted { ($0.x, $0.y, $0.z) < ($1.x, $1.y, $1.z) }
  }
}

extension UnitCell {
  package func symmetry() throws -> CrystalSymmetry { try CrystalSymmetry(self) }

  /// The point group, with the translations that belong to it. Call it on a primitive cell: there is one of each then.
  package func pointGroup() throws -> [CrystalSymmetry.Operation] { try symmetry().operations }

  /// The smallest cell of the same crystal, with short vectors, and these vectors in fractions of the cell.
  package func primitive() throws -> (cell: UnitCell, vectors: Matrix3) {
    let moves = try symmetry().translations
    var lattice: [Vector3] = []
    let range = -1...1
    for move in moves {
      for a in range { for b in range { for c in range {
        let v = move + Vector3(Double(a), Double(b), Double(c))
        if (v * cell).length > CrystalSymmetry.tolerance { lattice.append(v) }
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
        return other.species == site.species && (difference * (rows * cell)).length < 2 * CrystalSymmetry.tolerance
      }
      if !isThere { kept.append(Site(position, site.species)) }
    }
    return kept
  }
}
