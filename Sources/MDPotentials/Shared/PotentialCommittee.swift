import MDCore
import MDNumerics

/// Several potentials of one kind, of which the mean counts: E = Σₘ Eₘ/M, and forces and virials likewise. Where it is
/// asked for, the spread of forces and energies over the members is measured; see `Assessment`.
///
/// Each member is computed as if it were alone, into columns of the committee.
package final class PotentialCommittee: Potential {
  package let name: String
  package let requirements: PotentialRequirements
  private let members: [any Potential]
  private let spread: CommitteeSpread

  package var pairForces: PairForceCoverage { members.map(\.pairForces).min() ?? .partial }

  private struct Columns {
    var forces, energies, virials, forceDeviation, energyDeviation: Column<Double>
    var grade: Column<Double>?
  }
  private var columns: Columns?
  private let largest = AlignedBuffer<Double>()
  /// This rank's energy by each member, eV.
  private var totals: [Double]

  /// The members need the same kind of list, and have no long-ranged part.
  package init(_ name: String, _ members: [any Potential]) {
    self.name = name
    self.members = members
    spread = CommitteeSpread(members.count)
    totals = Array(repeating: 0, count: members.count)
    let all = members.map(\.requirements)
    requirements = PotentialRequirements(
      cutoff: all.map(\.cutoff).max() ?? 0, halo: all.map(\.halo).max(), list: all[0].list,
      writesGhosts: all.contains(where: \.writesGhosts))
  }

  /// What one says is true of all.
  package func notes(for atoms: AtomView) throws -> [String] { try members[0].notes(for: atoms) }

  package func attach(to atoms: AtomStore) throws {
    for member in members { try member.attach(to: atoms) }
    columns = Columns(
      // Rows like those of the force column, so that the kernels can write to them.
      forces: atoms.addColumn("committee member forces", width: 4),
      energies: atoms.addColumn("committee member energies"),
      virials: atoms.addColumn("committee member virials", width: 9),
      forceDeviation: atoms.addColumn(Assessment.forceDeviation.column, roles: [.migrates]),
      energyDeviation: atoms.addColumn(Assessment.energyDeviation.column, roles: [.migrates]),
      grade: atoms.column(named: Assessment.grade.column) == nil
        ? nil : atoms.addColumn(Assessment.grade.column, roles: [.migrates]))
  }

  package func compute(_ context: ForceContext) throws -> Tally {
    guard let columns else { throw FaultlineError(.run, "the committee was not attached to the atoms") }
    let atoms = context.atoms
    let assesses = context.want.contains(.assessment)
    let wantsVirials = context.want.contains(.atomVirial) && atoms.virials != nil
    let forces = columns.forces.storage.base.assumingMemoryBound(to: Vector3.self)
    let view = atoms.collecting(
      forces: forces, energies: columns.energies.pointer, virials: wantsVirials ? columns.virials.pointer : nil)
    let share = 1 / Double(members.count)
    let stream = atoms.pairStream(context.want)
    let whole = stream?.scale ?? 1
    var want = context.want
    if assesses { want.insert(.atomEnergy) }
    var tally = Tally.zero
    if assesses {
      spread.begin(atoms.localCount)
      largest.reserve(atoms.localCount)
      largest.pointer.update(repeating: 0, count: atoms.localCount)
    }
    for (number, member) in members.enumerated() {
      columns.forces.storage.clear(0..<atoms.count)
      columns.energies.storage.clear(0..<atoms.count)
      if wantsVirials { columns.virials.storage.clear(0..<atoms.count) }
      stream?.scale = whole * share
      let own = try member.compute(context.with(atoms: view, want: want))
      stream?.scale = whole
      tally.energy += share * own.energy
      tally.virial += share * own.virial
      totals[number] = own.energy
      for i in 0..<atoms.count { atoms.forces[i] += share * forces[i] }
      if context.want.contains(.atomEnergy), let energies = atoms.energies {
        for i in 0..<atoms.count { energies[i] += share * columns.energies[i] }
      }
      if wantsVirials, let virials = atoms.virials {
        for k in 0..<9 * atoms.count { virials[k] += share * columns.virials.pointer[k] }
      }
      guard assesses else { continue }
      if member.requirements.writesGhosts {
        context.ghosts.reverse(columns.forces.storage)
        context.ghosts.reverse(columns.energies.storage)
      }
      spread.add(atoms.localCount, forces, energies: columns.energies.pointer)
      if let grade = columns.grade {
        for i in 0..<atoms.localCount { largest.pointer[i] = max(largest.pointer[i], grade[i]) }
      }
    }
    guard assesses else { return tally }
    if let grade = columns.grade { grade.pointer.update(from: largest.pointer, count: atoms.localCount) }
    spread.finish(
      atoms.localCount, force: columns.forceDeviation.pointer, energy: columns.energyDeviation.pointer)
    return tally
  }
}

extension PotentialCommittee: SelfAssessing {
  private var judges: [any SelfAssessing] { members.compactMap { $0 as? any SelfAssessing } }
  /// What every member says of itself: of the system the largest counts.
  private var common: [Assessment] {
    guard judges.count == members.count, let first = judges.first else { return [] }
    return first.assessments.filter { name in judges.allSatisfy { $0.assessments.contains(name) } }
  }

  package var assessments: [Assessment] { [.forceDeviation, .energyDeviation] + common }
  package var assessmentSums: [Double] { totals + judges.flatMap(\.assessmentSums) }
  package var assessmentMaxima: [Double] { [spread.largestForce] + judges.flatMap(\.assessmentMaxima) }

  package func assess(sums: [Double], maxima: [Double], atoms: Int) -> [Double] {
    var (sum, maximum) = (members.count, 1)
    var largest = [Double](repeating: 0, count: common.count)
    for judge in judges {
      let (s, m) = (judge.assessmentSums.count, judge.assessmentMaxima.count)
      let values = judge.assess(
        sums: Array(sums[sum..<sum + s]), maxima: Array(maxima[maximum..<maximum + m]), atoms: atoms)
      for (k, name) in common.enumerated() {
        if let place = judge.assessments.firstIndex(of: name) { largest[k] = max(largest[k], values[place]) }
      }
      sum += s
      maximum += m
    }
    return [maxima[0], CommitteeSpread.energyDeviation(sums[..<members.count], atoms: atoms)] + largest
  }

  package var offenders: [Offender] { judges.flatMap(\.offenders) }
}
