/// The solution x of A x = b of a symmetric matrix A, which may have negative eigenvalues, by the residual that is least in the Krylov
/// space of b (MINRES): only products with A are needed.
///
/// C. C. Paige, M. A. Saunders, SIAM J. Numer. Anal. **12**, 617 (1975). Vectors may be parts of longer ones on several ranks:
/// `dot` knows.
package struct MinimalResidual {
  /// x · y over all ranks.
  package var dot: ([Double], [Double]) -> Double
  /// |b − A x|/|b| at which it ends.
  package var tolerance: Double
  /// Most products.
  package var limit: Int

  package init(tolerance: Double, limit: Int, dot: @escaping ([Double], [Double]) -> Double) {
    (self.tolerance, self.limit, self.dot) = (tolerance, limit, dot)
  }

  /// - Parameter product: A v, of vectors v of length 1.
  /// - Returns: x, how small |b − A x|/|b| is and how many products it took.
  package func solve(
    _ b: [Double], product: ([Double]) throws -> [Double]
  ) rethrows -> (solution: [Double], residual: Double, products: Int) {
    let n = b.count
    let size = dot(b, b).squareRoot()
    var x = [Double](repeating: 0, count: n)
    guard size > 0 else { return (x, 0, 0) }
    var (older, newer) = (b, b)
    var (w1, w2) = (x, x)
    // Lanczos's β, and the last rotation; names as Paige's and Saunders's.
    var (beta, before) = (size, 0.0)
    var (dbar, epsilon, phibar, cs, sn) = (0.0, 0.0, size, -1.0, 0.0)
    var done = 0
    while done < limit {
      done += 1
      let v = newer.map { $0 / beta }
      var y = try product(v)
      if done > 1 { for i in 0..<n { y[i] -= beta / before * older[i] } }
      let alpha = dot(v, y)
      for i in 0..<n { y[i] -= alpha / beta * newer[i] }
      (older, newer, before) = (newer, y, beta)
      beta = dot(y, y).squareRoot()
      let (last, delta, gbar) = (epsilon, cs * dbar + sn * alpha, sn * dbar - cs * alpha)
      (epsilon, dbar) = (sn * beta, -cs * beta)
      let gamma = max((gbar * gbar + beta * beta).squareRoot(), 1e-300)
      (cs, sn) = (gbar / gamma, beta / gamma)
      let phi = cs * phibar
      phibar *= sn
      for i in 0..<n {
        let w = (v[i] - last * w1[i] - delta * w2[i]) / gamma
        (w1[i], w2[i]) = (w2[i], w)
        x[i] += phi * w
      }
      if abs(phibar) <= tolerance * size || beta <= 1e-14 * abs(alpha) { break }
    }
    return (x, abs(phibar) / size, done)
  }
}
