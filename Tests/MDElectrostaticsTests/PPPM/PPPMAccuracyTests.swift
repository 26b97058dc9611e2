import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import Testing

/// The mesh against the plain sum at the same splitting.
@Suite struct PPPMAccuracyTests {
  /// Both solvers' results: the mesh for this accuracy, and the sum to 13 digits with the same α.
  private func both(
    _ system: ChargedSystem, accuracy: Double, cutoff: Double = 8, want: Want = [.energy, .virial]
  ) throws -> (mesh: ChargedSystem.Result, sum: ChargedSystem.Result) {
    var options = LongRangeOptions(accuracy: accuracy, cutoff: cutoff)
    let mesh = try system.solve(PPPMSolver(options, communicator: LoopbackCommunicator()), want: want)
    options.splitting = mesh.parameters!.splitting
    options.accuracy = 1e-13
    return (mesh, try system.solve(EwaldSolver(options, communicator: LoopbackCommunicator()), want: want))
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var system: ChargedSystem
  }
  static let cases = [
    Case(testDescription: "orthogonal", system: .salt([6, 8, 4])),
    Case(testDescription: "triclinic", system: .salt([6, 8, 4], shear: ChargedSystem.tilt)),
    Case(testDescription: "charged", system: .salt([6, 4, 6], shear: ChargedSystem.tilt, excess: 0.1)),
    Case(testDescription: "slab", system: .salt([6, 4, 6], periodic: Periodicity(true, true, false))),
    Case(
      testDescription: "charged slab",
      system: .salt([6, 4, 6], shear: ChargedSystem.tilt, excess: 0.1, periodic: Periodicity(true, true, false))),
  ]

  /// The error asked for is kept, by the estimate and by measurement; energy and virial per atom are as good.
  @Test(arguments: cases, [1e-3, 1e-4, 1e-5, 1e-6, 1e-7]) func keepsAccuracy(_ test: Case, accuracy: Double) throws {
    let (mesh, sum) = try both(test.system, accuracy: accuracy)
    let allowed = accuracy * Units.coulomb / 2.0.squareRoot()
    #expect(mesh.estimate <= allowed)
    #expect(mesh.forceError(sum) <= allowed, "estimated \(mesh.estimate)")
    // An atom's energy changes by about its force's error times a mesh spacing (1 to 2 Å).
    let n = Double(test.system.charges.count)
    #expect(abs(mesh.energy - sum.energy) <= 2 * allowed * n)
    for (a, b) in zip(mesh.virial.elements, sum.virial.elements) { #expect(abs(a - b) <= 2 * allowed * n) }
  }

  /// On charges without order the estimate is the error, for every order of splines.
  @Test(arguments: [Matrix3.identity, ChargedSystem.tilt], 3...7) func estimatesErrors(shear: Matrix3, order: Int)
    throws
  {
    let system = ChargedSystem.gas(400, edge: 24, shear: shear)
    for points in [14, 24, 32] {
      let solver = PPPMSolver(LongRangeOptions(accuracy: 1e-4, cutoff: 8), communicator: LoopbackCommunicator())
      solver.parameters = LongRangeParameters(
        splitting: 0.35, grid: SIMD3(points, points + 1, points + 2), order: order, cell: system.box.cell, count: 400)
      let mesh = try system.solve(solver, want: .energy)
      let options = LongRangeOptions(accuracy: 1e-13, cutoff: 8, splitting: 0.35)
      let sum = try system.solve(EwaldSolver(options, communicator: LoopbackCommunicator()), want: .energy)
      let ratio = mesh.forceError(sum) / mesh.estimate
      // One sample of 400 charges scatters by some per cent.
      #expect(ratio > 0.8 && ratio < 1.25, "\(points) points: measured/estimated \(ratio)")
    }
  }

  /// The error measured against a finer mesh is that against the plain sum; forces stay as they were.
  @Test(arguments: [1e-3, 1e-5]) func measuresErrors(accuracy: Double) throws {
    let system = ChargedSystem.salt([6, 6, 8], shear: ChargedSystem.tilt)
    let (mesh, sum) = try both(system, accuracy: accuracy)
    let solver = PPPMSolver(LongRangeOptions(accuracy: accuracy, cutoff: 8), communicator: LoopbackCommunicator())
    let all = LongRangeSystem(box: system.box, decomposition: .single, charges: system.statistics)
    try solver.prepare(all)
    let atoms = system.store(Array(system.positions.indices))
    atoms.force[3] = Vector3(1, 2, 3)
    let measured = try #require(try solver.measuredError(of: atoms.charge!.pointer, on: atoms.view, all))
    #expect(abs(measured / mesh.forceError(sum) - 1) < 0.1)
    #expect(atoms.force[3] == Vector3(1, 2, 3) && atoms.force[4] == .zero)
  }

  /// A charge alone has the energy of its images wherever it is on the mesh, and no force. Left are the harmonics
  /// of the self-interaction that are not taken out.
  @Test(arguments: [(4, 2e-4), (5, 1e-4), (7, 1e-5)]) func aloneFeelsNothing(order: Int, rest: Double) throws {
    for place in [Vector3(1.1, 2.2, 3.3), Vector3(0, 0.01, 4.49), Vector3(-3, 20, 100)] {
      var system = ChargedSystem.gas(1, edge: 10, shear: ChargedSystem.tilt)
      system.positions = [place]
      let solver = PPPMSolver(LongRangeOptions(accuracy: 1e-4, cutoff: 8), communicator: LoopbackCommunicator())
      solver.parameters = LongRangeParameters(
        splitting: 0.4, grid: SIMD3(12, 12, 12), order: order, cell: system.box.cell, count: 1)
      let mesh = try system.solve(solver, want: [.energy, .virial])
      let options = LongRangeOptions(accuracy: 1e-13, cutoff: 8, splitting: 0.4)
      let sum = try system.solve(EwaldSolver(options, communicator: LoopbackCommunicator()), want: [.energy, .virial])
      #expect(abs(mesh.energy - sum.energy) < rest)
      #expect(abs(mesh.potentials[0] - sum.potentials[0]) < 2 * rest)
      #expect(mesh.forces[0].length < 4 * rest)
      for (a, b) in zip(mesh.virial.elements, sum.virial.elements) { #expect(abs(a - b) < 4 * rest) }
    }
  }
}
