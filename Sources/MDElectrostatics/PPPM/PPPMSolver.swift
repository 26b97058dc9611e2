import Foundation
import MDCore
import MDNumerics

/// The particle–particle particle–mesh method, distributed: the mesh part (the pairs' part is the caller's).
///
/// Charges are spread on a mesh by B-splines, the mesh is Fourier transformed, multiplied with the influence function
/// and transformed back, potentials and forces are gathered with the same splines (analytic differentiation: forces
/// are the exact gradient of the mesh energy, the virial its exact derivative). A potential costs two transforms, and
/// so do forces; a bilinear form four.
///
/// Stages, a file each: `BSpline`, `MeshWindow`, `ChargeSpreading`, `MeshExchange`, `DistributedFFT` (together a
/// `ChargeMesh`), `InfluenceFunction`, `FieldGathering`, and `SelfInteraction`, which takes out what a charge does to
/// itself.
/// Meshes follow the cell (they are made in fractional coordinates), so any shape will do.
///
/// Forces that are the gradient of a mesh energy do not add up to zero, since the mesh stands still: the sum is of
/// the order of one force's error times √N. It is left as it is; subtracting it would make the forces no gradient.
///
/// R. W. Hockney, J. W. Eastwood, Computer Simulation Using Particles, chapter 8; U. Essmann et al., J. Chem. Phys.
/// 103, 8577 (1995); V. Ballenegger, J. J. Cerdà, C. Holm, J. Chem. Theory Comput. 8, 936 (2012).
public final class PPPMSolver: LongRangeSolver {
  public let name = "pppm"
  public var parameters: LongRangeParameters?
  public private(set) var estimatedError = 0.0
  public var askedError: Double { options.askedError }
  public private(set) var gap: SlabGap?
  public private(set) var revisions = 0
  public var volume: Double { setup?.cell.volume ?? .infinity }
  /// Ranks of the Fourier transform along x and y; chosen for the mesh and `LongRangeOptions.fftRanks` if nil.
  public var processGrid: SIMD2<Int>?

  public var summary: String {
    guard let setup else { return "" }
    return "\(setup.mesh.summary), splines of order \(setup.mesh.order), transforms on \(setup.mesh.blocks.summary)"
  }

  private let options: LongRangeOptions
  private let planning: FFTPlanning
  private let communicator: any Communicator
  private var setup: Setup?
  /// Whether anybody has asked for virials yet.
  private var needsTensors = false
  /// A spectrum kept for virials.
  private let kept = AlignedBuffer<Double>()
  /// Seven sums for each atom's share of the virial.
  private let shares = AlignedBuffer<Double>()

  /// What one mesh on one decomposition needs.
  private struct Setup {
    let mesh: ChargeMesh
    let influence: InfluenceFunction
    // Of the present cell:
    var cell: PeriodicCell
    var own: SelfInteraction
    var uniform: UniformTerms
    /// N_a a*_a: the gradient of mesh coordinates.
    var basis: Matrix3
  }

  public init(_ options: LongRangeOptions, communicator: any Communicator, planning: FFTPlanning = .estimated) {
    self.options = options
    self.communicator = communicator
    self.planning = planning
  }

  // MARK: Preparing

  public func fits(_ system: LongRangeSystem) -> Bool { options.fits(system, parameters) }

  public func imageError(of charges: UnsafePointer<Double>, on atoms: AtomView) -> Double {
    setup.map { SlabImages.forceError(charges, atoms, $0.cell, communicator) } ?? 0
  }

  public func prepare(_ system: LongRangeSystem) throws {
    let (cell, gap) = try options.cell(system, known: parameters)
    let isKept = parameters.map { $0.count == system.charges.count && fits(system) } ?? false
    if setup != nil, !isKept || options.isWorse(gap, than: self.gap) { revisions += 1 }
    self.gap = gap
    let chosen = isKept ? parameters! : try choose(cell, system.charges)
    parameters = chosen
    let alpha = chosen.splitting
    let layout = ChargeMesh.Layout(
      mesh: chosen.grid, order: chosen.order, system, cell, processGrid: processGrid, fftRanks: options.fftRanks,
      size: communicator.size)
    if setup?.mesh.layout != layout {
      setup = nil
      setup = try makeSetup(layout, cell, alpha)
      estimatedError = MeshErrors.forces(
        splitting: alpha, mesh: chosen.grid, order: chosen.order, cell: cell, system.charges)
    }
    setup!.cell = cell
    setup!.mesh.place(cell)
    setup!.uniform = UniformTerms(cell, splitting: alpha, communicator: communicator)
    setup!.basis = Self.basis(chosen.grid, cell)
    fillInfluence()
  }

  /// The influence function of the present cell.
  private func fillInfluence() {
    guard let now = setup, let alpha = parameters?.splitting else { return }
    let sums = ShiftedSums.reduce(
      now.influence.fill(now.cell, splitting: alpha, tensors: needsTensors), communicator)
    let exact = SelfInteraction.exact(now.cell, splitting: alpha)
    var own = SelfInteraction(sums[0], exact: exact.value)
    if needsTensors {
      own.virials = SelfInteraction.virials(sums[0], Array(sums[1...]), exact: exact.virial, now.influence)
    }
    setup!.own = own
  }

  private func choose(_ cell: PeriodicCell, _ charges: ChargeStatistics) throws -> LongRangeParameters {
    let alpha = options.splitting(for: charges)
    let (mesh, order) = try MeshChoice.choose(
      error: options.errorPerPart, splitting: alpha, cell: cell, charges)
    return LongRangeParameters(splitting: alpha, grid: mesh, order: order, cell: cell.cell, count: charges.count)
  }

  private func makeSetup(_ layout: ChargeMesh.Layout, _ cell: PeriodicCell, _ alpha: Double) throws -> Setup {
    let mesh = try ChargeMesh(layout, cell: cell, planning: planning, communicator: communicator)
    return Setup(
      mesh: mesh, influence: InfluenceFunction(mesh.fft, order: mesh.order, cell: cell), cell: cell,
      own: SelfInteraction(ShiftedSums(), exact: 0),
      uniform: UniformTerms(cell, splitting: alpha, communicator: communicator),
      basis: Self.basis(layout.mesh, cell))
  }

  private static func basis(_ mesh: SIMD3<Int>, _ cell: PeriodicCell) -> Matrix3 {
    let r = cell.reciprocal
    return Matrix3(Double(mesh.x) * r.x, Double(mesh.y) * r.y, Double(mesh.z) * r.z)
  }

  /// Messages that this rank sends in one change from windows to blocks, the bytes of its window, and those of them
  /// that stay on this rank.
  package var exchangeTraffic: (messages: Int, bytes: Int, kept: Int) { setup?.mesh.traffic ?? (0, 0, 0) }

  // MARK: Stages

  public func potential(
    of charges: UnsafePointer<Double>, on atoms: AtomView, into potential: UnsafeMutablePointer<Double>
  ) throws {
    guard let setup else { preconditionFailure("prepare the solver first") }
    let mesh = setup.mesh
    try mesh.transform(charges, atoms)
    setup.influence.apply()
    mesh.transformBack()
    mesh.atoms.gather(
      mesh.window.pointer, charges, atoms.positions, count: atoms.localCount,
      SelfField(setup.own, order: mesh.order), into: potential, scratch: mesh.scratch.pointer)
    setup.uniform.addPotential(of: charges, on: atoms, into: potential)
  }

  public func addForces(
    of charges: UnsafePointer<Double>, with other: UnsafePointer<Double>?, on atoms: AtomView, want: Want
  ) throws -> Tally {
    let wantsVirial = want.contains(.virial) || want.contains(.atomVirial)
    if wantsVirial, !needsTensors {
      needsTensors = true
      fillInfluence()
    }
    guard let setup else { preconditionFailure("prepare the solver first") }
    let virials = want.contains(.atomVirial) ? atoms.virials : nil
    var tally = Tally.zero
    let size = 2 * setup.influence.count
    let spectrum = setup.mesh.fft.spectrum.pointer

    try setup.mesh.transform(charges, atoms)
    if wantsVirial, other != nil || virials != nil {
      kept.reserve(max(size, 1))
      kept.pointer.update(from: spectrum, count: size)
    }
    if wantsVirial, other == nil { tally.virial += 0.5 * setup.influence.virial(spectrum, spectrum) }
    setup.influence.apply()
    setup.mesh.transformBack()
    tally.energy += gatherForces(setup, sources: charges, weights: other ?? charges, atoms, want)
    if let virials { addAtomVirials(setup, weights: other ?? charges, atoms, into: virials) }

    if let other {
      try setup.mesh.transform(other, atoms)
      if wantsVirial { tally.virial += setup.influence.virial(kept.pointer, spectrum) }
      if virials != nil { kept.pointer.update(from: spectrum, count: size) }
      setup.influence.apply()
      setup.mesh.transformBack()
      tally.energy += gatherForces(setup, sources: other, weights: charges, atoms, want)
      if let virials { addAtomVirials(setup, weights: charges, atoms, into: virials) }
    }
    if wantsVirial {
      tally.virial += ownVirials(charges, other ?? charges, half: other == nil ? 0.5 : 1, atoms, into: virials)
    }
    tally += setup.uniform.addForces(of: charges, with: other, on: atoms, want: want)
    return tally
  }

  private func gatherForces(
    _ setup: Setup, sources: UnsafePointer<Double>, weights: UnsafePointer<Double>, _ atoms: AtomView, _ want: Want
  ) -> Double {
    setup.mesh.atoms.addForces(
      setup.mesh.window.pointer, sources: sources, weights: weights, atoms.positions, count: atoms.localCount,
      SelfField(setup.own, order: setup.mesh.order), basis: setup.basis, forces: atoms.forces,
      energies: want.contains(.atomEnergy) ? atoms.energies : nil, scratch: setup.mesh.scratch.pointer)
  }

  /// Points of a mesh that is for measuring errors alone: half a gigabyte for its charges and waves.
  private static let largestMeasure = 1 << 25

  /// The root-mean-square error of this part of the forces on these atoms, eV/Å, against a mesh that is reckoned to be
  /// twenty times as accurate; nil if that takes more than `largestMeasure` points. Collective; costs some dozens of
  /// steps, and leaves the atoms as they were.
  public func measuredError(of charges: UnsafePointer<Double>, on atoms: AtomView, _ system: LongRangeSystem) throws
    -> Double?
  {
    guard let parameters else { preconditionFailure("prepare the solver first") }
    let finer = PPPMSolver(options, communicator: communicator, planning: planning)
    let cell = try options.cell(system, known: parameters).cell
    guard
      let (mesh, order) = try? MeshChoice.choose(
        error: 0.05 * estimatedError, splitting: parameters.splitting, cell: cell, system.charges),
      mesh.x * mesh.y * mesh.z <= Self.largestMeasure
    else { return nil }
    finer.parameters = parameters
    finer.parameters!.grid = mesh
    finer.parameters!.order = order
    try finer.prepare(system)

    let n = atoms.localCount
    let before = AlignedBuffer<Vector3>(capacity: n)
    let coarse = AlignedBuffer<Vector3>(capacity: n)
    before.pointer.update(from: atoms.forces, count: n)
    defer { atoms.forces.update(from: before.pointer, count: n) }
    atoms.forces.update(repeating: .zero, count: n)
    _ = try addForces(of: charges, with: nil, on: atoms, want: [])
    coarse.pointer.update(from: atoms.forces, count: n)
    atoms.forces.update(repeating: .zero, count: n)
    _ = try finer.addForces(of: charges, with: nil, on: atoms, want: [])
    var squares = 0.0
    for i in 0..<n { squares += (atoms.forces[i] - coarse.pointer[i]).squaredLength }
    return (communicator.sum(squares) / Double(max(system.charges.count, 1))).squareRoot()
  }

  // MARK: Virials

  /// The part of a charge's own correction, half Σ λ q [ξ − u] (see `SelfInteraction`).
  private func ownVirials(
    _ charges: UnsafePointer<Double>, _ other: UnsafePointer<Double>, half: Double, _ atoms: AtomView,
    into virials: UnsafeMutablePointer<Double>?
  ) -> Matrix3 {
    guard let setup = self.setup, let own = setup.own.virials else { return .zero }
    let sign = setup.mesh.order.isMultiple(of: 2) ? -1.0 : 1.0
    // Σ λq, and with the harmonics of each axis.
    var plain = 0.0
    var first = Vector3.zero
    var second = Vector3.zero
    setup.mesh.atoms.forEachPlace(atoms.positions, count: atoms.localCount, scratch: setup.mesh.scratch.pointer) {
      i, v in
      let c = sineAndCosine(2 * Double.pi * v).cosine
      let weight = half * charges[i] * other[i]
      let one = weight * sign * Vector3(c[0], c[1], c[2])
      let two = weight * (2 * Vector3(c[0] * c[0], c[1] * c[1], c[2] * c[2]) - 1)
      plain += weight
      first += one
      second += two
      if let virials { Self.ownVirial(own, weight, one, two).add(to: virials + 9 * i) }
    }
    return Self.ownVirial(own, plain, first, second)
  }

  private static func ownVirial(
    _ own: SelfInteraction.Virials, _ plain: Double, _ first: Vector3, _ second: Vector3
  ) -> Matrix3 {
    var sum = plain * own.constant
    for a in 0..<3 {
      sum += (-first[a]) * own.first[a]
      sum += (-second[a]) * own.second[a]
    }
    return sum
  }

  /// Each atom's share ½ c_i Σ_n e^(ik·r) (G 1 − Σ t_ab a*_a ⊗ a*_b) ρ̂ of the virial, the charge's spectrum being in
  /// `kept` and its potential on the window: six more transforms back.
  private func addAtomVirials(
    _ setup: Setup, weights: UnsafePointer<Double>, _ atoms: AtomView, into virials: UnsafeMutablePointer<Double>
  ) {
    let n = atoms.localCount
    let sums = shares
    sums.reserve(max(7 * n, 1))
    sums.pointer.update(repeating: 0, count: 7 * n)
    for component in 0..<7 {
      if component > 0 {
        setup.influence.apply(tensor: component - 1, to: kept.pointer)
        setup.mesh.transformBack()
      }
      setup.mesh.atoms.gather(
        setup.mesh.window.pointer, weights: weights, atoms.positions, count: n, into: sums.pointer + component,
        stride: 7, scratch: setup.mesh.scratch.pointer)
    }
    for i in 0..<n {
      let s = sums.pointer + 7 * i
      let t = setup.influence.cartesian(s + 1)
      (0.5 * (s[0] * Matrix3.identity - t)).add(to: virials + 9 * i)
    }
  }
}
