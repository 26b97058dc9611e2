import Foundation
import MDCore
import MDDeck
import MDNumerics

/// A part of space, or of the atoms, that instruments can be about.
package protocol Region: AnyObject {
  /// For each local atom whether it is in it now. Collective.
  func members(_ scene: Scene) throws -> [Bool]
  /// How far it looks for neighbours, Å.
  var reach: Double { get }
  /// The direction across it and its thickness, if it is a layer: 0, 1, 2 for x, y, z, and Å.
  var layer: (axis: Int, thickness: Double)? { get }
  /// What a checkpoint keeps; nil if it is a function of the atoms.
  var state: [Double]? { get }
  /// False if it is no such state.
  func restore(_ state: [Double]) -> Bool
}

extension Region {
  package var reach: Double { 0 }
  package var layer: (axis: Int, thickness: Double)? { nil }
  package var state: [Double]? { nil }
  package func restore(_ state: [Double]) -> Bool { state.isEmpty }
}

/// low ≤ x < high of the wrapped position along a Cartesian axis.
final class SlabRegion: Region {
  private let axis: Int
  private let range: Range<Double>

  init(_ section: DeckSection) {
    axis = section.axis("axis")
    let bounds = section.doubles("range")
    range = bounds[0]..<max(bounds[0], bounds[1])
  }

  var layer: (axis: Int, thickness: Double)? { (axis, range.upperBound - range.lowerBound) }

  func members(_ scene: Scene) -> [Bool] {
    (0..<scene.atoms.localCount).map { range.contains(scene.wrapped($0)[axis]) }
  }
}

/// Closer than the radius to a point, or to an axis through it; the nearest image counts.
final class RoundRegion: Region {
  private let center: Vector3
  private let radius: Double
  /// Of a cylinder.
  private let axis: Int?

  init(_ section: DeckSection, axis: Int?) {
    center = section.vector("center")
    radius = section.double("radius")
    self.axis = axis
  }

  func members(_ scene: Scene) -> [Bool] {
    let square = radius * radius
    return (0..<scene.atoms.localCount).map { i in
      let d = scene.atoms.position[i] - center
      guard let axis else { return scene.nearestImage(d).squaredLength < square }
      return isNear(d, axis, scene, square)
    }
  }

  /// Of all images around the nearest one, since the nearest in space need not be the nearest to the axis.
  private func isNear(_ d: Vector3, _ axis: Int, _ scene: Scene, _ square: Double) -> Bool {
    let near = scene.nearestImage(d)
    let p = scene.box.periodic
    for a in (p.a ? -1 : 0)...(p.a ? 1 : 0) {
      for b in (p.b ? -1 : 0)...(p.b ? 1 : 0) {
        for c in (p.c ? -1 : 0)...(p.c ? 1 : 0) {
          var r = near + Vector3(Double(a), Double(b), Double(c)) * scene.box.cell
          r[axis] = 0
          if r.squaredLength < square { return true }
        }
      }
    }
    return false
  }
}

/// Atoms with fewer neighbours than a bulk atom has: surfaces, voids, cracks.
final class SurfaceRegion: Region {
  private let cutoff: Double
  private let fewest: Int

  init(_ section: DeckSection) {
    cutoff = section.double("cutoff")
    fewest = section.integer("below")
  }

  var reach: Double { cutoff }

  func members(_ scene: Scene) -> [Bool] {
    let list = scene.neighbors(within: cutoff)
    return (0..<list.rowCount).map { list.starts[$0 + 1] - list.starts[$0] < fewest }
  }
}

/// Layers that follow the grain boundaries. Their middles are means of the positions, along the normal of a and b, of the
/// atoms whose structure (adaptive common neighbours) is not that of the crystal, each atom counted for the boundary
/// next to it, of all atoms or of one species among its like: an ionic crystal's sublattice; a new mean moves a middle by the fraction `follow` of the way. The first middles are those that least
/// squares finds from the highest peaks of these atoms' density.
package final class BoundaryRegion: Region {
  private let crystal: StructureType
  /// The species whose lattice it is; nil for all atoms.
  private let sublattice: Int32?
  private let count: Int
  private let width: Double
  private let follow: Double
  private let every: Int
  package let reach: Double
  /// Fractions of the cell along c.
  package private(set) var middles: [Double] = []
  private var updated = -1

  package init(_ section: DeckSection, reach: Double, sublattice: Int32? = nil) {
    self.sublattice = sublattice
    crystal = StructureType(rawValue: section.string("crystal")) ?? .fcc
    count = section.integer("count")
    width = section.double("width")
    follow = section.double("follow")
    every = section.integer("every")
    self.reach = section["reach"]?.double ?? reach
  }

  package var layer: (axis: Int, thickness: Double)? { (2, width) }
  package var state: [Double]? { [Double(updated)] + middles }

  package func restore(_ state: [Double]) -> Bool {
    guard let step = state.first, step == step.rounded(), step >= -1, step < 1e15, [0, count].contains(state.count - 1),
      state.dropFirst().allSatisfy({ (0..<1).contains($0) })
    else { return false }
    (updated, middles) = (Int(step), Array(state.dropFirst()))
    return true
  }

  package func members(_ scene: Scene) throws -> [Bool] {
    try update(scene)
    let half = 0.5 * width / scene.box.heights.z
    return (0..<scene.atoms.localCount).map { distance(scene, $0).map { $0 < half } ?? false }
  }

  /// From the nearest middle, in fractions of the cell; nil if there is none.
  fileprivate func distance(_ scene: Scene, _ i: Int) -> Double? {
    let s = scene.box.fractional(scene.atoms.position[i]).z
    return middles.map { abs(Self.between(s, $0, isPeriodic: scene.box.periodic.c)) }.min()
  }

  /// The shorter way from b to a.
  private static func between(_ a: Double, _ b: Double, isPeriodic: Bool) -> Double {
    let d = a - b
    return isPeriodic ? d - d.rounded() : d
  }

  /// Looks for the boundaries if it is time. Collective.
  fileprivate func update(_ scene: Scene) throws {
    guard middles.isEmpty || (scene.step >= updated + every && scene.step != updated) else { return }
    let types = CommonNeighbors.adaptive(scene, reach: reach, of: sublattice)
    let species = scene.view.species
    let strangers = types.indices.filter { types[$0] != crystal && (sublattice == nil || species[$0] == sublattice) }
      .map { scene.box.fractional(scene.atoms.position[$0]).z }
    let isPeriodic = scene.box.periodic.c
    if middles.isEmpty {
      middles = try first(strangers, scene)
      for _ in 0..<20 { middles = means(strangers, 1, isPeriodic, scene) }
    } else {
      middles = means(strangers, follow, isPeriodic, scene)
    }
    updated = scene.step
  }

  /// The highest peaks of a histogram, a fair distance apart. Collective.
  private func first(_ strangers: [Double], _ scene: Scene) throws -> [Double] {
    let bins = 64
    var counts = [Double](repeating: 0, count: bins)
    for s in strangers { counts[Int(((s - s.rounded(.down)) * Double(bins))) % bins] += 1 }
    scene.communicator.sum(&counts)
    // Means over neighbours, so that one plane of atoms is not a peak.
    let smooth = (0..<bins).map { k in
      (-2...2).reduce(0) { $0 + counts[(k + $1 + bins) % bins] }
    }
    var peaks: [Double] = []
    for k in smooth.indices.sorted(by: { smooth[$0] == smooth[$1] ? $0 < $1 : smooth[$0] > smooth[$1] }) where smooth[k] > 0 {
      let s = (Double(k) + 0.5) / Double(bins)
      let apart = 0.5 / Double(count)
      if peaks.allSatisfy({ abs(Self.between(s, $0, isPeriodic: scene.box.periodic.c)) >= apart }) { peaks.append(s) }
      if peaks.count == count { return peaks.sorted() }
    }
    throw FaultlineError(
      .input, "no \(count) boundaries are found: all atoms but a few have the structure \(crystal.rawValue)",
      hint: "regions of kind boundary need a bicrystal, and `crystal` that its grains have; `count` is 2 in a cell that "
        + "is periodic along c", isCollective: true)
  }

  /// Collective.
  private func means(_ strangers: [Double], _ share: Double, _ isPeriodic: Bool, _ scene: Scene) -> [Double] {
    var sums = [Double](repeating: 0, count: 2 * middles.count)
    for s in strangers {
      let offsets = middles.map { Self.between(s, $0, isPeriodic: isPeriodic) }
      guard let nearest = offsets.indices.min(by: { abs(offsets[$0]) < abs(offsets[$1]) }) else { continue }
      sums[2 * nearest] += offsets[nearest]
      sums[2 * nearest + 1] += 1
    }
    scene.communicator.sum(&sums)
    return middles.indices.map { k in
      guard sums[2 * k + 1] > 0 else { return middles[k] }
      let moved = middles[k] + share * sums[2 * k] / sums[2 * k + 1]
      let wrapped = isPeriodic ? moved - moved.rounded(.down) : min(max(moved, 0), 1)
      // Rounding may make a whole cell of it.
      return wrapped < 1 ? wrapped : 0
    }
  }
}

/// What is farther than a distance from all boundaries of another region.
final class BulkRegion: Region {
  private let boundary: BoundaryRegion
  private let distance: Double

  init(_ section: DeckSection, boundary: BoundaryRegion) {
    self.boundary = boundary
    distance = section.double("distance")
  }

  var reach: Double { boundary.reach }

  func members(_ scene: Scene) throws -> [Bool] {
    try boundary.update(scene)
    let least = distance / scene.box.heights.z
    return (0..<scene.atoms.localCount).map { boundary.distance(scene, $0).map { $0 >= least } ?? true }
  }
}
