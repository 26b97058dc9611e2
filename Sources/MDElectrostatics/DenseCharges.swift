import MDCore
import MDNumerics

/// Charges of small systems by the Cholesky factors of the whole matrix, which every rank holds: the reference for
/// iterative solvers. The matrix comes from its products with unit vectors, so it is the very same.
///
/// A + c Σ_p 1_p 1_pᵀ, with the vectors 1_p of the pools, has the same solution under their totals for every c, and
/// with c as large as the diagonal it is positive definite whenever the energy has a minimum. Given charges are taken
/// to the other side of the equations; their rows are those of the unit matrix.
///
/// N³/6 multiplications and additions, 8 N² bytes on every rank. For the shift (augmented Lagrangian) see M. Benzi,
/// G. H. Golub, J. Liesen, Acta Numerica 14, 1 (2005).
public final class DenseCharges: ChargeSolver {
  public let name = "direct"
  /// Atoms.
  public static let limit = 2_000

  private let communicator: any Communicator
  private let factors = AlignedBuffer<Double>()
  private var vector: [Double] = []
  /// The pool of every atom, as in `ChargePools`.
  private var poolOf: [Int] = []
  private var pools = ChargePools.single
  /// The shifted matrix's inverse times 1_p for each pool p, and the sums of each over each pool.
  private var uniforms: [[Double]] = []
  private var overlaps: [[Double]] = []
  private var total = 0
  private var first = 0
  private var shift = 0.0

  public init(communicator: any Communicator) {
    self.communicator = communicator
  }

  public func prepare(_ matrix: any ChargeMatrix, _ pools: ChargePools) throws {
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
    factors.reserve(max(total * total, 1))
    let a = factors.pointer
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
    try factorize()
    uniforms = (0..<pools.count).map { pool in solved(poolOf.map { $0 == pool ? 1 : 0 }) }
    overlaps = (0..<pools.count).map { pool in uniforms.map { sum($0, over: pool) } }
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

  /// The shifted matrix = L Lᵀ, row by row.
  private func factorize() throws {
    let a = factors.pointer
    for i in 0..<total {
      let row = a + total * i
      for j in 0...i {
        let other = a + total * j
        let element: Double
        if poolOf[i] < 0 || poolOf[j] < 0 {
          element = i == j ? shift : 0
        } else {
          element = 0.5 * (row[j] + other[i]) + (poolOf[i] == poolOf[j] ? shift : 0)
        }
        let rest = element - Self.dot(row, other, j)
        if i == j {
          guard rest > 0 else {
            throw FaultlineError(
              .run, "the energy has no minimum among the charges (row \(i + 1) of \(total))",
              hint: "look for atoms on top of one another", isCollective: true)
          }
          row[i] = rest.squareRoot()
        } else {
          row[j] = rest / other[j]
        }
      }
    }
  }

  private static func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ n: Int) -> Double {
    var sum = SIMD8<Double>.zero
    var k = 0
    while k + 8 <= n {
      sum += UnsafeRawPointer(a + k).loadUnaligned(as: SIMD8<Double>.self)
        * UnsafeRawPointer(b + k).loadUnaligned(as: SIMD8<Double>.self)
      k += 8
    }
    var rest = sum.sum()
    while k < n {
      rest += a[k] * b[k]
      k += 1
    }
    return rest
  }

  /// (L Lᵀ)⁻¹ x.
  private func solved(_ x: [Double]) -> [Double] {
    let l = factors.pointer
    var x = x
    x.withUnsafeMutableBufferPointer { x in
      guard let p = x.baseAddress else { return }
      for i in 0..<total { p[i] = (p[i] - Self.dot(l + total * i, p, i)) / l[(total + 1) * i] }
      for i in (0..<total).reversed() {
        p[i] /= l[(total + 1) * i]
        for k in 0..<i { p[k] -= l[total * i + k] * p[i] }
      }
    }
    return x
  }

  public func solve(
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
    vector = Array(repeating: 0, count: total)
    for i in 0..<n where poolOf[first + i] >= 0 { vector[first + i] = -b[i] - y[i] }
    communicator.sum(&vector)
    let plain = solved(vector)
    // q = A⁻¹(−b − Σ_p μ′_p 1_p), where μ′ = μ − c Q.
    let shifted = Self.solution(overlaps, zip(0..<pools.count, totals).map { sum(plain, over: $0) - $1 })
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

  /// x of M x = v by elimination, M positive definite and as large as there are pools; rows of pools without members
  /// are 0 and give 0.
  private static func solution(_ matrix: [[Double]], _ vector: [Double]) -> [Double] {
    var (m, v) = (matrix, vector)
    let n = v.count
    for k in 0..<n where m[k][k] > 0 {
      for i in (k + 1)..<max(n, k + 1) {
        let factor = m[i][k] / m[k][k]
        for j in k..<n { m[i][j] -= factor * m[k][j] }
        v[i] -= factor * v[k]
      }
    }
    for k in (0..<n).reversed() {
      guard m[k][k] > 0 else {
        v[k] = 0
        continue
      }
      for j in (k + 1)..<max(n, k + 1) { v[k] -= m[k][j] * v[j] }
      v[k] /= m[k][k]
    }
    return v
  }
}
