import MDNumerics

/// Real regular solid harmonics of a block's neighbours,
///
///     Y_lm = |q|ˡ P_lm(cos β) e^{imφ} / (l + m)!   (without the phase (−1)ᵐ),
///
/// split into cosine and sine parts: Y_lm at l² + slot with slot 0 for m = 0, 2m − 1 for cos mφ and 2m for sin mφ.
/// They are polynomials in q, so they have no poles, and their gradients are harmonics of degree l − 1:
///
///     ∂z Y_lm = Y_{l−1,m},   (∂x + i∂y) Y_lm = −Y_{l−1,m+1},   (∂x − i∂y) Y_lm = Y_{l−1,m−1}.
enum SolidHarmonics {
  /// Recursion factors: for each l and m = 0 … l − 1 the numbers (2l − 1)/(l² − m²) and −1/(l² − m²), then 1/(2l) twice
  /// for m = l.
  static func factors(_ order: Int) -> [Double] {
    (0...order).flatMap { l in
      (0...l).flatMap { m -> [Double] in
        if l == 0 { return [0, 0] }
        return m == l
          ? [0.5 / Double(l), 0.5 / Double(l)]
          : [Double(2 * l - 1) / Double(l * l - m * m), -1 / Double(l * l - m * m)]
      }
    }
  }

  /// The solid harmonics of (x, y, z), |q|² = `square`, all multiplied by `scale`.
  @inline(__always)
  static func evaluate(
    _ x: AtomLanes, _ y: AtomLanes, _ z: AtomLanes, _ square: AtomLanes, _ scale: AtomLanes, _ order: Int,
    _ factors: UnsafePointer<Double>,
    _ out: UnsafeMutablePointer<AtomLanes>
  ) {
    out[0] = scale
    guard order > 0 else { return }
    out[1] = z * scale
    out[2] = x * scale * 0.5
    out[3] = y * scale * 0.5
    var f = factors + 6
    var row = out + 4
    for l in stride(from: 2, through: order, by: 1) {
      let one = UnsafePointer(row - (2 * l - 1))
      let two = one - (2 * l - 3)
      row[0] = (square * f[1] * two[0]).addingProduct(z * f[0], one[0])
      for m in stride(from: 1, to: l - 1, by: 1) {
        let rise = z * f[2 * m]
        let back = square * f[2 * m + 1]
        let slot = 2 * m - 1
        row[slot] = (back * two[slot]).addingProduct(rise, one[slot])
        row[slot + 1] = (back * two[slot + 1]).addingProduct(rise, one[slot + 1])
      }
      // m = l − 1 has no second predecessor.
      let top = f[2 * (l - 1)]
      row[2 * l - 3] = z * one[2 * l - 3] * top
      row[2 * l - 2] = z * one[2 * l - 2] * top
      let c = one[2 * l - 3]
      let s = one[2 * l - 2]
      let last = f[2 * l]
      row[2 * l - 1] = (x * c - y * s) * last
      row[2 * l] = (x * s + y * c) * last
      row += 2 * l + 1
      f += 2 * (l + 1)
    }
  }
}

/// The same of one vector, for tables made at the start.
package func solidHarmonics(_ x: Double, _ y: Double, _ z: Double, order: Int) -> [Double] {
  var out = [Double](repeating: 0, count: (order + 1) * (order + 1))
  let square = x * x + y * y + z * z
  func part(_ l: Int, _ m: Int, _ sine: Int) -> Double {
    abs(m) > l || l < 0 ? 0 : out[l * l + (m == 0 ? 0 : 2 * m - 1 + sine)]
  }
  out[0] = 1
  for l in stride(from: 1, through: order, by: 1) {
    for m in 0..<l {
      for sine in 0..<(m == 0 ? 1 : 2) {
        out[l * l + (m == 0 ? 0 : 2 * m - 1 + sine)] =
          (Double(2 * l - 1) * z * part(l - 1, m, sine) - square * part(l - 2, m, sine)) / Double(l * l - m * m)
      }
    }
    let c = part(l - 1, l - 1, 0)
    let s = l == 1 ? 0 : part(l - 1, l - 1, 1)
    out[l * l + 2 * l - 1] = (x * c - y * s) / Double(2 * l)
    out[l * l + 2 * l] = (x * s + y * c) / Double(2 * l)
  }
  return out
}
