import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import Testing

/// What holds for the mesh by itself, however coarse it is.
@Suite struct PPPMConsistencyTests {
  static let parts = [
    Part(order: 3, grid: SIMD3(9, 10, 12)), Part(order: 4, grid: SIMD3(8, 10, 7)),
    Part(order: 5, grid: SIMD3(10, 9, 8)),
    Part(order: 6, grid: SIMD3(8, 8, 8)), Part(order: 7, grid: SIMD3(7, 9, 10)),
  ]
  struct Part: Sendable {
    var order: Int
    var grid: SIMD3<Int>
  }
  static let system = ChargedSystem.salt([4, 4, 4], shear: ChargedSystem.tilt, excess: 0.05)
  static let slab = ChargedSystem.salt(
    [4, 2, 4], shear: ChargedSystem.tilt, excess: 0.05, periodic: Periodicity(true, false, true))
  static let lambda = (0..<64).map { i in 0.3 - 0.7 * Double((i * i) % 5) }

  private func solver(_ part: Part, _ system: ChargedSystem) throws -> PPPMSolver {
    let solver = PPPMSolver(
      LongRangeOptions(accuracy: 1e-3, cutoff: 6, slabFactor: 3), communicator: LoopbackCommunicator())
    let cell = try PeriodicCell(system.box, slabFactor: 3)
    solver.parameters = LongRangeParameters(
      splitting: 0.35, grid: part.grid, order: part.order, cell: cell.cell, count: system.charges.count)
    return solver
  }

  /// The derivative at 0 by four points: errors of order h⁴.
  private func derivative(_ h: Double, _ f: (Double) throws -> Double) rethrows -> Double {
    let near = try f(h) - f(-h)
    let far = try f(2 * h) - f(-2 * h)
    return (8 * near - far) / (12 * h)
  }

  /// Forces and virial are the derivatives of the energy, of ½qᵀAq and of λᵀAq.
  @Test(arguments: parts, [false, true]) func derivatives(_ part: Part, bilinear: Bool) throws {
    for system in [Self.system, Self.slab] {
      let other = bilinear ? Array(Self.lambda[..<system.charges.count]) : nil
      let solver = try solver(part, system)
      let result = try system.solve(solver, with: other)
      for (atom, direction) in [(0, Vector3(1, 0, 0)), (7, Vector3(0, 1, 0)), (20, Vector3(0.6, 0, 0.8))] {
        let slope = try derivative(2e-3) { h in
          var moved = system
          moved.positions[atom] += h * direction
          return try moved.solve(solver, with: other, want: .energy).energy
        }
        #expect(abs(dot(result.forces[atom], direction) + slope) < 1e-7)
      }
      // Strains of a slab's plane or of its normal; any strain where there is no normal.
      let normal = try PeriodicCell(system.box, slabFactor: 3).normal
      let n = normal ?? Vector3(0, 1, 0)
      let e = cross(n, Vector3(0.6, 0, 0.8))
      let u = (1 / e.length) * e
      let axes = [u, cross(n, u), n]
      for (a, b) in [(0, 0), (1, 1), (2, 2), (0, 1), (2, 0), (1, 2)] where normal == nil || a == b || a + b == 1 {
        let mode = 0.5 * (Matrix3.outer(axes[a], axes[b]) + Matrix3.outer(axes[b], axes[a]))
        let slope = try derivative(1e-3) { h in
          try system.strained(h * mode).solve(solver, with: other, want: .energy).energy
        }
        let virial = dot(axes[a], axes[b] * result.virial)
        #expect(abs(virial + slope) < 1e-7 * max(1, abs(result.energy)), "strain \(a)\(b)")
      }
    }
  }

  /// Shares of atoms add up, and the potential is the derivative by charges.
  @Test(arguments: parts) func shares(_ part: Part) throws {
    for system in [Self.system, Self.slab] {
      for other in [nil, Array(Self.lambda[..<system.charges.count])] {
        let result = try system.solve(try solver(part, system), with: other)
        #expect(abs(result.atomEnergies.reduce(0, +) - result.energy) < 1e-10)
        let sum = result.atomVirials.reduce(into: Matrix3.zero) { $0 += $1 }
        for (a, b) in zip(sum.elements, result.virial.elements) { #expect(abs(a - b) < 1e-9) }
        let weights = other ?? system.charges.map { 0.5 * $0 }
        let work = zip(weights, result.potentials).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(work - result.energy) < 1e-10)
      }
    }
  }

  /// λᵀAq = qᵀAλ, and qᵀAq is twice the energy.
  @Test(arguments: parts) func bilinearForm(_ part: Part) throws {
    let system = Self.system
    var swapped = system
    swapped.charges = Self.lambda
    let one = try system.solve(try solver(part, system), with: Self.lambda)
    let two = try swapped.solve(try solver(part, system), with: system.charges)
    let square = try system.solve(try solver(part, system), with: system.charges)
    let plain = try system.solve(try solver(part, system))
    #expect(abs(one.energy - two.energy) < 1e-10)
    #expect(abs(square.energy - 2 * plain.energy) < 1e-10)
    for i in system.positions.indices {
      #expect((one.forces[i] - two.forces[i]).length < 1e-11)
      #expect((square.forces[i] - 2 * plain.forces[i]).length < 1e-11)
    }
    for (a, b) in zip(one.virial.elements, two.virial.elements) { #expect(abs(a - b) < 1e-10) }
    for (a, b) in zip(square.virial.elements, plain.virial.elements) { #expect(abs(a - 2 * b) < 1e-10) }
  }

  /// Whole cell vectors change nothing; nor does another solver with the same parameters, to the last bit.
  @Test func wrapping() throws {
    let part = Self.parts[2]
    let plain = try Self.system.solve(try solver(part, Self.system))
    let again = try Self.system.solve(try solver(part, Self.system))
    #expect(plain.forces == again.forces)
    #expect(plain.energy == again.energy)
    var moved = Self.system
    for i in moved.positions.indices {
      moved.positions[i] += Double(i % 5 - 2) * moved.box.cell.x
      moved.positions[i] += Double(i % 3 - 1) * moved.box.cell.z
    }
    let far = try moved.solve(try solver(part, Self.system))
    #expect(abs(far.energy - plain.energy) < 1e-9)
    for i in moved.positions.indices { #expect((far.forces[i] - plain.forces[i]).length < 1e-10) }
  }
}
