import Foundation
import MDCore
import MDNumerics
import MDTestSupport
import Testing

/// Gaussian charges against sums that share nothing with the solvers.
@Suite struct GaussianTests {
  static let widths = [0.45, 0.6]

  /// Periodic: every Fourier component of the Gaussians, without splitting.
  @Test(arguments: [0.0, 1.7]) func fourier(net: Double) throws {
    let s = Samples.charged(TestStructures.crystal(["Na", "Cl"], spacing: 2.6, cells: [1, 2, 1]), net: net)
    let q = s.charges!
    let sigma = s.types.map { Self.widths[Int($0)] }
    let reciprocal = s.box.inverse.transpose
    var energy = 0.0
    var forces = [Vector3](repeating: .zero, count: s.count)
    // e^(−k²σ²) < 10⁻¹⁷ beyond |k| = 14/Å: |nᵢ| ≤ 14 |aᵢ|/2π
    let n = (0..<3).map { Int(14 * s.box.cell[$0].length / (2 * .pi)) }
    for a in -n[0]...n[0] {
      for b in -n[1]...n[1] {
        for c in -n[2]...n[2] where (a, b, c) != (0, 0, 0) {
          let k = 2 * .pi * (Vector3(Double(a), Double(b), Double(c)) * reciprocal)
          let k2 = k.squaredLength
          if k2 > 14 * 14 { continue }
          let shape = sigma.map { exp(-k2 * $0 * $0 / 2) }
          let phase = s.positions.map { dot(k, $0) }
          var (re, im) = (0.0, 0.0)
          for i in q.indices {
            re += q[i] * shape[i] * cos(phase[i])
            im += q[i] * shape[i] * sin(phase[i])
          }
          let g = 4 * .pi * Units.coulomb / s.box.volume / k2
          energy += 0.5 * g * (re * re + im * im)
          for i in q.indices {
            forces[i] += (g * q[i] * shape[i] * (re * sin(phase[i]) - im * cos(phase[i]))) * k
          }
        }
      }
    }
    let found = try Samples.evaluate(s, Samples.potential(widths: Self.widths, net: net))
    #expect(abs(found.energy - energy) < 1e-9, "\(found.energy), \(energy)")
    #expect(Samples.forceError(found.forces, forces) < 1e-10)
  }

  /// Open: pairs erf(r/√2γ)/r and each charge with itself.
  @Test func cluster() throws {
    let s = Samples.charged(
      TestStructures.crystal(["Na", "Cl"], spacing: 2.9, cells: [2, 2, 1], periodic: .none), net: 1)
    let q = s.charges!
    var energy = 0.0
    for i in q.indices {
      energy += Units.coulomb * q[i] * q[i] / (2 * Self.widths[Int(s.types[i])] * Double.pi.squareRoot())
      for j in 0..<i {
        let a = Self.widths[Int(s.types[i])]
        let b = Self.widths[Int(s.types[j])]
        let r = (s.positions[i] - s.positions[j]).length
        energy += Units.coulomb * q[i] * q[j] * erf(r / (2 * (a * a + b * b)).squareRoot()) / r
      }
    }
    let found = try Samples.evaluate(s, Samples.potential(widths: Self.widths, net: 1))
    #expect(abs(found.energy - energy) < 1e-10)
  }
}
