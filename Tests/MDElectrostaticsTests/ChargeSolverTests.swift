import Foundation
import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import MDPotentials
import MDTestSupport
import Testing

/// Solvers of charges on matrices that are written down here, and where their first guess comes from.
@Suite struct ChargeSolverTests {
  private final class Matrix: ChargeMatrix {
    private let rows: [[Double]]
    private let numbers: AlignedBuffer<Double>

    init(_ rows: [[Double]]) {
      self.rows = rows
      numbers = AlignedBuffer(rows.indices.map { rows[$0][$0] })
    }

    var count: Int { rows.count }
    var diagonal: UnsafePointer<Double> { UnsafePointer(numbers.pointer) }
    var places: ChargePlaces? { nil }
    func multiply(_ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>) throws {
      for (i, row) in rows.enumerated() { y[i] = row.indices.reduce(0) { $0 + row[$1] * x[$1] } }
    }
  }

  /// A symmetric matrix of this diagonal; other numbers are random and below `coupling`.
  private static func rows(_ diagonal: [Double], coupling: Double) -> [[Double]] {
    var random = Randoms(7)
    var a = diagonal.map { _ in [Double](repeating: 0, count: diagonal.count) }
    for i in diagonal.indices {
      for j in 0..<i {
        a[i][j] = coupling * (2 * random.next() - 1)
        a[j][i] = a[i][j]
      }
      a[i][i] = diagonal[i]
    }
    return a
  }

  private static func solve(
    _ rows: [[Double]], _ b: [Double], members: [Int32]? = nil, totals: [Double], start: [Double],
    by solver: any ChargeSolver
  ) throws -> (charges: [Double], solution: ChargeSolution) {
    let (pools, sources) = (AlignedBuffer(members ?? []), AlignedBuffer(b))
    let (q, r) = (AlignedBuffer(start), AlignedBuffer(start))
    let matrix = Matrix(rows)
    return try withExtendedLifetime((matrix, pools, sources, q, r)) {
      try solver.prepare(
        matrix, ChargePools(count: totals.count, members: members.map { _ in UnsafePointer(pools.pointer) }))
      let solution = try solver.solve(
        matrix, sources.pointer, totals: totals, charges: q.pointer, residual: r.pointer)
      return (rows.indices.map { q.pointer[$0] }, solution)
    }
  }

  /// (A q)ᵢ + bᵢ + μ = 0 with the multiplier of each pool; totals are met, given charges stay.
  @Test(arguments: ["conjugate gradients", "direct"]) func multipliers(_ method: String) throws {
    let n = 14
    let communicator = LoopbackCommunicator()
    let solver: any ChargeSolver =
      method == "direct"
      ? DenseCharges(communicator: communicator)
      : ConjugateGradientCharges(tolerance: 1e-12, communicator: communicator)
    let rows = Self.rows((0..<n).map { 5 + Double($0 % 4) }, coupling: 1)
    let b = (0..<n).map { 3 * cos(Double($0)) }
    for members in [nil, (0..<n).map { Int32($0 % 3) - 1 }] as [[Int32]?] {
      let totals = members == nil ? [1.5] : [0.7, -2]
      let start = (0..<n).map { 0.1 * Double($0) }
      let (q, solution) = try Self.solve(rows, b, members: members, totals: totals, start: start, by: solver)
      try #require(solution.multipliers.count == totals.count)
      var sums = totals.map { _ in 0.0 }
      for i in 0..<n {
        let pool = members.map { Int($0[i]) } ?? 0
        guard pool >= 0 else {
          #expect(q[i] == start[i])
          continue
        }
        sums[pool] += q[i]
        let slope = zip(rows[i], q).reduce(b[i]) { $0 + $1.0 * $1.1 }
        #expect(abs(slope + solution.multipliers[pool]) < 1e-10, "row \(i): \(slope), \(solution.multipliers)")
      }
      #expect(zip(sums, totals).allSatisfy { abs($0 - $1) < 1e-12 })
    }
  }

  /// Numbers of the diagonal between 1 and 10⁴, and little beside it: after the diagonal has been divided out there is
  /// hardly anything left to do.
  @Test func diagonalIsDividedOut() throws {
    let n = 40
    let rows = Self.rows((0..<n).map { pow(10, 4 * Double($0) / Double(n - 1)) }, coupling: 0.05)
    let b = (0..<n).map { sin(Double($0)) }
    let solver = ConjugateGradientCharges(tolerance: 1e-9, communicator: LoopbackCommunicator())
    let (q, solution) = try Self.solve(rows, b, totals: [1], start: [Double](repeating: 0, count: n), by: solver)
    #expect(solution.iterations < 16, "\(solution.iterations) products")
    #expect(abs(q.reduce(0, +) - 1) < 1e-12)
  }

  /// ½ qᵀA q + bᵀq falls for ever along (1, −1).
  @Test func energyWithoutMinimum() throws {
    let solver = ConjugateGradientCharges(tolerance: 1e-9, communicator: LoopbackCommunicator())
    let error = #expect(throws: FaultlineError.self) {
      _ = try Self.solve([[2, 5], [5, 2]], [1, 0], totals: [0], start: [0, 0], by: solver)
    }
    #expect(error?.message.contains("the energy has no minimum (curvature -") == true, "\(String(describing: error))")
  }

  /// Charges are linear in the total charge. As that grows from step to step, the guess is the solution as soon as two
  /// steps are known: one product finds nothing left to do.
  @Test func guessFollowsLines() throws {
    let structure = ConstrainedCharges.structures[3]
    try #require(structure.box.periodic == .none)
    let communicator = LoopbackCommunicator()
    let potential = try QEqPotential(
      elements: ConstrainedCharges.elements, species: ["H", "O"],
      solver: ConjugateGradientCharges(tolerance: 1e-9, communicator: communicator),
      longRange: DirectSolver(cutoff: 6, communicator: communicator), cutoff: 6, communicator: communicator)
    let system = BruteForceSystem(structure, reach: potential.requirements.cutoff + 0.1)
    for step in 1...7 {
      potential.totalCharge = Double(step)
      _ = try system.evaluate([potential])
      let iterations = try #require(potential.solution).iterations
      #expect(step < 3 ? iterations > 3 : iterations == 1, "\(iterations) products at step \(step)")
    }
  }
}
