import MDCore
import MDNumerics

extension ElasticTensor {
  /// The constants of a plane whose normal is free of traction.
  package struct InPlane: Sendable {
    /// Over xx, yy, xy.
    let c: [[Double]]

    /// ½ ε:C:ε, GPa, with the strain of a symmetric stretch.
    package func energy(_ stretch: Matrix2) -> Double {
      let e = [stretch.a.x - 1, stretch.b.y - 1, 2 * stretch.a.y]
      var sum = 0.0
      for i in 0..<3 { for j in 0..<3 { sum += 0.5 * e[i] * c[i][j] * e[j] } }
      return sum
    }
  }

  /// C_pp − C_pn C_nn⁻¹ C_np with the components in the plane p and those with the normal n.
  package var inPlane: InPlane {
    func element(_ i: Int, _ j: Int) -> Double {
      let (a, b) = (Self.voigt[i], Self.voigt[j])
      return self[a.0, a.1, b.0, b.1]
    }
    let (p, n) = ([0, 1, 5], [2, 3, 4])
    let normal = Matrix3(n.flatMap { i in n.map { element(i, $0) } }).inverse
    let mixed = p.map { i in Vector3(element(i, 2), element(i, 3), element(i, 4)) }
    return InPlane(
      c: p.indices.map { i in p.indices.map { j in element(p[i], p[j]) - dot(mixed[i] * normal, mixed[j]) } })
  }
}
