import MDNumerics

/// The centred cardinal B-spline of order p (degree p − 1) as polynomials, for assigning charges to mesh points.
///
/// An atom at mesh coordinate t touches the p points g₀ + j with g₀ = ⌊t − p/2⌋ + 1, with weights
/// w_j(v) = M_p(p − 1 − j + u), u = v + ½ = t − p/2 − ⌊t − p/2⌋. Rows of eight lanes, one a point, hold the
/// coefficients of one power of v; lanes beyond p are zero.
///
/// U. Essmann et al., J. Chem. Phys. 103, 8577 (1995), eq. 4.1, for M_p.
struct BSpline {
  static let orders = 3...7

  let order: Int
  /// Coefficients of v^d of the weights: eight numbers a power, d = 0 ..< p.
  let values: AlignedBuffer<Double>
  /// The same of dw/dt, d = 0 ..< p − 1.
  let slopes: AlignedBuffer<Double>

  init(order p: Int) {
    order = p
    // pieces[k][d]: coefficient of v^d in M_n(k + ½ + v).
    var pieces = [[1.0]]
    for n in stride(from: 2, through: p, by: 1) {
      let scale = 1 / Double(n - 1)
      pieces = (0..<n).map { k in
        // ((k + ½ + v) M_{n−1}(k + u) + (n − k − ½ − v) M_{n−1}(k − 1 + u)) / (n − 1)
        var sum = [Double](repeating: 0, count: n)
        func add(_ piece: [Double], _ constant: Double, _ linear: Double) {
          for (d, c) in piece.enumerated() {
            sum[d] += scale * constant * c
            sum[d + 1] += scale * linear * c
          }
        }
        if k < n - 1 { add(pieces[k], Double(k) + 0.5, 1) }
        if k > 0 { add(pieces[k - 1], Double(n - k) - 0.5, -1) }
        return sum
      }
    }
    values = AlignedBuffer(repeating: 0, count: 8 * p)
    slopes = AlignedBuffer(repeating: 0, count: 8 * (p - 1))
    for j in 0..<p {
      let piece = pieces[p - 1 - j]
      for d in 0..<p { values.pointer[8 * d + j] = piece[d] }
      for d in 1..<p { slopes.pointer[8 * (d - 1) + j] = Double(d) * piece[d] }
    }
  }
}

/// What the mesh does to one Fourier component along one axis: sums over the aliases ν = n + mN of a frequency n
/// on N points, with ŵ = sinc^p(ν/N) the transform of the spline.
struct AliasSums {
  /// The aliases |ν| ≤ 3N/2 (three, or four at the edge of the zone) and their ŵ²; unused lanes have ŵ² = 0.
  var near = SIMD4<Double>.zero
  var nearWeights = SIMD4<Double>.zero
  /// ŵ² of n itself, and n.
  var main = 0.0
  var frequency = 0.0
  /// Σ ŵ² ν^j, j = 0, 1, 2, without n itself.
  var rest0 = 0.0, rest1 = 0.0, rest2 = 0.0
  /// Σ ŵ(ν) ŵ(ν + lN), l = 1, 2.
  var shifted1 = 0.0, shifted2 = 0.0

  var sum0: Double { main + rest0 }
  var sum1: Double { main * frequency + rest1 }
  var sum2: Double { main * frequency * frequency + rest2 }

  /// `n` may be fractional, |n| ≤ N/2.
  init(frequency n: Double, points: Int, order: Int) {
    let size = Double(points)
    let reach = 30
    frequency = n
    let sine = sinePi(n / size)
    func transform(_ m: Int) -> Double {
      let x = n / size + Double(m)
      let sinc = x == 0 ? 1 : (m.isMultiple(of: 2) ? sine : -sine) / (.pi * x)
      var power = sinc
      for _ in 1..<order { power *= sinc }
      return power
    }
    var lanes = 0
    for m in -(reach + 1)...reach {
      let nu = n + Double(m) * size
      // Symmetric about 0, also for n = N/2, so that k and −k are treated alike.
      guard abs(nu) <= (Double(reach) + 0.5) * size * (1 + 1e-12) else { continue }
      let w = transform(m)
      if m == 0 {
        main = w * w
      } else {
        rest0 += w * w
        rest1 += w * w * nu
        rest2 += w * w * nu * nu
      }
      if abs(nu) <= 1.5 * size * (1 + 1e-12) {
        near[lanes] = nu
        nearWeights[lanes] = w * w
        lanes += 1
      }
      shifted1 += w * transform(m + 1)
      shifted2 += w * transform(m + 2)
    }
  }

  /// Of all frequencies of an axis, in the order of a Fourier transform.
  static func table(points: Int, order: Int) -> [AliasSums] {
    (0..<points).map { n in
      AliasSums(frequency: Double(2 * n > points ? n - points : n), points: points, order: order)
    }
  }
}

/// sin πx, exactly 0 and ±1 where it is.
private func sinePi(_ x: Double) -> Double {
  let n = (2 * x).rounded()
  let y = (x - n / 2) * .pi
  switch Int(n) & 3 {
  case 0: return sine(y)
  case 1: return cosine(y)
  case 2: return -sine(y)
  default: return -cosine(y)
  }
}

private func sine(_ y: Double) -> Double { sineAndCosine(SIMD4(repeating: y)).sine[0] }
private func cosine(_ y: Double) -> Double { sineAndCosine(SIMD4(repeating: y)).cosine[0] }
