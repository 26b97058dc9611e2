import MDNumerics
import Testing

@Suite("Linear equations of positive definite matrices")
struct CholeskySolverTests {
  /// A solver with the lower triangle of a matrix; what is above must not matter.
  static func solver(_ n: Int, _ element: (Int, Int) -> Double) -> CholeskySolver {
    let solver = CholeskySolver()
    solver.resize(n)
    for i in 0..<n {
      for j in 0..<n { solver.elements[n * i + j] = j <= i ? element(i, j) : .nan }
    }
    return solver
  }

  static func random(_ count: Int, seed: UInt64) -> [Double] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / Double(1 << 53) - 0.5
    }
  }

  @Test("Integer factors come back exactly, row by row")
  func factors() throws {
    let l: [[Double]] = [[2], [-1, 3], [4, 0, 1], [0.5, -2, 7, 5]]
    let solver = Self.solver(4) { i, j in (0...j).map { l[i][$0] * l[j][$0] }.reduce(0, +) }
    try solver.factorize()
    for i in 0..<4 { for j in 0...i { #expect(solver.elements[4 * i + j] == l[i][j]) } }
    #expect(solver.elements[1].isNaN)
  }

  /// Of the second differences of n points between fixed ends, the inverse is known: min(i,j)(n+1−max(i,j))/(n+1).
  @Test("A known inverse", arguments: [1, 2, 9, 64, 200])
  func secondDifferences(_ n: Int) throws {
    let solver = Self.solver(n) { i, j in i == j ? 2 : i == j + 1 ? -1 : 0 }
    try solver.factorize()
    var columns = [Double](repeating: 0, count: n * n)
    for i in 0..<n { columns[n * i + i] = 1 }
    columns.withUnsafeMutableBufferPointer { solver.solve($0.baseAddress!, count: n) }
    for i in 0..<n {
      for j in 0..<n {
        let exact = Double((min(i, j) + 1) * (n - max(i, j))) / Double(n + 1)
        // The condition number is (2(n + 1)/π)², 16,000 for the largest.
        #expect(abs(columns[n * i + j] - exact) < 1e-14 * Double(n * n))
      }
    }
  }

  @Test(
    "A x − b is of the size of rounding; several vectors at once are the same as one by one", arguments: [3, 50, 130])
  func residuals(_ n: Int) throws {
    // R Rᵀ + ½ of random numbers.
    let r = Self.random(n * n, seed: UInt64(n))
    let a = (0..<n).map { i in
      (0..<n).map { j in (0..<n).map { r[n * i + $0] * r[n * j + $0] }.reduce(i == j ? 0.5 : 0, +) }
    }
    let solver = Self.solver(n) { a[$0][$1] }
    try solver.factorize()
    let b = Self.random(3 * n, seed: 77)
    var all = b
    all.withUnsafeMutableBufferPointer { solver.solve($0.baseAddress!, count: 3) }
    for k in 0..<3 {
      let (own, x) = (Array(b[(n * k)..<(n * (k + 1))]), Array(all[(n * k)..<(n * (k + 1))]))
      let alone = solver.solve(own)
      let largest = x.map(abs).max()!
      #expect(zip(alone, x).allSatisfy { abs($0 - $1) < 1e-12 * largest })
      for i in 0..<n {
        let product = zip(a[i], x).map { $0 * $1 }.reduce(0, +)
        #expect(abs(product - own[i]) < 1e-13 * Double(n) * largest)
      }
    }
  }

  @Test("The first rows that are not positive definite are named", arguments: 0..<6)
  func indefinite(_ row: Int) throws {
    let sick = Self.solver(6) { i, j in i == j ? (i == row ? -1e-9 : 1) : 0 }
    #expect(throws: CholeskySolver.Failure.notPositiveDefinite(order: row + 1)) { try sick.factorize() }
    // Positive on its diagonal, and yet indefinite from the row on where an element is too large.
    guard row > 0 else { return }
    let coupled = Self.solver(6) { i, j in i == j ? 1 : i == row && j == 0 ? 1.01 : 0 }
    #expect(throws: CholeskySolver.Failure.notPositiveDefinite(order: row + 1)) { try coupled.factorize() }
  }

  @Test("A singular matrix is not positive definite")
  func singular() {
    let ones = Self.solver(3) { _, _ in 1 }
    #expect(throws: CholeskySolver.Failure.notPositiveDefinite(order: 2)) { try ones.factorize() }
  }

  @Test("Numbers that are none are found before LAPACK sees them", arguments: [Double.nan, .infinity, -.infinity])
  func notFinite(_ value: Double) {
    for (row, column) in [(0, 0), (3, 1), (4, 4)] {
      let sick = Self.solver(5) { i, j in i == row && j == column ? value : i == j ? 1 : 0 }
      #expect(throws: CholeskySolver.Failure.notFinite(row: row + 1)) { try sick.factorize() }
    }
  }

  @Test("One solver serves matrices of any size in turn, after errors too")
  func again() throws {
    let solver = CholeskySolver()
    for n in [4, 1, 0, 7, 3] {
      solver.resize(n)
      for k in 0..<(n * n) { solver.elements[k] = -1 }
      if n > 0 { #expect(throws: CholeskySolver.Failure.self) { try solver.factorize() } }
      solver.resize(n)
      #expect(solver.order == n)
      for i in 0..<n { for j in 0..<n { solver.elements[n * i + j] = i == j ? Double(i + 1) : 0 } }
      try solver.factorize()
      #expect(solver.solve((0..<n).map { Double(2 * ($0 + 1)) }).allSatisfy { abs($0 - 2) < 1e-15 })
    }
  }
}
