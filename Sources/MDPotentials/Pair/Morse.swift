import MDCore
import MDNumerics

/// φ(r) = D[e^(−2α(r − r₀)) − 2e^(−α(r − r₀))] + C/r¹². P. M. Morse, Phys. Rev. 34, 57 (1929); with the repulsion C
/// as the ionic model of A. Pedone et al., J. Phys. Chem. B 110, 11780 (2006), has it.
package struct Morse: PairForm {
  package struct Parameters: Sendable, Equatable {
    /// D, eV.
    package var depth: Double
    /// α, 1/Å.
    package var stiffness: Double
    /// r₀, Å.
    package var distance: Double
    /// C, eV·Å¹².
    package var repulsion: Double
    /// Å; nil means the potential's.
    package var cutoff: Double?

    package init(depth: Double, stiffness: Double, distance: Double, repulsion: Double = 0, cutoff: Double? = nil) {
      self.depth = depth
      self.stiffness = stiffness
      self.distance = distance
      self.repulsion = repulsion
      self.cutoff = cutoff
    }
  }

  let cutoff: Double
  private let depth: Double
  private let stiffness: Double
  private let distance: Double
  private let repulsion: Double

  init(_ p: Parameters, cutoff: Double) throws {
    try requirePositive(p.stiffness, "the Morse α")
    try requirePositive(p.distance, "the Morse r₀")
    try requireNotNegative(p.depth, "the Morse D")
    try requireNotNegative(p.repulsion, "the Morse C")
    self.cutoff = p.cutoff ?? cutoff
    depth = p.depth
    stiffness = p.stiffness
    distance = p.distance
    repulsion = p.repulsion
  }

  @inline(__always)
  func evaluate(_ r2: SIMD4<Double>) -> (energy: SIMD4<Double>, force: SIMD4<Double>) {
    let r = positiveSquareRoot(r2)
    let e = exponential((distance - r) * stiffness)
    let de = depth * e
    let w = reciprocal(r2)
    let w3 = w * w * w
    let core = w3 * w3 * repulsion
    return ((de * (e - 2)) + core, ((2 * stiffness) * de * (e - 1) * r).addingProduct(core, Lanes(repeating: 12)) * w)
  }
}

extension PairPotential {
  /// Morse. A pair's own cutoff goes before `cutoff` (Å).
  package convenience init(
    morse given: [SpeciesPair: Morse.Parameters], cutoff: Double, truncation: PairTruncation = .cut, species: [String]
  ) throws {
    let forms = try SpeciesPairTable<Morse?>(species) { a, b in
      try Morse(pairParameters(given, species[a], species[b], "morse"), cutoff: cutoff)
    }
    try self.init(name: "morse", forms, truncation: truncation)
  }
}
