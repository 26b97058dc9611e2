import Foundation
import MDNumerics

/// How an atom's neighbours compare with a template.
package struct TemplateMatch: Sendable {
  /// Among the templates that were asked for.
  package var template: Int
  /// √(1/(N + 1) min Σ |R w − s (v − v̄)|²) over the N neighbours v, the atom itself (v = 0, w = 0), and all rotations R,
  /// scales s and assignments of neighbours to points w; 1 is the template's mean distance.
  package var rmsd: Double
  /// Of nearest neighbours in the template as it was scaled, Å.
  package var distance: Double
  /// From the template's axes to those of the sample.
  package var rotation: Quaternion
  /// Least squares of v = w·G, in units of nearest neighbours of the template: Å.
  package var deformation: Matrix3

  /// Euler's and Almansi's strain (1 − l²(F Fᵀ)⁻¹)/2 in the sample's axes, with F from the template to the sample, where
  /// nearest neighbours are l apart, or as far as gives no change of volume.
  package func strain(_ length: Double?) -> Matrix3 {
    let left = deformation.transpose * deformation
    let square = length.map { $0 * $0 } ?? cbrt(left.determinant)
    return 0.5 * (Matrix3.identity - square * left.inverse)
  }
}

/// Matches the surroundings of atoms with templates (P. M. Larsen, S. Schmidt, J. Schiøtz, Modelling Simul. Mater. Sci.
/// Eng. 24, 055007, 2016).
///
/// In the paper neighbours are ordered by their Voronoi faces and assigned by the graph of their hull. Here all rotations
/// are tried that bring two neighbours to two points of the template, up to its symmetry; each point then takes the nearest
/// of somewhat more than the N closest neighbours, and rotation and assignment are improved by turns. The measure is the same; of
/// neighbours that are disordered the one or the other may find a better assignment.
package struct TemplateMatcher: Sendable {
  package let templates: [StructureTemplate]
  package let cutoff: Double
  /// Neighbours that one point can choose from, at most.
  package let candidates: Int
  /// By how much the angle of two neighbours may differ from that of two points, 30°.
  private static let tolerance = Double.pi / 6
  private static let passes = 6

  package init(_ templates: [StructureTemplate], cutoff: Double) {
    self.templates = templates
    self.cutoff = cutoff
    candidates = templates.map(\.candidates).max() ?? 0
  }

  /// The template with the least deviation below the cutoff. `neighbors` holds at least the nearest `candidates`, in order.
  package func match(_ neighbors: NearestNeighbors) -> TemplateMatch? {
    var best: TemplateMatch?
    for (t, template) in templates.enumerated() where neighbors.count >= template.points.count {
      if let found = match(neighbors, t, template), found.rmsd < best?.rmsd ?? cutoff { best = found }
    }
    return best
  }

  private func match(_ neighbors: NearestNeighbors, _ t: Int, _ template: StructureTemplate) -> TemplateMatch? {
    let n = template.points.count
    let few = min(neighbors.count, template.candidates)
    // The pair that tells a rotation best.
    let first = neighbors.vectors[0]
    var second = 1
    var flattest = Double.infinity
    for k in 1..<template.inner {
      let v = neighbors.vectors[k]
      let cosine = abs(dot(first, v)) / (first.length * v.length)
      if cosine < flattest { (second, flattest) = (k, cosine) }
    }
    let partner = neighbors.vectors[second]
    guard let frame = StructureTemplate.frame(first, partner) else { return nil }
    let angle = StructureTemplate.angle(first, partner)
    let mean = neighbors.squares[..<n].reduce(0) { $0 + $1.squareRoot() } / Double(n)
    var best: TemplateMatch?
    for seed in template.seeds where abs(seed.angle - angle) < Self.tolerance {
      let start = mean * (seed.frame.transpose * frame)
      guard let found = improve(neighbors, few, t, template, start) else { continue }
      if found.rmsd < best?.rmsd ?? .infinity { best = found }
      // Another assignment cannot be as good: it would move a neighbour by half a bond.
      if found.rmsd < 0.05 { break }
    }
    return best
  }

  /// Whether a neighbour without a point is about as near as those of the first shell: then the points are a part of another
  /// crystal's neighbours, as the second shell of diamond is fcc, and diamond a part of bcc.
  private func leavesOut(
    _ neighbors: NearestNeighbors, _ few: Int, _ taken: UInt64, _ first: ArraySlice<Int>, of all: Int
  ) -> Bool {
    let mean = first.reduce(0) { $0 + neighbors.squares[$1].squareRoot() } / Double(first.count)
    // Of one shell, the points farthest out may be beyond a stranger that comes in.
    let margin = first.count < all ? 1.1 : 0.9
    let least = margin * margin * mean * mean
    return (0..<few).contains { taken >> UInt64($0) & 1 == 0 && neighbors.squares[$0] < least }
  }

  /// Assigns and turns by turns, from a template that was turned and scaled already.
  private func improve(
    _ neighbors: NearestNeighbors, _ few: Int, _ t: Int, _ template: StructureTemplate, _ start: Matrix3
  ) -> TemplateMatch? {
    let n = template.points.count
    var turned = start
    var before = [Int](repeating: -1, count: n)
    for _ in 0..<Self.passes {
      var taken: UInt64 = 0
      var isOneToOne = true
      var isSame = true
      var product = Matrix3.zero
      var (center, squares) = (Vector3.zero, 0.0)
      for p in 0..<n {
        let w = template.points[p] * turned
        var (nearest, least) = (0, Double.infinity)
        for k in 0..<few {
          let d = (neighbors.vectors[k] - w).squaredLength
          if d < least { (nearest, least) = (k, d) }
        }
        if taken >> UInt64(nearest) & 1 == 1 { isOneToOne = false }
        taken |= 1 << UInt64(nearest)
        if before[p] != nearest { (isSame, before[p]) = (false, nearest) }
        let v = neighbors.vectors[nearest]
        product += Matrix3.outer(template.points[p], v)
        center += v
        squares += v.squaredLength
      }
      let total = Double(n + 1)
      // Of the neighbours and the atom itself about their centre.
      let spread = squares - center.squaredLength / total
      let length = (spread * template.squares).squareRoot()
      guard spread > 0, let (rotation, sum) = RotationFit.best(product, bound: length) else { return nil }
      let scale = sum / spread
      turned = (1 / scale) * rotation.matrix
      if isSame {
        guard isOneToOne, !leavesOut(neighbors, few, taken, before[..<template.inner], of: n) else { return nil }
        let rmsd = (max(template.squares - sum * scale, 0) / total).squareRoot()
        return TemplateMatch(
          template: t, rmsd: rmsd, distance: template.nearest / scale, rotation: rotation.reduced(template.group),
          deformation: template.nearest * (template.inverse * product))
      }
    }
    return nil
  }
}
