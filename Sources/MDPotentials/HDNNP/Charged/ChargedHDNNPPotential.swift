import Foundation
import MDCore
import MDNumerics
import MDPotentialFiles

/// A high-dimensional neural network potential of the fourth generation: T. W. Ko, J. A. Finkler, S. Goedecker, J.
/// Behler, Nat. Commun. 12, 398 (2021).
///
/// Symmetry functions give electronegativities χᵢ(Gᵢ); charges of Gaussian shape minimise ½ qᵀA q + χᵀq under Σq = Q,
/// where A = K + J (`GaussianChargeMatrix`); short-range networks read the charges:
///
///     E = ½ qᵀ(K + S) q + Σᵢ Eᵢ(Gᵢ, qᵢ)
///
/// with S the screening (`GaussianChargeMatrix`). As the charges depend on all positions, forces and virial need the
/// adjoint λ of their equation, A λ + g + ν 1 = 0, Σλ = 0, with g = (K + S) q + ∂E/∂q: with w = ½ q + λ
///
///     dE/dx = Σᵢ (∂Eᵢ/∂Gᵢ + λᵢ ∂χᵢ/∂Gᵢ) ∂Gᵢ/∂x + wᵀ ∂K/∂x q + ½ qᵀ ∂S/∂x q
///
/// so one pass backward through the descriptors and one over pairs and the reciprocal sum serve all. The energy is
/// taken as the Lagrangian E + λᵀ(A q + χ + μ 1): the same for converged charges, and otherwise off in second order
/// only. With electrodes or a field (`ChargeConstraints`) χ and E have their terms, and the energy is Ω.
///
/// Columns: the charges (`AtomStore.charge`), "electronegativity" (eV/e).
package final class ChargedHDNNPPotential: ChargeEquilibrating {
  package let name = "hdnnp"
  package let requirements: PotentialRequirements
  package let model: HDNNPModel
  package var totalCharge: Double {
    get { equilibration.constraints.total }
    set { equilibration.constraints.total = newValue }
  }
  /// How the charges and their adjoint were found in the last step.
  package var solutions: (charges: ChargeSolution, adjoint: ChargeSolution)? {
    guard let charges = equilibration.charges, let adjoint = equilibration.adjoint else { return nil }
    return (charges, adjoint)
  }

  private let engine: HDNNPEngine
  private let networks: ChargedAtoms
  private let equilibration: ChargeEquilibration
  private let elementOf: AlignedBuffer<Int32>
  private let momentCount: Int
  private var columns: Columns?
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
  ///   - constraints: the total charge, and what else charges are held to.
  ///   - member: of a `ChargedCommittee`; each has its own history of charges.
  package init(
    model: HDNNPModel, elements: [String]? = nil, species: [String], solver: any ChargeSolver,
    longRange: any LongRangeSolver, cutoff: Double, constraints: ChargeConstraints = ChargeConstraints(),
    member: Int = 0, communicator: any Communicator, file: String? = nil
  ) throws {
    let place = file.map { SourceLocation(file: $0) }
    guard let electrostatics = model.electrostatics, electrostatics.charges == .equilibrated else {
      throw FaultlineError(.input, "an HDNNP without charge equilibration", at: place)
    }
    let map = try model.elementIndices(species: elements ?? species, file: file)
    let kinds = map.map { electrostatics.elements[Int($0)] }
    try ChargeEquilibration.checkReach(species, widths: kinds.map(\.width), cutoff: cutoff, at: place)
    self.model = model
    let plan = DescriptorPlan(model.withAllFunctions)
    let program = DescriptorProgram(plan)
    engine = HDNNPEngine(program, elementOfSpecies: map)
    networks = ChargedAtoms(model, electrostatics, plan)
    let matrix = GaussianChargeMatrix(
      solver: longRange, cutoff: cutoff, widths: kinds.map(\.width), hardness: kinds.map(\.hardness),
      factor: electrostatics.coulombFactor, screening: electrostatics.screening, communicator: communicator)
    equilibration = ChargeEquilibration(
      matrix: matrix, solver: solver, constraints: constraints, hasAdjoint: true, member: member,
      communicator: communicator)
    elementOf = AlignedBuffer(map)
    momentCount = program.momentCount
    requirements = PotentialRequirements(
      cutoff: max(program.cutoff, matrix.cutoff), list: .full, writesGhosts: true)
  }

  /// The shortest cutoff for pairs of these charges at a relative accuracy, Å.
  package static func cutoff(_ model: HDNNPModel, accuracy: Double) -> Double {
    ChargeEquilibration.cutoff(widths: model.electrostatics?.elements.map(\.width) ?? [], accuracy: accuracy)
  }

  package var longRange: (any LongRangeSolver)? { equilibration.matrix.solver }

  package func notes(for atoms: AtomView) throws -> [String] { try equilibration.notes("hdnnp", atoms) }
  package func warnings(for atoms: AtomView) throws -> [String] { try equilibration.warnings("hdnnp", atoms) }

  package func checkConstraints(_ atoms: AtomView, box: Box) throws { try equilibration.check(atoms, box: box) }

  package func attach(to atoms: AtomStore) throws {
    columns = try Columns(
      moments: atoms.addColumn("hdnnp moments \(momentCount)", width: momentCount),
      order: atoms.addColumn("hdnnp order"),
      extrapolations: atoms.addColumn(Assessment.extrapolations.column, roles: [.migrates]),
      charges: equilibration.attach(to: atoms),
      electronegativity: atoms.addColumn("electronegativity", roles: [.migrates]),
      adjoint: atoms.addColumn("charge adjoint", roles: [.migrates]), weights: atoms.addColumn("charge weights"))
  }

  package func compute(_ context: ForceContext) throws -> Tally {
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

    let matrix = equilibration.matrix
    try equilibration.prepare(context, charges: q, adjoint: lambda)
    let b = equilibration.sources(chi, atoms)
    try equilibration.findCharges(b, charges: q, residual: residual.pointer)
    context.ghosts.forward(columns.charges.storage)

    networks.check(charges: q, atoms.ids, columns.extrapolations.pointer)
    networks.evaluate(charges: q, energies: energies.pointer, slopes: slopes.pointer)
    // (K + S) q; K q is what the residual leaves.
    let (r, phi, g) = (residual.pointer, potential.pointer, slopes.pointer)
    equilibration.product(b, residual: r, into: phi)
    for i in 0..<n { phi[i] -= matrix.hardness[Int(atoms.species[i])] * q[i] }
    matrix.addScreened(q, to: phi)
    var energy = 0.0
    for i in 0..<n {
      // Of electrodes and field.
      let outer = b[i] - chi[i]
      g[i] += phi[i] + outer
      energies.pointer[i] += q[i] * (0.5 * phi[i] + outer)
    }
    // The adjoint's residual is not needed; it overwrites φ, which has served its purpose.
    try equilibration.findAdjoint(g, adjoint: lambda, residual: phi)
    equilibration.note(atoms, charges: q, adjoint: lambda)

    let w = columns.weights.pointer
    for i in 0..<n {
      w[i] = 0.5 * q[i] + lambda[i]
      let own = energies.pointer[i] - lambda[i] * r[i]
      energy += own
      if context.want.contains(.atomEnergy) { atoms.energies?[i] += own }
    }
    networks.finish(adjoint: lambda, moments: moments.pointer, width: momentCount)
    context.ghosts.forward(columns.weights.storage, moments.storage)
    var virial = engine.addForces(atoms, list, order, moments.pointer, want: context.want)
    virial += try matrix.addForces(q, w, want: context.want)
    equilibration.addFieldForces(atoms, charges: q, adjoint: lambda)
    return Tally(energy: energy, virial: virial)
  }
}

extension ChargedHDNNPPotential: SelfAssessing {
  package var assessments: [Assessment] { [.extrapolations] }
  package var assessmentSums: [Double] { [Double(networks.extrapolations)] }
  package var assessmentMaxima: [Double] { [] }
  package func assess(sums: [Double], maxima: [Double], atoms: Int) -> [Double] { [sums[0]] }
  package var offenders: [Offender] { networks.offenders }
}

extension ChargedHDNNPPotential: Reporting {
  package func figures(in box: Box) -> [Figure] { equilibration.figures(in: box, hasAdjoint: true) }
  package func values(_ atoms: AtomView, box: Box, potentialEnergy: Double) -> [Double] {
    equilibration.values(atoms, box: box, potentialEnergy: potentialEnergy)
  }
}
