import Foundation
import MDCore
import MDNumerics
import MDPotentials
import MDTestSupport
import Testing

/// The published potentials give back what they were fitted to.
@Suite struct ZhouTests {
  enum Lattice: Sendable { case fcc, bcc, hcp }

  struct Metal: Sendable {
    let symbol: String
    let lattice: Lattice
    /// r_e of the paper, Å: the distance of nearest neighbours in equilibrium.
    let neighbor: Double
    /// The cohesive energy that was fitted, eV; hcp at the ideal ratio of axes.
    let cohesion: Double
  }

  static let metals: [Metal] = [
    .init(symbol: "Cu", lattice: .fcc, neighbor: 2.556162, cohesion: 3.54),
    .init(symbol: "Ag", lattice: .fcc, neighbor: 2.891814, cohesion: 2.85),
    .init(symbol: "Au", lattice: .fcc, neighbor: 2.885034, cohesion: 3.93),
    .init(symbol: "Ni", lattice: .fcc, neighbor: 2.488746, cohesion: 4.45),
    .init(symbol: "Pd", lattice: .fcc, neighbor: 2.750897, cohesion: 3.91),
    .init(symbol: "Pt", lattice: .fcc, neighbor: 2.771916, cohesion: 5.77),
    .init(symbol: "Al", lattice: .fcc, neighbor: 2.863924, cohesion: 3.58),
    .init(symbol: "Pb", lattice: .fcc, neighbor: 3.499723, cohesion: 2.02),
    .init(symbol: "Fe", lattice: .bcc, neighbor: 2.481987, cohesion: 4.29),
    .init(symbol: "Mo", lattice: .bcc, neighbor: 2.728100, cohesion: 6.81),
    .init(symbol: "Ta", lattice: .bcc, neighbor: 2.860082, cohesion: 8.09),
    .init(symbol: "W", lattice: .bcc, neighbor: 2.740840, cohesion: 8.76),
    .init(symbol: "Mg", lattice: .hcp, neighbor: 3.196291, cohesion: 1.55),
    .init(symbol: "Co", lattice: .hcp, neighbor: 2.505979, cohesion: 4.41),
    .init(symbol: "Ti", lattice: .hcp, neighbor: 2.933872, cohesion: 4.87),
    .init(symbol: "Zr", lattice: .hcp, neighbor: 3.199978, cohesion: 6.36),
  ]

  static func energy(_ metal: Metal, neighbor d: Double, _ eam: EAMPotential) throws -> Double {
    let cell: Matrix3
    let basis: [Vector3]
    switch metal.lattice {
    case .fcc:
      cell = Matrix3(diagonal: Vector3(repeating: d * 2.0.squareRoot()))
      basis = [.zero, Vector3(0, 0.5, 0.5), Vector3(0.5, 0, 0.5), Vector3(0.5, 0.5, 0)]
    case .bcc:
      cell = Matrix3(diagonal: Vector3(repeating: d * 2 / 3.0.squareRoot()))
      basis = [.zero, Vector3(repeating: 0.5)]
    case .hcp:
      // The ideal ratio of axes.
      let c = d * (8.0 / 3).squareRoot()
      cell = Matrix3(Vector3(d, 0, 0), Vector3(-0.5 * d, 0.75.squareRoot() * d, 0), Vector3(0, 0, c))
      basis = [.zero, Vector3(1.0 / 3, 2.0 / 3, 0.5)]
    }
    let s = Structure(
      box: Box(cell: cell), species: [metal.symbol], types: basis.map { _ in 0 }, positions: basis.map { $0 * cell })
    return try BruteForceSystem(s, reach: eam.requirements.cutoff).evaluate([eam], want: .energy).energy
      / Double(basis.count)
  }

  @Test(arguments: metals) func latticeConstantAndCohesion(metal: Metal) throws {
    let eam = try EAMPotential.zhou2004(species: [metal.symbol])
    // A parabola through three points about the published distance.
    let h = 0.002 * metal.neighbor
    let e = try [-h, 0, h].map { try Self.energy(metal, neighbor: metal.neighbor + $0, eam) }
    let minimum = metal.neighbor + 0.5 * h * (e[0] - e[2]) / (e[0] - 2 * e[1] + e[2])
    #expect(abs(minimum / metal.neighbor - 1) < 5e-4, "\(metal.symbol): nearest neighbours at \(minimum) Å")
    #expect(abs(e[1] + metal.cohesion) < 2e-3, "\(metal.symbol): energy \(e[1]) eV")
  }

  /// φ_ab = ½ (f_b/f_a φ_aa + f_a/f_b φ_bb), where the tables do not fade out yet.
  @Test func alloys() throws {
    let tables = try Zhou2004.tables(["Cu", "Al"])
    func z(_ a: Int, _ b: Int, _ k: Int) -> Double { tables.pair(a, b)[k] }
    for k in stride(from: 1500, through: 4400, by: 100) {
      let (f, g) = (tables.elements[0].density[0][k], tables.elements[1].density[0][k])
      let expected = 0.5 * (g / f * z(0, 0, k) + f / g * z(1, 1, k))
      #expect(abs(z(0, 1, k) - expected) < 1e-12 * max(1, abs(expected)))
    }
  }

  /// F(ρ) = F_e [1 − η ln(ρ/ρ_s)] (ρ/ρ_s)^η from 1.15 ρ_e on; aluminium, whose ρ_s is not ρ_e.
  @Test func embeddingAtHighDensity() throws {
    let tables = try Zhou2004.tables(["Al"])
    let (rhoe, rhos, eta, fe) = (20.418205, 23.19574, 0.785902, -2.824528)
    for factor in [1.2, 1.5, 2, 3] {
      let k = Int(factor * rhoe / tables.densityStep)
      let x = Double(k) * tables.densityStep / rhos
      let expected = fe * (1 - eta * log(x)) * pow(x, eta)
      #expect(abs(tables.elements[0].embedding[k] - expected) < 1e-12)
    }
  }

  /// An atom alone has no energy.
  @Test(arguments: metals) func isolatedAtom(metal: Metal) throws {
    let s = Structure(
      box: Box(lengths: Vector3(repeating: 20), periodic: .none), species: [metal.symbol], types: [0],
      positions: [Vector3(10, 10, 10)])
    let energy = try BruteForceSystem(s, reach: 8).evaluate([EAMPotential.zhou2004(species: [metal.symbol])]).energy
    // The published F_ni have six digits.
    #expect(abs(energy) < 5e-6)
  }
}
