import Foundation
import MDNumerics

/// The neighbours of an atom in a perfect crystal (or icosahedron), at a mean distance of 1.
package struct StructureTemplate: Sendable {
  package let name: String
  /// Nearest first; their sum is zero.
  package let points: [Vector3]
  /// How many belong to the first shell where the second is told by it (diamonds), or all.
  package let inner: Int
  /// Rotations of the lattice (for hcp and hexagonal diamond those of both its sites), which orientations are told up to.
  package let group: [Quaternion]
  /// Pairs (a, b) of inner points that no rotation of the points brings onto one another, with their angles: where two
  /// neighbours can be, up to symmetry.
  package let seeds: [(a: Int, b: Int, angle: Double, frame: Matrix3)]
  /// Σ w².
  package let squares: Double
  /// (Σ w ⊗ w)⁻¹.
  package let inverse: Matrix3

  /// How many of the nearest neighbours its points choose from: some more than it has, and in diamonds, whose third shell is
  /// near the second, this too.
  package var candidates: Int { points.count + (inner < points.count ? 12 : 4) }

  /// Distance of the nearest.
  package var nearest: Double { points[0].length }

  /// - Parameter lattice: points whose rotations onto themselves are those of the lattice.
  init(_ name: String, _ shells: [Vector3], inner: Int? = nil, lattice: [Vector3]? = nil) {
    let mean = shells.reduce(0) { $0 + $1.length } / Double(shells.count)
    let points = shells.map { (1 / mean) * $0 }
    self.name = name
    self.points = points
    self.inner = inner ?? points.count
    group = Self.rotations(lattice ?? points).compactMap { matrix in
      let m = points.reduce(Matrix3.zero) { $0 + Matrix3.outer($1, $1 * matrix) }
      return RotationFit.best(m, bound: points.reduce(0) { $0 + $1.squaredLength })?.rotation
    }
    squares = points.reduce(0) { $0 + $1.squaredLength }
    inverse = points.reduce(Matrix3.zero) { $0 + Matrix3.outer($1, $1) }.inverse
    let own = Self.rotations(points).map { matrix in points.map { Self.place($0 * matrix, points) ?? 0 } }
    var seeds: [(Int, Int, Double, Matrix3)] = []
    for a in 0..<self.inner {
      for b in 0..<self.inner where own.allSatisfy({ ($0[a], $0[b]) >= (a, b) }) {
        if let frame = Self.frame(points[a], points[b]) { seeds.append((a, b, Self.angle(points[a], points[b]), frame)) }
      }
    }
    self.seeds = seeds
  }

  static func angle(_ a: Vector3, _ b: Vector3) -> Double { atan2(cross(a, b).length, dot(a, b)) }

  /// Right-handed axes, the first along `a`, the third normal to both; nil if they are on a line.
  static func frame(_ a: Vector3, _ b: Vector3) -> Matrix3? {
    let normal = cross(a, b)
    guard normal.squaredLength > 1e-6 * a.squaredLength * b.squaredLength else { return nil }
    let (x, z) = (a / a.length, normal / normal.length)
    return Matrix3(x, cross(z, x), z)
  }

  private static func place(_ r: Vector3, _ points: [Vector3]) -> Int? {
    points.firstIndex { ($0 - r).squaredLength < 1e-10 * max(r.squaredLength, 1) }
  }

  /// All proper rotations that bring points onto themselves.
  private static func rotations(_ points: [Vector3]) -> [Matrix3] {
    guard let second = points.indices.first(where: { frame(points[0], points[$0]) != nil }),
      let first = frame(points[0], points[second])
    else { return [.identity] }
    var found: [Matrix3] = []
    for a in points {
      for b in points {
        guard abs(dot(a, b) - dot(points[0], points[second])) < 1e-9, abs(a.length - points[0].length) < 1e-9,
          abs(b.length - points[second].length) < 1e-9, let turned = frame(a, b)
        else { continue }
        let rotation = first.transpose * turned
        if points.allSatisfy({ place($0 * rotation, points) != nil }) { found.append(rotation) }
      }
    }
    return found
  }

  // MARK: All that there are

  package static let all: [StructureTemplate] = [
    fcc, hcp, bcc, icosahedral, simpleCubic, cubicDiamond, hexagonalDiamond,
  ]
  package static let names = all.map(\.name)

  private static let signs = [1.0, -1.0]
  private static let edges = signs.flatMap { a in
    signs.flatMap { b in [Vector3(0, a, b), Vector3(a, 0, b), Vector3(a, b, 0)] }
  }
  private static let corners = signs.flatMap { a in signs.flatMap { b in signs.map { c in Vector3(a, b, c) } } }
  private static let faces = signs.flatMap { a in [Vector3(a, 0, 0), Vector3(0, a, 0), Vector3(0, 0, a)] }

  private static let hexagon = (0..<6).map { k in
    Vector3(cos(Double(k) * Double.pi / 3), sin(Double(k) * Double.pi / 3), 0)
  }
  /// Above and below the plane of a hexagon with edge 1, over triangles of the same kind.
  private static let caps = signs.flatMap { up in
    [1, 5, 9].map { k in
      let angle = Double(k) * Double.pi / 6
      return Vector3(cos(angle), sin(angle), 0) / 3.0.squareRoot() + Vector3(0, 0, up * (2.0 / 3).squareRoot())
    }
  }
  /// Has the sixfold axis and the twofold ones across it: D6.
  private static let prism = hexagon + [Vector3(0, 0, 2), Vector3(0, 0, -2)]

  static let fcc = StructureTemplate("fcc", edges)
  static let hcp = StructureTemplate("hcp", hexagon + caps, lattice: prism)
  static let bcc = StructureTemplate("bcc", corners + faces.map { 2 * $0 })
  static let icosahedral = StructureTemplate(
    "icosahedral",
    {
      let golden = 0.5 * (1 + 5.0.squareRoot())
      return signs.flatMap { a in
        signs.flatMap { b in [Vector3(0, a, b * golden), Vector3(a, b * golden, 0), Vector3(b * golden, 0, a)] }
      }
    }())
  static let simpleCubic = StructureTemplate("simple_cubic", faces)
  static let cubicDiamond = StructureTemplate(
    "cubic_diamond", corners.filter { $0.x * $0.y * $0.z > 0 } + edges.map { 2 * $0 }, inner: 4, lattice: edges)
  static let hexagonalDiamond = StructureTemplate(
    "hexagonal_diamond",
    {
      // One neighbour along the axis below, three above it, towards which the caps above lie.
      let bond = (3.0 / 8).squareRoot()
      let three = caps.filter { $0.z > 0 }.map { Vector3($0.x, $0.y, bond / 3) }
      return [Vector3(0, 0, -bond)] + three + hexagon + caps
    }(), inner: 4, lattice: prism)
}
