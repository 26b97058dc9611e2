import MDNumerics
import Testing

@Suite("Eigenvalues") struct SymmetricEigenTests {
  @Test("A v = λ v, ascending, and functions of A") func equations() throws {
    let a: [[Double]] = [[4, 1, -2], [1, 3, 0.5], [-2, 0.5, 5]]
    let eigen = try #require(SymmetricEigen(a))
    #expect(eigen.values == eigen.values.sorted())
    for (value, v) in zip(eigen.values, eigen.vectors) {
      for i in 0..<3 { #expect(abs((0..<3).reduce(0) { $0 + a[i][$1] * v[$1] } - value * v[i]) < 1e-12) }
    }
    let inverse = eigen.map { 1 / $0 }
    for i in 0..<3 {
      for j in 0..<3 {
        #expect(abs((0..<3).reduce(0) { $0 + a[i][$1] * inverse[$1][j] } - (i == j ? 1 : 0)) < 1e-12)
      }
    }
    #expect(SymmetricEigen([[.nan]]) == nil && SymmetricEigen([[2]])?.values == [2])
  }
}
