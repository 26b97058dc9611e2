import Foundation
import MDCore
import MDNumerics

/// Grains that fill a periodic cell of any shape: the cells of the power diagram (Laguerre–Voronoi) of weighted seeds, each filled
/// with one crystal in its own orientation. A point x belongs to the seed s of least |x − s|² − w, images counted
/// (F. Aurenhammer, SIAM J. Comput. 16, 78 (1987)).
///
/// Whether an atom is there follows from the seeds alone, and none needs another's atoms: ranks may share them out as they like
/// (`GrainRows`).
package struct Polycrystal: Sendable {
  package struct Grain: Sendable {
    /// Fractions of the cell.
    package var seed: Vector3
    /// Å².
    package var weight: Double
    /// From the crystal's frame to the cell's: r ↦ r·R.
    package var orientation: Matrix3

    package init(seed: Vector3, weight: Double = 0, orientation: Matrix3) {
      (self.seed, self.weight, self.orientation) = (seed, weight, orientation)
    }
  }

  package let crystal: UnitCell
  /// Rows, Å; periodic along all three.
  package let cell: Matrix3
  package private(set) var grains: [Grain]
  /// Atoms of different grains closer than this are too close, Å.
  package let overlap: Double
  /// Whether every grain keeps whole formula units only.
  package let keepsFormulaUnits: Bool
  /// Whether grains are columns along the cell's third vector, in which the crystal repeats.
  package let isColumnar: Bool

  package init(
    _ crystal: UnitCell, cell: Matrix3, grains: [Grain], overlap: Double? = nil, keepsFormulaUnits: Bool = false,
    isColumnar: Bool = false
  ) throws {
    guard !grains.isEmpty else { throw FaultlineError(.input, "a polycrystal needs at least one grain") }
    guard cell.determinant > 0 else { throw FaultlineError(.input, "the cell of a polycrystal must be right-handed") }
    let nearest = crystal.nearestNeighborDistance
    if let overlap, !(0..<nearest).contains(overlap) {
      throw FaultlineError(
        .input, "overlap distance \(decimal(overlap, 3)) Å would remove atoms of the perfect crystal",
        hint: "0 (keep all) up to less than the nearest-neighbour distance, \(decimal(nearest, 3)) Å")
    }
    (self.crystal, self.cell, self.grains) = (crystal, cell, grains)
    self.overlap = overlap ?? 0.7 * nearest
    (self.keepsFormulaUnits, self.isColumnar) = (keepsFormulaUnits, isColumnar)
  }

  // MARK: Cells of the grains

  /// A plane between a grain and an image of another: r·normal ≤ distance, r from the grain's seed.
  struct Wall: Sendable {
    let normal: Vector3
    let distance: Double
    let grain: Int
    /// Cells by which the other seed's image is moved.
    let image: SIMD3<Int>
  }

  /// The walls of a grain's cell, its radius, volume and centroid (from the seed, Å).
  func cell(of g: Int) -> (walls: [Wall], radius: Double, volume: Double, centroid: Vector3) {
    var candidates: [(lowest: Double, wall: Wall)] = []
    let reach = isColumnar ? 0...0 : -2...2
    for (h, other) in grains.enumerated() {
      for i in -2...2 { for j in -2...2 { for k in reach where h != g || i != 0 || j != 0 || k != 0 {
        var s = other.seed - grains[g].seed + Vector3(Double(i), Double(j), Double(k))
        if isColumnar { s.z = 0 }
        let n = s * cell
        let square = n.squaredLength
        // |r|² − w ≤ |r − n|² − w′.
        let d = 0.5 * (square + grains[g].weight - other.weight)
        candidates.append((d / square.squareRoot(), Wall(normal: n, distance: d, grain: h, image: SIMD3(i, j, k))))
      } } }
    }
    candidates.sort { $0.lowest < $1.lowest }
    var body = ConvexCell(edges: isColumnar ? Matrix3(3 * cell.x, 3 * cell.y, cell.z) : 3 * cell)
    var radius = body.radius
    for candidate in candidates {
      if candidate.lowest > radius { break }
      body.cut(normal: candidate.wall.normal, distance: candidate.wall.distance)
      radius = body.radius
    }
    let (volume, centroid) = body.volume
    // Also planes that only come near: beyond an edge of the cell atoms of yet another grain may be too close.
    let corners = Array(body.faces.joined())
    let walls = candidates.prefix { $0.lowest <= radius + overlap }.map(\.wall).filter { wall in
      corners.contains { wall.distance - dot($0, wall.normal) < (overlap + 1e-6 * radius) * wall.normal.length }
    }
    return (walls, radius, volume, centroid)
  }

  /// Å³ of each grain.
  package var volumes: [Double] { grains.indices.map { cell(of: $0).volume } }
}

// MARK: - Seeds and orientations

extension Polycrystal {
  /// Seeds at random, uniform in the cell; a function of the seed of random numbers and of the grain's number.
  package static func randomSeeds(_ count: Int, seed: UInt64) -> [Vector3] {
    (0..<count).map { g in
      var random = CounterRandom(seed: seed, stream: .structures, id: Int64(g), step: 1 << 30)
      return Vector3(random.uniform(), random.uniform(), random.uniform())
    }
  }

  /// A rotation uniform in SO(3) (K. Shoemake, Graphics Gems III, 124 (1992)).
  package static func randomOrientation(_ g: Int, seed: UInt64) -> Matrix3 {
    var random = CounterRandom(seed: seed, stream: .structures, id: Int64(g), step: 1 << 30 + 1)
    let (u, v, w) = (random.uniform(), 2 * Double.pi * random.uniform(), 2 * Double.pi * random.uniform())
    let (a, b) = ((1 - u).squareRoot(), u.squareRoot())
    return Matrix3(quaternion: (b * cos(w), a * sin(v), a * cos(v), b * sin(w)))
  }

  /// The crystal's `direction` (Cartesian) along `axis` of the cell's frame, turned about it at random and tilted from it by an
  /// angle of the normal distribution, `spread` degrees along each of two axes.
  package static func fibre(
    _ g: Int, direction: Vector3, axis: Vector3, spread: Double, seed: UInt64
  ) -> Matrix3 {
    var random = CounterRandom(seed: seed, stream: .structures, id: Int64(g), step: 1 << 30 + 2)
    let (d, z) = ((1 / direction.length) * direction, (1 / axis.length) * axis)
    let aligned: Matrix3
    let turn = cross(d, z)
    if turn.length > 1e-12 {
      aligned = Matrix3(rotationAbout: turn, by: atan2(turn.length, dot(d, z)))
    } else {
      let other = abs(d.x) < 0.9 ? Vector3(1, 0, 0) : Vector3(0, 1, 0)
      aligned = dot(d, z) > 0 ? .identity : Matrix3(rotationAbout: cross(d, other), by: .pi)
    }
    let spun = aligned * Matrix3(rotationAbout: z, by: 2 * .pi * random.uniform())
    guard spread > 0 else { return spun }
    let other = abs(z.x) < 0.9 ? Vector3(1, 0, 0) : Vector3(0, 1, 0)
    let x = (1 / cross(z, other).length) * cross(z, other)
    let tilt = spread * .pi / 180 * (random.gaussian() * x + random.gaussian() * cross(z, x))
    return tilt.length > 1e-12 ? spun * Matrix3(rotationAbout: tilt, by: tilt.length) : spun
  }

  /// Moves seeds to the centroids of their cells and fits weights until the volumes are nearly in these proportions.
  ///
  /// Each round moves a weight by the difference of the squared radii of the wanted and the present sphere, halved. Returns the root
  /// mean square of what the volumes are off, relative.
  @discardableResult
  package mutating func fit(volumes wanted: [Double], rounds: Int = 60) -> Double {
    let total = cell.determinant
    let scale = total / wanted.reduce(0, +)
    var error = 0.0
    for round in 0...rounds {
      let cells = grains.indices.map { cell(of: $0) }
      error = (zip(cells, wanted).reduce(0) { sum, item in
        let d = item.0.volume / (item.1 * scale) - 1
        return sum + d * d
      } / Double(grains.count)).squareRoot()
      if round == rounds || error < 0.01 { break }
      for g in grains.indices {
        func square(_ volume: Double) -> Double { pow(3 * volume / (4 * .pi), 2.0 / 3) }
        // A cell that has vanished comes back where it was.
        grains[g].weight += 0.5 * (square(wanted[g] * scale) - square(max(cells[g].volume, 0)))
        if cells[g].volume > 0 {
          let move = cells[g].centroid * cell.inverse
          var s = grains[g].seed + (isColumnar ? Vector3(move.x, move.y, 0) : move)
          s -= s.rounded(.down)
          grains[g].seed = s
        }
      }
    }
    return error
  }

  /// Volumes whose diameters have a log-normal distribution, `spread` the deviation of ln d.
  package static func logNormalVolumes(_ count: Int, spread: Double, seed: UInt64) -> [Double] {
    (0..<count).map { g in
      var random = CounterRandom(seed: seed, stream: .structures, id: Int64(g), step: 1 << 30 + 3)
      return exp(3 * spread * random.gaussian())
    }
  }
}

extension Matrix3 {
  /// The rotation r ↦ r·R of a unit quaternion (w, x, y, z).
  package init(quaternion q: (Double, Double, Double, Double)) {
    let (w, x, y, z) = q
    self.init(
      Vector3(1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)),
      Vector3(2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)),
      Vector3(2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)))
  }
}
