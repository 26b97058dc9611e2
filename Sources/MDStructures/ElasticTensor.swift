import MDCore
import MDNumerics

/// Elastic constants C_ijkl, GPa.
package struct ElasticTensor: Sendable {
  /// 81 numbers, l fastest.
  private let c: [Double]

  /// Indices of Voigt's notation: xx, yy, zz, yz, xz, xy.
  private static let voigt = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
  private static let number = [[0, 5, 4], [5, 1, 3], [4, 3, 2]]

  /// - Parameter voigt: six rows of six.
  package init(voigt m: [[Double]]) {
    var all = [Double](repeating: 0, count: 81)
    for i in 0..<3 { for j in 0..<3 { for k in 0..<3 { for l in 0..<3 {
      all[27 * i + 9 * j + 3 * k + l] = m[Self.number[i][j]][Self.number[k][l]]
    } } } }
    c = all
  }

  /// Of a cubic crystal along its axes.
  package init(cubic c11: Double, _ c12: Double, _ c44: Double) {
    var m = [[Double]](repeating: [Double](repeating: 0, count: 6), count: 6)
    for i in 0..<3 {
      for j in 0..<3 { m[i][j] = i == j ? c11 : c12 }
      m[3 + i][3 + i] = c44
    }
    self.init(voigt: m)
  }

  private init(_ c: [Double]) { self.c = c }

  subscript(i: Int, j: Int, k: Int, l: Int) -> Double { c[27 * i + 9 * j + 3 * k + l] }

  /// In the frame to which r ↦ r·R leads.
  package func rotated(_ r: Matrix3) -> ElasticTensor {
    var now = c
    // One index after the other: T'_a… = Σ_i R_ia T_i….
    for index in 0..<4 {
      let stride = [27, 9, 3, 1][index]
      var next = [Double](repeating: 0, count: 81)
      for n in 0..<81 {
        let a = n / stride % 3
        for i in 0..<3 { next[n] += r[i][a] * now[n + (i - a) * stride] }
      }
      now = next
    }
    return ElasticTensor(now)
  }

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
