import Foundation
import MDCore
import MDDeck
import MDNumerics

/// Profiles along a vector of the cell, or maps in the plane of two, of per-atom quantities: sums over the atoms of each
/// interval of the fractional coordinate, over its volume or over the atoms.
final class Profile: Instrument {
  /// What can be asked for, and what one interval sums up for it.
  enum Quantity: String, CaseIterable {
    case density, massDensity = "mass_density", chargeDensity = "charge_density", potential, temperature, velocity, energy,
      stress
  }

  private let selection: Selection
  private let species: [String]
  private let masses: [Double]
  private let axes: [Int]
  private let bins: Int
  private let quantities: [Quantity]
  /// Where the sums of a quantity begin within an interval's.
  private let places: [Int]
  private let width: Int
  var sums: BlockedSums

  init(_ section: DeckSection, _ setting: InstrumentSetting) throws {
    selection = try setting.names.selection(section)
    species = setting.species
    masses = setting.masses
    axes = (section["along"]?.string ?? section["in"]!.string).map { ["a": 0, "b": 1, "c": 2][$0] ?? 2 }
    bins = section.integer("bins")
    quantities = section.strings("quantities").map { Quantity(rawValue: $0)! }
    // Atoms of each species come first: others need them.
    var at = species.count
    var places: [Int] = []
    for quantity in quantities {
      places.append(at)
      at += Self.size(quantity)
    }
    (self.places, width) = (places, at)
    let intervals = axes.reduce(1) { n, _ in n * section.integer("bins") }
    // The last: volume and the lengths along the axes, of each sample.
    sums = BlockedSums(width: intervals * at + 1 + axes.count)
    if quantities.contains(.potential), !setting.box.periodic[axes[0]] {
      var error = section.error("quantities", "has the potential along an open axis", hint: "Poisson's equation is solved for periodic charges")
      error.isCollective = true
      throw error
    }
  }

  private static func size(_ quantity: Quantity) -> Int {
    switch quantity {
    case .density, .massDensity: 0
    case .chargeDensity, .potential, .temperature, .energy: 1
    case .velocity: 3
    case .stress: 6
    }
  }

  static func wants(_ section: DeckSection) -> Want {
    let names = section.strings("quantities")
    var want: Want = []
    if names.contains("energy") { want.insert(.atomEnergy) }
    if names.contains("stress") { want.insert(.atomVirial) }
    return want
  }

  var needsVelocities: Bool { quantities.contains { [.temperature, .velocity, .stress].contains($0) } }
  var needsCharges: Bool { quantities.contains { [.chargeDensity, .potential].contains($0) } }

  func measure(_ scene: Scene) throws {
    let members = try selection.members(scene)
    let view = scene.view
    let isRoot = scene.communicator.isRoot
    let intervals = (sums.width - 1 - axes.count) / width
    sums.add { sums in
      for i in 0..<view.localCount where members[i] {
        let s = scene.box.fractional(view.positions[i])
        var interval = 0
        for axis in axes {
          let x = scene.box.periodic[axis] ? s[axis] - s[axis].rounded(.down) : min(max(s[axis], 0), 1)
          interval = interval * bins + min(Int(x * Double(bins)), bins - 1)
        }
        add(i, view, to: sums + interval * width)
      }
      if isRoot {
        sums[intervals * width] += scene.box.volume
        for (k, axis) in axes.enumerated() { sums[intervals * width + 1 + k] += scene.box.heights[axis] }
      }
    }
  }

  @inline(__always)
  private func add(_ i: Int, _ view: AtomView, to row: UnsafeMutablePointer<Double>) {
    let kind = Int(view.species[i])
    row[kind] += 1
    let m = masses[kind] * Units.massVelocitySquaredToEnergy
    for (quantity, at) in zip(quantities, places) {
      switch quantity {
      case .density, .massDensity: break
      case .chargeDensity, .potential: row[at] += view.charges?[i] ?? 0
      case .temperature: row[at] += m * view.velocities[i].squaredLength
      case .velocity: for k in 0..<3 { row[at + k] += view.velocities[i][k] }
      case .energy: row[at] += view.energies?[i] ?? 0
      case .stress:
        let v = view.velocities[i]
        guard let w = view.virials.map({ $0 + 9 * i }) else { break }
        let pressure = [
          w[0] + m * v.x * v.x, w[4] + m * v.y * v.y, w[8] + m * v.z * v.z, 0.5 * (w[5] + w[7]) + m * v.y * v.z,
          0.5 * (w[2] + w[6]) + m * v.x * v.z, 0.5 * (w[1] + w[3]) + m * v.x * v.y,
        ]
        for k in 0..<6 { row[at + k] -= pressure[k] }
      }
    }
  }

  /// The columns of a quantity with their units.
  private func figures(_ quantity: Quantity) -> [(name: String, unit: String)] {
    switch quantity {
    case .density: (species.count > 1 ? ["all"] : []).map { ("density_" + $0, "1/Å³") } + species.map { ("density_" + $0, "1/Å³") }
    case .massDensity: [("mass_density", "g/cm³")]
    case .chargeDensity: [("charge_density", "e/Å³")]
    case .potential: [("potential", "V")]
    case .temperature: [("temperature", "K")]
    case .velocity: ["x", "y", "z"].map { ("velocity_" + $0, "Å/ps") }
    case .energy: [("energy", "eV")]
    case .stress: Voigt.names.map { ("stress_" + $0, "GPa") }
    }
  }

  /// Values of all intervals, column after column.
  private func values(_ sums: [Double], length: Double) -> [Double] {
    let intervals = (sums.count - 1 - axes.count) / width
    let volume = sums[intervals * width] / Double(intervals)
    func column(_ body: (ArraySlice<Double>) -> Double) -> [Double] {
      (0..<intervals).map { body(sums[($0 * width)..<(($0 + 1) * width)]) }
    }
    let kinds = species.count
    func atoms(_ row: ArraySlice<Double>) -> Double { row.prefix(kinds).reduce(0, +) }
    func mean(_ at: Int, _ factor: Double) -> [Double] {
      column { row in
        let n = atoms(row)
        return n > 0 ? factor * row[row.startIndex + at] / n : 0
      }
    }
    return zip(quantities, places).flatMap { quantity, at -> [Double] in
      switch quantity {
      case .density:
        return (kinds > 1 ? column { atoms($0) / volume } : [])
          + (0..<kinds).flatMap { k in column { $0[$0.startIndex + k] / volume } }
      case .massDensity:
        // g/mol an Å³ is 1.66053906660 g/cm³.
        return column { row in zip(row.prefix(kinds), self.masses).reduce(0) { $0 + $1.0 * $1.1 } * 1.66053906660 / volume }
      case .chargeDensity: return column { $0[$0.startIndex + at] / volume }
      case .potential:
        return Self.potential(column { $0[$0.startIndex + at] / volume }, length: length)
      case .temperature: return mean(at, 1 / (3 * Units.boltzmann))
      case .velocity: return (0..<3).flatMap { mean(at + $0, 1) }
      case .energy: return mean(at, 1)
      case .stress:
        let gigapascal = Units.energyPerVolumeToBar / 10_000
        return (0..<6).flatMap { k in column { gigapascal * $0[$0.startIndex + at + k] / volume } }
      }
    }
  }

  /// φ'' = −4π k_C ρ of a periodic charge (e/Å³) less its mean, with the mean of φ zero, V: in Fourier components.
  static func potential(_ density: [Double], length: Double) -> [Double] {
    let n = density.count
    var result = [Double](repeating: 0, count: n)
    for h in 1..<max(n, 2) where 2 * h <= n {
      let q = 2 * Double.pi * Double(h) / length
      var (re, im) = (0.0, 0.0)
      for (k, rho) in density.enumerated() {
        let phase = 2 * Double.pi * Double(h * k % n) / Double(n)
        re += rho * cos(phase)
        im += rho * sin(phase)
      }
      let share = (2 * h == n ? 1.0 : 2.0) / Double(n) * 4 * Double.pi * Units.coulomb / (q * q)
      for k in 0..<n {
        let phase = 2 * Double.pi * Double(h * k % n) / Double(n)
        result[k] += share * (re * cos(phase) + im * sin(phase))
      }
    }
    return result
  }

  func report(_ communicator: any Communicator) -> Report {
    let all = sums.reduced(communicator)
    let total = all.total
    let intervals = (total.count - 1 - axes.count) / width
    let lengths = axes.indices.map { total[intervals * width + 1 + $0] / Double(max(all.samples, 1)) }
    let estimates = all.estimates { self.values($0, length: lengths[0]) }
    let figures = quantities.flatMap(figures)
    let columns =
      axes.map { Figure(["a", "b", "c"][$0], unit: "Å", digits: 12) }
      + species.map { Figure("atoms_" + $0, unit: "1", digits: 17) }
      + figures.flatMap { Columns.pair($0.name, $0.unit) }
    var rows: [[Double]] = []
    for n in 0..<intervals {
      let place = axes.count == 1 ? [n] : [n / bins, n % bins]
      var row = zip(place, lengths).map { (Double($0) + 0.5) * $1 / Double(bins) }
      for kind in species.indices { row.append(total[n * width + kind]) }
      for f in figures.indices {
        let estimate = estimates[f * intervals + n]
        row += [estimate.value, estimate.error]
      }
      rows.append(row)
    }
    return Report(tables: [.init(columns: columns, rows: rows)], numbers: [], samples: all.samples)
  }
}

extension InstrumentEntry {
  static let profile = InstrumentEntry(
    "profile",
    "Profiles along a vector of the cell, or maps in the plane of two: sums of per-atom quantities over intervals. Places are "
      + "distances along the normals of the cell's faces.", every: "100",
    [
      .optional("along", .enumeration(["a", "b", "c"]), "The vector of the cell that is divided."),
      .optional("in", .enumeration(["ab", "ac", "bc"]), "The two vectors of a map."),
      bins("50", "Intervals along each."),
      .defaulted(
        "quantities", .list(.enumeration(Profile.Quantity.allCases.map(\.rawValue)), count: 1...8), "[density]",
        "`density` of atoms, all and by species; `mass_density`; `charge_density`; `potential` by Poisson's equation from the "
          + "charges (along one periodic vector); `temperature` 2K/3Nk; mean `velocity`; mean potential `energy`; `stress` from "
          + "per-atom virials and motion, positive in tension."),
    ], rules: [.init(.exactlyOne, of: ["along", "in"])],
    example: "    - profile: {along: c, bins: 100, quantities: [density, temperature, stress]}",
    check: { section, context in
      let names = section.strings("quantities")
      if Set(names).count < names.count { context.refuse(section.error("quantities", "names one twice")) }
      if section["in"] != nil, names.contains("potential") {
        context.refuse(section.error("quantities", "has the potential, which is for profiles along one vector"))
      }
    }, wants: Profile.wants
  ) { try Profile($0, $1) }
}
