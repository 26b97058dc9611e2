import CLAPACK

/// Eigenvalues and eigenvectors of a real symmetric matrix (LAPACK's dsyev): A v = λ v.
package struct SymmetricEigen: Sendable {
  /// In ascending order.
  package let values: [Double]
  /// Of unit length, in the order of `values`.
  package let vectors: [[Double]]

  /// Of `rows` of equal number and length; only the lower triangle is read. nil if an element is not a finite number.
  package init?(_ rows: [[Double]]) {
    let n = rows.count
    precondition(rows.allSatisfy { $0.count == n }, "a square matrix")
    guard rows.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return nil }
    var a = rows.flatMap { $0 }
    var w = [Double](repeating: 0, count: n)
    // LAPACK's columns are the rows here: its upper triangle is the lower one.
    let info = LAPACKE_dsyev(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "U")), Int32(n), &a, Int32(max(n, 1)), &w)
    guard info == 0 else { return nil }
    values = w
    vectors = (0..<n).map { k in Array(a[(n * k)..<(n * (k + 1))]) }
  }

  /// Σ f(λ) v ⊗ v: the inverse for f = 1/λ.
  package func map(_ f: (Double) -> Double) -> [[Double]] {
    let n = values.count
    var result = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
    for (value, v) in zip(values, vectors) {
      let factor = f(value)
      for i in 0..<n { for j in 0..<n { result[i][j] += factor * v[i] * v[j] } }
    }
    return result
  }
}
