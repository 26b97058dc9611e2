import CLAPACK

/// What LAPACK has for real square matrices without symmetry, given as rows.
package enum GeneralMatrix {
  /// All eigenvalues (dgeev); nil if an element is not finite or they are not found.
  package static func eigenvalues(_ rows: [[Double]]) -> [Complex]? {
    let n = rows.count
    precondition(rows.allSatisfy { $0.count == n }, "a square matrix")
    guard rows.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return nil }
    var a = rows.flatMap { $0 }
    var (real, imaginary) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: n))
    let none = CChar(UInt8(ascii: "N"))
    // The transpose, which LAPACK sees in rows, has the same eigenvalues.
    let info = LAPACKE_dgeev(
      LAPACK_COL_MAJOR, none, none, Int32(n), &a, Int32(max(n, 1)), &real, &imaginary, nil, 1, nil, 1)
    return info == 0 ? zip(real, imaginary).map { Complex($0, $1) } : nil
  }

  /// The inverse (dgesv); nil if there is none.
  package static func inverse(_ rows: [[Double]]) -> [[Double]]? {
    let n = rows.count
    precondition(rows.allSatisfy { $0.count == n }, "a square matrix")
    guard rows.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return nil }
    var a = rows.flatMap { $0 }
    var b = [Double](repeating: 0, count: n * n)
    for i in 0..<n { b[n * i + i] = 1 }
    var pivots = [Int32](repeating: 0, count: n)
    // (Aᵀ)⁻¹ in columns is A⁻¹ in rows.
    let info = LAPACKE_dgesv(LAPACK_COL_MAJOR, Int32(n), Int32(n), &a, Int32(max(n, 1)), &pivots, &b, Int32(max(n, 1)))
    return info == 0 ? (0..<n).map { Array(b[(n * $0)..<(n * $0 + n)]) } : nil
  }
}
