import Foundation
import MDSimulation
import Testing

@Suite("Equation of state") struct EquationOfStateTests {
  /// E = E₀ + (9 V₀ B₀/16) {y³ B′ + y² [6 − 4 (V₀/V)^(2/3)]}, as Birch's paper has it.
  private static func energy(_ v: Double, _ e0: Double, _ v0: Double, _ b: Double, _ slope: Double) -> Double {
    let x = pow(v0 / v, 2.0 / 3)
    return e0 + 9 * v0 * b / 16 * (pow(x - 1, 3) * slope + pow(x - 1, 2) * (6 - 4 * x))
  }

  @Test("a curve of Birch and Murnaghan is found again", arguments: [(-4.1, 11.9, 0.9, 5.1), (3, 40, 0.05, 3.2)])
  func exact(_ e0: Double, _ v0: Double, _ b: Double, _ slope: Double) throws {
    // Not in the middle of the points.
    let volumes = (0..<9).map { v0 * (0.93 + 0.02 * Double($0)) }
    let fit = try #require(
      BirchMurnaghan(volumes: volumes, energies: volumes.map { Self.energy($0, e0, v0, b, slope) }))
    #expect(abs(fit.energy - e0) < 1e-10 && abs(fit.volume - v0) < 1e-8 * v0)
    #expect(abs(fit.modulus - b) < 1e-7 * b && abs(fit.derivative - slope) < 1e-5 && fit.deviation < 1e-10)
  }

  @Test("no minimum, no fit") func none() {
    let volumes = (0..<9).map { 10 + 0.2 * Double($0) }
    #expect(BirchMurnaghan(volumes: volumes, energies: volumes.map { -0.1 * $0 }) == nil)
    #expect(BirchMurnaghan(volumes: volumes, energies: volumes.map { -pow($0 - 11, 2) }) == nil)
  }
}
