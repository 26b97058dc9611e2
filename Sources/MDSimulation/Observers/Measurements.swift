import Foundation
import MDAnalysis
import MDCore
import MDDeck
import MDParallel
import MDPotentials

/// The instruments of a deck's `analysis.measure` with their regions, and when each of them looks. Works on any system:
/// that of a run, or of frames that were read.
final class Measurements {
  struct Item {
    let name: String
    let plan: EntryPlan
    let every: Int
    let from: Int
    let instrument: any Instrument
    let wants: Want
    var lastStep = -1
  }

  private(set) var items: [Item] = []
  private let regions: [String: any Region]
  private let lists = ListCache()
  private let system: DistributedSystem
  private let speciesCounts: [Int]

  /// Neighbours are looked for no farther than this where the deck does not say how far, Å.
  static let usualReach = 6.0

  /// How far ghosts must be known for a deck's instruments and regions, Å.
  static func reach(_ plan: RunPlan) -> Double {
    plan.measures.map { InstrumentEntry.named($0.name).reach($0.section) }.reduce(RegionEntry.reach(plan.regions), max)
  }

  /// Declares the columns of atoms that instruments keep; before atoms are there.
  static func declare(_ plan: RunPlan, _ atoms: AtomStore) {
    for item in plan.measures {
      InstrumentEntry.named(item.name).declare(item.section, item.measureName, atoms)
    }
  }

  /// Collective. Throws every mistake at once.
  init(_ plan: RunPlan, _ system: DistributedSystem, hasVelocities: Bool = true) throws {
    self.system = system
    var counts = [Double](repeating: 0, count: system.species.count)
    for i in 0..<system.atoms.localCount { counts[Int(system.atoms.species[i])] += 1 }
    system.communicator.sum(&counts)
    speciesCounts = counts.map { Int($0) }
    let known = min(system.halo, Self.usualReach)
    var mistakes = Mistakes()
    regions = try mistakes.attempt { try RegionEntry.regions(plan.regions, reach: known, species: system.species) } ?? [:]
    let names = SelectionNames(species: system.species, groups: plan.groups.map(\.name), regions: regions)
    for item in plan.measures {
      let setting = InstrumentSetting(
        name: item.measureName, names: names, atoms: system.atoms, masses: system.masses, speciesCounts: speciesCounts,
        box: system.box, reach: known, hasVelocities: hasVelocities,
        potentials: system.potentials.map { ($0.name, $0.pairForces) },
        bornCharges: system.atoms.column(named: ChargedNEPPotential.bornColumn))
      let made = try mistakes.attempt { try InstrumentEntry.named(item.name).make(item.section, setting) }
      guard let instrument = made else { continue }
      if instrument.needsCharges, system.atoms.charge == nil {
        mistakes.note([Self.refuse(item, "needs charges, which neither the structure nor a potential has")])
      }
      if instrument.needsVelocities, !hasVelocities {
        mistakes.note([Self.refuse(item, "needs velocities, which the frames do not have")])
      }
      items.append(
        Item(
          name: item.measureName, plan: item, every: item.section.integer("every"), from: item.section.integer("from"),
          instrument: instrument, wants: InstrumentEntry.named(item.name).wants(item.section)))
    }
    try mistakes.refuse()
  }

  private static func refuse(_ item: EntryPlan, _ what: String) -> FaultlineError {
    FaultlineError(.input, "the observer \(item.measureName) \(what)", at: item.location, isCollective: true)
  }

  // MARK: Looking

  private func isDue(_ item: Item, _ step: Int) -> Bool {
    step >= item.from && step % item.every == 0 && step > item.lastStep
  }

  /// What those that look at this step need computed; nil if none looks.
  func wants(at step: Int) -> Want? {
    let due = items.filter { isDue($0, step) }
    return due.isEmpty ? nil : due.reduce(into: Want()) { $0.formUnion($1.wants) }
  }

  /// Has those look that are due, or all that may at such a step. Ghosts are where their owners are. Collective.
  func look(step: Int, time: Double, everyStep: Bool = false) throws {
    let scene = Scene(
      atoms: system.atoms, box: system.box, step: step, time: time, species: system.species, masses: system.masses,
      totalCount: system.totalCount, speciesCounts: speciesCounts, communicator: system.communicator,
      ghosts: system.exchange, lists: lists)
    for k in items.indices where everyStep ? step >= items[k].from : isDue(items[k], step) {
      try items[k].instrument.measure(scene)
      items[k].lastStep = step
    }
  }

  /// Collective.
  func reports() -> [(name: String, report: Report)] {
    items.map { ($0.name, $0.instrument.report(system.communicator)) }
  }

  /// Files that the instruments of a deck may write.
  static func files(_ plan: RunPlan) -> [String] {
    plan.measures.flatMap { item in Report.endings.map { ResultsFile.table(item.measureName, $0) } }
  }

  // MARK: Checkpoints

  private struct Kept: Codable {
    struct One: Codable {
      var name: String
      var lastStep: Int
      var state: Data
    }
    var instruments: [One]
    var regions: [String: [Double]]
  }

  /// Collective.
  func state() throws -> Data {
    try JSONEncoder().encode(
      Kept(
        instruments: items.map {
          .init(name: $0.name, lastStep: $0.lastStep, state: try $0.instrument.state(system.communicator))
        }, regions: regions.compactMapValues(\.state)))
  }

  func restore(_ section: CheckpointSectionReader, clock: Clock) throws {
    let kept = try section.decode(Kept.self)
    try section.require(kept.instruments.map(\.name) == items.map(\.name), "observers \(kept.instruments.map(\.name))")
    for (k, one) in kept.instruments.enumerated() {
      try section.require(
        one.lastStep <= clock.step && items[k].instrument.restore(one.state, isRoot: system.communicator.isRoot),
        "a state of \(one.name)")
      items[k].lastStep = one.lastStep
    }
    for (name, state) in kept.regions {
      try section.require(regions[name]?.restore(state) ?? false, "a state of the region \(name)")
    }
    try section.require(
      Set(kept.regions.keys) == Set(regions.filter { $0.value.state != nil }.keys), "other regions than the deck has")
  }
}

/// The measurements of a run.
final class MeasurementObserver: Observer {
  let name = "measure"
  private let measurements: Measurements
  private let system: DistributedSystem

  init(_ setting: ObserverEntry.Setting) throws {
    measurements = try Measurements(setting.plan, setting.system)
    system = setting.system
  }

  /// Steps of dynamics, and the configuration that the first begins with.
  func wants(_ look: Look) -> Want? {
    guard look.stage?.isDynamics ?? false else { return nil }
    return measurements.wants(at: look.step)
  }

  func observe(_ look: Look, _ engine: Engine, _ tally: Tally) throws -> Observation {
    // A barostat may have moved atoms since the forces.
    system.refresh()
    system.timers.start(.analysis)
    try measurements.look(step: look.step, time: engine.clock.time)
    return Observation()
  }

  func reports() -> [(name: String, report: Report)] { measurements.reports() }

  /// The first numbers of each, for the log.
  func sumUp(_ engine: Engine) throws -> StageReport {
    guard engine.stage.isDynamics else { return StageReport() }
    var report = StageReport()
    for (name, measured) in measurements.reports() where measured.samples > 0 {
      let numbers = measured.numbers.prefix(2).map { number in
        let e = number.estimate
        if e.value.isNaN { return "\(number.name): \(number.note ?? "none")" }
        let error = e.error.isNaN ? "" : String(format: " ± %.2g", e.error)
        return number.name + String(format: " %.5g", e.value) + error + (number.unit == "1" ? "" : " " + number.unit)
      }
      report.lines.append(
        "\(name): " + (numbers.isEmpty ? RunLog.counted(measured.samples, "sample") : numbers.joined(separator: ", ")))
    }
    return report
  }

  func state() throws -> Data? { try measurements.state() }
  func restore(_ section: CheckpointSectionReader, clock: Clock) throws {
    try measurements.restore(section, clock: clock)
  }
}
