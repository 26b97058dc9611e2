import Foundation
import MDCore
import MDNumerics

/// The cheapest mesh and order of splines for a wanted force error.
///
/// Costs are those of one core in nanoseconds, measured: per atom 60 + 2.7 p² for spreading and gathering, per mesh
/// point 11 for two transforms and what lies between. The same on every rank and in every run.
enum MeshChoice {
  static func choose(
    error: Double, splitting alpha: Double, cell: PeriodicCell, _ charges: ChargeStatistics
  ) throws -> (mesh: SIMD3<Int>, order: Int) {
    var best: (mesh: SIMD3<Int>, order: Int)?
    var least = Double.infinity
    for order in BSpline.orders.reversed() {
      let atoms = Double(charges.count) * (60 + 2.7 * Double(order * order))
      func cost(_ mesh: SIMD3<Int>) -> Double { atoms + 11 * weight(mesh.x) * weight(mesh.y) * weight(mesh.z) }
      func isEnough(_ mesh: SIMD3<Int>) -> Bool {
        MeshErrors.forces(splitting: alpha, mesh: mesh, order: order, cell: cell, charges) <= error
      }
      // Spacings from coarse to fine, until they are enough or dearer than what was found.
      var spacing = 3 / alpha
      var last = SIMD3(0, 0, 0)
      while true {
        let mesh = mesh(spacing: spacing, cell)
        spacing *= 0.97
        if mesh == last { continue }
        last = mesh
        guard cost(mesh) < least, mesh.max() <= 8192 else { break }
        if isEnough(mesh) {
          best = (mesh, order)
          least = cost(mesh)
          break
        }
      }
    }
    guard let best else {
      throw FaultlineError(
        .input, "no mesh of up to 8192 points an axis gives forces to \(error) eV/Å",
        hint: "ask for less accuracy or a longer cutoff", isCollective: true)
    }
    return best
  }

  /// The next good numbers of points for a spacing (Å) along the cell's heights, at least `fewest`.
  static func mesh(spacing: Double, _ cell: PeriodicCell, fewest: Double = 8) -> SIMD3<Int> {
    var mesh = SIMD3(0, 0, 0)
    for k in 0..<3 {
      // Heights are 1/|a*|.
      // No more than what `choose` refuses.
      let wanted = min(max(1 / (spacing * cell.reciprocal[k].length), fewest), 10_000)
      // Up to a sixth more points if their transform is cheaper; even along z.
      let least = Int(wanted.rounded(.up))
      var found = 0
      for n in least...(2 * least) where isGood(n) && (k < 2 || n.isMultiple(of: 2)) {
        if found == 0 || weight(n) < weight(found) { found = n }
        if Double(n) > 1.17 * wanted { break }
      }
      mesh[k] = found
    }
    return mesh
  }

  /// Whether n has no prime factors but 2, 3, 5, 7.
  static func isGood(_ n: Int) -> Bool {
    var rest = n
    for p in [2, 3, 5, 7] { while rest.isMultiple(of: p) { rest /= p } }
    return rest == 1
  }

  /// Points along an axis in units of the cost of a power of two: FFTW's reckoned plans are slow for factors of 5.
  private static func weight(_ n: Int) -> Double { Double(n) * (n.isMultiple(of: 5) ? 1.12 : 1) }
}
