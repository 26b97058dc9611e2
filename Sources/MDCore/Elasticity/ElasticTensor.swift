import MDNumerics

/// Elastic constants C_ijkl, GPa.
package struct ElasticTensor: Sendable {
  /// 81 numbers, l fastest.
  private let c: [Double]

  /// Indices of Voigt's notation: xx, yy, zz, yz, xz, xy.
  package static let voigt = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
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

  package subscript(i: Int, j: Int, k: Int, l: Int) -> Double { c[27 * i + 9 * j + 3 * k + l] }

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

  /// C_ij of Voigt's notation, six rows of six.
  package var voigt: [[Double]] { Self.voigt.map { a in Self.voigt.map { b in self[a.0, a.1, b.0, b.1] } } }

  /// Whether every strain takes energy.
  package var isPositiveDefinite: Bool { SymmetricEigen(voigt).map { $0.values[0] > 0 } ?? false }
}
