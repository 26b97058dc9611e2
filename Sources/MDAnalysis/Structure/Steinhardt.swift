import MDCore
import MDDeck
import MDNumerics

/// Bond-orientational order: q_l and ŵ_l of an atom's neighbours (P. J. Steinhardt, D. R. Nelson, M. Ronchetti, Phys. Rev.
/// B 28, 784, 1983) and q̄_l, averaged over the atom and its neighbours (W. Lechner, C. Dellago, J. Chem. Phys. 129,
/// 114707, 2008). Neighbours are the nearest N, or all within a cutoff.
package final class Steinhardt: Instrument {
  private let selection: Selection
  private let degrees: [Int]
  private let nearest: Int?
  private let reach: Double
  private let bins: Int
  /// q_lm of atoms and ghosts.
  private let column: Column<Double>
  private let width: Int
  private let symbols: [[(Int, Int, Double)]]
  package var sums: BlockedSums

  package init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    degrees = section.integers("degrees")
    nearest = section["neighbors"]?.integer
    reach = section["cutoff"]?.double ?? section["reach"]?.double ?? setting.reach
    bins = section.integer("bins")
    width = degrees.reduce(0) { $0 + 2 * ($1 + 1) }
    column = setting.atoms.addColumn(setting.name + " harmonics", width: width)
    symbols = degrees.map(Harmonics.symbols)
    // Atoms; and for each degree Σ q, Σ q̄, Σ ŵ and histograms of q and q̄.
    sums = BlockedSums(width: 1 + degrees.count * (3 + 2 * bins))
  }

  /// q, ŵ and q̄ of each degree for the local atoms; none (empty) for those without their neighbours. Collective.
  package func values(_ scene: Scene) -> [[(q: Double, w: Double, averaged: Double)]] {
    let list = scene.neighbors(within: reach)
    let view = scene.view
    let q = column.pointer
    var finder = NearestNeighbors(capacity: nearest ?? 1)
    var rows: [[Int32]] = []
    for i in 0..<view.localCount {
      var row: [Int32] = []
      if let nearest {
        finder.find(i, list, view)
        if finder.count == nearest { row = Array(finder.places[..<nearest]) }
      } else {
        row = (list.starts[i]..<list.starts[i + 1]).map { list.indices[$0] }
      }
      rows.append(row)
      let own = q + width * i
      own.update(repeating: 0, count: width)
      var at = 0
      for l in degrees {
        for j in row { Harmonics.add(l, view.positions[Int(j)] - view.positions[i], to: own + at) }
        at += 2 * (l + 1)
      }
      for k in 0..<width where !row.isEmpty { own[k] /= Double(row.count) }
    }
    scene.ghosts.forward(column.storage)
    var mean = [Double](repeating: 0, count: width)
    return rows.indices.map { i in
      let row = rows[i]
      guard !row.isEmpty else { return [] }
      for k in 0..<width { mean[k] = row.reduce(q[width * i + k]) { $0 + q[width * Int($1) + k] } / Double(row.count + 1) }
      var at = 0
      return degrees.indices.map { d in
        let l = degrees[d]
        defer { at += 2 * (l + 1) }
        let own = q + width * i + at
        let averaged = mean.withUnsafeBufferPointer { Harmonics.length(l, $0.baseAddress! + at) }
        return (Harmonics.length(l, own), Harmonics.third(l, own, symbols[d]), averaged)
      }
    }
  }

  package func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    let values = values(scene)
    let (bins, degrees) = (bins, degrees)
    sums.add { sums in
      for (value, isMember) in zip(values, members) where isMember && !value.isEmpty {
        sums[0] += 1
        for d in degrees.indices {
          let row = sums + 1 + d * (3 + 2 * bins)
          row[0] += value[d].q
          row[1] += value[d].averaged
          row[2] += value[d].w
          row[3 + min(Int(value[d].q * Double(bins)), bins - 1)] += 1
          row[3 + bins + min(Int(value[d].averaged * Double(bins)), bins - 1)] += 1
        }
      }
    }
  }

  package func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let size = 3 + 2 * bins
    let columns =
      [Figure("q", unit: "1", digits: 12)]
      + degrees.flatMap {
        [Figure("atoms_q\($0)", unit: "1", digits: 17), Figure("atoms_averaged_q\($0)", unit: "1", digits: 17)]
      }
    let rows = (0..<bins).map { k -> [Double] in
      var row = [(Double(k) + 0.5) / Double(bins)]
      for d in degrees.indices {
        let at = 1 + d * size + 3 + k
        row += [total[at], total[at + bins]]
      }
      return row
    }
    let whom = nearest.map { "the nearest \($0) neighbours" } ?? "neighbours closer than \(reach) Å"
    let numbers = degrees.indices.flatMap { d -> [Report.Number] in
      let l = degrees[d]
      func mean(_ k: Int) -> Estimate { all.estimate { $0[0] > 0 ? $0[1 + d * size + k] / $0[0] : 0 } }
      return [
        .init("q\(l)", mean(0), unit: "1", "mean of √(4π/(2l+1) Σ|q_lm|²) over \(whom)"),
        .init("averaged_q\(l)", mean(1), unit: "1", "the same of q_lm averaged over an atom and its neighbours"),
        .init("w\(l)", mean(2), unit: "1", "mean of the normalised third-order invariant ŵ_l"),
      ]
    }
    return Report(tables: [.init(columns: columns, rows: rows)], numbers: numbers, samples: all.samples)
  }
}

extension InstrumentEntry {
  static let steinhardt = InstrumentEntry(
    "steinhardt",
    "Bond-orientational order: q_l, its average over neighbours and the normalised w_l; means and histograms.",
    every: "500",
    [
      .defaulted("degrees", .list(.integer(2...12), count: 1...6), "[4, 6]", "Degrees l."),
      .optional("neighbors", .integer(2...30), "The nearest so many are the neighbours."),
      .optional("cutoff", .quantity(.length, .positive.plausibly(1...20)), "All closer than this are."), searchReach,
      bins("100", "Intervals of the histograms, from 0 to 1."),
    ],
    rules: [.init(.exactlyOne, of: ["neighbors", "cutoff"])], example: "    - steinhardt: {neighbors: 12}",
    check: { section, context in
      if section["cutoff"] != nil, section["reach"] != nil {
        context.refuse(section.error("reach", "is not for a cutoff, which says how far neighbours are", hint: "leave it out"))
      }
    }, reach: { $0["cutoff"]?.double ?? $0["reach"]?.double ?? 0 }
  ) { try Steinhardt($0, $1) }
}
