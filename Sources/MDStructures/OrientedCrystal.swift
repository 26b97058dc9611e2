import MDCore
import MDNumerics

/// A cubic crystal turned so that integer crystal directions lie along x, y and z, with a rectangular cell in the
/// plane z = constant and its atoms sorted into the planes perpendicular to z.
package struct OrientedCrystal: Sendable {
  let crystal: CubicCrystal
  /// Lattice vectors along x and y that make the cell in the plane; units of a/2.
  let edges: (IntegerVector, IntegerVector)
  let normal: IntegerVector
  /// From a lattice plane to the next one, units of a/2.
  let step: IntegerVector
  /// Fractional coordinates in the rectangle of the lattice points of one plane.
  let points: [SIMD2<Double>]

  /// Lengths of the edges of the rectangular cell, Å.
  package let periods: SIMD2<Double>
  /// Length of the shortest lattice vector along z, Å.
  package let normalPeriod: Double
  /// Distance between lattice planes perpendicular to z, Å.
  package let spacing: Double

  package var species: [String] { crystal.species }

  /// The smallest rectangular cell with the directions `x`, `y`, `z`.
  ///
  /// Throws unless the cell of the crystal is cubic and the directions are orthogonal and right-handed.
  package init(_ unitCell: UnitCell, x: IntegerVector, y: IntegerVector, z: IntegerVector) throws {
    let crystal = try CubicCrystal(unitCell)
    for (name, direction) in [("x", x), ("y", y), ("z", z)] {
      try Self.check(direction, "the direction along \(name)")
    }
    guard dot(x, y) == 0, dot(y, z) == 0, dot(z, x) == 0 else {
      throw FaultlineError(
        .input, "the directions [\(x.indices)], [\(y.indices)], [\(z.indices)] are not perpendicular to each other")
    }
    guard dot(cross(x, y), z) > 0 else {
      throw FaultlineError(
        .input, "the directions [\(x.indices)], [\(y.indices)], [\(z.indices)] are left-handed",
        hint: "reverse one, for instance z: [\((-z).indices)]")
    }
    self.init(crystal, edges: (crystal.period(along: x), crystal.period(along: y)), normal: z.primitive)
  }

  /// The largest Miller index taken: with it all products stay far below the range of integers.
  static let largestIndex = 1000

  static func check(_ direction: IntegerVector, _ name: String) throws {
    guard direction != .zero, (0..<3).allSatisfy({ abs(direction[$0]) <= largestIndex }) else {
      throw FaultlineError(
        .input, "\(name) is [\(direction.indices)]",
        hint: "three integers from -\(largestIndex) to \(largestIndex), not all zero")
    }
  }

  /// `edges` are perpendicular lattice vectors in the plane perpendicular to `normal`.
  init(_ crystal: CubicCrystal, edges: (IntegerVector, IntegerVector), normal: IntegerVector) {
    self.crystal = crystal
    self.edges = edges
    self.normal = normal
    let (first, second, third) = crystal.basis(normal: normal)
    step = third
    periods = crystal.half * SIMD2(edges.0.length, edges.1.length)
    normalPeriod = crystal.half * crystal.period(along: normal).length
    spacing = crystal.half * Double(dot(third, normal)) / normal.length
    // The edges in the basis of the plane; the Hermite form of that 2 × 2 matrix counts the points off.
    let unit = dot(cross(first, second), normal)
    func coordinates(_ p: IntegerVector) -> (Int, Int) {
      (dot(cross(p, second), normal) / unit, dot(cross(first, p), normal) / unit)
    }
    let (a, b) = coordinates(edges.0)
    let (c, d) = coordinates(edges.1)
    let columns = greatestCommonDivisor(a, c)
    let rows = abs(a * d - b * c) / columns
    var points: [SIMD2<Double>] = []
    for i in 0..<columns {
      for j in 0..<rows { points.append(Self.fraction((i * first + j * second).real, edges)) }
    }
    self.points = points
  }

  private static func fraction(_ v: Vector3, _ edges: (IntegerVector, IntegerVector)) -> SIMD2<Double> {
    SIMD2(
      dot(v, edges.0.real) / Double(edges.0.squaredLength), dot(v, edges.1.real) / Double(edges.1.squaredLength))
  }

  /// Height of a site above the lattice plane through the origin, Å.
  func height(_ position: Vector3) -> Double { crystal.half * dot(position, normal.real) / normal.length }

  /// Fractional coordinates in the rectangle of `site` at the origin of lattice plane `plane`.
  func fraction(_ site: CubicCrystal.Site, plane: Int) -> SIMD2<Double> {
    Self.fraction((plane * step).real + site.position, edges)
  }

  /// The distinct heights of atoms in [0, spacing), ascending.
  var atomicHeights: [Double] {
    var heights: [Double] = []
    for site in crystal.sites {
      var h = height(site.position)
      h -= spacing * (h / spacing + 1e-7).rounded(.down)
      if !heights.contains(where: { abs($0 - h) < 1e-6 * spacing }) { heights.append(max(h, 0)) }
    }
    return heights.sorted()
  }
}
