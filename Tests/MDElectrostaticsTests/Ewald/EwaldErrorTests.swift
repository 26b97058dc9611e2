import MDCore
import MDElectrostatics
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
}
