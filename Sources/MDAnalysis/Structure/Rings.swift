import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Rings of bonds in networks, by their size: shortest-path rings, see `BondGraph`. Of a ring of n atoms each has 1/n, so that
/// groups and regions have rings, too; of all atoms the numbers are those of rings.
final class Rings: Instrument {
  private let selection: Selection
  private let cutoff: Double
  /// Species whose atoms are bonded to each other; all if nil.
  private let between: (Int32, Int32)?
  private let largest: Int
  /// Whether an atom, ghosts included, is one of `of`; 1 or 0.
  private let marks: Column<Double>
  /// Shares of rings by size, then atoms of `of`.
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    cutoff = section.double("cutoff")
    largest = section.integer("largest")
    between = try section["between"].map { _ in
      let numbers = try section.strings("between").map { try setting.names.species($0, section, "between") }
      return (numbers[0], numbers[1])
    }
    marks = Self.column(setting.name, setting.atoms)
    sums = BlockedSums(width: largest + 2)
  }

  static func column(_ name: String, _ atoms: AtomStore) -> Column<Double> { atoms.addColumn(name + " marks") }

  func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    let view = scene.view
    for i in 0..<view.localCount { marks[i] = members[i] ? 1 : 0 }
    scene.ghosts.forward(marks.storage)
    var graph = BondGraph(view, cutoff: cutoff, largest: largest) { a, b in
      guard let between = self.between else { return true }
      return (a, b) == between || (b, a) == between
    }
    var sample = [Double](repeating: 0, count: largest + 2)
    var isPossible = true
    for i in 0..<view.localCount {
      if members[i] { sample[largest + 1] += 1 }
      guard isPossible else { continue }
      let id = view.ids[i]
      isPossible = graph.visitRings(of: Int32(i)) { ring in
        let images = ring.reduce(0.0) { $0 + (view.ids[Int($1)] == id ? 1 : 0) }
        let own = ring.reduce(0.0) { $0 + marks[Int($1)] }
        sample[ring.count] += own / (Double(ring.count) * images)
      }
    }
    if scene.communicator.any(!isPossible) {
      throw FaultlineError(
        .run, "rings: more than \(BondGraph.mostPaths) ways of \(largest / 2) bonds from one atom",
        hint: "rings are for networks; give a shorter `cutoff`, `between`, or a smaller `largest`", isCollective: true)
    }
    sums.add(sample)
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let each = all.estimates { sums in
      (0...self.largest).map { sums[self.largest + 1] > 0 ? sums[$0] / sums[self.largest + 1] : 0 }
    }
    let columns = [Figure("size"), Figure("rings", unit: "1", digits: 12)] + Columns.pair("rings_per_atom", "1")
    let rows = (3...largest).map { [Double($0), total[$0], each[$0].value, each[$0].error] }
    let mean = all.estimate { sums in
      let n = (3...self.largest).reduce(0) { $0 + sums[$1] }
      return n > 0 ? (3...self.largest).reduce(0) { $0 + Double($1) * sums[$1] } / n : 0
    }
    let numbers =
      [Report.Number("mean_size", mean, unit: "1", "mean size of shortest-path rings of up to \(largest) atoms")]
      + (3...largest).filter { total[$0] > 0 }.map { n in
        .init("rings_\(n)", each[n], unit: "1", "shortest-path rings of \(n) atoms for each atom")
      }
    return Report(
      tables: [.init(columns: columns, rows: rows)], numbers: all.samples > 0 ? numbers : [], samples: all.samples)
  }
}

extension InstrumentEntry {
  static let rings = InstrumentEntry(
    "rings",
    "Rings of bonds in networks and glasses by their size in atoms: rings of which no two atoms are connected by fewer bonds "
      + "than along the ring.", every: "500",
    [
      cutoff("Atoms that are closer than this are bonded."),
      .optional("between", .list(.string, count: 2...2), "Two species, between which bonds are; between all atoms if absent."),
      .defaulted("largest", .integer(3...24), "12", "Largest ring, in atoms; neighbours are known as far as half of it reaches."),
    ],
    example: "    - rings: {cutoff: 2.1, between: [Si, O], largest: 16}\nspecies: {Si: {charge: 2.4}, O: {charge: -1.2}}",
    reach: { $0.double("cutoff") * Double($0.integer("largest") / 2) },
    declare: { _, name, atoms in _ = Rings.column(name, atoms) }
  ) { try Rings($0, $1) }
}
