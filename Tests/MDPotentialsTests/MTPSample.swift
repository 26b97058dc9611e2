import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles
import MDPotentials
import MDTestSupport

/// Moment tensor potentials that nobody trained, and the plain statement of the formulas.
enum MTPSample {
  /// Basics of ranks 0 … `ranks[μ]`, all contractions of two tensors of one rank, a chain T·v·v, and products of them;
  /// random coefficients. Radial functions in any order of ranks.
  static func random(
    ranks: [Int], species: Int, seed: UInt64, basis: Int = 5, repulsive: Bool = false
  ) -> MTPFile {
    var random = SplitMix64(seed: seed)
    func number(_ size: Double) -> Double { Double.random(in: -size..<size, using: &random) }
    var file = MTPFile()
    file.scaling = 0.7
    file.labels = (0..<species).map { "\($0)" }
    file.minimumDistance = 1.7
    file.cutoff = 4.1
    file.isRepulsive = repulsive
    file.basisSize = basis
    file.radialCount = ranks.count
    file.radialCoefficients = (0..<species * species * ranks.count * basis).map { _ in number(0.1) }
    var index: [[SIMD3<Int>: Int]] = Array(repeating: [:], count: ranks.count)
    for (mu, rank) in ranks.enumerated() {
      for nu in 0...rank {
        for a in 0...nu {
          for b in 0...(nu - a) {
            index[mu][SIMD3(a, b, nu - a - b)] = file.basics.count
            file.basics.append(.init(radial: mu, powers: SIMD3(a, b, nu - a - b)))
          }
        }
      }
    }
    file.momentCount = file.basics.count
    func product(_ terms: [(Int, Int, Double)]) -> Int {
      for term in terms {
        file.products.append(.init(first: term.0, second: term.1, factor: term.2, target: file.momentCount))
      }
      file.momentCount += 1
      return file.momentCount - 1
    }
    func factorial(_ n: Int) -> Double { n < 2 ? 1 : Double(n) * factorial(n - 1) }
    var scalars = ranks.indices.map { index[$0][.zero]! }
    for mu in ranks.indices {
      for other in mu..<ranks.count {
        for nu in 1...max(1, min(ranks[mu], ranks[other])) where min(ranks[mu], ranks[other]) >= nu {
          let terms = index[mu].filter { $0.key.wrappedSum() == nu }.map { powers, place in
            (
              place, index[other][powers]!,
              factorial(nu) / factorial(powers.x) / factorial(powers.y) / factorial(powers.z)
            )
          }
          scalars.append(product(terms.sorted { $0.0 < $1.0 }))
        }
      }
    }
    if ranks[0] >= 2 {
      let axes = [SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)]
      let turned = axes.map { a in product(axes.map { b in (index[0][a &+ b]!, index[0][b]!, 1) }) }
      scalars.append(product(zip(turned, axes).map { ($0, index[0][$1]!, 1) }))
    }
    let single = scalars.count
    for k in 0..<single { scalars.append(product([(scalars[k], scalars[(k + 1) % single], 1)])) }
    file.scalars = scalars
    file.speciesCoefficients = (0..<species).map { _ in number(1) }
    file.momentCoefficients = scalars.map { _ in number(0.05) }
    return file
  }

  /// V of an atom from its neighbours, as the formulas say it, term by term.
  static func energy(_ file: MTPFile, centre: Int, neighbors: [(vector: Vector3, type: Int)]) -> Double {
    var moments = [Double](repeating: 0, count: file.momentCount)
    var repulsion = 0.0
    for (d, type) in neighbors {
      let r = d.length
      guard r < file.cutoff else { continue }
      let n = d / r
      let s = file.isRepulsive ? max(r, file.minimumDistance) : r
      let x = (2 * s - file.minimumDistance - file.cutoff) / (file.cutoff - file.minimumDistance)
      if file.isRepulsive, r < file.minimumDistance {
        repulsion += 1e4 * (exp(-10 * (r - 1)) - exp(-10 * (file.minimumDistance - 1)))
      }
      for (k, basic) in file.basics.enumerated() {
        var f = 0.0
        for beta in 0..<file.basisSize {
          let place = ((centre * file.speciesCount + type) * file.radialCount + basic.radial) * file.basisSize + beta
          // T_β beyond [−1, 1] is the hyperbolic cosine.
          let angle = Double(beta) * (abs(x) <= 1 ? acos(x) : acosh(abs(x)))
          let t = abs(x) <= 1 ? cos(angle) : cosh(angle) * (x < 0 && beta % 2 == 1 ? -1 : 1)
          f += file.radialCoefficients[place] * t
        }
        f *= file.scaling * (s - file.cutoff) * (s - file.cutoff)
        let p = basic.powers
        moments[k] += f * pow(n.x, Double(p.x)) * pow(n.y, Double(p.y)) * pow(n.z, Double(p.z))
      }
    }
    for product in file.products {
      moments[product.target] += product.factor * moments[product.first] * moments[product.second]
    }
    return repulsion + file.speciesCoefficients[centre]
      + zip(file.scalars, file.momentCoefficients).reduce(0) { $0 + $1.1 * moments[$1.0] }
  }

  /// Energies of all atoms of a structure whose species are the file's types.
  static func energies(_ file: MTPFile, _ structure: Structure) -> [Double] {
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

  static let example = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("potentials/mtp/CuNi-example.almtp").path
}
