import Foundation
import MDCore
import MDNumerics

/// How the distances of a structure's atoms are distributed, to tell states of a boundary apart: the same for structures that
/// are rotated, mirrored or moved.
///
/// f_k = Σ_{i<j} w_k(r_ij) with Gaussians w_k of width σ around distances r_k between 0.7 and 1.7 nearest-neighbour
/// distances, all images counted.
package struct StructureFingerprint: Sendable {
  package static let count = 25
  private static let (lowest, highest, width) = (0.7, 1.7, 0.04)

  /// Sums over all pairs.
  package static func sums(_ structure: Structure, neighbor: Double) -> [Double] {
    var sums = [Double](repeating: 0, count: count)
    func add(_ r: Double, _ weight: Double) {
      let x = r / neighbor
      let spacing = (highest - lowest) / Double(count - 1)
      let near = (x - lowest) / spacing
      let reach = 4 * width / spacing
      let first = max(0, Int((near - reach).rounded(.up)))
      let last = min(count - 1, Int((near + reach).rounded(.down)))
      guard first <= last else { return }
      for k in first...last {
        let d = (x - lowest - spacing * Double(k)) / width
        sums[k] += weight * exp(-0.5 * d * d)
      }
    }
    let far = (highest + 4 * width) * neighbor
    let box = structure.box
    for pair in closePairs(in: box, structure.positions, among: Array(structure.positions.indices), closerThan: far) {
      add(pair.separation.length, 1)
    }
    // Atoms and their own images, each pair of images once.
    let reach = SIMD3(
      Int((far / box.heights.x).rounded(.up)), Int((far / box.heights.y).rounded(.up)),
      Int((far / box.heights.z).rounded(.up)))
    for a in -reach.x...reach.x { for b in -reach.y...reach.y { for c in -reach.z...reach.z where (a, b, c) != (0, 0, 0) {
      add((Vector3(Double(a), Double(b), Double(c)) * box.cell).length, 0.5 * Double(structure.count))
    } } }
    return sums
  }

  /// The relative difference of two, 0 for equal ones.
  package static func distance(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let largest = max(norm(a), norm(b))
    return largest > 0 ? norm(zip(a, b).map { $0 - $1 }) / largest : 0
  }
}
