import MDCore
import MDNumerics

/// Where the search for a boundary's state begins: a bicrystal of the builder with some atoms of the boundary taken out and
/// its grains brought together until they touch.
package struct BicrystalStart: Sendable {
  /// What is taken out of each boundary.
  package struct Removal: Sendable {
    /// Whole formula units, of an element atoms.
    package var units: Int
    /// Single atoms besides, by species.
    package var vacancies: [Int]
    /// Of a formula unit of each grain, by species; empty: an atom of any.
    package var formulas: [[Int]]

    package init(units: Int = 0, vacancies: [Int] = [], formulas: [[Int]] = []) {
      (self.units, self.vacancies, self.formulas) = (units, vacancies, formulas)
    }
  }

  package private(set) var structure: Structure
  /// What maps one boundary of the cell onto the other; nil where no symmetry does, or there is one boundary.
  package let exchange: BoundaryExchange?
  /// Single atoms taken out of each grain, of both boundaries together.
  package let vacancies: [Int]
  /// Additional distance of the grains at each boundary, Å.
  package let gap: Double
  /// Heights of the boundary within the cell and of that at its faces, Å.
  private let heights: (middle: Double, faces: Double)
  /// Atoms of an atomic plane.
  private let plane: Int

  /// Grains touch where two of their atoms are this many nearest-neighbour distances apart: in relaxed boundaries the
  /// closest pairs are some 0.85 to 0.95 of it, and potentials without a repulsive core must not start from less.
  package static let contact = 0.85

  /// - Parameters:
  ///   - bicrystal: two grains and two boundaries, of the builder, with its displacement, without expansion and with all
  ///     atoms.
  ///   - plane: atoms of an atomic plane.
  ///   - removal: chosen by `random` among the `plane` atoms of each grain that are nearest to the boundary; of each formula unit the
  ///     first atom, which takes the nearest of its grain along that make the unit whole. Boundaries that are alike lose the same.
  ///   - neighbor: nearest-neighbour distance of the crystal, Å.
  package init(
    _ bicrystal: Structure, plane: Int, removal: Removal = Removal(), neighbor: Double, random: inout CounterRandom
  ) throws {
    let full = BoundaryExchange(bicrystal)
    let grains = bicrystal.grains ?? []
    let z = bicrystal.positions.map(\.z)
    let length = bicrystal.box.cell.z.z
    let top = zip(z, grains).reduce(-Double.infinity) { $1.1 == 0 ? max($0, $1.0) : $0 }
    let bottom = zip(z, grains).reduce(Double.infinity) { $1.1 == 1 ? min($0, $1.0) : $0 }
    let middle = 0.5 * (top + bottom)
    // The faces of the cell: half a gap below the first plane.
    let faces = z.reduce(.infinity, min) - 0.5 * (bottom - top)
    var gone: Set<Int> = []
    var lost = [0, 0]
    if removal.units > 0 || removal.vacancies.contains(where: { $0 > 0 }) {
      let first = try Self.choose(removal, near: middle, bicrystal, plane, &random)
      let second = try full.map { full in (first.all.map { full.images[$0] }, first.vacancies.map { full.images[$0] }) }
        ?? Self.choose(removal, near: faces, bicrystal, plane, &random)
      gone = Set(first.all + second.0)
      guard gone.count == first.all.count + second.0.count else {
        throw FaultlineError(.run, "the grains are too thin to take atoms out of both boundaries", isCollective: true)
      }
      for i in first.vacancies + second.1 { lost[Int(grains[i])] += 1 }
    }
    vacancies = lost
    let kept = bicrystal.positions.indices.filter { !gone.contains($0) }
    var structure = bicrystal
    structure.positions = kept.map { bicrystal.positions[$0] }
    structure.types = kept.map { bicrystal.types[$0] }
    structure.grains = kept.map { grains[$0] }
    let gap = Self.gap(structure, distance: Self.contact * neighbor)
    self.gap = gap
    exchange = full.map { BoundaryExchange($0, keeping: kept, gap: gap) }
    heights = (middle + 0.5 * gap, faces - 0.5 * gap)
    self.plane = plane
    var cell = structure.box.cell
    cell.z.z = length + 2 * gap
    structure.box.setCell(cell)
    for (k, grain) in (structure.grains ?? []).enumerated() where grain == 1 { structure.positions[k].z += gap }
    self.structure = structure
  }

  /// Exchanges the places of `count` random pairs of atoms of unlike species of the boundary; with `exchange` those of their
  /// images, without it as many at the other boundary.
  package mutating func swap(_ count: Int, random: inout CounterRandom) {
    for _ in 0..<count {
      for height in exchange == nil ? [heights.middle, heights.faces] : [heights.middle] {
        let near = Self.nearest(plane, to: height, structure)
        guard let first = Self.draw(near, &random),
          let second = Self.draw(near.filter({ structure.types[$0] != structure.types[first] }), &random)
        else { continue }
        structure.types.swapAt(first, second)
        if let exchange { structure.types.swapAt(exchange.images[first], exchange.images[second]) }
      }
    }
  }

  /// Moves `count` random atoms of the boundary, one after the other, each to the largest hole of a random sample of
  /// points in the boundary; with `exchange`, their images likewise.
  package mutating func move(_ count: Int, random: inout CounterRandom) {
    let box = structure.box
    for _ in 0..<count {
      guard
        let atom = Self.draw(Self.nearest(plane, to: heights.middle, structure), &random)
      else { return }
      let others = structure.positions.indices.filter { $0 != atom && abs(structure.positions[$0].z - heights.middle) < 8 }
      var best: (point: Vector3, room: Double)?
      for _ in 0..<200 {
        let height = heights.middle + 3 * (random.uniform() - 0.5)
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

  /// What is taken out at a height: all atoms, and those of them that are no part of a formula unit.
  private static func choose(
    _ removal: Removal, near height: Double, _ structure: Structure, _ plane: Int, _ random: inout CounterRandom
  ) throws -> (all: [Int], vacancies: [Int]) {
    let thin = FaultlineError(
      .run, "the grains are too thin to take \(removal.units) units and \(removal.vacancies.reduce(0, +)) atoms out of each boundary", isCollective: true)
    let (types, grains) = (structure.types, structure.grains ?? [])
    var near = nearest(plane, to: height, structure)
    var chosen: [Int] = []
    for _ in 0..<removal.units {
      guard let first = draw(near, &random) else { throw thin }
      chosen.append(first)
      guard !removal.formulas.isEmpty else {
        near.removeAll { $0 == first }
        continue
      }
      var wanted = removal.formulas[Int(grains[first])]
      wanted[Int(types[first])] -= 1
      for (type, count) in wanted.enumerated() where count > 0 {
        let others = types.indices.filter { Int(types[$0]) == type && grains[$0] == grains[first] && !chosen.contains($0) }
          .map { i in (i, (structure.distanceOfImages(first, i) * 1e6).rounded()) }
          .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
        guard others.count >= count else { throw thin }
        chosen += others.prefix(count).map(\.0)
      }
      near.removeAll { chosen.contains($0) }
    }
    var single: [Int] = []
    for (type, count) in removal.vacancies.enumerated() {
      for _ in 0..<count {
        let left = nearest(plane, to: height, structure) { Int(types[$0]) == type && !chosen.contains($0) && !single.contains($0) }
        guard let atom = draw(left, &random) else { throw thin }
        single.append(atom)
      }
    }
    return (chosen + single, single)
  }

  private static func draw(_ atoms: [Int], _ random: inout CounterRandom) -> Int? {
    atoms.isEmpty ? nil : atoms[min(Int(random.uniform() * Double(atoms.count)), atoms.count - 1)]
  }

  /// Of each grain's `plane` atoms nearest to a height those that are `wanted`.
  private static func nearest(
    _ plane: Int, to height: Double, _ structure: Structure, _ wanted: (Int) -> Bool = { _ in true }
  ) -> [Int] {
    let (z, length, grains) = (structure.positions.map(\.z), structure.box.cell.z.z, structure.grains ?? [])
    func distance(_ i: Int) -> Double {
      let d = z[i] - height
      return abs(d - length * (d / length).rounded())
    }
    return [Int32(0), 1].flatMap { grain in
      z.indices.filter { grains[$0] == grain }
        .map { (atom: $0, distance: (distance($0) * 1e4).rounded()) }
        .sorted { ($0.distance, $0.atom) < ($1.distance, $1.atom) }
        .prefix(plane).map(\.atom).filter(wanted)
    }
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
