import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDTestSupport
import Testing

@Suite struct EwaldErrorTests {
  /// The choice of α and k_c delivers the error that was asked for, by the same formulas.
  @Test(arguments: [1e-2, 1e-4, 1e-7, 1e-10]) func choices(error: Double) {
    let charges = ChargeStatistics(count: 4096, sum: 0, squares: 4096, occupiedVolume: 92_000)
    let alpha = EwaldErrors.splitting(cutoff: 10, error: error, charges)
    #expect(abs(EwaldErrors.realSpace(splitting: alpha, cutoff: 10, charges) / error - 1) < 1e-9)
    let kc = EwaldErrors.reciprocalCutoff(splitting: alpha, error: error, charges)
    #expect(abs(EwaldErrors.reciprocal(splitting: alpha, cutoff: kc, charges) / error - 1) < 1e-9)
  }

  /// Forces of the waves that are left out, one by one, on charges at random places.
  @Test(arguments: [(0.35, 1.8), (0.3, 1.8), (0.35, 1.3)]) func wavesLeftOut(alpha: Double, cutoff: Double) {
    let (length, count) = (15.0, 60)
    var random = Randoms(5)
    let places = (0..<count).map { _ in length * random.vector() }
    let charges = places.indices.map { $0.isMultiple(of: 2) ? 1.0 : -1 }
    var forces = places.map { _ in Vector3.zero }
    let last = Int(2 * cutoff * length / (2 * .pi))
    for a in -last...last {
      for b in -last...last {
        for c in -last...last {
          let k = 2 * Double.pi / length * Vector3(Double(a), Double(b), Double(c))
          guard k.length > cutoff else { continue }
          let phases = places.map { dot(k, $0) }
          let cosines = zip(charges, phases).reduce(0) { $0 + $1.0 * cos($1.1) }
          let sines = zip(charges, phases).reduce(0) { $0 + $1.0 * sin($1.1) }
          let weight =
            4 * Double.pi * Units.coulomb / (length * length * length) / k.squaredLength
            * exp(-k.squaredLength / (4 * alpha * alpha))
          for i in places.indices {
            forces[i] += charges[i] * weight * (sin(phases[i]) * cosines - cos(phases[i]) * sines) * k
          }
        }
      }
    }
    let found = (forces.reduce(0) { $0 + $1.squaredLength } / Double(count)).squareRoot()
    let estimate = EwaldErrors.reciprocal(
      splitting: alpha, cutoff: cutoff,
      ChargeStatistics(count: count, sum: 0, squares: Double(count), occupiedVolume: length * length * length))
    #expect(found / estimate > 0.7 && found / estimate < 1.5, "\(found), \(estimate)")
  }
}
