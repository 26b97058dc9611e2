import MDCore
import MDNumerics
import MDPotentialFiles

/// A neuroevolution potential with charges (qNEP): Z. Fan et al., arXiv 2601.19034. The network gives each atom an
/// energy U and a charge q̃, and
///
///     E = Σᵢ Uᵢ + E_el(q),   qᵢ = q̃ᵢ − mean of all q̃
///
/// With φ = ∂E_el/∂q and λ = φ − mean of all φ the forces are those of Σᵢ Uᵢ + λᵢ q̃ᵢ at fixed λ and of E_el at fixed
/// charges. E_el is, with α = π/rR, of mode 1 the whole Coulomb energy of point charges; of mode 2 its part in
/// reciprocal space without removing the energy of each Gaussian with itself, so that α is a part of the model.
///
/// Born effective charges, the change of the polarisation with an atom's place (first index: the dipole), are
///
///     Z*ᵢ = √ε∞ (qᵢ 1 + ½ Σⱼ rᵢⱼ ⊗ (∂q̃ᵢ/∂rᵢⱼ + ∂q̃ⱼ/∂rⱼᵢ)),   rᵢⱼ = rⱼ − rᵢ
///
/// and J = Σᵢ Z*ᵢ vᵢ is the current of the polarisation.
///
/// Columns: the charges (`AtomStore.charge`), `born_charges`.
package final class ChargedNEPPotential: ChargeEquilibrating {
  package let name = "nep"
  package let requirements: PotentialRequirements
  package var totalCharge = 0.0

  private let engine: NEPEngine
  private let precision: NEPPrecision
  private let rule: ChargeTotal
  private let matrix: GaussianChargeMatrix
  private let refraction: Double
  private let isCut: Bool
  private let communicator: any Communicator
  private var columns: Columns?
  /// Mean of the networks' charges in the last step, e.
  private var mean = 0.0
  private let outputs = AlignedBuffer<Double>()
  private let potential = AlignedBuffer<Double>()

  private struct Columns {
    var charges, weights, born: Column<Double>
  }

  /// Where Born charges are.
  package static let bornColumn = "born_charges"

  /// GPUMD's e²/4πε₀, eV·Å.
  package static let coulomb = NEPRepulsion.coulomb
  /// α, 1/Å, of a file.
  package static func splitting(_ file: NEPFile) -> Double { Double.pi / file.cutoff }

  /// - Parameters:
  ///   - longRange: made for α = π/rR in mode 2, and with the cuts below.
  ///   - cutoff: of the pairs of charges, Å.
  ///   - isCut: the sums end where those of the training do: pairs are cut as they are.
  package init(
    _ file: NEPFile, elements: [String]? = nil, species: [String], longRange: any LongRangeSolver, cutoff: Double,
    isCut: Bool, precision: NEPPrecision = .double, communicator: any Communicator, path: String? = nil
  ) throws {
    guard let charges = file.charges else {
      throw FaultlineError(.input, "a NEP without charges", at: path.map { SourceLocation(file: $0) })
    }
    let (kept, map) = try file.select(elements ?? species, species: species, path: path)
    engine = NEPEngine(kept, elementOfSpecies: map, precision: precision)
    self.precision = precision
    rule = ChargeTotal(scales: false, communicator: communicator)
    matrix = GaussianChargeMatrix(
      solver: longRange, cutoff: cutoff, widths: map.map { _ in 0 }, hardness: map.map { _ in 0 },
      factor: Self.coulomb / Units.coulomb, pairs: charges == .reciprocal ? .absent : isCut ? .cut : .shifted,
      communicator: communicator)
    refraction = file.refraction
    self.isCut = isCut
    self.communicator = communicator
    requirements = PotentialRequirements(
      cutoff: charges == .reciprocal ? kept.cutoff : max(kept.cutoff, cutoff), list: .full, writesGhosts: true)
  }

  package var longRange: (any LongRangeSolver)? { matrix.solver }

  /// Boxes are periodic in all directions, and charges add up to nothing.
  package func checkConstraints(_ atoms: AtomView, box: Box) throws {
    guard box.periodic.isFull else {
      throw FaultlineError(
        .input, "charges of a NEP in a box that is not periodic in all three directions",
        hint: "put vacuum into a periodic box", isCollective: true)
    }
  }

  package func notes(for atoms: AtomView) throws -> [String] {
    guard let parameters = matrix.solver.parameters, let q = atoms.charges else { return [] }
    let pairs = engine.file.charges == .reciprocal ? "no pairs" : "pairs within \(matrix.cutoff) Å"
    return precision.notes("the networks' pairs") + [
      "nep: charges by networks, \(matrix.solver.name), \(matrix.solver.summary); \(pairs), "
        + "α = \(Float(parameters.splitting))/Å" + (isCut ? ": the cuts of the training" : ""),
      "nep: the networks' charges are \(Float(mean)) e too high in the mean, which is taken off",
    ] + offsetWarning
      + (try isCut ? [] : matrix.errors("nep", charges: q, on: atoms)?.notes(pairs: matrix.pairError) ?? [])
  }

  package func warnings(for atoms: AtomView) throws -> [String] {
    guard let q = atoms.charges else { return [] }
    return offsetWarning + (try isCut ? [] : matrix.errors("nep", charges: q, on: atoms)?.warnings() ?? [])
  }

  /// Networks know nothing of the sum; in phases of the training set it is nearly zero.
  private var offsetWarning: [String] {
    abs(mean) > 0.05
      ? ["warning: nep: the networks' charges are off by \(Float(mean)) e in the mean: was the training set of such phases?"]
      : []
  }

  package func attach(to atoms: AtomStore) throws {
    columns = Columns(
      charges: atoms.needCharge(), weights: atoms.addColumn("charge weights"),
      born: atoms.addColumn(Self.bornColumn, width: 9, roles: [.migrates]))
    matrix.attach(to: atoms)
  }

  package func compute(_ context: ForceContext) throws -> Tally {
    guard let columns else { throw FaultlineError(.run, "the NEP was not attached to the atoms") }
    guard totalCharge == 0 else {
      throw FaultlineError(
        .input, "a total charge of \(totalCharge) e", hint: "charges of a NEP add up to 0", isCollective: true)
    }
    let atoms = context.atoms
    try checkConstraints(atoms, box: context.box)
    let n = atoms.localCount
    for buffer in [outputs, potential] { buffer.reserve(max(n, 1)) }
    let (q, own, phi) = (columns.charges.pointer, outputs.pointer, potential.pointer)
    let list = context.neighbors(.full)
    var tally = engine.describe(atoms, list, want: context.want, charges: own)
    var sums = [try rule.apply(own, n, total: 0, to: q), Double(n)]
    sums[1] = communicator.sum(sums[1])
    mean = sums[0] / max(sums[1], 1)
    context.ghosts.forward(columns.charges.storage)

    try matrix.prepare(context, total: 0, charges: q)
    try matrix.multiply(q, into: phi)
    let w = columns.weights.pointer
    for i in 0..<n {
      w[i] = 0.5 * q[i]
      let part = w[i] * phi[i]
      tally.energy += part
      if context.want.contains(.atomEnergy) { atoms.energies?[i] += part }
    }
    rule.pullBack(phi, of: own, n, total: 0)
    context.ghosts.forward(columns.weights.storage)
    tally.virial += engine.addForces(atoms, list, want: context.want, adjoint: phi)
    tally.virial += try matrix.addForces(q, w, want: context.want, isOwn: true)
    if context.want.contains(.bornCharges) { bornCharges(context, columns) }
    return tally
  }

  private func bornCharges(_ context: ForceContext, _ columns: Columns) {
    let born = columns.born.pointer
    columns.born.storage.clear(0..<context.atoms.count)
    engine.forEachChargeSlope(context.atoms, context.neighbors(.full)) { i, j, d, slope in
      let half = 0.5 * Matrix3.outer(d, slope)
      half.add(to: born + 9 * Int(i))
      (-1 * half).add(to: born + 9 * Int(j))
    }
    context.ghosts.reverse(columns.born.storage)
    let q = columns.charges.pointer
    for i in 0..<context.atoms.localCount {
      for k in 0..<9 { born[9 * i + k] = refraction * (born[9 * i + k] + (k % 4 == 0 ? q[i] : 0)) }
    }
  }
}

/// The current of the polarisation, e·Å/ps.
extension ChargedNEPPotential: Reporting {
  package func figures(in box: Box) -> [Figure] {
    ["x", "y", "z"].map { Figure("polarization_current_\($0)", unit: "e·Å/ps") }
  }

  package var figureWants: Want { .bornCharges }

  package func values(_ atoms: AtomView, box: Box, potentialEnergy: Double) -> [Double] {
    guard let born = columns?.born.pointer else { return [] }
    var current = [0.0, 0.0, 0.0]
    for i in 0..<atoms.localCount {
      let v = atoms.velocities[i]
      for k in 0..<3 {
        let z = born + (9 * i + 3 * k)
        current[k] += z[0] * v.x + z[1] * v.y + z[2] * v.z
      }
    }
    communicator.sum(&current)
    return current
  }
}
