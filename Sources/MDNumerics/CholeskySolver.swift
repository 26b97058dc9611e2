import CLAPACK

/// Solves A x = b for a symmetric positive definite matrix A by its Cholesky factors, A = L Lᵀ (LAPACK's dpotrf and
/// dpotrs): n³/3 operations for the factors, 2 n² for each solution.
///
/// One after the other: `resize`, write A into `elements`, `factorize`, `solve` as often as needed.
package final class CholeskySolver {
  /// Why a matrix has no Cholesky factors.
  package enum Failure: Error, Equatable {
    /// The first `order` rows and columns are not positive definite, those before them are.
    case notPositiveDefinite(order: Int)
    /// An element of this row (counted from 1) is not a finite number.
    case notFinite(row: Int)
  }

  /// Rows and columns.
  package private(set) var order = 0
  private let memory = AlignedBuffer<Double>()
  private var isFactorized = false

  package init() {}

  /// The matrix row by row, `order` numbers each. Only the lower triangle (column ≤ row) is read, and it is overwritten
  /// by L; the numbers above it stay. Valid until the next `resize`.
  package var elements: UnsafeMutablePointer<Double> { memory.pointer }

  /// Makes room for a matrix with so many rows and columns. Its elements are undefined.
  package func resize(_ order: Int) {
    precondition(order >= 0 && order <= Int(Int32.max), "LAPACK counts rows in 32 bits")
    self.order = order
    isFactorized = false
    memory.reserve(max(order * order, 1))
  }

  /// Replaces the lower triangle by L. After an error the triangle's elements are undefined.
  package func factorize() throws(Failure) {
    let (a, n) = (memory.pointer, order)
    isFactorized = false
    guard n > 0 else {
      isFactorized = true
      return
    }
    for i in 0..<n {
      // Zero times a number is zero, unless the number is infinite or none.
      var sum = 0.0
      for j in 0...i { sum += a[n * i + j] * 0 }
      guard sum == 0 else { throw .notFinite(row: i + 1) }
    }
    // LAPACK reads columns where the rows are: its upper triangle is the lower one here.
    let info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, upper, Int32(n), a, Int32(n))
    precondition(info >= 0, "LAPACK refuses argument \(-info)")
    guard info == 0 else { throw .notPositiveDefinite(order: Int(info)) }
    isFactorized = true
  }

  /// Replaces each of `count` vectors b, one after the other in memory, by A⁻¹ b.
  package func solve(_ vectors: UnsafeMutablePointer<Double>, count: Int = 1) {
    precondition(isFactorized, "solve comes after factorize")
    guard order > 0, count > 0 else { return }
    let n = Int32(order)
    let info = LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, upper, n, Int32(count), memory.pointer, n, vectors, n)
    precondition(info == 0, "LAPACK refuses argument \(-info)")
  }

  /// A⁻¹ b.
  package func solve(_ vector: [Double]) -> [Double] {
    precondition(vector.count == order, "as many numbers as rows")
    var x = vector
    x.withUnsafeMutableBufferPointer { if let x = $0.baseAddress { solve(x) } }
    return x
  }

  private let upper = CChar(UInt8(ascii: "U"))
}
