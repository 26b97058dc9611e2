import MDNumerics
import Testing

@Suite("Linear equations of symmetric matrices by their products")
struct MinimalResidualTests {
  private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  /// A symmetric matrix of both signs, as products with it.
  private static func matrix(_ n: Int) -> [[Double]] {
    let r = CholeskySolverTests.random(n * n, seed: 5)
    return (0..<n).map { i in (0..<n).map { j in r[n * i + j] + r[n * j + i] + (i == j ? (i < 3 ? -3 : 4) : 0) } }
  }

  @Test("the solution is that of the equations, though eigenvalues are negative, and the residual is what is said")
  func solution() throws {
    let n = 40
    let a = Self.matrix(n)
    let b = CholeskySolverTests.random(n, seed: 9).map { 100 * $0 }
    var lengths: [Double] = []
    let solver = MinimalResidual(tolerance: 1e-10, limit: 200, dot: Self.dot)
    let found = solver.solve(b) { v in
      lengths.append(Self.dot(v, v))
      return a.map { Self.dot($0, v) }
    }
    let inverse = try #require(GeneralMatrix.inverse(a))
    let right = inverse.map { Self.dot($0, b) }
    for (x, y) in zip(found.solution, right) { #expect(abs(x - y) < 1e-6, "\(x) \(y)") }
    #expect(found.residual < 1e-10 && found.products <= 60 && found.products == lengths.count)
    #expect(lengths.allSatisfy { abs($0 - 1) < 1e-12 })
  }

  @Test("after few products the residual is that of the equations, and smaller than without them")
  func residual() {
    let n = 40
    let a = Self.matrix(n), b = CholeskySolverTests.random(n, seed: 9)
    var before = 1.0
    for limit in [1, 4, 9, 15] {
      let found = MinimalResidual(tolerance: 0, limit: limit, dot: Self.dot).solve(b) { v in a.map { Self.dot($0, v) } }
      let rest = zip(b, a).map { $0 - Self.dot($1, found.solution) }
      let left = (Self.dot(rest, rest) / Self.dot(b, b)).squareRoot()
      #expect(abs(left - found.residual) < 1e-9 && left < before && found.products == limit, "\(left) \(found.residual)")
      before = left
    }
    #expect(MinimalResidual(tolerance: 1e-3, limit: 9, dot: Self.dot).solve([0, 0]) { $0 }.solution == [0, 0])
  }
}
