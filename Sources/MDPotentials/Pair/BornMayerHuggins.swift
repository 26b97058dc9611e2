import MDCore
import MDNumerics

/// φ(r) = A e^((σ − r)/ρ) − C/r⁶ − D/r⁸, the short-ranged part of Born, Mayer and Huggins's potential for ions; it
/// falls to −∞ at very short distances. M. Born, J. E. Mayer, Z. Phys. 75, 1 (1932); M. L. Huggins, J. E. Mayer,
/// J. Chem. Phys. 1, 643 (1933).
package struct BornMayerHuggins: PairForm {
  package struct Parameters: Sendable, Equatable {
    /// A, eV.
    package var amplitude: Double
    /// σ, Å.
    package var size: Double
    /// ρ, Å.
    package var length: Double
    /// C, eV·Å⁶.
    package var dispersion: Double
    /// D, eV·Å⁸.
    package var quadrupole: Double
    /// Å; nil means the potential's.
    package var cutoff: Double?

    package init(
      amplitude: Double, size: Double, length: Double, dispersion: Double, quadrupole: Double, cutoff: Double? = nil
    ) {
      self.amplitude = amplitude
      self.size = size
      self.length = length
      self.dispersion = dispersion
      self.quadrupole = quadrupole
      self.cutoff = cutoff
    }
  }

  let cutoff: Double
  private let amplitude: Double
  private let size: Double
  private let inverseLength: Double
  private let dispersion: Double
  private let quadrupole: Double

  init(_ p: Parameters, cutoff: Double) throws {
    try requirePositive(p.length, "the Born–Mayer–Huggins ρ")
    guard [p.amplitude, p.size, p.dispersion, p.quadrupole].allSatisfy(\.isFinite) else {
      throw FaultlineError(.input, "a Born–Mayer–Huggins parameter is not a number", hint: "A, σ, C and D are finite")
    }
    self.cutoff = p.cutoff ?? cutoff
    amplitude = p.amplitude
    size = p.size
    inverseLength = 1 / p.length
    dispersion = p.dispersion
    quadrupole = p.quadrupole
  }

  @inline(__always)
  func evaluate(_ r2: SIMD4<Double>) -> (energy: SIMD4<Double>, force: SIMD4<Double>) {
    let r = positiveSquareRoot(r2)
    let repulsion = amplitude * exponential((size - r) * inverseLength)
    let w = reciprocal(r2)
    let w3 = w * w * w
    let sixth = dispersion * w3
    let eighth = quadrupole * (w3 * w)
    return (repulsion - sixth - eighth, inverseLength * repulsion * (r * w) - (6 * sixth + 8 * eighth) * w)
  }
}

extension PairPotential {
  /// Born–Mayer–Huggins. A pair's own cutoff goes before `cutoff` (Å).
  package convenience init(
    bornMayerHuggins given: [SpeciesPair: BornMayerHuggins.Parameters], cutoff: Double,
    truncation: PairTruncation = .cut, species: [String]
  ) throws {
    let forms = try SpeciesPairTable<BornMayerHuggins?>(species) { a, b in
      try BornMayerHuggins(pairParameters(given, species[a], species[b], "born_mayer_huggins"), cutoff: cutoff)
    }
    try self.init(name: "born_mayer_huggins", forms, truncation: truncation)
  }
}
