import MDCore
import MDNumerics

/// Charges of small systems by the Cholesky factors of the whole matrix, which every rank holds: the reference for
/// iterative solvers. The matrix comes from its products with unit vectors, so it is the very same.
///
/// A + c Σ_p 1_p 1_pᵀ, with the vectors 1_p of the pools, has the same solution under their totals for every c, and
/// with c as large as the diagonal it is positive definite whenever the energy has a minimum. Given charges are taken
/// to the other side of the equations; their rows are those of the unit matrix.
///
/// N³/3 operations (LAPACK) and 8 N² bytes on every rank. For the shift (augmented Lagrangian) see M. Benzi,
/// G. H. Golub, J. Liesen, Acta Numerica 14, 1 (2005).
package final class DenseCharges: ChargeSolver {
  package let name = "direct"
  /// Atoms.
  package static let limit = 2_000

  private let communicator: any Communicator
  /// The shifted matrix.
  private let solver = CholeskySolver()
  /// The pool of every atom, as in `ChargePools`.
  private var poolOf: [Int] = []
  private var pools = ChargePools.single
  /// The shifted matrix's inverse times 1_p for each pool p.
  private var uniforms: [[Double]] = []
  /// The sums of each of them over each pool; 1 on the diagonal for a pool without members.
  private let overlaps = CholeskySolver()
  private var total = 0
  private var first = 0
  private var shift = 0.0

  package init(communicator: any Communicator) {
    self.communicator = communicator
  }

  package func prepare(_ matrix: any ChargeMatrix, _ pools: ChargePools) throws {
    let n = matrix.count
    self.pools = pools
    let counts = communicator.allGather(n)
    total = counts.reduce(0, +)
    first = counts[..<communicator.rank].reduce(0, +)
    guard total <= Self.limit else {
      throw FaultlineError(
        .input, "a direct solution for the charges of \(total) atoms",
        hint: "at most \(Self.limit): use another method",
        isCollective: true)
    }
    solver.resize(total)
    let a = solver.elements
    a.update(repeating: 0, count: total * total)
    var x = [Double](repeating: 0, count: max(n, 1))
    var y = x
    // A's column k stands in row k: it is symmetric.
    for k in 0..<total {
      let isMine = k >= first && k < first + n
      if isMine { x[k - first] = 1 }
      try x.withUnsafeBufferPointer { x in
        try y.withUnsafeMutableBufferPointer { try matrix.multiply(x.baseAddress!, into: $0.baseAddress!) }
      }
      if isMine { x[k - first] = 0 }
      for i in 0..<n { a[total * k + first + i] = y[i] }
    }
    communicator.allReduce(UnsafeMutableBufferPointer(start: a, count: total * total), .sum)
    shift = 0
    for k in 0..<total { shift = max(shift, a[(total + 1) * k]) }
    gatherPools(n)
    assemble()
    try factorize(solver)
    uniforms = (0..<pools.count).map { pool in solver.solve(poolOf.map { $0 == pool ? 1 : 0 }) }
    overlaps.resize(pools.count)
    for i in 0..<pools.count {
      for j in 0..<pools.count { overlaps.elements[pools.count * i + j] = sum(uniforms[j], over: i) }
      if !poolOf.contains(i) { overlaps.elements[(pools.count + 1) * i] = 1 }
    }
    try factorize(overlaps)
  }

  private func gatherPools(_ n: Int) {
    var all = [Double](repeating: 0, count: total)
    if let members = pools.members {
      for i in 0..<n { all[first + i] = Double(members[i]) }
      communicator.sum(&all)
    }
    poolOf = all.map { Int($0) }
  }

  private func sum(_ x: [Double], over pool: Int) -> Double {
    var sum = 0.0
    for (value, own) in zip(x, poolOf) where own == pool { sum += value }
    return sum
  }

  /// The mean of A and Aᵀ with its shift; rows and columns of given charges are those of the unit matrix times the
  /// shift. The lower triangle is enough.
  private func assemble() {
    let a = solver.elements
    for i in 0..<total {
      for j in 0...i {
        let element = a + (total * i + j)
        if poolOf[i] < 0 || poolOf[j] < 0 {
          element.pointee = i == j ? shift : 0
        } else {
          element.pointee = 0.5 * (element.pointee + a[total * j + i]) + (poolOf[i] == poolOf[j] ? shift : 0)
        }
      }
    }
  }

  /// Collective: ranks with different processors may round differently, and one that fails must not fail alone.
  private func factorize(_ matrix: CholeskySolver) throws {
    var row = 0
    do {
      try matrix.factorize()
    } catch {
      switch error {
      case .notPositiveDefinite(let order): row = order
      case .notFinite(let bad): row = bad
      }
    }
    row = communicator.maximum(row)
    guard row == 0 else {
      throw FaultlineError(
        .run, "the energy has no minimum among the charges (row \(row) of \(matrix.order))",
        hint: "look for atoms on top of one another", isCollective: true)
    }
  }

  package func solve(
    _ matrix: any ChargeMatrix, _ b: UnsafePointer<Double>, totals: [Double],
    charges q: UnsafeMutablePointer<Double>, residual r: UnsafeMutablePointer<Double>
  ) throws -> ChargeSolution {
    precondition(totals.count == pools.count, "a total for each pool")
    let n = matrix.count
    var y = [Double](repeating: 0, count: max(n, 1))
    if let members = pools.members {
      for i in 0..<n where members[i] >= 0 { q[i] = 0 }
      try y.withUnsafeMutableBufferPointer { try matrix.multiply(q, into: $0.baseAddress!) }
    }
    var vector = [Double](repeating: 0, count: total)
    for i in 0..<n where poolOf[first + i] >= 0 { vector[first + i] = -b[i] - y[i] }
    communicator.sum(&vector)
    let plain = solver.solve(vector)
    // q = A⁻¹(−b − Σ_p μ′_p 1_p), where μ′ = μ − c Q.
    let shifted = overlaps.solve(zip(0..<pools.count, totals).map { sum(plain, over: $0) - $1 })
    for i in 0..<n where poolOf[first + i] >= 0 {
      q[i] = plain[first + i]
      for (uniform, multiplier) in zip(uniforms, shifted) { q[i] -= multiplier * uniform[first + i] }
    }
    try y.withUnsafeMutableBufferPointer { try matrix.multiply(q, into: $0.baseAddress!) }
    let multipliers = zip(shifted, totals).map { $0 + shift * $1 }
    var sums = [0.0, 0.0]
    for i in 0..<n {
      let pool = poolOf[first + i]
      r[i] = -(y[i] + b[i] + (pool < 0 ? 0 : multipliers[pool]))
      guard pool >= 0 else { continue }
      sums[0] += r[i] * r[i]
      sums[1] += 1
    }
    communicator.sum(&sums)
    return ChargeSolution(
      iterations: total, residual: (sums[0] / max(sums[1], 1)).squareRoot(), multipliers: multipliers)
  }
}
