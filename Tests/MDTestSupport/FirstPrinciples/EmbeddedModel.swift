import MDCore
import MDNumerics

/// E = Σᵢ F(ρᵢ) with several densities ρₖ,ᵢ = Σⱼ gₖ(rᵢⱼ) an atom, over all images: EAM, a SNAP without angles, a neural
/// network over radial symmetry functions.
public struct EmbeddedModel: Sendable {
  public var reach: Double
  public var count: Int
  /// gₖ of an atom of one species with a neighbour of another; nil where there is none.
  public var density: @Sendable (_ k: Int, _ of: String, _ neighbor: String, Dual) -> Dual?
  /// F of a species at these densities, of which at most one has a slope.
  public var embedding: @Sendable (String, [Dual]) -> Dual

  public init(
    reach: Double, count: Int = 1, density: @escaping @Sendable (Int, String, String, Dual) -> Dual?,
    embedding: @escaping @Sendable (String, [Dual]) -> Dual
  ) {
    self.reach = reach
    self.count = count
    self.density = density
    self.embedding = embedding
  }

  /// ρₖ of each atom.
  public func densities(_ s: Structure) -> [[Double]] {
    let names = s.types.map { s.species[Int($0)] }
    var rho = [[Double]](repeating: Array(repeating: 0, count: count), count: s.count)
    PairSum.forEach(s, reach: reach) { i, j, d in
      for k in 0..<count { rho[i][k] += density(k, names[i], names[j], Dual(d.length))?.value ?? 0 }
    }
    return rho
  }

  /// An atom's energy is its own F.
  public func evaluate(_ s: Structure) -> ModelResult {
    let names = s.types.map { s.species[Int($0)] }
    let rho = densities(s)
    var result = ModelResult(count: s.count)
    var slopes = rho
    for i in rho.indices {
      let energy = embedding(names[i], rho[i].map { Dual($0) }).value
      result.energy += energy
      result.energies[i] += energy
      for k in 0..<count {
        slopes[i][k] =
          embedding(names[i], rho[i].enumerated().map { Dual($1, slope: $0 == k ? 1 : 0) }).slope
      }
    }
    PairSum.forEach(s, reach: reach) { i, j, d in
      let r = d.length
      for k in 0..<count {
        guard let g = density(k, names[i], names[j], .variable(r)) else { continue }
        let f = (-slopes[i][k] * g.slope / r) * d  // of atom i's energy, on j
        result.forces[j] += f
        result.forces[i] -= f
        result.virial += .outer(d, f)
      }
    }
    return result
  }
}
