import Foundation
import MDCore
import MDNumerics

/// What models with charges of their own have in common: the matrix of their charges' energy, the constraints, the
/// solver, and the charges of the steps before as a first guess. Once a step: `prepare`, `findCharges`, and
/// `findAdjoint` where the energy is not what the charges minimise.
final class ChargeEquilibration {
  let matrix: GaussianChargeMatrix
  let solver: any ChargeSolver
  var constraints: ChargeConstraints
  /// Of the last step.
  private(set) var charges: ChargeSolution?
  private(set) var adjoint: ChargeSolution?

  let communicator: any Communicator
  private let history: ChargeHistory
  private var column: Column<Double>?
  private var isNew = true
  private var box: Box?
  private var pools = ChargePools.single
  private var totals: [Double] = []
  private let members = AlignedBuffer<Int32>()
  private let sourceBuffer = AlignedBuffer<Double>()

  /// - Parameters:
  ///   - hasAdjoint: whether `findAdjoint` will be called.
  ///   - member: of a committee, whose members have their own charges.
  init(
    matrix: GaussianChargeMatrix, solver: any ChargeSolver, constraints: ChargeConstraints, hasAdjoint: Bool,
    member: Int = 0, communicator: any Communicator
  ) {
    self.matrix = matrix
    self.solver = solver
    self.constraints = constraints
    self.communicator = communicator
    history = ChargeHistory(hasAdjoint: hasAdjoint, member: member)
  }

  // MARK: Reach

  /// Cutoffs must be at least this many times the distance √2γ over which Gaussians overlap: erfc(2.5) = 4·10⁻⁴.
  private static let reach = 2.5

  /// The shortest cutoff for pairs of charges of these widths (Å) at a relative accuracy, Å: there is nothing left of
  /// erfc(r/√2γ).
  static func cutoff(widths: [Double], accuracy: Double) -> Double {
    var x = reach
    while complementaryErrorFunction(Lanes(repeating: x)).erfc[0] > 0.1 * accuracy { x += 0.1 }
    return 2 * (widths.max() ?? 0) * x
  }

  /// - Throws: an input error if the Gaussians of a species overlap beyond the cutoff.
  static func checkReach(_ species: [String], widths: [Double], cutoff: Double, at place: SourceLocation?) throws {
    for (name, width) in zip(species, widths) where cutoff < 2 * reach * width {
      throw FaultlineError(
        .input, "the charge of \(name) has a width of \(width) Å, too wide for a cutoff of \(cutoff) Å",
        hint: "charges: {cutoff: \((20 * reach * width).rounded(.up) / 10)} or more", at: place)
    }
  }

  // MARK: Once a step

  /// Returns the column of the charges.
  func attach(to atoms: AtomStore) throws -> Column<Double> {
    if atoms.charge == nil, constraints.needsStructure {
      throw FaultlineError(
        .input, "charges are fixed as the structure gives them, but it gives none",
        hint: "in `charges: {fixed: …}` say which `charge`", isCollective: true)
    }
    matrix.attach(to: atoms)
    history.attach(to: atoms)
    let charges = atoms.needCharge()
    column = charges
    isNew = true
    return charges
  }

  func check(_ atoms: AtomView, box: Box) throws {
    guard let column else { preconditionFailure("attach the charges first") }
    try constraints.check(atoms, box: box, charges: column.pointer, communicator: communicator)
  }

  /// Makes matrix, pools and solver ready and gives charges and adjoint their first guess. Collective.
  func prepare(
    _ context: ForceContext, charges q: UnsafeMutablePointer<Double>, adjoint: UnsafeMutablePointer<Double>? = nil
  ) throws {
    if isNew { try check(context.atoms, box: context.box) }
    isNew = false
    box = context.box
    try matrix.prepare(context, total: constraints.total)
    assign(context.atoms, q)
    try solver.prepare(matrix, pools)
    history.predict(context.atoms, pools, charges: q, adjoint: adjoint)
  }

  /// Pools and totals of the atoms as they stand now, and the given charges.
  private func assign(_ atoms: AtomView, _ q: UnsafeMutablePointer<Double>) {
    guard !constraints.rules.isEmpty else {
      totals = [constraints.total]
      return
    }
    members.reserve(max(atoms.localCount, 1))
    let (own, n) = (members.pointer, atoms.localCount)
    for i in 0..<n { own[i] = 0 }
    var given = 0.0
    for ((group, rule), pool) in zip(constraints.rules, constraints.pools) {
      for i in 0..<n where atoms.groups[i] & group.mask != 0 {
        own[i] = pool
        guard case .given(let charge) = rule else { continue }
        if let charge { q[i] = charge }
        given += q[i]
      }
    }
    if constraints.hasGiven { given = communicator.sum(given) }
    totals = constraints.totals(given: given)
    pools = ChargePools(count: totals.count, members: UnsafePointer(own))
  }

  /// b = χ − Ψ − F·(r − o): electronegativities with what electrodes and field add; χ itself if there are none.
  func sources(_ chi: UnsafePointer<Double>, _ atoms: AtomView) -> UnsafePointer<Double> {
    let field = constraints.field
    guard let box, constraints.hasElectrodes || field != .zero else { return chi }
    sourceBuffer.reserve(max(atoms.localCount, 1))
    let (b, n) = (sourceBuffer.pointer, atoms.localCount)
    for i in 0..<n { b[i] = chi[i] - dot(field, atoms.positions[i] - box.origin) }
    for (group, rule) in constraints.rules {
      guard case .electrode(let potential) = rule else { continue }
      for i in 0..<n where atoms.groups[i] & group.mask != 0 { b[i] -= potential }
    }
    return UnsafePointer(b)
  }

  /// Charges for the sources b; the residual as of `ChargeSolver`. Collective.
  func findCharges(
    _ b: UnsafePointer<Double>, charges q: UnsafeMutablePointer<Double>, residual: UnsafeMutablePointer<Double>
  ) throws {
    charges = try solver.solve(matrix, b, totals: totals, charges: q, residual: residual)
  }

  /// The adjoint for the slopes ∂E/∂q. Collective.
  func findAdjoint(
    _ slopes: UnsafePointer<Double>, adjoint lambda: UnsafeMutablePointer<Double>,
    residual: UnsafeMutablePointer<Double>
  ) throws {
    adjoint = try solver.solve(
      matrix, slopes, totals: totals.map { _ in 0 }, charges: lambda, residual: residual)
  }

  /// A q, which the residual of `findCharges` leaves.
  func product(
    _ b: UnsafePointer<Double>, residual r: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>
  ) {
    let multipliers = charges!.multipliers
    if let members = pools.members {
      for i in 0..<matrix.count { y[i] = -(r[i] + b[i] + (members[i] < 0 ? 0 : multipliers[Int(members[i])])) }
    } else {
      for i in 0..<matrix.count { y[i] = -(r[i] + b[i] + multipliers[0]) }
    }
  }

  /// Forces (q + λ) F of the field.
  func addFieldForces(
    _ atoms: AtomView, charges q: UnsafePointer<Double>, adjoint lambda: UnsafePointer<Double>? = nil
  ) {
    guard constraints.field != .zero else { return }
    for i in 0..<atoms.localCount { atoms.forces[i] += (q[i] + (lambda?[i] ?? 0)) * constraints.field }
  }

  /// Keeps the results for the next steps' guesses.
  func note(_ atoms: AtomView, charges: UnsafePointer<Double>, adjoint: UnsafePointer<Double>? = nil) {
    history.note(atoms, charges: charges, adjoint: adjoint)
  }

  /// Lines for the log. Collective; throws as `LongRangeErrors`.
  func notes(_ name: String, _ atoms: AtomView) throws -> [String] {
    guard let charges, let parameters = matrix.solver.parameters, let q = atoms.charges else { return [] }
    func short(_ x: Double) -> String { String(format: "%.2g", x) }
    return [
      "\(name): charges by \(solver.name) with \(matrix.solver.name), \(matrix.solver.summary); pairs within "
        + "\(String(format: "%.2f", matrix.cutoff)) Å, α = \(String(format: "%.4f", parameters.splitting))/Å",
      "\(name): total charge \(constraints.total) e; \(charges.iterations) matrix–vector product\(charges.iterations == 1 ? "" : "s"), residual "
        + "\(short(charges.residual)) eV/e"
        + (adjoint.map { "; \($0.iterations) for their adjoint, \(short($0.residual)) eV/e" } ?? ""),
    ] + (try matrix.errors(name, charges: q, on: atoms)?.notes(pairs: matrix.pairError) ?? [])
  }

  func warnings(_ name: String, _ atoms: AtomView) throws -> [String] {
    guard let q = atoms.charges else { return [] }
    return try matrix.errors(name, charges: q, on: atoms)?.warnings() ?? []
  }
}
