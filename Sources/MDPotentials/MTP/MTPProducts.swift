import MDCore
import MDNumerics
import MDPotentialFiles

/// The products of moments, as flat lists.
///
/// Products that are only terms of the energy are never formed: they are weights on pairs of their factors. The others
/// are sums over lines of one target. Derivatives go back pair by pair, g = w + Σ m D(target); D(i) += g M(j); D(j) +=
/// g M(i), the pair with the latest moment first, so that a target's derivative is whole when it is asked for.
struct MTPProducts {
  /// All moments: sums, components, products.
  let count: Int
  /// The first product.
  let first: Int

  struct Line {
    var i, j: Int32
    var factor: Double
  }
  /// Lines by target, targets from `first` on.
  let lines: [Line]
  /// Lines of each target.
  let lineCounts: [Int32]

  struct Pair {
    var i, j: Int32
    /// Lines of the pair in `targets`.
    var count: Int32
    /// Coefficient of M(i) M(j) in the energy.
    var weight: Double
  }
  let pairs: [Pair]
  let targets: [Int32]
  let factors: [Double]

  /// Coefficient of each moment in the energy.
  struct Term {
    var place: Int32
    var coefficient: Double
  }
  let terms: [Term]
  /// Place of each of the file's moments, −1 for those that are never formed.
  let places: [Int]

  /// `basics` are the places of the basic moments, products begin at `first`.
  init(_ file: MTPFile, basics: [Int], first: Int) throws {
    var energy = [Double](repeating: 0, count: file.momentCount)
    for (moment, coefficient) in zip(file.scalars, file.momentCoefficients) { energy[moment] += coefficient }
    var isFactor = [Bool](repeating: false, count: file.momentCount)
    // A factor of something that has no part in the energy is none.
    var isUsed = energy.map { $0 != 0 }
    // Grades need the factors of all scalars.
    if file.activeSet != nil { for moment in file.scalars { isUsed[moment] = true } }
    for product in file.products.reversed() where isUsed[product.target] {
      isUsed[product.first] = true
      isUsed[product.second] = true
      isFactor[product.first] = true
      isFactor[product.second] = true
    }
    var place = [Int](repeating: -1, count: file.momentCount)
    for (moment, p) in basics.enumerated() { place[moment] = p }
    var next = first
    for moment in basics.count..<max(file.momentCount, basics.count) where isFactor[moment] {
      place[moment] = next
      next += 1
    }
    self.first = first
    places = place
    count = next

    struct Key: Hashable {
      var i, j: Int32
    }
    var byTarget: [[Key: Double]] = Array(repeating: [:], count: next - first)
    var byPair: [Key: (weight: Double, lines: [(Int32, Double)])] = [:]
    for product in file.products where isUsed[product.target] {
      let (a, b) = (Int32(place[product.first]), Int32(place[product.second]))
      let key = Key(i: min(a, b), j: max(a, b))
      if isFactor[product.target] {
        byTarget[place[product.target] - first][key, default: 0] += product.factor
      } else {
        byPair[key, default: (0, [])].weight += energy[product.target] * product.factor
      }
    }
    var lines: [Line] = []
    var lineCounts: [Int32] = []
    for (target, entries) in byTarget.enumerated() {
      let sorted = entries.sorted { ($0.key.i, $0.key.j) < ($1.key.i, $1.key.j) }
      lineCounts.append(Int32(sorted.count))
      for (key, factor) in sorted {
        lines.append(Line(i: key.i, j: key.j, factor: factor))
        byPair[key, default: (0, [])].lines.append((Int32(first + target), factor))
      }
    }
    self.lines = lines
    self.lineCounts = lineCounts
    var pairs: [Pair] = []
    var targets: [Int32] = []
    var factors: [Double] = []
    for (key, value) in byPair.sorted(by: { ($0.key.j, $0.key.i) > ($1.key.j, $1.key.i) }) {
      pairs.append(Pair(i: key.i, j: key.j, count: Int32(value.lines.count), weight: value.weight))
      for (target, factor) in value.lines {
        targets.append(target)
        factors.append(factor)
      }
    }
    self.pairs = pairs
    self.targets = targets
    self.factors = factors
    terms = energy.indices.filter { energy[$0] != 0 && place[$0] >= 0 }.map {
      Term(place: Int32(place[$0]), coefficient: energy[$0])
    }
  }
}
