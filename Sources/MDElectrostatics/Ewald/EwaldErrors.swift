import Foundation
import MDCore
import MDNumerics

/// Root-mean-square force errors of an Ewald sum for charges without order, eV/Å.
///
/// J. Kolafa, J. W. Perram, Mol. Simul. 9, 351 (1992), eqs. 18 and 32, written with the density of Σq² where there are
/// charges: errors of either sum come from within some ten ångström (that of cut wave vectors decays as cos(k_c r)/r²),
/// so vacuum around a slab does not make them smaller.
package enum EwaldErrors {
  /// Of erfc(αr)/r cut at r_c: (2C/√N) Σq² e^(−α²r_c²) / √(r_c V), V the volume that holds the charges.
  package static func realSpace(splitting alpha: Double, cutoff: Double, _ charges: ChargeStatistics) -> Double {
    let q = charges.squares / Double(max(charges.count, 1)).squareRoot()
    return 2 * Units.coulomb * q * exp(-alpha * alpha * cutoff * cutoff)
      / (cutoff * charges.occupiedVolume).squareRoot()
  }

  /// Of wave vectors cut at |k| = k_c: (2C/√N) Σq² α √(2/(k_c V)) e^(−k_c²/4α²).
  package static func reciprocal(splitting alpha: Double, cutoff kc: Double, _ charges: ChargeStatistics) -> Double {
    let q = charges.squares / Double(max(charges.count, 1)).squareRoot()
    return 2 * Units.coulomb * q * alpha * (2 / (kc * charges.occupiedVolume)).squareRoot()
      * exp(-kc * kc / (4 * alpha * alpha))
  }

  /// The smallest α whose real-space error is `error` (eV/Å).
  package static func splitting(cutoff: Double, error: Double, _ charges: ChargeStatistics) -> Double {
    let bare = realSpace(splitting: 0, cutoff: cutoff, charges)
    // At least erfc = 0.03 at the cutoff, however little is asked.
    return max(log(max(bare / error, 1)).squareRoot(), 1.5) / cutoff
  }

  /// The smallest k_c (1/Å) whose reciprocal-space error is `error` (eV/Å).
  package static func reciprocalCutoff(
    splitting alpha: Double, error: Double, _ charges: ChargeStatistics
  ) -> Double {
    var low = alpha
    var high = 2 * alpha
    func isEnough(_ k: Double) -> Bool { reciprocal(splitting: alpha, cutoff: k, charges) <= error }
    while !isEnough(high) { high *= 1.5 }
    for _ in 0..<60 {
      let middle = 0.5 * (low + high)
      if isEnough(middle) { high = middle } else { low = middle }
    }
    return high
  }
}

extension LongRangeOptions {
  /// Half of the squared error for each of real and reciprocal space, eV/Å.
  package var errorPerPart: Double { accuracy * Units.coulomb / 2.0.squareRoot() }

  /// α as given, or from the cutoff.
  package func splitting(for charges: ChargeStatistics) -> Double {
    splitting ?? EwaldErrors.splitting(cutoff: cutoff, error: errorPerPart, charges)
  }
}
