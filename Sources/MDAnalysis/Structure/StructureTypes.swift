import Foundation
import MDCore
import MDDeck

/// Fractions of atoms by their local structure, in time and as means: common neighbour analysis.
final class StructureTypes: Instrument {
  private let selection: Selection
  /// nil for a cutoff of each atom's own.
  private let cutoff: Double?
  private let reach: Double
  /// step, time and counts of each sample, the same on every rank.
  private var history: [[Double]] = []
  private var grains: GrainCounts?
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    cutoff = section["cutoff"]?.double
    reach = section["reach"]?.double ?? setting.reach
    sums = BlockedSums(width: StructureType.allCases.count)
    grains = try GrainCounts(section, setting, kinds: StructureType.allCases.count)
  }

  func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    let types = cutoff.map { CommonNeighbors.fixed(scene, cutoff: $0) } ?? CommonNeighbors.adaptive(scene, reach: reach)
    let places = types.map { StructureType.allCases.firstIndex(of: $0) ?? 0 }
    var counts = StructureType.allCases.map { _ in 0.0 }
    for (place, isMember) in zip(places, members) where isMember { counts[place] += 1 }
    sums.add(counts)
    scene.communicator.sum(&counts)
    history.append([Double(scene.step), scene.time] + counts)
    grains?.take(scene) { members[$0] ? places[$0] : nil }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let columns =
      [Figure("step"), Figure("time", unit: "ps")] + StructureType.allCases.map { Figure($0.rawValue, unit: "atoms") }
    let numbers = StructureType.allCases.enumerated().map { k, type in
      let fraction = all.estimate { sums in
        let n = sums.reduce(0, +)
        return n > 0 ? sums[k] / n : 0
      }
      return Report.Number(
        type.rawValue, fraction, unit: "1",
        "fraction of atoms of this structure by common neighbour analysis with "
          + (cutoff.map { "the cutoff \($0) Å" } ?? "adaptive cutoffs"))
    }
    var tables = [Report.Table(columns: columns, rows: history)]
    if let grains { tables.append(grains.table(StructureType.allCases.map(\.rawValue))) }
    return Report(tables: tables, numbers: numbers, samples: all.samples)
  }

  private struct Kept: Codable {
    var sums: BlockedSums.State
    var history: [[Double]]
    var grains: [[Double]]
  }

  func state(_ communicator: any Communicator) throws -> Data {
    sums.fold(communicator)
    return try JSONEncoder().encode(Kept(sums: sums.state, history: history, grains: grains?.rows ?? []))
  }

  func restore(_ state: Data, isRoot: Bool) -> Bool {
    guard let kept = try? JSONDecoder().decode(Kept.self, from: state),
      kept.history.allSatisfy({ $0.count == 2 + StructureType.allCases.count && $0.allSatisfy(\.isFinite) }),
      grains?.restore(kept.grains) ?? kept.grains.isEmpty, sums.restore(kept.sums, isRoot: isRoot)
    else { return false }
    history = kept.history
    return true
  }
}

extension InstrumentEntry {
  static let cna = InstrumentEntry(
    "cna",
    "Local structure (fcc, hcp, bcc, icosahedral, other) by common neighbour analysis, with a cutoff of each atom's own: "
      + "counts in time and mean fractions.", every: "500",
    [
      .optional(
        "cutoff", .quantity(.length, .positive.plausibly(1...20)), "One cutoff for all atoms, in the place of their own."),
      searchReach, GrainCounts.key,
    ], rules: [.init(.atMostOne, of: ["cutoff", "reach"])], example: "    - cna: {every: 1000}",
    reach: { $0["cutoff"]?.double ?? $0["reach"]?.double ?? 0 }
  ) { try StructureTypes($0, $1) }
}
