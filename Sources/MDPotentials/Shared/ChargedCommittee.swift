import MDCore
import MDNumerics

/// The mean of several potentials that find charges, and how far they disagree.
///
/// Each member finds its own charges; energies, forces, virials and charges are the means of the members'. A step costs
/// as much as a step of all members one after the other: descriptors are computed again, as members need not have the
/// same. The deviations then cost only sums.
///
/// Columns besides those of the members: the mean charges (`AtomStore.charge`) and the deviations. Born charges are
/// means, too. What else members write (electronegativities, extrapolations) is the first member's.
package final class ChargedCommittee: ChargeEquilibrating {
  package typealias Member = ChargeEquilibrating

  package let name: String
  package let requirements: PotentialRequirements
  package let members: [any Member]
  package var totalCharge: Double {
    get { members[0].totalCharge }
    set { for member in members { member.totalCharge = newValue } }
  }

  private var columns: Columns?
  private let meanCharges = AlignedBuffer<Double>()
  private let meanBorn = AlignedBuffer<Double>()
  private let spread: CommitteeSpread
  /// This rank's energy by each member, eV.
  private var totals: [Double]

  private struct Columns {
    var forces, energies, virials, charges, forceDeviation, energyDeviation, chargeDeviation: Column<Double>
    /// Of members that have Born charges.
    var born: ColumnStorage?
  }

  /// - Parameter members: at least one; they may share solvers. Histories of charges must have names of their own.
  package init(_ name: String, _ members: [any Member]) throws {
    guard let first = members.first else { throw FaultlineError(.input, "a committee without members") }
    self.name = name
    self.members = members
    let all = members.map(\.requirements)
    requirements = PotentialRequirements(
      cutoff: all.map(\.cutoff).max() ?? 0, halo: all.map(\.halo).max() ?? 0, list: first.requirements.list,
      writesGhosts: true)
    spread = CommitteeSpread(members.count)
    totals = members.map { _ in 0 }
  }

  package var longRange: (any LongRangeSolver)? { members[0].longRange }

  package func notes(for atoms: AtomView) throws -> [String] {
    ["\(name): the mean of \(members.count) potentials, each with charges of its own; the first:"]
      + (try members[0].notes(for: atoms))
  }

  package func warnings(for atoms: AtomView) throws -> [String] { try members[0].warnings(for: atoms) }

  package func checkConstraints(_ atoms: AtomView, box: Box) throws {
    for member in members { try member.checkConstraints(atoms, box: box) }
  }

  package func attach(to atoms: AtomStore) throws {
    for member in members { try member.attach(to: atoms) }
    columns = Columns(
      // Rows like those of the force column, so that kernels can write to them.
      forces: atoms.addColumn("\(name) member forces", width: 4), energies: atoms.addColumn("\(name) member energies"),
      virials: atoms.addColumn("\(name) member virials", width: 9), charges: atoms.needCharge(),
      forceDeviation: atoms.addColumn(Assessment.forceDeviation.column, roles: [.migrates]),
      energyDeviation: atoms.addColumn(Assessment.energyDeviation.column, roles: [.migrates]),
      chargeDeviation: atoms.addColumn(Assessment.chargeDeviation.column, roles: [.migrates]),
      born: atoms.column(named: ChargedNEPPotential.bornColumn))
  }

  package func compute(_ context: ForceContext) throws -> Tally {
    guard let columns else { throw FaultlineError(.run, "the committee was not attached to the atoms") }
    let atoms = context.atoms
    let n = atoms.localCount
    let assesses = context.want.contains(.assessment)
    let want = assesses ? context.want.union(.atomEnergy) : context.want
    meanCharges.reserve(max(n, 1))
    let (charges, mean) = (columns.charges.pointer, meanCharges.pointer)
    mean.update(repeating: 0, count: n)
    let born = context.want.contains(.bornCharges) ? columns.born?.base.assumingMemoryBound(to: Double.self) : nil
    if born != nil {
      meanBorn.reserve(max(9 * n, 1))
      meanBorn.pointer.update(repeating: 0, count: 9 * n)
    }
    spread.begin(n)
    let share = 1 / Double(members.count)
    let stream = atoms.pairStream(context.want)
    let whole = stream?.scale ?? 1
    var tally = Tally.zero
    let view = atoms.collecting(
      forces: columns.forces.storage.base.assumingMemoryBound(to: Vector3.self), energies: columns.energies.pointer,
      virials: columns.virials.pointer)
    // The first member is computed last, so that its values are what remains in the columns that members share.
    for (m, member) in members.enumerated().reversed() {
      for column in [columns.forces, columns.energies, columns.virials] { column.storage.clear(0..<atoms.count) }
      stream?.scale = whole * share
      let own = try member.compute(context.with(atoms: view, want: want))
      stream?.scale = whole
      totals[m] = own.energy
      tally += Tally(energy: share * own.energy, virial: share * own.virial)
      for i in 0..<n { mean[i] += share * charges[i] }
      if let born { for k in 0..<(9 * n) { meanBorn.pointer[k] += share * born[k] } }
      addShare(share, columns, to: atoms, context.want)
      if assesses {
        context.ghosts.reverse(columns.forces.storage, columns.energies.storage)
        spread.add(n, view.forces, energies: columns.energies.pointer, charges: charges)
      }
    }
    charges.update(from: mean, count: n)
    born?.update(from: meanBorn.pointer, count: 9 * n)
    context.ghosts.forward(columns.charges.storage)
    if assesses {
      spread.finish(
        n, force: columns.forceDeviation.pointer, energy: columns.energyDeviation.pointer,
        charge: columns.chargeDeviation.pointer)
    }
    return tally
  }

  /// Adds a member's results, those of ghosts too, to the atoms.
  private func addShare(_ share: Double, _ columns: Columns, to atoms: AtomView, _ want: Want) {
    let (forces, energies, virials) = (columns.forces.pointer, columns.energies.pointer, columns.virials.pointer)
    for i in 0..<atoms.count {
      atoms.forces[i] += share * Vector3(forces[4 * i], forces[4 * i + 1], forces[4 * i + 2])
    }
    if want.contains(.atomEnergy), let result = atoms.energies {
      for i in 0..<atoms.count { result[i] += share * energies[i] }
    }
    if want.contains(.atomVirial), let result = atoms.virials {
      for k in 0..<(9 * atoms.count) { result[k] += share * virials[k] }
    }
  }
}

extension ChargedCommittee: SelfAssessing {
  private var judge: (any SelfAssessing)? { members[0] as? any SelfAssessing }

  package var assessments: [Assessment] {
    (judge?.assessments ?? []) + [.forceDeviation, .energyDeviation, .chargeDeviation]
  }
  package var assessmentSums: [Double] { totals + (judge?.assessmentSums ?? []) }
  package var assessmentMaxima: [Double] {
    [spread.largestForce, spread.largestCharge] + (judge?.assessmentMaxima ?? [])
  }

  package func assess(sums: [Double], maxima: [Double], atoms: Int) -> [Double] {
    (judge?.assess(sums: Array(sums[members.count...]), maxima: Array(maxima[2...]), atoms: atoms) ?? [])
      + [maxima[0], CommitteeSpread.energyDeviation(sums[..<members.count], atoms: atoms), maxima[1]]
  }

  package var offenders: [Offender] { judge?.offenders ?? [] }
}

/// Iterations are those of the first member; all other figures are computed from the mean charges.
extension ChargedCommittee: Reporting {
  package func figures(in box: Box) -> [Figure] { (members[0] as? any Reporting)?.figures(in: box) ?? [] }
  package var figureWants: Want { (members[0] as? any Reporting)?.figureWants ?? [] }
  package func values(_ atoms: AtomView, box: Box, potentialEnergy: Double) -> [Double] {
    (members[0] as? any Reporting)?.values(atoms, box: box, potentialEnergy: potentialEnergy) ?? []
  }
}
