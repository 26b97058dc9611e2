import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Bond angles: of each pair of neighbours within a cutoff, once, the angle at the atom between them. Histograms from 0
/// to 180° by the species in the middle and the two at the ends.
final class BondAngles: Instrument {
  private let selection: Selection
  private let species: [String]
  private let cutoff: Double
  private let bins: Int
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    species = setting.species
    cutoff = section.double("cutoff")
    bins = section.integer("bins")
    sums = BlockedSums(width: species.count * species.count * (species.count + 1) / 2 * bins)
  }

  /// The place of a middle and its ends among the histograms.
  private func place(_ center: Int, _ a: Int, _ b: Int) -> Int {
    let (low, high) = (min(a, b), max(a, b))
    return center * (species.count * (species.count + 1) / 2) + high * (high + 1) / 2 + low
  }

  func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    let list = scene.neighbors(within: cutoff)
    let view = scene.view
    var bonds: [(kind: Int, direction: Vector3)] = []
    let scale = Double(bins) / Double.pi
    sums.add { sums in
      for i in 0..<view.localCount where members[i] {
        bonds.removeAll(keepingCapacity: true)
        for k in list.starts[i]..<list.starts[i + 1] {
          let j = Int(list.indices[k])
          let d = view.positions[j] - view.positions[i]
          bonds.append((Int(view.species[j]), d / d.length))
        }
        let center = Int(view.species[i])
        for a in bonds.indices {
          for b in 0..<a {
            let angle = acos(min(max(dot(bonds[a].direction, bonds[b].direction), -1), 1))
            sums[place(center, bonds[a].kind, bonds[b].kind) * bins + min(Int(angle * scale), bins - 1)] += 1
          }
        }
      }
    }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let triples = species.indices.flatMap { c in
      species.indices.flatMap { b in (0...b).map { a in (c: c, a: a, b: b) } }
    }
    func name(_ t: (c: Int, a: Int, b: Int)) -> String { "\(species[t.a])_\(species[t.c])_\(species[t.b])" }
    let width = 180 / Double(bins)
    let columns =
      [Figure("angle", unit: "°", digits: 12), Figure("angles_all", unit: "1", digits: 17)]
      + triples.flatMap {
        [Figure("angles_" + name($0), unit: "1", digits: 17)] + Columns.pair("density_" + name($0), "1/°")
      }
    let densities = triples.map { t in
      all.estimates { sums in
        let row = sums[(self.place(t.c, t.a, t.b) * self.bins)..<((self.place(t.c, t.a, t.b) + 1) * self.bins)]
        let angles = row.reduce(0, +)
        return row.map { angles > 0 ? $0 / angles / width : 0 }
      }
    }
    var rows: [[Double]] = []
    for k in 0..<bins {
      var row = [(Double(k) + 0.5) * width, 0]
      for n in 0..<(total.count / bins) { row[1] += total[n * bins + k] }
      for (t, triple) in triples.enumerated() {
        row.append(total[place(triple.c, triple.a, triple.b) * bins + k])
        row += [densities[t][k].value, densities[t][k].error]
      }
      rows.append(row)
    }
    let mean = all.estimate { sums in
      var (angles, weighted) = (0.0, 0.0)
      for (k, n) in sums.enumerated() {
        angles += n
        weighted += n * (Double(k % self.bins) + 0.5) * width
      }
      return angles > 0 ? weighted / angles : 0
    }
    return Report(
      tables: [.init(columns: columns, rows: rows)],
      numbers: [.init("mean", mean, unit: "°", "mean of all bond angles, each taken at the middle of its bin")],
      samples: all.samples)
  }
}

extension InstrumentEntry {
  static let angles = InstrumentEntry(
    "angles", "Distribution of bond angles, by the species in the middle and at the ends.", every: "200",
    [cutoff("Neighbours are closer than this."), bins("180", "Intervals from 0 to 180°.")],
    example: "    - angles: {cutoff: 3.0}", reach: { $0.double("cutoff") }
  ) { try BondAngles($0, $1) }
}
