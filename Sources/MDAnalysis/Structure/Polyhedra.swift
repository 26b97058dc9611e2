import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Polyhedra of a glass or a crystal: a centre with the corners closer than a cutoff. How many corners they have, how they
/// share them with others (none, a corner, an edge, a face), what corners belong to, and how large the units are that
/// hang together.
final class Polyhedra: Instrument {
  /// How a polyhedron shares corners with the one that it shares most with.
  private static let sharing = ["isolated", "corner_sharing", "edge_sharing", "face_sharing"]
  private static let corners = ["free", "terminal", "bridging", "shared_by_more"]
  /// Counts of this many and more are in the last place.
  private static let most = 32

  /// Places of the sums.
  private enum Place {
    static let sharing = 0, links = 4, corners = 7, coordination = 11
    static let neighbors = coordination + most, units = neighbors + most, size = units + most
  }

  private let selection: Selection
  private let center: Int32
  private let corner: Int32
  private let cutoff: Double
  private let species: [String]
  /// The least id of the centres that hang together.
  private let label: Column<Double>
  /// step, time and polyhedra by how they share, the same on every rank.
  private var history: [[Double]] = []
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    center = try setting.names.species(section, "center")
    corner = try setting.names.species(section, "corner")
    cutoff = section.double("cutoff")
    species = setting.species
    label = Self.column(setting.name, setting.atoms)
    sums = BlockedSums(width: Place.size)
  }

  static func column(_ name: String, _ atoms: AtomStore) -> Column<Double> { atoms.addColumn(name + " unit") }

  /// The polyhedra that the one around local atom i shares corners with, and how many.
  private struct Links {
    var coordination = 0
    /// Places of other centres.
    var others: [(place: Int, shared: Int)] = []
  }

  private func links(_ i: Int, _ list: NeighborView, _ view: AtomView) -> Links {
    var (corners, centers): ([Int], [Int]) = ([], [])
    let square = cutoff * cutoff
    for k in list.starts[i]..<list.starts[i + 1] {
      let j = Int(list.indices[k])
      if view.species[j] == center { centers.append(j) }
      if view.species[j] == corner, (view.positions[j] - view.positions[i]).squaredLength < square { corners.append(j) }
    }
    var links = Links(coordination: corners.count)
    for m in centers {
      var shared = 0
      for j in corners where j != m && (view.positions[j] - view.positions[m]).squaredLength < square { shared += 1 }
      if shared > 0 { links.others.append((m, shared)) }
    }
    return links
  }

  func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    // Two that share a corner are closer than two cutoffs.
    let list = scene.neighbors(within: 2 * cutoff)
    let view = scene.view
    let square = cutoff * cutoff
    let all = (0..<view.localCount).map { view.species[$0] == center ? links($0, list, view) : Links() }
    let sizes = unitSizes(scene, all)
    var sample = [Double](repeating: 0, count: Place.size)
    func count(_ place: Int, _ n: Int) { sample[place + min(n, Self.most - 1)] += 1 }
    for i in 0..<view.localCount where members[i] {
      if view.species[i] == center {
        let own = all[i]
        sample[Place.sharing + min(own.others.reduce(0) { max($0, $1.shared) }, 3)] += 1
        // A link is found from both ends.
        for other in own.others { sample[Place.links + min(other.shared, 3) - 1] += 0.5 }
        count(Place.coordination, own.coordination)
        count(Place.neighbors, own.others.count)
        count(Place.units, sizes[Int64(label[i])] ?? 0)
      }
      if view.species[i] == corner {
        var polyhedra = 0
        for k in list.starts[i]..<list.starts[i + 1] {
          let j = Int(list.indices[k])
          if view.species[j] == center, (view.positions[j] - view.positions[i]).squaredLength < square { polyhedra += 1 }
        }
        sample[Place.corners + min(polyhedra, 3)] += 1
      }
    }
    sums.add(sample)
    var counts = Array(sample[..<Self.sharing.count])
    scene.communicator.sum(&counts)
    history.append([Double(scene.step), scene.time] + counts)
  }

  /// Centres in each unit, by the least id in it. Labels spread from neighbour to neighbour until none changes. Collective.
  private func unitSizes(_ scene: Scene, _ links: [Links]) -> [Int64: Int] {
    let view = scene.view
    let label = label.pointer
    for i in 0..<view.localCount { label[i] = Double(scene.atoms.id[i]) }
    var isMoving = true
    while scene.communicator.any(isMoving) {
      isMoving = false
      scene.ghosts.forward(self.label.storage)
      for i in 0..<view.localCount {
        for other in links[i].others where label[other.place] < label[i] { (label[i], isMoving) = (label[other.place], true) }
      }
    }
    let mine = (0..<view.localCount).filter { view.species[$0] == center }.map { label[$0] }
    var sizes: [Int64: Int] = [:]
    for x in scene.communicator.gatherEverywhere(mine) { sizes[Int64(x), default: 0] += 1 }
    return sizes
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let (center, corner) = (species[Int(center)], species[Int(corner)])
    func part(_ k: Int, _ range: Range<Int>) -> Estimate {
      all.estimate { sums in
        let n = sums[range].reduce(0, +)
        return n > 0 ? sums[k] / n : 0
      }
    }
    func mean(_ place: Int) -> Estimate {
      all.estimate { sums in
        let row = sums[place..<(place + Self.most)]
        let n = row.reduce(0, +)
        return n > 0 ? zip(row, 0...).reduce(0) { $0 + $1.0 * Double($1.1) } / n : 0
      }
    }
    let what = ["no corner with another", "one corner with another, and with none more", "two, an edge", "three or more, a face"]
    var numbers = Self.sharing.enumerated().map { k, name in
      Report.Number(
        name, part(Place.sharing + k, Place.sharing..<Place.links), unit: "1",
        "fraction of polyhedra around \(center) that share \(what[k])")
    }
    for (k, name) in Self.corners.enumerated() {
      numbers.append(
        .init(
          name, part(Place.corners + k, Place.corners..<Place.coordination), unit: "1",
          "fraction of \(corner) that belong to \(k == 3 ? "3 or more" : String(k)) polyhedra"))
    }
    numbers.append(.init("corners", mean(Place.coordination), unit: "1", "mean \(corner) closer to a \(center) than \(cutoff) Å"))
    numbers.append(
      .init("neighbors", mean(Place.neighbors), unit: "1", "mean number of polyhedra that one shares corners with"))
    for (k, name) in ["shared_corners", "shared_edges", "shared_faces"].enumerated() {
      let links = all.estimate { sums in
        let n = sums[Place.sharing..<Place.links].reduce(0, +)
        return n > 0 ? sums[Place.links + k] / n : 0
      }
      numbers.append(.init(name, links, unit: "1", "pairs of polyhedra that share so, for each polyhedron"))
    }
    let starts = [Place.coordination, Place.neighbors, Place.units]
    let last = (0..<Self.most).last { n in starts.contains { total[$0 + n] > 0 } } ?? 0
    let columns =
      [Figure("n")]
      + ["with_corners", "with_neighbors", "in_units"].map { Figure("polyhedra_\($0)", unit: "1", digits: 17) }
    return Report(
      tables: [
        .init(columns: columns, rows: (0...last).map { n in [Double(n)] + starts.map { total[$0 + n] } }),
        .init(
          suffix: "time",
          columns: [Figure("step"), Figure("time", unit: "ps")] + Self.sharing.map { Figure($0, unit: "polyhedra") },
          rows: history),
      ], numbers: numbers, samples: all.samples)
  }

  private struct Kept: Codable {
    var sums: BlockedSums.State
    var history: [[Double]]
  }

  func state(_ communicator: any Communicator) throws -> Data {
    sums.fold(communicator)
    return try JSONEncoder().encode(Kept(sums: sums.state, history: history))
  }

  func restore(_ state: Data, isRoot: Bool) -> Bool {
    guard let kept = try? JSONDecoder().decode(Kept.self, from: state),
      kept.history.allSatisfy({ $0.count == 2 + Self.sharing.count && $0.allSatisfy(\.isFinite) }),
      sums.restore(kept.sums, isRoot: isRoot)
    else { return false }
    history = kept.history
    return true
  }
}

extension InstrumentEntry {
  static let polyhedra = InstrumentEntry(
    "polyhedra",
    "Polyhedra (PS4, SiO4, …): how many corners they have, whether they share corners, edges or faces or stand alone, "
      + "bridging and terminal corners, and the sizes of the units that hang together (P2S7: 2).", every: "500",
    [
      .required("center", .string, "Species in the middle."),
      .required("corner", .string, "Species of the corners."),
      cutoff("Corners are closer to the middle than this."),
    ], example: "    - polyhedra: {center: P, corner: S, cutoff: 2.6}\nspecies: {P: {charge: 1}, S: {charge: -0.25}}",
    check: { section, context in
      if section.string("center") == section.string("corner") {
        context.refuse(section.error("corner", "is the species in the middle", hint: "polyhedra are of two species"))
      }
    }, reach: { 2 * $0.double("cutoff") },
    declare: { _, name, atoms in _ = Polyhedra.column(name, atoms) }
  ) { try Polyhedra($0, $1) }
}
