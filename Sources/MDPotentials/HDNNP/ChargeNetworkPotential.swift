import MDCore
import MDNumerics
import MDPotentialFiles

/// A high-dimensional neural network potential of the third generation: N. Artrith, T. Morawietz, J. Behler, Phys. Rev.
/// B 83, 153101 (2011). Point charges come straight from networks:
///
///     E = C Σ_{i<j} qᵢqⱼ f(rᵢⱼ)/rᵢⱼ + Σᵢ Eᵢ(Gᵢ),   q = T(n),  nᵢ = NNᵢ(Gᵢ)
///
/// over all images, with the screening f (`ScreeningFunction`). T makes the charges add up to Q (`ChargeTotal`). With
/// φ = ∂E/∂q and λ = φ·∂T/∂n, as for charge equilibration (`ChargedHDNNPPotential`) but without a system to solve:
///
///     dE/dx = Σᵢ (∂Eᵢ/∂Gᵢ + λᵢ ∂nᵢ/∂Gᵢ) ∂Gᵢ/∂x + (∂E/∂x at fixed charges)
///
/// Columns: the charges (`AtomStore.charge`).
public final class ChargeNetworkPotential: ChargeEquilibrating {
  public let name = "hdnnp"
  public let requirements: PotentialRequirements
  public var totalCharge: Double

  private let engine: HDNNPEngine
  private let networks: ChargedAtoms
  private let rule: ChargeTotal
  private let matrix: GaussianChargeMatrix
  private let elementOf: AlignedBuffer<Int32>
  private let momentCount: Int
  private var columns: Columns?
  /// Σ n of the last step.
  private var sum = 0.0
  private let outputs = AlignedBuffer<Double>()
  private let potential = AlignedBuffer<Double>()
  private let energies = AlignedBuffer<Double>()
  private let slopes = AlignedBuffer<Double>()

  private struct Columns {
    var moments, order, extrapolations, charges, weights: Column<Double>
  }

  /// - Parameters:
  ///   - elements: the potential's element of each species of the run; the species' own names if nil.
  ///   - longRange: made for `cutoff`, the reach of pairs (Å).
  ///   - totalCharge: Q, e.
  public init(
    model: HDNNPModel, elements: [String]? = nil, species: [String], longRange: any LongRangeSolver, cutoff: Double,
    totalCharge: Double = 0, communicator: any Communicator, file: String? = nil
  ) throws {
    guard let electrostatics = model.electrostatics, electrostatics.charges != .equilibrated else {
      throw FaultlineError(
        .input, "an HDNNP whose charges do not come from networks", at: file.map { SourceLocation(file: $0) })
    }
    let map = try model.elementIndices(species: elements ?? species, file: file)
    self.totalCharge = totalCharge
    let plan = DescriptorPlan(model.withAllFunctions)
    let program = DescriptorProgram(plan)
    engine = HDNNPEngine(program, elementOfSpecies: map)
    networks = ChargedAtoms(model, electrostatics, plan)
    rule = ChargeTotal(scales: electrostatics.charges == .scaled, communicator: communicator)
    matrix = GaussianChargeMatrix(
      solver: longRange, cutoff: cutoff, widths: map.map { _ in 0 }, hardness: map.map { _ in 0 },
      factor: electrostatics.coulombFactor, screening: electrostatics.screening, communicator: communicator)
    elementOf = AlignedBuffer(map)
    momentCount = program.momentCount
    requirements = PotentialRequirements(
      cutoff: max(program.cutoff, matrix.cutoff), list: .full, writesGhosts: true)
  }

  public var longRange: (any LongRangeSolver)? { matrix.solver }

  /// There are none but the total.
  public func checkConstraints(_ atoms: AtomView, box: Box) throws {}

  public func notes(for atoms: AtomView) throws -> [String] {
    guard let parameters = matrix.solver.parameters, let q = atoms.charges else { return [] }
    return [
      "hdnnp: charges by networks, \(matrix.solver.name), \(matrix.solver.summary); pairs within "
        + "\(matrix.cutoff) Å, α = \(Float(parameters.splitting))/Å",
      "hdnnp: the networks' charges add up to \(Float(sum)) e, "
        + "\(rule.scales ? "scaled" : "shifted") to \(totalCharge) e",
    ] + (try matrix.errors("hdnnp", charges: q, on: atoms)?.notes(pairs: matrix.pairError) ?? [])
  }

  public func warnings(for atoms: AtomView) throws -> [String] {
    guard let q = atoms.charges else { return [] }
    return try matrix.errors("hdnnp", charges: q, on: atoms)?.warnings() ?? []
  }

  public func attach(to atoms: AtomStore) throws {
    columns = Columns(
      moments: atoms.addColumn("hdnnp moments \(momentCount)", width: momentCount),
      order: atoms.addColumn("hdnnp order"),
      extrapolations: atoms.addColumn(Assessment.extrapolations.column, roles: [.migrates]),
      charges: atoms.needCharge(), weights: atoms.addColumn("charge weights"))
    matrix.attach(to: atoms)
  }

  public func compute(_ context: ForceContext) throws -> Tally {
    guard let columns else { throw FaultlineError(.run, "the HDNNP was not attached to the atoms") }
    let atoms = context.atoms
    let n = atoms.localCount
    for buffer in [outputs, potential, energies, slopes] { buffer.reserve(max(n, 1)) }
    let (q, own, phi) = (columns.charges.pointer, outputs.pointer, potential.pointer)

    let moments = columns.moments
    let list = context.neighbors(.full)
    let order = engine.order(context, columns.order)
    moments.storage.clear(0..<atoms.count)
    engine.addMoments(atoms, list, order, moments.pointer)
    context.ghosts.reverse(moments.storage)
    networks.describe(
      atoms, elementOf: UnsafePointer(elementOf.pointer), moments: moments.pointer, width: momentCount,
      extrapolations: columns.extrapolations.pointer, into: own)
    networks.check(charges: own, atoms.ids, columns.extrapolations.pointer)
    sum = try rule.apply(own, n, total: totalCharge, to: q)
    context.ghosts.forward(columns.charges.storage)

    try matrix.prepare(context, total: totalCharge)
    try matrix.multiply(q, into: phi)
    matrix.addScreened(q, to: phi)
    networks.evaluate(charges: q, energies: energies.pointer, slopes: slopes.pointer)
    var energy = 0.0
    let w = columns.weights.pointer
    for i in 0..<n {
      w[i] = 0.5 * q[i]
      let part = energies.pointer[i] + w[i] * phi[i]
      energy += part
      if context.want.contains(.atomEnergy) { atoms.energies?[i] += part }
    }
    context.ghosts.forward(columns.weights.storage)
    rule.pullBack(phi, of: own, n, total: totalCharge)
    networks.finish(adjoint: phi, moments: moments.pointer, width: momentCount)
    context.ghosts.forward(moments.storage)
    var virial = engine.addForces(atoms, list, order, moments.pointer, want: context.want)
    virial += try matrix.addForces(q, w, want: context.want)
    return Tally(energy: energy, virial: virial)
  }
}

extension ChargeNetworkPotential: SelfAssessing {
  public var assessments: [Assessment] { [.extrapolations] }
  public var assessmentSums: [Double] { [Double(networks.extrapolations)] }
  public var assessmentMaxima: [Double] { [] }
  public func assess(sums: [Double], maxima: [Double], atoms: Int) -> [Double] { [sums[0]] }
  public var offenders: [Offender] { networks.offenders }
}
