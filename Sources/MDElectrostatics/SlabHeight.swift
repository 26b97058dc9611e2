import Foundation
import MDCore
import MDNumerics

/// How high the periodic cell of a slab must be.
///
/// Copies above and below a slab act on it through lateral waves; the correction for layers (`UniformTerms`) takes out
/// the wave of length infinity alone. Across a gap g a wave k has e^(−kg) left, so that the smallest k = 2π/L counts.
/// Whatever the charges' order, the root-mean-square force is at most
///
///     6 · 4πC Σq²/A · e^(−2πg/L) / (1 − e^(−2πH/L))
///
/// for six waves of the smallest k, the area A of the slab and the height H of the cell: of each pair of charges a wave
/// gives 4πC/A |qᵢqⱼ| e^(k|zᵢⱼ|)/(e^(kH) − 1), and Σ|q| ≤ √(N Σq²).
extension LongRangeOptions {
  /// Root-mean-square force error over all parts, eV/Å.
  public var askedError: Double { accuracy * Units.coulomb }

  /// The periodic cell of a system, and of a slab its gap. A height that is not given is three times that of the box,
  /// or what brings the copies' forces to a tenth of the error asked for; what is known is kept while they are below
  /// it.
  /// - Throws: a collective input error if atoms are farther apart along the normal than a given height, or came apart.
  func cell(_ system: LongRangeSystem, known: LongRangeParameters?) throws -> (cell: PeriodicCell, gap: SlabGap?) {
    let box = system.box
    guard let axis = PeriodicCell.openAxis(of: box) else {
      return (try PeriodicCell(box, slabHeight: 0), nil)
    }
    let lateral = Lateral(box, axis)
    let (boxHeight, span) = (box.heights[axis], system.span)
    let width = span?.width ?? boxHeight
    /// The gap that brings the bound to an error.
    func needed(_ error: Double) -> Double {
      let ratio = lateral.strength(system.charges) / error
      return max(lateral.length / (2 * .pi) * log(max(ratio, 1)), 0.5 * lateral.length)
    }
    func error(_ height: Double) -> Double {
      guard height > width else { return .infinity }
      let k = 2 * Double.pi / lateral.length
      return lateral.strength(system.charges) * exp(-k * (height - width)) / (1 - exp(-k * height))
    }
    func result(_ height: Double) throws -> (PeriodicCell, SlabGap?) {
      let gap = SlabGap(
        height: height, gap: height - width, length: lateral.length, error: error(height),
        isChosen: slabFactor == nil, needed: width + needed(askedError), boxHeight: boxHeight)
      return (try PeriodicCell(box, slabHeight: height), gap)
    }
    func trouble(_ message: String, _ hint: String) -> FaultlineError {
      FaultlineError(.input, message, hint: hint, isCollective: true)
    }
    if let slabFactor {
      let height = slabFactor * boxHeight
      if let span, span.width >= height {
        throw trouble(
          "atoms \(span.lowest) and \(span.highest) are \(Self.short(span.distance)) Å apart along the slab's normal, "
            + "but its periodic cell is \(Self.short(height)) Å high: they would meet the slab's next copy",
          "leave `slab_factor` out and it is chosen, or give at least "
            + "\(Self.short((width + needed(askedError)) / boxHeight, up: true))")
      }
      return try result(height)
    }
    if let span, span.distance > 10 * max(boxHeight, lateral.length) {
      throw trouble(
        "atoms \(span.lowest) and \(span.highest) are \(Self.short(span.distance)) Å apart along the slab's normal: "
          + "it has come apart",
        "a taller box, or a `slab_factor`, if that is meant")
    }
    if let known, known.cell.count == 9 {
      let kept = try result(Matrix3(known.cell)[axis].length)
      if kept.1!.error <= askedError, known.fits(cell: kept.0.cell) { return kept }
    }
    let usual = 3 * boxHeight
    return try result(error(usual) <= askedError ? usual : width + needed(0.1 * askedError))
  }

  /// Whether parameters serve on for a system: its cell is theirs but for a small strain, a slab's height is the same.
  func fits(_ system: LongRangeSystem, _ parameters: LongRangeParameters?) -> Bool {
    guard let parameters, let (cell, gap) = try? cell(system, known: parameters) else { return false }
    if let gap, gap.isChosen, let axis = cell.openAxis {
      guard abs(Matrix3(parameters.cell)[axis].length / gap.height - 1) < 1e-9 else { return false }
    }
    return parameters.fits(cell: cell.cell)
  }

  /// Whether a given height leaves ten times more of the copies than when that was said last, and more than asked for.
  func isWorse(_ gap: SlabGap?, than before: SlabGap?) -> Bool {
    guard let gap, let before, gap.error > askedError else { return false }
    return log10(gap.error).rounded(.down) > log10(max(before.error, 0.1 * askedError)).rounded(.down)
  }

  private static func short(_ x: Double, up: Bool = false) -> String {
    String(format: "%.1f", up ? (x * 10).rounded(.up) / 10 : x)
  }

  /// The lateral lattice of a slab.
  private struct Lateral {
    /// Å².
    let area: Double
    /// 2π over the smallest wave number, Å.
    let length: Double

    init(_ box: Box, _ axis: Int) {
      let (a, b) = (box.cell[(axis + 1) % 3], box.cell[(axis + 2) % 3])
      area = cross(a, b).length
      // |n₁a* + n₂b*| is |n₁b − n₂a|/A: the shortest vector of the direct lattice, by Gauss's reduction.
      let (u, v) = reducedPlane(a, b)
      length = area / min(u.length, v.length)
    }

    /// eV/Å.
    func strength(_ charges: ChargeStatistics) -> Double {
      24 * Double.pi * Units.coulomb * charges.squares / area
    }
  }
}

/// The forces between a slab and the copies that a periodic sum stacks along its normal, as far as `UniformTerms`
/// leaves them in:
///
///     E = (2πC/A) Σ_{k≠0} 1/(k (e^(kH) − 1)) Σ_ij qᵢqⱼ cos(k·ρᵢⱼ) cosh(k zᵢⱼ)
///
/// over lateral waves k. A. Arnold, J. de Joannis, C. Holm, J. Chem. Phys. 117, 2496 (2002).
enum SlabImages {
  /// Root mean square over the charges, eV/Å, of waves up to three times the smallest; infinite if atoms are farther
  /// apart than the cell is high. Collective.
  static func forceError(
    _ charges: UnsafePointer<Double>, _ atoms: AtomView, _ cell: PeriodicCell, _ communicator: any Communicator
  ) -> Double {
    guard let normal = cell.normal, let axis = cell.openAxis else { return 0 }
    let n = atoms.localCount
    var limits = [Double.infinity, .infinity]
    for i in 0..<n {
      let z = dot(atoms.positions[i] - cell.origin, normal)
      limits = [min(limits[0], z), min(limits[1], -z)]
    }
    limits.withUnsafeMutableBufferPointer { communicator.allReduce($0, .minimum) }
    let middle = 0.5 * (limits[0] - limits[1])
    guard -limits[1] - limits[0] < cell.height else { return .infinity }

    let waves = waves(cell, axis)
    // Σ q e^(ik·ρ) e^(±k z − kH/2): up (cosine, sine), down.
    var sums = [Double](repeating: 0, count: 4 * waves.count + 1)
    for i in 0..<n {
      let r = atoms.positions[i] - cell.origin
      let z = dot(r, normal) - middle
      for (w, k) in waves.enumerated() {
        let (length, phase) = (k.length, dot(k, r))
        let up = charges[i] * exp(length * (z - 0.5 * cell.height))
        let down = charges[i] * exp(-length * (z + 0.5 * cell.height))
        sums[4 * w] += up * cos(phase)
        sums[4 * w + 1] += up * sin(phase)
        sums[4 * w + 2] += down * cos(phase)
        sums[4 * w + 3] += down * sin(phase)
      }
    }
    sums[4 * waves.count] = Double(n)
    communicator.sum(&sums)

    let scale = 4 * Double.pi * Units.coulomb * cell.height / cell.volume
    var squares = 0.0
    for i in 0..<n {
      let r = atoms.positions[i] - cell.origin
      let z = dot(r, normal) - middle
      var force = Vector3.zero
      for (w, k) in waves.enumerated() {
        let (length, phase) = (k.length, dot(k, r))
        let rise = exp(length * (z - 0.5 * cell.height))
        let fall = exp(-length * (z + 0.5 * cell.height))
        let (c, s) = (cos(phase), sin(phase))
        let own = Array(sums[(4 * w)..<(4 * w + 4)])
        // Re and Im of e^(ik·ρ) times the conjugate sums.
        let (above, aboveTurned) = (rise * (c * own[2] + s * own[3]), rise * (s * own[2] - c * own[3]))
        let (below, belowTurned) = (fall * (c * own[0] + s * own[1]), fall * (s * own[0] - c * own[1]))
        // Both k and −k, e^(−kH) being in the sums.
        let factor = scale / (1 - exp(-length * cell.height))
        force += factor * ((aboveTurned + belowTurned) / length * k - (above - below) * normal)
      }
      squares += charges[i] * charges[i] * force.squaredLength
    }
    return (communicator.sum(squares) / max(sums[4 * waves.count], 1)).squareRoot()
  }

  /// Half of the lateral waves up to three times the smallest, 1/Å.
  private static func waves(_ cell: PeriodicCell, _ axis: Int) -> [Vector3] {
    let (a, b) = (cell.reciprocal[(axis + 1) % 3], cell.reciprocal[(axis + 2) % 3])
    let (u, v) = reducedPlane(a, b)
    var waves: [Vector3] = []
    for i in 0...4 {
      for j in (i == 0 ? 1 : -4)...4 {
        let k = 2 * Double.pi * (Double(i) * u + Double(j) * v)
        if k.length <= 6.001 * .pi * u.length { waves.append(k) }
      }
    }
    return waves
  }
}

/// The two shortest vectors that span the plane lattice of a and b, the shorter first (Gauss's reduction).
private func reducedPlane(_ a: Vector3, _ b: Vector3) -> (Vector3, Vector3) {
  var (u, v) = a.squaredLength <= b.squaredLength ? (a, b) : (b, a)
  while true {
    let next = v - (dot(u, v) / u.squaredLength).rounded() * u
    // In a hexagonal lattice two vectors are equally short: which of them is taken must not be a matter of rounding.
    guard next.squaredLength < (1 - 1e-9) * v.squaredLength else { return (u, v) }
    (u, v) = next.squaredLength < u.squaredLength ? (next, u) : (u, next)
  }
}
