import MDCore
import MDElectrostatics
import MDNumerics
import MDParallel
import Synchronization
import Testing

/// The direct solver against the conditions of the minimum, for matrices of plain numbers.
@Suite struct DenseChargesTests {
  /// A symmetric matrix whose rows are dealt out to ranks in blocks.
  final class PlainMatrix: ChargeMatrix {
    let elements: [[Double]]
    let rows: Range<Int>
    private let communicator: any Communicator
    private let own: AlignedBuffer<Double>

    init(_ elements: [[Double]], _ communicator: any Communicator) {
      self.elements = elements
      self.communicator = communicator
      let n = elements.count
      rows = (n * communicator.rank / communicator.size)..<(n * (communicator.rank + 1) / communicator.size)
      own = AlignedBuffer(rows.map { elements[$0][$0] })
    }

    var count: Int { rows.count }
    var diagonal: UnsafePointer<Double> { UnsafePointer(own.pointer) }
    var places: ChargePlaces? { nil }

    func multiply(_ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>) {
      var all = [Double](repeating: 0, count: elements.count)
      for i in rows { all[i] = x[i - rows.lowerBound] }
      communicator.sum(&all)
      for i in rows { y[i - rows.lowerBound] = zip(elements[i], all).map { $0 * $1 }.reduce(0, +) }
    }
  }

  /// Charges that repel one another by 1/(1 + |i − j|), hardness above 2: positive definite.
  static func matrix(_ n: Int) -> [[Double]] {
    func element(_ i: Int, _ j: Int) -> Double {
      i == j ? 3 + 0.1 * Double(i % 7) : 1 / Double(1 + abs(i - j))
    }
    return (0..<n).map { i in (0..<n).map { element(i, $0) } }
  }

  /// A q + b + μ = 0 in every pool, its total is what was asked for, given charges stay; one pool has no members.
  @Test(arguments: [1, 2, 3]) func conditionsOfTheMinimum(_ ranks: Int) throws {
    let n = 23
    let (a, b) = (Self.matrix(n), (0..<n).map { 0.3 * Double($0 % 5) - 0.4 })
    // Pools 0 and 2, charges given; nobody is in pool 1.
    let pools: [Int32] = (0..<n).map { [0, 2, 0, ChargePools.given][$0 % 4] }
    let totals = [0.7, 0, -1.3]
    try LoopbackCommunicator.run(ranks: ranks) { communicator in
      let matrix = PlainMatrix(a, communicator)
      let members = AlignedBuffer(matrix.rows.map { pools[$0] })
      let sources = AlignedBuffer(matrix.rows.map { b[$0] })
      let q = AlignedBuffer(matrix.rows.map { i -> Double in pools[i] < 0 ? 0.1 * Double(i) : 99 })
      let r = AlignedBuffer(repeating: 0.0, count: matrix.count)
      let solver = DenseCharges(communicator: communicator)
      try solver.prepare(matrix, ChargePools(count: 3, members: members.pointer))
      let solution = try solver.solve(matrix, sources.pointer, totals: totals, charges: q.pointer, residual: r.pointer)
      var all = [Double](repeating: 0, count: n)
      for i in matrix.rows { all[i] = q.pointer[i - matrix.rows.lowerBound] }
      communicator.sum(&all)
      for pool in 0..<3 {
        var sum = 0.0
        for i in 0..<n where pools[i] == pool { sum += all[i] }
        #expect(abs(sum - totals[pool]) < 1e-13)
      }
      for i in 0..<n {
        let slope = zip(a[i], all).map { $0 * $1 }.reduce(b[i], +)
        if pools[i] < 0 {
          #expect(all[i] == 0.1 * Double(i))
        } else {
          #expect(abs(slope + solution.multipliers[Int(pools[i])]) < 1e-13)
        }
      }
      #expect(solution.residual < 1e-13)
    }
  }

  /// Every rank throws the same error where more charge on one atom and less on another always gains energy.
  @Test(arguments: [1, 3]) func energiesWithoutMinimum(_ ranks: Int) throws {
    var saddle = Self.matrix(12)
    saddle[7][8] = 50
    saddle[8][7] = 50
    var broken = Self.matrix(12)
    broken[4][2] = .nan
    for (elements, row) in [(saddle, 9), (broken, 5)] {
      let messages = Mutex<[String]>([])
      try LoopbackCommunicator.run(ranks: ranks) { communicator in
        do {
          try DenseCharges(communicator: communicator).prepare(PlainMatrix(elements, communicator), .single)
        } catch let error as FaultlineError {
          #expect(error.isCollective)
          messages.withLock { $0.append(error.message) }
        }
      }
      let expected = "the energy has no minimum among the charges (row \(row) of 12)"
      #expect(messages.withLock { $0 } == Array(repeating: expected, count: ranks))
    }
  }
}
