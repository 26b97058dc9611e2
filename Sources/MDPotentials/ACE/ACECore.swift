import Foundation
import MDCore
import MDPotentialFiles

/// Core repulsion and inner switches of `ACEFile.InnerCutoff`. Atoms so close are few, so one at a time.
struct ACECore {
  private struct Pair {
    var bond: ACEFile.Bond
    /// From here on the repulsion is nothing, Å.
    var end: Double
    /// K Z_i Z_j/2 and the decays b_k/a of the screened nuclear repulsion, and S(r) at its end.
    var strength = 0.0
    var decays: [Double] = []
    var cubic = 0.0, quartic = 0.0, constant = 0.0
  }
  let kind: ACEFile.InnerCutoff
  private let pairs: [Pair]
  private let count: Int
  private let embeddings: [ACEFile.Embedding]

  /// eV·Å.
  private static let coulomb = 14.399645351950543
  private static let amplitudes = [0.18175, 0.50986, 0.28022, 0.02817]
  private static let exponents = [3.1998, 0.94229, 0.4029, 0.20162]
  /// eV: below it is rounding.
  private static let negligible = 1e-17

  init(_ file: ACEFile) throws {
    kind = file.innerCutoff
    count = file.elements.count
    embeddings = file.embeddings
    var numbers: [Double] = []
    if kind == .zbl {
      numbers = try file.elements.map { name in
        guard let z = Elements.atomicNumber(of: name) else {
          throw FaultlineError(.input, "\(name), for which the potential has a nuclear repulsion, is no chemical element")
        }
        return Double(z)
      }
    }
    var pairs: [Pair] = []
    for a in 0..<count {
      for b in 0..<count {
        let bond = file.bond(a, b)
        var pair = Pair(bond: bond, end: bond.cutoff)
        if kind == .zbl {
          let scale = 0.46850 / (pow(numbers[a], 0.23) + pow(numbers[b], 0.23))
          pair.strength = 0.5 * bond.corePrefactor * Self.coulomb * numbers[a] * numbers[b]
          pair.decays = Self.exponents.map { $0 / scale }
          Self.close(&pair)
        } else {
          pair.end = Self.end(bond)
        }
        pairs.append(pair)
      }
    }
    self.pairs = pairs
  }

  /// Where the exponential repulsion is nothing any more.
  private static func end(_ bond: ACEFile.Bond) -> Double {
    guard bond.corePrefactor != 0 else { return 0 }
    var end = bond.cutoff
    // The potentials' own limit is λr² = 50.
    if bond.coreDecay > 0 { end = min(end, (50 / bond.coreDecay).squareRoot()) }
    while end > 0.1, abs(bond.corePrefactor) * exp(-bond.coreDecay * end * end) / end < negligible { end -= 0.01 }
    return end < bond.cutoff ? end + 0.01 : end
  }

  /// The constants by which energy, slope and curvature vanish at the cutoff, as LAMMPS's `pair_style zbl` has them.
  private static func close(_ pair: inout Pair) {
    let (outer, w) = (pair.bond.cutoff, pair.bond.cutoffWidth)
    guard w > 0 else { return }
    var (phi, first, second) = (0.0, 0.0, 0.0)
    for k in 0..<4 {
      let e = amplitudes[k] * exp(-pair.decays[k] * outer)
      phi += e
      first -= pair.decays[k] * e
      second += pair.decays[k] * pair.decays[k] * e
    }
    let energy = phi / outer
    let slope = (first - energy) / outer
    let curvature = (second - 2 * slope) / outer
    pair.cubic = (-3 * slope + w * curvature) / (w * w)
    pair.quartic = (2 * slope - w * curvature) / (w * w * w)
    pair.constant = -energy + w * slope / 2 - w * w * curvature / 12
  }

  /// q(x; x₀, δ): 1 up to x₀ − δ, 0 from x₀ on, a polynomial between, and its slope.
  static func step(_ x: Double, _ end: Double, _ width: Double) -> (value: Double, slope: Double) {
    if x <= end - width { return (1, 0) }
    if x >= end { return (0, 0) }
    let s = 1 - 2 * (1 + (x - end) / width)
    let t = s * s
    return (0.5 + 3.75 * s * (0.25 - t / 6 + t * t / 20), -7.5 / width * (0.25 - t / 2 + t * t / 4))
  }

  /// Nearer than this a neighbour counts here at all, Å.
  func reach(_ a: Int, _ b: Int) -> Double {
    let pair = pairs[a * count + b]
    switch kind {
    case .density: return pair.end
    case .distance: return max(min(pair.end, pair.bond.innerCutoff), damps(a, b) ? pair.bond.innerCutoff : 0)
    // Where the nearest neighbour begins to switch.
    case .zbl: return pair.bond.innerCutoff
    }
  }

  /// Whether the radial functions end towards the core.
  func damps(_ a: Int, _ b: Int) -> Bool { kind == .distance && pairs[a * count + b].bond.innerCutoff > 0 }

  /// 1 − q(r) and its slope: what the radial functions are multiplied by.
  func damping(_ a: Int, _ b: Int, _ r: Double) -> (value: Double, slope: Double) {
    let bond = pairs[a * count + b].bond
    let (q, slope) = Self.step(r, bond.innerCutoff, bond.innerWidth)
    return (1 - q, -slope)
  }

  /// What a neighbour adds to ρ_c, eV, and its slope.
  func repulsion(_ a: Int, _ b: Int, _ r: Double) -> (energy: Double, slope: Double) {
    let pair = pairs[a * count + b]
    let bond = pair.bond
    guard r < pair.end else { return (0, 0) }
    if kind == .zbl {
      var (phi, change) = (0.0, 0.0)
      for k in 0..<4 {
        let e = Self.amplitudes[k] * exp(-pair.decays[k] * r)
        phi += e
        change -= pair.decays[k] * e
      }
      let t = max(r - (bond.cutoff - bond.cutoffWidth), 0)
      let energy = phi / r + t * t * t * (pair.cubic / 3 + t * pair.quartic / 4) + pair.constant
      let slope = (change - phi / r) / r + t * t * (pair.cubic + t * pair.quartic)
      let (q, qSlope) = Self.step(r, bond.cutoff, bond.cutoffWidth)
      return (pair.strength * energy * q, pair.strength * (slope * q + energy * qSlope))
    }
    let angle = Double.pi / bond.cutoff
    let (f, fSlope) = (0.5 + 0.5 * cos(angle * r), -0.5 * angle * sin(angle * r))
    let own = abs(bond.corePrefactor) * exp(-abs(bond.coreDecay) * r * r) / r
    var energy = own * f
    var slope = own * (fSlope - f * (2 * abs(bond.coreDecay) * r + 1 / r))
    if kind == .distance {
      let (q, qSlope) = Self.step(r, bond.innerCutoff, bond.innerWidth)
      slope = slope * q + energy * qSlope
      energy *= q
    }
    return (energy, slope)
  }

  /// The factor of E_FS by ρ_c, and its slope (`density` and `distance`).
  func factor(_ element: Int, _ rho: Double) -> (value: Double, slope: Double) {
    Self.step(rho, embeddings[element].coreCutoff, embeddings[element].coreWidth)
  }

  /// By which the nearest neighbour is chosen (`zbl`): r less this, Å.
  func nearness(_ a: Int, _ b: Int) -> Double {
    let bond = pairs[a * count + b].bond
    return bond.innerCutoff - bond.innerWidth
  }

  /// The factor of E_FS by the distance of the nearest neighbour, and its slope (`zbl`).
  func proximity(_ a: Int, _ b: Int, _ r: Double) -> (value: Double, slope: Double) {
    let bond = pairs[a * count + b].bond
    let (q, slope) = Self.step(bond.innerCutoff - r, bond.innerWidth, bond.innerWidth)
    return (q, -slope)
  }
}
