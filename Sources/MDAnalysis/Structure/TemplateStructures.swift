import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Fractions of atoms by the template that their neighbours match best, in time and as means, how well they do, and how far
/// nearest neighbours are; on wish orientation and strain of each atom at the last look.
final class TemplateStructures: Instrument {
  private let selection: Selection
  private let matcher: TemplateMatcher
  private let reach: Double
  /// Between nearest neighbours without strain, Å.
  private let length: Double?
  /// Of the last look: `Slot`. nil if the deck does not want it.
  private let last: Column<Double>?
  private let atoms: AtomStore
  /// step, time and counts of each sample, the same on every rank.
  private var history: [[Double]] = []
  private var grains: GrainCounts?
  var sums: BlockedSums

  /// What is kept of an atom: the structure's number from 1, 0 for other, −1 for atoms that do not count.
  private enum Slot { static let structure = 0, rmsd = 1, distance = 2, rotation = 3, strain = 7, position = 13, size = 16 }

  private var names: [String] { ["other"] + matcher.templates.map(\.name) }

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    let names = section.strings("structures")
    matcher = TemplateMatcher(
      StructureTemplate.all.filter { names.contains($0.name) }, cutoff: section.double("rmsd"))
    reach = section["reach"]?.double ?? setting.reach
    length = section["distance"]?.double
    atoms = setting.atoms
    last = Self.column(section, setting.name, setting.atoms)
    // Atoms of each structure; Σ of deviations and distances of those that match.
    sums = BlockedSums(width: 3 * (matcher.templates.count + 1))
    grains = try GrainCounts(section, setting, kinds: matcher.templates.count + 1)
  }

  static func column(_ section: DeckSection, _ name: String, _ atoms: AtomStore) -> Column<Double>? {
    guard section.boolean("atoms") else { return nil }
    return atoms.addColumn(name + " match", width: Slot.size, roles: [.migrates, .checkpointed])
  }

  func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    let list = scene.neighbors(within: reach)
    let view = scene.view
    var nearest = NearestNeighbors(capacity: matcher.candidates)
    var sample = [Double](repeating: 0, count: sums.width)
    var kinds = [Int](repeating: -1, count: view.localCount)
    for i in 0..<view.localCount where members[i] || last != nil {
      var match: TemplateMatch?
      if members[i] {
        nearest.find(i, list, view)
        match = matcher.match(nearest)
        let kind = match.map { $0.template + 1 } ?? 0
        kinds[i] = kind
        sample[3 * kind] += 1
        sample[3 * kind + 1] += match?.rmsd ?? 0
        sample[3 * kind + 2] += match?.distance ?? 0
      }
      if let last { keep(match, kinds[i], scene.wrapped(i), last.pointer + Slot.size * i) }
    }
    sums.add(sample)
    var counts = names.indices.map { sample[3 * $0] }
    scene.communicator.sum(&counts)
    history.append([Double(scene.step), scene.time] + counts)
    grains?.take(scene) { kinds[$0] < 0 ? nil : kinds[$0] }
  }

  private func keep(_ match: TemplateMatch?, _ kind: Int, _ r: Vector3, _ row: UnsafeMutablePointer<Double>) {
    row.update(repeating: 0, count: Slot.size)
    row[Slot.structure] = Double(kind)
    for k in 0..<3 { row[Slot.position + k] = r[k] }
    guard let match else { return }
    row[Slot.rmsd] = match.rmsd
    row[Slot.distance] = match.distance
    let (q, e) = (match.rotation, match.strain(length))
    for (k, x) in [q.w, q.x, q.y, q.z].enumerated() { row[Slot.rotation + k] = x }
    for (k, x) in [e.x.x, e.y.y, e.z.z, e.y.z, e.x.z, e.x.y].enumerated() { row[Slot.strain + k] = x }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    var tables = [
      Report.Table(
        columns: [Figure("step"), Figure("time", unit: "ps")] + names.map { Figure($0, unit: "atoms") }, rows: history)
    ]
    if let grains { tables.append(grains.table(names)) }
    if let atoms = table(communicator) { tables.append(atoms) }
    let kinds = names.count
    let total = all.total
    var numbers = names.enumerated().map { k, name in
      let fraction = all.estimate { sums in
        let n = (0..<kinds).reduce(0) { $0 + sums[3 * $1] }
        return n > 0 ? sums[3 * k] / n : 0
      }
      return Report.Number(
        name, fraction, unit: "1",
        k == 0
          ? "fraction of atoms that match no template"
          : "fraction of atoms that match this template best, by less than \(matcher.cutoff)")
    }
    for (k, name) in names.enumerated().dropFirst() where total[3 * k] > 0 {
      func mean(_ at: Int) -> Estimate { all.estimate { $0[3 * k] > 0 ? $0[3 * k + at] / $0[3 * k] : 0 } }
      numbers.append(.init("rmsd_" + name, mean(1), unit: "1", "their mean deviation, in mean distances of neighbours"))
      numbers.append(
        .init("distance_" + name, mean(2), unit: "Å", "mean distance of nearest neighbours in templates scaled to fit"))
    }
    return Report(tables: tables, numbers: numbers, samples: all.samples)
  }

  /// Atoms at the last look, in the order of their ids. Collective.
  private func table(_ communicator: any Communicator) -> Report.Table? {
    guard let last, !history.isEmpty else { return nil }
    var mine: [Double] = []
    for i in 0..<atoms.localCount where last[Slot.size * i] >= 0 {
      let row = last.pointer + Slot.size * i
      mine.append(Double(atoms.id[i]))
      mine += (0..<3).map { row[Slot.position + $0] }
      mine += (0..<Slot.position).map { row[$0] }
    }
    let width = Slot.size + 1
    let all = communicator.gather(mine)
    let rows = stride(from: 0, to: all.count, by: width).map { Array(all[$0..<($0 + width)]) }.sorted { $0[0] < $1[0] }
    return .init(
      suffix: "atoms",
      columns: [Figure("id")] + ["x", "y", "z"].map { Figure($0, unit: "Å", digits: 12) } + [Figure("structure")]
        + [Figure("rmsd", unit: "1", digits: 12), Figure("distance", unit: "Å", digits: 12)]
        + ["w", "x", "y", "z"].map { Figure("q_" + $0, unit: "1", digits: 12) }
        + Voigt.names.map { Figure("strain_" + $0, unit: "1", digits: 12) }, rows: rows)
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
      kept.history.allSatisfy({ $0.count == 2 + names.count && $0.allSatisfy(\.isFinite) }),
      grains?.restore(kept.grains) ?? kept.grains.isEmpty, sums.restore(kept.sums, isRoot: isRoot)
    else { return false }
    history = kept.history
    return true
  }
}

extension InstrumentEntry {
  static let templates = InstrumentEntry(
    "templates",
    "Local structure by polyhedral template matching (Larsen, Schmidt, Schiøtz 2016): counts in time and mean fractions, how "
      + "well atoms match, and orientation and strain of each.", every: "500",
    [
      .defaulted(
        "structures", .list(.enumeration(StructureTemplate.names), count: 1...StructureTemplate.all.count),
        "[fcc, hcp, bcc, icosahedral]", "Templates, of which the best match counts."),
      .defaulted(
        "rmsd", .number(.positive.plausibly(0.01...0.5)), "0.1",
        "Atoms that deviate more from every template are other: root of the mean square, in mean distances of neighbours."),
      searchReach, GrainCounts.key,
      .defaulted(
        "atoms", .boolean, "false",
        "Also a table of the atoms at the last look (NAME-atoms.csv): the structure's number (0 other, then as in NAME.csv), "
          + "deviation, distance of nearest neighbours, orientation as a quaternion from the template's axes, strain."),
      .optional(
        "distance", .quantity(.length, .positive.plausibly(1...20)),
        "Of nearest neighbours without strain; if absent, the strain of each atom is that beside its change of volume."),
    ],
    example: """
          - templates: {every: 1000, rmsd: 0.12}
          - templates: {name: grains, structures: [bcc], atoms: true, distance: 2.74}
      """,
    check: { section, context in
      let names = section.strings("structures")
      if Set(names).count < names.count { context.refuse(section.error("structures", "names one twice")) }
      if section["distance"] != nil, !section.boolean("atoms") {
        context.refuse(section.error("distance", "is for the strain of `atoms`, which are not asked for", hint: "`atoms: true`"))
      }
    }, reach: { $0["reach"]?.double ?? 0 },
    declare: { section, name, atoms in _ = TemplateStructures.column(section, name, atoms) }
  ) { try TemplateStructures($0, $1) }
}
