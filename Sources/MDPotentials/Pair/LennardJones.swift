import MDCore
import MDNumerics

/// φ(r) = 4ε[(σ/r)¹² − (σ/r)⁶], ε in eV, σ and r in Å.
///
/// J. E. Jones, Proc. R. Soc. A 106, 463 (1924); for the mixing rules M. P. Allen, D. J. Tildesley, *Computer Simulation of
/// Liquids* (2017).
public struct LennardJones: PairForm {
  public struct Parameters: Sendable, Equatable {
    /// eV.
    public var epsilon: Double
    /// Å.
    public var sigma: Double
    /// Å; nil means the potential's.
    public var cutoff: Double?

    public init(epsilon: Double, sigma: Double, cutoff: Double? = nil) {
      self.epsilon = epsilon
      self.sigma = sigma
      self.cutoff = cutoff
    }
  }

  /// How parameters of unlike pairs come from those of the like ones where they are not given.
  public enum Mixing: String, Sendable, CaseIterable {
    /// Every pair must be given.
    case none
    /// Lorentz–Berthelot: the arithmetic mean of σ, the geometric mean of ε.
    case lorentzBerthelot
    /// Geometric means of both.
    case geometric
  }

  let cutoff: Double
  private let repulsion: Double
  private let attraction: Double

  init(_ p: Parameters, cutoff: Double) throws {
    try requirePositive(p.sigma, "the Lennard-Jones σ")
    guard p.epsilon >= 0, p.epsilon.isFinite else {
      throw FaultlineError(.input, "the Lennard-Jones ε is \(p.epsilon)", hint: "it must not be negative")
    }
    self.cutoff = p.cutoff ?? cutoff
    let s3 = p.sigma * p.sigma * p.sigma
    attraction = 4 * p.epsilon * s3 * s3
    repulsion = attraction * s3 * s3
  }

  @inline(__always)
  func evaluate(_ r2: SIMD4<Double>) -> (energy: SIMD4<Double>, force: SIMD4<Double>) {
    let w = reciprocal(r2)
    let w3 = w * w * w
    let a = attraction * w3
    let b = repulsion * (w3 * w3)
    return (b - a, (12 * b - 6 * a) * w)
  }
}

extension PairPotential {
  /// Lennard-Jones 12-6. A pair's own cutoff goes before `cutoff` (Å); of mixed pairs it is `cutoff`.
  public convenience init(
    lennardJones given: [SpeciesPair: LennardJones.Parameters], cutoff: Double, mixing: LennardJones.Mixing = .none,
    truncation: PairTruncation = .cut, species: [String]
  ) throws {
    let forms = try SpeciesPairTable<LennardJones?>(species) { a, b in
      if mixing == .none || given[SpeciesPair(species[a], species[b])] != nil {
        return try LennardJones(
          pairParameters(given, species[a], species[b], "lennard_jones"), cutoff: cutoff)
      }
      let p = try pairParameters(given, species[a], species[a], "lennard_jones")
      let q = try pairParameters(given, species[b], species[b], "lennard_jones")
      let sigma = mixing == .geometric ? (p.sigma * q.sigma).squareRoot() : 0.5 * (p.sigma + q.sigma)
      return try LennardJones(
        .init(epsilon: (p.epsilon * q.epsilon).squareRoot(), sigma: sigma), cutoff: cutoff)
    }
    try self.init(name: "lennard_jones", forms, truncation: truncation)
  }
}
