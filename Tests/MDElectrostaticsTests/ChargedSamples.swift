import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDTestSupport

/// Charged structures and the potential that all tests use, on one rank.
enum Samples {
  /// The structure with random charges in ±1 e that add up to `net`.
  static func charged(_ structure: Structure, net: Double = 0, seed: UInt64 = 5) -> Structure {
    var random = SplitMix64(seed: seed)
    var s = structure
    let q = (0..<s.count).map { _ in Double.random(in: -1...1, using: &random) }
    let excess = (q.reduce(0, +) - net) / Double(s.count)
    s.charges = q.map { $0 - excess }
    return s
  }

  static func potential(
    accuracy: Double = 1e-13, cutoff: Double = 6, splitting: Double? = nil, slabFactor: Double = 3,
    species: [String] = ["Na", "Cl"], widths: [Double]? = nil, net: Double = 0
  ) throws -> CoulombPotential {
    let communicator = LoopbackCommunicator()
    let options = LongRangeOptions(
      accuracy: accuracy, cutoff: cutoff, splitting: splitting, slabFactor: slabFactor)
    return try CoulombPotential(
      solver: BoundarySolver(
        EwaldSolver(options, communicator: communicator),
        open: DirectSolver(cutoff: cutoff, communicator: communicator)),
      cutoff: cutoff, species: species, widths: widths, netCharge: net, communicator: communicator)
  }

  static func evaluate(_ s: Structure, _ potential: CoulombPotential) throws -> BruteForceSystem.Result {
    try BruteForceSystem(s, reach: potential.requirements.cutoff).evaluate([potential])
  }

  /// √(mean |Δf|²), eV/Å.
  static func forceError(_ a: [Vector3], _ b: [Vector3]) -> Double {
    (zip(a, b).map { ($0 - $1).squaredLength }.reduce(0, +) / Double(a.count)).squareRoot()
  }

  /// A crystal from fractional coordinates of one cubic (or given) cell, repeated.
  static func crystal(
    _ cell: Matrix3, _ sites: [(charge: Double, place: Vector3)], copies: Int
  ) -> Structure {
    var positions: [Vector3] = []
    var charges: [Double] = []
    for a in 0..<copies {
      for b in 0..<copies {
        for c in 0..<copies {
          for site in sites {
            positions.append((site.place + Vector3(Double(a), Double(b), Double(c))) * cell)
            charges.append(site.charge)
          }
        }
      }
    }
    var s = Structure(
      box: Box(cell: Double(copies) * cell), species: ["Na", "Cl"],
      types: charges.map { $0 > 0 ? 0 : 1 }, positions: positions)
    s.charges = charges
    return s
  }
}
