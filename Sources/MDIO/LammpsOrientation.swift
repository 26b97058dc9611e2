import MDCore
import MDNumerics

/// The rotation of a cell into LAMMPS's restricted frame: a along x, b in the xy plane with b_y > 0, c with c_z > 0.
///
/// With e₁ = a/|a|, e₃ = a × b/|a × b|, e₂ = e₃ × e₁ a vector v becomes (v·e₁, v·e₂, v·e₃).
/// A left-handed cell is first replaced by −a, −b, −c from its far corner, which spans the same lattice; image
/// counts then change sign. A cell already in this frame is left as it is to the last bit.
package struct LammpsOrientation {
  package let box: Box
  package let isIdentity: Bool
  /// Whether image counts change sign.
  package let isInverted: Bool
  private let e: Matrix3

  package init(_ given: Box) {
    let h = given.cell
    if h.x.y == 0, h.x.z == 0, h.y.z == 0, h.x.x > 0, h.y.y > 0, h.z.z > 0 {
      (box, isIdentity, isInverted, e) = (given, true, false, .identity)
      return
    }
    isIdentity = false
    isInverted = h.determinant < 0
    let right = isInverted ? -1 * h : h
    let corner = isInverted ? given.origin + h.x + h.y + h.z : given.origin
    let e1 = right.x / right.x.length
    let normal = cross(right.x, right.y)
    let e3 = normal / normal.length
    let e2 = cross(e3, e1)
    e = Matrix3(e1, e2, e3)
    let b = right.y
    let c = right.z
    let cell = Matrix3(
      Vector3(right.x.length, 0, 0), Vector3(dot(b, e1), dot(b, e2), 0), Vector3(dot(c, e1), dot(c, e2), dot(c, e3)))
    box = Box(
      cell: cell, origin: Vector3(dot(corner, e1), dot(corner, e2), dot(corner, e3)), periodic: given.periodic)
  }

  /// A position, velocity or force in LAMMPS's frame.
  @inline(__always)
  package func rotate(_ v: Vector3) -> Vector3 {
    isIdentity ? v : Vector3(dot(v, e.x), dot(v, e.y), dot(v, e.z))
  }

  /// A tensor of second rank in LAMMPS's frame, Eᵀ-similar: (E W Eᵀ)ᵢⱼ = eᵢ·W·eⱼ.
  package func rotate(_ w: Matrix3) -> Matrix3 { isIdentity ? w : e * w * e.transpose }

  package func image(_ n: SIMD3<Int32>) -> SIMD3<Int32> { isInverted ? 0 &- n : n }
}
