import MDCore
import MDDeck
import MDNumerics

/// The centrosymmetry parameter of the nearest N atoms (C. L. Kelchner, S. J. Plimpton, J. C. Hamilton, Phys. Rev. B 58,
/// 11085, 1998): the sum of the N/2 smallest of all |r_a + r_b|², Å². 0 where the surroundings are their own inverse.
final class Centrosymmetry: Instrument {
  private let selection: Selection
  private let neighbors: Int
  private let reach: Double
  private let bins: Int
  private let largest: Double
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    neighbors = section.integer("neighbors")
    reach = section["reach"]?.double ?? setting.reach
    bins = section.integer("bins")
    largest = section.double("largest")
    // Atoms, Σ p, and the histogram.
    sums = BlockedSums(width: 2 + bins)
  }

  /// Of the local atoms; nil for those with too few neighbours.
  static func values(_ scene: Scene, neighbors n: Int, reach: Double) -> [Double?] {
    let list = scene.neighbors(within: reach)
    let view = scene.view
    var nearest = NearestNeighbors(capacity: n)
    var squares: [Double] = []
    return (0..<view.localCount).map { i in
      nearest.find(i, list, view)
      guard nearest.count == n else { return nil }
      squares.removeAll(keepingCapacity: true)
      for a in 0..<n { for b in 0..<a { squares.append((nearest.vectors[a] + nearest.vectors[b]).squaredLength) } }
      squares.sort()
      return squares[..<(n / 2)].reduce(0, +)
    }
  }

  func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    let values = Self.values(scene, neighbors: neighbors, reach: reach)
    sums.add { sums in
      for (value, isMember) in zip(values, members) where isMember {
        guard let value else { continue }
        sums[0] += 1
        sums[1] += value
        sums[2 + min(Int(value / largest * Double(bins)), bins - 1)] += 1
      }
    }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let width = largest / Double(bins)
    let mean = all.estimate { $0[0] > 0 ? $0[1] / $0[0] : 0 }
    return Report(
      tables: [
        .init(
          columns: [Figure("centrosymmetry", unit: "Å²", digits: 12), Figure("atoms", unit: "1", digits: 17)],
          rows: (0..<bins).map { [(Double($0) + 0.5) * width, total[2 + $0]] })
      ],
      numbers: [
        .init(
          "mean", mean, unit: "Å²",
          "mean over atoms of the sum of the \(neighbors / 2) smallest |r_a + r_b|² of the nearest \(neighbors)")
      ], samples: all.samples)
  }
}

extension InstrumentEntry {
  static let centrosymmetry = InstrumentEntry(
    "centrosymmetry",
    "Centrosymmetry parameter: histogram and mean. Values above the largest are in its last interval; atoms with too few "
      + "neighbours are left out.", every: "500",
    [
      .defaulted("neighbors", .integer(2...24), "12", "Nearest atoms that count, an even number: 12 for fcc, 8 for bcc."),
      bins("100", "Intervals of the histogram."),
      .defaulted("largest", .number(.positive), "20", "Upper end of the histogram, Å²."), searchReach,
    ], example: "    - centrosymmetry: {neighbors: 12}",
    check: { section, context in
      if section.integer("neighbors") % 2 != 0 {
        context.refuse(section.error("neighbors", "is odd", hint: "opposite neighbours make pairs"))
      }
    }, reach: { $0["reach"]?.double ?? 0 }
  ) { try Centrosymmetry($0, $1) }
}
