import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// Potentials that nobody trained, and the plain statement of the formulas, in complex numbers.
package enum NEPSample {
  /// Random numbers for the elements, of the size that trained ones have.
  package static func random(
    _ elements: [String], seed: UInt64, version: Int = 4, radial: (n: Int, k: Int) = (4, 6),
    angular: (n: Int, k: Int) = (5, 5), degree: Int = 4, invariants: [NEPFile.Invariant] = [.q222, .q1111],
    neurons: Int = 7, repulsive: Bool = false, charges: NEPFile.Charges? = nil, cutoffs: (Double, Double) = (4.6, 3.9)
  ) -> NEPFile {
    var random = SplitMix64(seed: seed)
    func number(_ size: Double) -> Double { Double.random(in: -size..<size, using: &random) }
    func numbers(_ count: Int, _ size: Double) -> [Double] { (0..<count).map { _ in number(size) } }
    var file = NEPFile()
    file.version = version
    file.elements = elements
    file.charges = charges
    file.refraction = charges == nil ? 1 : 1.7
    let pairs = elements.count * elements.count
    let own = elements.indices.map { charges == nil ? 0.2 * Double($0) : 0 }
    for a in own {
      for b in own {
        file.radialCutoffs.append(cutoffs.0 - (a + b) / 2)
        file.angularCutoffs.append(cutoffs.1 - (a + b) / 2)
      }
    }
    (file.radialCount, file.radialBasis) = radial
    (file.angularCount, file.angularBasis) = angular
    file.degree = degree
    file.invariants = invariants
    file.neurons = neurons
    let dim = file.descriptorCount
    func network() -> NEPFile.Network {
      let (weights, biases, energy) = (numbers(neurons * dim, 0.3), numbers(neurons, 0.5), numbers(neurons, 0.4))
      let charge = charges == nil ? [] : numbers(neurons, 0.4)
      return NEPFile.Network(weights: weights, biases: biases, energy: energy, charge: charge, offset: number(1))
    }
    file.networks = version == 3 ? Array(repeating: network(), count: elements.count) : elements.map { _ in network() }
    file.radialCoefficients = numbers(pairs * radial.n * radial.k, 0.4)
    file.angularCoefficients = numbers(pairs * angular.n * angular.k, 0.6)
    if repulsive {
      file.repulsion = (0..<pairs).map { pair in
        let (a, b) = (pair / elements.count, pair % elements.count)
        // Another for each pair of elements.
        let more = 0.1 * Double(a + b) + 0.03 * Double(a * b)
        return NEPFile.Repulsion(
          inner: 1.4 + more, outer: 2.7 + more, amplitudes: NEPFile.universalAmplitudes,
          exponents: NEPFile.universalExponents)
      }
    }
    return file
  }

  /// The text of `nep.txt`.
  package static func text(_ file: NEPFile, cutoffs: String, zbl: String? = nil) -> String {
    let charge = file.charges.map { "_charge\($0.rawValue)" } ?? ""
    let tag = "nep\(file.version)" + (zbl == nil ? "" : "_zbl") + charge
    var lines = ["\(tag) \(file.elements.count) " + file.elements.joined(separator: " ") + " "]
    if let zbl { lines.append("zbl \(zbl)") }
    lines += [
      "cutoff \(cutoffs)", "n_max \(file.radialCount - 1) \(file.angularCount - 1)",
      "basis_size \(file.radialBasis - 1) \(file.angularBasis - 1)",
    ]
    let flags = NEPFile.Invariant.allCases.map { file.invariants.contains($0) ? ($0 == .q222 ? "2" : "1") : "0" }
    lines += ["l_max \(file.degree) " + flags.joined(separator: " "), "ANN \(file.neurons) 0"]
    var numbers: [Double] = []
    let scaling = (0..<file.descriptorCount).map { 0.5 + 0.25 * Double($0 % 3) }
    for network in file.version == 3 ? [file.networks[0]] : file.networks {
      numbers += network.weights.enumerated().map { $1 / scaling[$0 % scaling.count] }
      numbers += network.biases + network.energy + network.charge
      if file.version == 5 { numbers.append(network.offset - 0.25) }
    }
    if file.charges != nil { numbers.append(file.refraction) }
    numbers.append(file.version == 5 ? 0.25 : file.networks[0].offset)
    let pairs = file.elements.count * file.elements.count
    for (c, size) in [
      (file.radialCoefficients, file.radialCount * file.radialBasis),
      (file.angularCoefficients, file.angularCount * file.angularBasis),
    ] {
      for k in 0..<size { for pair in 0..<pairs { numbers.append(c[pair * size + k]) } }
    }
    numbers += scaling
    if zbl == "0 0", let repulsion = file.repulsion {
      for a in file.elements.indices {
        for b in a..<file.elements.count {
          let own = repulsion[a * file.elements.count + b]
          numbers += [own.inner, own.outer]
          for k in 0..<4 { numbers += [own.amplitudes[k], own.exponents[k]] }
        }
      }
    }
    return (lines + numbers.map { "  \($0)" }).joined(separator: "\n") + "\n"
  }

  // MARK: The formulas

  package typealias Neighbor = (vector: Vector3, type: Int)

  /// Energy (without Coulomb energy) and the network's charge of an atom.
  package static func energy(_ file: NEPFile, centre: Int, neighbors: [Neighbor]) -> (energy: Double, charge: Double) {
    let network = file.networks[centre]
    let q = descriptors(file, centre: centre, neighbors: neighbors)
    var (energy, charge) = (-network.offset, 0.0)
    for mu in network.biases.indices {
      var x = -network.biases[mu]
      for d in q.indices { x += network.weights[mu * q.count + d] * q[d] }
      energy += network.energy[mu] * tanh(x)
      if !network.charge.isEmpty { charge += network.charge[mu] * tanh(x) }
    }
    for neighbor in neighbors { energy += repulsion(file, centre, neighbor) }
    return (energy, charge)
  }

  private static func repulsion(_ file: NEPFile, _ centre: Int, _ neighbor: Neighbor) -> Double {
    let pair = centre * file.elements.count + neighbor.type
    let r = neighbor.vector.length
    guard let form = file.repulsion?[pair], r < form.outer, r < file.angularCutoffs[pair] else { return 0 }
    let z = [centre, neighbor.type].map { Double(Elements.atomicNumber(of: file.elements[$0])!) }
    let a = 1 / ((pow(z[0], 0.23) + pow(z[1], 0.23)) * 2.134563)
    let sum = zip(form.amplitudes, form.exponents).reduce(0) { $0 + $1.0 * exp(-$1.1 * r / a) }
    let s = r < form.inner ? 1 : 0.5 * (1 + cos(.pi * (r - form.inner) / (form.outer - form.inner)))
    return 0.5 * 14.399645 * z[0] * z[1] / r * sum * s
  }

  package static func descriptors(_ file: NEPFile, centre: Int, neighbors: [Neighbor]) -> [Double] {
    let count = file.elements.count
    /// Functions g of a pair.
    func functions(_ neighbor: Neighbor, _ c: [Double], _ n: Int, _ k: Int, _ cutoff: Double) -> [Double] {
      let r = neighbor.vector.length
      guard r < cutoff else { return Array(repeating: 0, count: n) }
      let u = r / cutoff
      let x = 2 * (u - 1) * (u - 1) - 1
      let f = (0..<k).map { 0.5 * (cos(Double($0) * acos(min(max(x, -1), 1))) + 1) * 0.5 * (1 + cos(.pi * u)) }
      let first = (centre * count + neighbor.type) * n * k
      return (0..<n).map { row in (0..<k).reduce(0) { $0 + c[first + row * k + $1] * f[$1] } }
    }
    var q = [Double](repeating: 0, count: file.radialCount)
    for neighbor in neighbors {
      let g = functions(
        neighbor, file.radialCoefficients, file.radialCount, file.radialBasis,
        file.radialCutoffs[centre * count + neighbor.type])
      for n in q.indices { q[n] += g[n] }
    }
    // A[n][l][m + l].
    var sums = Array(
      repeating: (0...file.degree).map { Array(repeating: Complex(0, 0), count: 2 * $0 + 1) }, count: file.angularCount)
    for neighbor in neighbors {
      let g = functions(
        neighbor, file.angularCoefficients, file.angularCount, file.angularBasis,
        file.angularCutoffs[centre * count + neighbor.type])
      for l in 1...file.degree {
        for m in -l...l {
          let y = harmonic(l, m, neighbor.vector)
          for n in g.indices { sums[n][l][m + l] = sums[n][l][m + l] + y * Complex(g[n], 0) }
        }
      }
    }
    for l in 1...file.degree {
      for a in sums { q.append(a[l].reduce(0) { $0 + $1.re * $1.re + $1.im * $1.im }) }
    }
    for invariant in file.invariants {
      let d = invariant.degrees
      for (n, a) in sums.enumerated() {
        guard invariant != .q1111 else {
          let one = q[file.radialCount + n]
          q.append(7.0 / 15 * one * one)
          continue
        }
        var total = Complex(0, 0)
        for m1 in -d[0]...d[0] {
          for m2 in -d[1]...d[1] where abs(m1 + m2) <= d[2] {
            let w = threeJ(d[0], d[1], d[2], m1, m2)
            total = total + a[d[0]][m1 + d[0]] * a[d[1]][m2 + d[1]] * a[d[2]][-m1 - m2 + d[2]] * Complex(w, 0)
          }
        }
        q.append(total.re)
      }
    }
    return q
  }

  struct Complex {
    var re, im: Double
    init(_ re: Double, _ im: Double) { (self.re, self.im) = (re, im) }
    static func + (a: Complex, b: Complex) -> Complex { Complex(a.re + b.re, a.im + b.im) }
    static func * (a: Complex, b: Complex) -> Complex { Complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re) }
  }

  /// Y_lm with the phase of Condon and Shortley, from the derivatives of (x² − 1)ˡ.
  static func harmonic(_ l: Int, _ m: Int, _ v: Vector3) -> Complex {
    let r = v.length
    let (ct, phi) = (v.z / r, atan2(v.y, v.x))
    let am = abs(m)
    // P_l^m = (1 − x²)^(m/2)/(2ˡ l!) d^(l+m)/dx^(l+m) (x² − 1)ˡ.
    var p = 0.0
    for k in 0...l where 2 * k >= l + am {
      let binomial = factorial(l) / factorial(k) / factorial(l - k) * ((l - k) % 2 == 0 ? 1 : -1)
      p += binomial * factorial(2 * k) / factorial(2 * k - l - am) * pow(ct, Double(2 * k - l - am))
    }
    p *= pow(max(1 - ct * ct, 0), Double(am) / 2) / (pow(2, Double(l)) * factorial(l))
    let norm = (Double(2 * l + 1) / (4 * .pi) * factorial(l - am) / factorial(l + am)).squareRoot()
    let size = norm * p * (m > 0 && m % 2 != 0 ? -1 : 1)
    return Complex(size * cos(Double(m) * phi), size * sin(Double(m) * phi))
  }

  private static func factorial(_ n: Int) -> Double { n < 2 ? 1 : Double(n) * factorial(n - 1) }

  /// (a b c; m₁ m₂ −m₁−m₂) by stepping down from the highest state of c: J₋ acts on both factors.
  private static func threeJ(_ a: Int, _ b: Int, _ c: Int, _ m1: Int, _ m2: Int) -> Double {
    // ⟨a m₁ b m₂|c c⟩ from J₊ = 0, with ⟨a a b c−a|c c⟩ > 0.
    func up(_ j: Int, _ m: Int) -> Double { Double(j * (j + 1) - m * (m + 1)).squareRoot() }
    var state: [Int: Double] = [a: 1]
    var m = a - 1
    while m >= -a, c - m <= b {
      state[m] = -(state[m + 1] ?? 0) * up(b, c - m - 1) / up(a, m)
      m -= 1
    }
    state = state.filter { abs(c - $0.key) <= b }
    var norm = state.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    state = state.mapValues { $0 / norm }
    for level in stride(from: c, to: m1 + m2, by: -1) {
      var next: [Int: Double] = [:]
      for (k, value) in state {
        let other = level - k
        if k > -a { next[k - 1, default: 0] += value * up(a, k - 1) }
        if other > -b { next[k, default: 0] += value * up(b, other - 1) }
      }
      norm = up(c, level - 1)
      state = next.mapValues { $0 / norm }
    }
    let sign = (a - b + m1 + m2) % 2 == 0 ? 1.0 : -1
    return sign * (state[m1] ?? 0) / Double(2 * c + 1).squareRoot()
  }

  /// Of all atoms of a structure whose species are the file's elements.
  package static func energies(_ file: NEPFile, _ structure: Structure) -> [(energy: Double, charge: Double)] {
    let system = BruteForceSystem(structure, reach: file.cutoff)
    let atoms = system.atoms.view
    return (0..<atoms.localCount).map { i in
      let list = system.full!
      let neighbors = (list.starts[i]..<list.starts[i + 1]).map { k in
        let j = Int(list.indices[k])
        return (vector: atoms.positions[j] - atoms.positions[i], type: Int(atoms.species[j]))
      }
      return energy(file, centre: Int(atoms.species[i]), neighbors: neighbors)
    }
  }
}
