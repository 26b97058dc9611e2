import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Partial radial distribution functions. g_AB(r) = n_AB(r) / (Σ N_A/V · (N_B − δ_AB) · v(r)) with the ordered pairs
/// n_AB of a chosen atom of species A and any atom of B in the shell, the chosen atoms N_A and the volume V of each
/// sample, all N_B atoms of B (one less for like pairs), and the shell's volume v.
final class RadialDistribution: Instrument {
  private let selection: Selection
  private let species: [String]
  private let counts: [Int]
  private let cutoff: Double
  private let bins: Int
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    species = setting.species
    counts = setting.speciesCounts
    cutoff = section.double("cutoff")
    bins = section.integer("bins")
    // Pairs, then Σ N_A/V, then Σ N_A.
    sums = BlockedSums(width: species.count * species.count * bins + 2 * species.count)
  }

  func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    let list = scene.neighbors(within: cutoff)
    let view = scene.view
    let (kinds, bins) = (species.count, bins)
    let scale = Double(bins) / cutoff
    let tail = kinds * kinds * bins
    sums.add { sums in
      for i in 0..<view.localCount where members[i] {
        let a = Int(view.species[i])
        let r = view.positions[i]
        for k in list.starts[i]..<list.starts[i + 1] {
          let j = Int(list.indices[k])
          let bin = Int((view.positions[j] - r).length * scale)
          if bin < bins { sums[(a * kinds + Int(view.species[j])) * bins + bin] += 1 }
        }
        sums[tail + a] += 1 / scene.box.volume
        sums[tail + kinds + a] += 1
      }
    }
  }

  /// Ordered pairs of species, and all atoms (nil) where there are several.
  private var pairs: [(a: Int, b: Int)?] {
    let each = species.indices.flatMap { a in species.indices.map { b in Optional((a: a, b: b)) } }
    return species.count > 1 ? [nil] + each : each
  }

  private func name(_ pair: (a: Int, b: Int)?) -> String { pair.map { "\(species[$0.a])_\(species[$0.b])" } ?? "all" }

  private func curve(_ sums: [Double], _ pair: (a: Int, b: Int)?) -> [Double] {
    let kinds = species.count
    let tail = kinds * kinds * bins
    let n = counts.reduce(0, +)
    let norm =
      pair.map { sums[tail + $0.a] * Double(counts[$0.b] - ($0.a == $0.b ? 1 : 0)) }
      ?? (0..<kinds).reduce(0) { $0 + sums[tail + $1] } * Double(n - 1)
    let width = cutoff / Double(bins)
    return (0..<bins).map { k in
      let found =
        pair.map { sums[($0.a * kinds + $0.b) * bins + k] }
        ?? (0..<(kinds * kinds)).reduce(0) { $0 + sums[$1 * bins + k] }
      let (low, high) = (width * Double(k), width * Double(k + 1))
      let shell = 4 / 3 * Double.pi * (high * high * high - low * low * low)
      return norm > 0 ? found / (norm * shell) : 0
    }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let pairs = pairs
    let kinds = species.count
    let tail = kinds * kinds * bins
    let curves = pairs.map { pair in all.estimates { self.curve($0, pair) } }
    let width = cutoff / Double(bins)
    // Ordered pairs seen, so that counts can be compared exactly.
    let total = all.total
    let found = pairs.map { pair in
      (0..<bins).map { k in
        pair.map { total[($0.a * kinds + $0.b) * bins + k] }
          ?? (0..<(kinds * kinds)).reduce(0) { $0 + total[$1 * bins + k] }
      }
    }
    let columns =
      [Figure("r", unit: "Å", digits: 12)]
      + pairs.flatMap { Columns.pair("g_" + name($0), "1") + [Figure("pairs_" + name($0), unit: "1", digits: 17)] }
    let rows = (0..<bins).map { k -> [Double] in
      var row = [(Double(k) + 0.5) * width]
      for p in pairs.indices { row += [curves[p][k].value, curves[p][k].error, found[p][k]] }
      return row
    }
    let peaks = pairs.map { pair in
      let place = all.estimate { sums in
        let g = self.curve(sums, pair)
        return (Double(g.indices.max { g[$0] < g[$1] } ?? 0) + 0.5) * width
      }
      return Report.Number(
        "highest_" + name(pair), place, unit: "Å", "distance of the highest value of g(r), middle of its bin")
    }
    let neighbors = pairs.map { pair -> Report.Number in
      let mean = all.estimate { sums in
        let centers = pair.map { sums[tail + kinds + $0.a] } ?? (0..<kinds).reduce(0) { $0 + sums[tail + kinds + $1] }
        let found =
          pair.map { p in (0..<self.bins).reduce(0) { $0 + sums[(p.a * kinds + p.b) * self.bins + $1] } }
          ?? sums[..<tail].reduce(0, +)
        return centers > 0 ? found / centers : 0
      }
      return Report.Number("neighbors_" + name(pair), mean, unit: "1", "neighbours closer than the cutoff, an atom")
    }
    return Report(tables: [.init(columns: columns, rows: rows)], numbers: peaks + neighbors, samples: all.samples)
  }
}

extension InstrumentEntry {
  static let rdf = InstrumentEntry(
    "rdf",
    "Partial radial distribution functions g_AB(r): ordered pairs over what they would be without order, N_B − 1 in the "
      + "place of N_B for like pairs.",
    every: "200",
    [cutoff("Largest distance."), bins("200", "Intervals of equal width up to the cutoff.")],
    example: "    - rdf: {cutoff: 8, bins: 160}", reach: { $0.double("cutoff") }
  ) { try RadialDistribution($0, $1) }
}
