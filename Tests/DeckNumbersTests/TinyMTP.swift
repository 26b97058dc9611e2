import Foundation
import MDCore
import MDNumerics
import MDTestSupport

/// V = ξ⁰ + ξ₁ M + ξ₂ M² with the one moment M = Σⱼ f(rᵢⱼ), f = s Σ_β c_β T_β(x) (r − r_c)².
struct TinyMTP: Sendable {
  /// Types of the file in their order.
  var names = ["Na", "Cl"]
  var species = [-1.2, -0.5]
  var moments = [0.04, -0.0015]
  /// Of all radial coefficients.
  var strength = 1.0
  private static let (least, cutoff, scaling) = (2.1, 5.2, 0.6)

  /// c of a pair (centre, neighbour).
  private func coefficients(_ centre: Int, _ neighbor: Int) -> [Double] {
    [[[0.8, -0.3, 0.1], [0.5, 0.2, -0.2]], [[0.7, -0.4, 0.3], [1.1, 0.1, 0.2]]][centre][neighbor].map { strength * $0 }
  }

  /// T_β(x) (r − r_c)² s.
  private static func basis(_ beta: Int, _ r: Dual) -> Dual {
    let x = (1 / (cutoff - least)) * (2 * r - least - cutoff)
    let t = [Dual(1), x, 2 * (x * x) - 1][beta]
    return (scaling * t) * (r - cutoff).power(2)
  }

  var model: EmbeddedModel {
    let this = self
    return EmbeddedModel(
      reach: Self.cutoff,
      density: { _, i, j, r in
        guard r.value < Self.cutoff else { return nil }
        let c = this.coefficients(this.names.firstIndex(of: i)!, this.names.firstIndex(of: j)!)
        return (0..<3).reduce(Dual(0)) { $0 + c[$1] * Self.basis($1, r) }
      },
      embedding: { name, rho in
        let z = this.names.firstIndex(of: name)!
        return (this.moments[1] * rho[0] + this.moments[0]) * rho[0] + this.species[z]
      })
  }

  // MARK: Grades

  /// Coefficients: twelve radial, two of species, two of moments.
  private static let count = 16
  /// X: rows are mixed with the next, so that its transpose would be seen.
  private static let inverse: [Double] = {
    var x = [Double](repeating: 0, count: count * count)
    for k in 0..<count {
      x[k * count + k] = 0.5 + 0.1 * Double(k)
      if k + 1 < count { x[k * count + k + 1] = 0.3 }
    }
    return x
  }()
  /// A with A Xᵀ = 1: Xᵀ is lower bidiagonal.
  private static let rows: [Double] = {
    var a = [Double](repeating: 0, count: count * count)
    for i in 0..<count {
      for k in stride(from: i, through: 0, by: -1) {
        let diagonal = inverse[k * count + k]
        a[i * count + k] = (k == i ? 1 : -0.3 * a[i * count + k + 1]) / diagonal
      }
    }
    return a
  }()

  /// γ of each atom, max_j |Σ_k X[j, k] ∂V/∂θ_k|.
  func grades(_ s: Structure) -> [Double] {
    let this = self
    // Σ over neighbours of either type of each basis function.
    let sums = EmbeddedModel(
      reach: Self.cutoff, count: 6,
      density: { k, _, j, r in
        guard this.names[k / 3] == j, r.value < Self.cutoff else { return nil }
        return Self.basis(k % 3, r)
      }, embedding: { _, _ in Dual(0) }
    ).densities(s)
    return s.types.indices.map { i in
      let z = names.firstIndex(of: s.species[Int(s.types[i])])!
      let m = (0..<6).reduce(0) { $0 + coefficients(z, $1 / 3)[$1 % 3] * sums[i][$1] }
      var v = [Double](repeating: 0, count: Self.count)
      for k in 0..<6 { v[6 * z + k] = (moments[0] + 2 * moments[1] * m) * sums[i][k] }
      v[12 + z] = 1
      v[14] = m
      v[15] = m * m
      let n = Self.count
      return (0..<n).map { j in abs((0..<n).reduce(0) { $0 + Self.inverse[j * n + $1] * v[$1] }) }.max()!
    }
  }

  // MARK: Files

  var text: String {
    var blocks = ""
    for a in 0..<2 {
      for b in 0..<2 {
        blocks += "\t\t\(a)-\(b)\n\t\t\t{\(coefficients(a, b).map { "\($0)" }.joined(separator: ", "))}\n"
      }
    }
    return """
      MTP
      version = 1.1.0
      potential_name = tiny
      scaling = \(Self.scaling)
      species_count = 2
      potential_tag =
      radial_basis_type = RBChebyshev
      \tmin_dist = \(Self.least)
      \tmax_dist = \(Self.cutoff)
      \tradial_basis_size = 3
      \tradial_funcs_count = 1
      \tradial_coeffs
      \(blocks)alpha_moments_count = 2
      alpha_index_basic_count = 1
      alpha_index_basic = {{0, 0, 0, 0}}
      alpha_index_times_count = 1
      alpha_index_times = {{0, 0, 1, 1}}
      alpha_scalar_moments = 2
      alpha_moment_mapping = {0, 1}
      species_coeffs = {\(species[0]), \(species[1])}
      moment_coeffs = {\(moments[0]), \(moments[1])}
      """
  }

  private static func bytes(_ values: [Double]) -> Data {
    values.reduce(into: Data()) { data, value in
      withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
  }

  /// As MLIP-3 writes it.
  var withActiveSet: Data {
    let weights = """

      #MVS_v1.1
      energy_weight 0
      force_weight 0
      stress_weight 0
      site_en_weight 1
      weight_scaling 2
      #
      """
    return Data((text + weights).utf8) + Self.bytes(Self.rows) + Self.bytes(Self.inverse) + Data("\n#\n".utf8)
  }

  /// A state of MLIP-2: site, energy, force, stress.
  var state: Data {
    Data((text + "\n^").utf8) + Self.bytes([1, 0, 0, 0]) + Data("\n#".utf8) + Self.bytes(Self.rows)
      + Self.bytes(Self.inverse) + Data("\n".utf8)
  }
}
