import MDCore
import MDNumerics

/// Where the search for a boundary's state begins: a bicrystal of the builder with some atoms of the boundary taken out and
/// its grains brought together until they touch.
package struct BicrystalStart: Sendable {
  package private(set) var structure: Structure
  /// What maps one boundary of the cell onto the other; nil where no symmetry does, or there is one boundary.
  package let exchange: BoundaryExchange?
  /// Atoms taken out at each boundary.
  package let removed: Int
  /// Additional distance of the grains at each boundary, Å.
  package let gap: Double
  /// Height of the boundary within the cell, Å.
  private let middle: Double
  /// Atoms of an atomic plane.
  private let plane: Int

  /// Grains touch where two of their atoms are this many nearest-neighbour distances apart: in relaxed boundaries the
  /// closest pairs are some 0.85 to 0.95 of it, and potentials without a repulsive core must not start from less.
  package static let contact = 0.85

  /// - Parameters:
  ///   - bicrystal: two grains and two boundaries, of the builder, with its displacement, without expansion and with all
  ///     atoms.
  ///   - plane: atoms of an atomic plane.
  ///   - removed: atoms to take out at each boundary, fewer than `plane`: chosen by `random` among the `plane` atoms
  ///     of each grain that are nearest to the boundary. Boundaries that are alike lose the same.
  ///   - neighbor: nearest-neighbour distance of the crystal, Å.
  package init(
    _ bicrystal: Structure, plane: Int, removed: Int, neighbor: Double, random: inout CounterRandom
  ) throws {
    let full = BoundaryExchange(bicrystal)
    var gone: Set<Int> = []
    let grains = bicrystal.grains ?? []
    let z = bicrystal.positions.map(\.z)
    let length = bicrystal.box.cell.z.z
    let top = zip(z, grains).reduce(-Double.infinity) { $1.1 == 0 ? max($0, $1.0) : $0 }
    let bottom = zip(z, grains).reduce(Double.infinity) { $1.1 == 1 ? min($0, $1.0) : $0 }
    let middle = 0.5 * (top + bottom)
    if removed > 0 {
      let first = Self.choose(removed, near: middle, z, grains, length, plane, &random)
      gone.formUnion(first)
      if let full {
        gone.formUnion(first.map { full.images[$0] })
      } else {
        // The faces of the cell: half a gap below the first plane.
        let faces = z.reduce(.infinity, min) - 0.5 * (bottom - top)
        gone.formUnion(Self.choose(removed, near: faces, z, grains, length, plane, &random))
      }
    }
    guard gone.count == 2 * removed else {
      throw FaultlineError(.run, "the grains are too thin to take \(removed) atoms out of each boundary", isCollective: true)
    }
    let kept = bicrystal.positions.indices.filter { !gone.contains($0) }
    var structure = bicrystal
    structure.positions = kept.map { bicrystal.positions[$0] }
    structure.types = kept.map { bicrystal.types[$0] }
    structure.grains = kept.map { grains[$0] }
    self.removed = removed
    let gap = Self.gap(structure, distance: Self.contact * neighbor)
    self.gap = gap
    exchange = full.map { BoundaryExchange($0, keeping: kept, gap: gap) }
    self.middle = middle + 0.5 * gap
    self.plane = plane
    var cell = structure.box.cell
    cell.z.z += 2 * gap
    structure.box.setCell(cell)
    for (k, grain) in (structure.grains ?? []).enumerated() where grain == 1 { structure.positions[k].z += gap }
    self.structure = structure
  }

  /// Moves `count` random atoms of the boundary, one after the other, each to the largest hole of a random sample of
  /// points in the boundary; with `exchange`, their images likewise.
  package mutating func move(_ count: Int, random: inout CounterRandom) {
    let z = structure.positions.map(\.z)
    let box = structure.box
    for _ in 0..<count {
      guard
        let atom = Self.choose(
          1, near: middle, z, structure.grains ?? [], box.cell.z.z, plane, &random).first
      else { return }
      let others = structure.positions.indices.filter { $0 != atom && abs(z[$0] - middle) < 8 }
      var best: (point: Vector3, room: Double)?
      for _ in 0..<200 {
        let height = middle + 3 * (random.uniform() - 0.5)
        var point = random.uniform() * box.cell.x + random.uniform() * box.cell.y
        point.z = height
        let room = others.reduce(Double.infinity) { least, i in
          let d = structure.positions[i] - point
          let flat = LayeredGrain.nearest(SIMD2(d.x, d.y), box)
          return min(least, (flat * flat).sum() + d.z * d.z)
        }
        if room > best?.room ?? 0 { best = (point, room) }
      }
      guard let best else { return }
      structure.positions[atom] = best.point
      if let exchange { structure.positions[exchange.images[atom]] = exchange.image(best.point) }
    }
  }

  /// Of each grain's `plane` atoms nearest to a height, `count` in all.
  private static func choose(
    _ count: Int, near height: Double, _ z: [Double], _ grains: [Int32], _ length: Double, _ plane: Int,
    _ random: inout CounterRandom
  ) -> [Int] {
    func distance(_ i: Int) -> Double {
      let d = z[i] - height
      return abs(d - length * (d / length).rounded())
    }
    var near: [Int] = []
    for grain in [Int32(0), 1] {
      near += z.indices.filter { grains[$0] == grain }
        .sorted { (distance($0) * 1e4).rounded() != (distance($1) * 1e4).rounded() ? distance($0) < distance($1) : $0 < $1 }
        .prefix(plane)
    }
    var chosen: [Int] = []
    while chosen.count < count, !near.isEmpty {
      chosen.append(near.remove(at: min(Int(random.uniform() * Double(near.count)), near.count - 1)))
    }
    return chosen
  }

  /// The least additional distance at which no two atoms of different grains are closer than `distance`, at either boundary.
  static func gap(_ structure: Structure, distance: Double) -> Double {
    guard let grains = structure.grains else { return 0 }
    let (box, positions) = (structure.box, structure.positions)
    let (length, lean) = (box.cell.z.z, SIMD2(box.cell.z.x, box.cell.z.y))
    let lower = positions.indices.filter { grains[$0] == 0 }
    let upper = positions.indices.filter { grains[$0] == 1 }
    // In-plane images of cells that may be smaller than the distance.
    let (a, b) = (SIMD2(box.cell.x.x, box.cell.x.y), SIMD2(box.cell.y.x, box.cell.y.y))
    let images = SIMD2(Int((distance / box.heights.x).rounded(.up)), Int((distance / box.heights.y).rounded(.up)))
    var least = -Double.infinity
    for i in lower {
      for j in upper {
        // The boundary within the cell and that at its faces.
        let across = SIMD2(positions[j].x - positions[i].x, positions[j].y - positions[i].y)
        for (rise, way) in [(positions[j].z - positions[i].z, across), (positions[i].z + length - positions[j].z, across - lean)]
        where rise < 3 * distance {
          let flat = LayeredGrain.nearest(way, box)
          for m in -images.x...images.x {
            for n in -images.y...images.y {
              let v = flat + Double(m) * a + Double(n) * b
              let room = distance * distance - (v * v).sum()
              if room > 0 { least = max(least, room.squareRoot() - rise) }
            }
          }
        }
      }
    }
    return least.isFinite ? least : 0
  }
}
