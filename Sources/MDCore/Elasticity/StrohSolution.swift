import Foundation
import MDNumerics

/// The elastic field around the tip of a straight crack in any crystal, after Stroh: plane strain with all three components
/// of the displacement, so that modes which the crystal couples stay coupled.
///
/// Frame: the crack is the half plane x < 0, y = 0 and runs along x; z is its front. With Q_ik = C_i1k1, R_ik = C_i1k2,
/// T_ik = C_i2k2 and Stroh's matrix
///
///     N = [ −T⁻¹Rᵀ, T⁻¹; R T⁻¹Rᵀ − Q, −R T⁻¹ ],   N (a, b) = p (a, b)
///
/// the field of the stress intensities k = (K_II, K_I, K_III) is
///
///     u = √(2/π) Re √(x + yV) A B⁻¹ k,   V = A⟨p⟩A⁻¹,   opening 2 √(2r/π) L⁻¹ k,   G = ½ kᵀ L⁻¹ k.
///
/// A and B have the vectors a, b of the three p above the real axis as columns. They are never computed: of an isotropic crystal
/// these vectors coincide. Barnett and Lothe's tensors are: the limit N̂ = [S, H; −L, Sᵀ] of X ← ½(X − X⁻¹) from N, which
/// has the eigenvalues ±i, gives A B⁻¹ = −i L⁻¹(1 + i Sᵀ) and V = −T⁻¹Rᵀ + i T⁻¹H⁻¹(1 + i S). The root of the 3 × 3 matrix
/// W = x + yV is (W + s₂)⁻¹(s₁W + s₃) with the symmetric functions s of √(x + p y) (Cayley and Hamilton), which are
/// smooth where the p coincide. So every crystal is treated alike; errors are rounding errors, some 1e-13 of u.
///
/// A. N. Stroh, Philos. Mag. **3**, 625 (1958); D. M. Barnett, J. Lothe, Phys. Norv. **7**, 13 (1973); T. C. T. Ting, Anisotropic
/// Elasticity (Oxford, 1996), chapters 5 to 7 and 11. Lengths in Å, constants and stresses in GPa, K in MPa√m.
package struct StrohSolution: Sendable {
  /// MPa√m to GPa√Å.
  package static let intensity = 100.0

  /// L⁻¹, 1/GPa: symmetric, the order of its axes is x (II), y (I), z (III).
  package let compliance: Matrix3
  /// The p with positive imaginary part.
  package let roots: (Complex, Complex, Complex)
  /// In the crack's frame, GPa.
  package let tensor: ElasticTensor
  private let v: ComplexMatrix
  /// A B⁻¹, 1/GPa.
  private let impedance: ComplexMatrix

  /// - Parameter c: in the crack's frame.
  /// - Throws: an input error if the crystal is not stable.
  package init(_ c: ElasticTensor) throws {
    let unstable = FaultlineError(
      .input, "a crack in a crystal with these elastic constants has no field", hint: "the matrix of C_ij must be positive definite",
      isCollective: true)
    let scale = c[1, 1, 1, 1]
    guard scale.isFinite, scale > 0, c.isPositiveDefinite else { throw unstable }
    func block(_ j: Int, _ l: Int) -> Matrix3 {
      Matrix3((0..<9).map { c[$0 / 3, j, $0 % 3, l] / scale })
    }
    let (q, r, t) = (block(0, 0), block(0, 1), block(1, 1))
    let (n1, n2) = (-1 * (t.inverse * r.transpose), t.inverse)
    let n3 = r * t.inverse * r.transpose - q
    func rows(_ a: Matrix3, _ b: Matrix3) -> [[Double]] {
      (0..<3).map { [a[$0].x, a[$0].y, a[$0].z, b[$0].x, b[$0].y, b[$0].z] }
    }
    let stroh = rows(n1, n2) + rows(n3, n1.transpose)
    guard let all = GeneralMatrix.eigenvalues(stroh) else { throw unstable }
    let above = all.filter { $0.y > 0 }
    guard above.count == 3 else { throw unstable }
    var x = stroh
    for _ in 0..<60 {
      guard let inverse = GeneralMatrix.inverse(x) else { throw unstable }
      var change = 0.0
      for i in 0..<6 {
        for j in 0..<6 {
          let next = 0.5 * (x[i][j] - inverse[i][j])
          change = max(change, abs(next - x[i][j]))
          x[i][j] = next
        }
      }
      if change < 1e-14 { break }
    }
    func part(_ i: Int, _ j: Int) -> Matrix3 { Matrix3((0..<9).map { x[3 * i + $0 / 3][3 * j + $0 % 3] }) }
    let (s, h, l) = (part(0, 0), part(0, 1), -1 * part(1, 0))
    let inverse = l.inverse
    compliance = (1 / scale) * inverse.symmetricPart
    impedance = ComplexMatrix(
      real: (1 / scale) * (inverse * s.transpose), imaginary: (-1 / scale) * inverse)
    let m = n2 * h.inverse
    v = ComplexMatrix(real: n1 - m * s, imaginary: m)
    roots = (above[0], above[1], above[2])
    tensor = c
  }

  /// Those of one load.
  /// - Parameter intensities: K_II, K_I, K_III along x, y, z, MPa√m.
  package func field(_ intensities: Vector3) -> CrackField {
    let g = impedance * ComplexVector(real: Self.intensity * intensities)
    return CrackField(roots: roots, v: v, g: g, vg: v * g, tensor: tensor)
  }

  /// G = ½ kᵀ L⁻¹ k, J/m².
  package func energyRelease(_ intensities: Vector3) -> Double {
    // (MPa√m)²/GPa is 1000 J/m².
    500 * dot(intensities, intensities * compliance)
  }

  /// The K in this direction of modes at which a dislocation leaves the tip on a plane that has the front, after Rice (MPa√m):
  ///
  ///     K_e = √(2 γ_us s·L s)/|s·κ|,   κ = √(2πr) σ n of K = 1
  ///
  /// with the unstable stacking energy γ_us (J/m²), the slip's direction s and the plane's normal n. Of the two half planes the one where it
  /// takes less. Of an isotropic crystal, an edge and θ it is √(2μγ_us/(1 − ν))/(cos²(θ/2) sin(θ/2)). The relaxation of the tip, tension on the
  /// plane and the ledge are left out. J. R. Rice, J. Mech. Phys. Solids **40**, 239 (1992); Y. Sun, G. E. Beltz, J. R. Rice, Mater. Sci.
  /// Eng. A **170**, 67 (1993).
  /// - Parameters: vectors of any length in the crack's frame.
  /// - Returns: infinity where this mode does not drive the slip.
  package func emission(unstable: Double, normal: Vector3, slip: Vector3, mode: Vector3) -> (intensity: Double, angle: Double) {
    let n = (1 / normal.length) * normal, s = (1 / slip.length) * slip
    let field = field((1 / mode.length) * mode)
    // γ L/500 is 2 γ L in (MPa√m)², of J/m² and GPa.
    let resistance = (unstable / 500 * dot(s, s * compliance.inverse)).squareRoot()
    return [1.0, -1].map { side in
      let ray = side * Vector3(n.y, -n.x, 0)
      // The crack itself is no plane to slip on.
      guard ray.x > -1 + 1e-9 else { return (.infinity, .pi) }
      let traction = (2 * Double.pi).squareRoot() / Self.intensity * (n * field.stress(ray.x, ray.y))
      let drive = abs(dot(s, traction))
      return (drive < 1e-9 ? .infinity : resistance / drive, atan2(ray.y, ray.x))
    }.min { $0.0 < $1.0 }!
  }

  /// The K in this direction of modes at which G is 2γ, MPa√m; γ in J/m².
  package func griffith(surfaceEnergy: Double, mode: Vector3) -> Double {
    (2 * surfaceEnergy / energyRelease((1 / mode.length) * mode)).squareRoot()
  }
}

/// The field of one load: a function of the place in the plane across the front.
package struct CrackField: Sendable {
  fileprivate let roots: (Complex, Complex, Complex)
  fileprivate let v: ComplexMatrix
  fileprivate let g: ComplexVector
  fileprivate let vg: ComplexVector
  fileprivate let tensor: ElasticTensor

  /// s₁, s₂, s₃ of √(x + p y); y = 0 is the upper face.
  private func symmetricFunctions(_ x: Double, _ y: Double) -> (Complex, Complex, Complex) {
    func root(_ p: Complex) -> Complex { Complex(x + y * p.x, y * p.y).squareRoot }
    let (a, b, c) = (root(roots.0), root(roots.1), root(roots.2))
    return (a + b + c, a * b + b * c + c * a, a * b * c)
  }

  /// Å, at x, y from the tip.
  package func displacement(_ x: Double, _ y: Double) -> Vector3 {
    guard x != 0 || y != 0 else { return .zero }
    let (s1, s2, s3) = symmetricFunctions(x, y)
    let w = v.scaled(Complex(y), plus: Complex(x))
    let u = w.scaled(Complex(1), plus: s2).solve(s1 * (w * g) + s3 * g)
    return (2 / Double.pi).squareRoot() * u.real
  }

  /// ∂u/∂x and ∂u/∂y, at x, y from the tip.
  package func gradient(_ x: Double, _ y: Double) -> (x: Vector3, y: Vector3) {
    let (s1, s2, s3) = symmetricFunctions(x, y)
    let w = v.scaled(Complex(y), plus: Complex(x))
    let m = w.scaled(s1, plus: s3)
    func inverseRoot(_ h: ComplexVector) -> Vector3 {
      (0.5 / Double.pi).squareRoot() * m.solve(w * h + s2 * h).real
    }
    return (inverseRoot(g), inverseRoot(vg))
  }

  /// GPa, at x, y from the tip.
  package func stress(_ x: Double, _ y: Double) -> Matrix3 {
    let slope = gradient(x, y)
    var s = Matrix3.zero
    for i in 0..<3 {
      for j in 0..<3 {
        var sum = 0.0
        for k in 0..<3 { sum += tensor[i, j, k, 0] * slope.x[k] + tensor[i, j, k, 1] * slope.y[k] }
        s[i][j] = sum
      }
    }
    return s
  }
}
