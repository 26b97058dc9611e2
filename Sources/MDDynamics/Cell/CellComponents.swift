import MDCore
import MDDeck
import MDNumerics

/// Which components of the cell's strain may change by themselves, as decks name them.
package enum CellShape: String, CaseIterable, Sendable {
  case normal
  case outOfPlane = "out_of_plane"
  case inPlane = "in_plane"
  case axes, isotropic, full

  package var doc: String {
    switch self {
    case .normal: "the length along the normal of the plane of a and b, that of a boundary"
    case .outOfPlane: "the whole vector c: its length along that normal, and where it leans, so that crystals which meet in the "
      + "plane may slide"
    case .inPlane: "lengths and angle within that plane"
    case .axes: "lengths along x, y, z, each for itself"
    case .isotropic: "the volume"
    case .full: "all six components of the strain; the cell does not rotate"
    }
  }

  /// Whether its strains are symmetric, as barostats have them.
  package var isSymmetric: Bool { self != .outOfPlane }

  /// What the log calls it.
  package var phrase: String {
    switch self {
    case .normal: "its length along the normal"
    case .outOfPlane: "its vector c"
    case .inPlane: "the cell in its plane"
    case .axes: "the cell along x, y, z"
    case .isotropic: "its volume"
    case .full: "the whole cell"
    }
  }
}

/// Components of the strain ε = Σ e_k B_k that belong to one owner: a relaxation, a barostat.
///
/// The B_k are orthonormal, B_k : B_l = δ_kl, so that e_k = B_k : ε. They are symmetric, so that nothing among them rotates the
/// cell, but for those of `outOfPlane`, which leave a and b where they are.
package struct CellComponents: Sendable, Equatable {
  package let basis: [Matrix3]

  package init(basis: [Matrix3]) { self.basis = basis }

  package var count: Int { basis.count }

  /// The components of a shape in this cell.
  package init(_ shape: CellShape, box: Box) {
    let normal = cross(box.cell.x, box.cell.y)
    let n = (1 / normal.length) * normal
    let t = (1 / box.cell.x.length) * box.cell.x
    let u = cross(n, t)
    basis = switch shape {
    case .normal: [Self.stretch(n)]
    case .outOfPlane: [Self.stretch(n), .outer(n, t), .outer(n, u)]
    case .inPlane: [Self.stretch(t), Self.stretch(u), Self.shear(t, u)]
    case .axes: (0..<3).map { Self.stretch(Self.axis($0)) }
    case .isotropic: [(1 / 3.0.squareRoot()) * .identity]
    case .full: (0..<6).map(Self.voigt)
    }
  }

  /// Component k in Voigt's order xx, yy, zz, yz, xz, xy.
  package static func voigt(_ k: Int) -> Matrix3 {
    if k < 3 { return stretch(axis(k)) }
    let (i, j) = Voigt.axes(k)
    return shear(axis(i), axis(j))
  }

  private static func axis(_ k: Int) -> Vector3 {
    var v = Vector3.zero
    v[k] = 1
    return v
  }

  private static func stretch(_ n: Vector3) -> Matrix3 { .outer(n, n) }

  private static func shear(_ a: Vector3, _ b: Vector3) -> Matrix3 {
    0.5.squareRoot() * (Matrix3.outer(a, b) + Matrix3.outer(b, a))
  }

  /// e_k = B_k : A of any matrix.
  package func project(_ matrix: Matrix3) -> [Double] { basis.map { $0.contracted(with: matrix) } }

  /// Σ e_k B_k.
  package func matrix(_ values: [Double]) -> Matrix3 {
    zip(basis, values).reduce(.zero) { $0 + $1.1 * $1.0 }
  }

  /// The Cartesian components that change, for the log and for conflicts between owners.
  package func touches(_ k: Int) -> Bool {
    let b = CellComponents.voigt(k)
    return basis.contains { abs($0.contracted(with: b)) > 1e-12 }
  }

  /// Whether a strain of these components changes angles that are right.
  package var shears: Bool { (3..<6).contains(where: touches) }

  /// The first open axis of the cell that a strain of these components would change; there is no stress along it.
  package func openAxis(_ box: Box) -> Int? {
    (0..<3).first { k in
      guard !box.periodic[k] else { return false }
      let row = box.cell[k]
      return basis.contains { (row * $0).length > 1e-9 * row.length }
    }
  }
}
