import MDCore
import MDNumerics

/// An isometry g that maps a bicrystal with two boundaries onto itself and one boundary onto the other, so that both can be
/// kept in the same state: r ↦ (x, y)·P + c, z ↦ z + h or h − z.
package struct BoundaryExchange: Sendable {
  let plane: PlaneOperation
  let flips: Bool
  /// c and h, Å.
  let translation: Vector3
  /// The partner of each atom: its image by g in the first half, by g⁻¹ in the second, so that a partner's partner is the
  /// atom itself. (g twice may be a translation of the crystal.)
  package let images: [Int]
  /// 1 for atoms between the middles of the first and the second grain, around the boundary within the cell; 2 for those
  /// around the one at its faces; 0 for those on a mirror plane between.
  package let halves: [Int8]

  /// - Parameter structure: a bicrystal of the builder (periodic, `grains` 0 and 1, normal along z), not expanded and with
  ///   no atom removed.
  package init?(_ structure: Structure) {
    guard let grains = structure.grains, structure.box.periodic.isFull else { return nil }
    let z = structure.positions.map(\.z)
    func ends(_ grain: Int32) -> (low: Double, high: Double) {
      zip(z, grains).reduce(into: (.infinity, -.infinity)) {
        if $1.1 == grain { $0 = (min($0.0, $1.0), max($0.1, $1.0)) }
      }
    }
    let (lower, upper) = (ends(0), ends(1))
    guard lower.low < lower.high, upper.low < upper.high, lower.high < upper.low else { return nil }
    let finder = PlaneFinder(structure)
    for flips in [false, true] {
      // The first grain goes to the second, or onto itself.
      let height = flips ? lower.low + lower.high : upper.low - lower.low
      for p in PlaneOperation.all(of: structure.box) {
        guard let (c, images) = finder.map(p, flips: flips, height: height) else { continue }
        // A mirror plane passes amid the grains; without one the middle of the first grain may be anywhere.
        let (a, b) = (0.5 * (lower.low + lower.high), flips ? 0.5 * (upper.low + upper.high) : 0.5 * (lower.low + lower.high) + height)
        let t = LayeredGrain.tolerance
        let halves: [Int8] = z.map { z in
          if flips, abs(z - a) < t || abs(z - b) < t { return 0 }
          return z > a - t && z < b - t ? 1 : 2
        }
        var partners = images
        for i in images.indices where halves[i] == 1 { partners[images[i]] = i }
        guard partners.indices.allSatisfy({ halves[$0] == 0 || halves[partners[$0]] == 3 - halves[$0] }) else { continue }
        plane = p
        self.flips = flips
        translation = Vector3(c.x, c.y, height)
        self.images = partners
        self.halves = halves
        return
      }
    }
    return nil
  }

  /// What it does after atoms were removed and the grains drawn apart by `gap` at each boundary: `kept` are the places of
  /// those that are left, images of one another.
  init(_ full: BoundaryExchange, keeping kept: [Int], gap: Double) {
    (plane, flips) = (full.plane, full.flips)
    translation = full.translation + Vector3(0, 0, full.flips ? 0 : gap)
    let place = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    images = kept.map { place[full.images[$0]]! }
    halves = kept.map { full.halves[$0] }
  }

  /// Copies one boundary onto the other, in the state that atoms and cell are in now. The cell's length becomes twice what
  /// lies between the middles of the grains around the boundary that is copied.
  ///
  /// - Parameters:
  ///   - half: 1 or 2, that is copied.
  ///   - start: where the atoms were when the isometry held.
  ///   - structure: `positions` of the same atoms, images across the cell's faces as they may be.
  package func copying(_ half: Int8, of structure: Structure, from start: Structure) -> Structure {
    var result = structure
    let box = structure.box
    var positions = structure.followed(from: start)
    let length = box.cell.z.z
    // The two seams, amid the grains: how far the crystal there is from where it was.
    let ratio = length / start.box.cell.z.z
    let seams = Seams(self, start)
    func drift(_ atoms: [Int]) -> Vector3 {
      let moves = structure.moves(of: atoms, to: positions, from: start)
      return (1 / Double(max(moves.count, 1))) * moves.reduce(.zero, +)
    }
    let (low, high) = (drift(seams.low), drift(seams.high))
    let (a, b) = (ratio * seams.heights.low + low.z, ratio * seams.heights.high + high.z)
    let span = half == 1 ? b - a : length - (b - a)
    // c of g as it is now, in the plane from the atoms of the seams, which are crystal.
    var c = translation
    c.z = flips ? 2 * (half == 1 ? a : b) : span
    // Where z turns round, of the grain that g keeps: the other one's images are a lattice vector away, which may lean.
    let lean = SIMD2(start.box.cell.z.x, start.box.cell.z.y)
    let base = SIMD2(translation.x, translation.y) + (flips && half == 2 ? lean : .zero)
    let seen = (flips ? (half == 1 ? seams.low : seams.high) : seams.low + seams.high).filter { halves[$0] == 1 }
    var sum = SIMD2<Double>.zero
    for i in seen {
      let move = positions[images[i]] - apply(positions[i], .zero)
      sum += LayeredGrain.nearest(SIMD2(move.x, move.y) - base, box)
    }
    let mean = base + sum / Double(max(seen.count, 1))
    (c.x, c.y) = (mean.x, mean.y)
    var cell = box.cell
    // Where the cell leans, c is what g and the same isometry about the other grain, at p and q, differ by: (1 − P)(q − p), of the
    // second half (1 − P)(p + c − q). The grains have slid since this was so.
    let slide = SIMD2(high.x - low.x, high.y - low.y)
    let now = half == 1 ? slide : SIMD2(box.cell.z.x, box.cell.z.y) - slide
    let leans = flips ? (now - plane.image(now)) + (half == 1 ? 1.0 : -1.0) * lean : SIMD2<Double>.zero
    cell.z = Vector3(leans.x, leans.y, 2 * span)
    result.box.setCell(cell)
    if half == 2 {
      // The half at the faces of the cell as one piece, above the other.
      for i in positions.indices where halves[i] != 1 && start.positions[i].z < seams.heights.low + LayeredGrain.tolerance {
        positions[i] += box.cell.z
      }
    }
    for i in positions.indices where halves[i] == half {
      positions[images[i]] = half == 1 ? apply(positions[i], c) : applyInverse(positions[i], c)
    }
    // Atoms on a mirror plane: the middle between where they are and where their images say.
    let old = positions
    for i in positions.indices where halves[i] == 0 {
      var move = (applyInverse(old[images[i]], c) - old[i]) * result.box.inverse
      move -= move.rounded(.toNearestOrEven)
      positions[i] += 0.5 * (move * result.box.cell)
    }
    result.positions = positions
    return result
  }

  /// Where it maps a point, in the configuration that it holds in.
  func image(_ r: Vector3) -> Vector3 { apply(r, translation) }

  func apply(_ r: Vector3, _ c: Vector3) -> Vector3 {
    let xy = plane.image(SIMD2(r.x, r.y))
    return Vector3(xy.x + c.x, xy.y + c.y, (flips ? -r.z : r.z) + c.z)
  }

  /// The other way round: P is orthogonal.
  private func applyInverse(_ r: Vector3, _ c: Vector3) -> Vector3 {
    let d = SIMD2(r.x - c.x, r.y - c.y)
    return Vector3((d * plane.x).sum(), (d * plane.y).sum(), flips ? c.z - r.z : r.z - c.z)
  }

  /// Atoms near the planes between the halves, in the configuration that the isometry holds in.
  private struct Seams {
    var low: [Int] = []
    var high: [Int] = []
    var heights: (low: Double, high: Double)

    init(_ exchange: BoundaryExchange, _ start: Structure) {
      // The plane below half 1 is above the highest atom of half 2 that is below it, and so on.
      let z = start.positions.map(\.z)
      let inner = zip(z, exchange.halves).filter { $0.1 == 1 }.map(\.0)
      let (bottom, top) = (inner.min() ?? 0, inner.max() ?? 0)
      heights = exchange.flips
        ? (0.5 * exchange.translation.z, 0.5 * (exchange.translation.z + start.box.cell.z.z))
        : (bottom, bottom + 0.5 * start.box.cell.z.z)
      for i in z.indices {
        if abs(z[i] - bottom) < 3 { low.append(i) }
        if abs(z[i] - top) < 3 { high.append(i) }
      }
    }
  }
}

/// Finds atoms of a structure by height and place in the plane.
private struct PlaneFinder {
  let structure: Structure
  /// Indices by height, in bins of a tenth of an Å.
  private var bins: [Int: [Int]] = [:]
  private static let width = 0.1

  init(_ structure: Structure) {
    self.structure = structure
    for i in structure.positions.indices { bins[bin(structure.positions[i].z), default: []].append(i) }
  }

  private func bin(_ z: Double) -> Int { Int((z / Self.width).rounded(.down)) }

  /// Atoms with an image at this height, and where in the plane that image is, Å.
  private func atoms(near z: Double) -> [(index: Int, place: SIMD2<Double>)] {
    let c = structure.box.cell.z
    let lean = SIMD2(c.x, c.y)
    let first = Int((z / c.z).rounded(.down))
    var found: [(index: Int, place: SIMD2<Double>)] = []
    for turn in (first - 1)...(first + 1) {
      let height = z - Double(turn) * c.z
      let k = bin(height)
      for i in [k - 1, k, k + 1].flatMap({ bins[$0] ?? [] }) where abs(structure.positions[i].z - height) < LayeredGrain.tolerance {
        let r = structure.positions[i]
        found.append((i, SIMD2(r.x, r.y) + Double(turn) * lean))
      }
    }
    return found
  }

  /// The translation in the plane with which P and the change of z map the structure onto itself, and the images.
  func map(_ p: PlaneOperation, flips: Bool, height: Double) -> (SIMD2<Double>, [Int])? {
    let (positions, types) = (structure.positions, structure.types)
    func flat(_ i: Int) -> SIMD2<Double> { SIMD2(positions[i].x, positions[i].y) }
    func lifted(_ i: Int) -> Double { (flips ? -positions[i].z : positions[i].z) + height }
    for target in atoms(near: lifted(0)) where types[target.index] == types[0] {
      let c = LayeredGrain.nearest(target.place - p.image(flat(0)), structure.box)
      var images: [Int] = []
      for i in positions.indices {
        let place = p.image(flat(i)) + c
        guard
          let image = atoms(near: lifted(i)).first(where: {
            types[$0.index] == types[i] && LayeredGrain.distance($0.place - place, structure.box) < LayeredGrain.tolerance
          })
        else { break }
        images.append(image.index)
      }
      if images.count == positions.count, Set(images).count == images.count { return (c, images) }
    }
    return nil
  }
}
