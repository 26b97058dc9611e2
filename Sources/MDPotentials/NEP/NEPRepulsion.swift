import Foundation
import MDNumerics
import MDPotentialFiles

/// The screened nuclear repulsion of `NEPFile.Repulsion` between some elements. Close pairs are few, so one at a time.
struct NEPRepulsion {
  private struct Pair {
    /// K ZᵢZⱼ, eV·Å.
    var strength: Double
    /// 1/a, 1/Å.
    var screening: Double
    var form: NEPFile.Repulsion
  }
  private let pairs: [Pair]
  private let count: Int
  /// 1/Å, of the farthest pair.
  let farthest: Double

  /// GPUMD's K, eV·Å.
  static let coulomb = 14.399645

  init?(_ file: NEPFile, atomicNumbers: [Int]) {
    guard let all = file.repulsion else { return nil }
    let count = file.elements.count
    self.count = count
    pairs = all.enumerated().map { pair, form in
      let (i, j) = (Double(atomicNumbers[pair / count]), Double(atomicNumbers[pair % count]))
      return Pair(strength: Self.coulomb * i * j, screening: (pow(i, 0.23) + pow(j, 0.23)) * 2.134563, form: form)
    }
    farthest = 1 / (all.map(\.outer).max() ?? 1)
  }

  /// Energy (eV) and slope (eV/Å) of a pair of elements at a distance.
  func evaluate(_ a: Int, _ b: Int, _ r: Double) -> (energy: Double, slope: Double) {
    let pair = pairs[a * count + b]
    let (inner, outer) = (pair.form.inner, pair.form.outer)
    guard r < outer else { return (0, 0) }
    var phi = 0.0
    var slope = 0.0
    for k in 0..<4 {
      let b = pair.form.exponents[k] * pair.screening
      let term = pair.form.amplitudes[k] * exp(-b * r)
      phi += term
      slope -= b * term
    }
    let energy = pair.strength * phi / r
    let change = pair.strength * slope / r - energy / r
    guard r > inner else { return (energy, change) }
    let angle = Double.pi / (outer - inner)
    let s = 0.5 + 0.5 * cos(angle * (r - inner))
    return (energy * s, change * s - energy * 0.5 * angle * sin(angle * (r - inner)))
  }
}
