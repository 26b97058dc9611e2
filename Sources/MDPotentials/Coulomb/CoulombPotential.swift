import Foundation
import MDCore
import MDNumerics

/// The Coulomb interaction of fixed charges: pairs within a cutoff, and a `LongRangeSolver` for the rest.
///
///     E = C [Σ_{i<j} qᵢqⱼ v(rᵢⱼ) + Σᵢ qᵢ²/(2√π σᵢ) + (2π/V) Q Σᵢ qᵢσᵢ²] + E_long
///
/// with v = erfc(αr)/r for points and [erfc(αr) − erfc(r/√2γ)]/r for Gaussian charges (1/(2πσ²)^(3/2) e^(−r²/2σ²)),
/// γ² = σᵢ² + σⱼ². The second and third term are those of Gaussians alone: the energy of each with itself, and what
/// their width changes in the background of a charged periodic cell (in a slab the correction for its layers takes that
/// back).
///
/// Where the charges add up to zero, v is shifted to end at the cutoff r_c in zero, and each charge has −½ C q² v(r_c)
/// more: what is within r_c of a charge, itself included, is made up for by what lies just outside (D. Wolf et al., J.
/// Chem. Phys. 110, 8254 (1999)). So the energy takes no step where neighbours cross the cutoff, as all of a shell do
/// at once in a crystal that is strained. Forces are the same.
package final class CoulombPotential: ChargeOwning, Absorbing {
  package var name: String { "coulomb (\(solver.name))" + (companion.map { " + " + $0.name } ?? "") }
  package var requirements: PotentialRequirements {
    PotentialRequirements(cutoff: max(cutoff, companion?.requirements.cutoff ?? 0), list: .half)
  }
  /// A pair potential of the same ions that is computed in the same pass over the pairs; point charges only.
  private(set) var companion: PairPotential?
  package var choosesCharges: Bool { false }

  package func absorb(_ other: any Potential) -> Bool {
    guard companion == nil, isPointlike, let pairs = other as? PairPotential else { return false }
    companion = pairs
    return true
  }

  /// The cutoff of the pairs of charges, Å.
  package let cutoff: Double
  private var isPointlike: Bool { widths.allSatisfy { $0 == 0 } }
  package let solver: any LongRangeSolver
  package var longRange: (any LongRangeSolver)? { solver }
  /// Statistics of all charges; nil before the first forces.
  package private(set) var statistics: ChargeStatistics?

  private let species: [String]
  /// The charges by species, e; nil if the structure gives each atom's charge.
  private let charges: [Double?]
  /// σ, Å.
  private let widths: [Double]
  /// The total charge that the user asked for, e.
  private let netCharge: Double
  private let field: UniformField?
  private let communicator: any Communicator
  /// Whether the atoms have changed since `statistics` were taken.
  private var isNew = true
  private var prepared: LongRangeSystem?
  private let scratch = PairScratch()

  /// - Parameters:
  ///   - cutoff: of the pairs, Å; the solver must have been made for it.
  ///   - charges: by species, e; nil for those that the structure gives.
  ///   - widths: σ by species, Å; nil or 0 for points.
  ///   - netCharge: what Σ q must be, e, to 10⁻⁶ for each atom.
  ///   - field: uniform and external, along open directions, V/Å.
  package init(
    solver: any LongRangeSolver, cutoff: Double, species: [String], charges: [Double?]? = nil, widths: [Double]? = nil,
    netCharge: Double = 0, field: Vector3 = .zero, communicator: any Communicator
  ) throws {
    try requirePositive(cutoff, "the cutoff of the Coulomb interaction")
    self.solver = solver
    self.species = species
    self.charges = charges ?? species.map { _ in nil }
    self.widths = widths ?? species.map { _ in 0 }
    self.netCharge = netCharge
    self.field = field == .zero ? nil : UniformField(field: field)
    self.communicator = communicator
    self.cutoff = cutoff
    for (name, width) in zip(species, self.widths) {
      // e^(−x²) of the widest pair at the cutoff.
      let x = width > 0 ? cutoff / (2 * width) : .infinity
      guard width >= 0, x >= 5 else {
        throw FaultlineError(
          .input, "the Gaussian charge of \(name) has a width of \(width) Å",
          hint: "from 0 to a tenth of the cutoff, \(cutoff / 10) Å: wider ones do not end within it")
      }
    }
  }

  package func attach(to atoms: AtomStore) throws {
    if atoms.charge == nil, let missing = charges.firstIndex(where: { $0 == nil }) {
      throw FaultlineError(
        .input, "species \(species[missing]) has no charge, and the structure gives none",
        hint: "in the deck: species: {\(species[missing]): {charge: 1.0}}", isCollective: true)
    }
    let column = atoms.needCharge()
    for i in 0..<atoms.count {
      if let charge = charges[Int(atoms.species[i])] { column[i] = charge }
    }
    isNew = true
  }

  package func compute(_ context: ForceContext) throws -> Tally {
    guard let charges = context.atoms.charges else { preconditionFailure("attach the potential first") }
    try prepare(context, charges)
    let alpha = solver.parameters!.splitting
    let shift = self.shift
    var tally: Tally
    if let companion {
      let point = PointCharges(form: PointCoulomb(splitting: alpha, shift: shift), cutoff: cutoff, charges: charges)
      tally = companion.chargedKernel(context, point, scratch)
    } else if isPointlike {
      tally = coulombPairs(
        [PointCoulomb(splitting: alpha, shift: shift)], speciesCount: 1, cutoff: cutoff, charges: charges, context,
        scratch)
    } else {
      let forms = widths.flatMap { a in widths.map { GaussianCoulomb(splitting: alpha, widths: a, $0, shift: shift) } }
      tally = coulombPairs(
        forms, speciesCount: widths.count, cutoff: cutoff, charges: charges, context, scratch)
      if !context.want.isEmpty { tally += gaussianTerms(context, charges) }
    }
    if shift > 0, !context.want.isEmpty { tally.energy += shiftEnergy(shift, context, charges) }
    tally += try solver.addForces(of: charges, with: nil, on: context.atoms, want: context.want)
    if let field { tally += field.add(to: context, charges: charges) }
    return tally
  }

  package func notes(for atoms: AtomView) throws -> [String] {
    guard let parameters = solver.parameters, let statistics, let errors = errors(atoms) else { return [] }
    var notes = [
      "coulomb: \(solver.name), \(solver.summary); α = \(String(format: "%.4f", parameters.splitting))/Å"
    ]
    notes += try errors.notes(pairs: realSpaceError(parameters.splitting, statistics))
    if abs(statistics.sum) > 1e-6 { notes.append("coulomb: net charge \(LongRangeErrors.short(statistics.sum)) e") }
    return notes
  }

  package func warnings(for atoms: AtomView) throws -> [String] { try errors(atoms)?.warnings() ?? [] }

  private func errors(_ atoms: AtomView) -> LongRangeErrors? {
    guard let prepared, let charges = atoms.charges else { return nil }
    return LongRangeErrors(name: "coulomb", solver: solver, system: prepared, charges: charges, atoms: atoms)
  }

  /// erfc(αr_c)/r_c where there is no net charge, 1/Å. A charged cell's neighbours outside the cutoff do not make up
  /// for those inside.
  private var shift: Double {
    guard let statistics, abs(statistics.sum) <= 1e-6 * Double(max(statistics.count, 1)) else { return 0 }
    return erfc(solver.parameters!.splitting * cutoff) / cutoff
  }

  /// −½ C q² s of this rank's atoms, eV.
  private func shiftEnergy(_ shift: Double, _ context: ForceContext, _ charges: UnsafePointer<Double>) -> Double {
    let atoms = context.atoms
    var sum = 0.0
    for i in 0..<atoms.localCount {
      let own = -0.5 * Units.coulomb * shift * charges[i] * charges[i]
      sum += own
      if context.want.contains(.atomEnergy) { atoms.energies?[i] += own }
    }
    return sum
  }

  /// Root-mean-square error of the forces from cutting the pairs, eV/Å (Kolafa and Perram 1992).
  private func realSpaceError(_ alpha: Double, _ charges: ChargeStatistics) -> Double {
    let x = alpha * cutoff
    return 2 * Units.coulomb * charges.squares * exp(-x * x)
      / (Double(max(charges.count, 1)) * cutoff * charges.occupiedVolume).squareRoot()
  }

  /// Collective when the cell or the atoms are new. Solvers choose only for statistics of the very box that they do not
  /// fit, so that a resumed run, which surveys its charges at the start, chooses as the run that goes on.
  private func prepare(_ context: ForceContext, _ charges: UnsafePointer<Double>) throws {
    let box = context.box
    func system(_ charges: ChargeStatistics) -> LongRangeSystem {
      LongRangeSystem(box: box, decomposition: context.decomposition, charges: charges, span: context.span)
    }
    if isNew || statistics.map({ !solver.fits(system($0)) }) ?? true {
      let found = ChargeStatistics(context.atoms, charges: charges, box: box, communicator: communicator)
      guard abs(found.sum - netCharge) <= 1e-6 * Double(max(found.count, 1)) else {
        throw FaultlineError(
          .input, "the charges add up to \(found.sum) e",
          hint: netCharge == 0
            ? "a charged cell gets a uniform background; if that is meant, say `net_charge: \(found.sum)`"
            : "the deck says net_charge: \(netCharge)", isCollective: true)
      }
      statistics = found
      isNew = false
    }
    let present = system(statistics!)
    guard present != prepared else { return }
    try field?.check(box)
    try solver.prepare(present)
    prepared = present
  }

  /// The energies of Gaussians with themselves, and their part in the background.
  private func gaussianTerms(_ context: ForceContext, _ charges: UnsafePointer<Double>) -> Tally {
    let atoms = context.atoms
    // (2π/V) Q Σ qσ² as the sum over atoms of q_i (π/V)(Q σ_i² + Σ qσ²).
    var spread = 0.0
    for i in 0..<atoms.localCount {
      let width = widths[Int(atoms.species[i])]
      spread += charges[i] * width * width
    }
    spread = communicator.sum(spread)
    let background = context.box.periodic.isFull ? Units.coulomb * .pi / solver.volume : 0
    var tally = Tally.zero
    for i in 0..<atoms.localCount {
      let width = widths[Int(atoms.species[i])]
      let own = width > 0 ? Units.coulomb * charges[i] * charges[i] / (2 * Double.pi.squareRoot() * width) : 0
      let uniform = background * charges[i] * (statistics!.sum * width * width + spread)
      tally.energy += own + uniform
      tally.virial += uniform * Matrix3.identity
      if context.want.contains(.atomEnergy) { atoms.energies?[i] += own + uniform }
      if context.want.contains(.atomVirial), let virials = atoms.virials {
        for k in 0..<3 { virials[9 * i + 4 * k] += uniform }
      }
    }
    return tally
  }
}
