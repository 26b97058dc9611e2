import Foundation
import MDNumerics
import MDPotentialFiles

/// A factor of symmetry functions that depends on one distance and on no exponent η: a cutoff function f_c(r), or the
/// bump R(r) of compact functions.
struct EdgeFunction: Hashable {
  enum Shape: Hashable {
    case cutoff(CutoffFunction)
    case bump(CompactFunction, lower: Double)
  }
  var shape: Shape
  /// Zero from here on, Å.
  var cutoff: Double

  init(_ function: SymmetryFunction) {
    cutoff = function.cutoff
    shape =
      function.kind.isCompact
      ? .bump(function.compact, lower: function.lowerRadius) : .cutoff(function.cutoffFunction)
  }

  var program: EdgeProgram { EdgeProgram(self) }
}

/// An `EdgeFunction` ready for the kernel: f(r) and its logarithmic slope L = f′(r)/(f(r)·r), by lanes.
///
/// L makes the derivative of any product of edge functions the product times a sum. Towards the cutoff f → 0 and L → ∞;
/// arguments stop short of it, so that L stays finite and f·L goes to zero.
struct EdgeProgram: BitwiseCopyable {
  enum Kind: UInt8, BitwiseCopyable {
    case hard, cosine, tanh, exponential, polynomial1, polynomial2, polynomial3, polynomial4
  }
  private let kind: Kind
  /// x = |r − origin|·scale, replaced by 2x − x² if asymmetric; f = core(x).
  private let origin: Double
  private let scale: Double
  private let isBump: Bool
  private let isAsymmetric: Bool
  private let norm: Double
  let cutoff: Double

  init(_ function: EdgeFunction) {
    cutoff = function.cutoff
    switch function.shape {
    case .cutoff(let f):
      isBump = false
      isAsymmetric = false
      origin = f.alpha * function.cutoff
      scale = 1 / (function.cutoff - origin)
      var norm = 1.0
      switch f.kind {
      case .hard: kind = .hard
      case .cosine: kind = .cosine
      case .tanhUnnormalized: kind = .tanh
      case .tanh:
        kind = .tanh
        norm = pow(Foundation.tanh(1), -3)
      case .exponential: kind = .exponential
      case .polynomial1: kind = .polynomial1
      case .polynomial2: kind = .polynomial2
      case .polynomial3: kind = .polynomial3
      case .polynomial4: kind = .polynomial4
      }
      self.norm = norm
    case .bump(let f, let lower):
      isBump = true
      isAsymmetric = f.isAsymmetric
      origin = (lower + function.cutoff) / 2
      scale = 2 / (function.cutoff - lower)
      norm = 1
      switch f.core {
      case .exponential: kind = .exponential
      case .polynomial1: kind = .polynomial1
      case .polynomial2: kind = .polynomial2
      case .polynomial3: kind = .polynomial3
      case .polynomial4: kind = .polynomial4
      }
    }
  }

  /// Fills fields of `count` records, `stride` bytes apart, from r and 1/r. Distances beyond the cutoff give f = 0.
  @inline(__always)
  func fill(_ records: Record, _ count: Int, stride: Int, r: Int, inverse: Int, f: Int, slope: Int?) {
    loop(records, count, stride, f, slope) { record in (record[r], record[inverse]) }
  }

  /// The same from r alone; 1/r is filled in, too.
  @inline(__always)
  func fillAndInvert(_ records: Record, _ count: Int, stride: Int, r: Int, inverse: Int, f: Int, slope: Int?) {
    if kind == .tanh {
      tanhAndInvert(records, count, stride, r, inverse, f, slope)
      return
    }
    loop(records, count, stride, f, slope) { record in
      let distance = record[r]
      let one = 1 / distance
      record[inverse] = one
      return (distance, one)
    }
  }

  /// The most frequent case, with one division: w = 1/(r·t) gives 1/r = w·t and 1/(r·t) of the slope.
  @inline(__always)
  private func tanhAndInvert(
    _ records: Record, _ count: Int, _ stride: Int, _ distance: Int, _ inverse: Int, _ f: Int, _ slope: Int?
  ) {
    let scale = Lanes(repeating: -1 / cutoff)
    let factor = Lanes(repeating: -3 / cutoff)
    let norm = Lanes(repeating: norm)
    let one = Lanes(repeating: 1)
    let constants = LaneConstants.tanh
    var record = records
    for _ in 0..<count {
      let r = record[distance]
      let t = tanhOfUnitInterval(positive(one.addingProduct(r, scale)), constants)
      let w = one / (r * t)
      let t2 = t * t
      record[inverse] = w * t
      record[f] = norm * t2 * t
      if let slope { record[slope] = factor * (one - t2) * w }
      record += stride
    }
  }

  /// A loop a kind; within it nothing is left to decide.
  @inline(__always)
  private func loop(
    _ records: Record, _ count: Int, _ stride: Int, _ f: Int, _ slope: Int?, _ distances: (Record) -> (Lanes, Lanes)
  ) {
    let one = Lanes(repeating: 1)
    var record = records
    switch kind {
    case .hard:
      let cutoff = Lanes(repeating: cutoff)
      for _ in 0..<count {
        let (r, _) = distances(record)
        record[f] = one.replacing(with: 0, where: r .>= cutoff)
        if let slope { record[slope] = .zero }
        record += stride
      }
    case .tanh:
      let scale = Lanes(repeating: -1 / cutoff)
      let factor = Lanes(repeating: -3 / cutoff)
      let norm = Lanes(repeating: norm)
      let constants = LaneConstants.tanh
      for _ in 0..<count {
        let (r, inverse) = distances(record)
        let t = tanhOfUnitInterval(positive(one.addingProduct(r, scale)), constants)
        let t2 = t * t
        record[f] = norm * t2 * t
        if let slope { record[slope] = factor * (one - t2) * inverse / t }
        record += stride
      }
    case .cosine: cores(records, count, stride, f, slope, distances) { Self.cosine($0) }
    case .exponential: cores(records, count, stride, f, slope, distances) { Self.exponentialCore($0) }
    case .polynomial1: cores(records, count, stride, f, slope, distances) { Self.polynomial1($0) }
    case .polynomial2: cores(records, count, stride, f, slope, distances) { Self.polynomial2($0) }
    case .polynomial3: cores(records, count, stride, f, slope, distances) { Self.polynomial3($0) }
    case .polynomial4: cores(records, count, stride, f, slope, distances) { Self.polynomial4($0) }
    }
  }

  /// With a core: from x in 0 … 1 to its value and its slope over its value.
  @inline(__always)
  private func cores(
    _ records: Record, _ count: Int, _ stride: Int, _ f: Int, _ slope: Int?, _ distances: (Record) -> (Lanes, Lanes),
    _ core: (Lanes) -> (Lanes, Lanes)
  ) {
    let origin = Lanes(repeating: origin)
    let scale = Lanes(repeating: scale)
    let one = Lanes(repeating: 1)
    var record = records
    if !isBump {
      for _ in 0..<count {
        let (r, inverse) = distances(record)
        let (value, ratio) = core(((r - origin) * scale).maximum(.zero).minimum(one))
        record[f] = value
        if let slope { record[slope] = ratio * scale * inverse }
        record += stride
      }
      return
    }
    for _ in 0..<count {
      let (r, inverse) = distances(record)
      let signed = (r - origin) * scale
      let x = signed.maximum(Lanes.zero - signed).minimum(one)
      let sign = scale.replacing(with: Lanes.zero - scale, where: signed .< 0)
      let (value, ratio) = core(isAsymmetric ? x * (one + one - x) : x)
      record[f] = value
      if let slope {
        record[slope] = ratio * sign * inverse * (isAsymmetric ? one + one - x - x : one)
      }
      record += stride
    }
  }

  // MARK: Cores: value and d ln(value)/dx for 0 ≤ x ≤ 1

  /// ½ (cos πx + 1) = cos²(πx/2).
  @inline(__always)
  static func cosine(_ x: Lanes) -> (Lanes, Lanes) {
    let (sine, cosine) = sineAndCosine(x * Lanes(repeating: .pi / 2))
    let c = positive(cosine)
    return ((c * c).replacing(with: 0, where: x .>= 1), Lanes(repeating: -Double.pi) * sine / c)
  }

  /// exp(1 − 1/(1 − x²)).
  @inline(__always)
  static func exponentialCore(_ x: Lanes) -> (Lanes, Lanes) {
    let u = positive(Lanes(repeating: 1) - x * x)
    let inverse = Lanes(repeating: 1) / u
    let value = exponential(Lanes(repeating: 1) - inverse)
    return (
      value.replacing(with: 0, where: u .< Lanes(repeating: 1e-3)),
      (Lanes(repeating: -2) * x * inverse * inverse).replacing(with: 0, where: u .< Lanes(repeating: 1e-3))
    )
  }

  // (1 − x)ⁿ⁺¹ p(x), whose slope is −c xⁿ (1 − x)ⁿ.

  @inline(__always)
  static func polynomial1(_ x: Lanes) -> (Lanes, Lanes) {
    let u = positive(Lanes(repeating: 1) - x)
    let up = u * horner(x, 2, 1)
    return (u * up, Lanes(repeating: -6) * x / up)
  }

  @inline(__always)
  static func polynomial2(_ x: Lanes) -> (Lanes, Lanes) {
    let u = positive(Lanes(repeating: 1) - x)
    let up = u * horner(x, 6, 3, 1)
    return (u * u * up, Lanes(repeating: -30) * x * x / up)
  }

  @inline(__always)
  static func polynomial3(_ x: Lanes) -> (Lanes, Lanes) {
    let u = positive(Lanes(repeating: 1) - x)
    let up = u * horner(x, 20, 10, 4, 1)
    return (u * u * u * up, Lanes(repeating: -140) * x * x * x / up)
  }

  @inline(__always)
  static func polynomial4(_ x: Lanes) -> (Lanes, Lanes) {
    let u = positive(Lanes(repeating: 1) - x)
    let up = u * horner(x, 70, 35, 15, 5, 1)
    let square = x * x
    return (u * u * (u * u) * up, Lanes(repeating: -630) * square * square / up)
  }

  /// Coefficients from the highest power down.
  @inline(__always)
  private static func horner(
    _ x: Lanes, _ a: Double, _ b: Double, _ c: Double? = nil, _ d: Double? = nil, _ e: Double? = nil
  ) -> Lanes {
    var sum = Lanes(repeating: b).addingProduct(x, Lanes(repeating: a))
    if let c { sum = Lanes(repeating: c).addingProduct(x, sum) }
    if let d { sum = Lanes(repeating: d).addingProduct(x, sum) }
    if let e { sum = Lanes(repeating: e).addingProduct(x, sum) }
    return sum
  }

  /// What is left of the way to the cutoff, never quite nothing: its square is zero, its inverse finite.
  @inline(__always)
  private static func positive(_ x: Lanes) -> Lanes {
    x.maximum(Lanes(repeating: 1e-70))
  }
  @inline(__always)
  private func positive(_ x: Lanes) -> Lanes { Self.positive(x) }
}
