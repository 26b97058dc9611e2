import Foundation
import MDCore
import MDNumerics

/// A high-dimensional neural network potential of the fourth generation: T. W. Ko, J. A. Finkler, S. Goedecker, J. Behler,
/// Nat. Commun. 12, 398 (2021).
///
/// Symmetry functions give electronegativities χᵢ(Gᵢ); charges of Gaussian shape minimise ½ qᵀA q + χᵀq under Σq = Q, where
/// A = K + J (`GaussianChargeMatrix`); short-range networks read the charges:
///
///     E = ½ qᵀ(K + S) q + Σᵢ Eᵢ(Gᵢ, qᵢ)
///
/// with S the screening (`GaussianChargeMatrix`). As the charges depend on all positions, forces and virial need the adjoint λ of
/// their equation, A λ + g + ν 1 = 0, Σλ = 0, with g = (K + S) q + ∂E/∂q: with w = ½ q + λ
///
///     dE/dx = Σᵢ (∂Eᵢ/∂Gᵢ + λᵢ ∂χᵢ/∂Gᵢ) ∂Gᵢ/∂x + wᵀ ∂K/∂x q + ½ qᵀ ∂S/∂x q
///
/// so one pass backward through the descriptors and one over pairs and the reciprocal sum serve all. The energy is taken as
/// the Lagrangian E + λᵀ(A q + χ + μ 1): the same for converged charges, and otherwise off in second order only.
///
/// Columns: the charges (`AtomStore.charge`), "electronegativity" (eV/e).
public final class ChargedHDNNPPotential: ChargeEquilibrating {
  public let name = "hdnnp"
  public let requirements: PotentialRequirements
  public let model: HDNNPModel
  public var totalCharge: Double
  /// Of the last step: charges, and their adjoint.
  public private(set) var solutions: (charges: ChargeSolution, adjoint: ChargeSolution)?
  public let solver: any ChargeSolver

  private let engine: HDNNPEngine
  private let networks: ChargedAtoms
  private let matrix: GaussianChargeMatrix
  private let elementOf: AlignedBuffer<Int32>
  private let momentCount: Int
  private var columns: Columns?
  private let history = ChargeHistory()
  private let residual = AlignedBuffer<Double>()
  private let potential = AlignedBuffer<Double>()
  private let energies = AlignedBuffer<Double>()
  private let slopes = AlignedBuffer<Double>()

  private struct Columns {
    var moments, order, extrapolations, charges, electronegativity, adjoint, weights: Column<Double>
  }

  /// - Parameters:
  ///   - elements: the potential's element of each species of the run; the species' own names if nil.
  ///   - longRange: made for `cutoff`, the reach of pairs (Å).
  ///   - totalCharge: Q, e.
  public init(
    model: HDNNPModel, elements: [String]? = nil, species: [String], solver: any ChargeSolver,
    longRange: any LongRangeSolver, cutoff: Double, totalCharge: Double = 0, communicator: any Communicator,
    file: String? = nil
  ) throws {
    let place = file.map { SourceLocation(file: $0) }
    guard let electrostatics = model.electrostatics else {
      throw FaultlineError(.input, "an HDNNP of the second generation has no charges", at: place)
    }
    let map = try model.elementIndices(species: elements ?? species, file: file)
    let kinds = map.map { electrostatics.elements[Int($0)] }
    for (name, kind) in zip(species, kinds) where cutoff < 2 * Self.reach * kind.width {
      throw FaultlineError(
        .input, "the charge of \(name) has a width of \(kind.width) Å, too wide for a cutoff of \(cutoff) Å",
        hint: "charges: {cutoff: \((20 * Self.reach * kind.width).rounded(.up) / 10)} or more", at: place)
    }
    self.model = model
    self.solver = solver
    self.totalCharge = totalCharge
    let plan = DescriptorPlan(model)
    let program = DescriptorProgram(plan)
    engine = HDNNPEngine(program, elementOfSpecies: map)
    networks = ChargedAtoms(model, electrostatics, plan)
    matrix = GaussianChargeMatrix(
      solver: longRange, cutoff: cutoff, widths: kinds.map(\.width), hardness: kinds.map(\.hardness),
      factor: electrostatics.coulombFactor, screening: electrostatics.screening, communicator: communicator)
    elementOf = AlignedBuffer(map)
    momentCount = program.momentCount
    requirements = PotentialRequirements(
      cutoff: max(program.cutoff, matrix.cutoff), list: .full, writesGhosts: true)
  }

  /// Cutoffs must be at least this many times the distance √2γ over which Gaussians overlap: erfc(2.5) = 4·10⁻⁴.
  static let reach = 2.5

  /// The shortest cutoff for pairs of these charges at a relative accuracy, Å: there is nothing left of erfc(r/√2γ).
  public static func cutoff(_ model: HDNNPModel, accuracy: Double) -> Double {
    let widest = model.electrostatics?.elements.map(\.width).max() ?? 0
    var x = reach
    while complementaryErrorFunction(Lanes(repeating: x)).erfc[0] > 0.1 * accuracy { x += 0.1 }
    return 2 * widest * x
  }

  public var longRange: (any LongRangeSolver)? { matrix.solver }

  public func notes(for atoms: AtomView) -> [String] {
    guard let solutions, let parameters = matrix.solver.parameters else { return [] }
    func short(_ x: Double) -> String { String(format: "%.2g", x) }
    return [
      "hdnnp: charges by \(solver.name) with \(matrix.solver.name), \(matrix.solver.summary); pairs within "
        + "\(String(format: "%.2f", matrix.cutoff)) Å, α = \(String(format: "%.4f", parameters.splitting))/Å",
      "hdnnp: total charge \(totalCharge) e; \(solutions.charges.iterations) products for the charges and "
        + "\(solutions.adjoint.iterations) for their adjoint from nothing, residuals \(short(solutions.charges.residual)) and "
        + "\(short(solutions.adjoint.residual)) eV/e",
    ]
  }

  public func attach(to atoms: AtomStore) throws {
    columns = Columns(
      moments: atoms.addColumn("hdnnp moments \(momentCount)", width: momentCount),
      order: atoms.addColumn("hdnnp order"),
      extrapolations: atoms.addColumn(Assessment.extrapolations.column, roles: [.migrates]),
      charges: atoms.needCharge(), electronegativity: atoms.addColumn("electronegativity", roles: [.migrates]),
      adjoint: atoms.addColumn("charge adjoint", roles: [.migrates]), weights: atoms.addColumn("charge weights"))
    matrix.attach(to: atoms)
    history.attach(to: atoms)
  }

  public func compute(_ context: ForceContext) throws -> Tally {
    guard let columns else { throw FaultlineError(.run, "the HDNNP was not attached to the atoms") }
    let atoms = context.atoms
    let n = atoms.localCount
    for buffer in [residual, potential, energies, slopes] { buffer.reserve(max(n, 1)) }
    let (q, chi, lambda) = (columns.charges.pointer, columns.electronegativity.pointer, columns.adjoint.pointer)

    let moments = columns.moments
    let list = context.neighbors(.full)
    let order = engine.order(context, columns.order)
    moments.storage.clear(0..<atoms.count)
    engine.addMoments(atoms, list, order, moments.pointer)
    context.ghosts.reverse(moments.storage)
    networks.describe(
      atoms, elementOf: UnsafePointer(elementOf.pointer), moments: moments.pointer, width: momentCount,
      extrapolations: columns.extrapolations.pointer, into: chi)

    try matrix.prepare(context, total: totalCharge)
    try solver.prepare(matrix)
    history.predict(atoms, charges: q, adjoint: lambda)
    let charges = try solver.solve(
      matrix, chi, total: totalCharge, charges: q, residual: residual.pointer)
    context.ghosts.forward(columns.charges.storage)

    networks.evaluate(charges: q, energies: energies.pointer, slopes: slopes.pointer)
    // (K + S) q; K q is what the residual leaves.
    let (r, phi, g) = (residual.pointer, potential.pointer, slopes.pointer)
    for i in 0..<n {
      phi[i] = -(r[i] + chi[i] + charges.multiplier + matrix.hardness[Int(atoms.species[i])] * q[i])
    }
    matrix.addScreened(q, to: phi)
    var energy = 0.0
    for i in 0..<n {
      g[i] += phi[i]
      energies.pointer[i] += 0.5 * q[i] * phi[i]
    }
    // Its residual is of no use.
    let adjoint = try solver.solve(matrix, g, total: 0, charges: lambda, residual: phi)
    solutions = (charges, adjoint)
    history.note(atoms, charges: q, adjoint: lambda)

    let w = columns.weights.pointer
    for i in 0..<n {
      w[i] = 0.5 * q[i] + lambda[i]
      let own = energies.pointer[i] - lambda[i] * r[i]
      energy += own
      if context.want.contains(.atomEnergy) { atoms.energies?[i] += own }
    }
    context.ghosts.forward(columns.weights.storage)
    networks.finish(adjoint: lambda, moments: moments.pointer, width: momentCount)
    context.ghosts.forward(moments.storage)
    var virial = engine.addForces(atoms, list, order, moments.pointer, want: context.want)
    virial += try matrix.addForces(q, w, want: context.want)
    return Tally(energy: energy, virial: virial)
  }
}

extension ChargedHDNNPPotential: SelfAssessing {
  public var assessments: [Assessment] { [.extrapolations] }
  public var assessmentSums: [Double] {
    [Double(ExtrapolationReport(model, networks.descriptors.tallies.pointer).count)]
  }
  public var assessmentMaxima: [Double] { [] }
  public func assess(sums: [Double], maxima: [Double], atoms: Int) -> [Double] { [sums[0]] }
  public var offenders: [Offender] { networks.descriptors.offenders(model) }
}
