import Foundation
import MDCore
import MDNumerics

/// The universal screened nuclear repulsion of Ziegler, Biersack and Littmark (The Stopping and Range of Ions in
/// Matter, 1985): φ(r) = k Z_i Z_j/r · Σ c_n e^(−d_n r/a), a = 0.4685 Å/(Z_i^0.23 + Z_j^0.23).
///
/// It ends smoothly as `pair_style zbl` of LAMMPS does: S(r) is added, S = C below `inner` and
/// C + A/3·(r − inner)³ + B/4·(r − inner)⁴ from there to `outer`, with A, B, C such that energy, slope and curvature
/// vanish at `outer`. Potentials fitted on top of it need its constant k = 14.399645 eV·Å, too.
package struct ZBL: PairForm {
  static let coulomb = 14.399645
  static let amplitudes = SIMD4(0.02817, 0.28022, 0.50986, 0.18175)
  static let decays = SIMD4(0.20162, 0.40290, 0.94229, 3.19980)

  let cutoff: Double
  private let inner: Double
  /// Amplitudes times k Z_i Z_j, decays over a.
  private let amplitudes: SIMD4<Double>
  private let decays: SIMD4<Double>
  /// A, B and C.
  private let cubic: Double
  private let quartic: Double
  private let constant: Double

  init(_ zi: Double, _ zj: Double, inner: Double, outer: Double) throws {
    guard inner >= 0, inner < outer, outer.isFinite else {
      throw FaultlineError(
        .input, "ZBL is switched off from \(inner) to \(outer) Å", hint: "0 ≤ inner < outer is needed")
    }
    guard zi > 0, zj > 0 else {
      throw FaultlineError(.input, "ZBL atomic numbers \(zi) and \(zj)", hint: "they must be positive")
    }
    cutoff = outer
    self.inner = inner
    let length = 0.46850 / (pow(zi, 0.23) + pow(zj, 0.23))
    amplitudes = Self.amplitudes * (Self.coulomb * zi * zj)
    decays = Self.decays / SIMD4(repeating: length)

    var screened = 0.0, first = 0.0, second = 0.0
    for k in 0..<4 {
      let e = amplitudes[k] * exp(-decays[k] * outer)
      screened += e
      first -= decays[k] * e
      second += decays[k] * decays[k] * e
    }
    let energy = screened / outer
    let slope = (first - energy) / outer
    let curvature = (second - 2 * slope) / outer
    let w = outer - inner
    cubic = (-3 * slope + w * curvature) / (w * w)
    quartic = (2 * slope - w * curvature) / (w * w * w)
    constant = -energy + w * slope / 2 - w * w * curvature / 12
  }

  @inline(__always)
  func evaluate(_ r2: SIMD4<Double>) -> (energy: SIMD4<Double>, force: SIMD4<Double>) {
    let r = positiveSquareRoot(r2)
    let e0 = exponential(r * -decays[0]) * amplitudes[0]
    let e1 = exponential(r * -decays[1]) * amplitudes[1]
    let e2 = exponential(r * -decays[2]) * amplitudes[2]
    let e3 = exponential(r * -decays[3]) * amplitudes[3]
    let w = 1 / r
    let coulomb = ((e0 + e1) + (e2 + e3)) * w
    let fall = (e0 * decays[0] + e1 * decays[1]) + (e2 * decays[2] + e3 * decays[3])
    var t = r - Lanes(repeating: inner)
    t = t.replacing(with: 0, where: t .< Lanes.zero)
    let t2 = t * t
    let energy = coulomb + t2 * t * (cubic / 3 + t * (quartic / 4)) + constant
    let slope = t2 * (cubic + t * quartic) - (fall + coulomb) * w
    return (energy, Lanes.zero - slope * w)
  }
}

extension PairPotential {
  /// ZBL between all species, switched off from `inner` to `outer` (Å). Atomic numbers are those of the species'
  /// symbols unless given.
  package convenience init(
    zblInner inner: Double, outer: Double, atomicNumbers: [String: Double] = [:], species: [String]
  ) throws {
    let z = try species.map { name in
      guard let number = atomicNumbers[name] ?? Elements.atomicNumber(of: name).map(Double.init) else {
        throw FaultlineError(
          .input, "zbl: \(name) is not a chemical element", hint: "give its atomic number")
      }
      return number
    }
    let forms = try SpeciesPairTable<ZBL?>(species) { a, b in try ZBL(z[a], z[b], inner: inner, outer: outer) }
    try self.init(name: "zbl", forms, truncation: .cut)
  }
}
