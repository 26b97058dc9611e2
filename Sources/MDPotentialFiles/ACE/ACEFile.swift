import MDCore

/// An atomic cluster expansion as its file says it (Drautz, Phys. Rev. B 99, 014104 (2019); Lysogorskiy et al., npj
/// Comput. Mater. 7, 97 (2021); GRACE-FS: Bochkarev et al., Phys. Rev. X 14, 021036 (2024)).
///
/// With the harmonics Y (Y₀₀ = 1, with the sign of Condon and Shortley), for a centre of element μ₀,
///
///     g_k(r)                                            radial basis of the bond (μ₀, μ), k = 1 …
///     A_μn = Σ_j g_n(r_j)                               for functions of one factor
///     A_μnlm = Σ_j R_nl(r_j) Y_lm(r̂_j),  R_nl = Σ_k c_nlk g_k
///     ρ_p = Σ_functions Σ_m Re(c_p(m) Π_t A_{μₜnₜlₜmₜ})
///     E = scale · Σ_p w_p F(ρ_p; m_p) + E₀,             and core repulsion, see `InnerCutoff`.
///
/// Of GRACE-FS: real harmonics, A_nlm = Σ_j Z_n(μ_j) R_nl Y_lm summed over neighbours of all elements, which functions
/// of one factor have too.
package struct ACEFile: Sendable {
  /// F_m(ρ).
  package enum EmbeddingForm: String, Sendable, CaseIterable {
    case finnisSinclair = "FinnisSinclair"
    case shiftedScaled = "FinnisSinclairShiftedScaled"
  }

  package struct Embedding: Sendable, Equatable {
    package var form: EmbeddingForm
    /// w_p and m_p.
    package var weights: [Double]
    package var exponents: [Double]
    /// Where the switch of the core energy ends, and over how much, eV.
    package var coreCutoff = 1e5
    package var coreWidth = 250.0

    package var densityCount: Int { weights.count }

    package init(form: EmbeddingForm, weights: [Double], exponents: [Double]) {
      self.form = form
      self.weights = weights
      self.exponents = exponents
    }
  }

  package enum RadialForm: String, Sendable, CaseIterable {
    case chebyshevExponential = "ChebExpCos"
    case chebyshevPower = "ChebPow"
    case chebyshevLinear = "ChebLinear"
    case sphericalBessel = "SBessel"
  }

  /// What depends on the elements of centre and neighbour.
  package struct Bond: Sendable, Equatable {
    package var form = RadialForm.sphericalBessel
    /// λ of the Chebyshev forms.
    package var parameter = 0.0
    package var cutoff = 0.0
    /// Width of the second envelope of ChebExpCos, and of the end of the core repulsion of `zbl`, Å.
    package var cutoffWidth = 0.0
    /// Numbers of g_k, of n and of l (without 0), and c_nlk: [n][l][k].
    package var basisCount = 0
    package var radialCount = 0
    package var degree = 0
    package var coefficients: [Double] = []
    /// Core repulsion.
    package var corePrefactor = 0.0
    package var coreDecay = 0.0
    /// Where the inner switch ends, and over how much, Å.
    package var innerCutoff = 0.0
    package var innerWidth = 0.0
    /// Spacing of the tables that the potential was fitted with, Å.
    package var tableStep = 0.001

    package init() {}
  }

  /// What happens between atoms that are very close. With q(x; x₀, δ) a polynomial step from 1 at x₀ − δ to 0 at x₀:
  package enum InnerCutoff: String, Sendable, CaseIterable {
    /// ρ_c = Σ_j P e^(−λr²)/r · ½(1 + cos πr/r_c), E = E_FS q(ρ_c) + ρ_c.
    case density
    /// The same, and the g_k are multiplied by 1 − q(r), the core repulsion by q(r).
    case distance
    /// ρ_c is half the screened nuclear repulsion; E = E_FS f + ρ_c (1 − f), f = q(inner cutoff − r) of the nearest
    /// neighbour.
    case zbl
  }

  package struct Factor: Sendable, Hashable {
    /// Element of the neighbours, n from 1, l.
    package var element: Int
    package var n: Int
    package var l: Int

    package init(element: Int, n: Int, l: Int) {
      self.element = element
      self.n = n
      self.l = l
    }
  }

  package struct Function: Sendable {
    package var factors: [Factor]
    /// m of each term and factor.
    package var orders: [Int]
    /// c of each term and density.
    package var coefficients: [Double]
    /// Without c, a number a term; nil where the file does not tell (C-tilde bases).
    package var couplings: [Double]?
    /// Its row in the active set.
    package var row = 0

    package init(factors: [Factor], orders: [Int], coefficients: [Double], couplings: [Double]? = nil) {
      self.factors = factors
      self.orders = orders
      self.coefficients = coefficients
      self.couplings = couplings
    }
    package var rank: Int { factors.count }
    package var termCount: Int { orders.count / max(factors.count, 1) }
  }

  package var elements: [String] = []
  /// E₀ of each element, eV.
  package var offsets: [Double] = []
  package var scale = 1.0
  package var embeddings: [Embedding] = []
  /// [centre · elements + neighbour].
  package var bonds: [Bond] = []
  package var innerCutoff = InnerCutoff.density
  /// Of each element as the centre.
  package var functions: [[Function]] = []
  /// Z_n of each element, with the norm in it: of GRACE-FS alone.
  package var neighborWeights: [[Double]]?
  package var activeSet: ACEActiveSet?

  package init() {}

  /// Whether it is a GRACE-FS, with real harmonics and one sum for all elements.
  package var isReal: Bool { neighborWeights != nil }

  package func bond(_ centre: Int, _ neighbor: Int) -> Bond { bonds[centre * elements.count + neighbor] }

  /// Å.
  package var cutoff: Double { bonds.map(\.cutoff).max() ?? 0 }

  // What the kernels are made for.
  package static let mostFactors = 8
  package static let mostDensities = 8
  package static let mostDegree = 12
  package static let mostRadialFunctions = 200
}

extension ACEFile {
  /// The potential of some of its elements, in the given order. Functions of the others go.
  package func restricted(to kept: [Int]) -> ACEFile {
    var file = self
    var place = [Int](repeating: -1, count: elements.count)
    for (new, old) in kept.enumerated() { place[old] = new }
    file.elements = kept.map { elements[$0] }
    file.offsets = kept.map { offsets[$0] }
    file.embeddings = kept.map { embeddings[$0] }
    file.bonds = kept.flatMap { a in kept.map { bond(a, $0) } }
    file.neighborWeights = neighborWeights.map { all in kept.map { all[$0] } }
    file.functions = kept.map { centre in
      functions[centre].compactMap { function in
        // The factors of a GRACE-FS belong to no element.
        if isReal { return function }
        var function = function
        for t in function.factors.indices {
          let new = place[function.factors[t].element]
          if new < 0 { return nil }
          function.factors[t].element = new
        }
        return function
      }
    }
    if let set = activeSet { file.activeSet = set.restricted(to: kept) }
    return file
  }
}
