import MDNumerics

/// Symmetric tensors as six numbers in Kelvin's notation: xx, yy, zz, √2 yz, √2 xz, √2 xy. Unlike Voigt's, it turns fourth-rank
/// tensors into matrices whose products, inverses and eigenvalues are those of the tensors.
enum Kelvin {
  static let places = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
  private static let root = 2.0.squareRoot()
  /// √2 for shears, 1 for the others.
  static let factors = [1, 1, 1, root, root, root]

  static func vector(_ m: Matrix3) -> [Double] {
    zip(places, factors).map { place, factor in factor * 0.5 * (m[place.0][place.1] + m[place.1][place.0]) }
  }

  static func matrix(_ v: [Double]) -> Matrix3 {
    var rows = [[Double]](repeating: [0, 0, 0], count: 3)
    for (k, (i, j)) in places.enumerated() {
      let value = v[k] / factors[k]
      (rows[i][j], rows[j][i]) = (value, value)
    }
    return Matrix3(rows.flatMap { $0 })
  }

  /// What a rotation r ↦ r·R does to such six numbers: orthogonal.
  static func rotation(_ r: Matrix3) -> [[Double]] {
    let columns = (0..<6).map { k -> [Double] in
      var unit = [Double](repeating: 0, count: 6)
      unit[k] = 1
      // Tensor of row vectors: T ↦ Rᵀ T R.
      return vector(r.transpose * (matrix(unit) * r))
    }
    return (0..<6).map { i in (0..<6).map { columns[$0][i] } }
  }

  static func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
    a.map { row in
      (0..<b[0].count).map { j in row.indices.reduce(0) { $0 + row[$1] * b[$1][j] } }
    }
  }

  static func transpose(_ a: [[Double]]) -> [[Double]] { (0..<a[0].count).map { j in a.map { $0[j] } } }
}
