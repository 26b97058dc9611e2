import MDCore
import MDNumerics

/// How far the members of a committee disagree: standard deviations of forces and energies over the members.
///
/// The deviations are sums of differences from the first member, dₘ = xₘ − x₀: σ² = Σₘ |dₘ|²/M − |Σₘ dₘ/M|², which keeps
/// its digits where the members nearly agree. Costs one evaluation of networks and forces a member; the descriptors
/// are not computed again.
final class HDNNPCommittee {
  private let size: Int
  private let momentCount: Int
  private var forces: Column<Double>?
  private var forceDeviation: Column<Double>?
  private var energyDeviation: Column<Double>?
  private let moments = AlignedBuffer<Double>()
  private let energies = AlignedBuffer<Double>()
  private let first = AlignedBuffer<Sample>()
  private let sums = AlignedBuffer<Sample>()
  private let squares = AlignedBuffer<SIMD2<Double>>()
  /// This rank's energy by each member, eV.
  private(set) var totals: [Double]
  /// The largest deviation of a force on this rank, eV/Å.
  private(set) var largestForceDeviation = 0.0

  /// Force and energy of an atom by one member.
  private typealias Sample = SIMD4<Double>

  init(_ size: Int, momentCount: Int) {
    self.size = size
    self.momentCount = momentCount
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
    for buffer in [first, sums] { buffer.reserve(n) }
    squares.reserve(n)
    let view = atoms.collecting(
      forces: forces.storage.base.assumingMemoryBound(to: Vector3.self))
    for member in 0..<size {
      if member > 0 { column.pointer.update(from: moments.pointer, count: n * momentCount) }
      energies.pointer.update(repeating: 0, count: n)
      forces.storage.clear(0..<atoms.count)
      totals[member] = evaluate(member, energies.pointer, view)
      context.ghosts.reverse(forces.storage)
      add(member, n, view.forces)
    }
    column.pointer.update(from: moments.pointer, count: n * momentCount)
    finish(n, forceDeviation.pointer, energyDeviation.pointer)
  }

  private func add(_ member: Int, _ n: Int, _ forces: UnsafePointer<Vector3>) {
    let (first, sums, squares, energies) = (first.pointer, sums.pointer, squares.pointer, energies.pointer)
    for i in 0..<n {
      let sample = Sample(forces[i].x, forces[i].y, forces[i].z, energies[i])
      if member == 0 {
        first[i] = sample
        sums[i] = .zero
        squares[i] = .zero
      } else {
        let d = sample - first[i]
        let s = d * d
        sums[i] += d
        squares[i] += SIMD2(s.x + s.y + s.z, s.w)
      }
    }
  }

  private func finish(_ n: Int, _ forceDeviation: UnsafeMutablePointer<Double>, _ energyDeviation: UnsafeMutablePointer<Double>) {
    let share = 1 / Double(size)
    largestForceDeviation = 0
    for i in 0..<n {
      let mean = share * sums.pointer[i]
      let squared = mean * mean
      let force = max(0, share * squares.pointer[i].x - (squared.x + squared.y + squared.z)).squareRoot()
      forceDeviation[i] = force
      energyDeviation[i] = max(0, share * squares.pointer[i].y - squared.w).squareRoot()
      // A deviation that is not a number must show.
      if !(force <= largestForceDeviation) { largestForceDeviation = force.isNaN ? .infinity : force }
    }
  }
}

extension HDNNPPotential: SelfAssessing {
  public var assessments: [Assessment] {
    models.count > 1 ? [.extrapolations, .forceDeviation, .energyDeviation] : [.extrapolations]
  }

  public var assessmentSums: [Double] { [Double(extrapolation.count)] + memberEnergies }
  public var assessmentMaxima: [Double] { models.count > 1 ? [largestForceDeviation] : [] }

  public func assess(sums: [Double], maxima: [Double], atoms: Int) -> [Double] {
    guard models.count > 1 else { return [sums[0]] }
    let energies = sums[1...]
    let differences = energies.map { $0 - sums[1] }
    let mean = differences.reduce(0, +) / Double(energies.count)
    let variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(energies.count)
    return [sums[0], maxima[0], variance.squareRoot() / Double(max(atoms, 1))]
  }
}
