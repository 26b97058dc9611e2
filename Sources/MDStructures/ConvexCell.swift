import MDNumerics

/// A convex polyhedron around the origin, cut by planes one after the other: the cell of a seed.
struct ConvexCell {
  /// Corners of each face, in order around it, Å.
  private(set) var faces: [[Vector3]]

  /// A parallelepiped of these edges around the origin.
  init(edges: Matrix3) {
    func corner(_ i: Double, _ j: Double, _ k: Double) -> Vector3 { 0.5 * (i * edges.x + j * edges.y + k * edges.z) }
    faces = [
      [corner(-1, -1, -1), corner(-1, -1, 1), corner(-1, 1, 1), corner(-1, 1, -1)],
      [corner(1, -1, -1), corner(1, 1, -1), corner(1, 1, 1), corner(1, -1, 1)],
      [corner(-1, -1, -1), corner(1, -1, -1), corner(1, -1, 1), corner(-1, -1, 1)],
      [corner(-1, 1, -1), corner(-1, 1, 1), corner(1, 1, 1), corner(1, 1, -1)],
      [corner(-1, -1, -1), corner(-1, 1, -1), corner(1, 1, -1), corner(1, -1, -1)],
      [corner(-1, -1, 1), corner(1, -1, 1), corner(1, 1, 1), corner(-1, 1, 1)],
    ]
  }

  /// Distance of the farthest corner.
  var radius: Double { faces.joined().map(\.length).max() ?? 0 }

  /// Keeps what has r·n ≤ d.
  mutating func cut(normal n: Vector3, distance d: Double) {
    guard faces.contains(where: { $0.contains { dot($0, n) > d } }) else { return }
    let slack = 1e-9 * (abs(d) + n.length)
    var rim: [Vector3] = []
    var kept: [[Vector3]] = []
    for face in faces {
      var corners: [Vector3] = []
      for (k, p) in face.enumerated() {
        let q = face[(k + 1) % face.count]
        let (a, b) = (dot(p, n) - d, dot(q, n) - d)
        if a <= slack { corners.append(p) }
        if (a > slack) != (b > slack) {
          let crossing = p + a / (a - b) * (q - p)
          corners.append(crossing)
          rim.append(crossing)
        }
      }
      if corners.count > 2 { kept.append(corners) }
    }
    faces = kept
    guard rim.count > 2 else { return }
    // Around the normal, seen from outside.
    let middle = (1 / Double(rim.count)) * rim.reduce(.zero, +)
    let z = (1 / n.length) * n
    let first = rim.max { ($0 - middle).squaredLength < ($1 - middle).squaredLength }! - middle
    guard first.length > 0 else { return }
    let x = (1 / first.length) * first
    let y = cross(z, x)
    let sorted = rim.map { p -> (Double, Vector3) in
      // An angle's stand-in that grows around the circle.
      let (u, v) = (dot(p - middle, x), dot(p - middle, y))
      let r = abs(u) + abs(v)
      return (r == 0 ? 0 : v >= 0 ? 1 - u / r : 3 + u / r, p)
    }.sorted { $0.0 < $1.0 }.map(\.1)
    var corners: [Vector3] = []
    let size = first.length
    for p in sorted where corners.last.map({ ($0 - p).length > 1e-9 * size }) ?? true { corners.append(p) }
    if corners.count > 1, (corners[0] - corners[corners.count - 1]).length <= 1e-9 * size { corners.removeLast() }
    if corners.count > 2 { faces.append(corners) }
  }

  /// Volume, and its centroid.
  var volume: (volume: Double, centroid: Vector3) {
    guard !faces.isEmpty else { return (0, .zero) }
    let all = Array(faces.joined())
    let inside = (1 / Double(all.count)) * all.reduce(.zero, +)
    var (sum, moment) = (0.0, Vector3.zero)
    for face in faces {
      for k in 1..<max(face.count - 1, 1) {
        let (a, b, c) = (face[0], face[k], face[k + 1])
        let v = abs(dot(a - inside, cross(b - inside, c - inside))) / 6
        sum += v
        moment += v * 0.25 * (a + b + c + inside)
      }
    }
    return sum > 0 ? (sum, (1 / sum) * moment) : (0, .zero)
  }
}
