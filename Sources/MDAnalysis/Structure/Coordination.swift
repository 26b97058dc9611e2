import MDCore
import MDDeck

/// How many neighbours of each species atoms have within a cutoff: means and histograms.
final class Coordination: Instrument {
  private let selection: Selection
  private let species: [String]
  private let cutoff: Double
  /// Counts of this many and more are in the last place.
  private static let most = 64
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    species = setting.species
    cutoff = section.double("cutoff")
    sums = BlockedSums(width: species.count * (species.count + 1) * Self.most)
  }

  func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    let list = scene.neighbors(within: cutoff)
    let view = scene.view
    let kinds = species.count
    var found = [Int](repeating: 0, count: kinds + 1)
    sums.add { sums in
      for i in 0..<view.localCount where members[i] {
        for b in 0..<kinds { found[b] = 0 }
        for k in list.starts[i]..<list.starts[i + 1] { found[Int(view.species[Int(list.indices[k])])] += 1 }
        found[kinds] = list.starts[i + 1] - list.starts[i]
        let row = Int(view.species[i]) * (kinds + 1)
        for b in 0...kinds { sums[(row + b) * Self.most + min(found[b], Self.most - 1)] += 1 }
      }
    }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let kinds = species.count
    let total = all.total
    let pairs = species.indices.flatMap { a in (0...kinds).map { (a, $0) } }
    func name(_ pair: (Int, Int)) -> String { "\(species[pair.0])_" + (pair.1 == kinds ? "all" : species[pair.1]) }
    func place(_ pair: (Int, Int)) -> Int { (pair.0 * (kinds + 1) + pair.1) * Self.most }
    let last = (0..<Self.most).last { n in pairs.contains { total[place($0) + n] > 0 } } ?? 0
    let columns = [Figure("neighbors")] + pairs.map { Figure("atoms_" + name($0), unit: "1", digits: 17) }
    let rows = (0...last).map { n in [Double(n)] + pairs.map { total[place($0) + n] } }
    let numbers = pairs.map { pair in
      let mean = all.estimate { sums in
        let row = sums[place(pair)..<(place(pair) + Self.most)]
        let atoms = row.reduce(0, +)
        return atoms > 0 ? zip(row, 0...).reduce(0) { $0 + $1.0 * Double($1.1) } / atoms : 0
      }
      return Report.Number(name(pair), mean, unit: "1", "mean number of such neighbours closer than \(cutoff) Å")
    }
    return Report(tables: [.init(columns: columns, rows: rows)], numbers: numbers, samples: all.samples)
  }
}

extension InstrumentEntry {
  static let coordination = InstrumentEntry(
    "coordination",
    "Coordination numbers: neighbours of each species within a cutoff, their means and histograms.", every: "200",
    [cutoff("Neighbours are closer than this.")], example: "    - coordination: {cutoff: 3.0}",
    reach: { $0.double("cutoff") }
  ) { try Coordination($0, $1) }
}
