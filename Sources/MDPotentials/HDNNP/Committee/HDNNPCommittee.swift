import MDCore
import MDNumerics

/// How far the members of a committee of the second generation disagree. Costs one evaluation of networks and forces
/// a member; the descriptors are not computed again.
final class HDNNPCommittee {
  private let size: Int
  private let momentCount: Int
  private var forces: Column<Double>?
  private var forceDeviation: Column<Double>?
  private var energyDeviation: Column<Double>?
  private let moments = AlignedBuffer<Double>()
  private let energies = AlignedBuffer<Double>()
  private let spread: CommitteeSpread
  /// This rank's energy by each member, eV.
  private(set) var totals: [Double]
  /// The largest deviation of a force on this rank, eV/Å.
  var largestForceDeviation: Double { spread.largestForce }

  init(_ size: Int, momentCount: Int) {
    self.size = size
    self.momentCount = momentCount
    spread = CommitteeSpread(size)
    totals = Array(repeating: 0, count: size)
  }

  func attach(to atoms: AtomStore) {
    // Rows like those of the force column, so that the kernels can write to them.
    forces = atoms.addColumn("hdnnp member forces", width: 4)
    forceDeviation = atoms.addColumn(Assessment.forceDeviation.column, roles: [.migrates])
    energyDeviation = atoms.addColumn(Assessment.energyDeviation.column, roles: [.migrates])
  }

  /// Collective. `column` holds the moments of the local atoms and holds them again afterwards. `evaluate` replaces
  /// them by a member's slopes, writes energies of the atoms and forces, and returns the energy.
  func assess(
    _ context: ForceContext, moments column: Column<Double>,
    _ evaluate: (Int, UnsafeMutablePointer<Double>, AtomView) -> Double
  ) throws {
    guard let forces, let forceDeviation, let energyDeviation else {
      throw FaultlineError(.run, "the committee was not attached to the atoms")
    }
    let atoms = context.atoms
    let n = atoms.localCount
    moments.reserve(n * momentCount)
    moments.pointer.update(from: column.pointer, count: n * momentCount)
    energies.reserve(n)
    spread.begin(n)
    let view = atoms.collecting(
      forces: forces.storage.base.assumingMemoryBound(to: Vector3.self))
    for member in 0..<size {
      if member > 0 { column.pointer.update(from: moments.pointer, count: n * momentCount) }
      energies.pointer.update(repeating: 0, count: n)
      forces.storage.clear(0..<atoms.count)
      totals[member] = evaluate(member, energies.pointer, view)
      context.ghosts.reverse(forces.storage)
      spread.add(n, view.forces, energies: energies.pointer)
    }
    column.pointer.update(from: moments.pointer, count: n * momentCount)
    spread.finish(n, force: forceDeviation.pointer, energy: energyDeviation.pointer)
  }
}

extension HDNNPPotential: SelfAssessing {
  package var assessments: [Assessment] {
    models.count > 1 ? [.extrapolations, .forceDeviation, .energyDeviation] : [.extrapolations]
  }

  package var assessmentSums: [Double] { [Double(extrapolation.count)] + memberEnergies }
  package var assessmentMaxima: [Double] { models.count > 1 ? [largestForceDeviation] : [] }

  package func assess(sums: [Double], maxima: [Double], atoms: Int) -> [Double] {
    guard models.count > 1 else { return [sums[0]] }
    return [sums[0], maxima[0], CommitteeSpread.energyDeviation(sums[1...], atoms: atoms)]
  }
}
