import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// The plain statement of the formulas of `ACEFile`, in complex numbers, term by term.
package enum ACEFormulas {
  package typealias Neighbor = (vector: Vector3, type: Int)
  private typealias Complex = NEPSample.Complex

  package struct Result {
    package var energy: Double
    /// Of each function, its value without c.
    package var invariants: [Double]
    /// w_p F′_p.
    package var slopes: [Double]
  }

  /// An atom by its neighbours (those beyond the cutoffs do not count).
  package static func atom(_ file: ACEFile, centre: Int, neighbors: [Neighbor]) -> Result {
    let near = neighbors.filter { $0.vector.length < file.bond(centre, $0.type).cutoff }
    let embedding = file.embeddings[centre]
    var densities = [Double](repeating: 0, count: embedding.densityCount)
    var invariants: [Double] = []
    // R or g, times Y, of every neighbour, once for each factor that occurs.
    var sums: [Factor: Complex] = [:]
    let tables = near.map { functions(file, centre, $0) }
    func sum(_ factor: ACEFile.Factor, _ m: Int, isSingle: Bool) -> Complex {
      let key = Factor(factor: factor, m: m, isSingle: isSingle)
      if let known = sums[key] { return known }
      var total = Complex(0, 0)
      for (neighbor, g) in zip(near, tables) {
        var size: Double
        let bond = file.bond(centre, neighbor.type)
        if let weights = file.neighborWeights {
          size = radial(bond, g, factor) * weights[neighbor.type][factor.n - 1]
        } else {
          guard neighbor.type == factor.element else { continue }
          size = isSingle ? g[factor.n - 1] : radial(bond, g, factor)
        }
        let y = file.isReal ? realHarmonic(factor.l, m, neighbor.vector) : harmonic(factor.l, m, neighbor.vector)
        total = total + y * Complex(size, 0)
      }
      sums[key] = total
      return total
    }
    for function in file.functions[centre] {
      var invariant = 0.0
      for term in 0..<function.termCount {
        var product = Complex(1, 0)
        for (t, factor) in function.factors.enumerated() {
          product =
            product
            * sum(
              factor, function.orders[term * function.rank + t], isSingle: function.rank == 1 && !file.isReal)
        }
        for p in densities.indices { densities[p] += product.re * function.coefficients[term * densities.count + p] }
        invariant += product.re * (function.couplings?[term] ?? 0)
      }
      invariants.append(invariant)
    }
    var energy = 0.0
    var slopes: [Double] = []
    for (p, rho) in densities.enumerated() {
      let f = { (x: Double) in embed(embedding.form, x, embedding.exponents[p]) }
      energy += embedding.weights[p] * f(rho)
      slopes.append(embedding.weights[p] * (f(rho + 1e-5) - f(rho - 1e-5)) / 2e-5)
    }
    energy *= file.scale
    return Result(
      energy: core(file, centre, near, energy) + file.offsets[centre], invariants: invariants, slopes: slopes)
  }

  /// All atoms of a structure whose species are the file's elements.
  package static func atoms(_ file: ACEFile, _ structure: Structure) -> [Result] {
    let system = BruteForceSystem(structure, reach: file.cutoff)
    let atoms = system.atoms.view
    let map = structure.species.map { file.elements.firstIndex(of: $0)! }
    return (0..<atoms.localCount).map { i in
      let list = system.full!
      let neighbors = (list.starts[i]..<list.starts[i + 1]).map { k in
        let j = Int(list.indices[k])
        return (vector: atoms.positions[j] - atoms.positions[i], type: map[Int(atoms.species[j])])
      }
      return atom(file, centre: map[Int(atoms.species[i])], neighbors: neighbors)
    }
  }

  package static func energies(_ file: ACEFile, _ structure: Structure) -> [Double] {
    atoms(file, structure).map(\.energy)
  }

  /// γ of an atom.
  package static func grade(_ file: ACEFile, _ element: Int, _ atom: Result) -> Double {
    guard let set = file.activeSet else { return 0 }
    let size = set.sizes[element]
    var v = [Double](repeating: 0, count: size)
    let rows = set.isLinear ? size : size / atom.slopes.count
    for (function, b) in zip(file.functions[element], atom.invariants) {
      if set.isLinear { v[function.row] = b } else { for (p, s) in atom.slopes.enumerated() { v[p * rows + function.row] = s * b } }
    }
    return (0..<size).map { j in abs((0..<size).reduce(0) { $0 + v[$1] * set.matrices[element][$1 * size + j] }) }.max()!
  }

  private struct Factor: Hashable {
    var factor: ACEFile.Factor
    var m: Int
    var isSingle: Bool
  }

  private static func radial(_ bond: ACEFile.Bond, _ g: [Double], _ factor: ACEFile.Factor) -> Double {
    let first = ((factor.n - 1) * (bond.degree + 1) + factor.l) * bond.basisCount
    return (0..<bond.basisCount).reduce(0) { $0 + bond.coefficients[first + $1] * g[$1] }
  }

  // MARK: Radial basis

  private static func functions(_ file: ACEFile, _ centre: Int, _ neighbor: Neighbor) -> [Double] {
    let bond = file.bond(centre, neighbor.type)
    let (r, rc, lambda) = (neighbor.vector.length, bond.cutoff, bond.parameter)
    func chebyshev(_ k: Int, _ x: Double) -> Double { cos(Double(k) * acos(min(max(x, -1), 1))) }
    var g: [Double]
    switch bond.form {
    case .chebyshevExponential:
      let x = 1 - 2 * (exp(-lambda * r / rc) - exp(-lambda)) / (1 - exp(-lambda))
      var end = 0.5 * (1 + cos(.pi * r / rc))
      let start = rc - bond.cutoffWidth
      if r > start { end *= 0.5 * (1 + cos(.pi * (r - start) / bond.cutoffWidth)) }
      g = (1...bond.basisCount).map { k in end * (k == 1 ? 1 : 0.5 - 0.5 * chebyshev(k - 1, x)) }
    case .chebyshevPower:
      g = (1...bond.basisCount).map { 0.5 - 0.5 * chebyshev($0, 1 - 2 * pow(1 - r / rc, lambda)) }
    case .chebyshevLinear: g = (1...bond.basisCount).map { 0.5 - 0.5 * chebyshev($0, 1 - r / rc) }
    case .sphericalBessel:
      func f(_ n: Int) -> Double {
        let (p, q) = (Double(n + 1), Double(n + 2))
        func sinc(_ x: Double) -> Double { sin(x) / x }
        return (n % 2 == 0 ? 1 : -1) * 2.0.squareRoot() * .pi / pow(rc, 1.5) * p * q / (p * p + q * q).squareRoot()
          * (sinc(p * .pi * r / rc) + sinc(q * .pi * r / rc))
      }
      g = [f(0)]
      var d = 1.0
      for n in 1..<max(bond.basisCount, 1) {
        let k = Double(n)
        let e = k * k * pow(k + 2, 2) / (4 * pow(k + 1, 4) + 1)
        let next = 1 - e / d
        g.append((f(n) + (e / d).squareRoot() * g[n - 1]) / next.squareRoot())
        d = next
      }
    }
    if file.innerCutoff == .distance {
      let q = step(r, bond.innerCutoff, bond.innerWidth)
      g = g.map { $0 * (1 - q) }
    }
    return g
  }

  // MARK: Embedding and core

  private static func embed(_ form: ACEFile.EmbeddingForm, _ rho: Double, _ m: Double) -> Double {
    let a = abs(rho)
    let sign = rho < 0 ? -1.0 : 1.0
    if form == .finnisSinclair {
      let g = exp(-pow(1e6 * a, 3))
      return sign * ((1 - g) * pow(a, m) + pow(1e6, 1 - m) * g * a)
    }
    if m == 1 { return rho }
    let q = 1 / m
    let (x, y) = (pow(q, q / (1 - q)) * exp(-a), pow(q, 1 / (1 - q)) * exp(-a))
    return sign * (pow(x + a, m) - y)
  }

  /// 1 below x₀ − δ, 0 above x₀: the integral of (1 − s²)² between.
  private static func step(_ x: Double, _ end: Double, _ width: Double) -> Double {
    if x <= end - width { return 1 }
    if x >= end { return 0 }
    let s = 1 - 2 * (1 + (x - end) / width)
    return 0.5 + 15.0 / 16 * (s - 2.0 / 3 * s * s * s + s * s * s * s * s / 5)
  }

  private static func core(_ file: ACEFile, _ centre: Int, _ near: [Neighbor], _ energy: Double) -> Double {
    let bonds = near.map { (r: $0.vector.length, bond: file.bond(centre, $0.type), type: $0.type) }
    if file.innerCutoff == .zbl {
      var repulsion = 0.0
      var nearest: (value: Double, factor: Double) = (.infinity, 1)
      for (r, bond, type) in bonds {
        let value = r - (bond.innerCutoff - bond.innerWidth)
        if value < nearest.value { nearest = (value, step(bond.innerCutoff - r, bond.innerWidth, bond.innerWidth)) }
        let z = [centre, type].map { Double(Elements.atomicNumber(of: file.elements[$0])!) }
        repulsion += 0.5 * bond.corePrefactor * zbl(z[0], z[1], r, bond) * step(r, bond.cutoff, bond.cutoffWidth)
      }
      return energy * nearest.factor + repulsion * (1 - nearest.factor)
    }
    var rho = 0.0
    for (r, bond, _) in bonds where bond.coreDecay * r * r < 50 {
      let own = bond.corePrefactor * exp(-bond.coreDecay * r * r) / r * 0.5 * (1 + cos(.pi * r / bond.cutoff))
      rho += own * (file.innerCutoff == .distance ? step(r, bond.innerCutoff, bond.innerWidth) : 1)
    }
    let embedding = file.embeddings[centre]
    return energy * step(rho, embedding.coreCutoff, embedding.coreWidth) + rho
  }

  /// E and a polynomial from the cutoff less its width on, by which value, slope and curvature vanish at the cutoff.
  private static func zbl(_ zi: Double, _ zj: Double, _ r: Double, _ bond: ACEFile.Bond) -> Double {
    let a = 0.46850 / (pow(zi, 0.23) + pow(zj, 0.23))
    let terms = [(0.18175, 3.1998), (0.50986, 0.94229), (0.28022, 0.4029), (0.02817, 0.20162)]
    func energy(_ r: Double) -> Double {
      14.399645351950543 * zi * zj / r * terms.reduce(0) { $0 + $1.0 * exp(-$1.1 * r / a) }
    }
    let (end, w) = (bond.cutoff, bond.cutoffWidth)
    guard w > 0 else { return energy(r) }
    // Differences of the whole function at its end.
    let h = 1e-3
    let slope = (8 * (energy(end + h) - energy(end - h)) - (energy(end + 2 * h) - energy(end - 2 * h))) / (12 * h)
    let curvature =
      (16 * (energy(end + h) + energy(end - h)) - (energy(end + 2 * h) + energy(end - 2 * h)) - 30 * energy(end))
      / (12 * h * h)
    let t = max(r - (end - w), 0)
    let cubic = (-3 * slope + w * curvature) / (w * w)
    let quartic = (2 * slope - w * curvature) / (w * w * w)
    let constant = -energy(end) + w * slope / 2 - w * w * curvature / 12
    return energy(r) + cubic / 3 * t * t * t + quartic / 4 * t * t * t * t + constant
  }

  // MARK: Harmonics

  /// Y_lm with Y₀₀ = 1.
  private static func harmonic(_ l: Int, _ m: Int, _ v: Vector3) -> Complex {
    NEPSample.harmonic(l, m, v) * Complex((4 * Double.pi).squareRoot(), 0)
  }

  private static func realHarmonic(_ l: Int, _ m: Int, _ v: Vector3) -> Complex {
    let y = harmonic(l, abs(m), v)
    let size = 2.0.squareRoot() * (m % 2 == 0 ? 1 : -1)
    return m == 0 ? y : Complex(m > 0 ? size * y.re : size * y.im, 0)
  }
}
