/// One atom-centred symmetry function of atom i over its neighbours j (radial) or pairs of neighbours j < k (angular).
///
/// Gaussian family (Behler, J. Chem. Phys. 134, 074106 (2011); weighted: Gastegger et al., J. Chem. Phys. 148,
/// 241709 (2018)), with e(r) = exp(−η (r − r_s)²)·f_c(r) and A = 2^(1−ζ) (1 + λ cos θᵢ)^ζ (zero where 1 + λ cos θ ≤ 0):
/// - radial (2): Σⱼ e(rᵢⱼ);
/// - angular narrow (3): Σ A e(rᵢⱼ) e(rᵢₖ) e(rⱼₖ);
/// - angular wide (9): Σ A e(rᵢⱼ) e(rᵢₖ);
/// - weighted radial (12) and weighted angular narrow (13): each term times Zⱼ or Zⱼ·Zₖ, over all elements.
///
/// Polynomials with compact support (Bircher, Singraber and Dellago, Mach. Learn.: Sci. Technol. 2, 035026 (2021)),
/// with the bump C(x; left, right) of `CompactFunction`, R(r) = C(r; r_low, r_cut) and Θ = C(θᵢ; θ_left, θ_right):
/// - radial (20): Σ R(rᵢⱼ); angular narrow (21): Σ Θ R(rᵢⱼ) R(rᵢₖ) R(rⱼₖ); angular wide (22): Σ Θ R(rᵢⱼ) R(rᵢₖ);
/// - weighted by Z (23, 24, 25): the same three over all elements.
public struct SymmetryFunction: Sendable, Hashable {
  /// Raw values are the numbers that the files use.
  public enum Kind: Int, Sendable, CaseIterable {
    case radial = 2
    case angularNarrow = 3
    case angularWide = 9
    case weightedRadial = 12
    case weightedAngularNarrow = 13
    case compactRadial = 20
    case compactAngularNarrow = 21
    case compactAngularWide = 22
    case weightedCompactRadial = 23
    case weightedCompactAngularNarrow = 24
    case weightedCompactAngularWide = 25

    public var isRadial: Bool {
      switch self {
      case .radial, .weightedRadial, .compactRadial, .weightedCompactRadial: true
      default: false
      }
    }
    /// Has a factor of the distance between the neighbours.
    public var isNarrow: Bool {
      switch self {
      case .angularNarrow, .weightedAngularNarrow, .compactAngularNarrow, .weightedCompactAngularNarrow: true
      default: false
      }
    }
    public var isWeighted: Bool {
      switch self {
      case .weightedRadial, .weightedAngularNarrow, .weightedCompactRadial, .weightedCompactAngularNarrow,
        .weightedCompactAngularWide:
        true
      default: false
      }
    }
    public var isCompact: Bool { rawValue >= 20 }
  }

  public var kind: Kind
  /// Indices of the neighbours' elements with first ≤ second; 0 where the kind has none (weighted, radial second).
  public var firstNeighbor = 0
  public var secondNeighbor = 0
  /// r_c, or r_cut of compact functions, Å.
  public var cutoff: Double

  /// η, Å⁻².
  public var eta = 0.0
  /// r_s, Å.
  public var shift = 0.0
  /// λ, usually ±1.
  public var lambda = 0.0
  /// ζ.
  public var zeta = 0.0
  /// f_c of the Gaussian family.
  public var cutoffFunction = CutoffFunction(.hard)

  /// r_low of compact functions, Å; may be negative.
  public var lowerRadius = 0.0
  /// θ_left and θ_right, radians; they may lie beyond 0 and π when the bump is centred there.
  public var angleLeft = 0.0
  public var angleRight = 0.0
  public var compact = CompactFunction(.polynomial2)

  public init(_ kind: Kind, cutoff: Double) {
    self.kind = kind
    self.cutoff = cutoff
  }
}

/// f_c(r): 1 inside r_i = α·r_c, 0 beyond r_c; with x = (r − r_i)/(r_c − r_i) in between.
public struct CutoffFunction: Sendable, Hashable {
  /// Raw values are those of `cutoff_type`.
  public enum Kind: Int, Sendable, CaseIterable {
    /// 1 up to the cutoff.
    case hard = 0
    /// ½ (cos πx + 1).
    case cosine = 1
    /// tanh³(1 − r/r_c); ignores α.
    case tanhUnnormalized = 2
    /// tanh³(1 − r/r_c) / tanh³ 1; ignores α.
    case tanh = 3
    /// exp(1 − 1/(1 − x²)).
    case exponential = 4
    /// (2x − 3)x² + 1.
    case polynomial1 = 5
    /// ((15 − 6x)x − 10)x³ + 1.
    case polynomial2 = 6
    /// (x(x(20x − 70) + 84) − 35)x⁴ + 1.
    case polynomial3 = 7
    /// (x(x((315 − 70x)x − 540) + 420) − 126)x⁵ + 1.
    case polynomial4 = 8
  }
  public var kind: Kind
  /// 0 ≤ α < 1.
  public var alpha: Double

  public init(_ kind: Kind, alpha: Double = 0) {
    self.kind = kind
    self.alpha = alpha
  }
}

/// The bump C(x; left, right): core(|x − c|/w) with centre c and half-width w, zero outside.
/// The cores are those of the polynomial and exponential cutoff functions. C is smooth across a centre at θ = 0 or π,
/// so collinear neighbours count in full (n2p2 leaves out a triple whose cosine rounds to exactly ±1).
public struct CompactFunction: Sendable, Hashable {
  public enum Core: Int, Sendable, CaseIterable {
    case exponential = 0
    case polynomial1
    case polynomial2
    case polynomial3
    case polynomial4
  }
  public var core: Core
  /// In R, the core is taken of 2x − x² instead of x (subtypes p1a … p4a); Θ is symmetric all the same.
  public var isAsymmetric: Bool

  public init(_ core: Core, isAsymmetric: Bool = false) {
    self.core = core
    self.isAsymmetric = isAsymmetric
  }
}
