import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Jumps between the sites of a reference lattice: an atom belongs to the site whose core, a ball, it was in last, and jumps
/// when it comes into the core of another; how often and how far, how long it stays, and how many sites are taken.
///
/// Sites are fixed fractions of the cell; they are where atoms are at the first look, or a basis that is repeated. The mass
/// centre's way since the first look is taken off.
final class SiteJumps: Instrument {
  /// Of each look: Σ atoms·time since the look before, jumps, Σ their squared lengths and lengths, atoms, those in cores, sites
  /// without, with one and with more atoms, and one; then a histogram of lengths.
  private enum Slot {
    static let time = 0, jumps = 1, squares = 2, lengths = 3, atoms = 4, cores = 5, vacant = 6, single = 7, multiple = 8
    static let looks = 9, histogram = 10
  }

  private let selection: Selection
  private let radius: Double
  private let largest: Double
  private let bins: Int
  /// Fractional coordinates of sites; empty until the first look where they are those of atoms.
  private var sites: [Vector3] = []
  /// Mass centre at the first look, in fractions of the cell.
  private var start: Vector3?
  private var lastTime: Double?
  /// The shortest distance of two sites, Å, if it is below twice the radius, else infinite; nil before it was looked for.
  private var closest: Double?
  /// The site that an atom belongs to, from 1; 0 for none.
  private let site: Column<Double>
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    radius = section.double("radius")
    largest = section.double("largest")
    bins = section.integer("bins")
    site = Self.column(setting.name, setting.atoms)
    sums = BlockedSums(width: Slot.histogram + section.integer("bins"), capacity: 16)
    if let basis = section["basis"]?.list {
      let copies = section["repeat"]?.integers ?? [1, 1, 1]
      let points = basis.map(\.vector)
      for a in 0..<copies[0] { for b in 0..<copies[1] { for c in 0..<copies[2] {
        for p in points {
          let corner = p + Vector3(Double(a), Double(b), Double(c))
          sites.append(Vector3(corner.x / Double(copies[0]), corner.y / Double(copies[1]), corner.z / Double(copies[2])))
        }
      } } }
      if Self.closest(sites, setting.box, within: 2 * radius) < .infinity {
        var error = section.error(
          "radius", "lets the cores of two sites overlap", hint: "a radius below half of the distance of the nearest sites")
        error.isCollective = true
        throw error
      }
    }
  }

  private static func closest(_ sites: [Vector3], _ box: Box, within reach: Double) -> Double {
    let places = sites.map { box.cartesian($0) }
    let grid = PointGrid(places, in: box, reach: reach)
    var least = Double.infinity
    for (k, r) in places.enumerated() {
      grid.visit(near: r) { other, d in if other != k || d.length > 1e-9 { least = min(least, d.length) } }
    }
    return least
  }

  static func column(_ name: String, _ atoms: AtomStore) -> Column<Double> {
    atoms.addColumn(name + " site", roles: [.migrates, .checkpointed])
  }

  func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    let view = scene.view
    let center = scene.massCenter() * scene.box.inverse
    let drift = start.map { (center - $0) * scene.box.cell } ?? .zero
    let isFirst = start == nil
    if isFirst {
      start = center
      for i in 0..<view.localCount { site[i] = 0 }
      if sites.isEmpty { sites = try initial(scene, members) }
    }
    let grid = PointGrid(sites.map { scene.box.cartesian($0) }, in: scene.box, reach: radius)
    if closest == nil { closest = Self.closest(sites, scene.box, within: 2 * radius) }
    let passed = scene.time - (lastTime ?? scene.time)
    lastTime = scene.time
    var sample = [Double](repeating: 0, count: sums.width)
    var occupancy = [Double](repeating: 0, count: sites.count)
    for i in 0..<view.localCount where members[i] {
      let before = site[i] <= Double(sites.count) ? Int(site[i]) : 0
      let found = grid.nearest(to: view.positions[i] - drift)?.point
      sample[Slot.atoms] += 1
      if found != nil { sample[Slot.cores] += 1 }
      if before > 0 { sample[Slot.time] += passed }
      if let now = found {
        if before > 0, now != before - 1 {
          let length = scene.nearestImage((sites[now] - sites[before - 1]) * scene.box.cell).length
          sample[Slot.jumps] += 1
          sample[Slot.lengths] += length
          sample[Slot.squares] += length * length
          if length < largest { sample[Slot.histogram + min(Int(length / largest * Double(bins)), bins - 1)] += 1 }
        }
        site[i] = Double(now + 1)
      }
      let home = found.map { $0 + 1 } ?? before
      if home > 0 { occupancy[home - 1] += 1 }
    }
    scene.communicator.sum(&occupancy)
    if scene.communicator.isRoot {
      for n in occupancy { sample[n == 0 ? Slot.vacant : n == 1 ? Slot.single : Slot.multiple] += 1 }
      sample[Slot.looks] += 1
    }
    sums.add(sample)
  }

  /// Where the chosen atoms of all ranks are, in the order of their ids. Collective.
  private func initial(_ scene: Scene, _ members: [Bool]) throws -> [Vector3] {
    var mine: [Double] = []
    for i in 0..<scene.view.localCount where members[i] {
      let s = scene.box.fractional(scene.view.positions[i])
      mine += [Double(scene.atoms.id[i]), s.x, s.y, s.z]
    }
    let all = scene.communicator.gatherEverywhere(mine)
    var found: [(id: Double, place: Vector3)] = []
    for k in stride(from: 0, to: all.count, by: 4) { found.append((all[k], Vector3(all[k + 1], all[k + 2], all[k + 3]))) }
    return found.sorted { $0.id < $1.id }.map { $0.place }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    func ratio(_ a: Int, _ b: Int, _ factor: Double = 1) -> Estimate { all.estimate { $0[b] > 0 ? factor * $0[a] / $0[b] : .nan } }
    func fraction(_ k: Int) -> Estimate {
      all.estimate { sums in
        let n = sums[Slot.vacant] + sums[Slot.single] + sums[Slot.multiple]
        return n > 0 ? sums[k] / n : 0
      }
    }
    let none = total[Slot.jumps] > 0 ? nil : "no atom has jumped"
    // Where atoms were at the first look they are sites, however near to one another.
    let crowded = closest.flatMap { $0 < .infinity ? "cores overlap: sites are as near as \(String(format: "%.2f", $0)) Å; a smaller radius" : nil }
    let numbers: [Report.Number] = [
      .init("rate", ratio(Slot.jumps, Slot.time), unit: "1/ps", "jumps of an atom in time: from the core of one site to another's",
        note: crowded),
      .init(
        "residence", ratio(Slot.time, Slot.jumps), unit: "ps", "mean time that an atom belongs to a site, the inverse of the rate",
        note: none),
      .init("length", ratio(Slot.lengths, Slot.jumps), unit: "Å", "mean distance of the sites of a jump", note: none),
      .init(
        "D_random", ratio(Slot.squares, Slot.time, 1.0 / 6), unit: "Å²/ps",
        "Σ d²/6 in time and atom: the diffusion coefficient if jumps knew nothing of one another; D over this is the correlation factor"),
      .init("jumps", Estimate(total[Slot.jumps]), unit: "1", "jumps of all atoms at all looks"),
      .init("in_cores", ratio(Slot.cores, Slot.atoms), unit: "1", "fraction of atoms closer to a site than \(radius) Å"),
      .init("vacant", fraction(Slot.vacant), unit: "1", "fraction of sites that no atom belongs to"),
      .init("single", fraction(Slot.single), unit: "1", "fraction of sites that one atom belongs to"),
      .init("multiple", fraction(Slot.multiple), unit: "1", "fraction of sites that several atoms belong to"),
    ]
    let width = largest / Double(bins)
    return Report(
      tables: [
        .init(
          columns: [Figure("length", unit: "Å", digits: 12), Figure("jumps", unit: "1", digits: 17)],
          rows: (0..<bins).map { [(Double($0) + 0.5) * width, total[Slot.histogram + $0]] })
      ], numbers: numbers, samples: all.samples)
  }

  private struct Kept: Codable {
    var sums: BlockedSums.State
    var sites: [Double]
    var start: [Double]
    var lastTime: Double?
  }

  func state(_ communicator: any Communicator) throws -> Data {
    sums.fold(communicator)
    return try JSONEncoder().encode(
      Kept(
        sums: sums.state, sites: sites.flatMap { [$0.x, $0.y, $0.z] }, start: start.map { [$0.x, $0.y, $0.z] } ?? [],
        lastTime: lastTime))
  }

  func restore(_ state: Data, isRoot: Bool) -> Bool {
    guard let kept = try? JSONDecoder().decode(Kept.self, from: state), kept.sites.count % 3 == 0,
      kept.start.isEmpty || kept.start.count == 3, (kept.sites + kept.start).allSatisfy(\.isFinite),
      sums.restore(kept.sums, isRoot: isRoot)
    else { return false }
    sites = stride(from: 0, to: kept.sites.count, by: 3).map { Vector3(kept.sites[$0], kept.sites[$0 + 1], kept.sites[$0 + 2]) }
    start = kept.start.isEmpty ? nil : Vector3(kept.start[0], kept.start[1], kept.start[2])
    lastTime = kept.lastTime
    return true
  }
}

extension InstrumentEntry {
  private static let mostSites = 1e7

  static let jumps = InstrumentEntry(
    "jumps",
    "Jumps of atoms between the sites of a reference lattice: how often, how far, how long they stay, and how many sites are "
      + "taken.", every: "10",
    [
      .required(
        "radius", .quantity(.length, .positive.plausibly(0.1...10)),
        "Of the cores of sites: an atom has jumped when it comes into the core of another site. Less than half of their distance, else a note says so."),
      .optional(
        "basis", .list(.vector(.number(.any)), count: 1...10_000),
        "Sites in fractions of a cell (that of the structure over `repeat`); where the atoms of `of` are at the first look if absent."),
      .optional("repeat", .list(.copies, count: 3...3), "How often the basis is repeated along a, b and c; once if absent."),
      .defaulted("largest", .quantity(.length, .positive), "10", "Upper end of the histogram of jumps' lengths."),
      bins("50", "Its intervals."),
    ],
    example: """
          - jumps: {of: Li, radius: 0.8}
          - jumps: {name: octahedral, of: Li, radius: 0.8, basis: [[0.5, 0.5, 0.5], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]], repeat: [4, 4, 4]}
      species: {Li: {charge: 1}}
      """,
    needsTime: true,
    check: { section, context in
      if section["repeat"] != nil, section["basis"] == nil {
        context.refuse(section.error("repeat", "is for a `basis`, which is not given"))
      }
      let copies = (section["repeat"]?.integers ?? [1, 1, 1]).reduce(1) { $0 * Double($1) }
      if let basis = section["basis"]?.list, copies * Double(basis.count) > mostSites {
        context.refuse(section.error("repeat", "makes \(copies * Double(basis.count)) sites", hint: "at most 1e7: every rank holds all"))
      }
    },
    declare: { _, name, atoms in _ = SiteJumps.column(name, atoms) }
  ) { try SiteJumps($0, $1) }
}
