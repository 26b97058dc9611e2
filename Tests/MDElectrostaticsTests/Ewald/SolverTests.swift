import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDTestSupport
import Testing

/// What every `LongRangeSolver` promises as a service: potentials, bilinear forms, ranks.
@Suite struct SolverTests {
  struct Boundary: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let structure: Structure
    static let all: [Boundary] = {
      let some = TestStructures.all(["Na", "Cl"], spacing: 2.9)
      return [
        Boundary(testDescription: "crystal", structure: some[0]), Boundary(testDescription: "slab", structure: some[2]),
        Boundary(testDescription: "cluster", structure: some[3]),
      ]
    }()
  }

  /// Results in the order of the structure; `ranks` deal the atoms out in turn.
  struct Output: Sendable {
    var potential: [Double]
    var forces: [Vector3]
    var energy = 0.0
    var virial = Matrix3.zero
  }

  private func run(_ s: Structure, lambda: [Double]?, ranks: Int) throws -> Output {
    let collected = Collected(s.count)
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let options = LongRangeOptions(accuracy: 1e-10, cutoff: 6)
      let solver = BoundarySolver(
        EwaldSolver(options, communicator: communicator),
        open: DirectSolver(cutoff: 6, communicator: communicator))
      let mine = (0..<s.count).filter { $0 % ranks == communicator.rank }
      let atoms = AtomStore()
      atoms.setLocalCount(mine.count)
      for (k, i) in mine.enumerated() {
        atoms.position[k] = s.positions[i]
        atoms.force[k] = .zero
      }
      let q = AlignedBuffer(mine.map { s.charges![$0] })
      let l = lambda.map { all in AlignedBuffer(mine.map { all[$0] }) }
      let squares = s.charges!.map { $0 * $0 }.reduce(0, +)
      try solver.prepare(
        LongRangeSystem(
          box: s.box, decomposition: .single,
          charges: ChargeStatistics(
            count: s.count, sum: s.charges!.reduce(0, +), squares: squares, occupiedVolume: s.box.volume)))
      let phi = AlignedBuffer(repeating: 7.0, count: mine.count)
      try solver.potential(of: q.pointer, on: atoms.view, into: phi.pointer)
      let tally = try solver.addForces(
        of: q.pointer, with: l.map { UnsafePointer($0.pointer) }, on: atoms.view, want: [.energy, .virial])
      collected.add(tally) { output in
        for (k, i) in mine.enumerated() {
          output.potential[i] = phi.pointer[k]
          output.forces[i] = atoms.force[k]
        }
      }
    }
    return collected.output
  }

  /// φ = A q, E = ½ qᵀφ; on any number of ranks the same.
  @Test(arguments: Boundary.all, [0.0, 2.0]) func potentialsAndRanks(_ boundary: Boundary, net: Double) throws {
    let s = Samples.charged(boundary.structure, net: net)
    let one = try run(s, lambda: nil, ranks: 1)
    let energy = 0.5 * zip(s.charges!, one.potential).map { $0 * $1 }.reduce(0, +)
    #expect(abs(one.energy - energy) < 1e-11 * max(1, abs(energy)))
    for ranks in [2, 3, 4, 5, 8] {
      let many = try run(s, lambda: nil, ranks: ranks)
      #expect(abs(many.energy - one.energy) < 1e-11)
      #expect(zip(many.potential, one.potential).allSatisfy { abs($0 - $1) < 1e-11 })
      #expect(zip(many.forces, one.forces).allSatisfy { ($0 - $1).length < 1e-11 })
      #expect(zip(many.virial.elements, one.virial.elements).allSatisfy { abs($0 - $1) < 1e-10 })
    }
  }

  /// λᵀ A q is λ·φ(q) and q·φ(λ); with λ = q it is twice the energy, and so are its derivatives. By the
  /// parallelogram, its forces are those of E(q + λ) − E(q) − E(λ).
  @Test(arguments: Boundary.all) func bilinear(_ boundary: Boundary) throws {
    let s = Samples.charged(boundary.structure, net: 1)
    let t = Samples.charged(boundary.structure, net: -0.5, seed: 99)
    let lambda = t.charges!
    var sum = s
    sum.charges = zip(s.charges!, lambda).map { $0 + $1 }
    let mixed = try run(s, lambda: lambda, ranks: 3)
    let q = try run(s, lambda: nil, ranks: 1)
    let l = try run(t, lambda: nil, ranks: 1)
    let both = try run(sum, lambda: nil, ranks: 1)
    let byQ = zip(lambda, q.potential).map { $0 * $1 }.reduce(0, +)
    let byLambda = zip(s.charges!, l.potential).map { $0 * $1 }.reduce(0, +)
    // Each run chooses α for its own charges: the sum is the same, but its long-range part alone is not, except with
    // open boundaries. Hence only what one run computes is compared exactly.
    #expect(abs(mixed.energy - byQ) < 1e-10 * max(1, abs(byQ)))
    if boundary.testDescription == "cluster" {
      #expect(abs(byQ - byLambda) < 1e-10 * max(1, abs(byQ)))
      for i in 0..<s.count {
        #expect((mixed.forces[i] - (both.forces[i] - q.forces[i] - l.forces[i])).length < 1e-10)
      }
    }
    let twice = try run(s, lambda: s.charges, ranks: 2)
    #expect(abs(twice.energy - 2 * q.energy) < 1e-10 * abs(q.energy))
    for i in 0..<s.count { #expect((twice.forces[i] - 2 * q.forces[i]).length < 1e-10) }
    for (x, y) in zip(twice.virial.elements, q.virial.elements) { #expect(abs(x - 2 * y) < 1e-9) }
  }

  /// erfc of the pairs (a polynomial here) and erf of the direct sum (the C library's) make 1/r.
  @Test(arguments: [0.3, 1.1, 2.0, 2.9, 3.7, 5.0, 5.99, 6.5, 40]) func dimer(r: Double) throws {
    var s = Structure(
      box: Box(lengths: Vector3(repeating: 50), periodic: .none), species: ["Na", "Cl"], types: [0, 1],
      positions: [Vector3(1, 1, 1), Vector3(1, 1 + r, 1)])
    s.charges = [1.5, -0.5]
    let result = try Samples.evaluate(s, Samples.potential(net: 1))
    let energy = -0.75 * Units.coulomb / r
    #expect(abs(result.energy / energy - 1) < 2e-14)
    #expect(abs(result.forces[0].y / (-energy / r) - 1) < 1e-13)
  }

  @Test func mistakes() throws {
    func message(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "no error"
      } catch { return "\(error)" }
    }
    let crystal = TestStructures.crystal(["Na", "Cl"], spacing: 2.9)
    let charged = Samples.charged(crystal, net: 1)
    #expect(
      message { _ = try Samples.evaluate(charged, Samples.potential()) }.contains("net_charge"))
    #expect(
      message { _ = try Samples.evaluate(crystal, Samples.potential()) }.contains("species Na has no charge"))
    var wire = Samples.charged(crystal)
    wire.box.periodic = Periodicity(false, true, false)
    #expect(message { _ = try Samples.evaluate(wire, Samples.potential()) }.contains("along one axis alone"))
    #expect(message { _ = try Samples.potential(widths: [0.3, 0.7]) }.contains("a tenth of the cutoff"))
  }
}

/// What ranks found, put together.
private final class Collected: @unchecked Sendable {
  private let lock = NSLock()
  private(set) var output: SolverTests.Output

  init(_ count: Int) {
    output = .init(
      potential: Array(repeating: 0, count: count), forces: Array(repeating: .zero, count: count))
  }

  func add(_ tally: Tally, _ body: (inout SolverTests.Output) -> Void) {
    lock.withLock {
      output.energy += tally.energy
      output.virial += tally.virial
      body(&output)
    }
  }
}
