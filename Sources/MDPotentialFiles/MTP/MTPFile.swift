import MDCore

/// What a moment tensor potential's file says (`.mtp` of MLIP-2, `.almtp` of MLIP-3, version 1.1.0).
///
/// V = ξ⁰_z + Σ_α ξ_α B_α; the basic moments M_{μ,abc} = Σ_j f_μ(r) n_x^a n_y^b n_z^c, products of moments in the
/// file's order, and the moments among them that are scalars of the energy (Shapeev, Multiscale Model. Simul. 14,
/// 1153 (2016)).
package struct MTPFile: Sendable {
  /// One component of a basic moment.
  package struct Basic: Sendable, Equatable {
    package var radial: Int
    package var powers: SIMD3<Int>
    package init(radial: Int, powers: SIMD3<Int>) {
      self.radial = radial
      self.powers = powers
    }

    package var rank: Int { powers.x + powers.y + powers.z }
  }

  /// M[target] += factor · M[first] · M[second].
  package struct Product: Sendable, Equatable {
    package var first: Int
    package var second: Int
    package var factor: Double
    package var target: Int

    package init(first: Int, second: Int, factor: Double, target: Int) {
      self.first = first
      self.second = second
      self.factor = factor
      self.target = target
    }
  }

  /// What the kernels are made for: level 32.
  package static let mostRadialFunctions = 8

  package var name = ""
  package var scaling = 1.0
  /// How the file names its types, in their order: "0", "1", … unless written otherwise.
  package var labels: [String] = []
  package var speciesCount: Int { labels.count }
  /// Å.
  package var minimumDistance = 0.0
  package var cutoff = 0.0
  /// Whether the radial functions end at the minimum distance in a steep repulsion (RBChebyshev_repuls).
  package var isRepulsive = false
  /// R, the radial basis, and K, the radial functions.
  package var basisSize = 0
  package var radialCount = 0
  /// c[((centre · S + neighbour) · K + μ) · R + β].
  package var radialCoefficients: [Double] = []
  package var momentCount = 0
  package var basics: [Basic] = []
  package var products: [Product] = []
  /// The moments that are scalars of the energy.
  package var scalars: [Int] = []
  /// ξ⁰, eV.
  package var speciesCoefficients: [Double] = []
  /// ξ, eV.
  package var momentCoefficients: [Double] = []
  /// By which extrapolation grades are found; nil where the file has none.
  package var activeSet: MTPActiveSet?

  package init() {}

  /// Number of coefficients: radial, species, moments.
  package var coefficientCount: Int {
    speciesCount * speciesCount * radialCount * basisSize + speciesCount + scalars.count
  }
}

extension MTPFile {
  /// Whether both are the same numbers, whatever stands behind them.
  package func isSamePotential(as other: MTPFile) -> Bool {
    scaling == other.scaling && cutoff == other.cutoff && minimumDistance == other.minimumDistance
      && isRepulsive == other.isRepulsive && radialCoefficients == other.radialCoefficients && basics == other.basics
      && products == other.products && scalars == other.scalars && speciesCoefficients == other.speciesCoefficients
      && momentCoefficients == other.momentCoefficients
  }
}
