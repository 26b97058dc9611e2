import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Rotation of polyanions: C₁(t) = ⟨u(0)·u(t)⟩ and C₂(t) = ⟨(3 (u(0)·u(t))² − 1)/2⟩ of the directions u of bonds from a corner
/// to its centre, which is followed by its id, over windows of all lengths; and the times in which they decay.
///
/// A corner's bond is that to the nearest centre closer than the cutoff. It is lost when the centre is no longer within
/// `breaks`; windows are of bonds that lasted, and at a later look the corner may have another.
final class BondRotation: Instrument {
  /// Of one lag: windows, Σ u·u', Σ (u·u')².
  private enum Slot { static let count = 0, cosine = 1, square = 2, size = 3 }
  /// Of each look: bonds, those lost, and one.
  private enum Other { static let bonds = 0, lost = 1, samples = 2, size = 3 }

  private let selection: Selection
  private let center: Int32
  private let corner: Int32
  private let cutoff: Double
  private let breaks: Double
  private let windows: TauWindows
  private let trails: Trails
  /// Id of the centre; 0 without one.
  private let partner: Column<Double>
  private var spacing = SampleInterval()
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    center = try setting.names.species(section, "center")
    corner = try setting.names.species(section, "corner")
    cutoff = section.double("cutoff")
    breaks = Self.breaks(section)
    windows = Transport.windows(section)
    (trails, partner) = Self.columns(section, setting.name, setting.atoms)
    sums = BlockedSums(width: Slot.size * windows.lags.count + Other.size, capacity: 16)
  }

  static func breaks(_ section: DeckSection) -> Double { section["breaks"]?.double ?? 1.5 * section.double("cutoff") }

  static func columns(_ section: DeckSection, _ name: String, _ atoms: AtomStore) -> (Trails, Column<Double>) {
    (
      Trails(Transport.windows(section), name: name, atoms: atoms),
      atoms.addColumn(name + " partner", roles: [.migrates, .checkpointed])
    )
  }

  func measure(_ scene: Scene) throws {
    let look = spacing.take(at: scene.time)
    if look == .first { for i in 0..<scene.atoms.localCount { self.partner[i] = 0 } }
    if look != .regular { trails.restart(scene.atoms) }
    let members = try selection.members(scene)
    let list = scene.neighbors(within: breaks)
    let view = scene.view
    let partner = partner.pointer
    var inside = [Bool](repeating: false, count: view.localCount)
    var direction = [Vector3](repeating: .zero, count: view.localCount)
    var lost = 0
    for i in 0..<view.localCount where view.species[i] == corner {
      let wasBound = partner[i] > 0
      var best = (square: wasBound ? breaks * breaks : cutoff * cutoff, vector: Vector3.zero, id: 0.0)
      for k in list.starts[i]..<list.starts[i + 1] {
        let j = Int(list.indices[k])
        guard view.species[j] == center, !wasBound || Double(scene.atoms.id[j]) == partner[i] else { continue }
        let d = view.positions[i] - view.positions[j]
        if d.squaredLength < best.square { best = (d.squaredLength, d, Double(scene.atoms.id[j])) }
      }
      partner[i] = best.id
      if best.id > 0 {
        direction[i] = best.vector / best.vector.length
        inside[i] = members[i]
      } else if wasBound {
        lost += 1
      }
    }
    let at = Slot.size * windows.lags.count
    let isRoot = scene.communicator.isRoot
    sums.add { sums in
      _ = trails.take(scene.atoms, isInside: inside, place: { direction[$0] }) { visit in
        guard visit.hasStayed else { return }
        let row = sums + Slot.size * visit.lag
        // |u − u'|² = 2 − 2 u·u'.
        let cosine = 1 - 0.5 * visit.displacement.squaredLength
        row[Slot.count] += 1
        row[Slot.cosine] += cosine
        row[Slot.square] += cosine * cosine
      }
      for isBound in inside where isBound { sums[at + Other.bonds] += 1 }
      sums[at + Other.lost] += Double(lost)
      if isRoot { sums[at + Other.samples] += 1 }
    }
  }

  /// C_l at each lag, l = 1 or 2; NaN where there is none.
  private func curve(_ sums: [Double], _ l: Int) -> [Double] {
    windows.lags.indices.map { lag in
      let row = Slot.size * lag
      let n = sums[row + Slot.count]
      guard n > 0 else { return .nan }
      return l == 1 ? sums[row + Slot.cosine] / n : 1.5 * sums[row + Slot.square] / n - 0.5
    }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let interval = spacing.interval ?? 0
    let filled = windows.lags.indices.filter { total[Slot.size * $0 + Slot.count] > 0 }
    let curves = [1, 2].map { l in all.estimates { self.curve($0, l) } }
    let columns =
      [Figure("samples", unit: "1", digits: 17), Figure("lag", unit: "ps", digits: 12)] + Columns.pair("C1", "1")
      + Columns.pair("C2", "1") + [Figure("windows", unit: "1", digits: 17)]
    let rows = filled.map { lag -> [Double] in
      var row = [Double(windows.lags[lag]), Double(windows.lags[lag]) * interval]
      for curve in curves { row += [curve[lag].value, curve[lag].error] }
      return row + [total[Slot.size * lag + Slot.count]]
    }
    let at = Slot.size * windows.lags.count
    var numbers = interval > 0 ? [1, 2].map { time(all, $0, interval) } : []
    numbers.append(
      .init(
        "bonds", all.estimate { $0[at + Other.bonds] / max($0[at + Other.samples], 1) }, unit: "1",
        "bonds that are followed, mean over samples"))
    numbers.append(.init("lost", Estimate(total[at + Other.lost]), unit: "1", "bonds lost between two samples, over all samples"))
    return Report(tables: [.init(columns: columns, rows: rows)], numbers: numbers, samples: all.samples)
  }

  private static let low = 0.1

  /// ∫ C_l dt by the lags within a block.
  private func time(_ all: BlockedSums, _ l: Int, _ interval: Double) -> Report.Number {
    let what = "integral over time of C\(l) of the bonds' directions, up to the first lag at which it is below \(Self.low), with "
      + "an exponential tail; lags up to a block, error by jackknife over blocks"
    func none(_ why: String) -> Report.Number { .init("tau_\(l)", Estimate(.nan), unit: "ps", what, note: "too short: " + why) }
    let c = curve(all.total, l)
    let usable = windows.lags.indices.filter { windows.lags[$0] <= all.length && c[$0].isFinite }
    guard all.counts.count >= BlockedSums.fewestBlocks, !usable.isEmpty else {
      return none("\(all.samples) samples, \(BlockedSums.fewestBlocks) are the fewest")
    }
    let times = usable.map { Double(windows.lags[$0]) * interval }
    guard let end = Decay.end(usable.map { c[$0] }, low: Self.low) else {
      return none("C\(l) is still \(String(format: "%.2f", c[usable[usable.count - 1]])) at the longest lag, \(times[times.count - 1]) ps")
    }
    guard end >= 3 else { return none("C\(l) has decayed within \(end + 1) lags: look more often") }
    let value = all.estimate { sums in
      let c = self.curve(sums, l)
      return Decay.integral(usable.map { c[$0] }, times: times, end: end)
    }
    return .init("tau_\(l)", value, unit: "ps", what)
  }

  private struct Kept: Codable {
    var sums: BlockedSums.State
    var samples: Int
    var interval: Double?
    var lastTime: Double?
  }

  func state(_ communicator: any Communicator) throws -> Data {
    sums.fold(communicator)
    return try JSONEncoder().encode(
      Kept(sums: sums.state, samples: trails.samples, interval: spacing.interval, lastTime: spacing.lastTime))
  }

  func restore(_ state: Data, isRoot: Bool) -> Bool {
    guard let kept = try? JSONDecoder().decode(Kept.self, from: state), kept.samples >= 0, kept.interval ?? 1 > 0,
      sums.restore(kept.sums, isRoot: isRoot)
    else { return false }
    trails.goOn(at: kept.samples)
    spacing = SampleInterval(interval: kept.interval, lastTime: kept.lastTime)
    return true
  }
}

extension InstrumentEntry {
  static let rotation = InstrumentEntry(
    "rotation",
    "Rotation of polyanions (PS4, BH4, …): correlations C1 and C2 of the directions of bonds, which are followed by the atoms' "
      + "ids, over windows of all lengths, and the times in which they decay.", every: "10",
    [
      .required("center", .string, "Species in the middle."),
      .required("corner", .string, "Species of the corners, which have one bond each: to the nearest centre."),
      cutoff("Atoms closer than this are bonded when a bond is first looked for."),
      .optional(
        "breaks", .quantity(.length, .positive.plausibly(1...30)),
        "A bond as long as this is lost, and another looked for; 1.5 times the cutoff if absent."),
      .defaulted("points", .integer(4...Trails.mostPoints), "16", "Samples kept at each level, an even number."),
      .defaulted("levels", .integer(1...12), "4", "Levels of windows, as in `transport`."),
    ], example: "    - rotation: {center: P, corner: S, cutoff: 2.6}\nspecies: {P: {charge: 1}, S: {charge: -0.25}}", needsTime: true,
    check: { section, context in
      if section.integer("points") % 2 != 0 {
        context.refuse(section.error("points", "is odd", hint: "levels are half as many times apart"))
      }
      if section.string("center") == section.string("corner") {
        context.refuse(section.error("corner", "is the species in the middle", hint: "bonds are between two species"))
      }
      if let breaks = section["breaks"]?.double, breaks < section.double("cutoff") {
        context.refuse(section.error("breaks", "is shorter than the cutoff, \(section.double("cutoff")) Å"))
      }
    }, reach: BondRotation.breaks,
    declare: { section, name, atoms in _ = BondRotation.columns(section, name, atoms) }
  ) { try BondRotation($0, $1) }
}
