import Foundation
import MDCore
import MDNumerics

/// Half of the wave vectors k = 2π(n₁a* + n₂b* + n₃c*) of a sphere, in rows along n₃: row r has (n₁, n₂) and
/// n₃ = first[r] ... , padded to whole lanes with vectors of weight 0.
///
/// Of k and −k one is there: n₁ > 0, or n₁ = 0 and n₂ > 0, or both 0 and n₃ > 0; the padding of the row (0, 0) covers
/// the others.
struct WaveVectors {
  struct Row {
    var n1: Int
    var n2: Int
    /// First n₃ and number of quadruples.
    var first: Int
    var quads: Int
    /// Place of the first in `weights`.
    var offset: Int
  }

  let rows: [Row]
  /// Places, padding included.
  let count: Int
  let largest: SIMD3<Int>
  /// Whether the place holds a vector that is summed.
  private let included: [Bool]

  /// All |k| ≤ `cutoff` of the cell with this reciprocal matrix (without 2π).
  init(reciprocal: Matrix3, cutoff: Double) {
    let cell = reciprocal.inverse.transpose
    // |nᵢ| ≤ |k| |aᵢ| / 2π
    let largest = SIMD3<Int>(
      Int(cutoff * cell.x.length / (2 * .pi)), Int(cutoff * cell.y.length / (2 * .pi)),
      Int(cutoff * cell.z.length / (2 * .pi)))
    var rows: [Row] = []
    var included: [Bool] = []
    let limit = cutoff / (2 * .pi)
    for n1 in 0...largest.x {
      for n2 in (n1 == 0 ? 0 : -largest.y)...largest.y {
        let base = Double(n1) * reciprocal.x + Double(n2) * reciprocal.y
        func isInside(_ n3: Int) -> Bool {
          if n1 == 0, n2 == 0, n3 <= 0 { return false }
          return (base + Double(n3) * reciprocal.z).squaredLength <= limit * limit
        }
        guard let low = (-largest.z...largest.z).first(where: isInside),
          let high = (-largest.z...largest.z).last(where: isInside)
        else { continue }
        let quads = (high - low + 4) / 4
        rows.append(Row(n1: n1, n2: n2, first: low, quads: quads, offset: included.count))
        for k in 0..<(4 * quads) { included.append(low + k <= high && isInside(low + k)) }
      }
    }
    self.rows = rows
    self.included = included
    self.largest = largest
    count = included.count
  }

  /// g(k) = 2 · 4πC/V · e^(−k²/4α²)/k² (the factor 2 for −k), and the factor 2(1/k² + 1/4α²) of k ⊗ k in the virial;
  /// 0 in the padding. eV/e².
  func fill(
    _ weights: UnsafeMutablePointer<Double>, _ slopes: UnsafeMutablePointer<Double>, _ cell: PeriodicCell,
    splitting alpha: Double
  ) {
    let width = 1 / (4 * alpha * alpha)
    for row in rows {
      let base = Double(row.n1) * cell.reciprocal.x + Double(row.n2) * cell.reciprocal.y
      for k in 0..<(4 * row.quads) {
        let place = row.offset + k
        weights[place] = 0
        slopes[place] = 0
        guard included[place] else { continue }
        let vector = 2 * Double.pi * (base + Double(row.first + k) * cell.reciprocal.z)
        let k2 = vector.squaredLength
        weights[place] = 8 * .pi * Units.coulomb / cell.volume * exp(-k2 * width) / k2
        slopes[place] = 2 * (1 / k2 + width)
      }
    }
  }
}
