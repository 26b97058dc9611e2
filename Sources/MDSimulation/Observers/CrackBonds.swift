import MDCore
import MDDynamics
import MDNumerics

/// The bonds of the perfect crystal across a crack's plane, in the order of their places along x, and which of them are broken.
///
/// A bond is a pair of atoms on both sides of the plane whose sites are closer than 1.2 nearest-neighbour distances. It is broken
/// when it is longer than `limit` times what it was. The tip is where the broken ones would end if they were those at the
/// least x: halfway between the last of them and the next. Counting them makes the place insensitive to a bond that breaks ahead of
/// the crack, and linear in an advance of a part of the front.
struct CrackBonds {
  private struct Bond {
    var lower: Int
    var upper: Int
    /// Periods along z from one to the other.
    var shift: Double
    var vector: Vector3
    var length: Double { vector.length }
    /// Of its middle along x, Å.
    var place: Double
  }

  /// Numbers of the atoms beside the plane, ascending.
  private let ids: [Int64]
  private let indexOf: [Int64: Int]
  private let bonds: [Bond]
  private let limit: Double
  /// Between bonds along x, Å.
  let spacing: Double

  /// Finds them from where atoms are in the crystal. Collective.
  init(_ system: DistributedSystem, plane y: Double, neighbor: Double, limit: Double) throws {
    self.limit = limit
    let reach = 1.2 * neighbor
    let atoms = system.atoms
    let sites = Self.sites(atoms)
    // Atom numbers are below 2⁵³, so that doubles hold them.
    let mine = (0..<atoms.localCount).filter { abs(sites[3 * $0 + 1] - y) < reach }
      .flatMap { [Double(atoms.id[$0]), sites[3 * $0], sites[3 * $0 + 1], sites[3 * $0 + 2]] }
    let all = system.communicator.gatherEverywhere(mine)
    let order = (0..<(all.count / 4)).sorted { all[4 * $0] < all[4 * $1] }
    ids = order.map { Int64(all[4 * $0]) }
    indexOf = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, $0) })
    let places = order.map { Vector3(all[4 * $0 + 1], all[4 * $0 + 2], all[4 * $0 + 3]) }
    let period = system.box.cell.z.z
    let images = Int((reach / period).rounded(.up))
    let byX = places.indices.sorted { (places[$0].x, $0) < (places[$1].x, $1) }
    var found: [Bond] = []
    for (k, i) in byX.enumerated() {
      var next = k + 1
      while next < byX.count, places[byX[next]].x - places[i].x <= reach {
        let j = byX[next]
        next += 1
        let (a, b) = places[i].y < y ? (i, j) : (j, i)
        guard places[a].y < y, places[b].y >= y else { continue }
        for n in -images...images {
          var r = places[b] - places[a]
          r.z += Double(n) * period
          guard r.squaredLength < reach * reach else { continue }
          found.append(
            Bond(lower: a, upper: b, shift: Double(n), vector: r, place: 0.5 * (places[a].x + places[b].x)))
        }
      }
    }
    bonds = found.sorted { ($0.place, $0.lower, $0.upper, $0.shift) < ($1.place, $1.lower, $1.upper, $1.shift) }
    guard let first = bonds.first, let last = bonds.last, last.place > first.place else {
      throw FaultlineError(
        .run, "there is no bond across the crack's plane, so that its tip cannot be seen", isCollective: true)
    }
    let distinct = bonds.reduce(into: [Double]()) { if $1.place - ($0.last ?? -.infinity) > 1e-3 { $0.append($1.place) } }
    spacing = (last.place - first.place) / Double(max(distinct.count - 1, 1))
  }

  static func sites(_ atoms: AtomStore) -> UnsafeMutablePointer<Double> {
    guard let column = atoms.column(named: CrackFrame.column) else { preconditionFailure("cracks have sites") }
    return column.base.assumingMemoryBound(to: Double.self)
  }

  /// How many are broken now, where the tip is, Å along x, and how far the sides are apart. Collective.
  func look(_ system: DistributedSystem) -> (broken: Int, tip: Double, opening: CrackOpening) {
    let (atoms, cell) = (system.atoms, system.box.cell)
    var places = [Double](repeating: 0, count: 3 * ids.count)
    for i in 0..<atoms.localCount {
      guard let k = indexOf[atoms.id[i]] else { continue }
      let n = atoms.image[i]
      let r = atoms.position[i] + Vector3(Double(n.x), Double(n.y), Double(n.z)) * cell
      for axis in 0..<3 { places[3 * k + axis] = r[axis] }
    }
    system.communicator.sum(&places)
    func place(_ k: Int) -> Vector3 { Vector3(places[3 * k], places[3 * k + 1], places[3 * k + 2]) }
    var broken = 0
    // Those of one place together.
    var profile: [(place: Double, opening: Vector3)] = []
    var count = 0.0
    for bond in bonds {
      var r = place(bond.upper) - place(bond.lower)
      r.z += bond.shift * cell.z.z
      if r.length > limit * bond.length { broken += 1 }
      let opening = r - bond.vector
      if let last = profile.last, bond.place - last.place < 1e-3 {
        profile[profile.count - 1].opening = (1 / (count + 1)) * (count * last.opening + opening)
        count += 1
      } else {
        profile.append((bond.place, opening))
        count = 1
      }
    }
    let tip =
      broken == 0 ? bonds[0].place
      : broken == bonds.count ? bonds[broken - 1].place : 0.5 * (bonds[broken - 1].place + bonds[broken].place)
    return (broken, tip, CrackOpening(profile: profile))
  }
}
