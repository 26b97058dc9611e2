import MDCore
import MDNumerics

/// φ(r) = A e^(−r/ρ) − C/r⁶. It falls to −∞ at very short distances, where no run may get.
/// R. A. Buckingham, Proc. R. Soc. A 168, 264 (1938).
package struct Buckingham: PairForm {
  package struct Parameters: Sendable, Equatable {
    /// A, eV.
    package var amplitude: Double
    /// ρ, Å.
    package var length: Double
    /// C, eV·Å⁶.
    package var dispersion: Double
    /// Å; nil means the potential's.
    package var cutoff: Double?

    package init(amplitude: Double, length: Double, dispersion: Double, cutoff: Double? = nil) {
      self.amplitude = amplitude
      self.length = length
      self.dispersion = dispersion
      self.cutoff = cutoff
    }
  }

  let cutoff: Double
  private let amplitude: Double
  private let inverseLength: Double
  private let dispersion: Double

  init(_ p: Parameters, cutoff: Double) throws {
    try requirePositive(p.length, "the Buckingham ρ")
    guard p.amplitude.isFinite, p.dispersion.isFinite else {
      throw FaultlineError(.input, "the Buckingham A is \(p.amplitude), C is \(p.dispersion)", hint: "finite numbers")
    }
    self.cutoff = p.cutoff ?? cutoff
    amplitude = p.amplitude
    inverseLength = 1 / p.length
    dispersion = p.dispersion
  }

  @inline(__always)
  func evaluate(_ r2: SIMD4<Double>) -> (energy: SIMD4<Double>, force: SIMD4<Double>) {
    let r = positiveSquareRoot(r2)
    let repulsion = amplitude * exponential(r * -inverseLength)
    let w = reciprocal(r2)
    let attraction = dispersion * (w * w * w)
    return (repulsion - attraction, inverseLength * repulsion * (r * w) - 6 * attraction * w)
  }
}

extension PairPotential {
  /// Buckingham. A pair's own cutoff goes before `cutoff` (Å).
  package convenience init(
    buckingham given: [SpeciesPair: Buckingham.Parameters], cutoff: Double, truncation: PairTruncation = .cut,
    species: [String]
  ) throws {
    let forms = try SpeciesPairTable<Buckingham?>(species) { a, b in
      try Buckingham(pairParameters(given, species[a], species[b], "buckingham"), cutoff: cutoff)
    }
    try self.init(name: "buckingham", forms, truncation: truncation)
  }
}
