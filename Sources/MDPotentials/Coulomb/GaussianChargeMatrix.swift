import Foundation
import MDCore
import MDNumerics

/// The matrix of a charge equilibration: Coulomb interaction K of Gaussian charges, and hardness J.
///
///     ½ qᵀK q = C [Σ_{i<j} qᵢqⱼ erf(rᵢⱼ/√2γᵢⱼ)/rᵢⱼ + Σᵢ qᵢ²/(2√π σᵢ)],  γᵢⱼ² = σᵢ² + σⱼ²
///
/// over all images with the neutralising background: pairs within a cutoff with [erfc(αr) − erfc(r/√2γ)]/r, whose values are
/// kept for the step, and a `LongRangeSolver` for erf(αr)/r. In a charged periodic cell the widths matter for the
/// background: + 2πC/V (σᵢ² + σⱼ²) for every element.
///
/// A rank reads both halves of its pairs from a full list and writes to its own atoms only.
final class GaussianChargeMatrix: ChargeMatrix {
  let solver: any LongRangeSolver
  let cutoff: Double
  /// By species.
  let widths: [Double]
  let hardness: [Double]
  /// e²/4πε over that of `Units.coulomb`.
  let factor: Double

  private let communicator: any Communicator
  private var prepared: LongRangeSystem?
  private var statistics: ChargeStatistics?
  private var isNew = true
  private var context: ForceContext?
  private var vectors: Column<Double>?
  /// Pairs within the cutoff: starts of rows, neighbours, values of K (eV/e²).
  private let starts = AlignedBuffer<Int>()
  private let neighbors = AlignedBuffer<Int32>()
  private let values = AlignedBuffer<Double>()
  private let distances = AlignedBuffer<Double>()
  private let slots = AlignedBuffer<Double>()
  private let diagonals = AlignedBuffer<Double>()
  private let longRange = AlignedBuffer<Double>()
  /// 1/√2γ for each pair of species.
  private let inverseWidths: AlignedBuffer<Double>

  init(
    solver: any LongRangeSolver, cutoff: Double, widths: [Double], hardness: [Double], factor: Double,
    communicator: any Communicator
  ) {
    self.solver = solver
    self.cutoff = cutoff
    self.widths = widths
    self.hardness = hardness
    self.factor = factor
    self.communicator = communicator
    inverseWidths = AlignedBuffer(widths.flatMap { a in widths.map { 1 / (2 * (a * a + $0 * $0)).squareRoot() } })
  }

  func attach(to atoms: AtomStore) {
    vectors = atoms.addColumn("charge vector")
    isNew = true
  }

  var count: Int { context?.atoms.localCount ?? 0 }
  var diagonal: UnsafePointer<Double> { UnsafePointer(diagonals.pointer) }
  private var coulomb: Double { factor * Units.coulomb }

  // MARK: Once a step

  /// Collective.
  func prepare(_ context: ForceContext, total: Double) throws {
    self.context = context
    try prepareSolver(context, total: total)
    let atoms = context.atoms
    let n = atoms.localCount
    diagonals.reserve(max(n, 1))
    longRange.reserve(max(n, 1))
    for i in 0..<n {
      let kind = Int(atoms.species[i])
      diagonals.pointer[i] = hardness[kind] + coulomb / (Double.pi.squareRoot() * widths[kind])
    }
    fill(context)
  }

  /// Errors are estimated as if every charge were 1 e: what they are is not known yet.
  private func prepareSolver(_ context: ForceContext, total: Double) throws {
    if isNew || statistics == nil || !solver.fits(context.box) {
      longRange.reserve(max(context.atoms.localCount, 1))
      for i in 0..<context.atoms.localCount { longRange.pointer[i] = 1 }
      var found = ChargeStatistics(
        context.atoms, charges: UnsafePointer(longRange.pointer), box: context.box, communicator: communicator)
      found.sum = total
      statistics = found
      isNew = false
    }
    statistics!.sum = total
    let system = LongRangeSystem(box: context.box, decomposition: context.decomposition, charges: statistics!)
    guard system != prepared else { return }
    try solver.prepare(system)
    prepared = system
  }

  private func fill(_ context: ForceContext) {
    let atoms = context.atoms
    let list = context.neighbors(.full)
    let kinds = widths.count
    starts.reserve(list.rowCount + 1)
    neighbors.reserve(list.pairCount + 4 * list.rowCount + 4)
    values.reserve(list.pairCount + 4 * list.rowCount + 4)
    distances.reserve(list.longestRow + 4)
    slots.reserve(list.longestRow + 4)
    let (r2, beta, table) = (distances.pointer, slots.pointer, inverseWidths.pointer)
    let (index, value) = (neighbors.pointer, values.pointer)
    let limit = cutoff * cutoff
    let alpha = solver.parameters!.splitting
    var place = 0
    for i in 0..<list.rowCount {
      starts.pointer[i] = place
      let center = atoms.positions[i]
      let row = table + kinds * Int(atoms.species[i])
      var n = 0
      for k in list.starts[i]..<list.starts[i + 1] {
        let j = list.indices[k]
        let d2 = (atoms.positions[Int(j)] - center).squaredLength
        index[place &+ n] = j
        r2[n] = d2
        beta[n] = row[Int(atoms.species[Int(j)])]
        n &+= d2 < limit ? 1 : 0
      }
      for k in n..<(n + 4) {
        r2[k] = 1
        beta[k] = 1
      }
      var k = 0
      while k < n {
        let r = positiveSquareRoot(UnsafeRawPointer(r2 + k).loadUnaligned(as: Lanes.self))
        let b = UnsafeRawPointer(beta + k).loadUnaligned(as: Lanes.self)
        let far = complementaryErrorFunction(r * alpha).erfc
        let near = complementaryErrorFunction(r * b).erfc
        let v = (far - near) / r * Lanes(repeating: coulomb)
        UnsafeMutableRawPointer(value + place + k).storeBytes(of: v, as: Lanes.self)
        k &+= 4
      }
      place &+= n
    }
    starts.pointer[list.rowCount] = place
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
    let (index, value, start) = (neighbors.pointer, values.pointer, starts.pointer)
    for i in 0..<n {
      var a = 0.0
      var b = 0.0
      var k = start[i]
      let end = start[i &+ 1]
      while k &+ 1 < end {
        a += value[k] * all[Int(index[k])]
        b += value[k &+ 1] * all[Int(index[k &+ 1])]
        k &+= 2
      }
      if k < end { a += value[k] * all[Int(index[k])] }
      let own = diagonals.pointer[i] * all[i] + factor * longRange.pointer[i]
      y[i] = a + b + own
      if let background {
        let width = widths[Int(atoms.species[i])]
        y[i] += background.scale * (width * width * background.sum + background.spread)
      }
    }
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
    guard context.box.periodic.isFull else { return nil }
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

  /// Adds the forces −wᵀ(∂K/∂r)q at fixed q and w, and returns the virial (no energy). Both have values on ghosts.
  func addForces(_ q: UnsafePointer<Double>, _ w: UnsafePointer<Double>, want: Want) throws -> Matrix3 {
    guard let context else { preconditionFailure("prepare the matrix first") }
    let atoms = context.atoms
    let n = atoms.localCount
    let alpha = solver.parameters!.splitting
    let scale = 2 / Double.pi.squareRoot()
    let kinds = widths.count
    let perAtom = want.contains(.atomVirial) ? atoms.virials : nil
    let wantsVirial = !want.isEmpty
    var virial = VirialSum()
    for i in 0..<n {
      let center = loadRow(atoms.positions, Int32(truncatingIfNeeded: i))
      let row = inverseWidths.pointer + kinds * Int(atoms.species[i])
      let (qi, wi) = (Lanes(repeating: q[i]), Lanes(repeating: w[i]))
      var force = (Lanes.zero, Lanes.zero, Lanes.zero)
      var own = VirialSum()
      var k = starts.pointer[i]
      let end = starts.pointer[i + 1]
      while k < end {
        let left = min(4, end &- k)
        // Empty lanes repeat the first pair, with no strength.
        func j(_ l: Int) -> Int { Int(neighbors.pointer[k &+ (l < left ? l : 0)]) }
        let (j0, j1, j2, j3) = (j(0), j(1), j(2), j(3))
        var places = (Int32(truncatingIfNeeded: j0), Int32(truncatingIfNeeded: j1), Int32(truncatingIfNeeded: j2), Int32(truncatingIfNeeded: j3))
        let d = withUnsafePointer(to: &places) {
          PairVectors(
            atoms.positions, UnsafeRawPointer($0).assumingMemoryBound(to: Int32.self), from: center)
        }
        let b = Lanes(
          row[Int(atoms.species[j0])], row[Int(atoms.species[j1])], row[Int(atoms.species[j2])],
          row[Int(atoms.species[j3])])
        let strength =
          (wi * Lanes(q[j0], q[j1], q[j2], q[j3]) + qi * Lanes(w[j0], w[j1], w[j2], w[j3])) * laneWeights(left)
          * Lanes(repeating: coulomb)
        let r = positiveSquareRoot(d.squaredDistances)
        let inverse = 1 / r
        let far = complementaryErrorFunction(r * alpha)
        let near = complementaryErrorFunction(r * b)
        let slope = far.gaussian * Lanes(repeating: scale * alpha) - near.gaussian * b * Lanes(repeating: scale)
        // −φ′/r.
        let s = ((far.erfc - near.erfc) * inverse + slope) * inverse * inverse * strength
        force.0.addProduct(s, d.x)
        force.1.addProduct(s, d.y)
        force.2.addProduct(s, d.z)
        // Each pair stands twice.
        if wantsVirial { own.add(s * Lanes(repeating: 0.5), d) }
        k &+= 4
      }
      atoms.forces[i] -= Vector3(force.0.sum(), force.1.sum(), force.2.sum())
      if wantsVirial { virial.add(own) }
      if let perAtom { Self.add(own.matrix, to: perAtom, i) }
    }
    var sum = virial.matrix
    sum += try addSmooth(q, w, context, want)
    return sum
  }

  /// The solver's part and the background's.
  private func addSmooth(
    _ q: UnsafePointer<Double>, _ w: UnsafePointer<Double>, _ context: ForceContext, _ want: Want
  ) throws -> Matrix3 {
    let atoms = context.atoms
    for i in 0..<atoms.localCount { longRange.pointer[i] = factor * w[i] }
    // Energies are those of the whole, which only the caller knows.
    var wanted = want
    wanted.remove(.atomEnergy)
    var virial = try solver.addForces(
      of: q, with: UnsafePointer(longRange.pointer), on: atoms, want: wanted).virial
    guard !want.isEmpty, let a = background(context, q), let b = background(context, w) else { return virial }
    let perAtom = want.contains(.atomVirial) ? atoms.virials : nil
    for i in 0..<atoms.localCount {
      let width = widths[Int(atoms.species[i])]
      let (s, scale) = (width * width, 0.5 * a.scale)
      let energy = scale * (w[i] * (s * a.sum + a.spread) + q[i] * (s * b.sum + b.spread))
      virial += energy * Matrix3.identity
      if let perAtom { Self.add(energy * Matrix3.identity, to: perAtom, i) }
    }
    return virial
  }

  static func add(_ m: Matrix3, to virials: UnsafeMutablePointer<Double>, _ i: Int) {
    for (k, value) in m.elements.enumerated() { virials[9 * i + k] += value }
  }
}
