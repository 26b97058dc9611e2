import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Velocity autocorrelation C(t) = ⟨v(0)·v(t)⟩ by species over a window of lags, and the vibrational density of states,
/// its cosine transform. Origins are `samples`/`origins` looks apart; an atom counts if it was in `of` at the origin.
final class VelocityCorrelation: Instrument {
  private let selection: Selection
  private let species: [String]
  private let length: Int
  private let origins: Int
  private let gap: Int
  /// Velocities at the origins of each atom.
  private let kept: Column<Double>
  /// Whether it was among the chosen then; 1 or 0.
  private let marks: Column<Double>
  private var samples = 0
  private var spacing = SampleInterval()
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    species = setting.species
    length = section.integer("samples")
    origins = section.integer("origins")
    gap = length / origins
    (kept, marks) = Self.columns(section, setting.name, setting.atoms)
    // Of each lag and species: windows, Σ v·v.
    sums = BlockedSums(width: 2 * length * setting.species.count)
  }

  static func columns(_ section: DeckSection, _ name: String, _ atoms: AtomStore) -> (Column<Double>, Column<Double>) {
    let roles: ColumnRole = [.migrates, .checkpointed]
    let n = section.integer("origins")
    return (
      atoms.addColumn(name + " velocities", width: 3 * n, roles: roles), atoms.addColumn(name + " origins", width: n, roles: roles)
    )
  }

  var needsVelocities: Bool { true }

  func measure(_ scene: Scene) throws {
    if spacing.take(at: scene.time) == .irregular { samples = 0 }
    let members = try selection.members(scene)
    let view = scene.view
    let n = samples
    let (kept, marks) = (kept.pointer, marks.pointer)
    let kinds = species.count
    let isOrigin = n % gap == 0
    let fresh = n / gap % origins
    // Lags of the origins that there are; a new one takes the place of one whose window is over.
    let lags = (0..<origins).map { slot -> Int? in
      if isOrigin, slot == fresh { return 0 }
      let last = n / gap
      let age = (fresh - slot + origins) % origins
      return age <= last ? n - (last - age) * gap : nil
    }
    sums.add { sums in
      for i in 0..<view.localCount {
        let v = view.velocities[i]
        let row = kept + 3 * origins * i
        if isOrigin {
          (row[3 * fresh], row[3 * fresh + 1], row[3 * fresh + 2]) = (v.x, v.y, v.z)
          marks[origins * i + fresh] = members[i] ? 1 : 0
        }
        let kind = Int(view.species[i])
        for slot in 0..<origins where marks[origins * i + slot] == 1 {
          guard let lag = lags[slot] else { continue }
          let at = 2 * (lag * kinds + kind)
          sums[at] += 1
          sums[at + 1] += v.x * row[3 * slot] + v.y * row[3 * slot + 1] + v.z * row[3 * slot + 2]
        }
      }
    }
    samples += 1
  }

  /// C at each lag.
  private func curve(_ sums: [Double], _ kind: Int) -> [Double] {
    (0..<length).map { lag in
      let at = 2 * (lag * species.count + kind)
      return sums[at] > 0 ? sums[at + 1] / sums[at] : 0
    }
  }

  /// g(ν) = 4 ∫ C(t)/C(0) cos(2πνt) w(t) dt at ν = h/(2 t_max) with Hann's window w, by the trapezoid rule; ∫ g dν = 1; ps.
  static func density(_ c: [Double], interval: Double) -> [Double] {
    let n = c.count
    guard let first = c.first, first > 0, n > 1 else { return c.map { _ in 0 } }
    let step = Double.pi / Double(n - 1)
    return (0..<n).map { h in
      var sum = 0.0
      for k in 0..<n {
        let window = 0.5 * (1 + cos(step * Double(k)))
        let share = k == 0 || k == n - 1 ? 2.0 : 4.0
        sum += share * interval * c[k] / first * window * cos(step * Double(h * k))
      }
      return sum
    }
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let dt = spacing.interval ?? 0
    let kinds = species.indices.filter { total[2 * $0] > 0 }
    let curves = kinds.map { kind in all.estimates { self.curve($0, kind) } }
    let columns =
      [Figure("lag", unit: "ps", digits: 12)]
      + kinds.flatMap { Columns.pair("vacf_" + species[$0], "Å²/ps²") + [Figure("windows_" + species[$0], unit: "1", digits: 17)] }
    let filled = (0..<length).filter { lag in kinds.contains { total[2 * (lag * species.count + $0)] > 0 } }
    let rows = filled.map { lag -> [Double] in
      var row = [Double(lag) * dt]
      for (k, kind) in kinds.enumerated() {
        row += [curves[k][lag].value, curves[k][lag].error, total[2 * (lag * species.count + kind)]]
      }
      return row
    }
    var tables = [Report.Table(columns: columns, rows: rows)]
    guard dt > 0, filled.count == length else { return Report(tables: tables, numbers: [], samples: all.samples) }
    let densities = kinds.map { kind in all.estimates { Self.density(self.curve($0, kind), interval: dt) } }
    tables.append(
      .init(
        suffix: "dos",
        columns: [Figure("frequency", unit: "THz", digits: 12)] + kinds.flatMap { Columns.pair("dos_" + species[$0], "ps") },
        rows: (0..<length).map { h -> [Double] in
          var row = [Double(h) / (2 * Double(length - 1) * dt)]
          for density in densities { row += [density[h].value, density[h].error] }
          return row
        }))
    let numbers = kinds.map { kind in
      let integral = all.estimate { sums in
        let c = self.curve(sums, kind)
        return (c.reduce(0, +) - 0.5 * (c[0] + c[self.length - 1])) * dt / 3
      }
      return Report.Number(
        "D_" + species[kind], integral, unit: "Å²/ps",
        "∫ ⟨v(0)·v(t)⟩ dt/3 by the trapezoid rule up to \(Double(length - 1) * dt) ps, by Green and Kubo")
    }
    return Report(tables: tables, numbers: numbers, samples: all.samples)
  }

  private struct Kept: Codable {
    var sums: BlockedSums.State
    var samples: Int
    var interval: Double?
    var lastTime: Double?
  }

  func state(_ communicator: any Communicator) throws -> Data {
    sums.fold(communicator)
    return try JSONEncoder().encode(Kept(sums: sums.state, samples: samples, interval: spacing.interval, lastTime: spacing.lastTime))
  }

  func restore(_ state: Data, isRoot: Bool) -> Bool {
    guard let kept = try? JSONDecoder().decode(Kept.self, from: state), kept.samples >= 0, kept.interval ?? 1 > 0,
      sums.restore(kept.sums, isRoot: isRoot)
    else { return false }
    samples = kept.samples
    spacing = SampleInterval(interval: kept.interval, lastTime: kept.lastTime)
    return true
  }
}

extension InstrumentEntry {
  static let velocities = InstrumentEntry(
    "velocities",
    "Velocity autocorrelation by species, and the vibrational density of states (NAME-dos.csv) from it.", every: "2",
    [
      .defaulted("samples", .integer(2...100_000), "200", "Looks in a window."),
      .defaulted("origins", .integer(1...1000), "10", "Windows under way at a time; they begin `samples`/`origins` looks apart."),
    ], example: "    - velocities: {every: 4, samples: 500}",
    needsTime: true,
    check: { section, context in
      let (samples, origins) = (section.integer("samples"), section.integer("origins"))
      if samples % origins != 0 {
        context.refuse(
          section.error("origins", "does not divide `samples`, \(samples)", hint: "windows begin equally far apart"))
      }
    },
    declare: { section, name, atoms in _ = VelocityCorrelation.columns(section, name, atoms) }
  ) { try VelocityCorrelation($0, $1) }
}
