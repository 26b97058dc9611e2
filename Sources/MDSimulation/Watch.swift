import MDCore
import MDDeck

/// Keeps an eye on what potentials say of themselves: figures for thermo.csv, structures to keep, a reason to stop, and
/// for the log where the training range was left.
final class Watch {
  let plan: WatchPlan?
  private let system: DistributedSystem
  private let potentials: [any SelfAssessing]
  /// The step of the last structure that was kept.
  private(set) var lastSelected: Int?
  private var offenders: [(offender: Offender, step: Int)] = []
  private var looks = 0
  private var looksOutside = 0

  init(_ plan: WatchPlan?, _ system: DistributedSystem, lastSelected: Int?) {
    self.plan = plan
    self.system = system
    self.lastSelected = lastSelected
    potentials = system.selfAssessing
  }

  var isPossible: Bool { !potentials.isEmpty }
  func isDue(_ step: Int) -> Bool { plan.map { step % $0.every == 0 } ?? false }

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

  enum Verdict: Equatable {
    case nothing
    /// Keep the structure; the words say why.
    case select(String)
    case stop(String)
  }

  /// What the limits of the deck say of these figures. The same on every rank.
  func judge(_ figures: [Assessment: Double], step: Int) -> Verdict {
    guard let plan, isDue(step) else { return .nothing }
    if let reason = excess(figures, plan.stop) { return .stop(reason) }
    guard let select = plan.select, let reason = excess(figures, select.limits),
      lastSelected.map({ step - $0 >= select.spacing }) ?? true
    else { return .nothing }
    lastSelected = step
    return .select(reason)
  }

  private func excess(_ figures: [Assessment: Double], _ limits: [Assessment: Double]) -> String? {
    for name in Assessment.allCases {
      guard let limit = limits[name], let value = figures[name], value > limit else { continue }
      return "\(name.rawValue) is \(Self.short(value)), above \(Self.short(limit))"
    }
    return nil
  }

  /// Lines for the log on what has been seen since the last report: a summary, never a line an atom. Collective.
  func report() -> [String] {
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
