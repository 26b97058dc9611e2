import MDCore
import MDNumerics
import MDStructures

/// The elastic constants C_ijkl = ∂σ_ij/∂ε_kl of a crystal without stress, eV/Å³.
struct ElasticConstants {
  /// In Kelvin's notation, symmetric.
  var kelvin: [[Double]]

  /// In Voigt's notation, C_11 … C_66.
  var voigt: [[Double]] {
    (0..<6).map { i in (0..<6).map { kelvin[i][$0] / (Kelvin.factors[i] * Kelvin.factors[$0]) } }
  }

  /// Central differences of the stress at strains ±h and ±h/2 with Richardson's extrapolation, h = 10⁻³: the error is of
  /// order h⁴. `relaxed` lets the atoms find their places in the strained cell; else they follow the strain (clamped).
  /// Leaves the cell as it was. Collective.
  static func measure(_ cell: SmallCell, relaxed: Bool) throws -> ElasticConstants {
    let (box, positions) = (cell.box.cell, cell.positions)
    func stress(_ k: Int, _ size: Double) throws -> [Double] {
      var strain = [Double](repeating: 0, count: 6)
      strain[k] = size
      let gradient = .identity + Kelvin.matrix(strain)
      try cell.set(box * gradient, positions.map { $0 * gradient })
      return Kelvin.vector(try (relaxed ? cell.relax(to: 1e-9).state : cell.state()).stress)
    }
    let h = 1e-3
    var columns: [[Double]] = []
    for k in 0..<6 {
      let (far, near) = (try (stress(k, h), stress(k, -h)), try (stress(k, h / 2), stress(k, -h / 2)))
      columns.append(
        (0..<6).map { i in
          (4 * (near.0[i] - near.1[i]) / h - (far.0[i] - far.1[i]) / (2 * h)) / 3
        })
    }
    try cell.set(box, positions)
    return ElasticConstants(
      kelvin: (0..<6).map { i in (0..<6).map { 0.5 * (columns[$0][i] + columns[i][$0]) } })
  }

  /// The mean over a point group: what the crystal's symmetry leaves of them.
  func symmetrised(by group: [CrystalSymmetry.Operation]) -> ElasticConstants {
    var sum = [[Double]](repeating: [Double](repeating: 0, count: 6), count: 6)
    for operation in group {
      let q = Kelvin.rotation(operation.rotation)
      let turned = Kelvin.product(q, Kelvin.product(kelvin, Kelvin.transpose(q)))
      for i in 0..<6 { for j in 0..<6 { sum[i][j] += turned[i][j] / Double(group.count) } }
    }
    return ElasticConstants(kelvin: sum)
  }

  /// How many constants a point group leaves independent: the dimension of the invariant part of the symmetric 6 × 6
  /// matrices, which is the mean of the character ½(tr² Q + tr Q²).
  static func independent(_ group: [CrystalSymmetry.Operation]) -> Int {
    let sum = group.reduce(0.0) { sum, operation in
      let q = Kelvin.rotation(operation.rotation)
      let trace = (0..<6).reduce(0) { $0 + q[$1][$1] }
      let square = Kelvin.product(q, q)
      return sum + 0.5 * (trace * trace + (0..<6).reduce(0) { $0 + square[$1][$1] })
    }
    return Int((sum / Double(group.count)).rounded())
  }

  /// Indices (from 1) of a set of independent constants for the usual setting of a lattice with so many.
  static func names(_ count: Int, hasFourfold: Bool) -> [(Int, Int)] {
    switch count {
    case 3: [(1, 1), (1, 2), (4, 4)]
    case 5: [(1, 1), (3, 3), (1, 2), (1, 3), (4, 4)]
    case 6 where hasFourfold: [(1, 1), (3, 3), (1, 2), (1, 3), (4, 4), (6, 6)]
    case 7 where hasFourfold: [(1, 1), (3, 3), (1, 2), (1, 3), (1, 6), (4, 4), (6, 6)]
    case 6: [(1, 1), (3, 3), (1, 2), (1, 3), (1, 4), (4, 4)]
    case 7: [(1, 1), (3, 3), (1, 2), (1, 3), (1, 4), (1, 5), (4, 4)]
    case 9: [(1, 1), (2, 2), (3, 3), (1, 2), (1, 3), (2, 3), (4, 4), (5, 5), (6, 6)]
    default: (1...6).flatMap { i in (i...6).map { (i, $0) } }
    }
  }

  /// Of a polycrystal without texture: Voigt's and Reuss's bounds and Hill's mean of them. nil if the crystal is not stable.
  var polycrystal: Polycrystal? {
    guard let eigen = SymmetricEigen(kelvin), eigen.values[0] > 0 else { return nil }
    let s = eigen.map { 1 / $0 }
    func bounds(_ m: [[Double]]) -> (volume: Double, shear: Double) {
      let whole = (0..<3).reduce(0) { sum, i in sum + (0..<3).reduce(0) { $0 + m[i][$1] } }
      let trace = (0..<6).reduce(0) { $0 + m[$1][$1] }
      // The isotropic part J of a fourth-rank tensor has weight whole/3, the deviatoric one (trace − whole/3)/5.
      return (whole / 3, (trace - whole / 3) / 5)
    }
    let (voigt, reuss) = (bounds(kelvin), bounds(s))
    return Polycrystal(
      bulk: (voigt.volume / 3, 1 / (3 * reuss.volume)), shear: (voigt.shear / 2, 1 / (2 * reuss.shear)))
  }

  struct Polycrystal {
    /// Voigt's and Reuss's, eV/Å³.
    var bulk: (voigt: Double, reuss: Double)
    var shear: (voigt: Double, reuss: Double)

    /// Hill's.
    var meanBulk: Double { 0.5 * (bulk.voigt + bulk.reuss) }
    var meanShear: Double { 0.5 * (shear.voigt + shear.reuss) }
    var young: Double { 9 * meanBulk * meanShear / (3 * meanBulk + meanShear) }
    var poisson: Double { (3 * meanBulk - 2 * meanShear) / (2 * (3 * meanBulk + meanShear)) }
  }
}
