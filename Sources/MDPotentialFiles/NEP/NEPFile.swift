import MDCore

/// A neuroevolution potential of GPUMD as its file `nep.txt` says it. With u = r/r_c, f_c = (1 + cos πu)/2 and
/// x = 2(u − 1)² − 1, for a centre of element a and a neighbour of element b,
///
///     g_n(r) = Σ_k c_nk^ab ½(T_k(x) + 1) f_c(u)
///     q_n = Σ_j g_n(r_ij)                              radial, up to rR
///     A_nlm = Σ_j g_n(r_ij) Y_lm(r̂_ij)                 angular, up to rA
///     q_nl = Σ_m (−1)^m A_nlm A_nl−m,  l = 1 … L       and products of three and four A_nlm at equal n (`Invariant`)
///     Uᵢ = Σ_μ w_μ tanh(Σ_d W_μd s_d q_d − b_μ) − b
///
/// E = Σ Uᵢ, and with `_zbl` a screened nuclear repulsion. With charges (qNEP) the hidden layer has a second output.
///
/// NEP3: Z. Fan et al., J. Chem. Phys. 157, 114801 (2022); NEP4: K. Song et al., Nat. Commun. 15, 10208 (2024); qNEP:
/// Z. Fan et al., arXiv 2601.19034.
package struct NEPFile: Sendable {
  /// Products of more than two sums A, in the order of the file's flags and of the descriptors: q_abc = Σ (a b c; m₁ m₂
  /// m₃) A_am₁ A_bm₂ A_cm₃ with Wigner's 3j symbol; q₁₁₁₁ = 7/15 · (q_n1)².
  package enum Invariant: Int, CaseIterable, Sendable {
    case q222, q1111, q112, q123, q233, q134
    /// The degrees l of its factors.
    package var degrees: [Int] {
      switch self {
      case .q222: [2, 2, 2]
      case .q1111: [1, 1, 1, 1]
      case .q112: [1, 1, 2]
      case .q123: [1, 2, 3]
      case .q233: [2, 3, 3]
      case .q134: [1, 3, 4]
      }
    }
  }

  /// How charges act. All have α = π/rR.
  package enum Charges: Int, Sendable {
    /// The whole Coulomb energy of point charges.
    case full = 1
    /// Its part in reciprocal space alone, with the energy of each Gaussian with itself.
    case reciprocal
  }

  /// Screened nuclear repulsion, v = K ZᵢZⱼ/r · Σ a_m e^(−b_m r/a) · s(r), 1/a = (Zᵢ^0.23 + Zⱼ^0.23) · 2.134563/Å,
  /// where s = 1 up to `inner` and (1 + cos π(r − inner)/(outer − inner))/2 up to `outer`.
  package struct Repulsion: Equatable, Sendable {
    /// Å.
    package var inner: Double
    package var outer: Double
    package var amplitudes: [Double]
    package var exponents: [Double]

    package init(inner: Double, outer: Double, amplitudes: [Double], exponents: [Double]) {
      self.inner = inner
      self.outer = outer
      self.amplitudes = amplitudes
      self.exponents = exponents
    }
  }

  package struct Network: Sendable {
    /// [neuron][descriptor], with the scaling of the descriptors.
    package var weights: [Double]
    package var biases: [Double]
    package var energy: [Double]
    /// Empty without charges.
    package var charge: [Double]
    /// Subtracted from the energy, eV: NEP5 has one an element besides the common one.
    package var offset: Double

    package init(weights: [Double], biases: [Double], energy: [Double], charge: [Double], offset: Double) {
      self.weights = weights
      self.biases = biases
      self.energy = energy
      self.charge = charge
      self.offset = offset
    }
  }

  /// Universal amplitudes and exponents, as GPUMD has them.
  package static let universalAmplitudes = [0.18175, 0.50986, 0.28022, 0.02817]
  package static let universalExponents = [3.1998, 0.94229, 0.4029, 0.20162]

  package var version = 4
  package var elements: [String] = []
  package var charges: Charges?
  /// √ε∞, 1 without charges.
  package var refraction = 1.0
  /// Of a pair of elements (centre · count + neighbour), Å.
  package var radialCutoffs: [Double] = []
  package var angularCutoffs: [Double] = []
  /// The number of functions g and of Chebyshev polynomials.
  package var radialCount = 0
  package var radialBasis = 0
  package var angularCount = 0
  package var angularBasis = 0
  /// L.
  package var degree = 0
  package var invariants: [Invariant] = []
  package var neurons = 0
  /// One an element.
  package var networks: [Network] = []
  /// c: [centre][neighbour][n][k].
  package var radialCoefficients: [Double] = []
  package var angularCoefficients: [Double] = []
  /// Of each pair of elements; nil without `_zbl`.
  package var repulsion: [Repulsion]?

  package init() {}

  package var descriptorCount: Int { radialCount + angularCount * (degree + invariants.count) }
  package var cutoff: Double { radialCutoffs.max() ?? 0 }

  /// The potential of some of its elements, in this order: nothing that belongs to others.
  package func restricted(to kept: [Int]) -> NEPFile {
    let count = elements.count
    let pairs = kept.flatMap { a in kept.map { a * count + $0 } }
    func blocks(_ all: [Double], _ size: Int) -> [Double] { pairs.flatMap { all[($0 * size)..<($0 * size + size)] } }
    var file = self
    file.elements = kept.map { elements[$0] }
    file.radialCutoffs = pairs.map { radialCutoffs[$0] }
    file.angularCutoffs = pairs.map { angularCutoffs[$0] }
    file.networks = kept.map { networks[$0] }
    file.radialCoefficients = blocks(radialCoefficients, radialCount * radialBasis)
    file.angularCoefficients = blocks(angularCoefficients, angularCount * angularBasis)
    file.repulsion = repulsion.map { all in pairs.map { all[$0] } }
    return file
  }

  /// Radii of DFT-D3 times 4/3, which factors by element are of: multiples of 1/75 Å for H to Pu, with six digits as
  /// GPUMD has them. S. Grimme et al., J. Chem. Phys. 132, 154104 (2010).
  package static func covalentRadius(atomicNumber z: Int) -> Double? {
    guard radii.indices.contains(z - 1) else { return nil }
    let value = Double(radii[z - 1]) / 75
    let digits = value < 1 ? 1e6 : 1e5
    return (value * digits).rounded() / digits
  }

  private static let radii = [
    32, 46, 120, 94, 77, 75, 71, 63, 64, 67, 140, 125, 113, 104, 110, 102, 99, 96, 176, 154, 133, 122, 121, 110,
    107, 104, 100, 99, 101, 109, 112, 109, 115, 110, 114, 117, 189, 167, 147, 139, 132, 124, 115, 113, 113, 108, 115,
    123, 128, 126, 126, 123, 132, 131, 209, 176, 162, 147, 158, 157, 156, 155, 151, 152, 151, 150, 149, 149, 148, 153,
    146, 137, 131, 123, 118, 116, 111, 112, 113, 132, 130, 130, 136, 131, 138, 142, 201, 181, 167, 158, 152, 153, 154,
    155,
  ]
}
