import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDTestSupport

/// Charges in a cell, and their solution by any solver on any number of ranks.
struct ChargedSystem: Sendable {
  var box: Box
  var positions: [Vector3]
  var charges: [Double]

  static let tilt = Matrix3(Vector3(1.01, 0.13, -0.02), Vector3(-0.21, 0.98, 0.04), Vector3(0.02, 0.31, 1.03))

  /// Rock salt with atoms moved at random, n atoms along each edge, 2.82 Å apart; `excess` is added to each charge.
  static func salt(
    _ n: SIMD3<Int>, noise: Double = 0.3, shear: Matrix3 = .identity, excess: Double = 0,
    periodic: Periodicity = .all, seed: UInt64 = 7
  ) -> ChargedSystem {
    var random = SplitMix64(seed: seed)
    let a = 2.82
    var system = ChargedSystem(
      box: Box(cell: Matrix3(diagonal: a * Vector3(Double(n.x), Double(n.y), Double(n.z))) * shear, periodic: periodic),
      positions: [], charges: [])
    for x in 0..<n.x {
      for y in 0..<n.y {
        for z in 0..<n.z {
          let r = a * Vector3(Double(x) + 0.5, Double(y) + 0.5, Double(z) + 0.5) + noise * random.vector()
          system.positions.append(r * shear)
          system.charges.append(((x + y + z).isMultiple(of: 2) ? 1 : -1) + excess)
        }
      }
    }
    return system
  }

  /// Charges ±1 anywhere in the cell: what estimates of errors assume.
  static func gas(_ count: Int, edge: Double, shear: Matrix3 = .identity, seed: UInt64 = 11) -> ChargedSystem {
    var random = SplitMix64(seed: seed)
    let cell = Matrix3(diagonal: Vector3(repeating: edge)) * shear
    return ChargedSystem(
      box: Box(cell: cell),
      positions: (0..<count).map { _ in 0.5 * (random.vector() + 1) * cell },
      charges: (0..<count).map { $0.isMultiple(of: 2) ? 1 : -1 })
  }

  var statistics: ChargeStatistics {
    ChargeStatistics(
      count: charges.count, sum: charges.reduce(0, +), squares: charges.reduce(0) { $0 + $1 * $1 },
      occupiedVolume: box.volume)
  }

  struct Result: Sendable {
    var energy = 0.0
    var virial = Matrix3.zero
    var forces: [Vector3] = []
    var potentials: [Double] = []
    var atomEnergies: [Double] = []
    var atomVirials: [Matrix3] = []
    var parameters: LongRangeParameters?
    var estimate = 0.0

    /// Root mean square of the difference in forces, eV/Å.
    func forceError(_ other: Result) -> Double {
      let sum = zip(forces, other.forces).reduce(0) { $0 + ($1.0 - $1.1).squaredLength }
      return (sum / Double(forces.count)).squareRoot()
    }
  }

  func store(_ members: [Int]) -> AtomStore {
    let atoms = AtomStore(capacity: max(members.count, 1))
    atoms.needCharge()
    atoms.needEnergy()
    atoms.needVirial()
    atoms.setLocalCount(members.count)
    for (k, i) in members.enumerated() {
      atoms.position[k] = positions[i]
      atoms.id[k] = Int64(i + 1)
      atoms.charge![k] = charges[i]
    }
    atoms.clearResults()
    return atoms
  }

  /// The part of `members` in the result, other places zero.
  private func solve(
    _ solver: any LongRangeSolver, _ decomposition: Decomposition, _ members: [Int], with other: [Double]?, want: Want
  ) throws -> Result {
    let atoms = store(members)
    try solver.prepare(LongRangeSystem(box: box, decomposition: decomposition, charges: statistics))
    let lambda = other.map { l in AlignedBuffer(members.map { l[$0] } + [0]) }
    let potentials = AlignedBuffer<Double>(repeating: 0, count: members.count + 1)
    let tally = try solver.addForces(of: atoms.charge!.pointer, with: lambda?.pointer, on: atoms.view, want: want)
    try solver.potential(of: atoms.charge!.pointer, on: atoms.view, into: potentials.pointer)
    var result = Result()
    result.energy = tally.energy
    result.virial = tally.virial
    result.parameters = solver.parameters
    result.estimate = solver.estimatedError
    result.forces = positions.map { _ in .zero }
    result.potentials = positions.map { _ in 0 }
    result.atomEnergies = result.potentials
    result.atomVirials = positions.map { _ in .zero }
    for (k, i) in members.enumerated() {
      result.forces[i] = atoms.force[k]
      result.potentials[i] = potentials.pointer[k]
      result.atomEnergies[i] = atoms.energy![k]
      result.atomVirials[i] = Matrix3((0..<9).map { atoms.virial![9 * k + $0] })
    }
    return result
  }

  /// On one rank. With `other` = λ, energy, forces and virial are those of λᵀ A q.
  func solve(_ solver: any LongRangeSolver, with other: [Double]? = nil, want: Want = .all) throws -> Result {
    try solve(solver, .single, Array(positions.indices), with: other, want: want)
  }

  /// On `ranks` threads. Atoms are dealt by their place, then moved by up to `stray` (Å); so the answer to compare
  /// with is that of the system `moved(stray)`.
  func solve(
    ranks: Int, stray: Double, want: Want = .all, with other: [Double]? = nil,
    _ make: @escaping @Sendable (any Communicator) -> any LongRangeSolver
  ) throws -> Result {
    let gathered = Gathered()
    let moved = moved(stray)
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let domain = try Domain(box: box, ranks: ranks, rank: communicator.rank, halo: 1)
      let members = positions.indices.filter { i in
        var s = box.fractional(positions[i])
        for k in 0..<3 where box.periodic[k] { s[k] -= s[k].rounded(.down) }
        return domain.owner(of: s) == communicator.rank
      }
      // Atoms have been wrapped when they were dealt.
      var mine = moved
      for i in members {
        let s = box.fractional(positions[i])
        for k in 0..<3 where box.periodic[k] { mine.positions[i] -= s[k].rounded(.down) * box.cell[k] }
      }
      let decomposition = Decomposition(bricks: domain.bricks, stray: stray)
      let part = try mine.solve(make(communicator), decomposition, members, with: other, want: want)
      gathered.add(part)
    }
    return gathered.result
  }

  func moved(_ stray: Double) -> ChargedSystem {
    var random = SplitMix64(seed: 99)
    var system = self
    for i in positions.indices {
      let v = random.vector()
      system.positions[i] += (0.999 * stray / max(v.length, 1)) * v
    }
    return system
  }

  func strained(_ strain: Matrix3) -> ChargedSystem {
    var system = self
    let map = Matrix3.identity + strain
    system.box.setCell(box.cell * map)
    system.positions = positions.map { box.origin + ($0 - box.origin) * map }
    return system
  }
}
