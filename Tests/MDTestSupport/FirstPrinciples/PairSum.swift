import MDCore
import MDNumerics

/// What a model says of a structure: plain sums, in the structure's order and frame.
public struct ModelResult: Sendable {
  /// eV.
  public var energy = 0.0
  /// Σ r ⊗ f, eV.
  public var virial = Matrix3.zero
  /// eV/Å.
  public var forces: [Vector3]
  /// eV; half of a pair's to each.
  public var energies: [Double]
  public var virials: [Matrix3]

  public init(count: Int) {
    forces = Array(repeating: .zero, count: count)
    energies = Array(repeating: 0, count: count)
    virials = Array(repeating: .zero, count: count)
  }

  public static func + (a: ModelResult, b: ModelResult) -> ModelResult {
    var sum = a
    sum.energy += b.energy
    sum.virial += b.virial
    for i in a.forces.indices {
      sum.forces[i] += b.forces[i]
      sum.energies[i] += b.energies[i]
      sum.virials[i] += b.virials[i]
    }
    return sum
  }

  /// Adds a pair's energy with its derivative in r; `d` leads from i to j.
  mutating func add(_ i: Int, _ j: Int, _ d: Vector3, _ phi: Dual, weight: Double = 0.5) {
    let f = (-phi.slope / d.length) * d  // on j
    energy += weight * phi.value
    forces[i] -= (2 * weight) * f
    let w = weight * Matrix3.outer(d, f)
    virial += w
    for k in [i, j] {
      energies[k] += 0.5 * weight * phi.value
      virials[k] += 0.5 * w
    }
  }
}

/// Sums over all pairs and all their images, every ordered pair once: slow and plain.
public enum PairSum {
  /// Lattice translations that may bring two atoms of the cell within `reach`, Å, zero included. Atoms need not be
  /// wrapped.
  public static func translations(_ structure: Structure, reach: Double) -> [Vector3] {
    let box = structure.box
    var low = SIMD3<Int>.zero
    let s = structure.positions.map { box.fractional($0) }
    for k in 0..<3 where box.periodic[k] {
      let values = s.map { $0[k] }
      let spread = (values.max() ?? 0) - (values.min() ?? 0)
      low[k] = Int((reach / box.heights[k] + spread).rounded(.up))
    }
    var all: [Vector3] = []
    for a in -low.x...low.x {
      for b in -low.y...low.y {
        for c in -low.z...low.z {
          all.append(Double(a) * box.cell.x + Double(b) * box.cell.y + Double(c) * box.cell.z)
        }
      }
    }
    return all
  }

  /// Every ordered pair closer than `reach`: i, j, and the vector from i to an image of j.
  public static func forEach(_ structure: Structure, reach: Double, _ body: (Int, Int, Vector3) -> Void) {
    let all = translations(structure, reach: reach)
    let r = structure.positions
    for t in all {
      for i in r.indices {
        for j in r.indices {
          let d = r[j] + t - r[i]
          let square = d.squaredLength
          // An atom is no pair with itself, but with its images.
          if square < reach * reach, i != j || square > 0 { body(i, j, d) }
        }
      }
    }
  }

  /// E = ½ Σ φ_ij(r); `phi` gives nil where a pair does not interact.
  public static func evaluate(
    _ structure: Structure, reach: Double, _ phi: (Int, Int, Dual) -> Dual?
  ) -> ModelResult {
    var result = ModelResult(count: structure.count)
    forEach(structure, reach: reach) { i, j, d in
      if let value = phi(i, j, .variable(d.length)) { result.add(i, j, d, value) }
    }
    return result
  }
}

/// φ(r) of a pair of species and where it ends.
public struct PairLaw: Sendable {
  public var cutoff: Double
  public var phi: @Sendable (Dual) -> Dual

  public init(cutoff: Double, _ phi: @escaping @Sendable (Dual) -> Dual) {
    self.cutoff = cutoff
    self.phi = phi
  }

  public static func lennardJones(_ epsilon: Double, _ sigma: Double, cutoff: Double) -> PairLaw {
    PairLaw(cutoff: cutoff) { r in
      let s6 = (sigma / r).power(6)
      return (4 * epsilon) * (s6 * s6 - s6)
    }
  }

  public static func morse(
    _ depth: Double, _ alpha: Double, _ distance: Double, c12: Double = 0, cutoff: Double
  ) -> PairLaw {
    PairLaw(cutoff: cutoff) { r in
      let e = Dual.exp(-alpha * (r - distance))
      return depth * (e * e - 2 * e) + c12 * r.power(-12)
    }
  }

  public static func buckingham(_ a: Double, _ rho: Double, _ c: Double, cutoff: Double) -> PairLaw {
    PairLaw(cutoff: cutoff) { r in a * Dual.exp(-(r / rho)) - c * r.power(-6) }
  }

  public static func bornMayerHuggins(
    _ a: Double, _ sigma: Double, _ rho: Double, _ c: Double, _ d: Double, cutoff: Double
  ) -> PairLaw {
    PairLaw(cutoff: cutoff) { r in a * Dual.exp((sigma - r) / rho) - c * r.power(-6) - d * r.power(-8) }
  }

  /// φ(r) − φ(r_c).
  public var shifted: PairLaw {
    let (phi, end) = (phi, phi(.variable(cutoff)).value)
    return PairLaw(cutoff: cutoff) { phi($0) - end }
  }

  /// Times 1 − 10x³ + 15x⁴ − 6x⁵ from `inner` on.
  public func switched(from inner: Double) -> PairLaw {
    let (phi, cutoff) = (phi, cutoff)
    return PairLaw(cutoff: cutoff) { r in
      guard r.value > inner else { return phi(r) }
      let x = (r - inner) / (cutoff - inner)
      return phi(r) * (1 - 10 * x.power(3) + 15 * x.power(4) - 6 * x.power(5))
    }
  }
}

/// Laws by pairs of species names, in either order.
public struct PairModel: Sendable {
  private var laws: [Set<String>: PairLaw] = [:]

  public init(_ laws: [(String, String, PairLaw)]) {
    for (a, b, law) in laws { self.laws[[a, b]] = law }
  }

  public init(_ law: PairLaw, _ species: String) { self.init([(species, species, law)]) }

  public func evaluate(_ structure: Structure) -> ModelResult {
    let names = structure.types.map { structure.species[Int($0)] }
    return PairSum.evaluate(structure, reach: laws.values.map(\.cutoff).max() ?? 0) { i, j, r in
      guard let law = laws[[names[i], names[j]]], r.value < law.cutoff else { return nil }
      return law.phi(r)
    }
  }
}
