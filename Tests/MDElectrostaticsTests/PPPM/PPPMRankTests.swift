import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import Testing

/// Any number of ranks, any grid of ranks for the Fourier transform: the same numbers.
@Suite struct PPPMRankTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var ranks: Int
    /// Of the transform; nil lets the solver choose.
    var grid: SIMD2<Int>?
    var mesh = SIMD3(12, 10, 14)
    var stray = 0.7
    var order = 5
    /// At most so many for the transform.
    var fftRanks: Int?
    var testDescription: String {
      let choice = fftRanks.map { "at most \($0)" } ?? "its own choice"
      return "\(ranks) ranks, transform on \(grid.map { "\($0.x)x\($0.y)" } ?? choice)"
    }
  }
  static let cases = [
    Case(ranks: 1, stray: 0), Case(ranks: 2), Case(ranks: 3), Case(ranks: 4), Case(ranks: 5), Case(ranks: 8),
    Case(ranks: 16),
    Case(ranks: 2, grid: SIMD2(1, 2)), Case(ranks: 2, grid: SIMD2(2, 1)), Case(ranks: 3, grid: SIMD2(1, 1)),
    Case(ranks: 4, grid: SIMD2(2, 2), order: 7), Case(ranks: 5, grid: SIMD2(5, 1), order: 4),
    Case(ranks: 6, grid: SIMD2(2, 3), mesh: SIMD3(9, 15, 7), order: 3), Case(ranks: 8, grid: SIMD2(3, 2), order: 6),
    Case(ranks: 3, fftRanks: 1), Case(ranks: 7, fftRanks: 3), Case(ranks: 8, fftRanks: 4), Case(ranks: 4, fftRanks: 9),
    // More ranks than planes.
    Case(ranks: 16, grid: SIMD2(4, 4), mesh: SIMD3(8, 9, 10), stray: 0.2),
    Case(ranks: 16, grid: SIMD2(8, 2), mesh: SIMD3(8, 8, 8), stray: 2),
  ]

  private func compare(_ system: ChargedSystem, _ test: Case, with other: [Double]? = nil) throws {
    let cell = try PeriodicCell(system.box, slabFactor: 3).cell
    let parameters = LongRangeParameters(
      splitting: 0.35, grid: test.mesh, order: test.order, cell: cell, count: system.charges.count)
    let options = LongRangeOptions(accuracy: 1e-3, cutoff: 8, fftRanks: test.fftRanks)
    let single = PPPMSolver(options, communicator: LoopbackCommunicator())
    single.parameters = parameters
    let one = try system.moved(test.stray).solve(single, with: other)
    let many = try system.solve(ranks: test.ranks, stray: test.stray, with: other) { communicator in
      let solver = PPPMSolver(options, communicator: communicator)
      solver.parameters = parameters
      solver.processGrid = test.grid
      return solver
    }
    let scale = abs(one.energy)
    #expect(abs(one.energy - many.energy) < 1e-12 * scale)
    for (a, b) in zip(one.virial.elements, many.virial.elements) { #expect(abs(a - b) < 1e-12 * scale) }
    // Forces and potentials are sums of terms that are up to a hundred times larger.
    for i in system.positions.indices {
      #expect((one.forces[i] - many.forces[i]).length < 1e-12 * 10)
      #expect(abs(one.potentials[i] - many.potentials[i]) < 1e-12 * 100)
      #expect(abs(one.atomEnergies[i] - many.atomEnergies[i]) < 1e-12 * 100)
      for (a, b) in zip(one.atomVirials[i].elements, many.atomVirials[i].elements) { #expect(abs(a - b) < 1e-10) }
    }
  }

  @Test(arguments: cases) func periodic(_ test: Case) throws {
    try compare(.salt([6, 6, 6], shear: ChargedSystem.tilt, excess: 0.02), test)
  }

  /// A slab whose open axis leans, atoms beyond its faces.
  @Test(arguments: cases.suffix(8)) func slab(_ test: Case) throws {
    var system = ChargedSystem.salt([6, 4, 4], shear: ChargedSystem.tilt, periodic: Periodicity(true, true, false))
    for i in system.positions.indices where i.isMultiple(of: 7) {
      system.positions[i] += (i.isMultiple(of: 2) ? 0.3 : -0.3) * system.box.cell.z
    }
    try compare(system, test)
  }

  @Test func bilinear() throws {
    let system = ChargedSystem.salt([6, 6, 6])
    try compare(
      system, Case(ranks: 6, grid: SIMD2(2, 3)), with: system.charges.indices.map { 0.1 * Double($0 % 7) - 0.3 })
  }

  /// An atom far outside of its rank's brick is named.
  @Test func lostAtom() throws {
    let system = ChargedSystem.salt([8, 4, 4])
    #expect {
      try LoopbackCommunicator.run(ranks: 2) { communicator in
        let solver = PPPMSolver(LongRangeOptions(accuracy: 1e-4, cutoff: 8), communicator: communicator)
        var lost = system
        lost.positions[127] += Vector3(-14, 0, 0)
        let domain = try Domain(box: system.box, ranks: 2, rank: communicator.rank, grid: SIMD3(2, 1, 1))
        let decomposition = Decomposition(bricks: domain.bricks, stray: 0.5)
        let members = communicator.rank == 0 ? 0..<64 : 64..<128
        let atoms = AtomStore()
        atoms.needCharge()
        atoms.setLocalCount(64)
        for (k, i) in members.enumerated() {
          atoms.position[k] = lost.positions[i]
          atoms.id[k] = Int64(i + 1)
          atoms.charge![k] = lost.charges[i]
        }
        try solver.prepare(LongRangeSystem(box: system.box, decomposition: decomposition, charges: system.statistics))
        _ = try solver.addForces(of: atoms.charge!.pointer, with: nil, on: atoms.view, want: .energy)
      }
    } throws: { error in
      (error as? FaultlineError)?.message.contains("atom 128 ") ?? false
    }
  }
}
