import MDCore
import MDNumerics

extension GrainBoundary {
  /// The cell of the displacements that make different boundaries, in terms of one period of this one.
  ///
  /// The grain on top of a tilt boundary is the mirror image of the one below in the plane, which leaves translations in
  /// the plane what they are.
  package func nonidenticalDisplacements() throws -> NonidenticalDisplacements {
    let geometry =
      switch kind {
      case .tilt: try tiltGeometry()
      case .twist: try twistGeometry()
      }
    let edges = geometry.lower.periods
    return try NonidenticalDisplacements(
      edges: (SIMD2(edges.x, 0), SIMD2(0, edges.y)), lower: geometry.lower.rowsOfEdges, upper: geometry.upper.rowsOfEdges)
  }

  /// Atoms of one atomic plane, of those that lattice planes parallel to the boundary are made of, in the boundary's cell.
  ///
  /// A plane more or less is a displacement of the grains, so that numbers of atoms matter modulo this one.
  package func atomsPerPlane() throws -> Int {
    let geometry =
      switch kind {
      case .tilt: try tiltGeometry()
      case .twist: try twistGeometry()
      }
    return geometry.lower.points.count * geometry.lower.crystal.sites.count * repeats.x * repeats.y
  }
}

extension OrientedCrystal {
  /// The edges in terms of the primitive vectors of the lattice in the plane.
  var rowsOfEdges: (SIMD2<Int>, SIMD2<Int>) {
    let (first, second, _) = crystal.basis(normal: normal)
    let unit = dot(cross(first, second), normal)
    func coordinates(_ p: IntegerVector) -> SIMD2<Int> {
      SIMD2(dot(cross(p, second), normal) / unit, dot(cross(first, p), normal) / unit)
    }
    return (coordinates(edges.0), coordinates(edges.1))
  }
}
