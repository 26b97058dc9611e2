import Foundation
import MDCore
import MDNumerics

/// A rotation that brings a cubic lattice into coincidence with itself at a fraction 1/Σ of its points.
///
/// The quaternion (m, v) with integer m and v gives the rational matrix
/// R = [(m² − |v|²) I + 2 v vᵀ + 2 m [v]×] / (m² + |v|²), tan(θ/2) = |v|/m.
/// Σ is the least integer for which Σ R is an integer matrix, the same for primitive, face- and body-centred
/// lattices (H. Grimmer, W. Bollmann, D. H. Warrington, Acta Cryst. A 30, 197 (1974)).
package struct CoincidenceRotation: Sendable {
  /// Rows of Σ R.
  let numerators: [IntegerVector]
  package let sigma: Int
  /// Degrees, 0 … 180.
  package let angle: Double

  /// `m` and `v` must not both be zero; m ≥ 0.
  package init(_ m: Int, _ v: IntegerVector) {
    let square = v.squaredLength
    let norm = m * m + square
    var rows = (0..<3).map { 2 * v[$0] * v }
    for k in 0..<3 { rows[k][k] += m * m - square }
    rows[0] = rows[0] + 2 * m * IntegerVector(0, -v.z, v.y)
    rows[1] = rows[1] + 2 * m * IntegerVector(v.z, 0, -v.x)
    rows[2] = rows[2] + 2 * m * IntegerVector(-v.y, v.x, 0)
    let common = rows.reduce(norm) { greatestCommonDivisor($0, $1.divisor) }
    numerators = rows.map { IntegerVector($0.x / common, $0.y / common, $0.z / common) }
    sigma = norm / common
    angle = 2 * atan2(v.length, Double(m)) * 180 / .pi
  }

  /// R⁻¹ p = Rᵀ p, or nil when it is not an integer vector.
  package func inverse(_ p: IntegerVector) -> IntegerVector? {
    let image = p.x * numerators[0] + p.y * numerators[1] + p.z * numerators[2]
    guard image.x % sigma == 0, image.y % sigma == 0, image.z % sigma == 0 else { return nil }
    return IntegerVector(image.x / sigma, image.y / sigma, image.z / sigma)
  }

  /// The smallest rotation about `axis` with this Σ, or nil.
  package static func about(_ axis: IntegerVector, sigma: Int) -> CoincidenceRotation? {
    let axis = axis.primitive
    let square = axis.squaredLength
    var best: CoincidenceRotation?
    // A primitive quaternion of a cubic coincidence rotation has the norm Σ, 2 Σ or 4 Σ.
    for norm in [sigma, 2 * sigma, 4 * sigma] {
      var n = 1
      while n * n * square <= norm {
        let m = Int(Double(norm - n * n * square).squareRoot().rounded())
        if m * m + n * n * square == norm {
          let rotation = CoincidenceRotation(m, n * axis)
          if rotation.sigma == sigma, rotation.angle < best?.angle ?? .infinity { best = rotation }
        }
        n += 1
      }
    }
    return best
  }

  /// The Σ of rotations about `axis`, from 3 to `limit`.
  package static func sigmas(about axis: IntegerVector, upTo limit: Int) -> [Int] {
    stride(from: 3, through: limit, by: 2).filter { about(axis, sigma: $0) != nil }
  }
}

/// Symmetric tilt boundaries of cubic crystals: mirror planes (hkl) that contain the tilt axis [uvw].
package enum SymmetricTilt {
  /// Σ of the boundary: a mirror image in (hkl) is, for a centrosymmetric lattice, the rotation by 180° about its
  /// normal, so that Σ is h² + k² + l² of the primitive indices or half of it.
  package static func sigma(of plane: IntegerVector) -> Int { CoincidenceRotation(0, plane.primitive).sigma }

  /// The smallest angle of rotation about `axis` that relates the two grains (degrees), or nil when they are
  /// not related by such a rotation: the axis must have a twofold axis ⟨100⟩ or ⟨110⟩ perpendicular to it.
  ///
  /// The half-turns about a twofold axis m and then about the normal n make the rotation by 2 ∠(m, n).
  package static func angle(axis: IntegerVector, plane: IntegerVector) -> Double? {
    let twofold: [IntegerVector] = [
      [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [0, 1, -1], [1, 0, 1], [-1, 0, 1], [1, 1, 0], [1, -1, 0],
    ]
    return twofold.filter { dot($0, axis) == 0 }.map { m in
      2 * atan2(cross(m, plane).length, Double(abs(dot(m, plane)))) * 180 / .pi
    }.min()
  }

  /// The planes of the symmetric tilt boundaries with this axis and Σ, one of each form {hkl}.
  package static func planes(axis: IntegerVector, sigma: Int) -> [IntegerVector] {
    let limit = Int(Double(2 * sigma).squareRoot())
    var found: [[Int]: IntegerVector] = [:]
    for h in stride(from: limit, through: -limit, by: -1) {
      for k in stride(from: limit, through: -limit, by: -1) where h * h + k * k <= 2 * sigma {
        for l in stride(from: limit, through: -limit, by: -1) {
          let plane = IntegerVector(h, k, l)
          let square = plane.squaredLength
          guard square == sigma || square == 2 * sigma, dot(plane, axis) == 0, plane.divisor == 1,
            Self.sigma(of: plane) == sigma
          else { continue }
          let form = [abs(h), abs(k), abs(l)].sorted(by: >)
          let better = found[form].map { negatives(plane) < negatives($0) } ?? true
          if better { found[form] = plane }
        }
      }
    }
    return found.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
  }

  private static func negatives(_ v: IntegerVector) -> Int { (0..<3).count { v[$0] < 0 } }
}
