import Foundation
import MDCore
import MDDeck
import MDIO

/// Keeps an eye on what potentials say of themselves: figures for thermo.csv, structures to keep, a reason to stop, and
/// for the log where the training range was left. Without a plan it only fills the columns.
final class Watch: Observer {
  let name = "watch"
  private let plan: WatchPlan?
  private let system: DistributedSystem
  private let potentials: [any SelfAssessing]
  /// The step of the last structure that was kept.
  private var lastSelected: Int?
  private var offenders: [(offender: Offender, step: Int)] = []
  private var looks = 0
  private var looksOutside = 0

  init(_ plan: WatchPlan?, _ system: DistributedSystem) {
    self.plan = plan
    self.system = system
    potentials = system.selfAssessing
  }

  var isPossible: Bool { !potentials.isEmpty }
  private func isDue(_ step: Int) -> Bool { plan.map { step % $0.every == 0 } ?? false }

  // MARK: Observing

  var columns: [Figure] {
    let known = system.assessments
    return Assessment.allCases.filter(known.contains).map(\.figure)
  }

  /// Frames come when a limit says so.
  var keeps: TrajectoryPlan? {
    guard let plan else { return nil }
    let file = plan.select?.file ?? "selected.extxyz"
    return TrajectoryPlan(
      file: file, every: .max, format: FrameFile.hasNumberedTypes(file) ? .mlipConfiguration : .extxyz,
      gzip: file.hasSuffix(".gz"), columns: ["forces", "energies"] + columns.map(\.name), location: plan.location)
  }

  /// Refuses limits on what none of the potentials says of itself.
  func rehearse() throws -> [String] {
    guard let plan else { return [] }
    let known = system.assessments
    let asked = Set(plan.stop.keys).union(plan.select?.limits.keys ?? [:].keys)
    guard let missing = Assessment.allCases.first(where: { asked.contains($0) && !known.contains($0) }) else { return [] }
    throw FaultlineError(
      .input, "`\(missing.rawValue)` is asked for, which none of the potentials gives",
      hint: Self.hint(Assessment.allCases.filter(known.contains)), at: plan.location, isCollective: true)
  }

  static func hint(_ known: [Assessment]) -> String {
    known.isEmpty
      ? "hdnnp gives extrapolations, and with a committee force_deviation and energy_deviation, charge_deviation if it "
        + "has charges; mtp gives grade if its file has an active set"
      : "they give " + known.map(\.rawValue).joined(separator: ", ")
  }

  func wants(_ look: Look) -> Want? { isPossible && (look.isRow || isDue(look.step)) ? .assessment : nil }

  func observe(_ look: Look, _ engine: Engine, _ tally: Tally) throws -> Observation {
    let figures = self.look(at: look.step)
    return Observation(
      values: Dictionary(uniqueKeysWithValues: figures.map { ($0.key.column, $0.value) }),
      action: look.isStart ? .nothing : judge(figures, step: look.step))
  }

  func sumUp(_ engine: Engine) throws -> StageReport { StageReport(lines: report()) }

  private struct State: Codable {
    var lastSelected: Int?
  }

  func state() throws -> Data? { try JSONEncoder().encode(State(lastSelected: lastSelected)) }

  func restore(_ section: CheckpointSectionReader, clock: Clock) throws {
    let state = try section.decode(State.self)
    if let kept = state.lastSelected {
      try section.require((0...clock.step).contains(kept), "a structure kept at step \(kept)")
    }
    lastSelected = state.lastSelected
  }

  // MARK: Looking

  /// The system's figures after a `compute` that was asked for them. Collective.
  func look(at step: Int) -> [Assessment: Double] {
    var figures: [Assessment: Double] = [:]
    for potential in potentials {
      var sums = potential.assessmentSums
      system.communicator.sum(&sums)
      let maxima = potential.assessmentMaxima.map { system.communicator.maximum($0) }
      let values = potential.assess(sums: sums, maxima: maxima, atoms: system.totalCount)
      for (name, value) in zip(potential.assessments, values) {
        figures[name] = name == .extrapolations ? (figures[name] ?? 0) + value : max(figures[name] ?? 0, value)
      }
    }
    looks += 1
    if let count = figures[.extrapolations], count > 0 {
      looksOutside += 1
      note(step)
    }
    return figures
  }

  /// Adds this step's offenders to those since the last report.
  private func note(_ step: Int) {
    let present = potentials.flatMap(\.offenders)
    if offenders.isEmpty { offenders = present.map { (Offender(label: $0.label, count: 0, excess: 0, atom: 0), 0) } }
    for (k, mine) in present.enumerated() {
      offenders[k].offender.count += mine.count
      guard mine.excess > offenders[k].offender.excess else { continue }
      offenders[k].offender.excess = mine.excess
      offenders[k].offender.atom = mine.atom
      offenders[k].step = step
    }
  }

  // MARK: Judging

  /// What the limits of the deck say of these figures. The same on every rank.
  private func judge(_ figures: [Assessment: Double], step: Int) -> Observation.Action {
    guard let plan, isDue(step) else { return .nothing }
    if let reason = excess(figures, plan.stop) {
      let file = keeps?.file ?? ""
      return .stop(reason, hint: "the potential is not to be trusted there; the structure is in \(file)")
    }
    guard let select = plan.select, let reason = excess(figures, select.limits),
      lastSelected.map({ step - $0 >= select.spacing }) ?? true
    else { return .nothing }
    lastSelected = step
    return .keep(reason)
  }

  private func excess(_ figures: [Assessment: Double], _ limits: [Assessment: Double]) -> String? {
    for name in Assessment.allCases {
      guard let limit = limits[name], let value = figures[name], value > limit else { continue }
      return "\(name.rawValue) is \(Self.short(value)), above \(Self.short(limit))"
    }
    return nil
  }

  /// Lines for the log on what has been seen since the last report: a summary, never a line an atom. Collective.
  private func report() -> [String] {
    defer { (offenders, looks, looksOutside) = ([], 0, 0) }
    let communicator = system.communicator
    guard looks > 0, looksOutside > 0 else { return [] }
    // Every rank that has looked has the same list; one that has no atoms has zeros.
    var counts = offenders.map { Double($0.offender.count) }
    communicator.sum(&counts)
    var lines = ["extrapolation in \(RunLog.grouped(looksOutside)) of \(RunLog.grouped(looks)) steps looked at"]
    var found: [(line: String, excess: Double)] = []
    for (k, entry) in offenders.enumerated() {
      let excess = communicator.maximum(entry.offender.excess)
      guard excess > 0 else { continue }
      let mine = entry.offender.excess == excess
      let atom = communicator.minimum(mine ? Int(entry.offender.atom) : .max)
      let step = communicator.minimum(mine && Int(entry.offender.atom) == atom ? entry.step : .max)
      found.append(
        (
          "  \(entry.offender.label): \(RunLog.grouped(Int(counts[k]))) times, farthest atom \(atom) at step \(step), "
            + "\(RunLog.fixed(excess, 3)) of the range beyond it", excess
        ))
    }
    let worst = found.sorted { $0.excess > $1.excess }
    lines += worst.prefix(5).map(\.line)
    if worst.count > 5 { lines.append("  and \(worst.count - 5) more functions") }
    return lines
  }

  private static func short(_ x: Double) -> String {
    x == x.rounded() && abs(x) < 1e9 ? "\(Int(x))" : RunLog.fixed(x, 4)
  }
}

extension DistributedSystem {
  var selfAssessing: [any SelfAssessing] { potentials.compactMap { $0 as? any SelfAssessing } }
  var assessments: Set<Assessment> { Set(selfAssessing.flatMap(\.assessments)) }
}
