import MDCore
import MDNumerics

/// Charge equilibration (A. K. Rappé, W. A. Goddard III, J. Phys. Chem. 95, 3358 (1991)) with Gaussian charges: the
/// energy of charges that minimise it,
///
///     E = min_q [½ qᵀ(K + J) q + χᵀq],  K as of `GaussianChargeMatrix`
///
/// under the constraints, with electronegativity χ, hardness J and width σ by species. The energy of a Gaussian with
/// itself, C/(2√π σ) q², is in K and not in J. As the energy is least, forces and virial are those at fixed charges
/// (Hellmann–Feynman); an error δ of the charges is one of δ² in the energy and of δ in the forces. With electrodes
/// or a field (`ChargeConstraints`) the energy is Ω.
///
/// Any short-ranged potential goes beside it. Columns: the charges (`AtomStore.charge`), "electronegativity" (eV/e).
public final class QEqPotential: ChargeEquilibrating {
  /// Of a species.
  public struct Element: Sendable, Equatable {
    /// χ, eV/e.
    public var electronegativity: Double
    /// J, eV/e².
    public var hardness: Double
    /// σ, Å.
    public var width: Double

    public init(electronegativity: Double, hardness: Double, width: Double) {
      self.electronegativity = electronegativity
      self.hardness = hardness
      self.width = width
    }
  }

  public let name = "qeq"
  public let requirements: PotentialRequirements
  public var totalCharge: Double {
    get { equilibration.constraints.total }
    set { equilibration.constraints.total = newValue }
  }
  /// Of the last step.
  public var solution: ChargeSolution? { equilibration.charges }
  public var longRange: (any LongRangeSolver)? { equilibration.matrix.solver }

  private let elements: [Element]
  private let equilibration: ChargeEquilibration
  private var columns: (charges: Column<Double>, electronegativity: Column<Double>, weights: Column<Double>)?
  private let residual = AlignedBuffer<Double>()

  /// - Parameters:
  ///   - elements: by species.
  ///   - longRange: made for `cutoff`, the reach of pairs (Å).
  public init(
    elements: [Element], species: [String], solver: any ChargeSolver, longRange: any LongRangeSolver, cutoff: Double,
    constraints: ChargeConstraints = ChargeConstraints(), communicator: any Communicator
  ) throws {
    precondition(elements.count == species.count, "parameters for each species")
    let widths = elements.map(\.width)
    try ChargeEquilibration.checkReach(species, widths: widths, cutoff: cutoff, at: nil)
    self.elements = elements
    equilibration = ChargeEquilibration(
      matrix: GaussianChargeMatrix(
        solver: longRange, cutoff: cutoff, widths: widths, hardness: elements.map(\.hardness), factor: 1,
        communicator: communicator),
      solver: solver, constraints: constraints, hasAdjoint: false, communicator: communicator)
    requirements = PotentialRequirements(cutoff: cutoff, list: .full, writesGhosts: false)
  }

  /// The shortest cutoff for pairs of charges of these widths (Å) at a relative accuracy, Å.
  public static func cutoff(widths: [Double], accuracy: Double) -> Double {
    ChargeEquilibration.cutoff(widths: widths, accuracy: accuracy)
  }

  public func notes(for atoms: AtomView) throws -> [String] { try equilibration.notes("qeq", atoms) }
  public func warnings(for atoms: AtomView) throws -> [String] { try equilibration.warnings("qeq", atoms) }

  public func checkConstraints(_ atoms: AtomView, box: Box) throws { try equilibration.check(atoms, box: box) }

  public func attach(to atoms: AtomStore) throws {
    columns = (
      try equilibration.attach(to: atoms), atoms.addColumn("electronegativity", roles: [.migrates]),
      atoms.addColumn("charge weights")
    )
  }

  public func compute(_ context: ForceContext) throws -> Tally {
    guard let columns else { preconditionFailure("attach the potential first") }
    let atoms = context.atoms
    let n = atoms.localCount
    residual.reserve(max(n, 1))
    let (q, chi, w) = (columns.charges.pointer, columns.electronegativity.pointer, columns.weights.pointer)
    for i in 0..<n { chi[i] = elements[Int(atoms.species[i])].electronegativity }

    try equilibration.prepare(context, charges: q)
    let (b, r) = (equilibration.sources(chi, atoms), residual.pointer)
    try equilibration.findCharges(b, charges: q, residual: r)
    equilibration.note(atoms, charges: q)

    // ½ q·(A q) + b·q; A q takes the residual's place.
    equilibration.product(b, residual: r, into: r)
    var energy = 0.0
    for i in 0..<n {
      w[i] = 0.5 * q[i]
      let own = q[i] * (0.5 * r[i] + b[i])
      energy += own
      if context.want.contains(.atomEnergy) { atoms.energies?[i] += own }
    }
    context.ghosts.forward(columns.charges.storage)
    context.ghosts.forward(columns.weights.storage)
    let virial = try equilibration.matrix.addForces(q, w, want: context.want)
    equilibration.addFieldForces(atoms, charges: q)
    return Tally(energy: energy, virial: virial)
  }
}

extension QEqPotential: Reporting {
  public func figures(in box: Box) -> [Figure] { equilibration.figures(in: box, hasAdjoint: false) }
  public func values(_ atoms: AtomView, box: Box, potentialEnergy: Double) -> [Double] {
    equilibration.values(atoms, box: box, potentialEnergy: potentialEnergy)
  }
}
