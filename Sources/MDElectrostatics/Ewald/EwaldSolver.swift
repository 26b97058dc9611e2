import MDCore
import MDNumerics

/// The reciprocal part of the Ewald sum, plainly: structure factors S(k) = Σ q e^(ik·r) over all atoms of all ranks
/// (one reduction), then potentials and forces from every wave vector. Exact up to the cut at |k| ≤ k_c, with a cost
/// of atoms times wave vectors: the reference for the mesh, and good for some ten thousand atoms.
///
///     E = ½ Σ_{k≠0} G(k)|S(k)|²,  G = 4πC/V · e^(−k²/4α²)/k²
///     φᵢ = Σ_{k≠0} G Re(S̄ e^(ik·rᵢ)),  Fᵢ = qᵢ Σ_{k≠0} G k Im(S̄ e^(ik·rᵢ))
///     W = ½ Σ_{k≠0} G|S|² [1 − 2(1/k² + 1/4α²) k ⊗ k]
///
/// P. P. Ewald, Ann. Phys. 369, 253 (1921); what else there is, in `UniformTerms`.
package final class EwaldSolver: LongRangeSolver {
  package let name = "ewald"
  package var parameters: LongRangeParameters?
  package private(set) var estimatedError = 0.0
  package var volume: Double { cell?.volume ?? .infinity }

  package var summary: String {
    guard let parameters, let vectors else { return "" }
    let sums = vectors.rows.reduce(0) { $0 + 4 * $1.quads }
    return "about \(sums) wave vectors up to \((parameters.wavevectorCutoff * 1000).rounded() / 1000)/Å"
  }

  private let options: LongRangeOptions
  private let communicator: any Communicator
  private var cell: PeriodicCell?
  private var terms: UniformTerms?
  private var vectors: WaveVectors?
  private let weights = AlignedBuffer<Double>()
  private let slopes = AlignedBuffer<Double>()
  private let sums = AlignedBuffer<Double>()
  private let otherSums = AlignedBuffer<Double>()
  private let phases = AlignedBuffer<Double>()

  package init(_ options: LongRangeOptions, communicator: any Communicator) {
    self.options = options
    self.communicator = communicator
  }

  package var askedError: Double { options.askedError }
  package private(set) var gap: SlabGap?
  package private(set) var revisions = 0

  package func fits(_ system: LongRangeSystem) -> Bool {
    guard options.fits(system, parameters) else { return false }
    return options.wavevectorCutoff == nil || parameters?.cell == system.box.cell.elements
  }

  package func imageError(of charges: UnsafePointer<Double>, on atoms: AtomView) -> Double {
    cell.map { SlabImages.forceError(charges, atoms, $0, communicator) } ?? 0
  }

  package func prepare(_ system: LongRangeSystem) throws {
    let (cell, gap) = try options.cell(system, known: parameters)
    let charges = system.charges
    var chosen = parameters
    let mustChoose = chosen.map { $0.count != charges.count || !fits(system) } ?? true
    if vectors != nil, mustChoose || options.isWorse(gap, than: self.gap) { revisions += 1 }
    self.gap = gap
    if mustChoose {
      let alpha = options.splitting(for: charges)
      let kc =
        options.wavevectorCutoff
        ?? EwaldErrors.reciprocalCutoff(splitting: alpha, error: options.errorPerPart, charges)
      chosen = LongRangeParameters(
        splitting: alpha, grid: SIMD3(0, 0, 0), wavevectorCutoff: kc, cell: cell.cell, count: charges.count)
    }
    var parameters = chosen!
    if mustChoose || vectors == nil {
      try refuse(wavevectorCutoff: parameters.wavevectorCutoff, cell)
      let reciprocal = Matrix3(parameters.cell).inverse.transpose
      let new = WaveVectors(reciprocal: reciprocal, cutoff: parameters.wavevectorCutoff)
      parameters.grid = new.largest
      for buffer in [weights, slopes] { buffer.reserve(new.count) }
      for buffer in [sums, otherSums] { buffer.reserve(2 * new.count) }
      phases.reserve(PhaseBlock.size(new.largest))
      vectors = new
    }
    self.parameters = parameters
    self.cell = cell
    terms = UniformTerms(cell, splitting: parameters.splitting, communicator: communicator)
    vectors!.fill(weights.pointer, slopes.pointer, cell, splitting: parameters.splitting)
    estimatedError = EwaldErrors.reciprocal(
      splitting: parameters.splitting, cutoff: parameters.wavevectorCutoff, charges)
  }

  /// Wave vectors, half of those in the sphere, are V k_c³/12π²; every one goes with every atom.
  private func refuse(wavevectorCutoff kc: Double, _ cell: PeriodicCell) throws {
    let count = cell.volume * kc * kc * kc / (12 * .pi * .pi)
    guard !(count <= Self.mostVectors) else { return }
    throw FaultlineError(
      .input, "a plain Ewald sum would take about \(Amount.count(count)) wave vectors",
      hint: "at most \(Amount.count(Self.mostVectors)): ask for less accuracy or a longer cutoff, or take `pppm`",
      isCollective: true)
  }

  /// A limit far above what plain sums are useful for.
  private static let mostVectors = 2e7

  package func potential(
    of charges: UnsafePointer<Double>, on atoms: AtomView, into potential: UnsafeMutablePointer<Double>
  ) throws {
    guard let terms, let vectors, let cell else { preconditionFailure("prepare the solver first") }
    structureFactors(of: charges, atoms, vectors, cell, into: sums)
    weigh(sums, vectors)
    gather(sums, atoms, vectors, cell, gradient: false) { i, phi, _ in potential[i] = phi }
    terms.addPotential(of: charges, on: atoms, into: potential)
  }

  package func addForces(
    of charges: UnsafePointer<Double>, with other: UnsafePointer<Double>?, on atoms: AtomView, want: Want
  ) throws -> Tally {
    guard let terms, let vectors, let cell else { preconditionFailure("prepare the solver first") }
    structureFactors(of: charges, atoms, vectors, cell, into: sums)
    let lambda = other ?? charges
    if let other { structureFactors(of: other, atoms, vectors, cell, into: otherSums) }
    var tally = Tally.zero
    if communicator.isRoot, !want.isEmpty {
      tally = reciprocalTally(other == nil ? sums : otherSums, half: other == nil ? 0.5 : 1, vectors, cell)
    }
    weigh(sums, vectors)
    let energies = want.contains(.atomEnergy) ? atoms.energies : nil
    gather(sums, atoms, vectors, cell, gradient: true) { i, phi, field in
      atoms.forces[i] += lambda[i] * field
      energies?[i] += 0.5 * lambda[i] * phi
    }
    let virials = want.contains(.atomVirial) ? atoms.virials : nil
    if let virials { gatherVirials(sums, lambda, atoms, vectors, cell, into: virials) }
    if other != nil {
      weigh(otherSums, vectors)
      gather(otherSums, atoms, vectors, cell, gradient: true) { i, phi, field in
        atoms.forces[i] += charges[i] * field
        energies?[i] += 0.5 * charges[i] * phi
      }
      if let virials { gatherVirials(otherSums, charges, atoms, vectors, cell, into: virials) }
    }
    tally += terms.addForces(of: charges, with: other, on: atoms, want: want)
    return tally
  }

  // MARK: Sums over wave vectors

  /// Real parts, then imaginary parts, of S(k), summed over all ranks.
  private func structureFactors(
    of charges: UnsafePointer<Double>, _ atoms: AtomView, _ vectors: WaveVectors, _ cell: PeriodicCell,
    into sums: AlignedBuffer<Double>
  ) {
    let real = sums.pointer
    let imaginary = real + vectors.count
    real.update(repeating: 0, count: 2 * vectors.count)
    let block = PhaseBlock(phases.pointer, vectors.largest)
    for start in stride(from: 0, to: atoms.localCount, by: 4) {
      block.fill(atoms, start, cell)
      vectors.rows.withUnsafeBufferPointer { rows in
        for row in rows { block.spread(row, charges + start, atoms.localCount - start, real, imaginary) }
      }
    }
    communicator.allReduce(UnsafeMutableBufferPointer(start: real, count: 2 * vectors.count), .sum)
  }

  /// S → g S.
  private func weigh(_ sums: AlignedBuffer<Double>, _ vectors: WaveVectors) {
    for k in 0..<vectors.count {
      sums.pointer[k] *= weights.pointer[k]
      sums.pointer[vectors.count + k] *= weights.pointer[k]
    }
  }

  /// half · Σ g Re(S̄ S′) and its virial, with S not yet weighed; S′ are `others`.
  private func reciprocalTally(
    _ others: AlignedBuffer<Double>, half: Double, _ vectors: WaveVectors, _ cell: PeriodicCell
  ) -> Tally {
    let n = vectors.count
    let (a, b) = (sums.pointer, others.pointer)
    var tally = Tally.zero
    for row in vectors.rows {
      let base = Double(row.n1) * cell.reciprocal.x + Double(row.n2) * cell.reciprocal.y
      for k in row.offset..<(row.offset + 4 * row.quads) where weights.pointer[k] != 0 {
        let vector = 2 * Double.pi * (base + Double(row.first + k - row.offset) * cell.reciprocal.z)
        let e = half * weights.pointer[k] * (a[k] * b[k] + a[n + k] * b[n + k])
        tally.energy += e
        tally.virial += e * (Matrix3.identity - slopes.pointer[k] * Matrix3.outer(vector, vector))
      }
    }
    return tally
  }

  /// Gives φ and −∇φ (per unit charge) of each atom from weighed sums.
  @inline(__always)
  private func gather(
    _ sums: AlignedBuffer<Double>, _ atoms: AtomView, _ vectors: WaveVectors, _ cell: PeriodicCell, gradient: Bool,
    _ result: (_ atom: Int, _ potential: Double, _ field: Vector3) -> Void
  ) {
    let real = UnsafePointer(sums.pointer)
    let imaginary = real + vectors.count
    let block = PhaseBlock(phases.pointer, vectors.largest)
    for start in stride(from: 0, to: atoms.localCount, by: 4) {
      block.fill(atoms, start, cell)
      var field = BlockField()
      vectors.rows.withUnsafeBufferPointer { rows in
        for row in rows { block.collect(row, real, imaginary, gradient: gradient, &field) }
      }
      for a in 0..<min(4, atoms.localCount - start) {
        let g = Vector3(field.g1[a], field.g2[a], field.g3[a])
        result(start + a, field.phi[a], 2 * Double.pi * (g * cell.reciprocal))
      }
    }
  }

  /// Adds each atom's share ½ qᵢ Σ g Re(S̄ e^(ik·rᵢ)) [1 − 2(1/k² + 1/4α²) k ⊗ k] of the virial.
  private func gatherVirials(
    _ sums: AlignedBuffer<Double>, _ charges: UnsafePointer<Double>, _ atoms: AtomView, _ vectors: WaveVectors,
    _ cell: PeriodicCell, into virials: UnsafeMutablePointer<Double>
  ) {
    let real = sums.pointer
    let imaginary = real + vectors.count
    let block = PhaseBlock(phases.pointer, vectors.largest)
    for start in stride(from: 0, to: atoms.localCount, by: 4) {
      block.fill(atoms, start, cell)
      for a in 0..<min(4, atoms.localCount - start) {
        var sum = Matrix3.zero
        for row in vectors.rows {
          let base = Double(row.n1) * cell.reciprocal.x + Double(row.n2) * cell.reciprocal.y
          for k in 0..<(4 * row.quads) where weights.pointer[row.offset + k] != 0 {
            let n3 = row.first + k
            let e = block.phase(a, row.n1, row.n2, n3)
            let value = real[row.offset + k] * e.real + imaginary[row.offset + k] * e.imaginary
            let vector = 2 * Double.pi * (base + Double(n3) * cell.reciprocal.z)
            sum += value * (Matrix3.identity - slopes.pointer[row.offset + k] * Matrix3.outer(vector, vector))
          }
        }
        let i = start + a
        (0.5 * charges[i] * sum).add(to: virials + 9 * i)
      }
    }
  }
}
