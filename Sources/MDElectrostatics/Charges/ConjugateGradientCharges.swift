import Foundation
import MDCore
import MDNumerics

/// Charges by conjugate gradients among those of the right totals, preconditioned with the diagonal D of the matrix, or
/// with M that knows long waves besides (`MeshPreconditioner`) where a mesh is offered.
///
/// A direction z has no total in a pool if it is D⁻¹(r − ν 1) there with ν = Σ r/D / Σ 1/D over the pool: the
/// preconditioner of the constrained problem itself (N. I. M. Gould, M. E. Hribar, J. Nocedal, SIAM J. Sci. Comput. 23,
/// 1376 (2001)). With M it is Πᵀ M⁻¹ Π r, Π being that subtraction of ν. Where charges are given 1/D is taken as 0. Two
/// reductions an iteration for all pools together, with M three.
package final class ConjugateGradientCharges: ChargeSolver {
  package var name: String {
    "conjugate gradients" + (usesMesh ? ", preconditioned on a \(mesh?.summary ?? "mesh")," : "")
  }
  /// Root-mean-square of the residual at which charges are good enough, eV/e.
  package let tolerance: Double
  package let mostIterations: Int

  private let communicator: any Communicator
  private let mesh: MeshPreconditioner?
  /// Whether the present cell is preconditioned on the mesh.
  private var usesMesh = false
  private let directions = AlignedBuffer<Double>()
  private let preconditioned = AlignedBuffer<Double>()
  private let products = AlignedBuffer<Double>()
  private let inverse = AlignedBuffer<Double>()
  private var pools = ChargePools.single
  /// Of each pool: Σ 1/D, and its rows over all ranks.
  private var inverseSums: [Double] = []
  private var counts: [Double] = []
  /// Sums over this rank's rows, and then over all ranks'.
  private let sums = AlignedBuffer<Double>()

  /// - Parameter mesh: to precondition on a mesh in periodic cells and slabs, whose slab factor and ranks are these.
  package init(
    tolerance: Double, mostIterations: Int = 500, mesh: LongRangeOptions? = nil, communicator: any Communicator
  ) {
    self.tolerance = tolerance
    self.mesh = mesh.map {
      MeshPreconditioner(slabFactor: $0.slabFactor, fftRanks: $0.fftRanks, communicator: communicator)
    }
    self.mostIterations = mostIterations
    self.communicator = communicator
  }

  package func prepare(_ matrix: any ChargeMatrix, _ pools: ChargePools) throws {
    let n = matrix.count
    for buffer in [directions, preconditioned, products, inverse] { buffer.reserve(max(n, 1)) }
    sums.reserve(4 * pools.count)
    self.pools = pools
    let (d, diagonal) = (inverse.pointer, matrix.diagonal)
    let s = clear(2 * pools.count)
    for i in 0..<n {
      let pool = pools.members.map { Int($0[i]) } ?? 0
      d[i] = pool < 0 ? 0 : 1 / diagonal[i]
      guard pool >= 0 else { continue }
      s[2 * pool] += d[i]
      s[2 * pool + 1] += 1
    }
    reduce(2 * pools.count)
    inverseSums = (0..<pools.count).map { s[2 * $0] }
    counts = (0..<pools.count).map { s[2 * $0 + 1] }
    usesMesh = false
    if let mesh, let places = matrix.places, MeshPreconditioner.serves(places.system.box) {
      usesMesh = true
      try mesh.prepare(places, inverse: UnsafePointer(inverse.pointer))
    }
  }

  private func clear(_ count: Int) -> UnsafeMutablePointer<Double> {
    for k in 0..<count { sums.pointer[k] = 0 }
    return sums.pointer
  }

  private func reduce(_ count: Int) {
    communicator.allReduce(UnsafeMutableBufferPointer(start: sums.pointer, count: count), .sum)
  }

  /// Over its pool's Σ 1/D; 0 in a pool without members, which has no share in anything.
  private func share(_ sum: Double, _ pool: Int) -> Double { counts[pool] > 0 ? sum / inverseSums[pool] : 0 }

  /// Of the residual, centred by ν.
  private struct Centred {
    var squares = 0.0
    /// rᵀ D⁻¹ r.
    var product = 0.0
  }

  /// Takes ν off the residual of each pool and adds it to the multipliers.
  private func center(_ r: UnsafeMutablePointer<Double>, _ n: Int, _ multipliers: inout [Double]) -> Centred {
    let (d, s) = (inverse.pointer, clear(4 * pools.count))
    if let members = pools.members {
      for i in 0..<n where members[i] >= 0 {
        let (own, u) = (s + 4 * Int(members[i]), r[i] * d[i])
        own[0] += u
        own[1] += u * r[i]
        own[2] += r[i]
        own[3] += r[i] * r[i]
      }
    } else {
      var own = (0.0, 0.0, 0.0, 0.0)
      for i in 0..<n {
        let u = r[i] * d[i]
        own.0 += u
        own.1 += u * r[i]
        own.2 += r[i]
        own.3 += r[i] * r[i]
      }
      (s[0], s[1], s[2], s[3]) = own
    }
    reduce(4 * pools.count)
    var result = Centred()
    for pool in 0..<pools.count {
      let own = s + 4 * pool
      let shift = share(own[0], pool)
      multipliers[pool] += shift
      result.squares += max(0, own[3] - 2 * shift * own[2] + counts[pool] * shift * shift)
      result.product += own[1] - own[0] * shift
      // For the rows below.
      own[0] = shift
    }
    if let members = pools.members {
      for i in 0..<n where members[i] >= 0 { r[i] -= s[4 * Int(members[i])] }
    } else {
      let shift = s[0]
      for i in 0..<n { r[i] -= shift }
    }
    return result
  }

  /// z = Πᵀ M⁻¹ r for a centred residual, Π being what centres it; returns rᵀz.
  private func applyMesh(
    _ mesh: MeshPreconditioner, _ r: UnsafePointer<Double>, into z: UnsafeMutablePointer<Double>, _ n: Int
  ) throws -> Double {
    let d = inverse.pointer
    try mesh.apply(r, inverse: UnsafePointer(d), into: z)
    let s = clear(1 + pools.count)
    for i in 0..<n {
      let pool = pools.members.map { Int($0[i]) } ?? 0
      guard pool >= 0 else { continue }
      s[0] += r[i] * z[i]
      s[1 + pool] += z[i]
    }
    reduce(1 + pools.count)
    for pool in 0..<pools.count { s[1 + pool] = share(s[1 + pool], pool) }
    for i in 0..<n {
      let pool = pools.members.map { Int($0[i]) } ?? 0
      if pool >= 0 { z[i] -= s[1 + pool] * d[i] }
    }
    return s[0]
  }

  /// pᵀA p of the direction, and its product y = A p without ν, which stays in the sums behind it: the residual is then
  /// free of it but for rounding, and what `center` takes the difference of are small numbers.
  private func curvature(_ n: Int) -> Double {
    let (p, y, d, s) = (directions.pointer, products.pointer, inverse.pointer, clear(1 + pools.count))
    if let members = pools.members {
      for i in 0..<n where members[i] >= 0 {
        s[0] += p[i] * y[i]
        s[1 + Int(members[i])] += y[i] * d[i]
      }
    } else {
      var own = (0.0, 0.0)
      for i in 0..<n {
        own.0 += p[i] * y[i]
        own.1 += y[i] * d[i]
      }
      (s[0], s[1]) = own
    }
    reduce(1 + pools.count)
    for pool in 0..<pools.count { s[1 + pool] = share(s[1 + pool], pool) }
    if let members = pools.members {
      for i in 0..<n where members[i] >= 0 { y[i] -= s[1 + Int(members[i])] }
    } else {
      let shift = s[1]
      for i in 0..<n { y[i] -= shift }
    }
    return s[0]
  }

  /// Corrects the first guess so that each pool has its total.
  private func adjust(_ q: UnsafeMutablePointer<Double>, _ n: Int, to totals: [Double]) {
    let s = clear(pools.count)
    if let members = pools.members {
      for i in 0..<n where members[i] >= 0 { s[Int(members[i])] += q[i] }
    } else {
      for i in 0..<n { s[0] += q[i] }
    }
    reduce(pools.count)
    for pool in 0..<pools.count { s[pool] = share(totals[pool] - s[pool], pool) }
    let d = inverse.pointer
    for i in 0..<n {
      let pool = pools.members.map { Int($0[i]) } ?? 0
      if pool >= 0 { q[i] += s[pool] * d[i] }
    }
  }

  package func solve(
    _ matrix: any ChargeMatrix, _ b: UnsafePointer<Double>, totals: [Double],
    charges q: UnsafeMutablePointer<Double>, residual r: UnsafeMutablePointer<Double>
  ) throws -> ChargeSolution {
    precondition(totals.count == pools.count, "a total for each pool")
    let n = matrix.count
    let (p, y, z, d) = (directions.pointer, products.pointer, preconditioned.pointer, inverse.pointer)
    adjust(q, n, to: totals)
    try matrix.multiply(q, into: y)
    for i in 0..<n { r[i] = -b[i] - y[i] }
    // First take off multipliers, which may be large compared with the residual; then measure precisely.
    var multipliers = [Double](repeating: 0, count: pools.count)
    _ = center(r, n, &multipliers)
    var current = center(r, n, &multipliers)
    var iterations = 1
    // In the first iteration it is multiplied by 0, which gives 0 only if it is a finite number.
    for i in 0..<n { p[i] = 0 }
    var last = 0.0
    let free = max(counts.reduce(0, +), 1)
    func rms(_ state: Centred) -> Double { (state.squares / free).squareRoot() }
    while !(rms(current) <= tolerance) {
      guard iterations < mostIterations, current.squares.isFinite else {
        throw failure(iterations, rms(current), "")
      }
      if usesMesh, let mesh {
        current.product = try applyMesh(mesh, UnsafePointer(r), into: z, n)
      } else {
        for i in 0..<n { z[i] = r[i] * d[i] }
      }
      let beta = last == 0 ? 0 : current.product / last
      last = current.product
      for i in 0..<n { p[i] = z[i] + beta * p[i] }
      try matrix.multiply(p, into: y)
      iterations += 1
      let curvature = curvature(n)
      guard curvature > 0 else {
        throw failure(iterations, rms(current), "; the energy has no minimum (curvature \(curvature) eV)")
      }
      let step = current.product / curvature
      for pool in 0..<pools.count { multipliers[pool] -= step * sums.pointer[1 + pool] }
      for i in 0..<n {
        q[i] += step * p[i]
        r[i] -= step * y[i]
      }
      current = center(r, n, &multipliers)
    }
    return ChargeSolution(iterations: iterations, residual: rms(current), multipliers: multipliers)
  }

  private func failure(_ iterations: Int, _ residual: Double, _ more: String) -> FaultlineError {
    FaultlineError(
      .run,
      "the charges did not converge: residual \(residual) eV/e after \(iterations) iterations, asked for "
        + "\(tolerance)\(more)",
      hint: "look for atoms on top of one another; in the deck: a larger `tolerance`, a smaller `accuracy`, "
        + "`method: direct`",
      isCollective: true)
  }
}
