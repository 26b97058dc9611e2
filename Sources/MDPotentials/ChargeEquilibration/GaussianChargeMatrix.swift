import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// The matrix of a charge equilibration: Coulomb interaction K of Gaussian charges, and hardness J.
///
///     ½ qᵀK q = C [Σ_{i<j} qᵢqⱼ erf(rᵢⱼ/√2γᵢⱼ)/rᵢⱼ + Σᵢ qᵢ²/(2√π σᵢ)],  γᵢⱼ² = σᵢ² + σⱼ²
///
/// over all images with the neutralising background: pairs within a cutoff with [erfc(αr) − erfc(r/√2γ)]/r, whose
/// values are kept for the step, and a `LongRangeSolver` for erf(αr)/r. Where the charges add up to zero, pairs end at
/// the cutoff in zero and the diagonal has what that leaves out (see `CoulombPotential`). In a charged periodic cell
/// the widths matter for the background: + 2πC/V (σᵢ² + σⱼ²) for every element.
///
/// With it goes what an energy with a screening function f leaves out of the Coulomb energy of its charges,
///
///     ½ qᵀS q = −C Σᵢ qᵢ²/(2√π σᵢ) + C Σ_{i<j} qᵢqⱼ (f(rᵢⱼ) − 1) erf(rᵢⱼ/√2γᵢⱼ)/rᵢⱼ
final class GaussianChargeMatrix: ChargeMatrix {
  /// What the pairs within the cutoff do.
  enum Pairs {
    /// They end in zero where the charges add up to zero (the usual way).
    case shifted
    /// They are cut as they are.
    case cut
    /// There are none, and each charge keeps the energy of its Gaussian in the smooth sum, C α/√π q²: the energy is
    /// that of Gaussians of width 1/√2α.
    case absent
  }
  private let pairsKind: Pairs

  let solver: any LongRangeSolver
  /// The cutoff of pairs, Å; at least as long as the screening's outer radius.
  let cutoff: Double
  /// By species, Å; 0 for points, whose energy with themselves is left out.
  let widths: [Double]
  let hardness: [Double]
  /// e²/4πε over that of `Units.coulomb`.
  let factor: Double

  /// Whether the charges are points; the background of a charged cell then takes their widths as 0.
  private let arePoints: Bool
  private let communicator: any Communicator
  private var prepared: LongRangeSystem?
  private var statistics: ChargeStatistics?
  private var isNew = true
  private var context: ForceContext?
  private var vectors: Column<Double>?
  /// Energy of a charge with itself, ½ own q², eV/e².
  private let own: [Double]
  private let screening: ScreenedForm?
  private let pairs: ChargePairs
  private let diagonals = AlignedBuffer<Double>()
  private let longRange = AlignedBuffer<Double>()

  init(
    solver: any LongRangeSolver, cutoff: Double, widths: [Double], hardness: [Double], factor: Double,
    screening: ScreeningFunction? = nil, pairs kind: Pairs = .shifted, communicator: any Communicator
  ) {
    pairsKind = kind
    self.solver = solver
    self.cutoff = max(cutoff, screening?.outer ?? 0)
    self.screening = screening.map { ScreenedForm($0, coulomb: factor * Units.coulomb) }
    self.widths = widths
    own = widths.map { $0 > 0 ? factor * Units.coulomb / (Double.pi.squareRoot() * $0) : 0 }
    self.hardness = hardness
    self.factor = factor
    arePoints = widths.allSatisfy { $0 == 0 }
    self.communicator = communicator
    pairs = ChargePairs(widths: widths, hasSecond: screening != nil)
  }

  func attach(to atoms: AtomStore) {
    vectors = atoms.addColumn("charge vector")
    isNew = true
  }

  var count: Int { context?.atoms.localCount ?? 0 }
  var diagonal: UnsafePointer<Double> { UnsafePointer(diagonals.pointer) }
  var places: ChargePlaces? {
    guard let context, let prepared, !arePoints else { return nil }
    return ChargePlaces(
      atoms: context.atoms, system: prepared, width: widths.reduce(0, +) / Double(widths.count), factor: factor)
  }
  private var coulomb: Double { factor * Units.coulomb }

  // MARK: Once a step

  /// Collective.
  /// - Parameter charges: if they are known already, errors are estimated for them.
  func prepare(_ context: ForceContext, total: Double, charges: UnsafePointer<Double>? = nil) throws {
    self.context = context
    try prepareSolver(context, total: total, charges)
    let atoms = context.atoms
    let n = atoms.localCount
    diagonals.reserve(max(n, 1))
    longRange.reserve(max(n, 1))
    let isNeutral = abs(total) <= 1e-6 * Double(max(statistics!.count, 1))
    let alpha = solver.parameters!.splitting
    let shift = isNeutral && pairsKind == .shifted ? coulomb * erfc(alpha * cutoff) / cutoff : 0
    let smooth = pairsKind == .absent ? 2 * coulomb * alpha / Double.pi.squareRoot() : 0
    for i in 0..<n {
      let kind = Int(atoms.species[i])
      diagonals.pointer[i] = hardness[kind] + own[kind] - shift + smooth
    }
    if pairsKind != .absent { fill(context, shift: shift) }
  }

  /// Charges that come in a step may be larger than the first ones: estimates are for at least this many e each.
  private static let leastCharge = 0.2

  /// Errors are estimated as if every charge were 1 e where the charges are not known yet.
  private func prepareSolver(
    _ context: ForceContext, total: Double, _ charges: UnsafePointer<Double>?
  ) throws {
    func system(_ charges: ChargeStatistics) -> LongRangeSystem {
      LongRangeSystem(box: context.box, decomposition: context.decomposition, charges: charges, span: context.span)
    }
    if isNew || statistics.map({ !solver.fits(system($0)) }) ?? true {
      longRange.reserve(max(context.atoms.localCount, 1))
      for i in 0..<context.atoms.localCount {
        longRange.pointer[i] = charges.map { max(abs($0[i]), Self.leastCharge) } ?? 1
      }
      var found = ChargeStatistics(
        context.atoms, charges: UnsafePointer(longRange.pointer), box: context.box, communicator: communicator)
      found.sum = total
      statistics = found
      isNew = false
    }
    statistics!.sum = total
    let present = system(statistics!)
    guard present != prepared else { return }
    try solver.prepare(present)
    prepared = present
  }

  /// What is known of the errors of these charges' sums; nil before the first preparation.
  func errors(_ name: String, charges: UnsafePointer<Double>, on atoms: AtomView) -> LongRangeErrors? {
    prepared.map { LongRangeErrors(name: name, solver: solver, system: $0, charges: charges, atoms: atoms) }
  }

  /// Root-mean-square error of the forces from cutting the pairs of charges of 1 e, eV/Å (Kolafa and Perram 1992).
  var pairError: Double {
    guard pairsKind != .absent, let statistics, let alpha = solver.parameters?.splitting else { return 0 }
    let x = alpha * cutoff
    return 2 * coulomb * statistics.squares * exp(-x * x)
      / (Double(max(statistics.count, 1)) * cutoff * statistics.occupiedVolume).squareRoot()
  }

  private func fill(_ context: ForceContext, shift: Double) {
    let far = Lanes(repeating: solver.parameters!.splitting)
    let strength = Lanes(repeating: coulomb)
    let screening = screening
    pairs.fill(context, cutoff: cutoff) { r, beta in
      let inverse = reciprocal(r)
      let a = complementaryErrorFunction(r * far).erfc
      let b = complementaryErrorFunction(r * beta).erfc
      return ((a - b) * inverse * strength - shift, screening?.value(r, inverse, erfc: b) ?? .zero)
    }
  }

  // MARK: Products

  func multiply(_ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>) throws {
    guard let context, let vectors else { preconditionFailure("prepare the matrix first") }
    let atoms = context.atoms
    let n = atoms.localCount
    vectors.pointer.update(from: x, count: n)
    context.ghosts.forward(vectors.storage)
    let all = UnsafePointer(vectors.pointer)
    try solver.potential(of: all, on: atoms, into: longRange.pointer)
    let background = background(context, all)
    for i in 0..<n {
      y[i] = diagonals.pointer[i] * all[i] + factor * longRange.pointer[i]
      if let background {
        let width = widths[Int(atoms.species[i])]
        y[i] += background.scale * (width * width * background.sum + background.spread)
      }
    }
    if pairsKind != .absent { pairs.addProduct(all, on: atoms, to: y) }
  }

  /// Adds S q to the potential; q has values on ghosts.
  func addScreened(_ q: UnsafePointer<Double>, to potential: UnsafeMutablePointer<Double>) {
    guard let context else { preconditionFailure("prepare the matrix first") }
    let atoms = context.atoms
    for i in 0..<atoms.localCount {
      potential[i] -= own[Int(atoms.species[i])] * q[i]
    }
    if screening != nil { pairs.addSecondProduct(q, on: atoms, to: potential) }
  }

  private struct Background {
    /// 2πC/V.
    var scale: Double
    /// Σ x, Σ x σ².
    var sum: Double
    var spread: Double
  }

  /// What the charges' widths add to the background; collective.
  private func background(_ context: ForceContext, _ x: UnsafePointer<Double>) -> Background? {
    guard context.box.periodic.isFull, !arePoints else { return nil }
    var sums = [0.0, 0.0]
    for i in 0..<context.atoms.localCount {
      let width = widths[Int(context.atoms.species[i])]
      sums[0] += x[i]
      sums[1] += x[i] * width * width
    }
    communicator.sum(&sums)
    return Background(scale: 2 * .pi * coulomb / solver.volume, sum: sums[0], spread: sums[1])
  }

  // MARK: Forces

  /// Adds the forces −wᵀ(∂K/∂r)q − ½ qᵀ(∂S/∂r)q at fixed q and w, and returns the virial (no energy). Both have
  /// values on ghosts.
  ///
  /// - Parameter isOwn: w = ½ q, which the smooth part takes half of the time for.
  func addForces(
    _ q: UnsafePointer<Double>, _ w: UnsafePointer<Double>, want: Want, isOwn: Bool = false
  ) throws -> Matrix3 {
    guard let context else { preconditionFailure("prepare the matrix first") }
    let far = Lanes(repeating: solver.parameters!.splitting)
    let scale = Lanes(repeating: 2 / Double.pi.squareRoot())
    let strength = Lanes(repeating: coulomb)
    let screening = screening
    guard pairsKind != .absent else { return try addSmooth(q, w, context, want, isOwn) }
    var virial = pairs.addForces(q, w, context) { r, beta in
      let inverse = reciprocal(r)
      let a = complementaryErrorFunction(r * far)
      let b = complementaryErrorFunction(r * beta)
      let slope = (a.gaussian * far - b.gaussian * beta) * scale
      let smooth = ((a.erfc - b.erfc) * inverse + slope) * inverse * inverse * strength
      return (smooth, screening?.slope(r, inverse, beta, erfc: b.erfc, gaussian: b.gaussian) ?? .zero)
    }
    virial += try addSmooth(q, w, context, want, isOwn)
    return virial
  }

  /// Adds the long-range solver's part, and the background's.
  private func addSmooth(
    _ q: UnsafePointer<Double>, _ w: UnsafePointer<Double>, _ context: ForceContext, _ want: Want, _ isOwn: Bool
  ) throws -> Matrix3 {
    let atoms = context.atoms
    // One set of charges that has the factor in it, or two.
    let root = factor.squareRoot()
    for i in 0..<atoms.localCount { longRange.pointer[i] = isOwn ? root * q[i] : factor * w[i] }
    // No energies: only the caller knows how the energy of the whole is made up.
    var wanted = want
    wanted.remove(.atomEnergy)
    let other = UnsafePointer(longRange.pointer)
    var virial = try solver.addForces(
      of: isOwn ? other : q, with: isOwn ? nil : other, on: atoms, want: wanted).virial
    guard !want.isEmpty, let a = background(context, q), let b = background(context, w) else { return virial }
    let perAtom = want.contains(.atomVirial) ? atoms.virials : nil
    for i in 0..<atoms.localCount {
      let width = widths[Int(atoms.species[i])]
      let (s, scale) = (width * width, 0.5 * a.scale)
      let energy = scale * (w[i] * (s * a.sum + a.spread) + q[i] * (s * b.sum + b.spread))
      virial += energy * Matrix3.identity
      if let perAtom { for k in 0..<3 { perAtom[9 * i + 4 * k] += energy } }
    }
    return virial
  }
}
