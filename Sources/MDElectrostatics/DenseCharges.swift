import MDCore
import MDNumerics

/// Charges of small systems by the Cholesky factors of the whole matrix, which every rank holds: the reference for
/// iterative solvers. The matrix comes from its products with unit vectors, so it is the very same.
///
/// A + c 1 1ᵀ has the same solution under Σq = Q for every c, and with c as large as the diagonal it is positive
/// definite whenever the energy has a minimum.
public final class DenseCharges: ChargeSolver {
  public let name = "direct"
  /// Atoms.
  public static let limit = 2_000

  private let communicator: any Communicator
  private let factors = AlignedBuffer<Double>()
  private var vector: [Double] = []
  private var uniform: [Double] = []
  private var total = 0
  private var first = 0
  private var shift = 0.0

  public init(communicator: any Communicator) {
    self.communicator = communicator
  }

  public func prepare(_ matrix: any ChargeMatrix) throws {
    let n = matrix.count
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
    try factorize()
    uniform = solved(Array(repeating: 1, count: total))
  }

  /// A + c 1 1ᵀ = L Lᵀ, row by row.
  private func factorize() throws {
    let a = factors.pointer
    for i in 0..<total {
      let row = a + total * i
      for j in 0...i {
        let other = a + total * j
        let element = 0.5 * (row[j] + other[i]) + shift
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
    _ matrix: any ChargeMatrix, _ b: UnsafePointer<Double>, total charge: Double,
    charges q: UnsafeMutablePointer<Double>, residual r: UnsafeMutablePointer<Double>
  ) throws -> ChargeSolution {
    let n = matrix.count
    vector = Array(repeating: 0, count: total)
    for i in 0..<n { vector[first + i] = -b[i] }
    communicator.sum(&vector)
    let plain = solved(vector)
    // q = A⁻¹(−b − μ′ 1), where μ′ = μ − c Q.
    let multiplier = (plain.reduce(0, +) - charge) / uniform.reduce(0, +)
    for i in 0..<n { q[i] = plain[first + i] - multiplier * uniform[first + i] }
    var y = [Double](repeating: 0, count: max(n, 1))
    try y.withUnsafeMutableBufferPointer { try matrix.multiply(q, into: $0.baseAddress!) }
    let mu = multiplier + shift * charge
    var sums = [0.0, 0.0]
    for i in 0..<n {
      r[i] = -(y[i] + b[i] + mu)
      sums[0] += r[i] * r[i]
      sums[1] += 1
    }
    communicator.sum(&sums)
    return ChargeSolution(
      iterations: total, residual: (sums[0] / max(sums[1], 1)).squareRoot(), multiplier: mu)
  }
}
