import MDCore
import MDNumerics

/// A crystal turned so that a crack in it runs along x, its plane has the normal y and its front lies along z.
package struct CrackOrientation: Sendable {
  /// From a Cartesian vector of the crystal to the crack's frame: r ↦ r·R.
  package let rotation: Matrix3
  /// Lattice vectors in the crack's frame, Å: two that span the plane across the front together with the third, which
  /// is the period along it, (0, 0, ℓ).
  package let cell: Matrix3
  /// Fractional in `cell`, in the order of the crystal's primitive cell.
  package let sites: [UnitCell.Site]
  package let species: [String]
  /// Atomic planes across y: the gaps between them, one of each width, the widest first; and the distance after which they
  /// repeat, Å.
  package let gaps: [PlaneCell.Gap]
  package let spacing: Double

  /// ℓ, Å.
  package var period: Double { cell.z.z }

  /// - Parameters:
  ///   - plane: h, k, l in terms of the cell of `unitCell`.
  ///   - front: u, v, w of a direction in that plane; the crack runs along plane normal × front.
  /// - Throws: an input error if one is zero, or the front is not in the plane.
  package init(_ unitCell: UnitCell, plane: SIMD3<Int>, front: SIMD3<Int>) throws {
    guard front != .zero else { throw FaultlineError(.input, "the crack front [0 0 0] is no direction") }
    guard dot(plane, front) == 0 else {
      throw FaultlineError(
        .input, "the crack front [\(front.indices)] is not in the crack plane (\(plane.indices))",
        hint: "h·u + k·v + l·w must be 0, and is \(dot(plane, front))")
    }
    let found = try unitCell.primitive()
    let planes = try PlaneCell(unitCell, primitive: found, plane)
    let primitive = found.cell
    // The shortest translation along the front in the primitive basis.
    let along = front.real * found.vectors.inverse
    let rounded = along.rounded(.toNearestOrEven)
    guard (along - rounded).length < 1e-6 else {
      throw FaultlineError(.input, "the crack front [\(front.indices)] is no translation of the crystal")
    }
    let n = IntegerVector(Int(rounded.x), Int(rounded.y), Int(rounded.z)).primitive
    let whole = Self.basis(with: n)
    let vectors = whole.map { $0.real * primitive.cell }
    // The normal of the plane is the third axis of `planes`.
    let normal = Vector3(0, 0, 1) * planes.rotation.transpose
    let z = (1 / vectors[2].length) * vectors[2]
    let x = cross(normal, z)
    rotation = Matrix3(x, normal, z).transpose
    var turned = Matrix3(vectors[0], vectors[1], vectors[2]) * rotation
    turned.z = Vector3(0, 0, turned.z.z)
    turned = Self.compact(turned)
    cell = turned
    let change = primitive.cell * rotation * turned.inverse
    sites = primitive.sites.map { UnitCell.Site($0.position * change, $0.species) }
    species = unitCell.species
    gaps = planes.distinctGaps
    spacing = planes.spacing
  }

  /// Three whole vectors that span all of them, the third of which is `n`, without a common divisor: two steps of Euclid's
  /// algorithm.
  private static func basis(with n: IntegerVector) -> [IntegerVector] {
    /// g = p a + q b.
    func bezout(_ a: Int, _ b: Int) -> (g: Int, p: Int, q: Int) {
      var (r, s) = ((a, 1, 0), (b, 0, 1))
      while s.0 != 0 {
        let k = r.0 / s.0
        (r, s) = (s, (r.0 - k * s.0, r.1 - k * s.1, r.2 - k * s.2))
      }
      return r.0 < 0 ? (-r.0, -r.1, -r.2) : r
    }
    let (g, p, q) = bezout(n.x, n.y)
    if g == 0 { return [IntegerVector(1, 0, 0), IntegerVector(0, n.z, 0), n] }
    let first = IntegerVector(n.x / g, n.y / g, 0)
    let second = IntegerVector(-q, p, 0)
    // n = g · first + c · (0, 0, 1), and one more vector of these two.
    let (_, r, s) = bezout(g, n.z)
    let third = (-s) * first + IntegerVector(0, 0, r)
    return [second, third, n]
  }

  /// Short in the plane across the front, and right-handed with it.
  private static func compact(_ cell: Matrix3) -> Matrix3 {
    func flat(_ v: Vector3) -> Vector3 { Vector3(v.x, v.y, 0) }
    var (a, b) = (cell.x, cell.y)
    for _ in 0..<100 {
      if flat(b).squaredLength < flat(a).squaredLength { (a, b) = (b, a) }
      let k = (dot(flat(a), flat(b)) / flat(a).squaredLength).rounded()
      if k == 0 { break }
      b -= k * a
    }
    if cross(a, b).z < 0 { b = -1 * b }
    return Matrix3(a, b, cell.z)
  }

  /// The constants of the crystal's frame in the crack's.
  package func turned(_ tensor: ElasticTensor) -> ElasticTensor { tensor.rotated(rotation) }
}
