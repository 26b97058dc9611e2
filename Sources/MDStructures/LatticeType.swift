import MDCore
import MDNumerics

/// The crystal prototypes known by name. Cubic ones have their conventional cell along x, y, z; hcp and wurtzite
/// have the rectangular cell a, √3 a, c (four and eight atoms).
package enum LatticeType: String, CaseIterable, Sendable {
  case sc, bcc, fcc, hcp, diamond, rocksalt, cscl, zincblende, wurtzite, fluorite, perovskite

  package var isCubic: Bool { self != .hcp && self != .wurtzite }

  /// What each entry of the list of species stands for.
  package var speciesRoles: [String] {
    switch self {
    case .sc, .bcc, .fcc, .hcp, .diamond: ["atom"]
    case .rocksalt, .cscl, .zincblende, .wurtzite: ["cation", "anion"]
    case .fluorite: ["cation (on the face-centred sites)", "anion (two a formula unit)"]
    case .perovskite: ["A (corner)", "B (centre)", "X (faces, three a formula unit)"]
    }
  }

  /// The crystal with lattice constants `a` and `c` (Å; `c` only for hcp and wurtzite, ideal √(8/3) a unless given).
  ///
  /// Throws when a constant is not positive, `c` is given to a cubic lattice, or the number of species differs
  /// from `speciesRoles`. The antiperovskite has the same sites: its anion in place A or B, its cation X.
  package func unitCell(a: Double, c: Double? = nil, species: [String]) throws -> UnitCell {
    guard a.isFinite, a > 0, c.map({ $0.isFinite && $0 > 0 }) ?? true else {
      throw FaultlineError(.input, "the lattice constants must be positive, in Å")
    }
    guard species.count == speciesRoles.count else {
      throw FaultlineError(
        .input, "lattice \(rawValue) takes \(speciesRoles.count) species, not \(species.count)",
        hint: "in this order: \(speciesRoles.joined(separator: ", "))")
    }
    if isCubic {
      guard c == nil else {
        throw FaultlineError(.input, "lattice \(rawValue) is cubic and takes no constant c", hint: "leave c out")
      }
      return try UnitCell(cell: Matrix3(diagonal: Vector3(a, a, a)), sites: sites(species))
    }
    let height = c ?? a * (8.0 / 3.0).squareRoot()
    return try UnitCell(
      cell: Matrix3(diagonal: Vector3(a, a * 3.0.squareRoot(), height)), sites: sites(species))
  }

  private func sites(_ species: [String]) -> [UnitCell.Site] {
    func place(_ points: [Vector3], _ k: Int, at shift: Vector3 = .zero) -> [UnitCell.Site] {
      points.map { UnitCell.Site($0 + shift, species[k]) }
    }
    let corner = [Vector3.zero]
    let centre = Vector3(repeating: 0.5)
    let quarter = Vector3(repeating: 0.25)
    let faces = [Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)]
    let faceCentred = corner + faces
    let hexagonal = [
      Vector3.zero, Vector3(0.5, 0.5, 0), Vector3(0.5, 5.0 / 6.0, 0.5), Vector3(0, 1.0 / 3.0, 0.5),
    ]
    switch self {
    case .sc: return place(corner, 0)
    case .bcc: return place(corner + [centre], 0)
    case .fcc: return place(faceCentred, 0)
    case .hcp: return place(hexagonal, 0)
    case .diamond: return place(faceCentred, 0) + place(faceCentred, 0, at: quarter)
    case .rocksalt: return place(faceCentred, 0) + place(faceCentred.map(folded(by: centre)), 1)
    case .cscl: return place(corner, 0) + place([centre], 1)
    case .zincblende: return place(faceCentred, 0) + place(faceCentred, 1, at: quarter)
    case .wurtzite: return place(hexagonal, 0) + place(hexagonal.map(folded(by: Vector3(0, 0, 0.375))), 1)
    case .fluorite:
      return place(faceCentred, 0) + place(faceCentred, 1, at: quarter)
        + place(faceCentred.map(folded(by: Vector3(repeating: 0.75))), 1)
    case .perovskite: return place(corner, 0) + place([centre], 1) + place(faces, 2)
    }
  }
}

/// Adds `shift` and brings the coordinates back to [0, 1).
private func folded(by shift: Vector3) -> (Vector3) -> Vector3 {
  { point in (point + shift) - (point + shift).rounded(.down) }
}
